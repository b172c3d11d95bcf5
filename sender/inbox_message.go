package sender

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/emersion/go-message"

	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/sender/dkim"
)

// What the signatures of a captured message are worth.
const (
	DKIMPass = "pass" // at least one is valid (RFC 6376 §6.1)
	DKIMFail = "fail"
	DKIMNone = "none" // it has none
)

// InboxMessage is a captured message as lists show it.
type InboxMessage struct {
	ID         int64
	ReceivedAt time.Time
	From       string   // of the header, decoded; the envelope's when the header has none
	MailFrom   string   // of the envelope: where bounces would go
	To         []string // of the envelope
	Subject    string
	MessageID  string
	Size       int // bytes
	DKIM       string
}

// InboxDetail is a captured message with all that is in it.
type InboxDetail struct {
	InboxMessage
	Headers    []HeaderField // in the order of the message, encoded words decoded
	HTML       string        // of the first HTML part, "" without one
	Text       string
	Raw        []byte
	DKIMDetail string // one line for each signature
}

// HeaderField is one field of a header.
type HeaderField struct{ Name, Value string }

// DKIMResult is the judgement on all signatures of a message.
type DKIMResult struct {
	Verdict string
	Detail  string
}

// dnsTimeout bounds all look-ups for one message or one page of them; a machine without DNS must not make the inbox slow.
const dnsTimeout = 3 * time.Second

// List gives the captured messages, newest first. search looks into subjects and recipients; "" is all.
func (s *InboxStore) List(ctx context.Context, search string, q page.Query) (page.Page[InboxMessage], error) {
	rows, err := listInbox(ctx, s.pool, search, q)
	if err != nil {
		return page.Page[InboxMessage]{}, err
	}
	cut := page.Cut(rows, q, func(m messageRow) string { return page.Encode(m.ID) })
	messages := page.Map(cut, messageRow.message)
	byID := make(map[int64]*InboxMessage)
	ids := make([]int64, len(messages.Items))
	for i := range messages.Items {
		ids[i] = messages.Items[i].ID
		byID[ids[i]] = &messages.Items[i]
	}
	keys, err := s.newKeyring(ctx)
	if err != nil {
		return page.Page[InboxMessage]{}, err
	}
	defer keys.cancel()
	err = rawInbox(ctx, s.pool, ids, func(raw rawMessage) {
		m := byID[raw.ID]
		m.DKIM = keys.verify(raw.Raw).Verdict
		m.readFrom(raw.Raw)
	})
	return messages, err
}

// Get gives one captured message with its parts. What cannot be decoded is left out; Raw has it all.
func (s *InboxStore) Get(ctx context.Context, id int64) (InboxDetail, error) {
	row, err := getInbox(ctx, s.pool, id)
	if err != nil {
		return InboxDetail{}, err
	}
	d := InboxDetail{InboxMessage: row.message(), Headers: []HeaderField{}}
	if err := rawInbox(ctx, s.pool, []int64{id}, func(m rawMessage) { d.Raw = m.Raw }); err != nil {
		return InboxDetail{}, err
	}
	if d.Raw == nil {
		return InboxDetail{}, errs.New(errs.NotFound, "there is no inbox message %d", id)
	}
	verdict, err := s.VerifyDKIM(ctx, d.Raw)
	if err != nil {
		return InboxDetail{}, err
	}
	d.DKIM, d.DKIMDetail = verdict.Verdict, verdict.Detail
	d.readFrom(d.Raw)
	// An unknown charset or encoding still gives an entity; anything else is a message that only Raw can show.
	if entity, err := message.Read(bytes.NewReader(d.Raw)); entity != nil && (err == nil || message.IsUnknownCharset(err) || message.IsUnknownEncoding(err)) {
		d.readHeaders(entity)
		d.readParts(entity, 0)
	}
	return d, nil
}

// VerifyDKIM judges the signatures of a raw message. Keys of our own sending domains are taken from the database, so that it works before anything
// is published; all others from DNS.
func (s *InboxStore) VerifyDKIM(ctx context.Context, raw []byte) (DKIMResult, error) {
	keys, err := s.newKeyring(ctx)
	if err != nil {
		return DKIMResult{}, err
	}
	defer keys.cancel()
	return keys.verify(raw), nil
}

func (r messageRow) message() InboxMessage {
	return InboxMessage{ID: r.ID, ReceivedAt: r.ReceivedAt, From: r.MailFrom, MailFrom: r.MailFrom, To: r.RcptTo, Subject: r.Subject,
		MessageID: r.MessageID, Size: r.Size, DKIM: DKIMNone}
}

func (m *InboxMessage) readFrom(raw []byte) {
	if header := readHeader(raw); header != nil && header.Get("From") != "" {
		m.From = storable(decodeWords(header.Get("From")))
	}
}

func (d *InboxDetail) readHeaders(entity *message.Entity) {
	for fields := entity.Header.Fields(); fields.Next(); {
		value, err := fields.Text()
		if err != nil {
			value = fields.Value()
		}
		d.Headers = append(d.Headers, HeaderField{Name: fields.Key(), Value: strings.ToValidUTF8(value, "�")})
	}
}

// readParts finds the first text and the first HTML part that is not an attachment.
func (d *InboxDetail) readParts(entity *message.Entity, depth int) {
	const deepest = 10
	if parts := entity.MultipartReader(); parts != nil {
		for depth < deepest {
			part, err := parts.NextPart()
			if part == nil || (err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err)) {
				return
			}
			d.readParts(part, depth+1)
		}
		return
	}
	if disposition, _, err := entity.Header.ContentDisposition(); err == nil && disposition == "attachment" {
		return
	}
	var target *string
	switch kind, _, _ := entity.Header.ContentType(); kind {
	case "text/html":
		target = &d.HTML
	case "text/plain", "":
		target = &d.Text
	}
	if target == nil || *target != "" {
		return
	}
	// A part that breaks off is shown as far as it goes.
	body, _ := io.ReadAll(entity.Body)
	*target = strings.ToValidUTF8(string(body), "�")
}

// keyring looks DKIM keys up for one request, each at most once.
type keyring struct {
	ctx    context.Context
	cancel context.CancelFunc
	dns    Resolver
	own    map[string]string
	asked  map[string]keyAnswer
}

type keyAnswer struct {
	txts []string
	err  error
}

// newKeyring must be followed by cancel.
func (s *InboxStore) newKeyring(ctx context.Context) (*keyring, error) {
	own, err := publishedKeys(ctx, s.pool)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, dnsTimeout)
	return &keyring{ctx: ctx, cancel: cancel, dns: s.resolver, own: own, asked: make(map[string]keyAnswer)}, nil
}

func (k *keyring) lookup(name string) ([]string, error) {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if record, ok := k.own[name]; ok {
		return []string{record}, nil
	}
	answer, ok := k.asked[name]
	if !ok {
		answer.txts, answer.err = k.dns.LookupTXT(k.ctx, name)
		k.asked[name] = answer
	}
	return answer.txts, answer.err
}

func (k *keyring) verify(raw []byte) DKIMResult {
	signatures, err := dkim.Verify(raw, k.lookup)
	if err != nil {
		return DKIMResult{Verdict: DKIMNone, Detail: "the message's header could not be read: " + shorten(err.Error())}
	}
	if len(signatures) == 0 {
		return DKIMResult{Verdict: DKIMNone, Detail: "the message has no DKIM signature"}
	}
	result := DKIMResult{Verdict: DKIMFail}
	lines := make([]string, len(signatures))
	for i, sig := range signatures {
		outcome := "valid"
		if sig.Err != nil {
			outcome = "not valid: " + shorten(strings.TrimPrefix(sig.Err.Error(), "dkim: "))
		} else {
			result.Verdict = DKIMPass
		}
		lines[i] = fmt.Sprintf("signature of %s: %s", shorten(sig.Domain), outcome)
	}
	result.Detail = strings.Join(lines, "\n")
	return result
}
