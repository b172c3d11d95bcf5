package mailbox

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Our own client, because the libraries have no STLS and read lines and messages of any length.

const (
	maxListing  = 16 << 20 // of UIDL and LIST, in bytes: some 200,000 messages
	maxPop3UID  = 200      // bytes; RFC 1939 §7 allows 70
	topLines    = 400      // of a message that is too large to be read whole
	popMessages = 200      // messages taken in one session: DELE counts only with QUIT
)

// popSession is a connection that is logged in.
type popSession struct {
	w       *wire
	r       *bufio.Reader
	text    *textproto.Reader
	timeout time.Duration
	stop    func() bool
	capable []string
}

// popLetter is a message as it stands in the mailbox, by its number in this session.
type popLetter struct {
	number int
	uid    string
	size   int64
}

func openPOP3(ctx context.Context, t target) (*popSession, error) {
	w, r, _, err := t.dial(ctx)
	if err != nil {
		return nil, err
	}
	s := &popSession{w: w, r: r, text: textproto.NewReader(r), timeout: t.timeout}
	s.stop = context.AfterFunc(ctx, func() { w.fail(context.Cause(ctx)) })
	began := time.Now()
	how, err := s.login(ctx, t)
	if t.tell(StepLogin, "logged in with "+how, began, err) != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// close drops the connection: what was to be deleted stays (RFC 1939 §6).
func (s *popSession) close() {
	s.stop()
	_ = s.w.raw.Close()
}

// quit ends the session and has the server delete what was to be deleted.
func (s *popSession) quit() error {
	defer s.close()
	_, err := s.ask(StepClear, "QUIT")
	return err
}

// ask sends one command and gives the rest of a positive answer.
func (s *popSession) ask(step, command string) (string, error) {
	var answer string
	err := s.w.within(s.timeout, usualAnswer, step, func() (err error) {
		answer, err = s.exchange(command)
		return err
	})
	return answer, err
}

func (s *popSession) exchange(command string) (string, error) {
	if strings.ContainsAny(command, "\r\n\x00") {
		return "", errors.New("a command must be one line")
	}
	if _, err := io.WriteString(s.w, command+"\r\n"); err != nil {
		return "", err
	}
	return s.status()
}

// status reads a status line; "+ …" is a challenge of SASL and comes back as it is.
func (s *popSession) status() (string, error) {
	line, err := readLine(s.r)
	if err != nil {
		return "", err
	}
	if rest, ok := cutWord(line, "+OK"); ok {
		return rest, nil
	}
	if strings.HasPrefix(line, "+ ") || line == "+" {
		return line, nil
	}
	if rest, ok := cutWord(line, "-ERR"); ok {
		return "", refused{"-ERR " + rest}
	}
	return "", fmt.Errorf("the server answered with something that is not POP3: %.100q", line)
}

func cutWord(line, word string) (string, bool) {
	if len(line) < len(word) || !strings.EqualFold(line[:len(word)], word) {
		return "", false
	}
	return strings.TrimSpace(line[len(word):]), true
}

// listing runs a command with an answer of many lines, and calls each for one after the other.
func (s *popSession) listing(step, command string, each func(line string) error) error {
	return s.w.within(s.timeout, maxListing, step, func() error {
		if _, err := s.exchange(command); err != nil {
			return err
		}
		lines := bufio.NewScanner(s.text.DotReader())
		lines.Buffer(make([]byte, 0, 512), maxLine)
		for lines.Scan() {
			if err := each(lines.Text()); err != nil {
				return err
			}
		}
		if errors.Is(lines.Err(), bufio.ErrTooLong) {
			return errLine
		}
		return lines.Err()
	})
}

// login logs in and says how (RFC 5034 and RFC 1939 §7). A server without CAPA knows USER and PASS.
func (s *popSession) login(ctx context.Context, t target) (string, error) {
	err := s.listing(StepLogin, "CAPA", func(line string) error {
		if len(s.capable) < 100 {
			s.capable = append(s.capable, strings.ToUpper(line))
		}
		return nil
	})
	var no refused
	if err != nil && !errors.As(err, &no) {
		return "", err
	}
	s.w.hide(t.username, t.password)
	if t.tokens != nil {
		return "XOAUTH2", s.loginToken(ctx, t)
	}
	if s.mechanism("PLAIN") {
		return "PLAIN", s.sasl("PLAIN", []byte("\x00"+t.username+"\x00"+t.password))
	}
	if _, err := s.ask(StepLogin, "USER "+t.username); err != nil {
		return "", err
	}
	_, err = s.ask(StepLogin, "PASS "+t.password)
	return "USER and PASS", err
}

// mechanism reports whether the server offers a mechanism of SASL.
func (s *popSession) mechanism(name string) bool {
	return slices.ContainsFunc(s.capable, func(line string) bool {
		words := strings.Fields(line)
		return len(words) > 1 && words[0] == "SASL" && slices.Contains(words[1:], name)
	})
}

func (s *popSession) loginToken(ctx context.Context, t target) error {
	if !s.mechanism("XOAUTH2") {
		return &stepError{Step: StepLogin, Text: "the server does not offer XOAUTH2"}
	}
	token, err := t.tokens.Token(ctx)
	if err != nil {
		return &stepError{Step: StepToken, Text: oneLine(err.Error()), Err: err}
	}
	s.w.hide(t.username, token)
	x := &xoauth2{username: t.username, token: token}
	err = s.sasl("XOAUTH2", x.response())
	var no refused
	if errors.As(err, &no) {
		return t.tokenRefused(token, err)
	}
	return err
}

// sasl sends a mechanism with one message. It goes in a line of its own, because AUTH's must not be longer than 255 octets (RFC 5034 §4).
func (s *popSession) sasl(mechanism string, response []byte) error {
	return s.w.within(s.timeout, usualAnswer, StepLogin, func() error {
		answer, err := s.exchange("AUTH " + mechanism)
		if err != nil {
			return err
		}
		if !strings.HasPrefix(answer, "+") {
			return errors.New("the server let us in before we said who we are")
		}
		answer, err = s.exchange(base64.StdEncoding.EncodeToString(response))
		if err == nil && strings.HasPrefix(answer, "+") {
			// What it has against a token; an empty line has it say no.
			answer, err = s.exchange("")
		}
		if err == nil && strings.HasPrefix(answer, "+") {
			return errors.New("the server goes on asking")
		}
		return err
	})
}

// count gives how many messages there are.
func (s *popSession) count() (int64, error) {
	answer, err := s.ask(StepFolder, "STAT")
	if err != nil {
		return 0, err
	}
	word, _, _ := strings.Cut(answer, " ")
	n, err := strconv.ParseInt(word, 10, 64)
	if err != nil || n < 0 {
		return 0, &stepError{Step: StepFolder, Text: fmt.Sprintf("the server does not say how many messages there are: %.100q", answer), Err: err}
	}
	return n, nil
}

// list gives all messages with their unique-ids, in the order of the server.
func (s *popSession) list() ([]popLetter, error) {
	var letters []popLetter
	at := map[int]int{}
	err := s.listing(StepFolder, "UIDL", func(line string) error {
		number, uid, ok := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.Atoi(number)
		uid = strings.TrimSpace(uid)
		if _, twice := at[n]; !ok || err != nil || n < 1 || twice || uid == "" || len(uid) > maxPop3UID || strings.ContainsFunc(uid, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return fmt.Errorf("the server gives a unique-id that is none: %.100q", line)
		}
		at[n] = len(letters)
		letters = append(letters, popLetter{number: n, uid: uid})
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = s.listing(StepFolder, "LIST", func(line string) error {
		number, size, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, err1 := strconv.Atoi(number)
		octets, err2 := strconv.ParseInt(strings.TrimSpace(size), 10, 64)
		if err1 != nil || err2 != nil || octets < 0 {
			return fmt.Errorf("the server gives a size that is none: %.100q", line)
		}
		if i, ok := at[n]; ok {
			letters[i].size = octets
		}
		return nil
	})
	return letters, err
}

// fetch reads a message, or only its beginning when it is larger than limit.
func (s *popSession) fetch(l popLetter, limit int64) ([]byte, error) {
	command := "RETR " + strconv.Itoa(l.number)
	if l.size > limit {
		command = fmt.Sprintf("TOP %d %d", l.number, topLines)
	}
	var raw []byte
	err := s.w.within(s.timeout, limit+usualAnswer, StepRead, func() error {
		if _, err := s.exchange(command); err != nil {
			return err
		}
		var err error
		raw, err = io.ReadAll(s.text.DotReader())
		return err
	})
	return raw, err
}

// remove has the message deleted with QUIT.
func (s *popSession) remove(l popLetter) error {
	_, err := s.ask(StepClear, "DELE "+strconv.Itoa(l.number))
	return err
}
