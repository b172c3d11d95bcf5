package dsn

import (
	"regexp"
	"strings"

	"postrider/sender/reply"
)

// feedback is one feedback report and the message that it is about.
type feedback struct {
	fields, original header
}

// lostFeedback finds reports whose parts have lost their types, and the complaints that Microsoft forwards without a report.
func (p *parser) lostFeedback() bool {
	if len(p.feedbacks) > 0 {
		return true
	}
	if strings.Contains(strings.ToLower(p.root.header.get("content-type")), "feedback-report") || len(p.originals) > 0 {
		for _, t := range p.texts {
			if at := feedbackAt.FindStringIndex(clip(t, maxText)); at != nil {
				start := max(0, strings.LastIndex(t[:at[0]], "\n\n"))
				p.feedbacks = append(p.feedbacks, feedback{fields: parseFields(t[start:]), original: p.original0()})
			}
		}
	}
	subject := strings.ToLower(p.subject())
	if len(p.feedbacks) == 0 && len(p.originals) > 0 && strings.HasPrefix(subject, "complaint about message from") {
		p.feedbacks = append(p.feedbacks, feedback{fields: header{{"feedback-type", "abuse"}}, original: p.original0()})
	}
	return len(p.feedbacks) > 0
}

var feedbackAt = regexp.MustCompile(`(?mi)^feedback-type[ \t]*:[ \t]*[a-z-]+[ \t]*$`)

func (p *parser) original0() header {
	if len(p.originals) == 0 {
		return nil
	}
	return p.originals[0]
}

// readFeedback reads the reports of RFC 5965; a message may hold several.
func (p *parser) readFeedback() {
	for _, f := range p.feedbacks {
		kind := strings.ToLower(strings.Trim(f.fields.get("feedback-type"), " \t;\""))
		if kind == "" || len(kind) > 60 {
			kind = "other"
		}
		status := f.fields.get("auth-failure")
		for _, addr := range f.recipients() {
			p.add(complainant(addr, kind, status))
		}
		p.ids.addReturnPath(f.fields.all("original-mail-from")...)
		p.ids.addQueue(f.fields.all("original-envelope-id", "x-original-queue-id")...)
		p.ids.addMessages(f.fields.all("original-message-id", "message-id")...)
		p.when(f.fields.get("arrival-date"))
		p.when(f.fields.get("received-date"))
	}
	p.kind = feedbackKind(p.recipients)
}

// complainant is the entry for one recipient. A report that the mail is no spam, or that it failed authentication (RFC 6591), is no complaint of anybody.
func complainant(addr, kind, failed string) Recipient {
	r := Recipient{Address: addr, FeedbackType: kind, Kind: KindComplaint}
	switch kind {
	case "not-spam":
		r.Kind = KindNone
	case "auth-failure", "dmarc", "auth-failure-report":
		r.Kind, r.Reason, r.Fault, r.Diagnostic = KindNone, string(reply.ReasonAuthentication), string(reply.FaultUs), clip(failed, 200)
	}
	return r
}

// feedbackKind is KindComplaint for all but reports that say that mail is no spam.
func feedbackKind(rs []Recipient) Kind {
	for _, r := range rs {
		if r.FeedbackType != "not-spam" {
			return KindComplaint
		}
	}
	return KindNone
}

// recipients are the addresses that the report names, or else those to which the message was sent. One without an address stands for a report that hides
// it, so that the complaint is not lost: the ids may still tell whose it is.
func (f feedback) recipients() []string {
	var out []string
	for _, v := range f.fields.all("original-rcpt-to", "removal-recipient", "redacted-address") {
		if a := typed(v); a != "" && !hidden(a) {
			out = append(out, a)
		}
	}
	for _, names := range [][]string{{"x-hmxmroriginalrecipient", "x-original-recipient"}, {"to"}, {"delivered-to", "x-original-to"}} {
		if len(out) > 0 {
			return unique(out)
		}
		for _, v := range f.original.all(names...) {
			for _, a := range addresses(words(v)) {
				if !hidden(a) {
					out = append(out, a)
				}
			}
		}
	}
	if len(out) == 0 {
		return []string{""}
	}
	return unique(out)
}

// hidden reports an address that stands for one that is not told.
func hidden(a string) bool {
	a = strings.ToLower(a)
	return strings.Contains(a, "redacted") || strings.Contains(a, "undisclosed") || strings.HasSuffix(a, ".invalid") || strings.HasPrefix(a, "xxxxx@")
}

func unique(list []string) []string {
	seen := make(map[string]bool, len(list))
	out := list[:0:0]
	for _, s := range list {
		if k := strings.ToLower(s); !seen[k] {
			seen[k] = true
			out = append(out, s)
		}
	}
	return out
}
