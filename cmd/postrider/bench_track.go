package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"postrider/events"
)

type benchTrackCmd struct {
	Requests    int    `default:"300000" help:"Requests of each kind: pixels, redirects, and those of the bare server."`
	Readers     int    `default:"50000" help:"Recipients of the campaign that is opened and clicked."`
	Connections int    `default:"32" help:"Connections of the loader."`
	JSON        bool   `name:"json" help:"Print the result as one JSON object, as the last line."`
	CPUProfile  string `name:"cpu-profile" help:"File for a profile of the processor time, as go tool pprof reads it." placeholder:"FILE"`
	PGBin       string `name:"pg-bin" env:"POSTRIDER_PG_BIN" help:"Folder of the Postgres programs." placeholder:"DIR"`
}

// trackResult is what --json prints. Rates are requests a second from the first request until the last event is in Postgres; the bare server has only its answers to make.
// Ratio is the slower of the two kinds over the limit.
type trackResult struct {
	PixelPerS    float64 `json:"pixel_per_s"`
	RedirectPerS float64 `json:"redirect_per_s"`
	LimitPerS    float64 `json:"limit_per_s"` // a bare handler of net/http, the same loader
	Ratio        float64 `json:"ratio"`
	P99Ms        float64 `json:"p99_ms"` // of the slower kind
	LostEvents   int64   `json:"lost_events"`
	Requests     int     `json:"requests"` // pixels and redirects
	Connections  int     `json:"connections"`
	Seconds      float64 `json:"seconds"`
	PeakRSSMB    float64 `json:"peak_rss_mb"` // of this program, loader included
}

func (c benchTrackCmd) check() error {
	switch {
	case c.Requests < trackRounds || c.Requests > 50_000_000:
		return fmt.Errorf("--requests must be between %d and 50,000,000", trackRounds)
	case c.Readers < 1 || c.Readers > 5_000_000:
		return errors.New("--readers must be between 1 and 5,000,000")
	case c.Connections < 1 || c.Connections > 1000:
		return errors.New("--connections must be between 1 and 1000")
	}
	return nil
}

// Run measures and prints. It fails when an event was lost.
func (c benchTrackCmd) Run(ctx context.Context) error {
	if err := c.check(); err != nil {
		return err
	}
	screen := &demoScreen{w: os.Stdout}
	if c.JSON {
		screen.w = os.Stderr
	}
	p, err := startSinkProcess(0, "")
	if err != nil {
		return err
	}
	defer p.stop()
	res, err := c.measure(ctx, p.addr, screen)
	if err != nil {
		return err
	}
	screen.say("\n  %-34s %10.0f /s", "pixels", res.PixelPerS)
	screen.say("  %-34s %10.0f /s", "redirects", res.RedirectPerS)
	screen.say("  %-34s %10.0f /s, of which the slower one reached %.0f %%", "bare handler of net/http", res.LimitPerS, 100*res.Ratio)
	screen.say("  %-34s %10.2f ms (99th percentile)", "longest wait", res.P99Ms)
	screen.say("  %-34s %10.1f MB", "most memory", res.PeakRSSMB)
	screen.say("  %-34s %10d of %d", "events lost", res.LostEvents, res.Requests)
	if c.JSON {
		if err := json.NewEncoder(os.Stdout).Encode(res); err != nil {
			return err
		}
	}
	if res.LostEvents != 0 {
		return fmt.Errorf("%d of %d events are not in Postgres", res.LostEvents, res.Requests)
	}
	return nil
}

func (c benchTrackCmd) measure(ctx context.Context, sink string, screen *demoScreen) (trackResult, error) {
	res := trackResult{Requests: 2 * c.Requests, Connections: c.Connections}
	dir, remove, err := benchFolder("track")
	if err != nil {
		return res, err
	}
	defer remove()
	cfg := config{DataDir: dir, PGBin: c.PGBin, Inbox: "off", Workers: 32, Signing: "auto", StopTimeout: 30 * time.Second, LogFormat: "text", LogLevel: "warn"}
	a, url, stop, err := serveBench(ctx, cfg, screen)
	if err != nil {
		return res, err
	}
	defer stop()
	id, err := c.mailing(ctx, url, sink, screen)
	if err != nil {
		return res, err
	}
	bare, err := startBare()
	if err != nil {
		return res, err
	}
	defer func() { _ = bare.Close() }()
	t := &trackRun{benchTrackCmd: c, app: a, campaign: id, real: strings.TrimPrefix(url, "http://"), bare: bare.Addr, screen: screen}
	return res, t.run(ctx, &res)
}

// mailing sends a campaign to the readers, so that there is a ledger to open and click in.
func (c benchTrackCmd) mailing(ctx context.Context, url, sink string, screen *demoScreen) (int64, error) {
	api := newClient(url)
	id, err := prepareBench(ctx, api, screen, benchSetup{people: c.Readers, sink: sink, connections: 10, dkim: "off"})
	if err != nil {
		return 0, err
	}
	if err := api.call(ctx, http.MethodPost, fmt.Sprintf("/campaigns/%d/start", id), nil, nil); err != nil {
		return 0, err
	}
	var st demoStats
	return id, pollFor(ctx, time.Hour, 100*time.Millisecond, func() (bool, error) {
		err := api.call(ctx, http.MethodGet, fmt.Sprintf("/campaigns/%d/stats", id), nil, &st)
		screen.bar("Sending", st.Recipients-st.Queued-st.Claimed, int64(c.Readers))
		return st.Sent == int64(c.Readers), err
	})
}

// startBare serves the pixel and nothing else, as little work as net/http allows.
func startBare() (*http.Server, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	body := bytes.Repeat([]byte{0}, 43)
	s := &http.Server{Addr: ln.Addr().String(), Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/gif")
		_, _ = w.Write(body)
	})}
	go func() { _ = s.Serve(ln) }() // ends with Close
	return s, nil
}

// trackRounds is how often limit, pixels and redirects take turns, so that all three see the same machine.
const trackRounds = 6

type trackRun struct {
	benchTrackCmd
	app        *app
	campaign   int64
	real, bare string // host:port
	screen     *demoScreen
	sent       int64 // requests so far that make an event
}

// kindTimes is what one kind of request took over all rounds.
type kindTimes struct {
	requests int
	took     time.Duration
	waits    []uint32 // of each request, in microseconds
}

func (k *kindTimes) rate() float64 { return float64(k.requests) / k.took.Seconds() }

func (k *kindTimes) p99() float64 {
	slices.Sort(k.waits)
	return float64(k.waits[len(k.waits)*99/100]) / 1000
}

func (t *trackRun) run(ctx context.Context, res *trackResult) error {
	var limit, pixel, redirect kindTimes
	resetMemoryPeak()
	began := time.Now()
	if t.CPUProfile != "" {
		f, err := os.Create(t.CPUProfile)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	for i := range trackRounds {
		t.screen.say("Round %d of %d …", i+1, trackRounds)
		n := t.Requests / trackRounds
		if i == 0 {
			n += t.Requests % trackRounds
		}
		if err := t.round(ctx, t.bare, n, t.pixelPath, 200, &limit); err != nil {
			return err
		}
		if err := t.counted(ctx, n, t.pixelPath, 200, &pixel); err != nil {
			return err
		}
		if err := t.counted(ctx, n, t.linkPath, 302, &redirect); err != nil {
			return err
		}
	}
	stored, err := t.stored(ctx)
	if err != nil {
		return err
	}
	res.PixelPerS, res.RedirectPerS, res.LimitPerS = round(pixel.rate(), 0), round(redirect.rate(), 0), round(limit.rate(), 0)
	slower := &pixel
	if redirect.rate() < pixel.rate() {
		slower = &redirect
	}
	res.Ratio, res.P99Ms = round(slower.rate()/limit.rate(), 3), round(slower.p99(), 2)
	res.LostEvents = t.sent - stored
	res.Seconds, res.PeakRSSMB = round(time.Since(began).Seconds(), 1), round(memoryPeak(), 1)
	return nil
}

// counted is a round whose time ends when Postgres has all its events, or has stopped taking more.
func (t *trackRun) counted(ctx context.Context, n int, path func(i int) string, status int, k *kindTimes) error {
	before := k.took
	began := time.Now()
	if err := t.round(ctx, t.real, n, path, status, k); err != nil {
		return err
	}
	t.sent += int64(n)
	if err := t.app.events.Flush(ctx); err != nil {
		return err
	}
	k.took = before + time.Since(began)
	return nil
}

func (t *trackRun) stored(ctx context.Context) (n int64, err error) {
	if err := t.app.pool.QueryRow(ctx, `SELECT count(*) FROM events WHERE campaign_id = $1`, t.campaign).Scan(&n); err != nil {
		return 0, fmt.Errorf("counting events: %w", err)
	}
	return n, nil
}

func (t *trackRun) pixelPath(i int) string {
	return "/t/o/" + t.app.tokens.Delivery(events.Open, t.campaign, t.reader(i)) + ".gif"
}

// linkPath takes one link for each reader, as people do; who clicks on several at once is a machine, and is written twice.
func (t *trackRun) linkPath(i int) string {
	seq := t.reader(i)
	return "/t/c/" + t.app.tokens.Link(t.campaign, seq, 1+int(seq)%4)
}

func (t *trackRun) reader(i int) int32 { return int32(i%t.Readers) + 1 }

// trackAgents are what some readers' programs call themselves.
var trackAgents = []string{
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
	"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Thunderbird/140.3.0",
	"Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
	"Mozilla/5.0",
}

// round sends n requests over all connections, each waiting for its answer, and adds what they took. The requests are made before the clock starts.
func (t *trackRun) round(ctx context.Context, host string, n int, path func(i int) string, status int, k *kindTimes) error {
	loads := make([]trackLoad, t.Connections)
	for i := range loads {
		l := &loads[i]
		for j := i; j < n; j += t.Connections {
			l.ends = append(l.ends, len(l.requests))
			l.requests = fmt.Appendf(l.requests, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\nAccept: image/*,*/*;q=0.8\r\nAccept-Encoding: gzip\r\n\r\n", path(k.requests+j), host, trackAgents[j%len(trackAgents)])
		}
		l.ends = append(l.ends, len(l.requests))
		l.waits = make([]uint32, 0, len(l.ends))
	}
	want := []byte(fmt.Sprintf("HTTP/1.1 %d ", status))
	var all errgroup.Group
	began := time.Now()
	for i := range loads {
		all.Go(func() error { return loads[i].send(ctx, host, want) })
	}
	if err := all.Wait(); err != nil {
		return err
	}
	k.took += time.Since(began)
	k.requests += n
	for _, l := range loads {
		k.waits = append(k.waits, l.waits...)
	}
	return nil
}

// trackLoad is the work of one connection.
type trackLoad struct {
	requests []byte // one after the other
	ends     []int  // request i is requests[ends[i]:ends[i+1]]
	waits    []uint32
}

// send makes its requests over one connection that is kept alive.
func (l *trackLoad) send(ctx context.Context, host string, status []byte) error {
	nc, err := (&net.Dialer{}).DialContext(ctx, "tcp", host)
	if err != nil {
		return err
	}
	defer func() { _ = nc.Close() }()
	r := bufio.NewReaderSize(nc, 4<<10)
	for i := range len(l.ends) - 1 {
		began := time.Now()
		if _, err := nc.Write(l.requests[l.ends[i]:l.ends[i+1]]); err != nil {
			return err
		}
		if err := readAnswer(r, status); err != nil {
			return err
		}
		l.waits = append(l.waits, uint32(min(time.Since(began).Microseconds(), 1<<31)))
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

var contentLength = []byte("Content-Length: ")

// readAnswer reads one answer with a Content-Length.
func readAnswer(r *bufio.Reader, status []byte) error {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(line, status) {
		return fmt.Errorf("the server answered %q instead of %q", line, status)
	}
	length := -1
	for {
		if line, err = r.ReadSlice('\n'); err != nil {
			return err
		}
		if len(line) <= 2 {
			break
		}
		if rest, ok := bytes.CutPrefix(line, contentLength); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(rest))); err != nil {
				return fmt.Errorf("the server answered with a Content-Length of %q", rest)
			}
		}
	}
	if length < 0 {
		return errors.New("the server answered without a Content-Length")
	}
	_, err = r.Discard(length)
	return err
}
