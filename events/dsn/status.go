package dsn

import (
	"regexp"
	"strings"
	"time"

	"postrider/sender/reply"
)

// statusFieldAt tells a delivery status that came as a plain text, because the message lost its structure on the way.
var statusFieldAt = regexp.MustCompile(`(?mi)^[> \t]{0,4}(?:final|original)-recipient[ \t]*:.*$`)

var statusActionAt = regexp.MustCompile(`(?mi)^[> \t]{0,4}action[ \t]*:[ \t]*(?:failed|delayed)`)

// readStatuses reads the delivery-status parts (RFC 3464 §2). It reports false when they name no recipient.
func (p *parser) readStatuses(text string) bool {
	if at := statusFieldAt.FindStringIndex(text); len(p.statuses) == 0 && at != nil && (p.bounced(text) || statusActionAt.MatchString(text)) {
		p.statuses = append(p.statuses, unquote(text[at[0]:]))
	}
	for _, s := range p.statuses {
		p.readStatus(s, text)
	}
	return len(p.recipients) > 0
}

// readStatus reads the groups of one part: the first is about the message, each further one about a recipient. Groups are told apart by what they hold,
// because some systems leave out the empty lines.
func (p *parser) readStatus(body, text string) {
	for _, group := range groups(body) {
		if addr, original := p.perRecipient(group); addr != "" {
			p.addStatus(group, addr, original, text)
			continue
		}
		p.perMessage(group)
	}
}

// groups splits a status body at its empty lines, and where a second Final-Recipient begins.
func groups(body string) []header {
	var out []header
	for body = strings.TrimLeft(body, "\n"); body != "" && len(out) < MaxRecipients+maxParts; body = strings.TrimLeft(body, "\n") {
		h, rest := splitHeader(body)
		if len(h) == 0 { // a line that is no field
			_, rest, _ = strings.Cut(body, "\n")
		}
		out = append(out, split(h)...)
		body = rest
	}
	return out
}

// split cuts a group in which one field of a recipient comes twice.
func split(h header) []header {
	var out []header
	start, seen := 0, map[string]bool{}
	for i, f := range h {
		if f.name != "final-recipient" && f.name != "original-recipient" {
			continue
		}
		if seen[f.name] {
			out = append(out, h[start:i])
			start, seen = i, map[string]bool{}
		}
		seen[f.name] = true
	}
	if start < len(h) {
		out = append(out, h[start:])
	}
	return out
}

// perRecipient gives the address that a group is about, or "", and the one as the sender wrote it if that is another.
func (p *parser) perRecipient(h header) (addr, original string) {
	original = typed(h.get("original-recipient"))
	for _, value := range []string{h.get("final-recipient"), h.get("original-recipient"), h.get("x-actual-recipient")} {
		if addr == "" {
			addr = typed(value)
		}
	}
	if domain := addr[strings.LastIndexByte(addr, '@')+1:]; original != "" && !strings.Contains(domain, ".") && !strings.HasPrefix(domain, "[") {
		addr = original // a name that only the network of the reporting system knows
	}
	// Some systems write an address without the quotes that it needs, as the original one.
	if strings.EqualFold(strings.ReplaceAll(addr, `"`, ""), original) {
		original = ""
	}
	return addr, original
}

// perMessage takes what a report says of the message as a whole (RFC 3464 §2.2).
func (p *parser) perMessage(h header) {
	p.ids.addQueue(h.all("x-postfix-queue-id", "original-envelope-id", "x-sendgrid-queueid", "x-message-id", "x-queue-id")...)
	p.ids.addReturnPath(h.all("x-postfix-sender", "x-sendgrid-sender", "x-envelope-from")...)
	p.when(h.get("arrival-date"))
}

func (p *parser) addStatus(h header, addr, original, text string) {
	r := Recipient{Address: addr, Original: original, Action: actionWord(h.get("action")), Status: firstStatus(h.get("status"))}
	diag := diagnostic(h)
	r.Kind = kindOf(r, diag, p, text)
	said := p.about(text, addr)
	if said == "" && original != "" {
		said = p.about(text, original)
	}
	p.judge(&r, diag, said, text, h.get("remote-mta")+" "+p.serversOf(text))
	if r.Reason == string(reply.ReasonUnknown) && programAt.MatchString(h.get("diagnostic-code")) {
		r.Reason = string(reply.ReasonSystem)
	}
	if last := h.get("last-attempt-date"); last != "" {
		p.at = time.Time{}
		p.when(last)
	}
	p.ids.addQueue(queuedAs(diag)...)
	p.add(r)
}

// kindOf says what a group reports: by its Action field, else by the class of its status, else by the words.
func kindOf(r Recipient, diag string, p *parser, text string) Kind {
	switch r.Action {
	case "failed":
		return KindBounce
	case "delayed":
		return KindDelay
	case "delivered", "relayed", "expanded":
		return KindDelivered
	}
	switch {
	case strings.HasPrefix(r.Status, "2."):
		return KindDelivered
	case p.delayed(text + "\n" + diag):
		return KindDelay
	}
	return KindBounce
}

// actionWord reads the first word of an Action field; anything that RFC 3464 does not know is "".
func actionWord(s string) string {
	word, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(s)), " ")
	switch word = strings.Trim(word, ";,.()"); word {
	case "failed", "delayed", "delivered", "relayed", "expanded":
		return word
	case "failure", "fail", "failed/5.0.0", "expired", "error":
		return "failed"
	case "deferred", "delay":
		return "delayed"
	}
	return ""
}

// programAt is the type of what a local program said that took the mail and failed.
var programAt = regexp.MustCompile(`(?i)^\s*x-(?:unix|postfix)\s*;`)

var statusIn = regexp.MustCompile(`\b[245]\.[0-9]{1,3}\.[0-9]{1,3}\b`)

func firstStatus(s string) string { return statusIn.FindString(clip(s, 200)) }

// diagnostic is the text of the Diagnostic-Code field without its type, or of the fields that take its place.
func diagnostic(h header) string {
	var said []string
	for _, v := range h.all("diagnostic-code", "x-diagnostic-code") {
		if kind, rest, ok := strings.Cut(v, ";"); ok && diagnosticType.MatchString(strings.TrimSpace(kind)) {
			v = rest
		}
		said = append(said, strings.TrimSpace(v))
	}
	if len(said) == 0 {
		said = h.all("x-supplementary-info", "x-display-reason", "x-notes")
	}
	if len(said) == 0 {
		if _, comment, ok := strings.Cut(h.get("status"), "("); ok {
			said = append(said, strings.TrimRight(comment, ") "))
		}
	}
	return strings.TrimSpace(words(strings.Join(said, " ")))
}

var diagnosticType = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./-]{0,30}$`)
