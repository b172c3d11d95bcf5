package outgoing

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/internal/pg"
	"postrider/internal/safehttp"
)

// The states of a message.
const (
	MessagePending   = "pending"
	MessageDelivered = "delivered"
	MessageFailed    = "failed"
)

// Message is one message to one endpoint. MessageID is the webhook-id, the same in every attempt.
type Message struct {
	MessageID     string
	Type          string
	Test          bool
	Status        string
	Attempts      int
	NextAttemptAt *time.Time // nil unless pending
	LastStatus    *int       // status code of the last attempt; nil: none, or no answer
	LastError     *string    // of the last attempt; nil when it was a success
	CreatedAt     time.Time
	DoneAt        *time.Time
}

// Attempt is one try to deliver a message.
type Attempt struct {
	Attempt    int
	At         time.Time
	DurationMS int
	StatusCode *int    // nil: no answer
	Error      *string // nil: delivered
	Reply      *string // the beginning of the answer
}

// MessageFilter picks messages; zero fields pick all.
type MessageFilter struct {
	Status string
	Type   string
}

type messageRow struct {
	ID int64
	Message
}

// newMessageID makes a webhook-id: unique, and without the dot that separates it in what is signed.
func newMessageID() string { return "msg_" + rand.Text() }

const messageSelect = `
	SELECT m.id, m.message_id, m.type, m.test, m.status, m.attempts, m.next_attempt_at, a.status_code AS last_status, a.error AS last_error, m.created_at, m.done_at
	FROM webhook_messages m LEFT JOIN webhook_attempts a ON a.message_id = m.id AND a.attempt = m.attempts`

// ListMessages gives a page of an endpoint's log, newest first.
func (s *Service) ListMessages(ctx context.Context, endpointID int64, f MessageFilter, q page.Query) (page.Page[Message], error) {
	var none page.Page[Message]
	var before int64
	if q.Cursor != "" {
		if err := page.Decode(q.Cursor, &before); err != nil {
			return none, err
		}
	}
	if f.Status != "" && !slices.Contains([]string{MessagePending, MessageDelivered, MessageFailed}, f.Status) {
		return none, errs.InvalidField("status", "must be pending, delivered or failed")
	}
	if f.Type != "" && f.Type != TypeTest && !known(f.Type) {
		return none, errs.InvalidField("type", "there is no event type %q: see GET /webhook-event-types", safehttp.Clean(f.Type, 100))
	}
	if _, err := s.GetEndpoint(ctx, endpointID); err != nil {
		return none, err
	}
	rows, err := pg.Many[messageRow](ctx, s.pool, "webhook messages", messageSelect+`
		WHERE m.endpoint_id = $1 AND ($2 = 0 OR m.id < $2) AND ($3 = '' OR m.status = $3) AND ($4 = '' OR m.type = $4) ORDER BY m.id DESC LIMIT $5`,
		endpointID, before, f.Status, f.Type, q.Size()+1)
	if err != nil {
		return none, err
	}
	cut := page.Cut(rows, q, func(r messageRow) string { return page.Encode(r.ID) })
	return page.Map(cut, func(r messageRow) Message { return r.Message }), nil
}

// GetMessage gives a message with its payload and its attempts, the last one first.
func (s *Service) GetMessage(ctx context.Context, endpointID int64, messageID string) (Message, string, []Attempt, error) {
	row, err := pg.One[struct {
		messageRow
		Payload string
	}](ctx, s.pool, "such message of this webhook; the log keeps it for a limited time", strings.Replace(messageSelect, "m.id,", "m.id, m.payload,", 1)+`
		WHERE m.endpoint_id = $1 AND m.message_id = $2`, endpointID, safehttp.Clean(messageID, 100))
	if err != nil {
		return Message{}, "", nil, err
	}
	attempts, err := pg.Many[Attempt](ctx, s.pool, "attempts of a webhook message", `
		SELECT attempt, at, duration_ms, status_code, error, reply FROM webhook_attempts WHERE message_id = $1 ORDER BY attempt DESC LIMIT 200`, row.ID)
	return row.Message, row.Payload, attempts, err
}

// Replay sends a message again now, whatever became of it, with the same webhook-id and a new schedule of retries.
func (s *Service) Replay(ctx context.Context, endpointID int64, messageID string) (Message, error) {
	if err := s.mustBeActive(ctx, endpointID); err != nil {
		return Message{}, err
	}
	_, err := s.pool.Exec(ctx, `
		UPDATE webhook_messages SET status = 'pending', tries = 0, next_attempt_at = $3, done_at = NULL WHERE endpoint_id = $1 AND message_id = $2`,
		endpointID, safehttp.Clean(messageID, 100), s.clock())
	if err != nil {
		return Message{}, fmt.Errorf("replaying a message of webhook %d: %w", endpointID, err)
	}
	m, _, _, err := s.GetMessage(ctx, endpointID, messageID)
	s.rouse()
	return m, err
}

// ReplayFailed does the same for all messages that were made since then and have failed; it gives how many. Test messages are left out.
func (s *Service) ReplayFailed(ctx context.Context, endpointID int64, since time.Time) (int64, error) {
	if err := s.mustBeActive(ctx, endpointID); err != nil {
		return 0, err
	}
	tag, err := s.pool.Exec(ctx, `
		UPDATE webhook_messages SET status = 'pending', tries = 0, next_attempt_at = $3, done_at = NULL
		WHERE endpoint_id = $1 AND status = 'failed' AND NOT test AND created_at >= $2`, endpointID, since, s.clock())
	if err != nil {
		return 0, fmt.Errorf("replaying the messages of webhook %d: %w", endpointID, err)
	}
	s.rouse()
	return tag.RowsAffected(), nil
}

func (s *Service) mustBeActive(ctx context.Context, endpointID int64) error {
	e, err := s.GetEndpoint(ctx, endpointID)
	if err == nil && e.Status != StatusActive {
		return errs.New(errs.Conflict, "webhook %d is switched off; enable it, then replay", endpointID)
	}
	return err
}

// Test sends a message with sample data at once and gives what came of it. typ "" is webhook.test. It is not tried again, and says nothing about the endpoint's health. It goes to
// endpoints that are switched off too, so that one can be looked at before it is enabled.
func (s *Service) Test(ctx context.Context, endpointID int64, typ string) (Message, []Attempt, error) {
	var sample any = map[string]string{"message": "This is a test."}
	if typ == "" {
		typ = TypeTest
	}
	if typ != TypeTest {
		t, ok := typeOf(typ)
		if !ok {
			return Message{}, nil, errs.InvalidField("type", "there is no event type %q: see GET /webhook-event-types", safehttp.Clean(typ, 100))
		}
		sample = t.Sample
	}
	payload, err := encode(typ, s.clock(), sample)
	if err != nil {
		return Message{}, nil, err
	}
	c, err := s.insertTest(ctx, endpointID, typ, payload)
	if err != nil {
		return Message{}, nil, err
	}
	if err := s.attempt(ctx, c); err != nil {
		return Message{}, nil, err
	}
	m, _, attempts, err := s.GetMessage(ctx, endpointID, c.MessageID)
	return m, attempts, err
}

// insertTest stores a test message as claimed: if the process ends now, a worker sends it.
func (s *Service) insertTest(ctx context.Context, endpointID int64, typ, payload string) (claimed, error) {
	var c claimed
	err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		e, err := getEndpoint(ctx, tx, endpointID)
		if err != nil {
			return err
		}
		c, err = pg.One[claimed](ctx, tx, "webhook message", `
			WITH m AS (
				INSERT INTO webhook_messages (endpoint_id, message_id, type, payload, test, next_attempt_at, created_at) VALUES ($1, $2, $3, $4, true, $5, $6)
				RETURNING id, message_id, payload, test)
			SELECT m.id, $1::bigint AS endpoint_id, m.message_id, m.payload, m.test, e.url, e.secret, e.old_secret, e.old_secret_until FROM m, webhook_endpoints e WHERE e.id = $1`,
			e.ID, newMessageID(), typ, payload, s.clock().Add(lease), s.clock())
		return err
	})
	return c, err
}

// pruneChunk is how many messages are removed in one transaction.
const pruneChunk = 5000

// prune removes what is older than the log goes back, whatever became of it: what still waits then is for an endpoint that was switched off all the time.
func (s *Service) prune(ctx context.Context) error {
	for {
		tag, err := s.pool.Exec(ctx, `
			DELETE FROM webhook_messages WHERE id IN (SELECT id FROM webhook_messages WHERE created_at < $1 LIMIT $2)`, s.clock().Add(-s.cfg.Keep), pruneChunk)
		if err != nil {
			return fmt.Errorf("removing old webhook messages: %w", err)
		}
		if tag.RowsAffected() < pruneChunk {
			break
		}
	}
	// A secret that signs no more is nobody's business.
	_, err := s.pool.Exec(ctx, `UPDATE webhook_endpoints SET old_secret = NULL, old_secret_until = NULL WHERE old_secret_until <= $1`, s.clock())
	if err != nil {
		return fmt.Errorf("removing old webhook secrets: %w", err)
	}
	return nil
}
