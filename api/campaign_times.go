package api

import (
	"context"
	"time"

	"postrider/campaigns"
	"postrider/internal/auth"
	"postrider/internal/errs"
)

type gateJSON struct {
	Gate       int16      `json:"gate"`
	OpensAt    *time.Time `json:"opens_at" doc:"null: something else than a time opens it"`
	ExpectedAt *time.Time `json:"expected_at" doc:"When that is about, as far as it can be known"`
	OpenedAt   *time.Time `json:"opened_at" doc:"null: those behind it still wait"`
	People     int        `json:"people" doc:"Who wait, or waited, behind it"`
	Note       string     `json:"note"`
}

func encodeGate(g campaigns.Gate) gateJSON {
	return gateJSON{Gate: g.Gate, OpensAt: utc(g.OpensAt), ExpectedAt: utc(g.ExpectedAt), OpenedAt: utc(g.OpenedAt), People: g.People, Note: g.Note}
}

func (s *server) listGates(ctx context.Context, in *byID) (*answer[itemsJSON[gateJSON]], error) {
	gates, err := s.deps.Campaigns.Gates(ctx, in.ID)
	return replyItems(gates, err, encodeGate)
}

// LocalTimeJSON is when each person gets a campaign where they are.
type LocalTimeJSON struct {
	Enabled   bool   `json:"enabled" required:"false" doc:"Each person gets it when it is local_at where they are"`
	ZoneField string `json:"zone_field" required:"false" doc:"The custom field that holds an IANA time zone such as Europe/Berlin. Whoever has none that exists is in the zone of their list, else in that of the settings"`
	Late      string `json:"late,omitempty" enum:"send,skip,next_day" doc:"What becomes of people for whom that moment has passed when the campaign begins: send gives it to them at once (left out: this), next_day at the same time of the next day"`
}

func (in LocalTimeJSON) decode() campaigns.LocalTime {
	return campaigns.LocalTime{Enabled: in.Enabled, ZoneField: in.ZoneField, Late: in.Late}
}

// localLayouts are how a date and time without a zone may be written.
var localLayouts = []string{"2006-01-02T15:04", "2006-01-02T15:04:05"}

func encodeLocalAt(t *time.Time) *string {
	if t == nil {
		return nil
	}
	text := t.Format(localLayouts[1])
	return &text
}

func decodeLocalAt(text string) (*time.Time, error) {
	if text == "" {
		return nil, nil
	}
	for _, layout := range localLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return &t, nil
		}
	}
	return nil, errs.InvalidField("local_at", "%q is no date and time without a zone, such as 2026-03-02T09:00", text)
}

type startJSON struct {
	UndoSeconds int `json:"undo_seconds" required:"false" minimum:"0" maximum:"3600" doc:"A grace period, at the end of which it starts by itself: until then it can be changed or called back (unschedule). 0 or left out: at once"`
}

type startInput struct {
	ID           int64 `path:"id" minimum:"1"`
	Acknowledged bool  `query:"acknowledged" doc:"Start only when the campaign was checked as it is now, and all warnings of that check are acknowledged"`
	Body         *startJSON
}

type startedJSON struct {
	CampaignFields
	HTML           string `json:"html"`
	Text           string `json:"text"`
	AlreadyStarted bool   `json:"already_started" doc:"It had started before, or was starting: this request did nothing"`
}

type createCampaignJSON struct {
	CampaignInputJSON
	Start       bool       `json:"start" required:"false" doc:"Start it too. When it cannot start nothing is made, and the errors are those of the start"`
	UndoSeconds int        `json:"undo_seconds" required:"false" minimum:"0" maximum:"3600" doc:"With start: the grace period"`
	StartAt     *time.Time `json:"start_at" required:"false" doc:"Schedule it too"`
	LocalAt     string     `json:"local_at" required:"false" doc:"Schedule it too, for a date and time where people are"`
}

func (in createCampaignJSON) launch() (l campaigns.Launch, wanted bool, err error) {
	local, err := decodeLocalAt(in.LocalAt)
	if err != nil {
		return l, false, err
	}
	asked := 0
	for _, is := range []bool{in.Start, in.StartAt != nil, local != nil} {
		if is {
			asked++
		}
	}
	switch {
	case asked > 1:
		return l, false, errs.InvalidField("start", "give one of start, start_at and local_at")
	case !in.Start && in.UndoSeconds > 0:
		return l, false, errs.InvalidField("undo_seconds", "this is for start alone")
	}
	return campaigns.Launch{Undo: time.Duration(in.UndoSeconds) * time.Second, At: in.StartAt, LocalAt: local}, asked == 1, nil
}

func (s *server) createCampaign(ctx context.Context, in *with[createCampaignJSON]) (*answer[campaignJSON], error) {
	input, err := in.Body.input()
	if err != nil {
		return nil, err
	}
	launch, wanted, err := in.Body.launch()
	if err != nil {
		return nil, err
	}
	if !wanted {
		c, err := s.deps.Campaigns.Create(ctx, input)
		return reply(c, err, encodeCampaign)
	}
	if !caller(ctx).Has(auth.CampaignsSend) {
		return nil, errs.New(errs.Forbidden, "this API key may make campaigns and not send them: leave start, start_at and local_at out, or use a key with the scope %s", auth.CampaignsSend)
	}
	c, err := s.deps.Campaigns.CreateAndLaunch(ctx, requestOnce(ctx), input, launch)
	return reply(c, err, encodeCampaign)
}

func (s *server) startCampaign(ctx context.Context, in *startInput) (*answer[startedJSON], error) {
	if in.Acknowledged {
		if err := s.deps.Campaigns.MustBeAcknowledged(ctx, in.ID); err != nil {
			return nil, err
		}
	}
	var undo time.Duration
	if in.Body != nil {
		undo = time.Duration(in.Body.UndoSeconds) * time.Second
	}
	c, already, err := s.deps.Campaigns.StartOnce(ctx, in.ID, undo)
	return reply(c, err, func(c campaigns.Campaign) startedJSON {
		return startedJSON{CampaignFields: encodeCampaignFields(c), HTML: c.HTML, Text: c.Text, AlreadyStarted: already}
	})
}

type scheduleJSON struct {
	At      *time.Time `json:"at" required:"false" doc:"The moment; not for a campaign with a local time"`
	LocalAt string     `json:"local_at" required:"false" doc:"The date and time where people are, without a zone, such as 2026-03-02T09:00: for a campaign with a local time. It starts when the first zone of the world has that"`
}

func (s *server) scheduleCampaign(ctx context.Context, in *onID[scheduleJSON]) (*answer[campaignJSON], error) {
	local, err := decodeLocalAt(in.Body.LocalAt)
	if err != nil {
		return nil, err
	}
	var c campaigns.Campaign
	switch {
	case (in.Body.At == nil) == (local == nil):
		return nil, errs.InvalidField("at", "give either at or local_at")
	case local != nil:
		c, err = s.deps.Campaigns.ScheduleLocal(ctx, in.ID, *local)
	default:
		c, err = s.deps.Campaigns.Schedule(ctx, in.ID, *in.Body.At)
	}
	return reply(c, err, encodeCampaign)
}
