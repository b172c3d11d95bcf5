package audience

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"postrider/internal/addr"
	"postrider/internal/errs"
	"postrider/internal/page"
)

// exactTotal is how far totals are counted; beyond it they are the planner's estimate, because nobody waits for the exact number of a million.
const exactTotal = 10_000

// SubscriberFilter says which people to list. Search is part of an address or name, in any case. Status is that of the subscription to ListID, or to any
// list when ListID is 0; suppressed people are those whose address is.
type SubscriberFilter struct {
	Search string
	ListID int64
	Status string
}

// conditions is a WHERE clause under construction.
type conditions struct {
	sql  []string
	args []any
}

// add adds a condition; each ? in it is an argument.
func (c *conditions) add(sql string, args ...any) {
	for _, a := range args {
		c.args = append(c.args, a)
		sql = strings.Replace(sql, "?", fmt.Sprintf("$%d", len(c.args)), 1)
	}
	c.sql = append(c.sql, sql)
}

// query makes the statement that selects columns of the people who meet the conditions.
func (c *conditions) query(columns, tail string) string {
	return "SELECT " + columns + " FROM subscribers u WHERE " + strings.Join(append(c.sql, "true"), " AND ") + tail
}

// ListSubscribers gives the people that the filter finds, newest first. Total is exact up to 10,000 and an estimate above.
func (s *Service) ListSubscribers(ctx context.Context, f SubscriberFilter, q page.Query) (page.Page[Subscriber], error) {
	var none page.Page[Subscriber]
	c, err := f.conditions()
	if err != nil {
		return none, err
	}
	total, exact, err := s.countSubscribers(ctx, c)
	if err != nil {
		return none, err
	}
	if q.Cursor != "" {
		var after int64
		if err := page.Decode(q.Cursor, &after); err != nil {
			return none, err
		}
		c.add("u.id < ?", after)
	}
	rows, err := s.pool.Query(ctx, c.query("u.id", fmt.Sprintf(" ORDER BY u.id DESC LIMIT %d", q.Size()+1)), c.args...)
	if err != nil {
		return none, fmt.Errorf("listing subscribers: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return none, fmt.Errorf("listing subscribers: %w", err)
	}
	p := page.Cut(ids, q, func(id int64) string { return page.Encode(id) })
	people, err := loadSubscribers(ctx, s.pool, p.Items)
	if err != nil {
		return none, err
	}
	return page.Page[Subscriber]{Items: people, NextCursor: p.NextCursor, Total: &total, TotalExact: exact}, nil
}

func (f SubscriberFilter) conditions() (*conditions, error) {
	c := &conditions{}
	if f.Search != "" {
		if err := c.search(f.Search); err != nil {
			return nil, err
		}
	}
	status := f.Status
	switch {
	case status == StatusSuppressed:
		c.add("EXISTS (SELECT 1 FROM suppressions x WHERE x.email_key = u.email_key)")
		status = ""
	case status != "":
		if err := checkStatus(status); err != nil {
			return nil, errs.InvalidField("status", "%q is not a status: use subscribed, unconfirmed, unsubscribed or suppressed", status)
		}
	}
	switch {
	case f.ListID != 0 && status != "":
		c.add("u.id IN (SELECT s.subscriber_id FROM subscriptions s WHERE s.list_id = ? AND s.status = ?)", f.ListID, status)
	case f.ListID != 0:
		c.add("u.id IN (SELECT s.subscriber_id FROM subscriptions s WHERE s.list_id = ?)", f.ListID)
	case status != "":
		c.add("u.id IN (SELECT s.subscriber_id FROM subscriptions s WHERE s.status = ?)", status)
	}
	return c, nil
}

// search finds text in address or name, by the trigram index. Addresses are kept with the domain in A-labels, so that a domain typed in Unicode is
// looked for in that form too.
func (c *conditions) search(text string) error {
	like, err := likePattern(text)
	if err != nil {
		return err
	}
	// Whoever was imported a moment ago is not in the index yet, but in its backlog.
	const found = `u.id IN (SELECT subscriber_id FROM subscriber_search WHERE text LIKE ?
		UNION ALL SELECT p.id FROM subscriber_search_backlog b JOIN subscribers p ON p.id BETWEEN b.first_id AND b.last_id WHERE p.email_key || ' ' || lower(p.name) LIKE ?)`
	patterns := []string{like}
	text = strings.TrimSpace(text)
	local, typed, _ := cutLast(text, "@")
	if domain, err := addr.Domain(typed); err == nil && domain != strings.ToLower(typed) {
		other, err := likePattern(local + domain)
		if err != nil {
			return err
		}
		patterns = append(patterns, other)
	}
	if len(patterns) == 1 {
		c.add(found, patterns[0], patterns[0])
	} else {
		c.add("("+found+" OR "+found+")", patterns[0], patterns[0], patterns[1], patterns[1])
	}
	return nil
}

// cutLast cuts s behind the last sep, which stays with before; without one, all of s is after.
func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return "", s, false
	}
	return s[:i+len(sep)], s[i+len(sep):], true
}

// countSubscribers counts the people up to exactTotal and asks the planner beyond.
func (s *Service) countSubscribers(ctx context.Context, c *conditions) (total int64, exact bool, err error) {
	limited := c.query("1", fmt.Sprintf(" LIMIT %d", exactTotal+1))
	if err := s.pool.QueryRow(ctx, "SELECT count(*) FROM ("+limited+") found", c.args...).Scan(&total); err != nil {
		return 0, false, fmt.Errorf("counting subscribers: %w", err)
	}
	if total <= exactTotal {
		return total, true, nil
	}
	var plan []byte
	if err := s.pool.QueryRow(ctx, "EXPLAIN (FORMAT JSON) "+c.query("1", ""), c.args...).Scan(&plan); err != nil {
		return 0, false, fmt.Errorf("estimating subscribers: %w", err)
	}
	var out []struct {
		Plan struct {
			Rows float64 `json:"Plan Rows"`
		}
	}
	if err := json.Unmarshal(plan, &out); err != nil {
		return 0, false, fmt.Errorf("reading the planner's estimate: %w", err)
	}
	if len(out) != 1 {
		return 0, false, fmt.Errorf("the planner gave %d plans where one was expected", len(out))
	}
	return max(total, int64(out[0].Plan.Rows)), false, nil
}
