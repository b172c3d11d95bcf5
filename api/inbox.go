package api

import (
	"context"
	"strings"
	"time"

	"postrider/sender"
)

type inboxJSON struct {
	Enabled bool   `json:"enabled"`
	Address string `json:"address" doc:"Where it listens; empty while it is switched off"`
	Total   int64  `json:"total"`
}

// InboxMessageJSON is a captured message as lists show it.
type InboxMessageJSON struct {
	ID         int64     `json:"id"`
	ReceivedAt time.Time `json:"received_at"`
	From       string    `json:"from"`
	To         string    `json:"to"`
	Subject    string    `json:"subject"`
	Size       int       `json:"size"`
	DKIM       string    `json:"dkim" enum:"pass,fail,none"`
}

type inboxDetailJSON struct {
	InboxMessageJSON
	Headers    []headerJSON `json:"headers"`
	HTML       string       `json:"html"`
	Text       string       `json:"text"`
	Raw        string       `json:"raw"`
	DKIMDetail string       `json:"dkim_detail"`
}

type headerJSON struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type inboxQuery struct {
	Paging
	Search string `query:"q" doc:"Part of a subject or a recipient"`
}

func encodeInboxMessage(m sender.InboxMessage) InboxMessageJSON {
	return InboxMessageJSON{ID: m.ID, ReceivedAt: m.ReceivedAt.UTC(), From: m.From, To: strings.Join(m.To, ", "), Subject: m.Subject, Size: m.Size, DKIM: m.DKIM}
}

func encodeInboxDetail(d sender.InboxDetail) inboxDetailJSON {
	return inboxDetailJSON{
		InboxMessageJSON: encodeInboxMessage(d.InboxMessage), HTML: d.HTML, Text: d.Text, Raw: string(d.Raw), DKIMDetail: d.DKIMDetail,
		Headers: each(d.Headers, func(h sender.HeaderField) headerJSON { return headerJSON(h) }),
	}
}

func (s *server) getInbox(ctx context.Context, _ *nothing) (*answer[inboxJSON], error) {
	addr := s.cfg.InboxAddr()
	total, err := s.deps.Inbox.Total(ctx)
	return reply(total, err, func(total int64) inboxJSON { return inboxJSON{Enabled: addr != "", Address: addr, Total: total} })
}

func (s *server) listInbox(ctx context.Context, in *inboxQuery) (*answer[pageJSON[InboxMessageJSON]], error) {
	p, err := s.deps.Inbox.List(ctx, in.Search, in.query())
	return replyPage(p, err, encodeInboxMessage)
}

func (s *server) getInboxMessage(ctx context.Context, in *byID) (*answer[inboxDetailJSON], error) {
	d, err := s.deps.Inbox.Get(ctx, in.ID)
	return reply(d, err, encodeInboxDetail)
}

func (s *server) emptyInbox(ctx context.Context, _ *nothing) (*nothing, error) {
	return done(s.deps.Inbox.Delete(ctx))
}
