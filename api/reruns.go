package api

import (
	"context"
	"time"

	"postrider/campaigns"
	"postrider/internal/errs"
)

type rerunInputJSON struct {
	To          []string   `json:"to" minItems:"1" maxItems:"4" enum:"not_opened,deferred,failed,unconfirmed" doc:"not_opened: got it, are tracked, and no human of them opened or clicked it in any run. deferred: refused for the time being until it was given up or cancelled. failed: could not be sent. unconfirmed: may have got it"`
	Subject     *string    `json:"subject" required:"false" doc:"Left out: that of the first run"`
	Start       bool       `json:"start" required:"false" doc:"Start it too; left out: it is a draft"`
	UndoSeconds int        `json:"undo_seconds" required:"false" minimum:"0" maximum:"3600" doc:"With start: the grace period"`
	StartAt     *time.Time `json:"start_at" required:"false" doc:"Schedule it too"`
}

type rerunCountInputJSON struct {
	To []string `json:"to" minItems:"1" maxItems:"4" enum:"not_opened,deferred,failed,unconfirmed"`
}

type rerunCountJSON struct {
	People int64 `json:"people" doc:"Before consent and suppressions are asked"`
}

type runsJSON struct {
	Items      []campaignSummaryJSON `json:"items" doc:"The first run first"`
	Recipients int64                 `json:"recipients" doc:"Of the first run, of whom all others are a part"`
	Reached    int64                 `json:"reached" doc:"People who got it in any run, each once"`
	Opened     int64                 `json:"opened" doc:"People who opened it as humans in any run"`
	Clicked    int64                 `json:"clicked"`
}

func encodeRuns(r campaigns.Runs) runsJSON {
	return runsJSON{Items: each(r.Runs, encodeSummary), Recipients: r.Recipients, Reached: r.Reached, Opened: r.Opened, Clicked: r.Clicked}
}

func (in rerunInputJSON) launch() (*campaigns.Launch, error) {
	switch {
	case in.Start && in.StartAt != nil:
		return nil, errs.InvalidField("start", "give either start or start_at")
	case !in.Start && in.UndoSeconds > 0:
		return nil, errs.InvalidField("undo_seconds", "this is for start alone")
	case !in.Start && in.StartAt == nil:
		return nil, nil
	}
	return &campaigns.Launch{Undo: time.Duration(in.UndoSeconds) * time.Second, At: in.StartAt}, nil
}

func (s *server) listRuns(ctx context.Context, in *byID) (*answer[runsJSON], error) {
	runs, err := s.deps.Campaigns.Runs(ctx, in.ID)
	return reply(runs, err, encodeRuns)
}

func (s *server) createRun(ctx context.Context, in *onID[rerunInputJSON]) (*answer[campaignJSON], error) {
	launch, err := in.Body.launch()
	if err != nil {
		return nil, err
	}
	c, err := s.deps.Campaigns.CreateRun(ctx, requestOnce(ctx), in.ID, campaigns.Rerun{To: in.Body.To, Subject: in.Body.Subject}, launch)
	return reply(c, err, encodeCampaign)
}

func (s *server) countRun(ctx context.Context, in *onID[rerunCountInputJSON]) (*answer[rerunCountJSON], error) {
	n, err := s.deps.Campaigns.CountRerun(ctx, in.ID, in.Body.To)
	return reply(n, err, func(n int64) rerunCountJSON { return rerunCountJSON{People: n} })
}
