package dsn

import (
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"
)

// ids are what may tell which delivery a report speaks of.
type ids struct {
	returnPaths, messages, unsubscribe, queue []string
}

func keep(list *[]string, s string) {
	s = strings.Trim(s, "<> \t,;.")
	if s == "" || len(s) > 2*maxAddress || len(*list) >= maxIDs || slices.Contains(*list, s) {
		return
	}
	*list = append(*list, s)
}

func (i *ids) addReturnPath(values ...string) {
	for _, v := range values {
		for _, a := range addresses(typedOrPlain(v)) {
			if !ofMailSystem(a) {
				keep(&i.returnPaths, a)
			}
		}
	}
}

// typedOrPlain takes the address type off "rfc822; user@example.org".
func typedOrPlain(v string) string {
	if kind, rest, ok := strings.Cut(v, ";"); ok && !strings.Contains(kind, "@") {
		return rest
	}
	return v
}

var messageIDAt = regexp.MustCompile(`<([^<>\s]{3,400})>`)

// addMessages keeps the ids in angle brackets; Exchange and others write them without.
func (i *ids) addMessages(values ...string) {
	for _, v := range values {
		found := messageIDAt.FindAllStringSubmatch(v, maxIDs)
		for _, m := range found {
			keep(&i.messages, m[1])
		}
		if v = strings.TrimSpace(v); len(found) == 0 && strings.Contains(v, "@") && !strings.ContainsAny(v, " \t") {
			keep(&i.messages, v)
		}
	}
}

func (i *ids) addQueue(values ...string) {
	for _, v := range values {
		if v = strings.TrimSpace(v); !strings.ContainsAny(v, " \t") {
			keep(&i.queue, v)
		}
	}
}

func (i *ids) addUnsubscribe(values ...string) {
	for _, v := range values {
		for _, m := range uriAt.FindAllStringSubmatch(v, maxIDs) {
			uri := strings.Join(strings.Fields(m[1]), "")
			if len(uri) <= 2000 && len(i.unsubscribe) < maxIDs && !slices.Contains(i.unsubscribe, uri) {
				i.unsubscribe = append(i.unsubscribe, uri)
			}
		}
	}
}

var (
	uriAt       = regexp.MustCompile(`(?i)<\s*((?:https?|mailto):[^<>]+)>`)
	queuedAt    = regexp.MustCompile(`(?i)\b(?:queued (?:as|mail for delivery as)|queue[ -]?id:?|ok id=|message accepted for delivery as|250 ok|250 2\.\d\.\d ok)\s+<?([A-Za-z0-9][A-Za-z0-9._@-]{5,120})`)
	receivedID  = regexp.MustCompile(`(?i)\s(?:id|smtpsvc id)\s+<?([A-Za-z0-9][A-Za-z0-9._@-]{5,120})`)
	envelopeAt  = regexp.MustCompile(`(?i)envelope-(?:from|sender)[ =:]+<?(` + atom + `)`)
	messageIDIn = regexp.MustCompile(`(?i)message-?id:?\s*(<[^<>\s]{3,400}>)`)
)

func queuedAs(text string) []string {
	var out []string
	for _, m := range queuedAt.FindAllStringSubmatch(clip(text, maxText), 10) {
		out = append(out, m[1])
	}
	return out
}

// collect gathers what names the delivery: the addresses that the report came to, what it says in words, and the header that it returns.
func (p *parser) collect() {
	root := p.root.header
	p.ids.addReturnPath(root.all("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to", "to", "x-rcpt-to", "original-recipient")...)
	p.ids.addReturnPath(root.all("cc")...)
	text := clip(joined(p.texts), maxText)
	for _, h := range p.originals {
		p.collectOriginal(h)
	}
	for _, m := range messageIDIn.FindAllStringSubmatch(text, 10) {
		p.ids.addMessages(m[1])
	}
	p.ids.addQueue(queuedAs(text)...)
	p.ids.addMessages(root.all("in-reply-to", "x-ms-exchange-message-id", "x-original-message-id")...)
	if refs := root.get("references"); refs != "" {
		p.ids.addMessages(refs)
	}
	p.ids.addQueue(root.all("x-postfix-queue-id", "x-original-queue-id")...)
	p.when(root.get("date"))
}

func (p *parser) collectOriginal(h header) {
	p.ids.addReturnPath(h.all("return-path", "x-envelope-from", "x-env-sender", "envelope-from", "x-original-from", "errors-to", "x-return-path", "x-mail-from")...)
	p.ids.addMessages(h.all("message-id", "x-original-message-id", "x-google-original-message-id", "x-ms-exchange-message-id")...)
	p.ids.addUnsubscribe(h.all("list-unsubscribe")...)
	for i, v := range h.all("received") {
		if i == 10 {
			break
		}
		if m := receivedID.FindStringSubmatch(v); m != nil {
			p.ids.addQueue(m[1])
		}
		if m := envelopeAt.FindStringSubmatch(v); m != nil {
			p.ids.addReturnPath(m[1])
		}
	}
}

// when takes a date (RFC 5322 §3.3) unless one is known.
func (p *parser) when(s string) {
	if !p.at.IsZero() || s == "" {
		return
	}
	s = clip(strings.TrimSpace(s), 100)
	if i := strings.IndexByte(s, '('); i > 0 {
		s = strings.TrimSpace(s[:i])
	}
	t, err := mail.ParseDate(s)
	for _, layout := range []string{time.RFC3339, "Mon, 02 Jan 2006 15:04:05", "2006-01-02 15:04:05"} {
		if err == nil {
			break
		}
		t, err = time.Parse(layout, s)
	}
	if err == nil && t.Year() >= 1990 && t.Year() < 2200 {
		p.at = t.UTC()
	}
}
