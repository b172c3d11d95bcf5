package hooks

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"postrider/events"
	"postrider/sender/reply"
)

const (
	maxKey     = 200 // events.Report.Key
	maxAddress = 320 // RFC 5321 §4.5.3.1: 64 and 255 octets and the @
	maxID      = 998 // a line of a header, RFC 5322 §2.1.1
)

// oldest is before every event that a provider can speak of.
var oldest = time.Date(2005, 1, 1, 0, 0, 0, 0, time.UTC)

// newReport begins a report. A time that cannot be is left out, so that it counts as now.
func newReport(p Provider, r Request, kind events.ReportKind, raw []byte, at time.Time, address string) events.Report {
	if at.Before(oldest) || at.After(r.Now.Add(24*time.Hour)) {
		at = time.Time{}
	}
	return events.Report{
		Source: string(p), Kind: kind, At: at, Address: bareAddress(address), Trusted: true, Raw: raw[:min(len(raw), events.MaxRaw)],
	}
}

// keyOf names a fact: the provider and what tells this fact from others there. It is the same however often the provider sends it.
func keyOf(p Provider, parts ...string) string {
	key := string(p)
	for _, part := range parts {
		key += "/" + strings.ReplaceAll(part, "/", "%2F")
	}
	key = clean(key, len(key))
	if len(key) <= maxKey {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return string(p) + "/sha256/" + hex.EncodeToString(sum[:])
}

// bareAddress takes the address out of "Name <address>".
func bareAddress(s string) string {
	if from := strings.LastIndexByte(s, '<'); from >= 0 {
		if to := strings.IndexByte(s[from:], '>'); to > 0 {
			s = s[from+1 : from+to]
		}
	}
	return clean(strings.TrimSpace(s), maxAddress)
}

// clean makes a text storable: Postgres takes no NUL and no broken UTF-8.
func clean(s string, limit int) string {
	if len(s) > limit {
		s = s[:limit]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", "")
}

// ids are the texts that are not empty, each once.
func ids(texts ...string) []string {
	var all []string
	seen := map[string]bool{}
	for _, s := range texts {
		if s = clean(strings.TrimSpace(s), maxID); s != "" && !seen[s] {
			seen[s] = true
			all = append(all, s)
		}
	}
	return all
}

// fieldsOf takes what leads back to the delivery out of the header fields of the message, as {"name": …, "value": …}.
func fieldsOf(report *events.Report, headers value) {
	for _, field := range headers.list() {
		text := field.at("value").text()
		switch field.at("name").word() {
		case "message-id":
			report.MessageIDs = ids(append(report.MessageIDs, text)...)
		case "return-path":
			report.ReturnPaths = ids(append(report.ReturnPaths, bareAddress(text))...)
		case "list-unsubscribe":
			report.UnsubscribeURLs = ids(append(report.UnsubscribeURLs, angled(text)...)...)
		}
	}
}

// angled gives the addresses of a List-Unsubscribe field (RFC 2369 §2): what stands in angle brackets.
func angled(s string) []string {
	var all []string
	for len(all) < 10 {
		_, rest, ok := strings.Cut(s, "<")
		if !ok {
			break
		}
		inner, after, ok := strings.Cut(rest, ">")
		if !ok {
			break
		}
		all = append(all, inner)
		s = after
	}
	return all
}

// finding is what the category of a provider says about a refusal.
type finding struct {
	reason reply.Reason
	// final says that nobody tries again. With a reason that is the recipient's it makes the bounce hard.
	final bool
	// fault, when set, stands in place of the one that usually goes with the reason.
	fault reply.Fault
	// exact says that the category is surer than the words of the server.
	exact bool
}

// The findings that several providers have.
var (
	goneFor       = finding{reason: reply.ReasonUserUnknown, final: true}
	certainlyGone = finding{reason: reply.ReasonUserUnknown, final: true, exact: true}
	undecided     = finding{reason: reply.ReasonUnknown}
	// onTheirList is mail that the provider did not even try to deliver, because the recipient had bounced, complained or left before. Which of them is not
	// said, so it is no proof that the address is no good.
	onTheirList = finding{reason: reply.ReasonMailboxDisabled, fault: reply.FaultRecipient, exact: true}
)

// said are the words of the server that refused, and its codes where the provider gives them apart.
type said struct {
	text   string
	code   int    // three digits, 0 when there are none
	status string // RFC 3463
}

// Codes for words that came without one. Neither has a meaning of its own (RFC 5321 §4.2.3), so that only the words and the enhanced code count.
const (
	someTransient = 459
	somePermanent = 559
)

// reply finds the reply in the words. Found is false when neither they nor the provider give a code.
func (s said) reply(final bool) (r reply.Reply, found bool) {
	r, err := reply.Find(s.text)
	found = err == nil
	if !found {
		code := someTransient
		if final {
			code = somePermanent
		}
		if s.code >= 400 && s.code <= 599 {
			code, found = s.code, true
		}
		r = reply.Parse(code, s.text, "")
	}
	if r.Status == "" {
		r.Status = validStatus(s.status)
	}
	return r, found
}

// validStatus gives an enhanced status code (RFC 3463 §2) of a failure, "" for anything else.
func validStatus(s string) string {
	r := reply.Parse(550, strings.TrimSpace(s), "")
	if r.Text != "" || r.Status == "" || r.Status[0] == '2' {
		return ""
	}
	return r.Status
}

// judge fills in what sender/reply says of a refusal. The server's words decide where they say something, unless the category of the provider is exact.
// Invariant: hard only when sender/reply would suppress, which it does for faults of the recipient alone.
func (f finding) judge(report *events.Report, s said) {
	r, found := s.reply(f.final)
	if found {
		report.ReplyCode = r.Code
	}
	report.Status = r.Status
	if report.Diagnostic = r.Text; report.Diagnostic == "" {
		report.Diagnostic = clean(strings.TrimSpace(s.text), reply.MaxText)
	}
	class := reply.Judge(f.stands(), reply.Judgement{Reason: f.reason, Fault: f.fault})
	if words := reply.Classify(r); f.yields(words, found) {
		if words.Fault == reply.FaultRecipient && class.Action == reply.ActionSuppress || words.Permanence == reply.Transient && f.final {
			// The server is likely to mean what the provider is sure of, or the provider has given up on what the server only put off.
			words = reply.Judge(f.stands(), reply.Judgement{Reason: words.Reason})
		}
		class = words
	}
	report.Reason, report.Fault, report.Hard = string(class.Reason), string(class.Fault), class.Action == reply.ActionSuppress
}

// yields says that the words of the server count for more than the category.
func (f finding) yields(words reply.Class, found bool) bool {
	switch {
	case f.exact, words.Permanence == reply.Success, words.Reason == reply.ReasonUnknown:
		return false
	case !found && words.Reason == reply.ReasonSystem:
		return false // an enhanced code such as 5.3.0 that stands alone was made up by somebody on the way
	}
	return true
}

// stands is a reply that is final or not, as the provider says.
func (f finding) stands() reply.Reply {
	if f.final {
		return reply.Reply{Code: somePermanent}
	}
	return reply.Reply{Code: someTransient}
}

// delayed fills in why a message is still being tried.
func delayed(report *events.Report, s said) {
	undecided.judge(report, s)
	report.Hard = false
}

// leaving makes a second report of a bounce whose cause is that the recipient had left before: that they want no more.
func leaving(bounce events.Report) events.Report {
	return events.Report{
		Key: keyed(bounce.Key, "unsubscribe"), Source: bounce.Source, Kind: events.ReportUnsubscribe, At: bounce.At, Address: bounce.Address,
		ReturnPaths: bounce.ReturnPaths, MessageIDs: bounce.MessageIDs, UnsubscribeURLs: bounce.UnsubscribeURLs, QueueIDs: bounce.QueueIDs, Trusted: true, Raw: bounce.Raw,
	}
}

// keyed adds to a key what tells a second fact of the same event from the first.
func keyed(key, more string) string {
	if len(key)+1+len(more) <= maxKey {
		return key + "/" + more
	}
	sum := sha256.Sum256([]byte(key + "/" + more))
	return "sha256/" + hex.EncodeToString(sum[:])
}

// complaintKind tells complaints from what else comes under that name (RFC 5965 §7.3, RFC 6591): "not-spam" is the opposite of one, and a failed
// authentication is nobody's wish.
func complaintKind(feedbackType string) events.ReportKind {
	switch feedbackType {
	case "not-spam", "auth-failure", "dmarc":
		return events.ReportOther
	}
	return events.ReportComplaint
}

// plausible is a time when it can be one of an event, else the other.
func plausible(at, other time.Time) time.Time {
	if at.Before(oldest) {
		return other
	}
	return at
}
