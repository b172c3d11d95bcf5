package campaigns

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/events"
	"postrider/internal/addr"
	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/internal/pg"
	"postrider/templates"
)

// Message is a message that a program sent to one person, with its delivery.
type Message struct {
	ID         int64
	TemplateID *int64
	ToName     string
	Tags       []string
	SendAt     *time.Time
	ExpiresAt  time.Time
	CreatedAt  time.Time
	Delivery   Delivery
}

// MessageFilter narrows messages; zero fields pick all. Email is a whole address, in any case.
type MessageFilter struct {
	Email        string
	State        *State
	TemplateID   int64
	Tag          string
	Since, Until time.Time
}

type messageRow struct {
	ID         int64
	CampaignID int64
	Seq        int32
	TemplateID *int64
	ToName     string
	Tags       []string
	SendAt     *time.Time
	ExpiresAt  time.Time
	CreatedAt  time.Time
}

const messageSelect = `SELECT m.id, m.campaign_id, m.seq, c.template_id, m.to_name, m.tags, m.send_at, m.expires_at, m.created_at
	FROM messages m JOIN campaigns c ON c.id = m.campaign_id JOIN deliveries d ON d.campaign_id = m.campaign_id AND d.seq = m.seq `

// where gives the conditions and their arguments.
func (f MessageFilter) where() (string, []any, error) {
	conds, args := []string{"true"}, []any{}
	add := func(cond string, arg any) {
		args = append(args, arg)
		conds = append(conds, strings.ReplaceAll(cond, "$$", fmt.Sprintf("$%d", len(args))))
	}
	if f.Email != "" {
		a, err := addr.Normalize(f.Email)
		if err != nil {
			return "", nil, errs.InvalidField("email", "%q is not an e-mail address", strings.ToValidUTF8(f.Email, "?"))
		}
		add("m.subscriber_id = (SELECT id FROM subscribers WHERE email_key = $$)", a.Key)
	}
	if f.Tag != "" {
		if !validTag(f.Tag) {
			return "", nil, errs.InvalidField("tag", "no message has this tag: it is too long, or holds a character that no tag has")
		}
		add("m.tags <> '{}' AND m.tags @> ARRAY[$$::text]", f.Tag)
	}
	if f.State != nil {
		add("d.state = $$", int16(*f.State))
	}
	if f.TemplateID != 0 {
		add("m.campaign_id IN (SELECT id FROM campaigns WHERE purpose = 'messages' AND template_id = $$)", f.TemplateID)
	}
	if !f.Since.IsZero() {
		add("m.created_at >= $$", f.Since)
	}
	if !f.Until.IsZero() {
		add("m.created_at < $$", f.Until)
	}
	return strings.Join(conds, " AND "), args, nil
}

// ListMessages gives a page of messages, newest first.
func (s *Service) ListMessages(ctx context.Context, f MessageFilter, q page.Query) (page.Page[Message], error) {
	var none page.Page[Message]
	where, args, err := f.where()
	if err != nil {
		return none, err
	}
	if q.Cursor != "" {
		var before int64
		if err := page.Decode(q.Cursor, &before); err != nil {
			return none, err
		}
		args = append(args, before)
		where += fmt.Sprintf(" AND m.id < $%d", len(args))
	}
	args = append(args, q.Size()+1)
	all, err := s.messages(ctx, messageSelect+`WHERE `+where+fmt.Sprintf(` ORDER BY m.id DESC LIMIT $%d`, len(args)), args...)
	if err != nil {
		return none, err
	}
	return page.Cut(all, q, func(m Message) string { return page.Encode(m.ID) }), nil
}

// messages reads messages with their deliveries.
func (s *Service) messages(ctx context.Context, sql string, args ...any) ([]Message, error) {
	rows, err := pg.Many[messageRow](ctx, s.d.Pool, "messages", sql, args...)
	if err != nil {
		return nil, err
	}
	campaigns, seqs := make([]int64, len(rows)), make([]int32, len(rows))
	for i, r := range rows {
		campaigns[i], seqs[i] = r.CampaignID, r.Seq
	}
	ds, err := s.deliveries(ctx, `WITH d AS (
		SELECT d.* FROM unnest($1::bigint[], $2::int[]) AS u (campaign_id, seq) JOIN deliveries d ON d.campaign_id = u.campaign_id AND d.seq = u.seq)`+ledgerSelect, campaigns, seqs)
	if err != nil {
		return nil, err
	}
	byRef := map[events.Ref]Delivery{}
	for _, d := range ds {
		byRef[events.Ref{CampaignID: d.CampaignID, Seq: d.Seq}] = d
	}
	all := make([]Message, len(rows))
	for i, r := range rows {
		all[i] = Message{ID: r.ID, TemplateID: r.TemplateID, ToName: r.ToName, Tags: r.Tags, SendAt: r.SendAt, ExpiresAt: r.ExpiresAt, CreatedAt: r.CreatedAt,
			Delivery: byRef[events.Ref{CampaignID: r.CampaignID, Seq: r.Seq}]}
	}
	return all, nil
}

// MessageStory is everything that is known of a message. Data is JSON, nil when there was none or when it is not kept any more, which Forgotten says.
type MessageStory struct {
	Message
	Story     Story
	Data      json.RawMessage
	Forgotten bool
}

// GetMessage tells all of one message.
func (s *Service) GetMessage(ctx context.Context, id int64) (MessageStory, error) {
	all, err := s.messages(ctx, messageSelect+`WHERE m.id = $1`, id)
	if err != nil {
		return MessageStory{}, err
	}
	if len(all) == 0 {
		return MessageStory{}, noMessage(id)
	}
	m := MessageStory{Message: all[0]}
	if m.Story, err = s.GetDelivery(ctx, m.Delivery.CampaignID, m.Delivery.Seq); err != nil {
		return m, err
	}
	m.Story.QueuedAt = &m.CreatedAt
	if err := s.d.Pool.QueryRow(ctx, `SELECT data, forgotten FROM messages WHERE id = $1`, id).Scan(&m.Data, &m.Forgotten); err != nil {
		return m, fmt.Errorf("reading message %d: %w", id, err)
	}
	return m, nil
}

func noMessage(id int64) error { return errs.New(errs.NotFound, "there is no message %d", id) }

// Preview is a message as it was, or will be, made. Its links lead nowhere.
type Preview struct{ Subject, HTML, Text string }

// PreviewMessage makes a message once more, from the content that was frozen with it, its data, and the person as they are now. Conflict: its data is not kept any more.
func (s *Service) PreviewMessage(ctx context.Context, id int64) (Preview, error) {
	var ref events.Ref
	rows, err := s.d.Pool.Query(ctx, `SELECT campaign_id, seq FROM messages WHERE id = $1`, id)
	if err != nil {
		return Preview{}, fmt.Errorf("reading message %d: %w", id, err)
	}
	found := false
	if _, err := pgx.ForEachRow(rows, []any{&ref.CampaignID, &ref.Seq}, func() error { found = true; return nil }); err != nil {
		return Preview{}, fmt.Errorf("reading message %d: %w", id, err)
	}
	if !found {
		return Preview{}, noMessage(id)
	}
	content, err := s.content(ctx, ref.CampaignID)
	if err != nil {
		return Preview{}, err
	}
	r, err := s.recipient(ctx, ref)
	if err != nil {
		return Preview{}, err
	}
	if r.forgotten {
		return Preview{}, errs.New(errs.Conflict, "what message %d said is not kept any more", id)
	}
	vars := content.vars(r.person)
	vars.Data = r.data
	var out templates.Rendered
	if err := content.compiled.Render(&out, vars, previewLinks{content.frozen.PublicURL}); err != nil {
		return Preview{}, err
	}
	return Preview{Subject: out.Subject, HTML: string(out.HTML), Text: string(out.Text)}, nil
}

// skipCancelled is why a message that was taken back was not sent.
const skipCancelled = "cancelled"

// CancelMessage keeps a message from being sent that waits. Conflict: it does not wait any more.
func (s *Service) CancelMessage(ctx context.Context, id int64) (MessageStory, error) {
	tag, err := s.d.Pool.Exec(ctx, `
		UPDATE deliveries d SET state = 7, skip_reason = $2, next_attempt_at = NULL, updated_at = now() FROM messages m
		WHERE m.id = $1 AND d.campaign_id = m.campaign_id AND d.seq = m.seq AND d.state IN (0, 3)`, id, skipCancelled)
	if err != nil {
		return MessageStory{}, fmt.Errorf("cancelling message %d: %w", id, err)
	}
	m, err := s.GetMessage(ctx, id)
	if err == nil && tag.RowsAffected() == 0 {
		return m, errs.New(errs.Conflict, "message %d is %s and cannot be cancelled any more", id, m.Delivery.State)
	}
	return m, err
}
