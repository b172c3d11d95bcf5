package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"runtime/pprof"
	"time"

	"postrider/sender/sink"
)

type benchSendCmd struct {
	Messages    int           `default:"100000" help:"Recipients of the campaign."`
	Connections int           `default:"20" help:"Connections to the sink."`
	Sign        string        `enum:"none,rsa2048" default:"rsa2048" help:"none or rsa2048."`
	Sink        string        `help:"Address of a sink on this machine, such as Postfix's smtp-sink; without it a sink of our own is started." placeholder:"HOST:PORT"`
	RTT         time.Duration `name:"rtt" help:"Round-trip time of our own sink."`
	Signing     string        `enum:"auto,go" default:"auto" help:"What makes the RSA signatures: auto (OpenSSL where the system has it) or go."`
	JSON        bool          `name:"json" help:"Print the result as one JSON object, as the last line."`
	CPUProfile  string        `name:"cpu-profile" help:"File for a profile of the processor time, as go tool pprof reads it." placeholder:"FILE"`
	PGBin       string        `name:"pg-bin" env:"POSTRIDER_PG_BIN" help:"Folder of the Postgres programs." placeholder:"DIR"`
}

// benchResult is what --json prints. Ratio is msgs_per_s over limit_msgs_per_s.
type benchResult struct {
	Messages      int64   `json:"messages"`
	Seconds       float64 `json:"seconds"` // from the first message on the wire to the last result in the ledger
	MsgsPerS      float64 `json:"msgs_per_s"`
	LimitMsgsPerS float64 `json:"limit_msgs_per_s"` // a bare loop of ready-made messages into the same sink
	Ratio         float64 `json:"ratio"`
	RSAPerSLimit  float64 `json:"rsa_per_s_limit"` // bare signatures on all processors
	CPUUsPerMsg   float64 `json:"cpu_us_per_msg"`  // processor time of this program, without Postgres and sink
	DatabaseUs    float64 `json:"postgres_cpu_us_per_msg"`
	PeakRSSMB     float64 `json:"peak_rss_mb"` // of this program, from Start on
	StartSeconds  float64 `json:"start_to_first_s"`
	Connections   int     `json:"connections"`
	Sign          string  `json:"sign"`
	Signer        string  `json:"signer,omitempty"` // what makes the signatures
	MessageBytes  int     `json:"message_bytes"`    // of one message on the wire
	Unconfirmed   int64   `json:"unconfirmed"`
	Failed        int64   `json:"failed"`
}

func (c benchSendCmd) check() error {
	switch {
	case c.Messages < 1 || c.Messages > 5_000_000:
		return errors.New("--messages must be between 1 and 5,000,000")
	case c.Connections < 1 || c.Connections > 1000:
		return errors.New("--connections must be between 1 and 1000")
	case c.RTT < 0 || c.RTT > 5*time.Second:
		return errors.New("--rtt must be between 0 and 5s")
	case c.Sink != "" && c.RTT != 0:
		return errors.New("--rtt belongs to our own sink; another one has its own options for that")
	case c.Sink == "":
		return nil
	}
	if err := sink.CheckLoopback(c.Sink); err != nil {
		return err
	}
	nc, err := net.DialTimeout("tcp", c.Sink, 5*time.Second)
	if err != nil {
		return fmt.Errorf("there is no sink at %s: %w; start one (smtp-sink -c %s 1000) or leave --sink out", c.Sink, err, c.Sink)
	}
	return nc.Close()
}

// Run measures and prints.
func (c benchSendCmd) Run(ctx context.Context) error {
	if err := c.check(); err != nil {
		return err
	}
	screen := &demoScreen{w: os.Stdout}
	if c.JSON {
		screen.w = os.Stderr
	}
	addr := c.Sink
	if addr == "" {
		p, err := startSinkProcess(c.RTT, "")
		if err != nil {
			return err
		}
		defer p.stop()
		addr = p.addr
	}
	res, err := c.measure(ctx, addr, screen)
	if err != nil {
		return err
	}
	c.table(screen, res)
	if c.JSON {
		return json.NewEncoder(os.Stdout).Encode(res)
	}
	return nil
}

func (c benchSendCmd) measure(ctx context.Context, addr string, screen *demoScreen) (benchResult, error) {
	res := benchResult{Messages: int64(c.Messages), Connections: c.Connections, Sign: c.Sign}
	dir, remove, err := benchFolder("send")
	if err != nil {
		return res, err
	}
	defer remove()
	cfg := config{DataDir: dir, PGBin: c.PGBin, Inbox: "off", Workers: 32, Signing: c.Signing, StopTimeout: 30 * time.Second, LogFormat: "text", LogLevel: "warn"}
	screen.say("Starting Postgres and the service in %s …", dir)
	a, err := startApp(ctx, cfg, cfg.logger())
	if err != nil {
		return res, err
	}
	defer a.stop()
	s, err := a.listen(httpConfig{Listen: "127.0.0.1:0"})
	if err != nil {
		return res, err
	}
	waitCtx, cancel := context.WithCancel(ctx)
	stopped := make(chan error, 1)
	go func() { stopped <- s.wait(waitCtx, a) }()
	defer func() { cancel(); <-stopped }()

	setup := benchSetup{people: c.Messages, sink: addr, connections: c.Connections, dkim: "off"}
	if c.Sign == "rsa2048" {
		setup.dkim = "sign"
	}
	id, err := prepareBench(ctx, newClient(s.url), screen, setup)
	if err != nil {
		return res, err
	}
	api := newClient(s.url)
	if err := api.call(ctx, http.MethodPost, "/session", object{"email": benchEmail, "password": benchPassword}, nil); err != nil {
		return res, err
	}
	return res, errors.Join(c.campaign(ctx, a, api, id, screen, &res), c.limits(ctx, a, id, addr, screen, &res))
}

// campaign sends it and takes the times from the ledger.
func (c benchSendCmd) campaign(ctx context.Context, a *app, api *client, id int64, screen *demoScreen, res *benchResult) error {
	debug.FreeOSMemory()
	resetMemoryPeak()
	if c.CPUProfile != "" {
		f, err := os.Create(c.CPUProfile)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	postgres := databaseTime(a.dir)
	used, began := processorTime(), time.Now()
	if err := api.call(ctx, http.MethodPost, fmt.Sprintf("/campaigns/%d/start", id), nil, nil); err != nil {
		return err
	}
	var st demoStats
	err := pollFor(ctx, time.Hour, 250*time.Millisecond, func() (bool, error) {
		err := api.call(ctx, http.MethodGet, fmt.Sprintf("/campaigns/%d/stats", id), nil, &st)
		screen.bar("Sending", st.Recipients-st.Queued-st.Claimed, int64(c.Messages))
		return st.Recipients == int64(c.Messages) && st.Queued+st.Claimed == 0, err
	})
	if err != nil {
		return err
	}
	res.PeakRSSMB = round(memoryPeak(), 1)
	var first, last time.Time
	err = a.pool.QueryRow(ctx, `SELECT min(first_tried_at), max(updated_at) FROM deliveries WHERE campaign_id = $1`, id).Scan(&first, &last)
	if err != nil {
		return fmt.Errorf("reading the ledger: %w", err)
	}
	res.Seconds = round(last.Sub(first).Seconds(), 3)
	res.MsgsPerS = round(float64(st.Sent)/last.Sub(first).Seconds(), 0)
	res.StartSeconds = round(first.Sub(began).Seconds(), 3)
	res.CPUUsPerMsg = round(float64((processorTime()-used).Microseconds())/float64(c.Messages), 1)
	res.DatabaseUs = round(float64((databaseTime(a.dir)-postgres).Microseconds())/float64(c.Messages), 1)
	res.Unconfirmed, res.Failed = st.Unconfirmed, st.Recipients-st.Sent-st.Unconfirmed
	return nil
}

// table says it in words.
func (c benchSendCmd) table(s *demoScreen, r benchResult) {
	s.say("\n  %d messages of %d bytes over %d connections, signed: %s", r.Messages, r.MessageBytes, r.Connections, r.Sign)
	s.say("  %-34s %10.0f msg/s (%.1f s)", "campaign, ledger and tracking on", r.MsgsPerS, r.Seconds)
	s.say("  %-34s %10.0f msg/s, of which the campaign reached %.0f %%", "bare loop into the same sink", r.LimitMsgsPerS, 100*r.Ratio)
	s.say("  %-34s %10.0f /s   (%s)", "bare RSA-2048 signatures", r.RSAPerSLimit, r.Signer)
	s.say("  %-34s %10.1f µs, and %.1f µs of Postgres", "processor time a message", r.CPUUsPerMsg, r.DatabaseUs)
	s.say("  %-34s %10.1f MB", "most memory", r.PeakRSSMB)
	s.say("  %-34s %10.2f s", "from Start to the first message", r.StartSeconds)
	if r.Unconfirmed+r.Failed > 0 {
		s.say("  NOT sent: %d unconfirmed, %d otherwise", r.Unconfirmed, r.Failed)
	}
}

func round(v float64, digits int) float64 {
	f := math.Pow10(digits)
	return math.Round(v*f) / f
}
