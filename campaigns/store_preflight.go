package campaigns

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/campaigns/preflight"
	"postrider/internal/errs"
	"postrider/internal/pg"
)

func (s *Service) storePreflight(ctx context.Context, id int64, hash []byte, report preflight.Report, sampled []int64, by string) error {
	b, err := json.Marshal(report)
	if err != nil {
		return fmt.Errorf("keeping the preflight of campaign %d: %w", id, err)
	}
	if sampled == nil {
		sampled = []int64{}
	}
	// Whoever is erased meanwhile is not written down anew: their row is gone, or waits for this statement.
	tag, err := s.d.Pool.Exec(ctx, `
		WITH people AS (SELECT id FROM subscribers WHERE id = ANY ($4::bigint[]) FOR KEY SHARE)
		INSERT INTO campaign_preflights (campaign_id, content_hash, report, sampled, ran_at, ran_by)
		SELECT $1::bigint, $2::bytea, $3::jsonb, $4::bigint[], $5::timestamptz, $6::text WHERE (SELECT count(*) FROM people) = cardinality($4::bigint[])
		ON CONFLICT (campaign_id) DO UPDATE SET content_hash = excluded.content_hash, report = excluded.report, sampled = excluded.sampled, ran_at = excluded.ran_at, ran_by = excluded.ran_by`,
		id, hash, b, sampled, s.d.Now(), by)
	if pg.Violation(err) == "campaign_preflights_campaign_id_fkey" {
		return errs.New(errs.NotFound, "campaign %d was deleted while it was being checked", id)
	}
	if err != nil {
		return fmt.Errorf("keeping the preflight of campaign %d: %w", id, err)
	}
	if tag.RowsAffected() == 0 {
		return errs.New(errs.Conflict, "somebody whose mail was looked at was deleted meanwhile; check campaign %d again", id)
	}
	return nil
}

// LastPreflight gives what the last check found, and whether the campaign has changed since. NotFound: there was none.
func (s *Service) LastPreflight(ctx context.Context, id int64) (Preflight, error) {
	c, err := s.Get(ctx, id)
	if err != nil {
		return Preflight{}, err
	}
	contents, _, err := s.contentsOrSources(ctx, c.Input, &errs.Fields{})
	if err != nil {
		return Preflight{}, err
	}
	frozen, err := s.freezeContent(ctx, c, contents)
	if err != nil {
		return Preflight{}, err
	}
	hash, err := contentHash(c.Input, frozen)
	if err != nil {
		return Preflight{}, err
	}
	return s.preflightOf(ctx, id, hash)
}

// preflightOf reads the last check of a campaign whose content has a hash now.
func (s *Service) preflightOf(ctx context.Context, id int64, hash []byte) (Preflight, error) {
	row, err := pg.One[struct {
		ContentHash []byte
		Report      []byte
		RanAt       time.Time
		RanBy       string
		Codes       []string `db:"codes"`
	}](ctx, s.d.Pool, fmt.Sprintf("preflight of campaign %d", id), `
		SELECT p.content_hash, p.report, p.ran_at, p.ran_by,
			ARRAY(SELECT a.code FROM campaign_acknowledgements a WHERE a.campaign_id = p.campaign_id AND a.content_hash = p.content_hash ORDER BY a.code) AS codes
		FROM campaign_preflights p WHERE p.campaign_id = $1`, id)
	if errs.Is(err, errs.NotFound) {
		return Preflight{}, errs.New(errs.NotFound, "campaign %d has not been checked yet", id)
	}
	if err != nil {
		return Preflight{}, err
	}
	p := Preflight{RanAt: row.RanAt, RanBy: row.RanBy, Changed: !bytes.Equal(hash, row.ContentHash), Acknowledged: row.Codes}
	if err := json.Unmarshal(row.Report, &p.Report); err != nil {
		return p, fmt.Errorf("reading the preflight of campaign %d: %w", id, err)
	}
	return p, nil
}

// sampledPeople gives the people whose mail the last check of a campaign looked at, when that was of content with a hash.
func sampledPeople(ctx context.Context, db pg.DB, id int64, hash []byte) ([]int64, error) {
	return collectIDs(ctx, db, `SELECT unnest(sampled) FROM campaign_preflights WHERE campaign_id = $1 AND content_hash = $2`, id, hash)
}

// Acknowledge notes that somebody has seen warnings of the last check and sends in spite of them. It holds until the content changes.
func (s *Service) Acknowledge(ctx context.Context, id int64, codes []string, by string) (Preflight, error) {
	last, err := s.LastPreflight(ctx, id)
	if err != nil {
		return last, err
	}
	if last.Changed {
		return last, errs.New(errs.Conflict, "campaign %d was changed since it was checked; check it again", id)
	}
	for _, code := range codes {
		i := slices.IndexFunc(last.Findings, func(f preflight.Finding) bool { return f.Code == code })
		switch {
		case i < 0:
			return last, errs.InvalidField("codes", "the last check found no %q", code)
		case last.Findings[i].Severity == preflight.Blocking:
			return last, errs.InvalidField("codes", "%q blocks: it must be mended, and cannot be acknowledged", code)
		}
	}
	_, err = s.d.Pool.Exec(ctx, `
		INSERT INTO campaign_acknowledgements (campaign_id, content_hash, code, at, by)
		SELECT p.campaign_id, p.content_hash, c, $3, $4 FROM campaign_preflights p, unnest($2::text[]) AS c WHERE p.campaign_id = $1 ON CONFLICT DO NOTHING`, id, codes, s.d.Now(), by)
	if err != nil {
		return last, fmt.Errorf("acknowledging findings of campaign %d: %w", id, err)
	}
	return s.LastPreflight(ctx, id)
}

// MustBeAcknowledged refuses a campaign that was not checked as it is now, or whose warnings nobody has acknowledged. It is for callers who ask for it before Start; what blocks
// keeps a campaign from starting in any case.
func (s *Service) MustBeAcknowledged(ctx context.Context, id int64) error {
	last, err := s.LastPreflight(ctx, id)
	if errs.Is(err, errs.NotFound) {
		if _, gone := s.Get(ctx, id); gone != nil {
			return gone
		}
		return errs.New(errs.Conflict, "campaign %d was not checked yet; run its preflight", id)
	}
	if err != nil {
		return err
	}
	if last.Changed {
		return errs.New(errs.Conflict, "campaign %d was changed since it was checked; run its preflight again", id)
	}
	if open := last.Unacknowledged(); len(open) > 0 {
		return errs.New(errs.Conflict, "campaign %d has warnings that nobody has acknowledged: %s", id, strings.Join(open, ", "))
	}
	return nil
}

// largestFrom is how many recipients the largest campaign From a domain had.
func largestFrom(ctx context.Context, db pg.DB, domain string) (n int, err error) {
	err = db.QueryRow(ctx, `
		SELECT COALESCE(max(recipients), 0) FROM campaigns WHERE started_at IS NOT NULL AND lower(split_part(from_email, '@', 2)) = $1`, domain).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("looking for campaigns From %s: %w", domain, err)
	}
	return n, nil
}

// forgetPreflightsTx deletes the reports that may hold something of some people.
func forgetPreflightsTx(ctx context.Context, tx pgx.Tx, ids []int64) (int64, error) {
	tag, err := tx.Exec(ctx, `DELETE FROM campaign_preflights WHERE sampled && $1::bigint[]`, ids)
	if err != nil {
		return 0, fmt.Errorf("erasing from preflights: %w", err)
	}
	return tag.RowsAffected(), nil
}
