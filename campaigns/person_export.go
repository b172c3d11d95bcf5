package campaigns

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/addr"
)

// PersonData is everything that is kept about a person, as of one moment.
type PersonData struct {
	Email      string
	ExportedAt time.Time
	Sections   []PersonSection
}

// PersonSection is what one table knows: rows of values by column, at most maxSectionRows and maxSectionBytes of them. A value is what Postgres has: text, number, time, JSON;
// bytes are a text of as many characters (ISO 8859-1).
type PersonSection struct {
	Name    string
	Columns []string
	Rows    [][]any
	Cut     bool // there are more
}

// maxSectionRows and maxSectionBytes bound the memory of an export; nobody has opened a mail as often.
const (
	maxSectionRows  = 100_000
	maxSectionBytes = 16 << 20
)

// personSections are queries about person $1 with the address $2, in the order in which they are read.
var personSections = []struct{ name, sql string }{
	{"person", `SELECT id, email, name, created_at, updated_at, import_id, no_tracking, paused_until, paused_at, paused_source, frequency, frequency_at, frequency_source
		FROM subscribers WHERE id = $1`},
	{"fields", `SELECT a.key AS field, COALESCE(NULLIF(f.label, ''), a.key) AS label, a.value FROM subscribers u, jsonb_each(u.attributes) a LEFT JOIN fields f ON f.name = a.key
		WHERE u.id = $1 ORDER BY a.key`},
	{"subscriptions", `SELECT s.list_id, l.name AS list, s.status, s.source, s.import_id, s.evidence, s.created_at, s.updated_at FROM subscriptions s LEFT JOIN lists l ON l.id = s.list_id
		WHERE s.subscriber_id = $1 ORDER BY s.list_id`},
	{"earlier_subscriptions", `SELECT h.list_id, l.name AS list, h.status, h.source, h.import_id, h.evidence, h.since, h.until FROM subscription_history h
		LEFT JOIN lists l ON l.id = h.list_id WHERE h.subscriber_id = $1 ORDER BY h.id`},
	{"suppressions", `SELECT email_key AS address, reason, source, detail, created_at FROM suppressions WHERE email_key = $2`},
	{"suppression_log", `SELECT at, action, reason, source, detail, suppressed_at, note FROM suppression_log WHERE email_key = $2 ORDER BY id`},
	{"messages", `SELECT d.campaign_id, c.name AS campaign,
		COALESCE((SELECT v.subject FROM campaign_variants v WHERE v.campaign_id = d.campaign_id AND v.n = d.variant), c.subject) AS subject, d.seq, d.email AS address, (ARRAY['` + strings.Join(stateNames[:], "','") + `'])[d.state + 1] AS state, d.attempts,
		d.first_tried_at, d.updated_at, d.reply_code, d.reply_status, d.reply_text, d.skip_reason, d.variant
		FROM deliveries d LEFT JOIN campaigns c ON c.id = d.campaign_id WHERE d.subscriber_id = $1 ORDER BY d.campaign_id, d.seq`},
	{"message_data", `SELECT m.id, m.campaign_id, m.seq, m.to_name, m.data, m.tags, m.send_at, m.expires_at, m.created_at FROM messages m WHERE m.subscriber_id = $1 ORDER BY m.id`},
	{"attempts", `SELECT a.campaign_id, a.seq, a.attempt, a.at, a.outcome, a.reply_code, a.reply_status, a.reply_text, a.reason FROM deliveries d
		JOIN delivery_attempts a ON a.campaign_id = d.campaign_id AND a.seq = d.seq WHERE d.subscriber_id = $1 ORDER BY a.at`},
	{"left_out", `SELECT c.id AS campaign_id, c.name AS campaign, x.reason, c.started_at FROM campaigns c JOIN exclusions x ON x.campaign_id = c.id AND x.subscriber_id = $1 ORDER BY c.id`},
	{"events", `SELECT at, kind, campaign_id, seq, link, detail, user_agent, reason, actor FROM events WHERE subscriber_id = $1 ORDER BY id`},
	{"unsubscribes", `SELECT l.at, l.campaign_id, l.seq, l.source, l.everything, l.list_ids, l.reason, l.comment, l.reason_at, l.undone_at FROM unsubscribes l
		WHERE l.subscriber_id = $1 ORDER BY l.id`},
	{"reports", `SELECT source, kind, at, received_at, campaign_id, seq, address, hard, reason, status, reply_code, diagnostic, action, raw FROM reports
		WHERE subscriber_id = $1 OR lower(address) = $2 ORDER BY id`},
	{"signups", `SELECT g.id, g.source, f.name AS form, g.list_ids, g.language, g.email AS address, g.name, g.attributes, g.evidence, g.network_key, g.state, g.attempt, g.reply_code, g.reply,
		g.created_at, g.updated_at, g.expires_at, g.closed_at FROM signups g LEFT JOIN forms f ON f.id = g.form_id WHERE g.subscriber_id = $1 OR g.email_key = $2 ORDER BY g.id`},
	{"imports", `SELECT i.id, i.filename, i.started_at, c.before, c.after FROM import_changes c JOIN imports i ON i.id = c.import_id WHERE c.subscriber_id = $1 ORDER BY i.id`},
	{"bulk_actions", `SELECT b.id, b.action, b.created_by, b.created_at, c.before, c.after FROM bulk_changes c JOIN bulk_actions b ON b.id = c.bulk_id WHERE c.subscriber_id = $1 ORDER BY b.id`},
}

// ExportPerson gives everything that is kept about a person.
func (s *Service) ExportPerson(ctx context.Context, subscriberID int64) (PersonData, error) {
	person, err := s.d.Audience.GetSubscriber(ctx, subscriberID)
	if err != nil {
		return PersonData{}, err
	}
	address, err := addr.Normalize(person.Email)
	if err != nil {
		return PersonData{}, fmt.Errorf("exporting subscriber %d: %w", subscriberID, err)
	}
	out := PersonData{Email: person.Email, ExportedAt: s.d.Now().UTC()}
	// One snapshot, so that no part of it knows of something that another does not.
	err = pgx.BeginTxFunc(ctx, s.d.Pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		for _, section := range personSections {
			part, err := readSection(ctx, tx, section.name, section.sql, subscriberID, address.Key)
			if err != nil {
				return err
			}
			out.Sections = append(out.Sections, part)
		}
		return nil
	})
	if err != nil {
		return PersonData{}, fmt.Errorf("exporting subscriber %d: %w", subscriberID, err)
	}
	return out, nil
}

func readSection(ctx context.Context, tx pgx.Tx, name, sql string, id int64, key string) (PersonSection, error) {
	part := PersonSection{Name: name, Rows: [][]any{}}
	rows, err := tx.Query(ctx, fmt.Sprintf(`SELECT p.* FROM (%s) p WHERE $1::bigint IS NOT NULL AND $2::text IS NOT NULL LIMIT %d`, sql, maxSectionRows+1), id, key)
	if err != nil {
		return part, err
	}
	defer rows.Close()
	for _, f := range rows.FieldDescriptions() {
		part.Columns = append(part.Columns, f.Name)
	}
	size := 0
	for rows.Next() {
		for _, raw := range rows.RawValues() {
			size += len(raw)
		}
		if part.Cut = len(part.Rows) == maxSectionRows || size > maxSectionBytes; part.Cut {
			break
		}
		values, err := rows.Values()
		if err != nil {
			return part, err
		}
		for i, v := range values {
			if b, ok := v.([]byte); ok {
				values[i] = latin1(b)
			}
		}
		part.Rows = append(part.Rows, values)
	}
	rows.Close()
	return part, rows.Err()
}

// latin1 makes text of whatever bytes a message had, one character of each.
func latin1(b []byte) string {
	text := make([]rune, len(b))
	for i, c := range b {
		text[i] = rune(c)
	}
	return string(text)
}
