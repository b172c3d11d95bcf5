package audience

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
)

// Verdicts of MailableQuery, and reasons of exclusion.
const (
	VerdictMail         = "mail"
	VerdictSuppressed   = "suppressed"
	VerdictUnsubscribed = "unsubscribed"
	VerdictUnconfirmed  = "unconfirmed"
)

// mailableQuery has one row per person on any of the lists $1; subscribed says whether to at least one of them. {bounds} may say more about subscriptions.
const mailableQuery = `
	SELECT u.id AS subscriber_id, u.email,
	       CASE WHEN x.email_key IS NOT NULL THEN 'suppressed' WHEN a.subscribed THEN 'mail' WHEN a.unconfirmed THEN 'unconfirmed'
	            ELSE 'unsubscribed' END AS verdict,
	       a.subscribed
	FROM (SELECT subscriber_id, bool_or(status = 'subscribed') AS subscribed, bool_or(status = 'unconfirmed') AS unconfirmed
	      FROM subscriptions WHERE list_id = ANY ($1::bigint[]) {bounds} GROUP BY subscriber_id) a
	JOIN subscribers u ON u.id = a.subscriber_id
	LEFT JOIN suppressions x ON x.email_key = u.email_key`

// MailableQuery is the SQL of a part of a campaign's audience: columns subscriber_id, email and verdict, with $1 = ids of lists (bigint[]), one row for each
// person on any of them whose id is greater than $2 and not greater than $3, as far as they came on the list until $4 (timestamptz). verdict is VerdictMail when the
// person is subscribed to at least one of the lists and not suppressed; being suppressed wins over everything; else it is VerdictUnconfirmed when a confirmation is
// pending on any, else VerdictUnsubscribed. It is for the caller's own INSERT … SELECT.
func MailableQuery() string {
	return `SELECT subscriber_id, email, verdict FROM (` +
		strings.Replace(mailableQuery, "{bounds}", "AND subscriber_id > $2 AND subscriber_id <= $3 AND created_at <= $4", 1) + `) audience`
}

// PartEndSQL is a query for the id that ends a part of the audience: after $2, of about $3 people, in which no list has more. It is NULL when the rest is no more
// than that.
const PartEndSQL = `
	SELECT min(n.id) FROM unnest($1::bigint[]) AS l (id), LATERAL (
		SELECT s.subscriber_id AS id FROM subscriptions s WHERE s.list_id = l.id AND s.subscriber_id > $2 ORDER BY s.subscriber_id OFFSET $3 LIMIT 1) n`

// StillMailableSQL is a boolean SQL expression: may this person be mailed now? It is asked again when a delivery is claimed, because people
// unsubscribe while a campaign runs. subscriberCol and emailKeyCol are columns with the subscriber's id and email_key; listIDsParam a parameter or expression with
// the lists. It is for some hundred people: each is looked up by key. (With EXISTS the planner may read a whole list into a hash table instead, 600 ms of 400,000 people
// for each claim, when the tables were not analysed since they were imported.)
func StillMailableSQL(subscriberCol, emailKeyCol, listIDsParam string) string {
	return strings.NewReplacer("{subscriber}", subscriberCol, "{key}", emailKeyCol, "{lists}", listIDsParam).Replace(
		`((SELECT true FROM subscriptions still_s
			WHERE still_s.subscriber_id = {subscriber} AND still_s.list_id = ANY ({lists}::bigint[]) AND still_s.status = 'subscribed' LIMIT 1) IS NOT NULL
		AND (SELECT true FROM suppressions still_x WHERE still_x.email_key = {key}) IS NULL)`)
}

// AudienceCounts says whom a campaign to some lists would reach. Subscribed are the people subscribed to at least one of them, whether suppressed or
// not; Mailable those who would be mailed; Excluded everybody else on the lists, by reason, reasons without people left out.
type AudienceCounts struct {
	Subscribed int64
	Mailable   int64
	Excluded   []Excluded
}

// Excluded counts the people that a reason keeps out.
type Excluded struct {
	Reason string
	Count  int64
}

// AudienceCounts counts the people on the lists, each once.
func (s *Service) AudienceCounts(ctx context.Context, listIDs []int64) (AudienceCounts, error) {
	c := AudienceCounts{Excluded: []Excluded{}}
	rows, err := s.pool.Query(ctx, `SELECT verdict, count(*), count(*) FILTER (WHERE subscribed) FROM (`+strings.Replace(mailableQuery, "{bounds}", "", 1)+`) audience
		GROUP BY verdict ORDER BY verdict`, listIDs)
	if err != nil {
		return c, fmt.Errorf("counting an audience: %w", err)
	}
	var (
		verdict       string
		n, subscribed int64
	)
	_, err = pgx.ForEachRow(rows, []any{&verdict, &n, &subscribed}, func() error {
		c.Subscribed += subscribed
		if verdict == VerdictMail {
			c.Mailable = n
		} else {
			c.Excluded = append(c.Excluded, Excluded{Reason: verdict, Count: n})
		}
		return nil
	})
	if err != nil {
		return c, fmt.Errorf("counting an audience: %w", err)
	}
	return c, nil
}

// UnsubscribeTx ends a person's subscriptions to the lists in the caller's transaction, and says how many it changed.
func (s *Service) UnsubscribeTx(ctx context.Context, tx pgx.Tx, subscriberID int64, listIDs []int64, source string) (int, error) {
	tag, err := tx.Exec(ctx, `UPDATE subscriptions SET status = 'unsubscribed', source = $3, updated_at = $4
		WHERE subscriber_id = $1 AND list_id = ANY ($2) AND status <> 'unsubscribed'`, subscriberID, listIDs, source, s.clock())
	if err != nil {
		return 0, fmt.Errorf("unsubscribing subscriber %d: %w", subscriberID, err)
	}
	return int(tag.RowsAffected()), nil
}

// SampleSubscriber gives the newest person on the lists who can be mailed, to show what a campaign would look like. It is NotFound when there is none.
func (s *Service) SampleSubscriber(ctx context.Context, listIDs []int64) (Subscriber, error) {
	var id int64
	// Per list, so that each walk starts at the newest end of the primary key.
	err := s.pool.QueryRow(ctx, `
		SELECT newest.subscriber_id FROM unnest($1::bigint[]) AS l (id), LATERAL (
			SELECT s.subscriber_id FROM subscriptions s JOIN subscribers u ON u.id = s.subscriber_id
			WHERE s.list_id = l.id AND s.status = 'subscribed' AND NOT EXISTS (SELECT 1 FROM suppressions x WHERE x.email_key = u.email_key)
			ORDER BY s.subscriber_id DESC LIMIT 1) newest
		ORDER BY newest.subscriber_id DESC LIMIT 1`, listIDs).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return Subscriber{}, errs.New(errs.NotFound, "there is nobody on these lists who can be mailed")
	}
	if err != nil {
		return Subscriber{}, fmt.Errorf("looking for a sample subscriber: %w", err)
	}
	return s.GetSubscriber(ctx, id)
}
