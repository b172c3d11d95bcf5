package api

import (
	"context"
	"time"

	"postrider/audience"
	"postrider/campaigns"
	"postrider/internal/errs"
	"postrider/templates"
)

// CampaignFields are what lists and single campaigns have in common.
type CampaignFields struct {
	ID                  int64         `json:"id"`
	Purpose             string        `json:"purpose" enum:"mailing,messages" doc:"messages: a stream of messages that programs send to single people"`
	Name                string        `json:"name"`
	Status              string        `json:"status" enum:"draft,scheduled,running,paused,cancelled,finished,open" doc:"open is that of a stream of messages, which is in no list of campaigns"`
	PauseReason         *string       `json:"pause_reason"`
	Subject             string        `json:"subject"`
	Preheader           string        `json:"preheader"`
	FromName            string        `json:"from_name"`
	FromEmail           string        `json:"from_email"`
	ReplyTo             string        `json:"reply_to"`
	Kind                string        `json:"kind" enum:"html,mjml,markdown,text" doc:"The language of html"`
	LayoutID            *int64        `json:"layout_id"`
	InlineCSS           bool          `json:"inline_css"`
	TemplateID          *int64        `json:"template_id"`
	RelayID             *int64        `json:"relay_id" doc:"The first of relay_ids"`
	RelayIDs            []int64       `json:"relay_ids" doc:"The relays that share the mail by their weights, or take over from one another"`
	ListIDs             []int64       `json:"list_ids"`
	SegmentIDs          []int64       `json:"segment_ids" doc:"Of the people on the lists it goes to those in any of these segments; empty: to all"`
	ExcludeSegmentIDs   []int64       `json:"exclude_segment_ids"`
	ExcludeListIDs      []int64       `json:"exclude_list_ids" doc:"Whoever is subscribed to one of these does not get it"`
	IgnoreFrequencyCap  bool          `json:"ignore_frequency_cap" doc:"It is sent whatever else people got lately; only for mail that must not be missed"`
	TrackOpens          bool          `json:"track_opens"`
	TrackClicks         bool          `json:"track_clicks"`
	UnconfirmedPolicy   string        `json:"unconfirmed_policy" enum:"hold,resend,assume_delivered"`
	ExpiresAfterHours   int           `json:"expires_after_hours"`
	MaxBouncePercent    *float64      `json:"max_bounce_percent" doc:"null is what the settings say"`
	MaxComplaintPercent *float64      `json:"max_complaint_percent" doc:"null is what the settings say"`
	Window              *windowJSON   `json:"window" doc:"When its mail may go out; null: at all times"`
	LocalTime           LocalTimeJSON `json:"local_time"`
	ABTest              *ABTestJSON   `json:"ab_test" doc:"null: no A/B test"`
	LocalAt             *string       `json:"local_at" doc:"The date and time where people are for which it is scheduled, without a zone; null without a local time"`
	ZonesInvalid        int           `json:"zones_invalid" doc:"Recipients whose field holds a time zone that does not exist: they are in that of their list or the settings"`
	ZonesMissing        int           `json:"zones_missing" doc:"Recipients whose field holds none: likewise"`
	Issue               *IssueRefJSON `json:"issue" doc:"The issue of a newsletter that it is, and which starts it; null: none"`
	ParentID            *int64        `json:"parent_id" doc:"The campaign of which this is another run; null: it is the first"`
	RunNo               int           `json:"run_no" doc:"1: the first"`
	RerunTo             []string      `json:"rerun_to" doc:"Whom of the first run's ledger it is for; empty: it is the first"`
	ScheduledAt         *time.Time    `json:"scheduled_at" doc:"When it starts by itself; with a local time, when the first zone of the world has that"`
	UndoableUntil       *time.Time    `json:"undoable_until" doc:"It was started with a grace period, and starts at its end: until then it can be called back (unschedule). null: it is not starting"`
	StartedAt           *time.Time    `json:"started_at"`
	FinishedAt          *time.Time    `json:"finished_at"`
	Recipients          int           `json:"recipients" doc:"0 until the start"`
	Excluded            int           `json:"excluded"`
	Freezing            bool          `json:"freezing" doc:"The campaign has just started, and a large audience is still being written into its ledger: recipients and excluded grow until this is false"`
	CreatedAt           time.Time     `json:"created_at"`
	UpdatedAt           time.Time     `json:"updated_at"`
}

// IssueRefJSON is the issue of a newsletter that a campaign is.
type IssueRefJSON struct {
	ID           int64  `json:"id"`
	NewsletterID int64  `json:"newsletter_id"`
	Newsletter   string `json:"newsletter" doc:"Its name"`
}

type campaignJSON struct {
	CampaignFields
	HTML string `json:"html"`
	Text string `json:"text"`
}

type campaignSummaryJSON struct {
	CampaignFields
	Stats statsJSON `json:"stats"`
}

// CampaignInputJSON is what a person decides about a campaign.
type CampaignInputJSON struct {
	Name                string           `json:"name"`
	Subject             string           `json:"subject" required:"false"`
	Preheader           string           `json:"preheader" required:"false"`
	FromName            string           `json:"from_name" required:"false"`
	FromEmail           string           `json:"from_email" required:"false"`
	ReplyTo             string           `json:"reply_to" required:"false"`
	Kind                string           `json:"kind" required:"false" enum:"html,mjml,markdown,text" doc:"Left out: html"`
	LayoutID            *int64           `json:"layout_id" required:"false"`
	InlineCSS           *bool            `json:"inline_css" required:"false" doc:"Stylesheets become style attributes. Left out: true"`
	HTML                string           `json:"html" required:"false" doc:"The body, in the language of kind with Liquid in it; empty for text"`
	Text                string           `json:"text" required:"false" doc:"Liquid source; left out: made from the HTML"`
	TemplateID          *int64           `json:"template_id" required:"false"`
	RelayID             *int64           `json:"relay_id" required:"false" doc:"The same as relay_ids with one relay; where both are given, it must be the first of them"`
	RelayIDs            []int64          `json:"relay_ids" required:"false" doc:"Several relays share the mail by their weights, and take over from one another"`
	ListIDs             []int64          `json:"list_ids" required:"false"`
	SegmentIDs          []int64          `json:"segment_ids" required:"false"`
	ExcludeSegmentIDs   []int64          `json:"exclude_segment_ids" required:"false"`
	ExcludeListIDs      []int64          `json:"exclude_list_ids" required:"false"`
	IgnoreFrequencyCap  bool             `json:"ignore_frequency_cap" required:"false"`
	TrackOpens          *bool            `json:"track_opens" required:"false" doc:"Left out: true"`
	TrackClicks         *bool            `json:"track_clicks" required:"false" doc:"Left out: true"`
	UnconfirmedPolicy   string           `json:"unconfirmed_policy" required:"false" enum:"hold,resend,assume_delivered" doc:"Left out: hold"`
	ExpiresAfterHours   int              `json:"expires_after_hours" required:"false" doc:"Left out: 72"`
	MaxBouncePercent    *float64         `json:"max_bounce_percent" required:"false" doc:"Bounces, in percent of what was tried, above which it stops and asks; 100 never stops. Left out or null: what the settings say"`
	Window              *windowJSON      `json:"window" required:"false" doc:"When its mail may go out; left out or null: at all times"`
	LocalTime           LocalTimeJSON    `json:"local_time" required:"false" doc:"Left out: everybody gets it at the same moment"`
	ABTest              *ABTestInputJSON `json:"ab_test" required:"false" doc:"A test of several variants; left out or null: none"`
	MaxComplaintPercent *float64         `json:"max_complaint_percent" required:"false" doc:"Complaints, in percent of what was sent, above which it stops and asks; 100 never stops. Left out or null: what the settings say"`
}

type testSendJSON struct {
	To           []string `json:"to" minItems:"1" maxItems:"5"`
	SubscriberID int64    `json:"subscriber_id,omitempty" doc:"Whose data the message shows; left out: somebody from the lists"`
	RelayID      int64    `json:"relay_id,omitempty" minimum:"1" doc:"One of the campaign's relays; left out: for each address the one that the campaign would take"`
	Variant      int      `json:"variant,omitempty" minimum:"1" maximum:"5" doc:"Of an A/B test; left out: the first"`
}

type testResultsJSON struct {
	Results []testResultJSON `json:"results"`
}

type testResultJSON struct {
	To        string `json:"to"`
	RelayID   int64  `json:"relay_id" doc:"The relay through which it went"`
	RelayName string `json:"relay_name"`
	OK        bool   `json:"ok"`
	Reply     string `json:"reply"`
	Code      *int   `json:"code" doc:"null when the server said nothing"`
}

type audienceJSON struct {
	Subscribed int64         `json:"subscribed"`
	Mailable   int64         `json:"mailable"`
	Exact      bool          `json:"exact" doc:"false when counting would have taken too long: the figures are then estimates from a sample"`
	Excluded   []excludeJSON `json:"excluded"`
}

type excludeJSON struct {
	Reason string `json:"reason" enum:"suppressed,unsubscribed,unconfirmed,paused,frequency,excluded_list,not_in_segment,excluded_segment,frequency_cap"`
	Count  int64  `json:"count"`
}

type campaignQuery struct {
	Paging
	Status string `query:"status" enum:"draft,scheduled,running,paused,cancelled,finished"`
}

func encodeCampaignFields(c campaigns.Campaign) CampaignFields {
	if c.ListIDs == nil {
		c.ListIDs = []int64{}
	}
	var first *int64
	if len(c.RelayIDs) > 0 {
		first = &c.RelayIDs[0]
	}
	return CampaignFields{
		ID: c.ID, Purpose: c.Purpose, Name: c.Name, Status: string(c.Status), PauseReason: c.PauseReason, Subject: c.Subject, Preheader: c.Preheader, FromName: c.FromName,
		FromEmail: c.FromEmail, ReplyTo: c.ReplyTo, Kind: string(c.Kind), LayoutID: c.LayoutID, InlineCSS: !c.KeepCSS, TemplateID: c.TemplateID, RelayID: first, RelayIDs: c.RelayIDs, ListIDs: c.ListIDs, TrackOpens: c.TrackOpens,
		SegmentIDs: c.SegmentIDs, ExcludeSegmentIDs: c.ExcludeSegmentIDs, ExcludeListIDs: c.ExcludeListIDs, IgnoreFrequencyCap: c.IgnoreFrequencyCap,
		TrackClicks: c.TrackClicks, UnconfirmedPolicy: c.UnconfirmedPolicy, ExpiresAfterHours: c.ExpiresAfterHours,
		MaxBouncePercent: c.MaxBouncePercent, MaxComplaintPercent: c.MaxComplaintPercent, ScheduledAt: utc(c.ScheduledAt),
		Window: encodeWindow(c.Window), LocalTime: LocalTimeJSON(c.LocalTime), ABTest: encodeABTest(c), LocalAt: encodeLocalAt(c.LocalAt), ZonesInvalid: c.ZonesInvalid, ZonesMissing: c.ZonesMissing,
		UndoableUntil: utc(c.UndoableUntil()), Issue: (*IssueRefJSON)(c.Issue), ParentID: c.ParentID, RunNo: c.RunNo, RerunTo: append([]string{}, c.RerunTo...),
		StartedAt: utc(c.StartedAt), FinishedAt: utc(c.FinishedAt), Recipients: c.Recipients, Excluded: c.Excluded, Freezing: c.Freezing, CreatedAt: c.CreatedAt.UTC(),
		UpdatedAt: c.UpdatedAt.UTC(),
	}
}

func encodeCampaign(c campaigns.Campaign) campaignJSON {
	return campaignJSON{CampaignFields: encodeCampaignFields(c), HTML: c.HTML, Text: c.Text}
}

func encodeSummary(v campaigns.WithStats) campaignSummaryJSON {
	return campaignSummaryJSON{CampaignFields: encodeCampaignFields(v.Campaign), Stats: encodeStats(v.Stats)}
}

// relays gives the relays that are named, one way or the other.
func (in CampaignInputJSON) relays() ([]int64, error) {
	switch {
	case in.RelayID == nil:
		return in.RelayIDs, nil
	case len(in.RelayIDs) == 0:
		return []int64{*in.RelayID}, nil
	case in.RelayIDs[0] != *in.RelayID:
		return nil, errs.InvalidField("relay_id", "must be the first of relay_ids; leave one of the two out")
	}
	return in.RelayIDs, nil
}

func (in CampaignInputJSON) input() (campaigns.Input, error) {
	relays, err := in.relays()
	return campaigns.Input{
		Name: in.Name, Subject: in.Subject, Preheader: in.Preheader, FromName: in.FromName, FromEmail: in.FromEmail, ReplyTo: in.ReplyTo, Kind: templates.Kind(in.Kind), LayoutID: in.LayoutID, KeepCSS: !orTrue(in.InlineCSS), HTML: in.HTML,
		Text: in.Text, TemplateID: in.TemplateID, RelayIDs: relays, ListIDs: in.ListIDs, TrackOpens: orTrue(in.TrackOpens),
		SegmentIDs: in.SegmentIDs, ExcludeSegmentIDs: in.ExcludeSegmentIDs, ExcludeListIDs: in.ExcludeListIDs, IgnoreFrequencyCap: in.IgnoreFrequencyCap,
		TrackClicks: orTrue(in.TrackClicks), UnconfirmedPolicy: in.UnconfirmedPolicy, ExpiresAfterHours: in.ExpiresAfterHours,
		MaxBouncePercent: in.MaxBouncePercent, MaxComplaintPercent: in.MaxComplaintPercent, Window: in.Window.decode(), LocalTime: in.LocalTime.decode(), ABTest: in.ABTest.decode(),
	}, err
}

func orTrue(v *bool) bool { return v == nil || *v }

func encodeAudience(v audience.AudienceCounts) audienceJSON {
	out := audienceJSON{Subscribed: v.Subscribed, Mailable: v.Mailable, Exact: v.Exact, Excluded: []excludeJSON{}}
	for _, x := range v.Excluded {
		out.Excluded = append(out.Excluded, excludeJSON{Reason: x.Reason, Count: x.Count})
	}
	return out
}

func encodeTestResults(results []campaigns.TestResult) testResultsJSON {
	return testResultsJSON{Results: each(results, func(r campaigns.TestResult) testResultJSON {
		out := testResultJSON{To: r.To, RelayID: r.RelayID, RelayName: r.RelayName, OK: r.OK, Reply: r.Reply}
		if r.Code != 0 {
			out.Code = &r.Code
		}
		return out
	})}
}

func (s *server) listCampaigns(ctx context.Context, in *campaignQuery) (*answer[pageJSON[campaignSummaryJSON]], error) {
	p, err := s.deps.Campaigns.List(ctx, campaigns.Status(in.Status), in.query())
	return replyPage(p, err, encodeSummary)
}

func (s *server) getCampaign(ctx context.Context, in *byID) (*answer[campaignJSON], error) {
	c, err := s.deps.Campaigns.Get(ctx, in.ID)
	return reply(c, err, encodeCampaign)
}

func (s *server) updateCampaign(ctx context.Context, in *onID[CampaignInputJSON]) (*answer[campaignJSON], error) {
	input, err := in.Body.input()
	if err != nil {
		return nil, err
	}
	c, err := s.deps.Campaigns.Update(ctx, in.ID, input)
	return reply(c, err, encodeCampaign)
}

func (s *server) deleteCampaign(ctx context.Context, in *byID) (*nothing, error) {
	return done(s.deps.Campaigns.Delete(ctx, in.ID))
}

func (s *server) countAudience(ctx context.Context, in *byID) (*answer[audienceJSON], error) {
	counts, err := s.deps.Campaigns.CountAudience(ctx, in.ID)
	return reply(counts, err, encodeAudience)
}

func (s *server) unscheduleCampaign(ctx context.Context, in *byID) (*answer[campaignJSON], error) {
	c, err := s.deps.Campaigns.Unschedule(ctx, in.ID)
	return reply(c, err, encodeCampaign)
}

func (s *server) pauseCampaign(ctx context.Context, in *byID) (*answer[campaignJSON], error) {
	c, err := s.deps.Campaigns.Pause(ctx, in.ID, "")
	return reply(c, err, encodeCampaign)
}

func (s *server) resumeCampaign(ctx context.Context, in *byID) (*answer[campaignJSON], error) {
	c, err := s.deps.Campaigns.Resume(ctx, in.ID)
	return reply(c, err, encodeCampaign)
}

func (s *server) cancelCampaign(ctx context.Context, in *byID) (*answer[campaignJSON], error) {
	c, err := s.deps.Campaigns.Cancel(ctx, in.ID)
	return reply(c, err, encodeCampaign)
}

func (s *server) testCampaign(ctx context.Context, in *onID[testSendJSON]) (*answer[testResultsJSON], error) {
	results, err := s.deps.Campaigns.SendTest(ctx, in.ID, campaigns.TestSend(in.Body))
	return reply(results, err, encodeTestResults)
}
