package audience

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// bulkWork is a bulk action whose turn it is.
type bulkWork struct {
	id        int64
	action    string
	p         bulkParams
	createdBy string
	source    string
	now       time.Time
	erased    []int64 // of those whose turn it is: people who were erased, and have not confirmed a sign-up since
	// sameField says that the field that it is about is still there, of the type that it had, and that no job is changing what people have in it.
	sameField bool
}

// bulkChange is what was changed of a person; before and after are jsonb as the statements below write and read them.
type bulkChange struct {
	SubscriberID int64
	Before       json.RawMessage
	After        json.RawMessage
	LeftSince    bool
}

// bulkCounts are people; whoever is in neither had nothing to change.
type bulkCounts struct{ changed, skipped int64 }

// lockBulk holds a bulk action; it is nil when its status is another one by now. A list or field that it is about is held too, so that it is not deleted or converted
// meanwhile.
func lockBulk(ctx context.Context, tx pgx.Tx, id int64, status string) (*bulkWork, error) {
	w := &bulkWork{id: id}
	var now string
	err := tx.QueryRow(ctx, `SELECT action, params, created_by, source, status FROM bulk_actions WHERE id = $1 FOR UPDATE`, id).
		Scan(&w.action, &w.p, &w.createdBy, &w.source, &now)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && now != status {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if w.p.ListID != 0 {
		if _, err := tx.Exec(ctx, `SELECT FROM lists WHERE id = $1 FOR KEY SHARE`, w.p.ListID); err != nil {
			return nil, err
		}
	}
	if w.p.Field != "" {
		err := tx.QueryRow(ctx, `SELECT true FROM fields WHERE name = $1 AND type = $2 AND pending IS NULL FOR SHARE`, w.p.Field, w.p.Type).Scan(&w.sameField)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return nil, err
		}
	}
	return w, nil
}

// skipSQL notes whom the action passes over and why: {why} is NULL for the others. $1 is the action, $2 the people, $3 the list, $4 erased people.
const skipSQL = `INSERT INTO bulk_kept (bulk_id, subscriber_id, undo, reason)
	SELECT $1, p.id, false, why FROM (SELECT i.id, CASE WHEN i.id = ANY ($4::bigint[]) THEN 'unconfirmed' ELSE %s END AS why FROM unnest($2::bigint[]) AS i (id) LEFT JOIN subscribers u ON u.id = i.id
		LEFT JOIN subscriptions s ON s.list_id = $3 AND s.subscriber_id = i.id) p
	WHERE why IS NOT NULL ON CONFLICT DO NOTHING RETURNING subscriber_id`

// Why somebody is passed over.
//
// Invariant: a bulk action never subscribes who left, and never makes it forgotten that they did. That includes those of whom only the note of their leaving remained when their
// subscription was taken away.
const (
	skipSubscribe = `CASE WHEN u.id IS NULL OR NOT EXISTS (SELECT FROM lists WHERE id = $3) THEN 'gone' WHEN ` + suppressedSQL + ` THEN 'suppressed'
		WHEN s.status IN ('unsubscribed', 'unconfirmed') THEN s.status
		WHEN s.status IS NULL AND EXISTS (SELECT FROM unsubscribes l WHERE l.subscriber_id = u.id AND l.undone_at IS NULL AND (l.everything OR $3 = ANY (l.list_ids))) THEN 'unsubscribed' END`
	skipRemove = `CASE WHEN u.id IS NULL THEN 'gone' WHEN s.status = 'unsubscribed' THEN 'unsubscribed' END`
	skipGone   = `CASE WHEN u.id IS NULL THEN 'gone' END`
	skipField  = `CASE WHEN u.id IS NULL THEN 'gone' ELSE 'changed_since' END` // of a field that is not what it was
)

func (w *bulkWork) do(ctx context.Context, tx pgx.Tx, ids []int64) (bulkCounts, error) {
	if err := lockPeople(ctx, tx, ids); err != nil {
		return bulkCounts{}, err
	}
	why := skipGone
	switch {
	case w.action == BulkSubscribe:
		why = skipSubscribe
	case w.action == BulkRemove:
		why = skipRemove
	case w.p.Field != "" && !w.sameField:
		why = skipField
	}
	rows, err := tx.Query(ctx, fmt.Sprintf(skipSQL, why), w.id, ids, w.p.ListID, w.erased)
	if err != nil {
		return bulkCounts{}, err
	}
	skipped, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return bulkCounts{}, err
	}
	ids = without(ids, skipped)
	n, err := w.change(ctx, tx, ids)
	return bulkCounts{changed: n, skipped: int64(len(skipped))}, err
}

func without(ids, leave []int64) []int64 {
	set := make(map[int64]bool, len(leave))
	for _, id := range leave {
		set[id] = true
	}
	out := make([]int64, 0, len(ids))
	for _, id := range ids {
		if !set[id] {
			out = append(out, id)
		}
	}
	return out
}

// bulkEvidence is the evidence of a subscription that a bulk action changed.
func (w *bulkWork) evidence() Evidence {
	return Evidence{Note: fmt.Sprintf("bulk action %d by %s", w.id, w.createdBy)}
}

// change does it to the people and notes what it changed of each in bulk_changes; it says of how many.
func (w *bulkWork) change(ctx context.Context, tx pgx.Tx, ids []int64) (int64, error) {
	switch w.action {
	case BulkSubscribe:
		return w.exec(ctx, tx, `WITH changed AS (
			INSERT INTO subscriptions AS s (list_id, subscriber_id, status, source, evidence, created_at, updated_at)
			SELECT $3::bigint, id, 'subscribed', $4::text, $5::jsonb, $6::timestamptz, $6 FROM unnest($2::bigint[]) AS p (id) ORDER BY id
			ON CONFLICT (list_id, subscriber_id) DO NOTHING RETURNING subscriber_id, to_jsonb(s) AS after)
			INSERT INTO bulk_changes (bulk_id, subscriber_id, before, after) SELECT $1, subscriber_id, '{"subscription": null}', jsonb_build_object('subscription', after) FROM changed`,
			w.id, ids, w.p.ListID, w.source, w.evidence(), w.now)
	case BulkUnsubscribe:
		return w.exec(ctx, tx, `WITH old AS MATERIALIZED (
			SELECT s.subscriber_id, to_jsonb(s) AS before FROM subscriptions s
			WHERE s.list_id = $3 AND s.subscriber_id = ANY ($2::bigint[]) AND s.status <> 'unsubscribed' ORDER BY s.subscriber_id FOR UPDATE),
			changed AS (
			UPDATE subscriptions s SET status = 'unsubscribed', source = $4, import_id = NULL, evidence = $5::jsonb, updated_at = $6::timestamptz
			FROM old WHERE s.list_id = $3 AND s.subscriber_id = old.subscriber_id RETURNING s.subscriber_id, old.before, to_jsonb(s) AS after)
			INSERT INTO bulk_changes (bulk_id, subscriber_id, before, after)
			SELECT $1, subscriber_id, jsonb_build_object('subscription', before), jsonb_build_object('subscription', after) FROM changed`,
			w.id, ids, w.p.ListID, w.source, w.evidence(), w.now)
	case BulkRemove:
		return w.exec(ctx, tx, `WITH history AS MATERIALIZED (
			SELECT h.subscriber_id, jsonb_agg(to_jsonb(h) ORDER BY h.id) AS rows FROM subscription_history h
			WHERE h.list_id = $3 AND h.subscriber_id = ANY ($2::bigint[]) GROUP BY h.subscriber_id),
			changed AS (
			DELETE FROM subscriptions s WHERE s.list_id = $3 AND s.subscriber_id = ANY ($2::bigint[]) AND s.status <> 'unsubscribed' RETURNING s.subscriber_id, to_jsonb(s) AS before)
			INSERT INTO bulk_changes (bulk_id, subscriber_id, before, after)
			SELECT $1, c.subscriber_id, jsonb_build_object('subscription', before, 'history', COALESCE(h.rows, '[]')), '{"subscription": null}'
			FROM changed c LEFT JOIN history h ON h.subscriber_id = c.subscriber_id`, w.id, ids, w.p.ListID)
	case BulkSetField:
		return w.exec(ctx, tx, `WITH old AS MATERIALIZED (
			SELECT id, attributes -> $3 AS value, updated_at FROM subscribers WHERE id = ANY ($2::bigint[]) AND attributes -> $3 IS DISTINCT FROM $4::jsonb),
			changed AS (
			UPDATE subscribers u SET attributes = u.attributes || jsonb_build_object($3::text, $4::jsonb), updated_at = $5::timestamptz FROM old WHERE u.id = old.id
			RETURNING u.id, old.value, old.updated_at AS was)
			INSERT INTO bulk_changes (bulk_id, subscriber_id, before, after)
			SELECT $1, id, CASE WHEN value IS NULL THEN '{}' ELSE jsonb_build_object('value', value) END || jsonb_build_object('updated_at', was), jsonb_build_object('value', $4::jsonb, 'updated_at', $5::timestamptz) FROM changed`,
			w.id, ids, w.p.Field, string(w.p.Value), w.now)
	case BulkClearField:
		return w.exec(ctx, tx, `WITH old AS MATERIALIZED (
			SELECT id, attributes -> $3 AS value, updated_at FROM subscribers WHERE id = ANY ($2::bigint[]) AND attributes ? $3),
			changed AS (
			UPDATE subscribers u SET attributes = u.attributes - $3::text, updated_at = $4::timestamptz FROM old WHERE u.id = old.id RETURNING u.id, old.value, old.updated_at AS was)
			INSERT INTO bulk_changes (bulk_id, subscriber_id, before, after)
			SELECT $1, id, jsonb_build_object('value', value, 'updated_at', was), jsonb_build_object('updated_at', $4::timestamptz) FROM changed`,
			w.id, ids, w.p.Field, w.now)
	case BulkSuppress:
		// An earlier action that suppressed some of them may be undone later, and this one not.
		if err := keepSuppressed(ctx, tx, `SELECT email_key FROM subscribers WHERE id = ANY ($1)`, ids); err != nil {
			return 0, err
		}
		return w.exec(ctx, tx, `WITH changed AS (
			INSERT INTO suppressions AS x (email_key, reason, source, detail, created_at)
			SELECT email_key, 'manual', $3, $4, $5::timestamptz FROM subscribers WHERE id = ANY ($2::bigint[]) ORDER BY email_key
			ON CONFLICT (email_key) DO NOTHING RETURNING x.*)
			INSERT INTO bulk_changes (bulk_id, subscriber_id, before, after)
			SELECT $1, u.id, '{}', jsonb_build_object('suppression', to_jsonb(c)) FROM changed c JOIN subscribers u ON u.email_key = c.email_key`,
			w.id, ids, w.source, w.p.Note, w.now)
	}
	return w.deletePeople(ctx, tx, ids)
}

func (w *bulkWork) exec(ctx context.Context, tx pgx.Tx, sql string, args ...any) (int64, error) {
	tag, err := tx.Exec(ctx, sql, args...)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", w.action, err)
	}
	return tag.RowsAffected(), nil
}

// deletePeople keeps aside all that goes with the people, and deletes them. Whoever had left a list is suppressed, as DeleteSubscriber does.
func (w *bulkWork) deletePeople(ctx context.Context, tx pgx.Tx, ids []int64) (int64, error) {
	if err := suppressLeft(ctx, tx, ids, w.now); err != nil {
		return 0, err
	}
	n, err := w.exec(ctx, tx, `
		INSERT INTO bulk_changes (bulk_id, subscriber_id, before, after)
		SELECT $1, u.id, jsonb_build_object('subscriber', to_jsonb(u),
			'subscriptions', COALESCE((SELECT jsonb_agg(to_jsonb(s) ORDER BY s.list_id) FROM subscriptions s WHERE s.subscriber_id = u.id), '[]'),
			'history', COALESCE((SELECT jsonb_agg(to_jsonb(h) ORDER BY h.id) FROM subscription_history h WHERE h.subscriber_id = u.id), '[]'),
			'comments', COALESCE((SELECT jsonb_agg(jsonb_build_object('id', l.id, 'comment', l.comment)) FROM unsubscribes l WHERE l.subscriber_id = u.id AND l.comment <> ''), '[]')),
			jsonb_build_object('suppression', (SELECT to_jsonb(x) FROM suppressions x WHERE x.email_key = u.email_key AND x.source = 'deleted' AND x.created_at = $3::timestamptz))
		FROM subscribers u WHERE u.id = ANY ($2::bigint[])`, w.id, ids, w.now)
	if err != nil {
		return 0, err
	}
	for _, sql := range []string{`DELETE FROM subscribers WHERE id = ANY ($1)`, `UPDATE unsubscribes SET comment = '' WHERE subscriber_id = ANY ($1) AND comment <> ''`} {
		if _, err := w.exec(ctx, tx, sql, ids); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// undo takes changes of people who are locked back. Each statement restores only rows that are still as the action left them, and gives the people of whom it did; the others are noted as kept.
func (w *bulkWork) undo(ctx context.Context, tx pgx.Tx, changes []bulkChange) (restored, kept int64, err error) {
	if w.action == BulkDelete {
		return w.undelete(ctx, tx, changes)
	}
	var back []int64
	switch w.action {
	case BulkSubscribe:
		back, err = w.restore(ctx, tx, changes, true, `DELETE FROM subscriptions s USING changes c
			WHERE s.list_id = $5 AND s.subscriber_id = c.id AND to_jsonb(s) = c.after -> 'subscription' RETURNING c.id`, w.p.ListID)
	case BulkUnsubscribe:
		back, err = w.restore(ctx, tx, changes, false, `, old AS (SELECT c.id, r.* FROM changes c, jsonb_populate_record(NULL::subscriptions, c.before -> 'subscription') r
				JOIN subscribers u ON u.id = r.subscriber_id WHERE NOT `+suppressedSQL+`)
			UPDATE subscriptions s SET status = o.status, source = o.source, import_id = o.import_id, evidence = o.evidence, updated_at = o.updated_at
			FROM old o JOIN changes c ON c.id = o.id
			WHERE s.list_id = $5 AND s.subscriber_id = c.id AND to_jsonb(s) = c.after -> 'subscription' RETURNING c.id`, w.p.ListID)
	case BulkRemove:
		back, err = w.restore(ctx, tx, changes, false, `, history AS (
			INSERT INTO subscription_history (list_id, subscriber_id, status, source, import_id, evidence, since, until)
			SELECT r.list_id, r.subscriber_id, r.status, r.source, r.import_id, r.evidence, r.since, r.until
			FROM changes c, jsonb_array_elements(c.before -> 'history') h, jsonb_populate_record(NULL::subscription_history, h) r
			WHERE EXISTS (SELECT FROM lists WHERE id = $5) AND EXISTS (SELECT FROM subscribers u WHERE u.id = c.id)
				AND NOT EXISTS (SELECT FROM subscriptions s WHERE s.list_id = $5 AND s.subscriber_id = c.id))
			INSERT INTO subscriptions SELECT r.* FROM changes c, jsonb_populate_record(NULL::subscriptions, c.before -> 'subscription') r
			WHERE EXISTS (SELECT FROM lists WHERE id = $5) AND EXISTS (SELECT FROM subscribers u WHERE u.id = c.id)
			ON CONFLICT DO NOTHING RETURNING subscriber_id`, w.p.ListID)
	case BulkSetField, BulkClearField:
		back, err = w.restore(ctx, tx, changes, true, `UPDATE subscribers u SET
				attributes = CASE WHEN c.before ? 'value' THEN u.attributes || jsonb_build_object($5::text, c.before -> 'value') ELSE u.attributes - $5::text END,
				updated_at = CASE WHEN u.updated_at = (c.after ->> 'updated_at')::timestamptz THEN (c.before ->> 'updated_at')::timestamptz ELSE u.updated_at END
			FROM changes c WHERE u.id = c.id AND $6 AND u.attributes -> $5 IS NOT DISTINCT FROM c.after -> 'value' RETURNING c.id`, w.p.Field, w.sameField)
	case BulkSuppress:
		back, err = w.restore(ctx, tx, changes, false, `DELETE FROM suppressions x USING changes c
			WHERE x.email_key = c.after #>> '{suppression,email_key}' AND to_jsonb(x) = c.after -> 'suppression' RETURNING c.id`)
	}
	if err != nil {
		return 0, 0, err
	}
	ids, left := make([]int64, len(changes)), map[int64]bool{}
	for i, c := range changes {
		ids[i], left[c.SubscriberID] = c.SubscriberID, c.LeftSince
	}
	reasons := map[int64]string{}
	for _, id := range without(ids, back) {
		reasons[id] = KeptChanged
		if left[id] {
			reasons[id] = KeptLeft
		}
	}
	return int64(len(back)), int64(len(reasons)), w.keep(ctx, tx, reasons)
}

// restore runs a statement over a table "changes" with id, before and after of those who may be restored: whoever left since only with alsoLeft. $5 and on are args.
func (w *bulkWork) restore(ctx context.Context, tx pgx.Tx, changes []bulkChange, alsoLeft bool, sql string, args ...any) ([]int64, error) {
	ids, before, after, left := make([]int64, len(changes)), make([]string, len(changes)), make([]string, len(changes)), make([]bool, len(changes))
	for i, c := range changes {
		ids[i], before[i], after[i], left[i] = c.SubscriberID, string(c.Before), string(c.After), c.LeftSince && !alsoLeft
	}
	rows, err := tx.Query(ctx, `WITH changes AS MATERIALIZED (SELECT id, before::jsonb AS before, after::jsonb AS after
		FROM unnest($1::bigint[], $2::text[], $3::text[], $4::boolean[]) AS c (id, before, after, left_since) WHERE NOT left_since)`+sql,
		append([]any{ids, before, after, left}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("undoing %s: %w", w.action, err)
	}
	back, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, fmt.Errorf("undoing %s: %w", w.action, err)
	}
	return back, nil
}

func (w *bulkWork) keep(ctx context.Context, tx pgx.Tx, reasons map[int64]string) error {
	ids, why := make([]int64, 0, len(reasons)), make([]string, 0, len(reasons))
	for id, reason := range reasons {
		ids, why = append(ids, id), append(why, reason)
	}
	_, err := tx.Exec(ctx, `INSERT INTO bulk_kept (bulk_id, subscriber_id, undo, reason) SELECT $1, id, true, why FROM unnest($2::bigint[], $3::text[]) AS k (id, why)
		ON CONFLICT DO NOTHING`, w.id, ids, why)
	if err != nil {
		return fmt.Errorf("noting who was kept: %w", err)
	}
	return nil
}

// undelete brings deleted people back under their own numbers, so that what was sent to them is theirs again. Whoever left since comes back without subscriptions that are
// mailed, and so does whoever had a suppression written since: it stays.
func (w *bulkWork) undelete(ctx context.Context, tx pgx.Tx, changes []bulkChange) (restored, kept int64, err error) {
	if err := fitToFields(ctx, tx, changes); err != nil {
		return 0, 0, err
	}
	back, err := w.restore(ctx, tx, changes, true, `
		INSERT INTO subscribers OVERRIDING SYSTEM VALUE SELECT r.* FROM changes c, jsonb_populate_record(NULL::subscribers, c.before -> 'subscriber') r
		ORDER BY r.id ON CONFLICT DO NOTHING RETURNING id`)
	if err != nil {
		return 0, 0, err
	}
	there := make(map[int64]bool, len(back))
	for _, id := range back {
		there[id] = true
	}
	reasons := map[int64]string{}
	var of []bulkChange
	var left []int64
	for _, c := range changes {
		switch {
		case !there[c.SubscriberID]:
			reasons[c.SubscriberID] = KeptKnown
			continue
		case c.LeftSince:
			reasons[c.SubscriberID] = KeptLeft
			left = append(left, c.SubscriberID)
		}
		of = append(of, c)
	}
	for i, sql := range []string{
		`INSERT INTO subscription_history (list_id, subscriber_id, status, source, import_id, evidence, since, until)
			SELECT r.list_id, r.subscriber_id, r.status, r.source, r.import_id, r.evidence, r.since, r.until
			FROM changes c, jsonb_array_elements(c.before -> 'history') h, jsonb_populate_record(NULL::subscription_history, h) r
			WHERE EXISTS (SELECT FROM lists WHERE id = r.list_id) RETURNING 1::bigint`,
		`INSERT INTO subscriptions SELECT r.* FROM changes c, jsonb_array_elements(c.before -> 'subscriptions') s, jsonb_populate_record(NULL::subscriptions, s) r
			WHERE EXISTS (SELECT FROM lists WHERE id = r.list_id FOR KEY SHARE) RETURNING 1::bigint`,
		`UPDATE unsubscribes l SET comment = e ->> 'comment' FROM changes c, jsonb_array_elements(c.before -> 'comments') e
			WHERE l.id = (e ->> 'id')::bigint RETURNING 1::bigint`,
		`DELETE FROM suppressions x USING changes c WHERE x.email_key = c.after #>> '{suppression,email_key}' AND to_jsonb(x) = c.after -> 'suppression' RETURNING 1::bigint`,
	} {
		if _, err := w.restore(ctx, tx, of, i < 3, sql); err != nil { // the last one is not for those who left since
			return 0, 0, err
		}
	}
	_, err = tx.Exec(ctx, `UPDATE subscriptions SET status = 'unsubscribed', source = $2, evidence = $3, updated_at = $4 WHERE subscriber_id = ANY ($1) AND status <> 'unsubscribed'`,
		left, SourceUnsubscribe, Evidence{Note: "left while they were deleted"}, w.now)
	if err != nil {
		return 0, 0, fmt.Errorf("undoing delete: %w", err)
	}
	return int64(len(changes) - len(reasons)), int64(len(reasons)), w.keep(ctx, tx, reasons)
}

// fitToFields makes what deleted people had in fields what the fields are by now: of a field that was deleted nothing comes back, and of one that was converted what can be
// converted.
func fitToFields(ctx context.Context, tx pgx.Tx, changes []bulkChange) error {
	if _, err := tx.Exec(ctx, `SELECT FROM fields ORDER BY name FOR SHARE`); err != nil {
		return fmt.Errorf("holding the fields: %w", err)
	}
	fields, err := fieldsByName(ctx, tx)
	if err != nil {
		return err
	}
	for i := range changes {
		if changes[i].Before, err = withFields(changes[i].Before, fields); err != nil {
			return fmt.Errorf("reading what subscriber %d was: %w", changes[i].SubscriberID, err)
		}
	}
	return nil
}

func withFields(before json.RawMessage, fields map[string]Field) (json.RawMessage, error) {
	var all, person, attributes map[string]json.RawMessage
	err := json.Unmarshal(before, &all)
	if err == nil {
		err = json.Unmarshal(all["subscriber"], &person)
	}
	if err == nil {
		err = json.Unmarshal(person["attributes"], &attributes)
	}
	if err != nil || len(attributes) == 0 {
		return before, err
	}
	for name, value := range attributes {
		f, ok := fields[name]
		if !ok || f.Pending == FieldDeleting {
			delete(attributes, name)
		} else if converted, ok := convertValue(value, f.Type); ok {
			attributes[name] = converted
		}
	}
	if person["attributes"], err = json.Marshal(attributes); err != nil {
		return nil, err
	}
	if all["subscriber"], err = json.Marshal(person); err != nil {
		return nil, err
	}
	return json.Marshal(all)
}
