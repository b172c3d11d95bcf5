package api

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"postrider/audience"
	"postrider/campaigns"
	"postrider/internal/addr"
	"postrider/internal/errs"
)

type audienceInputJSON struct {
	CampaignID         int64   `json:"campaign_id" required:"false" minimum:"1" doc:"The campaign that is being edited: its own mail does not count for the frequency cap"`
	ListIDs            []int64 `json:"list_ids"`
	SegmentIDs         []int64 `json:"segment_ids" required:"false"`
	ExcludeSegmentIDs  []int64 `json:"exclude_segment_ids" required:"false"`
	ExcludeListIDs     []int64 `json:"exclude_list_ids" required:"false"`
	IgnoreFrequencyCap bool    `json:"ignore_frequency_cap" required:"false"`
}

type selectionJSON struct {
	At           time.Time           `json:"at" doc:"From when days are counted: the start"`
	TimeZone     string              `json:"time_zone" doc:"In which days begin"`
	Include      []frozenSegmentJSON `json:"include" doc:"It goes to those in any of these; empty: to everybody on the lists"`
	Exclude      []frozenSegmentJSON `json:"exclude"`
	ExcludeLists []namedListJSON     `json:"exclude_lists"`
	Cap          *CapJSON            `json:"cap" doc:"The frequency cap that held; null for none"`
	Recipients   int                 `json:"recipients"`
	Excluded     []excludeJSON       `json:"excluded" doc:"Who was left out, by reason"`
}

// TransformSchema makes cap an object or null.
func (selectionJSON) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return nullable(s, "cap")
}

type frozenSegmentJSON struct {
	ID         int64          `json:"id"`
	Name       string         `json:"name"`
	Sentence   string         `json:"sentence"`
	Definition definitionJSON `json:"definition" doc:"As it was at the start, with other segments written out"`
}

type namedListJSON struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

// CapJSON is the most that a person gets.
type CapJSON struct {
	Mails int `json:"mails"`
	Days  int `json:"days"`
}

type byWho struct {
	ID  int64  `path:"id" minimum:"1"`
	Who string `path:"who" maxLength:"400" doc:"The id of a subscriber, or their address"`
}

type whyJSON struct {
	CampaignID   int64            `json:"campaign_id"`
	Started      bool             `json:"started" doc:"false: the campaign has not started, and this is what would become of the person now"`
	SubscriberID int64            `json:"subscriber_id"`
	Email        string           `json:"email"`
	Place        string           `json:"place" enum:"in,out,absent,waiting"`
	Reason       *string          `json:"reason" enum:"suppressed,unsubscribed,unconfirmed,paused,frequency,excluded_list,not_in_segment,excluded_segment,frequency_cap" doc:"Why they are out; null when they are not"`
	Words        string           `json:"words" doc:"The reason as a sentence"`
	Seq          *int32           `json:"seq" doc:"Of the delivery, for those who are in"`
	State        *string          `json:"state" doc:"Of the delivery"`
	Evidence     *WhyEvidenceJSON `json:"evidence" doc:"What there is for and against it, as of evidence.at and not of the start; null when the person was deleted"`
}

// TransformSchema makes evidence an object or null.
func (whyJSON) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return nullable(s, "evidence")
}

// WhyEvidenceJSON is what a verdict is made of.
type WhyEvidenceJSON struct {
	At            time.Time        `json:"at"`
	Lists         []whyListJSON    `json:"lists" doc:"How the person stands to the campaign's lists"`
	ExcludedLists []whyListJSON    `json:"excluded_lists"`
	Suppression   *suppressionJSON `json:"suppression"`
	PausedUntil   *time.Time       `json:"paused_until"`
	Frequency     *string          `json:"frequency" doc:"The most mail that the person wants: weekly or monthly; null for all"`
	Include       []whySegmentJSON `json:"include"`
	Exclude       []whySegmentJSON `json:"exclude"`
	Cap           *CapJSON         `json:"cap"`
	Got           int              `json:"got" doc:"Mails that count for the cap: got within its days, or waiting"`
}

// TransformSchema makes suppression and cap objects or null.
func (WhyEvidenceJSON) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return nullable(nullable(s, "suppression"), "cap")
}

type whyListJSON struct {
	ListID int64      `json:"list_id"`
	Name   string     `json:"name"`
	Status *string    `json:"status" doc:"null: not on it"`
	Source *string    `json:"source"`
	Since  *time.Time `json:"since"`
}

type whySegmentJSON struct {
	ID         int64              `json:"id"`
	Name       string             `json:"name"`
	Sentence   string             `json:"sentence"`
	Meets      bool               `json:"meets" doc:"Whether the person is in it now"`
	Conditions []whyConditionJSON `json:"conditions"`
}

type whyConditionJSON struct {
	Sentence string `json:"sentence"`
	Meets    bool   `json:"meets"`
}

func (s *server) countDraftAudience(ctx context.Context, in *with[audienceInputJSON]) (*answer[audienceJSON], error) {
	b := in.Body
	c, err := s.deps.Campaigns.CountDraft(ctx, b.CampaignID, campaigns.Input{ListIDs: b.ListIDs, SegmentIDs: b.SegmentIDs, ExcludeSegmentIDs: b.ExcludeSegmentIDs,
		ExcludeListIDs: b.ExcludeListIDs, IgnoreFrequencyCap: b.IgnoreFrequencyCap})
	return reply(c, err, encodeAudience)
}

func encodeCap(c *audience.Cap) *CapJSON {
	if c == nil {
		return nil
	}
	out := CapJSON(*c)
	return &out
}

func encodeFrozenSegment(f audience.FrozenSegment) frozenSegmentJSON {
	return frozenSegmentJSON{ID: f.ID, Name: f.Name, Sentence: f.Sentence, Definition: definitionJSON(f.Definition)}
}

func (s *server) getSelection(ctx context.Context, in *byID) (*answer[selectionJSON], error) {
	c, err := s.deps.Campaigns.Get(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	sel, err := s.deps.Campaigns.Selection(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	excluded, err := s.deps.Campaigns.CountExclusions(ctx, in.ID)
	return reply(sel, err, func(sel audience.Selection) selectionJSON {
		return selectionJSON{At: sel.At.UTC(), TimeZone: sel.Zone, Include: each(sel.Include, encodeFrozenSegment), Exclude: each(sel.Exclude, encodeFrozenSegment),
			ExcludeLists: each(sel.ExcludeLists, func(l audience.NamedList) namedListJSON { return namedListJSON(l) }), Cap: encodeCap(sel.Cap), Recipients: c.Recipients,
			Excluded: each(excluded, func(x audience.Excluded) excludeJSON { return excludeJSON(x) })}
	})
}

func (s *server) getWhy(ctx context.Context, in *byWho) (*answer[whyJSON], error) {
	id, err := strconv.ParseInt(in.Who, 10, 64)
	if err != nil {
		address, err := addr.Normalize(in.Who)
		if err != nil {
			return nil, errs.New(errs.NotFound, "%q is neither the id of a subscriber nor an address", in.Who)
		}
		who, err := s.deps.Audience.FindSubscriber(ctx, address.Key)
		if err != nil {
			return nil, err
		}
		id = who.ID
	}
	if id < 1 {
		return nil, errs.New(errs.NotFound, "there is no subscriber %d", id)
	}
	w, err := s.deps.Campaigns.Why(ctx, in.ID, id)
	return reply(w, err, encodeWhy)
}

func encodeWhy(w campaigns.Why) whyJSON {
	out := whyJSON{CampaignID: w.CampaignID, Started: w.Started, SubscriberID: w.SubscriberID, Email: w.Email, Place: w.Place, Reason: orNull(w.Reason), Words: w.Words}
	if w.Delivery != nil {
		state := w.Delivery.State.String()
		out.Seq, out.State = &w.Delivery.Seq, &state
	}
	if x := w.Evidence; x != nil {
		out.Evidence = &WhyEvidenceJSON{At: x.At.UTC(), Lists: each(x.Lists, encodeWhyList), ExcludedLists: each(x.ExcludedLists, encodeWhyList),
			Include: each(x.Include, encodeWhySegment), Exclude: each(x.Exclude, encodeWhySegment), Cap: encodeCap(x.Cap), Got: x.Got}
		if x.Person.Suppression != nil {
			sup := encodeSuppression(*x.Person.Suppression)
			out.Evidence.Suppression = &sup
		}
		if x.Person.Pause != nil {
			out.Evidence.PausedUntil = utc(&x.Person.Pause.Until)
		}
		if x.Person.Frequency != nil {
			out.Evidence.Frequency = &x.Person.Frequency.Limit
		}
	}
	return out
}

func encodeWhyList(c audience.Membership) whyListJSON {
	return whyListJSON{ListID: c.ListID, Name: c.Name, Status: orNull(c.Status), Source: orNull(c.Source), Since: utc(c.Since)}
}

func encodeWhySegment(t audience.SegmentTest) whySegmentJSON {
	return whySegmentJSON{ID: t.ID, Name: t.Name, Sentence: t.Sentence, Meets: t.Meets,
		Conditions: each(t.Conditions, func(c audience.ConditionTest) whyConditionJSON { return whyConditionJSON(c) })}
}

func (s *server) downloadAudience(ctx context.Context, in *byID) (*csvDownload, error) {
	if _, err := s.deps.Campaigns.Get(ctx, in.ID); err != nil {
		return nil, err
	}
	return s.csvFile(fmt.Sprintf("campaign-%d-audience", in.ID), table{
		columns: []string{"subscriber_id", "email", "place", "reason", "state", "at", "variant"},
		rows: func(write func(...any) error) error {
			return s.deps.Campaigns.EachLedgerRow(ctx, in.ID, func(r campaigns.LedgerRow) error {
				if r.Reason != "" {
					return write(r.SubscriberID, r.Email, campaigns.PlaceOut, r.Reason, "", "", "")
				}
				return write(r.SubscriberID, r.Email, campaigns.PlaceIn, "", r.State.String(), r.At, variantCell(r.Variant))
			})
		},
	}), nil
}

type missingFieldJSON struct {
	Field    string               `json:"field"`
	Count    int64                `json:"count" doc:"Of those whom it would reach now"`
	Exact    bool                 `json:"exact" doc:"false: an estimate from a sample, since counting would take too long"`
	Examples []missingExampleJSON `json:"examples" doc:"At most two"`
}

type missingExampleJSON struct {
	ID    int64  `json:"id"`
	Email string `json:"email"`
}

func (s *server) countFieldsUse(ctx context.Context, in *byID) (*answer[itemsJSON[missingFieldJSON]], error) {
	p, err := s.deps.Campaigns.FieldsUse(ctx, in.ID)
	return replyItems(p.Gaps, err, func(g audience.Gap) missingFieldJSON {
		return missingFieldJSON{g.Field, g.Missing, p.Exact, each(g.People, func(p audience.Person) missingExampleJSON { return missingExampleJSON(p) })}
	})
}
