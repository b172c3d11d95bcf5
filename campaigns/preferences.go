package campaigns

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"postrider/audience"
	"postrider/events"
	"postrider/internal/pg"
)

// sourcePreferences says where a change on the preference page came from.
func sourcePreferences(ref events.Ref) string {
	return fmt.Sprintf("preference page, campaign %d", ref.CampaignID)
}

// PreferenceInfo tells the preference page what the person has and may choose. It changes nothing. Who was deleted is NotFound.
//
// The link carries the token of the unsubscribe link. A token of its own would protect nothing: that page leads to this one, and whoever has a mail has both.
func (s *Service) PreferenceInfo(ctx context.Context, token string) (PreferenceInfo, error) {
	ref, err := s.d.Tokens.Parse(events.Unsubscribe, token)
	if err != nil {
		return PreferenceInfo{}, err
	}
	set, err := s.d.Settings.Get(ctx)
	if err != nil {
		return PreferenceInfo{}, err
	}
	info := PreferenceInfo{Organization: set.Organization, PostalAddress: set.PostalAddress}
	lists, err := campaignLists(ctx, s.d.Pool, ref.CampaignID)
	if err != nil {
		return info, err
	}
	if ref.Seq == testSeq {
		info.Email, info.Test = "test message", true
		info.Preferences = audience.Preferences{Frequency: audience.FrequencyAll}
		info.Lists, err = pg.Many[audience.PreferenceList](ctx, s.d.Pool, "lists of a campaign", `
			SELECT id, name, description, 'subscribed' AS status FROM lists WHERE id = ANY ($1) ORDER BY lower(name), id`, lists)
		return info, err
	}
	r, err := s.addressee(ctx, ref)
	if err != nil {
		return info, err
	}
	info.Email = mask(r.email)
	info.Preferences, err = s.d.Audience.Preferences(ctx, r.subscriberID, lists)
	return info, err
}

// SetPreferences does what was chosen on the preference page; leaving a list there is an unsubscribe like any other, also for mail that is already queued.
func (s *Service) SetPreferences(ctx context.Context, token string, in PreferenceInput) error {
	ref, err := s.d.Tokens.Parse(events.Unsubscribe, token)
	if err != nil || ref.Seq == testSeq {
		return err
	}
	r, err := s.addressee(ctx, ref)
	if err != nil {
		return err
	}
	source := sourcePreferences(ref)
	return pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error {
		lists, err := campaignLists(ctx, tx, ref.CampaignID)
		if err != nil {
			return err
		}
		left, err := s.d.Audience.SetPreferencesTx(ctx, tx, audience.PreferenceChange{
			SubscriberID: r.subscriberID, CampaignID: ref.CampaignID, Seq: ref.Seq, CampaignLists: lists, Shown: in.Shown, On: in.On,
			PauseMonths: in.PauseMonths, Frequency: in.Frequency, NoTracking: in.NoTracking, Source: source,
		})
		if err != nil || !left {
			return err
		}
		return s.noteLeftTx(ctx, tx, ref, r.subscriberID, source)
	})
}

func campaignLists(ctx context.Context, db pg.DB, id int64) ([]int64, error) {
	return collectIDs(ctx, db, `SELECT list_id FROM campaign_lists WHERE campaign_id = $1`, id)
}
