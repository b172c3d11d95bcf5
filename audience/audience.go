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
	VerdictPaused       = "paused"    // wants no mail until some day
	VerdictFrequency    = "frequency" // had as much mail lately as they want
)

// mailableQuery has one row per person on any of the lists $1; subscribed says whether to at least one of them. {bounds} may say more about subscriptions,
// {chosen} and {capped} have the verdicts of a Selection.
//
// Only for people with a frequency is it looked up what they got lately, each by key: what waits or is in doubt counts as sent. A join, IN or EXISTS would be planned by
// how many people are thought to have one, and compared each with each when that was wrong (minutes for 400,000). The planner adds up the cost of all the questions
// that are not asked, though, and would compile the query for that: see NoJITTx.
const mailableQuery = `
	SELECT u.id AS subscriber_id, u.email,
	       CASE WHEN x.email_key IS NOT NULL OR xd.email_key IS NOT NULL THEN 'suppressed'
	            WHEN NOT a.subscribed AND a.unconfirmed THEN 'unconfirmed' WHEN NOT a.subscribed THEN 'unsubscribed'{chosen}
	            WHEN u.paused_until > now() THEN 'paused'
	            WHEN u.frequency IS NOT NULL AND (
	                SELECT true FROM deliveries d
	                WHERE d.subscriber_id = u.id AND d.message_id IS NULL AND (d.state IN (0, 1, 3) OR d.state IN (2, 6)
	                    AND d.updated_at > now() - CASE u.frequency WHEN 'weekly' THEN interval '6 days 12 hours' ELSE interval '27 days 12 hours' END)
	                LIMIT 1) IS NOT NULL THEN 'frequency'{capped}
	            ELSE 'mail' END AS verdict,
	       a.subscribed
	FROM (SELECT subscriber_id, bool_or(status = 'subscribed') AS subscribed, bool_or(status = 'unconfirmed') AS unconfirmed
	      FROM subscriptions WHERE list_id = ANY ($1::bigint[]) {bounds} GROUP BY subscriber_id) a
	JOIN subscribers u ON u.id = a.subscriber_id
	LEFT JOIN suppressions x ON x.email_key = u.email_key
	LEFT JOIN suppressions xd ON xd.email_key = substr(u.email_key, strpos(u.email_key, '@'))`

// MailableQuery is the SQL of a part of a campaign's audience: columns subscriber_id, email and verdict, with $1 = ids of lists (bigint[]), one row for each
// person on any of them whose id is greater than $2 and not greater than $3, as far as they came on the list until $4 (timestamptz). verdict is VerdictMail when the
// person is subscribed to at least one of the lists and nothing is against it. Being suppressed wins over everything; who is subscribed to none is
// VerdictUnconfirmed when a confirmation is pending on any, else VerdictUnsubscribed; then come VerdictPaused and VerdictFrequency. It is for the caller's own
// INSERT … SELECT, after NoJITTx.
func MailableQuery() string {
	return `SELECT subscriber_id, email, verdict FROM (` +
		strings.NewReplacer("{bounds}", partBounds, "{chosen}", "", "{capped}", "").Replace(mailableQuery) + `) audience`
}

const partBounds = "AND subscriber_id > $2 AND subscriber_id <= $3 AND created_at <= $4"

// NoJITTx keeps Postgres from compiling the queries of this transaction, which MailableQuery looks dear enough for and never is.
func NoJITTx(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, `SET LOCAL jit = off`); err != nil {
		return fmt.Errorf("switching off compilation: %w", err)
	}
	return nil
}

// PartEndSQL is a query for the id that ends a part of the audience: after $2, of about $3 people, in which no list has more. It is NULL when the rest is no more
// than that.
const PartEndSQL = `
	SELECT min(n.id) FROM unnest($1::bigint[]) AS l (id), LATERAL (
		SELECT s.subscriber_id AS id FROM subscriptions s WHERE s.list_id = l.id AND s.subscriber_id > $2 ORDER BY s.subscriber_id OFFSET $3 LIMIT 1) n`

// LeftSQL is a text SQL expression: why may this person not be mailed now? It is a verdict, and NULL for those who may. It is asked again when a delivery is claimed,
// because people unsubscribe or pause while a campaign runs. subscribers is the name under which the caller has their row of that table; listIDsParam a parameter or
// expression with the lists. It is for some hundred people: each is looked up by key. (With EXISTS the planner may read a whole list into a hash table instead, 600 ms of
// 400,000 people for each claim, when the tables were not analysed since they were imported.)
func LeftSQL(subscribers, listIDsParam string) string {
	return strings.NewReplacer("{u}", subscribers, "{lists}", listIDsParam).Replace(`CASE
		WHEN (SELECT true FROM suppressions left_x WHERE left_x.email_key IN ({u}.email_key, substr({u}.email_key, strpos({u}.email_key, '@'))) LIMIT 1) IS NOT NULL THEN 'suppressed'
		WHEN (SELECT true FROM subscriptions left_s
			WHERE left_s.subscriber_id = {u}.id AND left_s.list_id = ANY ({lists}::bigint[]) AND left_s.status = 'subscribed' LIMIT 1) IS NULL THEN 'unsubscribed'
		WHEN {u}.paused_until > now() THEN 'paused' END`)
}

// SubscribedSQL is a boolean SQL expression: is this person subscribed to any of the lists? Its arguments are those of StillMailableSQL, and it is for as few people.
func SubscribedSQL(subscriberCol, listIDsParam string) string {
	return strings.NewReplacer("{subscriber}", subscriberCol, "{lists}", listIDsParam).Replace(
		`((SELECT true FROM subscriptions sub_s
			WHERE sub_s.subscriber_id = {subscriber} AND sub_s.list_id = ANY ({lists}::bigint[]) AND sub_s.status = 'subscribed' LIMIT 1) IS NOT NULL)`)
}

// AudienceCounts says whom a campaign to some lists would reach. Subscribed are the people subscribed to at least one of them, whether suppressed or
// not; Mailable those who would be mailed; Excluded everybody else on the lists, by reason, reasons without people left out. Exact is false when it was estimated from
// a sample because counting would have taken too long.
type AudienceCounts struct {
	Exact      bool
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
	return s.CountChoice(ctx, Choice{ListIDs: listIDs}, 0, false)
}

// SampleSubscriber gives the newest person on the lists who can be mailed, to show what a campaign would look like. It is NotFound when there is none.
func (s *Service) SampleSubscriber(ctx context.Context, listIDs []int64) (Subscriber, error) {
	var id int64
	// Per list, so that each walk starts at the newest end of the primary key.
	err := s.pool.QueryRow(ctx, `
		SELECT newest.subscriber_id FROM unnest($1::bigint[]) AS l (id), LATERAL (
			SELECT s.subscriber_id FROM subscriptions s JOIN subscribers u ON u.id = s.subscriber_id
			WHERE s.list_id = l.id AND s.status = 'subscribed' AND NOT EXISTS (SELECT 1 FROM suppressions x WHERE x.email_key IN (u.email_key, substr(u.email_key, strpos(u.email_key, '@'))))
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
