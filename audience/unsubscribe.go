package audience

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/internal/pg"
)

// Why people say that they left.
const (
	ReasonTooOften      = "too_often"
	ReasonNotInterested = "not_interested"
	ReasonNeverSignedUp = "never_signed_up"
	ReasonNotRelevant   = "not_relevant"
	ReasonOther         = "other"
)

// UnsubscribeReasons are the reasons that can be given, in the order in which people are asked.
var UnsubscribeReasons = []string{ReasonTooOften, ReasonNotInterested, ReasonNeverSignedUp, ReasonNotRelevant, ReasonOther}

// MaxUnsubscribeComment bounds what somebody can write about leaving, in characters.
const MaxUnsubscribeComment = 500

// Leave is somebody who wants less or no mail, by a link of the mail that is delivery Seq of a campaign. EmailKey is the normalised address to which that mail went: when the
// person was deleted since, it says who leaves. "" is unknown, and then nobody leaves.
type Leave struct {
	SubscriberID int64
	EmailKey     string
	ListIDs      []int64
	Everything   bool // all lists whatever ListIDs says, and the address is suppressed
	Source       string
	CampaignID   int64
	Seq          int32
}

// Unsubscribe is one time that somebody left. Reason is "" as long as they have not said why; UndoneAt is nil unless they came back.
type Unsubscribe struct {
	ID           int64
	At           time.Time
	SubscriberID int64
	Email        string // of the person as it is now; "" when deleted
	CampaignID   int64
	CampaignName string // "" when deleted
	Seq          int32
	Source       string
	Everything   bool
	ListNames    []string // of those lists that are still there
	Reason       string
	Comment      string
	ReasonAt     *time.Time
	UndoneAt     *time.Time
}

// UnsubscribeFilter picks unsubscribes; zero fields pick all. WithComment leaves out those who wrote nothing.
type UnsubscribeFilter struct {
	CampaignID   int64
	SubscriberID int64
	Reason       string
	WithComment  bool
}

// ReasonCount counts those who gave a reason; "" are those who gave none.
type ReasonCount struct {
	Reason string
	Count  int64
}

// LeaveTx takes a person off lists in the caller's transaction, and notes what it changed, so that ExplainUnsubscribe and ReturnTx can refer to it. Who is on none of the lists
// any more, having been taken off them, is put down as somebody who left them; the address of somebody who was deleted is suppressed, unless somebody has it again. It is
// false when nothing was left to change; then nothing is noted.
func (s *Service) LeaveTx(ctx context.Context, tx pgx.Tx, l Leave) (bool, error) {
	now := s.clock()
	// Deleting the person waits for this, and this for the undoing of a bulk action (see lockPeople).
	err := tx.QueryRow(ctx, `SELECT id, email_key FROM subscribers WHERE id = $1 OR email_key = $2 ORDER BY id = $1 DESC LIMIT 1 FOR KEY SHARE`, l.SubscriberID, l.EmailKey).
		Scan(&l.SubscriberID, &l.EmailKey)
	gone := errors.Is(err, pgx.ErrNoRows)
	if err != nil && !gone {
		return false, fmt.Errorf("unsubscribing subscriber %d: %w", l.SubscriberID, err)
	}
	if gone {
		l.Everything = true
	}
	if err := noteLeft(ctx, tx, l); err != nil {
		return false, err
	}
	ids, was := []int64{}, []string{}
	if !gone {
		if ids, was, err = endSubscriptions(ctx, tx, l, now); err != nil {
			return false, err
		}
	}
	suppressed := false
	if l.Everything && l.EmailKey != "" {
		detail := "wants no more mail at all"
		if gone {
			detail = "left after they were deleted"
		}
		if suppressed, err = s.suppressTx(ctx, tx, Suppression{Email: l.EmailKey, Reason: ReasonUnsubscribe, Source: l.Source, Detail: detail, CreatedAt: now}); err != nil {
			return false, err
		}
	}
	if gone {
		// It is what remembers the lists, for when they come back to another one.
		_, err := tx.Exec(ctx, `UPDATE suppressions SET left_lists = ARRAY(SELECT DISTINCT unnest(left_lists || $2) ORDER BY 1) WHERE email_key = $1`, l.EmailKey, l.ListIDs)
		if err != nil {
			return false, fmt.Errorf("noting which lists subscriber %d left: %w", l.SubscriberID, err)
		}
	}
	if len(ids) == 0 && !suppressed {
		return false, nil
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO unsubscribes (at, subscriber_id, campaign_id, seq, source, everything, list_ids, was) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		now, l.SubscriberID, l.CampaignID, l.Seq, l.Source, l.Everything, ids, was)
	if err != nil {
		return false, fmt.Errorf("noting that subscriber %d left: %w", l.SubscriberID, err)
	}
	return true, nil
}

// wasAbsent stands among the statuses of unsubscribes for a list that the person was not on.
const wasAbsent = ""

// endSubscriptions gives the lists that were left and the status on each before. The rows are locked first: of two who ask at the same time one finds nothing left.
func endSubscriptions(ctx context.Context, tx pgx.Tx, l Leave, now time.Time) (ids []int64, was []string, err error) {
	ids, was = []int64{}, []string{}
	for _, sql := range []string{`
		WITH old AS MATERIALIZED (
			SELECT list_id, status FROM subscriptions
			WHERE subscriber_id = $1 AND ($2 OR list_id = ANY ($3::bigint[])) AND status <> 'unsubscribed' ORDER BY list_id FOR UPDATE)
		UPDATE subscriptions s SET status = 'unsubscribed', source = $4, updated_at = $5 FROM old
		WHERE s.subscriber_id = $1 AND s.list_id = old.list_id RETURNING s.list_id, old.status`, `
		INSERT INTO subscriptions AS s (list_id, subscriber_id, status, source, created_at, updated_at)
		SELECT id, $1, 'unsubscribed', $4, $5::timestamptz, $5 FROM lists WHERE NOT $2 AND id = ANY ($3::bigint[])
			AND NOT EXISTS (SELECT FROM subscriptions o WHERE o.subscriber_id = $1 AND o.list_id = ANY ($3::bigint[])) ORDER BY id FOR KEY SHARE
		ON CONFLICT (list_id, subscriber_id) DO NOTHING RETURNING s.list_id, '` + wasAbsent + `'`} {
		rows, err := tx.Query(ctx, sql, l.SubscriberID, l.Everything, l.ListIDs, l.Source, now)
		if err != nil {
			return nil, nil, fmt.Errorf("unsubscribing subscriber %d: %w", l.SubscriberID, err)
		}
		var id int64
		var status string
		_, err = pgx.ForEachRow(rows, []any{&id, &status}, func() error {
			ids, was = append(ids, id), append(was, status)
			return nil
		})
		if err != nil {
			return nil, nil, fmt.Errorf("unsubscribing subscriber %d: %w", l.SubscriberID, err)
		}
	}
	return ids, was, nil
}

// noteLeft keeps it from being undone that a bulk action took the person off one of the lists, or deleted them: they have said since, by themselves, that they want no mail.
// That it suppressed them stays when they want no mail at all.
func noteLeft(ctx context.Context, tx pgx.Tx, l Leave) error {
	if !l.Everything && len(l.ListIDs) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `UPDATE bulk_changes c SET left_since = true FROM bulk_actions b
		WHERE c.subscriber_id = $1 AND NOT c.left_since AND b.id = c.bulk_id
			AND ($2 OR b.action = 'delete' OR (b.params ->> 'list_id')::bigint = ANY ($3::bigint[]))`, l.SubscriberID, l.Everything, l.ListIDs)
	if err != nil {
		return fmt.Errorf("noting that subscriber %d left: %w", l.SubscriberID, err)
	}
	return nil
}

// keepSuppressed keeps it from being undone that bulk actions suppressed the addresses that a query gives, or deleted their people: there is a reason of their own now.
// The people may have come again since under other ids, so they are looked for by address.
func keepSuppressed(ctx context.Context, db pg.DB, addresses string, args ...any) error {
	_, err := db.Exec(ctx, `WITH kept (email_key) AS MATERIALIZED (`+addresses+`)
		UPDATE bulk_changes SET left_since = true WHERE NOT left_since AND (bulk_id, subscriber_id) IN (
			SELECT c.bulk_id, c.subscriber_id FROM kept JOIN bulk_changes c ON c.after ? 'suppression' AND c.after #>> '{suppression,email_key}' = kept.email_key
			UNION ALL SELECT c.bulk_id, c.subscriber_id FROM kept JOIN bulk_changes c ON c.before ? 'subscriber' AND c.before #>> '{subscriber,email_key}' = kept.email_key)`, args...)
	if err != nil {
		return fmt.Errorf("keeping suppressions: %w", err)
	}
	return nil
}

// ReturnTx takes back the last LeaveTx by a delivery's links, as if the person had never left: whoever had not confirmed has still not. Lists that they
// came back to or left again by themselves since stay as they are. emailKey is as in Leave. It is false when there is nothing to take back.
func (s *Service) ReturnTx(ctx context.Context, tx pgx.Tx, campaignID int64, seq int32, emailKey, source string) (bool, error) {
	var id, subscriberID int64
	var everything bool
	var at time.Time
	err := tx.QueryRow(ctx, `
		UPDATE unsubscribes SET undone_at = $3 WHERE id = (
			SELECT id FROM unsubscribes WHERE campaign_id = $1 AND seq = $2 AND undone_at IS NULL ORDER BY id DESC LIMIT 1 FOR UPDATE)
		RETURNING id, subscriber_id, everything, at`, campaignID, seq, s.clock()).Scan(&id, &subscriberID, &everything, &at)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("taking back an unsubscribe: %w", err)
	}
	if err := s.returnTx(ctx, tx, id, subscriberID, source); err != nil {
		return false, fmt.Errorf("taking back the unsubscribe of subscriber %d: %w", subscriberID, err)
	}
	if !everything {
		return true, nil
	}
	err = liftOptOut(ctx, tx, subscriberID)
	if err == nil { // of somebody who is not there, what this leaving made
		_, err = tx.Exec(ctx, `DELETE FROM suppressions WHERE email_key = $1 AND reason = 'unsubscribe' AND created_at = $2 AND NOT EXISTS (SELECT FROM subscribers WHERE id = $3)`,
			emailKey, at, subscriberID)
	}
	if err != nil {
		return false, fmt.Errorf("lifting the suppression of subscriber %d: %w", subscriberID, err)
	}
	return true, nil
}

// returnTx gives a person the subscriptions back that they had before they left.
func (s *Service) returnTx(ctx context.Context, tx pgx.Tx, id, subscriberID int64, source string) error {
	if _, err := tx.Exec(ctx, `SELECT FROM subscribers WHERE id = $1 FOR KEY SHARE`, subscriberID); err != nil {
		return err
	}
	const left = ` unsubscribes u, unnest(u.list_ids, u.was) AS b (list_id, was)
		WHERE u.id = $1 AND s.subscriber_id = $2 AND s.list_id = b.list_id AND s.status = 'unsubscribed' AND s.updated_at = u.at`
	if _, err := tx.Exec(ctx, `UPDATE subscriptions s SET status = b.was, source = $3, updated_at = $4 FROM`+left+` AND b.was <> '`+wasAbsent+`'`, id, subscriberID, source, s.clock()); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM subscriptions s USING`+left+` AND b.was = '`+wasAbsent+`'`, id, subscriberID)
	return err
}

// liftOptOut ends a suppression that the person asked for. Bounces, complaints and what an admin decided stay.
func liftOptOut(ctx context.Context, tx pgx.Tx, subscriberID int64) error {
	_, err := tx.Exec(ctx, `DELETE FROM suppressions x USING subscribers u WHERE u.id = $1 AND x.email_key = u.email_key AND x.reason = 'unsubscribe'`, subscriberID)
	return err
}

// ExplainUnsubscribe notes why somebody left by the links of a delivery; said again, the later word counts. It is NotFound when nobody did.
func (s *Service) ExplainUnsubscribe(ctx context.Context, campaignID int64, seq int32, reason, comment string) error {
	var f errs.Fields
	if !slices.Contains(UnsubscribeReasons, reason) {
		f.Add("reason", "choose one of the reasons")
	}
	comment = cleanLine(&f, "comment", comment, MaxUnsubscribeComment)
	if err := f.Err("this cannot be kept"); err != nil {
		return err
	}
	tag, err := s.pool.Exec(ctx, `
		UPDATE unsubscribes SET reason = $3, comment = $4, reason_at = $5 WHERE id = (
			SELECT id FROM unsubscribes WHERE campaign_id = $1 AND seq = $2 AND undone_at IS NULL ORDER BY id DESC LIMIT 1)`,
		campaignID, seq, reason, comment, s.clock())
	if err != nil {
		return fmt.Errorf("noting why somebody left: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return errs.New(errs.NotFound, "nobody left by this link")
	}
	return nil
}

// LastUnsubscribe gives the last time that somebody left by a delivery's links and did not come back by them. It is NotFound when there is none.
func (s *Service) LastUnsubscribe(ctx context.Context, campaignID int64, seq int32) (Unsubscribe, error) {
	r, err := pg.One[unsubscribeRow](ctx, s.pool, "unsubscribe", selectUnsubscribes+`
		WHERE e.campaign_id = $1 AND e.seq = $2 AND e.undone_at IS NULL ORDER BY e.id DESC LIMIT 1`, campaignID, seq)
	return r.unsubscribe(), err
}

// ListUnsubscribes gives who left by links of mails, newest first.
func (s *Service) ListUnsubscribes(ctx context.Context, f UnsubscribeFilter, q page.Query) (page.Page[Unsubscribe], error) {
	var none page.Page[Unsubscribe]
	var before int64
	if q.Cursor != "" {
		if err := page.Decode(q.Cursor, &before); err != nil {
			return none, err
		}
	}
	if f.Reason != "" && !slices.Contains(UnsubscribeReasons, f.Reason) {
		return none, errs.InvalidField("reason", "%q is not a reason: use too_often, not_interested, never_signed_up, not_relevant or other", f.Reason)
	}
	rows, err := pg.Many[unsubscribeRow](ctx, s.pool, "unsubscribes", selectUnsubscribes+`
		WHERE ($1 = 0 OR e.campaign_id = $1) AND ($2 = 0 OR e.subscriber_id = $2) AND ($3 = '' OR e.reason = $3) AND (NOT $4 OR e.comment <> '')
			AND ($5 = 0 OR e.id < $5)
		ORDER BY e.id DESC LIMIT $6`, f.CampaignID, f.SubscriberID, f.Reason, f.WithComment, before, q.Size()+1)
	if err != nil {
		return none, err
	}
	p := page.Cut(rows, q, func(r unsubscribeRow) string { return page.Encode(r.ID) })
	return page.Map(p, unsubscribeRow.unsubscribe), nil
}

// CountUnsubscribeReasons counts why people left by the links of a campaign, all reasons in their order and last those who gave none. Whoever came back is not
// counted.
func (s *Service) CountUnsubscribeReasons(ctx context.Context, campaignID int64) ([]ReasonCount, error) {
	counts, err := pg.Many[ReasonCount](ctx, s.pool, "unsubscribe reasons", `
		SELECT COALESCE(reason, '') AS reason, count(*) FROM unsubscribes WHERE campaign_id = $1 AND undone_at IS NULL GROUP BY 1`, campaignID)
	if err != nil {
		return nil, err
	}
	out := make([]ReasonCount, 0, len(UnsubscribeReasons)+1)
	for _, reason := range append(slices.Clone(UnsubscribeReasons), "") {
		c := ReasonCount{Reason: reason}
		if i := slices.IndexFunc(counts, func(n ReasonCount) bool { return n.Reason == reason }); i >= 0 {
			c.Count = counts[i].Count
		}
		out = append(out, c)
	}
	return out, nil
}

// selectUnsubscribes looks up each list by its key: a join with ANY reads all lists.
const selectUnsubscribes = `
	SELECT e.id, e.at, e.subscriber_id, COALESCE(u.email, '') AS email, e.campaign_id, COALESCE(c.name, '') AS campaign_name, e.seq, e.source, e.everything,
		ARRAY(SELECT l.name FROM unnest(e.list_ids) AS i (id) JOIN lists l ON l.id = i.id ORDER BY lower(l.name)) AS list_names,
		COALESCE(e.reason, '') AS reason, e.comment, e.reason_at, e.undone_at
	FROM unsubscribes e LEFT JOIN subscribers u ON u.id = e.subscriber_id LEFT JOIN campaigns c ON c.id = e.campaign_id`

type unsubscribeRow Unsubscribe

func (r unsubscribeRow) unsubscribe() Unsubscribe {
	r.At, r.ReasonAt, r.UndoneAt = r.At.UTC(), inUTC(r.ReasonAt), inUTC(r.UndoneAt)
	return Unsubscribe(r)
}

func inUTC(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}
