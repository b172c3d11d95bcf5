package api

import (
	"context"
	"time"

	"postrider/audience"
	"postrider/internal/page"
	"postrider/sender"
)

type overviewJSON struct {
	Subscribers int64                  `json:"subscribers" doc:"May be an estimate when there are many"`
	Lists       int64                  `json:"lists"`
	Sent24h     int64                  `json:"sent_24h"`
	Bounced24h  int64                  `json:"bounced_24h"`
	Last30Days  monthJSON              `json:"last_30_days"`
	Running     []campaignProgressJSON `json:"running"`
	Recent      []campaignProgressJSON `json:"recent"`
	SentByDay   daysJSON               `json:"sent_by_day" doc:"The last 30 days"`
	Checklist   checklistJSON          `json:"checklist"`
	Sending     SendingJSON            `json:"sending"`
}

// monthJSON is the last 30 days, today included.
type monthJSON struct {
	Sent       int64 `json:"sent" doc:"Messages that relays took"`
	Bounced    int64 `json:"bounced" doc:"Refused at once or come back later, whenever they were sent"`
	Complaints int64 `json:"complaints" doc:"Messages that were reported as spam, whenever they were sent"`
}

type daysJSON struct {
	Times   []int64    `json:"times" doc:"Unix seconds: the start of each day"`
	Sent    []int64    `json:"sent"`
	Bounced []int64    `json:"bounced"`
	Opens   seriesJSON `json:"opens"`
	Clicks  seriesJSON `json:"clicks"`
}

type checklistJSON struct {
	Relay    bool `json:"relay"`
	Domain   bool `json:"domain"`
	List     bool `json:"list"`
	Campaign bool `json:"campaign"`
}

type systemJSON struct {
	Version         string     `json:"version"`
	UptimeSeconds   int64      `json:"uptime_seconds"`
	Database        string     `json:"database" enum:"private,external"`
	PostgresVersion string     `json:"postgres_version"`
	Nodes           []nodeJSON `json:"nodes"`
	Inbox           bool       `json:"inbox"`
}

type nodeJSON struct {
	ID        string    `json:"id"`
	Host      string    `json:"host"`
	StartedAt time.Time `json:"started_at"`
	SeenAt    time.Time `json:"seen_at"`
}

func (s *server) getOverview(ctx context.Context, _ *nothing) (*answer[overviewJSON], error) {
	o, err := s.deps.Campaigns.Overview(ctx)
	if err != nil {
		return nil, err
	}
	days := encodeTimeline(o.ByDay)
	out := overviewJSON{
		Sent24h: o.Sent24h, Bounced24h: o.Bounced24h, Last30Days: monthJSON{Sent: o.Sent30d, Bounced: o.Bounced30d, Complaints: o.Complaints30d}, Running: each(o.Running, encodeProgress), Recent: each(o.Recent, encodeProgress),
		SentByDay: daysJSON{Times: days.Times, Sent: days.Sent, Bounced: days.Bounced, Opens: days.Opens, Clicks: days.Clicks}, Checklist: checklistJSON{Campaign: o.HasCampaign},
	}
	if err := s.countForOverview(ctx, &out); err != nil {
		return nil, err
	}
	return &answer[overviewJSON]{Body: out}, nil
}

// countForOverview adds what other parts than campaigns know.
func (s *server) countForOverview(ctx context.Context, out *overviewJSON) error {
	people, err := s.deps.Audience.ListSubscribers(ctx, audience.SubscriberFilter{}, page.Query{Limit: 1})
	if err != nil {
		return err
	}
	lists, err := s.deps.Audience.ListLists(ctx, page.Query{Limit: 1})
	if err != nil {
		return err
	}
	relays, err := s.deps.Sender.ListRelays(ctx)
	if err != nil {
		return err
	}
	domains, err := s.deps.Sender.ListDomains(ctx)
	if err != nil {
		return err
	}
	stop, err := s.deps.Sender.LastStop(ctx)
	if err != nil {
		return err
	}
	out.Sending = encodeStop(stop)
	out.Subscribers, out.Lists = total(people), total(lists)
	out.Checklist.Relay, out.Checklist.Domain, out.Checklist.List = len(relays) > 0, len(domains) > 0, out.Lists > 0
	return nil
}

func total[T any](p page.Page[T]) int64 {
	if p.Total == nil {
		return int64(len(p.Items))
	}
	return *p.Total
}

func (s *server) getSystem(ctx context.Context, _ *nothing) (*answer[systemJSON], error) {
	var sys System
	if s.cfg.System != nil {
		var err error
		if sys, err = s.cfg.System(ctx); err != nil {
			return nil, err
		}
	}
	out := systemJSON{
		Version: s.cfg.Version, Database: "external", PostgresVersion: sys.PostgresVersion, Inbox: s.cfg.InboxAddr() != "",
		Nodes: each(sys.Nodes, func(n sender.NodeInfo) nodeJSON {
			return nodeJSON{ID: n.ID, Host: n.Host, StartedAt: n.StartedAt.UTC(), SeenAt: n.SeenAt.UTC()}
		}),
	}
	if sys.PrivateDatabase {
		out.Database = "private"
	}
	if !sys.Started.IsZero() {
		out.UptimeSeconds = int64(s.now().Sub(sys.Started).Seconds())
	}
	return &answer[systemJSON]{Body: out}, nil
}
