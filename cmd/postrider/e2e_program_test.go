package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"postrider/internal/pg/pgboot"
	"postrider/sender/smtptest"
)

// runAsProgram makes the test binary behave as postrider itself, so that the tests start and kill the real program.
const runAsProgram = "POSTRIDER_TEST_RUN"

func TestMain(m *testing.M) {
	if os.Getenv(runAsProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// scratch is a data folder that the private Postgres's user can reach.
func scratch(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "postrider-e2e-")
	must(t, err)
	must(t, os.Chmod(dir, 0o711))
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// testKey is the secret key of all programs of a test.
const testKey = "dGVzdHRlc3R0ZXN0dGVzdHRlc3R0ZXN0dGVzdHRlc3Q="

// run is a campaign that the tests send through the real program to an SMTP server with its own ledger.
type run struct {
	t           *testing.T
	dir         string
	databaseURL string // "" is a private Postgres
	people      int
	connections int
	ledger      string
	server      *smtptest.Server
	api         *client
	campaign    int64
}

func newRun(t *testing.T, people, connections int) *run {
	t.Helper()
	r := &run{t: t, dir: scratch(t), people: people, connections: connections, ledger: filepath.Join(t.TempDir(), "ledger")}
	r.server = smtptest.Start(t, smtptest.WithLedger(r.ledger), smtptest.WithDiscardRaw(), smtptest.WithLatency(10*time.Millisecond))
	return r
}

// postgres starts a database that is not the program's own.
func (r *run) postgres() *pgboot.Server {
	r.t.Helper()
	db, err := pgboot.Start(r.t.Context(), pgboot.Config{DataDir: filepath.Join(r.dir, "database")})
	must(r.t, err)
	r.t.Cleanup(func() { _ = db.Stop(context.Background()) })
	r.databaseURL = db.URL()
	return db
}

// program runs serve or worker and waits until it is up.
func (r *run) program(command string, args ...string) *child {
	r.t.Helper()
	args = append([]string{command, "--inbox", "off", "--data-dir", filepath.Join(r.dir, command)}, args...)
	must(r.t, os.MkdirAll(filepath.Join(r.dir, command), 0o711))
	if command == "serve" {
		args = append(args, "--listen", "127.0.0.1:0")
	}
	c, err := startChild([]string{runAsProgram + "=1", "DATABASE_URL=" + r.databaseURL, "POSTRIDER_SECRET_KEY=" + testKey}, args...)
	must(r.t, err)
	r.t.Cleanup(func() {
		_ = c.cmd.Process.Kill()
		<-c.done
		_ = pgboot.StopLeft(context.Background(), filepath.Join(r.dir, command, "postgres")) // before the folder is removed
	})
	select {
	case <-c.up:
	case <-c.done:
		r.t.Fatal(c.ended())
	case <-time.After(2 * time.Minute):
		r.t.Fatalf("the program did not come up:\n%s", &c.log)
	}
	if command == "serve" {
		if r.api == nil {
			r.api = newClient(c.url)
		}
		r.api.base = c.url // the session goes on
	}
	return c
}

// start prepares the campaign, starts it, and waits until a share of it has arrived.
func (r *run) start(share float64) {
	r.t.Helper()
	r.prepare()
	r.startOnly()
	wait, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	must(r.t, r.server.Wait(wait, int(share*float64(r.people))))
}

func (r *run) startOnly() {
	r.t.Helper()
	must(r.t, r.api.call(r.t.Context(), http.MethodPost, fmt.Sprintf("/campaigns/%d/start", r.campaign), nil, nil))
}

func (r *run) prepare() {
	r.t.Helper()
	var err error
	addr := fmt.Sprintf("%s:%d", r.server.Host(), r.server.Port())
	r.campaign, err = prepareBench(r.t.Context(), r.api, &demoScreen{w: io.Discard}, benchSetup{people: r.people, sink: addr, connections: r.connections, dkim: "off"})
	must(r.t, err)
}

// underWay makes sure that the fault has come in the middle.
func (r *run) underWay() {
	r.t.Helper()
	n := len(r.server.Counts())
	if n >= r.people {
		r.t.Fatal("the campaign was over before anything happened: this run shows nothing")
	}
	r.t.Logf("after %d of %d", n, r.people)
}

func (r *run) pauseReason() string {
	var campaign struct {
		PauseReason *string `json:"pause_reason"`
	}
	must(r.t, r.api.call(r.t.Context(), http.MethodGet, fmt.Sprintf("/campaigns/%d", r.campaign), nil, &campaign))
	if campaign.PauseReason == nil {
		return ""
	}
	return *campaign.PauseReason
}

func (r *run) await(ok func() bool) {
	r.t.Helper()
	must(r.t, pollFor(r.t.Context(), time.Minute, 20*time.Millisecond, func() (bool, error) { return ok(), nil }))
}

func (r *run) unconfirmed() []string {
	r.t.Helper()
	listed, err := unconfirmed(r.t.Context(), r.api, r.campaign)
	must(r.t, err)
	return listed
}

// judge waits for the end of the campaign, stops the program, and counts. It gives how many are in doubt.
func (r *run) judge(p *child) (doubt int) {
	r.t.Helper()
	var campaign struct{ Status string }
	r.await(func() bool {
		// After a fault of the database the first requests may still find broken connections.
		_ = r.api.call(r.t.Context(), http.MethodGet, fmt.Sprintf("/campaigns/%d", r.campaign), nil, &campaign)
		return campaign.Status == "finished"
	})
	var st demoStats
	must(r.t, r.api.call(r.t.Context(), http.MethodGet, fmt.Sprintf("/campaigns/%d/stats", r.campaign), nil, &st))
	listed := r.unconfirmed()
	must(r.t, p.end(syscall.SIGTERM))
	counts, err := smtptest.ReadLedger(r.ledger)
	must(r.t, err)
	lost, duplicates := judgeLedger(counts, r.people, listed)
	r.t.Logf("lost %d, duplicates %d, unconfirmed %d, connections %d", lost, duplicates, len(listed), r.connections)
	if lost != 0 || duplicates != 0 {
		r.t.Errorf("lost %d, duplicates %d", lost, duplicates)
	}
	if int(st.Unconfirmed) != len(listed) || int(st.Sent)+len(listed) != r.people {
		r.t.Errorf("sent %d, unconfirmed %d, of which %d are listed: these are not %d people", st.Sent, st.Unconfirmed, len(listed), r.people)
	}
	return len(listed)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
