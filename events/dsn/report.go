package dsn

import (
	"time"

	"postrider/sender/reply"
)

// Kind is what a report is, or what it says of one recipient.
type Kind string

// The kinds. KindNone is anything that is no report, or one that says nothing of which something follows.
const (
	KindBounce    Kind = "bounce"
	KindComplaint Kind = "complaint"
	KindAutoReply Kind = "auto_reply"
	KindDelay     Kind = "delay"
	KindDelivered Kind = "delivered"
	KindNone      Kind = "none"
)

// Report is what a message says about mail that was sent.
//
// Kind is the weightiest of its recipients' kinds. A feedback report about authentication (RFC 6591) is a complaint as a whole, but its recipients are
// KindNone, because none of them has complained.
type Report struct {
	Kind            Kind
	Recipients      []Recipient // one for each recipient that the report speaks of
	ReturnPaths     []string    // addresses that may be the return path: where the report was sent to, or what it quotes
	MessageIDs      []string    // quoted Message-IDs without angle brackets
	UnsubscribeURLs []string    // URIs of the quoted List-Unsubscribe field (RFC 2369)
	QueueIDs        []string    // ids under which relays took the message
	Action          string      // one of the Action words: what follows for the program on the whole
	At              time.Time   // when it happened, as far as the report says; zero when it does not
}

// Recipient is what a report says of one recipient. Address is the one that failed, empty when the report hides it. Original is the one that the message was
// sent to, if the report says that this was another (RFC 3464 §2.3.1): it was forwarded, or its list was expanded.
//
// Reason and Fault are words of sender/reply, empty when there was no refusal. Hard means that the address itself is no good: it is true only for an
// unknown user, a host that does not exist, and a domain that takes no mail, and only when the refusal is final.
type Recipient struct {
	Address      string
	Original     string
	Reason       string
	Hard         bool
	Fault        string
	Status       string // RFC 3463, such as 5.1.1, "" when unknown
	ReplyCode    int    // of SMTP, 0 when unknown
	Diagnostic   string // the words of the server that refused, on one line
	Action       string // RFC 3464 §2.3.3: failed, delayed, delivered, relayed or expanded
	FeedbackType string // RFC 5965 §7.3
	Kind         Kind
}

// Parse reads a message, whatever its line ends are. It never fails: what is no report is KindNone.
func Parse(raw []byte) Report {
	p := &parser{root: parseEntity(normalize(raw))}
	p.walk(p.root, 0)
	p.read()
	p.collect()
	return p.report()
}

// parser holds the pieces of one message.
type parser struct {
	root      entity
	parts     int
	texts     []string   // what is written for people
	html      []string   // the same as HTML
	statuses  []string   // bodies of delivery-status parts
	feedbacks []feedback // feedback-report parts, each with the message it returns
	mdn       []header   // bodies of disposition-notification parts
	originals []header   // headers of returned messages

	firstOriginal string // the first returned message as it is
	depth         int    // 1 when this is a report within a message

	recipients []Recipient
	ids        ids
	at         time.Time
	kind       Kind
	said       map[string]string    // what the text says of each recipient
	apart      *reply.Reply         // the reply that the whole text quotes
	whole      map[bool]reply.Class // what the whole text says, for transient refusals and for final ones
	servers    *string              // where the text names servers
}

// walk sorts the leaves of the message. What a returned message contains is not looked at: it may be a report itself.
func (p *parser) walk(e entity, depth int) {
	p.parts++
	if p.parts > maxParts || depth > maxDepth {
		return
	}
	if e.multipart() {
		parts := e.split()
		for _, part := range parts {
			p.walk(parseEntity(part), depth+1)
		}
		if len(parts) == 0 { // no boundary at all
			p.plain(e)
		}
		return
	}
	switch t := e.mediaType(); {
	case t == "message/delivery-status" || t == "message/global-delivery-status":
		p.statuses = append(p.statuses, e.text())
	case t == "message/feedback-report":
		p.feedbacks = append(p.feedbacks, feedback{fields: parseFields(e.text())})
	case t == "message/disposition-notification" || t == "message/global-disposition-notification":
		p.mdn = append(p.mdn, parseFields(e.text()))
	case t == "message/rfc822" || t == "message/global" || t == "text/rfc822-headers" || t == "message/global-headers" || t == "message/rfc822-headers" ||
		t == "message/partial" || t == "text/rfc822":
		p.original(e.text())
	case t == "text/html":
		p.html = append(p.html, e.text())
	case t == "text/plain" || t == "":
		p.plain(e)
	}
}

// plain takes a text, without the message that stands quoted below it.
func (p *parser) plain(e entity) {
	text := e.text()
	if depth := p.parts; depth > 1 && e.attached() {
		p.original(text)
		return
	}
	said, quoted := splitOriginal(text)
	p.texts = append(p.texts, said)
	if quoted != "" {
		p.original(quoted)
	}
}

// original takes the header of a returned message.
func (p *parser) original(text string) {
	h, _ := splitHeader(text)
	if len(h) == 0 {
		return
	}
	if len(p.originals) == 0 {
		p.firstOriginal = text
	}
	if n := len(p.feedbacks); n > 0 && p.feedbacks[n-1].original == nil {
		p.feedbacks[n-1].original = h
	}
	if len(p.originals) < maxIDs {
		p.originals = append(p.originals, h)
	}
}

// read finds out what kind of message this is and what it says, the surest signs first.
func (p *parser) read() {
	text := p.text()
	switch {
	case p.lostFeedback():
		p.readFeedback()
	case len(p.mdn) > 0:
		p.readDisposition()
	case p.readStatuses(text):
	case p.readAmazon(text):
	case p.readText(text):
	case p.readNested():
	default:
		p.readAutoReply()
	}
}

// text is what the message says to people: its plain text, or the words of its HTML when there is no other.
func (p *parser) text() string {
	text := joined(p.texts)
	if text == "" {
		said := make([]string, 0, len(p.html))
		for _, h := range p.html {
			s, _ := splitOriginal(htmlText(h))
			said = append(said, s)
		}
		text = joined(said)
	}
	return clip(text, maxText)
}

func (p *parser) report() Report {
	r := Report{
		Kind: p.kind, Recipients: p.recipients, At: p.at,
		ReturnPaths: p.ids.returnPaths, MessageIDs: p.ids.messages, UnsubscribeURLs: p.ids.unsubscribe, QueueIDs: p.ids.queue,
	}
	if r.Kind == "" {
		r.Kind = weightiest(r.Recipients)
	}
	r.Action = action(r)
	return r
}

// weightiest is the kind of a report as a whole.
func weightiest(rs []Recipient) Kind {
	for _, k := range []Kind{KindComplaint, KindBounce, KindDelay, KindDelivered, KindAutoReply} {
		for _, r := range rs {
			if r.Kind == k {
				return k
			}
		}
	}
	return KindNone
}

// add keeps a recipient; of two entries for the same address the first stands.
func (p *parser) add(r Recipient) {
	if len(p.recipients) < MaxRecipients {
		p.recipients = append(p.recipients, r)
	}
}
