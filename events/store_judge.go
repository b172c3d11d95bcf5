package events

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/pg"
)

const (
	// judgeOverlap is how far each look goes back over what the last one saw: a burst, and what another process was writing meanwhile.
	judgeOverlap = 20 * time.Second
	// judgeAtStart is how far the first look goes back: what the process before this one may not have come to.
	judgeAtStart = 10 * time.Minute
	// judgeRows is how many rows of one delivery are looked at. It is far more than people and scanners make.
	judgeRows = 10_000
	// judgeTogetherMost is how many deliveries are read at once.
	judgeTogetherMost = 500
	// hotMost is how many deliveries are remembered that the hidden link was followed of.
	hotMost = 20_000
)

// late is what Judge remembers from one time to the next.
type late struct {
	mu    sync.Mutex
	marks []idMark
	// hot are deliveries whose hidden link was followed, with the time: more clicks of the same machine may follow.
	hot map[Ref]time.Time
}

// idMark says which id was the last one at a time.
type idMark struct {
	at time.Time
	id int64
}

// Judge looks again at what was stored since the last call, and a while before: clicks that each looked like a person's can show a machine together. It may be called at any
// time by any number of processes.
func (s *Service) Judge(ctx context.Context) error {
	s.late.mu.Lock()
	defer s.late.mu.Unlock()
	now := s.now()
	last, err := s.lastID(ctx)
	if err != nil {
		return err
	}
	from, err := s.judgeFrom(ctx, now)
	if err != nil {
		return err
	}
	refs, err := s.suspects(ctx, from, last, now)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(refs, judgeTogetherMost) {
		if err := s.judgeDeliveries(ctx, part, now); err != nil {
			return err
		}
	}
	s.late.marks = append(s.late.marks, idMark{now, last})
	return nil
}

func (s *Service) lastID(ctx context.Context) (id int64, err error) {
	if err := s.pool.QueryRow(ctx, `SELECT coalesce(max(id), 0) FROM events`).Scan(&id); err != nil {
		return 0, fmt.Errorf("looking for the last event: %w", err)
	}
	return id, nil
}

// judgeFrom gives the id from which on rows are looked at.
func (s *Service) judgeFrom(ctx context.Context, now time.Time) (int64, error) {
	marks := s.late.marks
	if len(marks) == 0 {
		s.late.hot = map[Ref]time.Time{}
		var id, overlap int64
		// "id + 0" keeps Postgres from walking up the primary key until a row is young enough.
		err := s.pool.QueryRow(ctx, `
			SELECT coalesce(min(id + 0), 1) - 1, coalesce(min(id + 0) FILTER (WHERE at > $2), max(id), 1) - 1 FROM events WHERE at > $1`,
			now.Add(-judgeAtStart), now.Add(-judgeOverlap)).Scan(&id, &overlap)
		if err != nil {
			return 0, fmt.Errorf("looking for the latest events: %w", err)
		}
		s.late.marks = []idMark{{now.Add(-judgeOverlap), overlap}}
		return id, nil
	}
	i, seen := 0, marks[len(marks)-1].at
	for i+1 < len(marks) && seen.Sub(marks[i+1].at) >= judgeOverlap {
		i++
	}
	s.late.marks = slices.Delete(marks, 0, i)
	return s.late.marks[0].id, nil
}

// suspects gives the deliveries of which several links, or the hidden one, were clicked.
func (s *Service) suspects(ctx context.Context, after, upto int64, now time.Time) ([]Ref, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT campaign_id, seq, bool_or(link IS NULL) FROM events WHERE id > $1 AND id <= $2 AND kind = 'click'
		GROUP BY campaign_id, seq HAVING min(link) <> max(link) OR bool_or(link IS NULL)`, after, upto)
	if err != nil {
		return nil, fmt.Errorf("looking for machines: %w", err)
	}
	for ref, at := range s.late.hot {
		if now.Sub(at) > CanaryWindow+judgeOverlap {
			delete(s.late.hot, ref)
		}
	}
	set := map[Ref]bool{}
	for ref := range s.late.hot {
		set[ref] = true
	}
	var ref Ref
	var canary bool
	_, err = pgx.ForEachRow(rows, []any{&ref.CampaignID, &ref.Seq, &canary}, func() error {
		set[ref] = true
		if _, known := s.late.hot[ref]; canary && !known && len(s.late.hot) < hotMost {
			s.late.hot[ref] = now
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("looking for machines: %w", err)
	}
	refs := make([]Ref, 0, len(set))
	for ref := range set {
		refs = append(refs, ref)
	}
	return refs, nil
}

func (s *Service) judgeDeliveries(ctx context.Context, refs []Ref, now time.Time) error {
	campaigns, seqs := make([]int64, len(refs)), make([]int32, len(refs))
	for i, r := range refs {
		campaigns[i], seqs[i] = r.CampaignID, r.Seq
	}
	rows, err := pg.Many[trace](ctx, s.pool, "clicks of deliveries", `
		SELECT e.id, r.campaign_id, r.seq, e.at, e.kind, coalesce(e.link, 0) AS link, coalesce(e.user_agent, '') AS user_agent, coalesce(e.actor, 'unknown') AS actor
		FROM unnest($1::bigint[], $2::integer[]) AS r (campaign_id, seq), LATERAL (
			SELECT id, at, kind, link, user_agent, actor FROM events
			WHERE campaign_id = r.campaign_id AND seq = r.seq AND kind IN ('open', 'click') AND at > $3 ORDER BY at DESC, id DESC LIMIT $4) e
		ORDER BY r.campaign_id, r.seq, e.at, e.id`, campaigns, seqs, now.Add(-judgeAtStart-CanaryWindow), judgeRows)
	if err != nil {
		return err
	}
	var ids []int64
	var rules []string
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && rows[n].CampaignID == rows[0].CampaignID && rows[n].Seq == rows[0].Seq {
			n++
		}
		for id, rule := range judgeTogether(rows[:n]) {
			ids, rules = append(ids, id), append(rules, string(rule))
		}
		rows = rows[n:]
	}
	if len(ids) == 0 {
		return nil
	}
	_, err = s.pool.Exec(ctx, `
		UPDATE events e SET actor = 'machine', rule = u.rule
		FROM (SELECT DISTINCT id, rule FROM unnest($1::bigint[], $2::text[]) AS u (id, rule)) u
		WHERE e.id = u.id AND e.actor IS DISTINCT FROM 'machine'`, ids, rules)
	if err != nil {
		return fmt.Errorf("noting machines: %w", err)
	}
	return nil
}
