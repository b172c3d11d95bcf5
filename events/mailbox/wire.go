package mailbox

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Steps of a session, as people see them.
const (
	StepConnect  = "connect"
	StepTLS      = "tls"
	StepGreeting = "greeting"
	StepLogin    = "login"
	StepFolder   = "folder"
	StepRead     = "read"
	StepClear    = "clear" // moving or deleting what was taken
	StepToken    = "token" // asking for an access token
)

const (
	dialTimeout  = 30 * time.Second
	maxLine      = 4096      // of a greeting or a status line, in bytes
	usualAnswer  = 256 << 10 // of one command's whole answer, in bytes
	maxClearText = 20        // lines before the answer to STARTTLS
)

var (
	errSlow   = errors.New("no answer in time")
	errTooBig = errors.New("the server sends more than was asked for")
	errLine   = errors.New("the server sends a line without an end")
	errAhead  = errors.New("the server sent something between STARTTLS and TLS, as somebody in between would")
)

// stepError is a session that failed at a step. Text is the server's own words where it has said something.
type stepError struct {
	Step string
	Text string
	Err  error

	again bool // a new access token may help
}

func (e *stepError) Error() string { return e.Step + ": " + e.Text }

// Unwrap gives the cause.
func (e *stepError) Unwrap() error { return e.Err }

// refused is a server's no.
type refused struct{ text string }

func (r refused) Error() string { return r.text }

// wire is a connection above TLS. It counts what passes, and lets through only what a command may be answered with: both libraries and we ourselves read answers
// into memory.
type wire struct {
	net.Conn
	raw     net.Conn // below TLS
	in, out atomic.Int64
	left    atomic.Int64

	mu    sync.Mutex
	cause error  // why we have given the connection up
	bye   string // the last thing that the server said of itself, without being asked
	line  []byte // the beginning of the line that is coming in
	deaf  bool   // mail comes in, which is no talk

	hidden []string // secrets that must not be shown
}

// hide keeps a secret out of what is shown of the server's words: some answer with the command they did not understand. It is called before the secret is sent.
func (w *wire) hide(username, secret string) {
	if secret == "" {
		return
	}
	encode := base64.StdEncoding.EncodeToString
	x := xoauth2{username: username, token: secret}
	w.hidden = append(w.hidden, encode([]byte("\x00"+username+"\x00"+secret)), encode(x.response()), encode([]byte(secret)), secret)
}

// words is a server's text as it is shown.
func (w *wire) words(text string) string {
	for _, hidden := range w.hidden {
		text = strings.ReplaceAll(text, hidden, "***")
	}
	return oneLine(text)
}

func (w *wire) allow(n int64) { w.left.Store(n) }

func (w *wire) Read(p []byte) (int, error) {
	left := w.left.Load()
	if left <= 0 {
		w.fail(errTooBig)
		return 0, errTooBig
	}
	n, err := w.Conn.Read(p[:min(int64(len(p)), left)])
	w.left.Add(int64(-n))
	w.in.Add(int64(n))
	w.listen(p[:n])
	return n, err
}

func (w *wire) Write(p []byte) (int, error) {
	n, err := w.Conn.Write(p)
	w.out.Add(int64(n))
	return n, err
}

// listen notes the server's last words: "* BYE …" and "* NO …" say why it hangs up, and the IMAP library drops them.
func (w *wire) listen(p []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(p) > 0 && !w.deaf {
		end := bytes.IndexByte(p, '\n')
		part := p
		if end >= 0 {
			part = p[:end]
		}
		if room := 512 - len(w.line); room > 0 {
			w.line = append(w.line, part[:min(room, len(part))]...)
		}
		if end < 0 {
			return
		}
		if text, ok := strings.CutPrefix(string(w.line), "* "); ok && (strings.HasPrefix(text, "BYE") || strings.HasPrefix(text, "NO")) {
			w.bye = oneLine(text)
		}
		w.line = w.line[:0]
		p = p[end+1:]
	}
}

func (w *wire) setDeaf(deaf bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deaf, w.line = deaf, w.line[:0]
}

// fail gives the connection up for a reason of ours.
func (w *wire) fail(cause error) {
	w.mu.Lock()
	if w.cause == nil {
		w.cause = cause
	}
	w.mu.Unlock()
	_ = w.raw.Close()
}

// within runs one exchange with the server: it must end within the timeout, and the answer must not be longer than answer bytes.
func (w *wire) within(timeout time.Duration, answer int64, step string, exchange func() error) error {
	w.allow(answer)
	timer := time.AfterFunc(timeout, func() { w.fail(errSlow) })
	defer timer.Stop()
	if err := exchange(); err != nil {
		return w.judge(step, err)
	}
	return nil
}

// judge turns an error into one with the step and words for a person: our own reason, else what the server said, else what the network did.
func (w *wire) judge(step string, err error) error {
	var known *stepError
	if errors.As(err, &known) {
		return err
	}
	w.mu.Lock()
	cause, bye := w.cause, w.bye
	w.mu.Unlock()
	var no refused
	switch {
	case cause != nil:
		return &stepError{Step: step, Text: cause.Error(), Err: errors.Join(cause, err)}
	case errors.As(err, &no):
		return &stepError{Step: step, Text: w.words(no.text), Err: err}
	case bye != "":
		return &stepError{Step: step, Text: w.words(bye), Err: err}
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed):
		return &stepError{Step: step, Text: "the server closed the connection", Err: err}
	}
	return &stepError{Step: step, Text: w.words(err.Error()), Err: err}
}

// oneLine is a server's text as it is shown and stored: one line of bounded length, valid UTF-8.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "�"))
	text = strings.TrimSpace(text)
	if len(text) > 500 {
		text = strings.ToValidUTF8(text[:500], "") + "…"
	}
	return text
}

// target is a server and how to reach it. It holds secrets in the clear: it must not be printed or kept longer than needed.
type target struct {
	protocol  string
	host      string
	port      int
	tls       string
	tlsConfig *tls.Config
	username  string
	password  string
	tokens    tokens        // nil without XOAUTH2
	timeout   time.Duration // of one command
	trace     func(step, detail string, began time.Time, err error)
}

// tokens gives access tokens; *oauth.Source is one.
type tokens interface {
	Token(ctx context.Context) (string, error)
	Refused(token string) bool
}

// String leaves the secrets out.
func (t target) String() string { return t.protocol + "://" + t.address() }

// GoString is String for %#v.
func (t target) GoString() string { return t.String() }

func (t target) address() string { return net.JoinHostPort(t.host, strconv.Itoa(t.port)) }

func (t target) tell(step, detail string, began time.Time, err error) error {
	if t.trace != nil {
		t.trace(step, detail, began, err)
	}
	return err
}

// opened opens a session. When the server refuses an access token that was not new, a new one is tried once, on a new connection.
func opened[S any](ctx context.Context, t target, open func(context.Context, target) (S, error)) (S, error) {
	s, err := open(ctx, t)
	var failed *stepError
	if errors.As(err, &failed) && failed.again && ctx.Err() == nil {
		return open(ctx, t)
	}
	return s, err
}

// tokenRefused takes a token back that the server did not accept.
func (t target) tokenRefused(token string, err error) error {
	var failed *stepError
	if errors.As(err, &failed) {
		failed.again = t.tokens.Refused(token)
	}
	return err
}

// dial connects, reads the greeting and goes over to TLS. The reader holds what has come in already.
func (t target) dial(ctx context.Context) (w *wire, r *bufio.Reader, greeting string, err error) {
	began := time.Now()
	dialCtx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	nc, err := new(net.Dialer).DialContext(dialCtx, "tcp", t.address())
	if err != nil {
		return nil, nil, "", t.tell(StepConnect, "", began, &stepError{Step: StepConnect, Text: oneLine(err.Error()), Err: err})
	}
	_ = t.tell(StepConnect, "connected to "+nc.RemoteAddr().String(), began, nil)
	w = &wire{Conn: nc, raw: nc}
	stop := context.AfterFunc(ctx, func() { w.fail(context.Cause(ctx)) })
	defer stop()
	defer func() {
		if err != nil {
			_ = nc.Close()
		}
	}()
	_ = nc.SetDeadline(time.Now().Add(t.timeout))
	if t.tls == TLSImplicit {
		if err := t.shake(ctx, w); err != nil {
			return nil, nil, "", err
		}
	}
	began = time.Now()
	w.allow(usualAnswer)
	r = bufio.NewReaderSize(w, maxLine)
	if greeting, err = t.greeting(r); err != nil {
		return nil, nil, "", t.tell(StepGreeting, "", began, w.judge(StepGreeting, err))
	}
	_ = t.tell(StepGreeting, oneLine(greeting), began, nil)
	if t.tls == TLSStartTLS {
		if err := t.startTLS(ctx, w, r); err != nil {
			return nil, nil, "", err
		}
		r = bufio.NewReaderSize(w, maxLine)
		greeting = ""
	}
	return w, r, greeting, w.Conn.SetDeadline(time.Time{})
}

// shake puts TLS around the connection.
func (t target) shake(ctx context.Context, w *wire) error {
	began := time.Now()
	config := &tls.Config{}
	if t.tlsConfig != nil {
		config = t.tlsConfig.Clone()
	}
	config.ServerName, config.MinVersion = t.host, max(config.MinVersion, tls.VersionTLS12)
	tc := tls.Client(w.Conn, config)
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	if err := tc.HandshakeContext(ctx); err != nil {
		return t.tell(StepTLS, "", began, &stepError{Step: StepTLS, Text: oneLine(err.Error()), Err: err})
	}
	// Nobody else uses the connection yet.
	w.Conn = tc
	return t.tell(StepTLS, describeTLS(tc.ConnectionState()), began, nil)
}

// greeting reads the first line. A server that takes us for logged in already (PREAUTH) is none of ours.
func (t target) greeting(r *bufio.Reader) (string, error) {
	line, err := readLine(r)
	if err != nil {
		return "", err
	}
	want := "* OK"
	if t.protocol == POP3 {
		want = "+OK"
	}
	if !strings.HasPrefix(strings.ToUpper(line), want) {
		return "", refused{strings.TrimPrefix(line, "* ")}
	}
	return line, nil
}

// startTLS asks for TLS in clear text, and takes nothing else for an answer than yes (RFC 2595 §3.1, §4). What was sent ahead of TLS is a sign of somebody in between.
func (t target) startTLS(ctx context.Context, w *wire, r *bufio.Reader) error {
	began := time.Now()
	ask, yes, no := "S1 STARTTLS\r\n", "S1 OK", "S1 "
	if t.protocol == POP3 {
		ask, yes, no = "STLS\r\n", "+OK", "-ERR"
	}
	if _, err := io.WriteString(w, ask); err != nil {
		return t.tell(StepTLS, "", began, w.judge(StepTLS, err))
	}
	for range maxClearText {
		line, err := readLine(r)
		if err != nil {
			return t.tell(StepTLS, "", began, w.judge(StepTLS, err))
		}
		switch upper := strings.ToUpper(line); {
		case strings.HasPrefix(upper, yes):
			if r.Buffered() > 0 {
				return t.tell(StepTLS, "", began, &stepError{Step: StepTLS, Text: errAhead.Error(), Err: errAhead})
			}
			return t.shake(ctx, w)
		case strings.HasPrefix(upper, no), t.protocol == POP3:
			return t.tell(StepTLS, "", began, w.judge(StepTLS, refused{strings.TrimPrefix(line, "S1 ")}))
		}
	}
	return t.tell(StepTLS, "", began, &stepError{Step: StepTLS, Text: errTooBig.Error(), Err: errTooBig})
}

// readLine reads one line of bounded length, without its end.
func readLine(r *bufio.Reader) (string, error) {
	line, err := r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return "", errLine
	}
	if err != nil {
		return "", err
	}
	return string(bytes.TrimRight(line, "\r\n")), nil
}

func describeTLS(state tls.ConnectionState) string {
	text := tls.VersionName(state.Version)
	if len(state.PeerCertificates) > 0 {
		leaf := state.PeerCertificates[0]
		names := leaf.Subject.CommonName
		if len(leaf.DNSNames) > 0 {
			names = strings.Join(leaf.DNSNames[:min(3, len(leaf.DNSNames))], ", ")
		}
		text += fmt.Sprintf(", certificate for %s, valid until %s", oneLine(names), leaf.NotAfter.UTC().Format(time.DateOnly))
	}
	return text
}
