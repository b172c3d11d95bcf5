package campaigns

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/audience"
	"postrider/internal/errs"
	"postrider/internal/pg"
)

// frozen is what a part came to.
type frozen struct {
	recipients int
	excluded   map[string]int
	whole      bool   // it was the last one
	status     Status // of the campaign, which is locked from then on
}

// firstParts is in how many parts Start looks for somebody to mail.
const firstParts = 2

// freezeFirstTx writes the ledger up to the first part that has somebody to mail in it, but no more than firstParts: of a large audience a segment may choose only the last. whole
// says that this was everybody. That nobody at all is left is an error only where it is found so soon; otherwise the campaign ends with nobody.
func (s *Service) freezeFirstTx(ctx context.Context, tx pgx.Tx, id int64) (whole bool, err error) {
	excluded := map[string]int{}
	for range firstParts {
		f, err := s.freezePartTx(ctx, tx, id, s.cfg.FirstPart)
		if err != nil {
			return false, err
		}
		for reason, n := range f.excluded {
			excluded[reason] += n
		}
		switch {
		case f.recipients > 0:
			return f.whole, nil
		case f.whole:
			return false, nobodyLeft(excluded)
		}
	}
	return false, nil
}

// freeze writes the rest of a campaign's ledger, part by part, each in its own transaction with the place where the next one begins: after a crash it goes on there.
// It is false when the process ends before it is through.
func (s *Service) freeze(ctx context.Context, id int64) (done bool, err error) {
	for !s.draining.Load() {
		var f frozen
		err := pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error {
			var err error
			if f, err = s.freezePartTx(ctx, tx, id, s.cfg.Part); err != nil {
				return err
			}
			return s.afterPartTx(ctx, tx, id, f.status)
		})
		if errs.Is(err, errs.NotFound) {
			return true, nil // it was deleted
		}
		if err != nil || f.whole {
			return f.whole, err
		}
	}
	return false, nil
}

// freezePartTx writes the ledger rows and exclusions of the next people. Rows are numbered on from those that are there.
//
// Whoever comes on a list after Start is not written; who leaves one meanwhile is left out as unsubscribed. The campaign itself is locked only at the end, because
// ranges are handed out under its lock.
func (s *Service) freezePartTx(ctx context.Context, tx pgx.Tx, id int64, size int) (frozen, error) {
	f := frozen{excluded: map[string]int{}, whole: true}
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1, $2::bigint::int)`, freezeLock, id%math.MaxInt32); err != nil {
		return f, fmt.Errorf("freezing the audience of campaign %d: %w", id, err)
	}
	p, err := pg.One[struct {
		FreezeAfter *int64
		StartedAt   *time.Time
		Recipients  int
		LocalZones  []byte
		ID          int64
		ParentID    *int64
		RerunTo     []string
		ListIDs     []int64 `db:"list_ids"`
	}](ctx, tx, fmt.Sprintf("campaign %d", id), `
		SELECT freeze_after, started_at, recipients, local_zones, id, parent_id, rerun_to, ARRAY(SELECT list_id FROM campaign_lists WHERE campaign_id = $1) AS list_ids FROM campaigns WHERE id = $1`, id)
	if err != nil || p.FreezeAfter == nil {
		return f, err
	}
	var end *int64
	if err := tx.QueryRow(ctx, audience.PartEndSQL, p.ListIDs, *p.FreezeAfter, size-1).Scan(&end); err != nil {
		return f, fmt.Errorf("freezing the audience of campaign %d: %w", id, err)
	}
	upto := int64(math.MaxInt64)
	if end != nil {
		upto, f.whole = *end, false
	}
	selected, args, err := s.selectedPartTx(ctx, tx, id, 7)
	if err != nil {
		return f, err
	}
	local, err := s.localPartTx(ctx, tx, p.LocalZones, p.ListIDs, *p.FreezeAfter, upto)
	if err != nil {
		return f, err
	}
	run := rerunOf{p.ID, p.ParentID, p.RerunTo}
	test, err := testPartTx(ctx, tx, run)
	if err != nil {
		return f, err
	}
	selected, rerun, err := rerunPart(ctx, tx, run, selected, 7+len(args))
	if err != nil {
		return f, err
	}
	args = append(args, rerun...)
	insert, placing := local.insert(7 + len(args))
	if test != nil {
		insert, placing = test.insert(7 + len(args))
	}
	args = append(args, placing...)
	rows, err := tx.Query(ctx, `
		WITH a AS MATERIALIZED (`+selected+`),
		x AS (
			INSERT INTO exclusions (campaign_id, subscriber_id, email, reason)
			SELECT $5, a.subscriber_id, a.email, a.verdict FROM a WHERE a.verdict <> 'mail'),
		n AS (
			INSERT INTO campaign_exclusions AS e (campaign_id, reason, n)
			SELECT $5::bigint, a.verdict, count(*) FROM a WHERE a.verdict <> 'mail' GROUP BY a.verdict
			ON CONFLICT (campaign_id, reason) DO UPDATE SET n = e.n + excluded.n),
		d AS (`+insert+`)
		SELECT verdict, count(*)::int FROM a GROUP BY verdict`, append([]any{p.ListIDs, *p.FreezeAfter, upto, p.StartedAt, id, p.Recipients}, args...)...)
	if err != nil {
		return f, fmt.Errorf("freezing the audience of campaign %d: %w", id, err)
	}
	var verdict string
	var n, excluded int
	_, err = pgx.ForEachRow(rows, []any{&verdict, &n}, func() error {
		if verdict == audience.VerdictMail {
			f.recipients = n
			return nil
		}
		f.excluded[verdict] = n
		excluded += n
		return nil
	})
	if err != nil {
		return f, fmt.Errorf("freezing the audience of campaign %d: %w", id, err)
	}
	err = tx.QueryRow(ctx, `
		UPDATE campaigns SET recipients = recipients + $2, excluded = excluded + $3, freeze_after = $4 WHERE id = $1 RETURNING status`,
		id, f.recipients, excluded, end).Scan(&f.status)
	if errors.Is(err, pgx.ErrNoRows) {
		return f, errs.New(errs.NotFound, "campaign %d was deleted while its audience was being written", id)
	}
	if err != nil {
		return f, fmt.Errorf("freezing the audience of campaign %d: %w", id, err)
	}
	// The gates come after the campaign, as everybody locks them who opens one.
	if err := local.closeTx(ctx, tx, id, p.Recipients); err != nil {
		return f, err
	}
	return f, test.closeTx(ctx, tx, id, p.Recipients)
}

// freezeLock is the first key of the advisory lock under which one part after the other is written: "prfz" in ASCII.
const freezeLock = 0x7072667a

// afterPartTx sees to it that what a part added is worked on. The campaign is locked by now, so no job can find at the same time that there is nothing left for it.
func (s *Service) afterPartTx(ctx context.Context, tx pgx.Tx, id int64, status Status) error {
	switch status {
	case StatusCancelled:
		return skipWaiting(ctx, tx, id, "campaign cancelled")
	case StatusRunning:
		return s.topUpTx(ctx, tx, id)
	}
	return nil
}

func nobodyLeft(excluded map[string]int) error {
	var why []string
	for _, r := range []struct{ verdict, text string }{
		{audience.VerdictSuppressed, "suppressed"}, {audience.VerdictUnsubscribed, "unsubscribed"}, {audience.VerdictUnconfirmed, "unconfirmed"},
		{audience.VerdictPaused, "paused by themselves"}, {audience.VerdictFrequency, "mailed lately as often as they want"},
		{audience.VerdictNotInSegment, "in none of the chosen segments"}, {audience.VerdictExcludedList, "on an excluded list"},
		{audience.VerdictExcludedSegment, "in an excluded segment"}, {audience.VerdictFrequencyCap, "mailed as often lately as the frequency cap allows"},
	} {
		if n := excluded[r.verdict]; n > 0 {
			why = append(why, fmt.Sprintf("%d %s", n, r.text))
		}
	}
	if len(why) == 0 {
		return errs.InvalidField("list_ids", "nobody is there to be mailed: the chosen lists are empty, or this is another run and nobody is left whom it is for; choose others")
	}
	return errs.InvalidField("list_ids", "nobody is left to mail: of the people in the chosen lists %s; choose other lists or segments", strings.Join(why, ", "))
}
