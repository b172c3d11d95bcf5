package audience

import (
	"context"
	"fmt"
	"slices"
	"time"

	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/internal/pg"
)

// OptInRequest is a sign-up as an admin sees it. Email is "" some time after its end; SubscriberID 0 when the person is gone.
type OptInRequest struct {
	ID           int64
	FormID       int64 // 0: none, or deleted
	FormName     string
	Source       string
	SubscriberID int64
	Email        string
	State        string
	// Suppression is why the address is not mailed, now; "" for no reason.
	Suppression string
	ListNames   []string
	Attempts    int
	ReplyCode   int
	Reply       string
	CreatedAt   time.Time
	UpdatedAt   time.Time
	ExpiresAt   *time.Time
}

// OpenStates and EndedStates are what OptInFilter.State can ask for together: people who have not answered yet, and those who never will or have.
const (
	SignupsOpen  = "open"
	SignupsEnded = "ended"
)

// ListOptInRequests gives who was asked to confirm a subscription to a list, newest first. state is SignupsOpen, SignupsEnded, one state, or "" for all.
func (s *Service) ListOptInRequests(ctx context.Context, listID int64, state string, q page.Query) (page.Page[OptInRequest], error) {
	var none page.Page[OptInRequest]
	var before int64
	if q.Cursor != "" {
		if err := page.Decode(q.Cursor, &before); err != nil {
			return none, err
		}
	}
	known := []string{"", SignupsOpen, SignupsEnded, SignupPending, SignupSending, SignupSent, SignupUncertain, SignupFailed, SignupSuppressed, SignupLimited,
		SignupConfirmed, SignupDeclined, SignupExpired, SignupRemoved}
	if !slices.Contains(known, state) {
		return none, errs.InvalidField("state", "%q is no state of a request", state)
	}
	if _, err := getOptIn(ctx, s.pool, listID); err != nil {
		return none, err
	}
	rows, err := pg.Many[OptInRequest](ctx, s.pool, "requests to confirm", `
		SELECT r.id, COALESCE(r.form_id, 0) AS form_id, COALESCE(f.name, r.evidence ->> 'form', '') AS form_name, r.source, COALESCE(r.subscriber_id, 0) AS subscriber_id,
			r.email, r.state, COALESCE((SELECT x.reason FROM suppressions x WHERE r.email_key <> '' AND x.email_key IN (r.email_key, substring(r.email_key FROM '@[^@]*$'))
				ORDER BY x.reason = 'unsubscribe', x.email_key LIMIT 1), '') AS suppression,
			ARRAY(SELECT l.name FROM unnest(r.list_ids) WITH ORDINALITY AS i (id, n) JOIN lists l ON l.id = i.id ORDER BY i.n) AS list_names,
			r.attempt AS attempts, r.reply_code, r.reply, r.created_at, r.updated_at, r.expires_at
		FROM signups r LEFT JOIN forms f ON f.id = r.form_id
		WHERE r.list_ids @> ARRAY[$1::bigint] AND r.state NOT IN ('received', 'done') AND ($2 = 0 OR r.id < $2)
			AND CASE $3 WHEN '' THEN true WHEN 'open' THEN r.closed_at IS NULL WHEN 'ended' THEN r.closed_at IS NOT NULL ELSE r.state = $3 END
		ORDER BY r.id DESC LIMIT $4`, listID, before, state, q.Size()+1)
	if err != nil {
		return none, err
	}
	return page.Map(page.Cut(rows, q, func(r OptInRequest) string { return page.Encode(r.ID) }), func(r OptInRequest) OptInRequest {
		r.CreatedAt, r.UpdatedAt, r.ExpiresAt = r.CreatedAt.UTC(), r.UpdatedAt.UTC(), inUTC(r.ExpiresAt)
		return r
	}), nil
}

// FormCounts are the figures of a form: SignUps is how often it was sent, and the others what came of that. Unsent counts those who got no mail because of the address or the
// limits, Refused what robots and crowded networks sent, which is not among SignUps.
type FormCounts struct {
	SignUps   int64
	Done      int64 // on the lists at once
	Confirmed int64
	Pending   int64
	Expired   int64
	Failed    int64
	Declined  int64
	Unsent    int64
	Refused   int64
}

// FormDay is FormCounts of what was sent on one day, UTC.
type FormDay struct {
	Day time.Time
	FormCounts
}

// FormStats are the figures of a form: in all, and of each of the last days, oldest first.
type FormStats struct {
	Total FormCounts
	Days  []FormDay
}

// formStatsDays is how many days FormStats tells of.
const formStatsDays = 30

const countSignups = `count(r.id) AS sign_ups, count(*) FILTER (WHERE r.state = 'done') AS done, count(*) FILTER (WHERE r.state = 'confirmed') AS confirmed,
	count(*) FILTER (WHERE r.state IN ('received', 'pending', 'sending', 'sent', 'uncertain')) AS pending, count(*) FILTER (WHERE r.state = 'expired') AS expired,
	count(*) FILTER (WHERE r.state = 'failed') AS failed, count(*) FILTER (WHERE r.state IN ('declined', 'removed')) AS declined,
	count(*) FILTER (WHERE r.state IN ('suppressed', 'limited')) AS unsent`

// FormStats counts what came of a form.
func (s *Service) FormStats(ctx context.Context, id int64) (FormStats, error) {
	var st FormStats
	if _, err := s.GetForm(ctx, id); err != nil {
		return st, err
	}
	var err error
	st.Total, err = pg.One[FormCounts](ctx, s.pool, "figures of a form", `
		SELECT `+countSignups+`, COALESCE((SELECT sum(n) FROM form_refusals WHERE form_id = $1), 0)::bigint AS refused FROM signups r WHERE r.form_id = $1`, id)
	if err != nil {
		return st, err
	}
	today := s.clock().Truncate(24 * time.Hour)
	st.Days, err = pg.Many[FormDay](ctx, s.pool, "days of a form", `
		SELECT d.day AS day, `+countSignups+`, COALESCE((SELECT sum(n) FROM form_refusals x WHERE x.form_id = $1 AND x.day = (d.day AT TIME ZONE 'UTC')::date), 0)::bigint AS refused
		FROM generate_series($2::timestamptz, $3::timestamptz, interval '24 hours') AS d (day)
		LEFT JOIN signups r ON r.form_id = $1 AND r.created_at >= d.day AND r.created_at < d.day + interval '24 hours'
		GROUP BY d.day ORDER BY d.day`, id, today.AddDate(0, 0, 1-formStatsDays), today)
	if err != nil {
		return st, fmt.Errorf("figures of form %d: %w", id, err)
	}
	for i := range st.Days {
		st.Days[i].Day = st.Days[i].Day.UTC()
	}
	return st, nil
}
