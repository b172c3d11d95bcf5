package audience

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"postrider/internal/pg"
)

// membership is how a person stands with the lists of a sign-up.
type membership struct {
	status     map[int64]string // of the lists that they are on, or were
	double     map[int64]bool
	suppressed string // the reason, "" for none
	erased     bool
}

func (s *Service) standingOf(ctx context.Context, tx pgx.Tx, row signup) (membership, error) {
	st := membership{status: map[int64]string{}, double: map[int64]bool{}}
	rows, err := tx.Query(ctx, `
		SELECT l.id, l.opt_in = 'double', COALESCE(s.status, '') FROM lists l LEFT JOIN subscriptions s ON s.list_id = l.id AND s.subscriber_id = $2
		WHERE l.id = ANY ($1)`, row.ListIDs, row.SubscriberID)
	if err != nil {
		return st, fmt.Errorf("looking at sign-up %d: %w", row.ID, err)
	}
	var (
		id     int64
		double bool
		status string
	)
	if _, err = pgx.ForEachRow(rows, []any{&id, &double, &status}, func() error {
		st.status[id], st.double[id] = status, double
		return nil
	}); err != nil {
		return st, fmt.Errorf("looking at sign-up %d: %w", row.ID, err)
	}
	if st.erased, err = s.ErasedTx(ctx, tx, row.EmailKey); err != nil {
		return st, err
	}
	st.suppressed, err = suppressionOf(ctx, tx, row.EmailKey)
	return st, err
}

// suppressionOf gives the reason for which an address or its domain is never mailed, "" for none; the person's own wish comes last.
func suppressionOf(ctx context.Context, db pg.DB, emailKey string) (string, error) {
	var reason string
	err := db.QueryRow(ctx, `SELECT reason FROM suppressions WHERE email_key IN ($1, $2) ORDER BY reason = 'unsubscribe', email_key LIMIT 1`,
		emailKey, emailKey[strings.LastIndexByte(emailKey, '@'):]).Scan(&reason)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("looking for a suppression: %w", err)
	}
	return reason, nil
}

// split says which lists a person may be on at once. To confirm are lists with double opt-in, lists that they left or never confirmed, and all when the address is
// suppressed for whatever reason, or its person was erased: somebody else may have filled in the form. What an admin asks to be confirmed is, and what is asked again.
func (st membership) split(row signup, again bool) (direct, confirm []int64) {
	for _, id := range row.ListIDs {
		if row.Source == SourceForm && !again && !st.double[id] && st.suppressed == "" && !st.erased && (st.status[id] == "" || st.status[id] == StatusSubscribed) {
			direct = append(direct, id)
		} else {
			confirm = append(confirm, id)
		}
	}
	return direct, confirm
}

// enter puts the person of a form on its lists as far as that needs no confirmation, and gives those that do. Those who were on a list before keep the status that they have:
// who left has left until they confirm.
func (s *Service) enter(ctx context.Context, tx pgx.Tx, row signup, again bool) (stand membership, confirm []int64, err error) {
	for entered := false; !entered; {
		if stand, err = s.standingOf(ctx, tx, row); err != nil {
			return stand, nil, err
		}
		var direct []int64
		direct, confirm = stand.split(row, again)
		if row.Source != SourceForm {
			return stand, confirm, nil
		}
		if entered, err = s.insertSubscriptions(ctx, tx, row, stand, direct, confirm); err != nil {
			return stand, nil, err
		}
	}
	if len(confirm) > 0 || !row.MadePerson {
		return stand, confirm, nil // what a stranger says of somebody who is known is believed only when that is confirmed
	}
	return stand, confirm, s.applyValues(ctx, tx, row)
}

// insertSubscriptions makes the subscriptions that are not there. It is false when one came to be there since that was looked at: then it may say that they left.
func (s *Service) insertSubscriptions(ctx context.Context, tx pgx.Tx, row signup, stand membership, direct, confirm []int64) (all bool, err error) {
	var ids []int64
	var statuses []string
	for _, id := range slices.Concat(direct, confirm) {
		if stand.status[id] != "" {
			continue
		}
		status := StatusUnconfirmed
		if slices.Contains(direct, id) {
			status = StatusSubscribed
		}
		ids, statuses = append(ids, id), append(statuses, status)
	}
	tag, err := tx.Exec(ctx, `
		INSERT INTO subscriptions (list_id, subscriber_id, status, source, evidence, created_at, updated_at)
		SELECT id, $3, status, $4, $5, $6, $6 FROM unnest($1::bigint[], $2::text[]) AS l (id, status) ORDER BY id
		ON CONFLICT (list_id, subscriber_id) DO NOTHING`, ids, statuses, row.SubscriberID, SourceForm, row.Evidence, s.clock())
	if err != nil {
		return false, fmt.Errorf("subscribing by sign-up %d: %w", row.ID, err)
	}
	return int(tag.RowsAffected()) == len(ids), nil
}

// applyValues writes what was filled in into the person. A field that was deleted since, or takes other values, is left out; those that are written are held, so that no job
// that changes them passes this person by.
func (s *Service) applyValues(ctx context.Context, tx pgx.Tx, row signup) error {
	var filled map[string]any
	if err := json.Unmarshal(row.Attributes, &filled); err != nil {
		return fmt.Errorf("writing what sign-up %d says: %w", row.ID, err)
	}
	fields, err := pg.Many[Field](ctx, tx, "fields of a sign-up", selectFields+` WHERE name = ANY ($1) ORDER BY name FOR KEY SHARE`, slices.Collect(maps.Keys(filled)))
	if err != nil {
		return err
	}
	values := map[string]any{}
	for _, f := range fields {
		if v, problem := checkValue(f, filled[f.Name]); problem == "" {
			values[f.Name] = v
		}
	}
	_, err = tx.Exec(ctx, `
		UPDATE subscribers SET name = CASE WHEN $2 = '' THEN name ELSE $2 END, attributes = attributes || $3, updated_at = $4
		WHERE id = $1 AND (($2 <> '' AND name <> $2) OR attributes || $3 <> attributes)`, row.SubscriberID, row.Name, values, s.clock())
	if err != nil {
		return fmt.Errorf("writing what sign-up %d says: %w", row.ID, err)
	}
	return nil
}

// personOf gives the person of the address, and makes them known when they are not.
func (s *Service) personOf(ctx context.Context, tx pgx.Tx, row signup) (id int64, made bool, err error) {
	now := s.clock()
	err = tx.QueryRow(ctx, `
		INSERT INTO subscribers (email, email_key, created_at, updated_at) VALUES ($1, $2, $3, $3) ON CONFLICT (email_key) DO NOTHING RETURNING id`,
		row.Email, row.EmailKey, now).Scan(&id)
	if err == nil {
		return id, true, nil
	}
	if errors.Is(err, pgx.ErrNoRows) {
		err = tx.QueryRow(ctx, `SELECT id FROM subscribers WHERE email_key = $1 FOR NO KEY UPDATE`, row.EmailKey).Scan(&id)
	}
	if err != nil {
		return 0, false, fmt.Errorf("finding the person of sign-up %d: %w", row.ID, err)
	}
	return id, false, nil
}
