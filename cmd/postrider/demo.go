package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"postrider/events"
)

type demoCmd struct {
	Once   bool   `help:"End after the closing table."`
	JSON   bool   `name:"json" help:"Print the result as one JSON object, as the last line."`
	People int    `default:"1000" help:"Rows in the sample list."`
	Listen string `default:"127.0.0.1:8080" help:"Address of API and interface; another port is taken when this one is in use."`
	PGBin  string `name:"pg-bin" env:"POSTRIDER_PG_BIN" help:"Folder of the Postgres programs." placeholder:"DIR"`
}

const (
	demoEmail    = "demo@example.org"
	demoPassword = "postrider-demo"
)

// demoResult is what --json prints. imported + rejected are the rows of the file; sent + deferred + bounced + unconfirmed the recipients.
type demoResult struct {
	Imported     int64   `json:"imported"`
	Rejected     int64   `json:"rejected"`
	Recipients   int64   `json:"recipients"`
	Excluded     int64   `json:"excluded"`
	Sent         int64   `json:"sent"`
	Deferred     int64   `json:"deferred"`
	Bounced      int64   `json:"bounced"`
	Unconfirmed  int64   `json:"unconfirmed"`
	Opens        int64   `json:"opens"`
	Clicks       int64   `json:"clicks"`
	Unsubscribes int64   `json:"unsubscribes"`
	Duplicates   int64   `json:"duplicates"`
	DKIMVerified int64   `json:"dkim_verified"`
	Seconds      float64 `json:"seconds"`
}

// Run does everything that a new user would do, through the public API, and says what came of it.
func (c demoCmd) Run(ctx context.Context) error {
	began := time.Now()
	dir, err := os.MkdirTemp("", "postrider-demo-")
	if err != nil {
		return fmt.Errorf("making a scratch folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if os.Geteuid() == 0 {
		// The private Postgres runs as another user and must be able to pass through.
		if err := os.Chmod(dir, 0o711); err != nil {
			return err
		}
	}
	out := &demoScreen{w: os.Stdout}
	if c.JSON {
		out.w = os.Stderr
	}
	out.say("Starting Postgres, the service and the built-in inbox in %s …", dir)
	cfg := config{HookPrivate: true, FetchPriv: true, DataDir: dir, PGBin: c.PGBin, Inbox: "127.0.0.1:0", Workers: 32, StopTimeout: 30 * time.Second, LogFormat: "text", LogLevel: "warn",
		Windows: events.Windows{Instant: 1, Early: 1, Proxy: 1}} // the readers are on this machine and do not sleep
	a, err := startApp(ctx, cfg, cfg.logger())
	if err != nil {
		return err
	}
	defer a.stop()
	s, err := a.listen(httpConfig{Listen: c.address()})
	if err != nil {
		return err
	}
	stopped := make(chan error, 1)
	waitCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { stopped <- s.wait(waitCtx, a) }()

	d := &demo{app: a, api: newClient(s.url), people: c.People, screen: out}
	if err := d.play(ctx); err != nil {
		return errors.Join(err, end(cancel, stopped))
	}
	d.result.Seconds = time.Since(began).Round(time.Millisecond).Seconds()
	out.table(d.result, int64(c.People))
	if c.JSON {
		if err := json.NewEncoder(os.Stdout).Encode(d.result); err != nil {
			return err
		}
	}
	if c.Once {
		return end(cancel, stopped)
	}
	out.say("\nLook around:  %s\nSign in with: %s / %s\nNothing leaves this machine: all mail is caught by the built-in inbox. Stop with Ctrl-C; the scratch folder is removed.",
		s.url, demoEmail, demoPassword)
	return <-stopped
}

func end(cancel context.CancelFunc, stopped <-chan error) error {
	cancel()
	return <-stopped
}

// address gives the wanted address, or any free port when it is taken or nobody will look.
func (c demoCmd) address() string {
	if c.Once {
		return "127.0.0.1:0"
	}
	ln, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return "127.0.0.1:0"
	}
	_ = ln.Close()
	return c.Listen
}

// demoScreen writes what the demo tells its user.
type demoScreen struct {
	w    io.Writer
	last int
}

func (s *demoScreen) say(format string, args ...any) { fmt.Fprintf(s.w, format+"\n", args...) }

// bar draws progress in place on a terminal, and every tenth of the way elsewhere.
func (s *demoScreen) bar(label string, done, total int64) {
	if total <= 0 {
		return
	}
	const width = 30
	filled := int(done * width / total)
	line := fmt.Sprintf("%-10s [%s%s] %d of %d", label, strings.Repeat("█", filled), strings.Repeat("·", width-filled), done, total)
	if f, ok := s.w.(*os.File); ok && isTerminal(f) {
		fmt.Fprintf(s.w, "\r%s", line)
		if done == total {
			fmt.Fprintln(s.w)
		}
		return
	}
	if tenth := int(done * 10 / total); tenth != s.last || done == total {
		s.last = tenth
		fmt.Fprintln(s.w, line)
	}
}

func isTerminal(f *os.File) bool {
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}

func (s *demoScreen) table(r demoResult, rows int64) {
	s.say("")
	for _, line := range []struct {
		name, note string
		n          int64
	}{
		{"rows in the file", "", rows},
		{"  imported", "", r.Imported},
		{"  rejected", "broken on purpose; each with its row and reason", r.Rejected},
		{"excluded", "suppressed or unsubscribed before the start", r.Excluded},
		{"recipients", "", r.Recipients},
		{"  sent", "the inbox said 250", r.Sent},
		{"  bounced", "refused for good (550): suppressed from now on", r.Bounced},
		{"  deferred", "refused for now (451): tried again later", r.Deferred},
		{"  unconfirmed", "", r.Unconfirmed},
		{"opens", "", r.Opens},
		{"clicks", "", r.Clicks},
		{"unsubscribes", "one click, RFC 8058", r.Unsubscribes},
		{"duplicates", "counted in the inbox", r.Duplicates},
		{"DKIM verified", "from the captured bytes with the published key", r.DKIMVerified},
	} {
		s.say("  %-18s %7d   %s", line.name, line.n, line.note)
	}
	s.say("  %-18s %7.1f   seconds in all", "took", r.Seconds)
}
