package reply

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
)

// MaxFind is the most bytes of a text that [Find] looks at.
const MaxFind = 64 << 10

// ErrNoReply means that a text holds nothing that looks like an SMTP reply.
var ErrNoReply = errors.New("there is no SMTP reply in this text: it should hold three digits from 200 to 599 and words, such as \"550 5.1.1 User unknown\"")

var (
	// codeAt is a reply code where a reply may begin: before an enhanced code of the same class, or at the start of a line or after punctuation.
	// It is neither a part of a number, a date or an address, nor a number in a sentence.
	codeAt = regexp.MustCompile(`(?:^|[\s"'(<:;\[>])([2-5][0-9][0-9])[ -]+#?([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:[\s:;,\-"]|$)|` +
		`(?:^|["'(<:;\[>])\s*([2-5][0-9][0-9])(?:[ -]\s*[^\s0-9]|$)`)
	// statusAt is an enhanced code without the three digits, as bounce messages print it.
	statusAt = regexp.MustCompile(`(?:^|[\s"'(<:;\[#])([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:[\s:;,)\]\-]|$)`)
	// logTail is what Postfix appends to the server's words in its log.
	logTail = regexp.MustCompile(`\s*\(in reply to (?:the )?(?:end of )?[A-Z]+[A-Z ]*(?:command)?\)+.*$`)
)

// stageWords say in logs and error texts what a reply was given to. The longer ones come first.
var stageWords = []struct {
	text  string
	stage Stage
}{
	{"in reply to end of data", StageDot}, {"after end of data", StageDot}, {"end of data", StageDot},
	{"in reply to rcpt", StageRcpt}, {"after rcpt to", StageRcpt}, {"rcpt to:", StageRcpt}, {"smtp rcpt:", StageRcpt},
	{"in reply to mail from", StageMail}, {"after mail from", StageMail}, {"mail from:", StageMail}, {"smtp mail:", StageMail},
	{"in reply to data", StageData}, {"after data", StageData},
	{"in reply to auth", StageAuth}, {"sasl authentication failed", StageAuth}, {"invalid login:", StageAuth}, {"smtp auth:", StageAuth},
	{"smtpauthenticationerror", StageAuth}, {"after auth", StageAuth},
	{"in reply to ehlo", StageHelo}, {"in reply to helo", StageHelo}, {"after ehlo", StageHelo}, {"after helo", StageHelo},
	{"after initial connection", StageGreeting}, {"refused to talk to me", StageGreeting},
	{"after starttls", StageStartTLS}, {"smtp dot:", StageDot},
}

// Find takes a reply out of what a person pastes: the reply alone, on one line or several, a line of a mail server's log, an error of a mail
// program, or the diagnostic of a bounce message. Stage is what the text says about it, or "". It gives [ErrNoReply] when there is none.
//
// Of several replies the first that carries an enhanced code counts, or the first of all.
func Find(text string) (Reply, error) {
	text = strings.ReplaceAll(cut(text, MaxFind), `\n`, "\n") // JSON logs
	lines := strings.Split(text, "\n")
	at, start := firstReply(lines)
	if at < 0 {
		return findStatus(lines)
	}
	code, err := strconv.Atoi(lines[at][start : start+3])
	if err != nil {
		return Reply{}, ErrNoReply
	}
	words := []string{lines[at][start:]}
	for _, line := range lines[at+1:] {
		if !continues(line, strconv.Itoa(code)) {
			break
		}
		words = append(words, line)
	}
	r := Parse(code, joinedLines(words, code), stageIn(text))
	if r.Stage == "" && authCode(r) {
		r.Stage = StageAuth
	}
	return r, nil
}

// firstReply gives the line a reply begins on and where, or -1.
func firstReply(lines []string) (at, start int) {
	at = -1
	for i, line := range lines {
		for _, m := range codeAt.FindAllStringSubmatchIndex(line, -1) {
			switch {
			case m[2] >= 0 && line[m[4]] == line[m[2]]:
				return i, m[2]
			case m[6] >= 0 && at < 0:
				at, start = i, m[6]
			}
		}
	}
	return at, start
}

// joinedLines are the lines of a reply without what a log puts behind or between them: Postfix prints "550-5.7.26 one 550 5.7.26 two" on one line.
func joinedLines(words []string, code int) string {
	again := regexp.MustCompile(`\s` + strconv.Itoa(code) + `[ -]([245]\.[0-9]{1,3}\.[0-9]{1,3}\s)`)
	for i, w := range words {
		w = logTail.ReplaceAllString(strings.TrimSpace(w), "")
		words[i] = again.ReplaceAllString(trimQuotes(w), "\n$1")
	}
	return strings.Join(words, "\n")
}

// continues reports a further line of a reply: it begins with the same code, or is folded as header fields are.
func continues(line, code string) bool {
	bare := strings.TrimSpace(line)
	return strings.HasPrefix(bare, code) || bare != "" && (line[0] == ' ' || line[0] == '\t')
}

// trimQuotes takes off what closes a string in a log or an exception.
func trimQuotes(s string) string {
	if i := strings.IndexAny(s, "\"'"); i >= 0 && strings.Trim(s[i:], "\"'()[]{}, ") == "" {
		return s[:i]
	}
	return s
}

// findStatus is for texts that hold an enhanced code only: its class says which basic code would have stood before it.
func findStatus(lines []string) (Reply, error) {
	for _, line := range lines {
		m := statusAt.FindStringSubmatchIndex(line)
		if m == nil {
			continue
		}
		code := int(line[m[2]]-'0')*100 + 50
		return Parse(code, trimQuotes(logTail.ReplaceAllString(line[m[2]:], "")), stageIn(strings.Join(lines, "\n"))), nil
	}
	return Reply{}, ErrNoReply
}

func stageIn(text string) Stage {
	text = strings.ToLower(text)
	for _, w := range stageWords {
		if strings.Contains(text, w.text) {
			return w.stage
		}
	}
	return ""
}

// authCode reports codes that only an AUTH command gets (RFC 4954 §6, RFC 5248).
func authCode(r Reply) bool {
	return r.Code == 534 || r.Code == 535 || r.Status == "5.7.8" || r.Status == "4.7.8"
}
