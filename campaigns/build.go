package campaigns

import (
	"context"
	"strings"
	"sync"

	"postrider/events"
	"postrider/sender"
	"postrider/sender/message"
	"postrider/templates"
)

// buffer is what one message is made in, used again for the next one.
type buffer struct {
	rendered   templates.Rendered
	html, text message.PartWriter
	composer   message.Composer
	body       []byte
	signature  []byte
}

var buffers = sync.Pool{New: func() any { return &buffer{} }}

func getBuffer() *buffer  { return buffers.Get().(*buffer) }
func putBuffer(b *buffer) { buffers.Put(b) }

// unsignable says that there is no key to sign with at the moment: the database is away, or the key is. That is no fault of the message.
type unsignable struct{ err error }

func (u *unsignable) Error() string { return "signing: " + u.err.Error() }
func (u *unsignable) Unwrap() error { return u.err }

// links gives the signed addresses of one delivery.
type links struct {
	tokens     events.Tokens
	base       string // of the unsubscribe page
	tracking   string // of pixel and counted links
	campaignID int64
	seq        int32
	link0      int32 // what numbers of links begin at
}

func (l links) Open() string {
	return l.tracking + "/t/o/" + l.tokens.Delivery(events.Open, l.campaignID, l.seq) + ".gif"
}

func (l links) Click(n int) string {
	return l.tracking + "/t/c/" + l.tokens.Link(l.campaignID, l.seq, int(l.link0)+n)
}

func (l links) Unsubscribe() string {
	return l.base + "/u/" + l.tokens.Delivery(events.Unsubscribe, l.campaignID, l.seq)
}

// Preferences has the token of Unsubscribe.
func (l links) Preferences() string {
	return l.base + "/p/" + l.tokens.Delivery(events.Unsubscribe, l.campaignID, l.seq)
}

// build renders, composes and signs the message of one delivery in buf.
func (s *Service) build(ctx context.Context, p *prepared, relay sender.Relay, c claimed, buf *buffer) (sender.Message, error) {
	p, err := p.variant(c.variant)
	if err != nil {
		return sender.Message{}, err
	}
	if c.untracked {
		if p, err = p.untracked(); err != nil {
			return sender.Message{}, err
		}
	}
	urls := links{tokens: s.d.Tokens, base: p.frozen.PublicURL, tracking: p.tracking(), campaignID: c.campaignID, seq: c.Seq, link0: p.link0}
	buf.rendered.HTMLTo, buf.rendered.TextTo = nil, nil
	if p.html != nil {
		buf.html.Reset(p.html)
		buf.rendered.HTMLTo = &buf.html
	}
	if p.text != nil {
		buf.text.Reset(p.text)
		buf.rendered.TextTo = &buf.text
	}
	vars := p.vars(c.person)
	vars.Data = c.data
	if err := p.compiled.Render(&buf.rendered, vars, urls); err != nil {
		return sender.Message{}, err
	}
	returnPath, err := message.Address(s.returnPath(p, relay, c))
	if err != nil {
		return sender.Message{}, err
	}
	m := message.Message{
		Fixed: p.header, ToName: c.person.Name, ToEmail: c.Email, Subject: buf.rendered.Subject, MessageID: s.messageID(p, c.Seq), Date: s.d.Now(),
		HTML: buf.rendered.HTML, Text: buf.rendered.Text,
	}
	if p.frozen.unsubscribable() {
		m.ListUnsubscribeURL, m.ListUnsubscribeMailto = urls.Unsubscribe(), s.unsubscribeMailto(p, c.Seq)
	}
	if p.frozen.Messages {
		m.Extra = automatic
	}
	if p.html != nil {
		m.HTMLPart = &buf.html
	}
	if p.text != nil {
		m.TextPart = &buf.text
	}
	if buf.body, err = buf.composer.Append(buf.body[:0], &m); err != nil {
		return sender.Message{}, err
	}
	buf.signature = buf.signature[:0]
	if relay.DKIM == sender.DKIMSign {
		signer, err := s.d.Sender.SignerFor(ctx, p.fromDomain, relay.SigningProfile)
		if err != nil {
			return sender.Message{}, &unsignable{err}
		}
		if err := s.signing.Acquire(ctx, 1); err != nil {
			return sender.Message{}, err
		}
		buf.signature, err = signer.Sign(buf.signature, buf.body)
		s.signing.Release(1)
		if err != nil {
			return sender.Message{}, err
		}
	}
	to, err := message.Address(c.Email)
	if err != nil {
		return sender.Message{}, err
	}
	return sender.Message{CampaignID: c.campaignID, Urgent: p.frozen.Messages, From: returnPath, To: to, Header: buf.signature, Body: buf.body}, nil
}

// automatic keeps vacation replies away from mail that a program sends (RFC 3834 §5). It is no bulk mail, so it does not say so.
var automatic = []message.Header{{Name: "Auto-Submitted", Value: "auto-generated"}}

// messageID is the same at every attempt, so that a receiver who gets a message twice can tell.
func (s *Service) messageID(p *prepared, seq int32) string {
	return s.d.Tokens.Delivery(events.MessageID, p.campaignID, seq) + "@" + p.fromDomain
}

// unsubscribeMailto is the address to which a mail program may write instead of posting to the page (RFC 2369 §3.2). It is where bounces come back to, and read by whatever
// reads those; without a bounce domain there is none, since a reply to the From address may reach somebody who does not know what to do with it.
func (s *Service) unsubscribeMailto(p *prepared, seq int32) string {
	if p.frozen.BounceDomain == "" {
		return ""
	}
	return "u-" + s.d.Tokens.Delivery(events.Unsubscribe, p.campaignID, seq) + "@" + p.frozen.BounceDomain
}

// returnPath is the address that bounces of this one message come back to, which tells whose it was.
func (s *Service) returnPath(p *prepared, relay sender.Relay, c claimed) string {
	if relay.ReturnPath == sender.ReturnPathFrom {
		return p.frozen.FromEmail
	}
	token := s.d.Tokens.Delivery(events.ReturnPath, c.campaignID, c.Seq)
	if p.frozen.BounceDomain != "" {
		return "b-" + token + "@" + p.frozen.BounceDomain
	}
	at := strings.LastIndexByte(p.frozen.FromEmail, '@')
	return p.frozen.FromEmail[:at] + "+b-" + token + p.frozen.FromEmail[at:]
}
