package sender

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/mail"
	"strings"
	"time"

	"github.com/emersion/go-message/charset"
	"github.com/jackc/pgx/v5/pgxpool"

	"postrider/internal/pg"
	"postrider/sender/inbox"
)

// The inbox keeps the newest messages; what is older goes in batches now and then, not with each message.
const (
	inboxKeep      = 200_000
	inboxTrimEvery = 5_000
	// Messages that arrive while a batch is being committed make up the next one, up to this many and this many bytes.
	inboxBatchRows  = 500
	inboxBatchBytes = 16 << 20
	// inboxCommitTimeout also bounds the last batch, which is committed after Run was told to end.
	inboxCommitTimeout = 30 * time.Second
	// maxInboxText bounds what is kept of a header field beside the raw message.
	maxInboxText = 1000
)

var errInboxStopped = errors.New("the inbox is shutting down")

// InboxStore keeps what the built-in capture server takes in, and shows it. Run must be running for Capture to return.
type InboxStore struct {
	pool     *pgxpool.Pool
	resolver Resolver
	logger   *slog.Logger
	now      func() time.Time

	captures chan capture
	stopped  chan struct{}
	inserted int // since the last trim; only Run touches it
	keep     int
	every    int
}

// capture is a message on its way into the table, and the way back for the answer.
type capture struct {
	row  inboxRow
	done chan error
}

// inboxRow is a message as it is stored.
type inboxRow struct {
	receivedAt time.Time
	mailFrom   string
	rcptTo     []string
	subject    string
	messageID  string
	raw        []byte
}

// NewInboxStore makes the store. resolver finds DKIM keys that are not ours; nil = the system's.
func NewInboxStore(pool *pgxpool.Pool, resolver Resolver, logger *slog.Logger, now func() time.Time) *InboxStore {
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	return &InboxStore{pool: pool, resolver: resolver, logger: logger, now: now, captures: make(chan capture), stopped: make(chan struct{}),
		keep: inboxKeep, every: inboxTrimEvery}
}

// Run stores what Capture is given until ctx ends; what it had taken by then is committed and answered before it returns. It is run once. End it
// after the capture server: that one still hands over what it has received when it stops.
//
// Many captures are committed together, because a commit costs the same for one message as for five hundred.
func (s *InboxStore) Run(ctx context.Context) error {
	defer close(s.stopped)
	for {
		select {
		case <-ctx.Done():
			return nil
		case first := <-s.captures:
			s.commit(ctx, s.gather(first))
		}
	}
}

// gather takes what is waiting besides the first, without waiting for more.
func (s *InboxStore) gather(first capture) []capture {
	batch, size := []capture{first}, len(first.row.raw)
	for len(batch) < inboxBatchRows && size < inboxBatchBytes {
		select {
		case c := <-s.captures:
			batch, size = append(batch, c), size+len(c.row.raw)
		default:
			return batch
		}
	}
	return batch
}

func (s *InboxStore) commit(ctx context.Context, batch []capture) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), inboxCommitTimeout)
	defer cancel()
	rows := make([]inboxRow, len(batch))
	for i, c := range batch {
		rows[i] = c.row
	}
	err := insertInbox(ctx, s.pool, rows)
	for _, c := range batch {
		c.done <- err
	}
	if s.inserted += len(batch); err != nil || s.inserted < s.every {
		return
	}
	s.inserted = 0
	if err := trimInbox(ctx, s.pool, s.keep); err != nil {
		s.logger.Warn("old messages of the inbox could not be removed", "error", err)
	}
}

// Capture stores a message and returns when it is committed. A caller that gives up (ctx) does not take the message back.
func (s *InboxStore) Capture(ctx context.Context, m inbox.Captured) error {
	c := capture{row: newInboxRow(m), done: make(chan error, 1)}
	if c.row.receivedAt.IsZero() {
		c.row.receivedAt = s.now()
	}
	select {
	case s.captures <- c:
	case <-s.stopped:
		return errInboxStopped
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-c.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// newInboxRow reads from a message what lists show. A message that cannot be parsed is kept all the same: to look at it is what the inbox is for.
func newInboxRow(m inbox.Captured) inboxRow {
	row := inboxRow{receivedAt: m.ReceivedAt, mailFrom: storable(m.From), rcptTo: make([]string, len(m.To)), raw: m.Raw}
	for i, rcpt := range m.To {
		row.rcptTo[i] = storable(rcpt)
	}
	if header := readHeader(m.Raw); header != nil {
		row.subject = storable(decodeWords(header.Get("Subject")))
		row.messageID = storable(header.Get("Message-Id"))
	}
	return row
}

// readHeader gives the header of a message as far as it can be read, nil when there is none.
func readHeader(raw []byte) mail.Header {
	const most = 256 << 10
	m, err := mail.ReadMessage(io.LimitReader(bytes.NewReader(raw), most))
	if err != nil {
		return nil
	}
	return m.Header
}

// decodeWords reads encoded words (RFC 2047); what cannot be decoded is shown as it is.
func decodeWords(s string) string {
	d := mime.WordDecoder{CharsetReader: charset.Reader}
	if decoded, err := d.DecodeHeader(s); err == nil {
		return decoded
	}
	return s
}

// storable makes a text one that Postgres takes: valid UTF-8, no NUL, not too long.
func storable(s string) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "�")
	if len(s) > maxInboxText {
		s = strings.ToValidUTF8(s[:maxInboxText], "")
	}
	return s
}

// Total counts the messages that are kept.
func (s *InboxStore) Total(ctx context.Context) (int64, error) {
	var n int64
	if err := s.pool.QueryRow(ctx, `SELECT count(*) FROM inbox_messages`).Scan(&n); err != nil {
		return 0, fmt.Errorf("counting the inbox: %w", err)
	}
	return n, nil
}

// Delete empties the inbox. It waits for a batch that is being stored, and costs the same however much there is.
func (s *InboxStore) Delete(ctx context.Context) error {
	if _, err := s.pool.Exec(ctx, `TRUNCATE inbox_messages`); err != nil {
		return fmt.Errorf("emptying the inbox: %w", err)
	}
	return nil
}

// All gives every raw message to fn, oldest first, until fn returns an error. It reads in small batches and holds no connection while fn runs.
func (s *InboxStore) All(ctx context.Context, fn func(raw []byte) error) error {
	for after := int64(0); ; {
		batch, err := pg.Many[rawMessage](ctx, s.pool, "inbox messages", `
			SELECT id, raw FROM inbox_messages WHERE id > $1 ORDER BY id LIMIT 100`, after)
		if err != nil {
			return err
		}
		for _, m := range batch {
			if err := fn(m.Raw); err != nil {
				return err
			}
			after = m.ID
		}
		if len(batch) == 0 {
			return nil
		}
	}
}
