package sender

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"postrider/internal/page"
	"postrider/internal/pg"
)

type rawMessage struct {
	ID  int64
	Raw []byte
}

type messageRow struct {
	ID         int64
	ReceivedAt time.Time
	MailFrom   string
	RcptTo     []string
	Subject    string
	MessageID  string
	Size       int
}

// insertInbox stores all rows or none. COPY is one statement whatever the number of rows, and takes arrays of different lengths, which unnest
// does not.
func insertInbox(ctx context.Context, pool *pgxpool.Pool, rows []inboxRow) error {
	_, err := pool.CopyFrom(ctx, pgx.Identifier{"inbox_messages"},
		[]string{"received_at", "mail_from", "rcpt_to", "subject", "message_id", "size", "raw"},
		pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
			r := rows[i]
			return []any{r.receivedAt, r.mailFrom, r.rcptTo, r.subject, r.messageID, len(r.raw), r.raw}, nil
		}))
	if err != nil {
		return fmt.Errorf("storing %d captured messages: %w", len(rows), err)
	}
	return nil
}

// trimInbox removes all but the newest messages, a few thousand at a time so that no statement runs long.
func trimInbox(ctx context.Context, db pg.DB, keep int) error {
	for {
		tag, err := db.Exec(ctx, `
			DELETE FROM inbox_messages WHERE id IN (
				SELECT id FROM inbox_messages
				WHERE id <= (SELECT id FROM inbox_messages ORDER BY id DESC OFFSET $1 LIMIT 1)
				ORDER BY id LIMIT 5000)`, keep)
		if err != nil {
			return fmt.Errorf("trimming the inbox: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return nil
		}
	}
}

// listInbox reads one row more than the page shows, newest first. Searching reads the table: it is bounded, and the raw messages lie beside it.
func listInbox(ctx context.Context, db pg.DB, search string, q page.Query) ([]messageRow, error) {
	before := int64(1<<63 - 1)
	if q.Cursor != "" {
		if err := page.Decode(q.Cursor, &before); err != nil {
			return nil, err
		}
	}
	return pg.Many[messageRow](ctx, db, "inbox messages", `
		SELECT id, received_at, mail_from, rcpt_to, subject, message_id, size FROM inbox_messages
		WHERE id < $1 AND ($2 = '' OR subject ILIKE $2 OR EXISTS (SELECT FROM unnest(rcpt_to) AS r WHERE r ILIKE $2))
		ORDER BY id DESC LIMIT $3`, before, likePattern(search), q.Size()+1)
}

// likePattern finds a text anywhere; its wildcards mean themselves. "" stays "".
func likePattern(text string) string {
	text = storable(strings.TrimSpace(text))
	if text == "" {
		return ""
	}
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text) + "%"
}

func getInbox(ctx context.Context, db pg.DB, id int64) (messageRow, error) {
	return pg.One[messageRow](ctx, db, fmt.Sprintf("inbox message %d", id), `
		SELECT id, received_at, mail_from, rcpt_to, subject, message_id, size FROM inbox_messages WHERE id = $1`, id)
}

// rawInbox reads the messages themselves, one after the other: a page of large ones need not fit into memory.
func rawInbox(ctx context.Context, db pg.DB, ids []int64, fn func(rawMessage)) error {
	rows, err := db.Query(ctx, `SELECT id, raw FROM inbox_messages WHERE id = ANY($1)`, ids)
	if err != nil {
		return fmt.Errorf("reading inbox messages: %w", err)
	}
	var m rawMessage
	_, err = pgx.ForEachRow(rows, []any{&m.ID, &m.Raw}, func() error {
		fn(m)
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading inbox messages: %w", err)
	}
	return nil
}
