package campaigns

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/events"
	"postrider/internal/errs"
	"postrider/internal/pg"
)

// timelineSteps are the widths a bucket may have; the first that gives at most timelineMost buckets is taken.
var timelineSteps = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour}

const (
	timelineMost   = 200
	timelineLength = 30 * 24 * time.Hour
)

// Timeline gives what happened in a campaign from its start on, at most for 30 days.
func (s *Service) Timeline(ctx context.Context, id int64) (Timeline, error) {
	c, err := s.Get(ctx, id)
	if err != nil || c.StartedAt == nil {
		return newTimeline(time.Time{}, 0, 0), err
	}
	end := s.d.Now()
	if limit := c.StartedAt.Add(timelineLength); end.After(limit) {
		end = limit
	}
	step := timelineSteps[len(timelineSteps)-1]
	for _, d := range timelineSteps {
		if end.Sub(*c.StartedAt)/d < timelineMost {
			step = d
			break
		}
	}
	return s.buckets(ctx, id, *c.StartedAt, end, step)
}

// newTimeline makes an empty timeline of n buckets.
func newTimeline(first time.Time, step time.Duration, n int) Timeline {
	t := Timeline{Times: make([]int64, n), Sent: make([]int64, n), Bounced: make([]int64, n), Deferred: make([]int64, n),
		Opens: make([]events.Tally, n), Clicks: make([]events.Tally, n)}
	for i := range t.Times {
		t.Times[i] = first.Add(time.Duration(i) * step).Unix()
	}
	return t
}

// buckets fills a timeline of one campaign (0 is all) with what was recorded and what people did. Buckets begin at multiples of step from the epoch.
func (s *Service) buckets(ctx context.Context, id int64, from, to time.Time, step time.Duration) (Timeline, error) {
	first := time.Unix(0, from.UnixNano()/int64(step)*int64(step)).UTC()
	t := newTimeline(first, step, int(to.Sub(first)/step)+1)
	at := func(when time.Time) (int, bool) {
		i := int(when.Sub(first) / step)
		return i, !when.Before(first) && i < len(t.Times)
	}
	rows, err := s.d.Pool.Query(ctx, `
		SELECT date_bin($3, minute, 'epoch'), sum(sent)::bigint, sum(bounced)::bigint, sum(deferred)::bigint FROM campaign_minutes
		WHERE ($1 = 0 OR campaign_id = $1) AND minute >= $2 GROUP BY 1`, id, first, step)
	if err != nil {
		return t, fmt.Errorf("reading a timeline: %w", err)
	}
	var when time.Time
	var sent, bounced, deferred int64
	_, err = pgx.ForEachRow(rows, []any{&when, &sent, &bounced, &deferred}, func() error {
		if i, ok := at(when); ok {
			t.Sent[i], t.Bounced[i], t.Deferred[i] = sent, bounced, deferred
		}
		return nil
	})
	if err != nil {
		return t, fmt.Errorf("reading a timeline: %w", err)
	}
	happened, err := s.d.Events.Buckets(ctx, id, first, to, step)
	for _, b := range happened {
		if i, ok := at(b.At); ok {
			t.Opens[i], t.Clicks[i] = b.Opens, b.Clicks
		}
	}
	return t, err
}

// Links gives the links of a campaign's content with their clicks.
func (s *Service) Links(ctx context.Context, id int64) ([]LinkStat, error) {
	c, err := s.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	stats := []LinkStat{}
	if c.StartedAt == nil {
		return stats, nil
	}
	content, err := s.content(ctx, id)
	if err != nil {
		return nil, err
	}
	counts, err := s.d.Events.LinkCounts(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, v := range content.variants() {
		for _, l := range v.compiled.Links() {
			stat := LinkStat{ID: int(v.link0) + l.N, URL: l.URL, Variant: v.number}
			for _, n := range counts {
				if int(n.Link) == stat.ID {
					stat.Clicks, stat.UniqueClicks = n.Clicks, n.UniqueClicks
				}
			}
			stats = append(stats, stat)
		}
	}
	return stats, nil
}

// LinkURL gives a link of a campaign's content as it is written there, with its placeholders.
func (s *Service) LinkURL(ctx context.Context, id int64, link int32) (string, error) {
	content, err := s.content(ctx, id)
	if err != nil {
		return "", err
	}
	v, number, err := content.linked(link)
	if err != nil {
		return "", err
	}
	for _, l := range v.compiled.Links() {
		if l.N == number {
			return l.URL, nil
		}
	}
	return "", errs.New(errs.NotFound, "there is no link %d in campaign %d", link, id)
}

const overviewDays = 30

// Overview gives the figures of the first page: the last day, the last 30 days, what runs and what came last.
func (s *Service) Overview(ctx context.Context) (Overview, error) {
	var o Overview
	err := s.d.Pool.QueryRow(ctx, `
		SELECT COALESCE(sum(sent), 0), COALESCE(sum(bounced), 0), EXISTS (SELECT FROM campaigns WHERE purpose = 'mailing')
		FROM campaign_minutes WHERE minute > now() - interval '24 hours'`).Scan(&o.Sent24h, &o.Bounced24h, &o.HasCampaign)
	if err != nil {
		return o, fmt.Errorf("reading the overview: %w", err)
	}
	if o.Running, err = s.some(ctx, `c.status IN ('running', 'paused') AND c.purpose = 'mailing'`, 20); err != nil {
		return o, err
	}
	if o.Recent, err = s.some(ctx, `c.purpose = 'mailing'`, 5); err != nil {
		return o, err
	}
	now := s.d.Now()
	day := 24 * time.Hour
	if o.ByDay, err = s.buckets(ctx, 0, now.Add(-(overviewDays-1)*day), now, day); err != nil {
		return o, err
	}
	for i := range o.ByDay.Times {
		o.Sent30d += o.ByDay.Sent[i]
		o.Bounced30d += o.ByDay.Bounced[i]
	}
	err = s.d.Pool.QueryRow(ctx, `SELECT count(*) FROM reports WHERE applied AND kind = 'complaint' AND received_at >= $1`, now.Add(-(overviewDays-1)*day).Truncate(day)).Scan(&o.Complaints30d)
	if err != nil {
		return o, fmt.Errorf("reading the overview: %w", err)
	}
	return o, nil
}

// some reads the newest campaigns that meet a fixed condition.
func (s *Service) some(ctx context.Context, where string, limit int) ([]WithStats, error) {
	rows, err := pg.Many[campaignRow](ctx, s.d.Pool, "campaigns", `SELECT `+campaignColumns+` FROM campaigns c WHERE `+where+` ORDER BY c.id DESC LIMIT $1`, limit)
	if err != nil {
		return nil, err
	}
	return s.withStats(ctx, withoutBodies(rows))
}
