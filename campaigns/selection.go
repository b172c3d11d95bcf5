package campaigns

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"postrider/audience"
	"postrider/internal/errs"
	"postrider/internal/pg"
	"postrider/internal/settings"
)

// choice is whom a campaign is for, with the installation's cap unless it ignores that.
func (s *Service) choice(ctx context.Context, in Input) (audience.Choice, error) {
	set, err := s.d.Settings.Get(ctx)
	return in.choice(set), err
}

func (in Input) choice(set settings.Settings) audience.Choice {
	c := audience.Choice{ListIDs: in.ListIDs, SegmentIDs: in.SegmentIDs, ExcludeSegmentIDs: in.ExcludeSegmentIDs, ExcludeListIDs: in.ExcludeListIDs}
	if set.FrequencyCapMails > 0 && !in.IgnoreFrequencyCap {
		c.Cap = &audience.Cap{Mails: set.FrequencyCapMails, Days: set.FrequencyCapDays}
	}
	return c
}

// CountDraft counts whom a campaign that is not saved would reach, soon: a large audience is estimated. id is the campaign that is being edited, 0 for none.
func (s *Service) CountDraft(ctx context.Context, id int64, in Input) (audience.AudienceCounts, error) {
	in.setDefaults()
	var f errs.Fields
	in.validateChoice(&f)
	if err := f.Err("this audience contradicts itself"); err != nil {
		return audience.AudienceCounts{}, err
	}
	choice, err := s.choice(ctx, in)
	if err != nil {
		return audience.AudienceCounts{}, err
	}
	return s.d.Audience.CountChoice(ctx, choice, id, true)
}

// freezeSelectionTx keeps whom the campaign is for as that is at its start.
func (s *Service) freezeSelectionTx(ctx context.Context, tx pgx.Tx, c Campaign) error {
	if err := audience.HoldDefinitionsTx(ctx, tx); err != nil {
		return err
	}
	set, err := settings.Read(ctx, tx)
	if err != nil {
		return err
	}
	sel, err := audience.Select(ctx, tx, c.choice(set), s.d.Now())
	if err != nil {
		return err
	}
	b, err := json.Marshal(sel)
	if err != nil {
		return fmt.Errorf("freezing the audience of campaign %d: %w", c.ID, err)
	}
	return exec(ctx, tx, `INSERT INTO campaign_selections (campaign_id, selection) VALUES ($1, $2)`, c.ID, b)
}

// Selection is whom a campaign is for, as it was frozen at its start; NotFound before, and for those that started before there were segments.
func (s *Service) Selection(ctx context.Context, id int64) (audience.Selection, error) {
	return frozenSelection(ctx, s.d.Pool, id)
}

func frozenSelection(ctx context.Context, db pg.DB, id int64) (audience.Selection, error) {
	var sel audience.Selection
	var raw []byte
	err := db.QueryRow(ctx, `SELECT selection FROM campaign_selections WHERE campaign_id = $1`, id).Scan(&raw)
	if errors.Is(err, pgx.ErrNoRows) {
		return sel, errs.New(errs.NotFound, "campaign %d has no frozen audience", id)
	}
	if err != nil {
		return sel, fmt.Errorf("reading the audience of campaign %d: %w", id, err)
	}
	if err := json.Unmarshal(raw, &sel); err != nil {
		return sel, fmt.Errorf("reading the audience of campaign %d: %w", id, err)
	}
	return sel, nil
}

// capLock is the advisory lock under which parts of ledgers are written while there is a cap: "prcp" in ASCII.
const capLock = 0x70726370

// selectedPartTx is the query for the verdicts about a part of the audience, with its own parameters from $first.
//
// With a cap, parts of all campaigns take turns from here to the end of the transaction, so that of two that start at once the second counts what the first has written:
// nobody gets more than the cap, and for each person it is the campaign whose part came first that is sent. Those without a cap only wait for the ones with.
func (s *Service) selectedPartTx(ctx context.Context, tx pgx.Tx, id int64, first int) (string, []any, error) {
	sel, err := frozenSelection(ctx, tx, id)
	if err != nil && !errs.Is(err, errs.NotFound) {
		return "", nil, err
	}
	lock := `SELECT pg_advisory_xact_lock_shared($1)`
	if sel.Cap != nil {
		lock = `SELECT pg_advisory_xact_lock($1)`
	}
	if _, err := tx.Exec(ctx, lock, capLock); err != nil {
		return "", nil, fmt.Errorf("waiting for other campaigns: %w", err)
	}
	if err := audience.NoJITTx(ctx, tx); err != nil {
		return "", nil, err
	}
	others, err := audience.CappingCampaigns(ctx, tx, sel, id)
	if err != nil {
		return "", nil, err
	}
	return audience.SelectedQuery(sel, others, first)
}
