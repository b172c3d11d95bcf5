package api

import (
	"context"
	"fmt"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"postrider/sender"
)

type warmupJSON struct {
	Start   string `json:"start" format:"date" doc:"The first day"`
	First   int    `json:"first" doc:"Messages in any 24 hours on that day"`
	Percent int    `json:"percent" doc:"How many more each day, in per cent"`
	Zone    string `json:"zone" required:"false" doc:"IANA time zone in which a day begins; empty: UTC"`
}

type windowJSON struct {
	Days  []int  `json:"days" doc:"1 = Monday to 7 = Sunday"`
	From  string `json:"from" doc:"Time of day such as 08:00"`
	Until string `json:"until" doc:"Time of day; before from: over midnight"`
	Zone  string `json:"zone" required:"false" doc:"IANA time zone; empty: UTC"`
}

// TransformSchema says in the OpenAPI document that a warm-up can be null, wherever there is one.
func (warmupJSON) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return nullableType(s)
}

// TransformSchema says in the OpenAPI document that a window can be null, wherever there is one.
func (windowJSON) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return nullableType(s)
}

type paceJSON struct {
	Connections int       `json:"connections" doc:"As many are used at the moment, over all processes"`
	RestUntil   time.Time `json:"rest_until" doc:"Nothing is sent before"`
	Reason      string    `json:"reason"`
	Reply       string    `json:"reply" doc:"The server's words"`
	ChangedAt   time.Time `json:"changed_at"`
}

type holdupJSON struct {
	Code     string     `json:"code" enum:"paused,blocked,outside_window,resting,day_used_up,hour_used_up,not_yet,stopped" doc:"paused: somebody has to resume the relay. blocked: the provider takes nothing more of the account. outside_window: of the sending window of the relay, or of the domain where domain_id is set. resting: the server asked for less. day_used_up: the share of 24 hours of the relay (or of its warm-up), or of the domain's warm-up where domain_id is set. hour_used_up: the relay's share of 60 minutes. not_yet: all that is left of the campaign waits for its time. stopped: all sending is, until somebody resumes it"`
	Reason   string     `json:"reason" doc:"The same in words, with the server's own where it spoke"`
	Until    *time.Time `json:"until" doc:"null: until a person does something"`
	RelayID  *int64     `json:"relay_id" doc:"The relay whose state, limits, window or warm-up it is; null: it is not a relay's"`
	DomainID *int64     `json:"domain_id" doc:"The sending domain whose window or warm-up it is; null: it is not a domain's"`
}

type relayPaceJSON struct {
	Hour      int              `json:"used_hour" doc:"Messages in the last hour; counted for relays with a limit for the hour or the day"`
	Day       int              `json:"used_day" doc:"Messages in the last 24 hours; counted for relays with a limit for the hour or the day"`
	WarmupCap *int             `json:"warmup_cap" doc:"What the warm-up allows in 24 hours today; null: no warm-up"`
	HeldUp    *holdupJSON      `json:"held_up" doc:"Why nothing is sent at the moment; null: something may be"`
	Changes   []paceChangeJSON `json:"changes" doc:"The latest changes of pace, newest first"`
}

// TransformSchema says in the OpenAPI document that held_up can be null.
func (relayPaceJSON) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return nullable(s, "held_up")
}

type paceChangeJSON struct {
	At          time.Time  `json:"at"`
	Change      string     `json:"change" enum:"slower,faster,full_speed,blocked,unblocked,paused,resumed"`
	Connections *int       `json:"connections"`
	Until       *time.Time `json:"until"`
	Reason      string     `json:"reason"`
	Reply       string     `json:"reply"`
}

func encodeWarmup(w *sender.Warmup) *warmupJSON {
	if w == nil {
		return nil
	}
	return &warmupJSON{Start: w.Start.Format(time.DateOnly), First: w.First, Percent: w.Percent, Zone: w.Zone}
}

// decode leaves a date that is none at zero, which the sender refuses with the field's name.
func (w *warmupJSON) decode() *sender.Warmup {
	if w == nil {
		return nil
	}
	start, _ := time.Parse(time.DateOnly, w.Start)
	return &sender.Warmup{Start: start, First: w.First, Percent: w.Percent, Zone: w.Zone}
}

func encodeWindow(w *sender.Window) *windowJSON {
	if w == nil {
		return nil
	}
	return &windowJSON{Days: w.Days, From: clockText(w.From), Until: clockText(w.Until), Zone: w.Zone}
}

func clockText(d time.Duration) string {
	return fmt.Sprintf("%02d:%02d", int(d.Hours()), int(d.Minutes())%60)
}

// decode leaves a time of day that is none at -1, which the sender refuses with the field's name.
func (w *windowJSON) decode() *sender.Window {
	if w == nil {
		return nil
	}
	return &sender.Window{Days: w.Days, From: clockOf(w.From), Until: clockOf(w.Until), Zone: w.Zone}
}

func clockOf(s string) time.Duration {
	if s == "24:00" {
		return 24 * time.Hour
	}
	t, err := time.Parse("15:04", s)
	if err != nil {
		return -1
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
}

func encodePace(p *sender.Pace) *paceJSON {
	if p == nil {
		return nil
	}
	return &paceJSON{Connections: p.Connections, RestUntil: p.RestUntil.UTC(), Reason: p.Reason, Reply: p.Reply, ChangedAt: p.ChangedAt.UTC()}
}

func encodeHoldup(h *sender.Holdup) *holdupJSON {
	if h == nil {
		return nil
	}
	out := &holdupJSON{Code: string(h.Code), Reason: h.Reason, RelayID: nullID(h.RelayID), DomainID: nullID(h.DomainID)}
	if !h.Until.IsZero() {
		out.Until = utc(&h.Until)
	}
	return out
}

func (s *server) getRelayPace(ctx context.Context, in *byID) (*answer[relayPaceJSON], error) {
	st, err := s.deps.Sender.RelayState(ctx, in.ID)
	return reply(st, err, func(st sender.RelayState) relayPaceJSON {
		return relayPaceJSON{
			Hour: st.Usage.Hour, Day: st.Usage.Day, WarmupCap: st.WarmupCap, HeldUp: encodeHoldup(st.Holdup),
			Changes: each(st.Changes, func(c sender.PaceChange) paceChangeJSON {
				return paceChangeJSON{At: c.At.UTC(), Change: c.Change, Connections: c.Connections, Until: utc(c.Until), Reason: c.Reason, Reply: c.Reply}
			}),
		}
	})
}
