package campaigns

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/pg"
	"postrider/internal/settings"
)

// freezeZonesTx keeps the zones of lists and settings as they are at the start.
func (s *Service) freezeZonesTx(ctx context.Context, tx pgx.Tx, c Campaign) error {
	if !c.LocalTime.Enabled {
		return nil
	}
	set, err := settings.Read(ctx, tx)
	if err != nil {
		return err
	}
	p := localPlan{At: *c.LocalAt, From: *c.ScheduledAt, Field: c.LocalTime.ZoneField, Late: c.LocalTime.Late, Lists: map[int64]string{}, Zone: set.TimeZone}
	rows, err := tx.Query(ctx, `SELECT id, time_zone FROM lists WHERE id = ANY ($1) AND time_zone IS NOT NULL`, c.ListIDs)
	if err != nil {
		return fmt.Errorf("reading the time zones of lists: %w", err)
	}
	var id int64
	var zone string
	_, err = pgx.ForEachRow(rows, []any{&id, &zone}, func() error { p.Lists[id] = zone; return nil })
	if err != nil {
		return fmt.Errorf("reading the time zones of lists: %w", err)
	}
	b, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("freezing the time zones of campaign %d: %w", c.ID, err)
	}
	return exec(ctx, tx, `UPDATE campaigns SET local_zones = $2 WHERE id = $1`, c.ID, b)
}

// insertPlain writes the people of a part of the audience, $6 of whom are there already, into the ledger of campaign $5.
const insertPlain = `
	INSERT INTO deliveries (campaign_id, seq, subscriber_id, email)
	SELECT $5, $6 + row_number() OVER (ORDER BY a.subscriber_id), a.subscriber_id, a.email FROM a WHERE a.verdict = 'mail'`

// insertLocal does the same for people who wait for their local time: by the zone in their field, that of the first of their lists, or the one of everybody else. Those behind the same gate come one after the
// other. Its parameters begin at %d: the field, values of it with their places, lists with theirs, and the place of everybody else.
const insertLocal = `
	INSERT INTO deliveries (campaign_id, seq, subscriber_id, email, gate)
	SELECT $5, $6 + row_number() OVER (ORDER BY NULLIF(p.place, 0) NULLS FIRST, p.subscriber_id), p.subscriber_id, p.email, NULLIF(p.place, 0) FROM (
		SELECT a.subscriber_id, a.email, CASE WHEN z.value IS NOT NULL THEN z.place WHEN l.id IS NOT NULL THEN l.place ELSE $%[6]d::smallint END AS place
		FROM a JOIN subscribers s ON s.id = a.subscriber_id
		LEFT JOIN unnest($%[2]d::text[], $%[3]d::smallint[]) AS z (value, place) ON z.value = left(s.attributes ->> $%[1]d::text, 100)
		LEFT JOIN LATERAL (
			SELECT x.id, x.place FROM unnest($%[4]d::bigint[], $%[5]d::smallint[]) AS x (id, place)
			JOIN subscriptions i ON i.list_id = x.id AND i.subscriber_id = a.subscriber_id AND i.status = 'subscribed'
			WHERE z.value IS NULL ORDER BY x.id LIMIT 1) l ON true
		WHERE a.verdict = 'mail') p`

// localPart are the places of a part of the audience.
type localPart struct {
	plan    localPlan
	values  []string // of the field, that are zones
	valueTo []int16
	lists   []int64
	listTo  []int16
	rest    int16
	opens   map[int16]time.Time
}

// localPartTx finds the places of the people of a part of the audience; nil when the campaign has no local time.
func (s *Service) localPartTx(ctx context.Context, tx pgx.Tx, zones []byte, listIDs []int64, after, upto int64) (*localPart, error) {
	if zones == nil {
		return nil, nil
	}
	p := &localPart{opens: map[int16]time.Time{}}
	if err := json.Unmarshal(zones, &p.plan); err != nil {
		return nil, fmt.Errorf("reading frozen time zones: %w", err)
	}
	now := s.d.Now()
	values, err := distinctValues(ctx, tx, p.plan.Field, listIDs, after, upto)
	if err != nil {
		return nil, err
	}
	for _, v := range values {
		if zone, ok := zoneNamed(v); ok {
			p.values, p.valueTo = append(p.values, v), append(p.valueTo, p.at(zone, now))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(p.plan.Lists)) {
		if zone, ok := zoneNamed(p.plan.Lists[id]); ok {
			p.lists, p.listTo = append(p.lists, id), append(p.listTo, p.at(zone, now))
		}
	}
	zone, ok := zoneNamed(p.plan.Zone)
	if !ok {
		zone = time.UTC
	}
	p.rest = p.at(zone, now)
	return p, nil
}

func (p *localPart) at(zone *time.Location, now time.Time) int16 {
	gate, opens := p.plan.place(zone, now)
	p.opens[gate] = opens
	return gate
}

// distinctValues gives what people of a part of the audience have in a field.
func distinctValues(ctx context.Context, tx pgx.Tx, field string, listIDs []int64, after, upto int64) ([]string, error) {
	if field == "" {
		return nil, nil
	}
	rows, err := tx.Query(ctx, `
		SELECT DISTINCT left(s.attributes ->> $1, 100) FROM subscriptions i JOIN subscribers s ON s.id = i.subscriber_id
		WHERE i.list_id = ANY ($2) AND i.subscriber_id > $3 AND i.subscriber_id <= $4 AND s.attributes ->> $1 <> ''`, field, listIDs, after, upto)
	if err != nil {
		return nil, fmt.Errorf("reading the time zones of people: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// insert gives the statement that writes the part, with its parameters from $first.
func (p *localPart) insert(first int) (string, []any) {
	if p == nil {
		return insertPlain, nil
	}
	return fmt.Sprintf(insertLocal, first, first+1, first+2, first+3, first+4, first+5), []any{p.plan.Field, p.values, p.valueTo, p.lists, p.listTo, p.rest}
}

// closeTx writes the gates before those of the part that was just written, from after $from on, and skips those who are too late. The version before this one counts rows as queued when they are written,
// so they are skipped afterwards.
func (p *localPart) closeTx(ctx context.Context, tx pgx.Tx, id int64, from int) error {
	if p == nil {
		return nil
	}
	behind, err := pg.Many[struct {
		Gate   int16
		People int
	}](ctx, tx, "gates", `SELECT gate, count(*)::int AS people FROM deliveries WHERE campaign_id = $1 AND seq > $2 AND gate IS NOT NULL GROUP BY gate ORDER BY gate`, id, from)
	if err != nil {
		return err
	}
	for _, b := range behind {
		if b.Gate == placeSkip {
			err = exec(ctx, tx, `
				UPDATE deliveries SET state = 7, gate = NULL, skip_reason = 'the chosen time had passed where they are', updated_at = now()
				WHERE campaign_id = $1 AND seq > $2 AND gate = $3`, id, from, placeSkip)
		} else {
			opens := p.opens[b.Gate]
			err = addToGateTx(ctx, tx, id, Gate{Gate: b.Gate, OpensAt: &opens, People: b.People, Note: "local time"})
		}
		if err != nil {
			return err
		}
	}
	return p.countTx(ctx, tx, id, from)
}

// countTx counts who had a zone that does not exist, and who had none.
func (p *localPart) countTx(ctx context.Context, tx pgx.Tx, id int64, from int) error {
	if p.plan.Field == "" {
		return nil
	}
	return exec(ctx, tx, `
		UPDATE campaigns SET zones_invalid = zones_invalid + n.invalid, zones_missing = zones_missing + n.missing FROM (
			SELECT count(*) FILTER (WHERE v.zone <> '' AND v.zone <> ALL ($4::text[])) AS invalid, count(*) FILTER (WHERE v.zone = '') AS missing
			FROM deliveries d JOIN subscribers s ON s.id = d.subscriber_id, LATERAL (SELECT COALESCE(left(s.attributes ->> $3, 100), '') AS zone) v
			WHERE d.campaign_id = $1 AND d.seq > $2) n
		WHERE id = $1`, id, from, p.plan.Field, nonNil(p.values))
}

func nonNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
