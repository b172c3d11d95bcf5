package main

import (
	"io"
	"testing"

	"postrider/sender/sink"
)

func TestBenchSendGoesTheRealWay(t *testing.T) {
	t.Parallel()
	s, err := sink.Start(sink.Config{})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	c := benchSendCmd{Messages: 300, Connections: 3, Sign: "rsa2048", Signing: "auto", Sink: s.Addr()}
	must(t, c.check())
	res, err := c.measure(t.Context(), s.Addr(), &demoScreen{w: io.Discard})
	must(t, err)
	if res.Failed != 0 || res.Unconfirmed != 0 || s.Accepted() < 300 {
		t.Errorf("%+v, the sink took %d", res, s.Accepted())
	}
	for name, figure := range map[string]float64{
		"seconds": res.Seconds, "msgs_per_s": res.MsgsPerS, "limit_msgs_per_s": res.LimitMsgsPerS, "ratio": res.Ratio, "rsa_per_s_limit": res.RSAPerSLimit,
		"cpu_us_per_msg": res.CPUUsPerMsg, "start_to_first_s": res.StartSeconds, "message_bytes": float64(res.MessageBytes),
	} {
		if figure <= 0 {
			t.Errorf("%s is %v", name, figure)
		}
	}
	if res.MessageBytes < 4000 || res.MessageBytes > 10_000 {
		t.Errorf("a message has %d bytes; it is to be one of about 6 KB", res.MessageBytes)
	}
}

func TestBenchSendRefusesWhatMakesNoSense(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]benchSendCmd{
		"no messages":          {Messages: 0, Connections: 1},
		"too many connections": {Messages: 1, Connections: 5000},
		"negative round trip":  {Messages: 1, Connections: 1, RTT: -1},
		"sink of the world":    {Messages: 1, Connections: 1, Sink: "192.0.2.1:25"},
		"sink with a name":     {Messages: 1, Connections: 1, Sink: "localhost:25"},
		"nobody there":         {Messages: 1, Connections: 1, Sink: "127.0.0.1:1"},
		"round trip elsewhere": {Messages: 1, Connections: 1, Sink: "127.0.0.1:1", RTT: 1},
	} {
		if c.check() == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestBenchAudienceGoesThroughEveryCaseTwice(t *testing.T) {
	t.Parallel()
	c := benchAudienceCmd{People: 10_000, Requests: 10, Clients: 2}
	must(t, c.check())
	res, err := c.measure(t.Context(), &demoScreen{w: io.Discard})
	must(t, err)
	if len(res.Phases) != 2 || len(res.Phases[0].Cases) < 30 || len(res.Phases[0].Cases) != len(res.Phases[1].Cases) {
		t.Fatalf("%d phases", len(res.Phases))
	}
	for _, p := range res.Phases {
		for _, k := range p.Cases {
			if k.P50Ms <= 0 || k.P99Ms < k.P50Ms || k.MaxMs < k.P99Ms || k.Requests != 10 {
				t.Errorf("%s: %+v", p.Name, k)
			}
		}
	}
	for name, c := range map[string]benchAudienceCmd{
		"few people": {People: 10, Requests: 10, Clients: 1}, "no requests": {People: 10_000, Clients: 1}, "no clients": {People: 10_000, Requests: 10},
	} {
		if c.check() == nil {
			t.Errorf("%s are accepted", name)
		}
	}
}
