package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"postrider/internal/pg/pgboot"
)

type benchKillCmd struct {
	Messages    int           `default:"20000" help:"Recipients of the campaign."`
	Kills       int           `default:"20" help:"How often the program is killed with SIGKILL before the campaign is over."`
	Connections int           `default:"10" help:"Connections to the sink."`
	RTT         time.Duration `name:"rtt" default:"5ms" help:"Round-trip time of the sink."`
	Postgres    bool          `help:"Kill Postgres as well, at every second kill."`
	Seed        uint64        `help:"Seed of the random moments; without it one is taken by chance, and printed." placeholder:"N"`
	JSON        bool          `name:"json" help:"Print the result as one JSON object, as the last line."`
	PGBin       string        `name:"pg-bin" env:"POSTRIDER_PG_BIN" help:"Folder of the Postgres programs." placeholder:"DIR"`
}

// killResult is what --json prints. Lost and Duplicates are counted at the sink's own ledger.
type killResult struct {
	Messages    int `json:"messages"`
	Kills       int `json:"kills"`
	Lost        int `json:"lost"`        // not at the sink, and not listed as unconfirmed
	Duplicates  int `json:"duplicates"`  // more than once at the sink
	Unconfirmed int `json:"unconfirmed"` // listed: sent perhaps
	// MaxUnconfirmedPerKill is of the process whose end left the most in doubt; it is to be no more than Connections.
	MaxUnconfirmedPerKill int     `json:"max_unconfirmed_per_kill"`
	Connections           int     `json:"connections"`
	Seconds               float64 `json:"seconds"`
	Seed                  uint64  `json:"seed"`
}

func (r killResult) err() error {
	if r.Lost > 0 || r.Duplicates > 0 || r.MaxUnconfirmedPerKill > r.Connections {
		return fmt.Errorf("lost %d, duplicates %d, at most %d unconfirmed after a kill: more than may be", r.Lost, r.Duplicates, r.MaxUnconfirmedPerKill)
	}
	return nil
}

func (c benchKillCmd) check() error {
	switch {
	case c.Messages < 100 || c.Messages > 5_000_000:
		return errors.New("--messages must be between 100 and 5,000,000")
	case c.Kills < 1 || c.Kills*50 > c.Messages:
		return errors.New("--kills must be at least 1, and at most one for every 50 messages")
	case c.Connections < 1 || c.Connections > 1000:
		return errors.New("--connections must be between 1 and 1000")
	case c.RTT < 0 || c.RTT > 5*time.Second:
		return errors.New("--rtt must be between 0 and 5s")
	}
	return nil
}

// Run kills, counts and prints. It fails when anybody was lost or mailed twice, or when more is in doubt than there are connections.
func (c benchKillCmd) Run(ctx context.Context) error {
	if err := c.check(); err != nil {
		return err
	}
	screen := &demoScreen{w: os.Stdout}
	if c.JSON {
		screen.w = os.Stderr
	}
	for c.Seed == 0 {
		c.Seed = rand.Uint64N(1 << 32)
	}
	res, err := c.measure(ctx, screen)
	if err != nil {
		return fmt.Errorf("%w (seed %d)", err, c.Seed)
	}
	c.table(screen, res)
	if c.JSON {
		if err := json.NewEncoder(os.Stdout).Encode(res); err != nil {
			return err
		}
	}
	return res.err()
}

func (c benchKillCmd) measure(ctx context.Context, screen *demoScreen) (res killResult, err error) {
	dir, remove, err := benchFolder("kill")
	if err != nil {
		return res, err
	}
	defer remove()
	r := &killRun{benchKillCmd: c, dir: dir, ledger: filepath.Join(dir, "ledger"), screen: screen, rng: rand.New(rand.NewPCG(c.Seed, 0)), began: time.Now()}
	s, err := startSinkProcess(c.RTT, r.ledger)
	if err != nil {
		return res, err
	}
	defer s.stop()
	defer r.end()
	screen.say("Starting Postgres and the service in %s, seed %d …", dir, c.Seed)
	if err := r.prepare(ctx, s.addr); err != nil {
		return res, err
	}
	for i := range c.Kills {
		if err := r.killOnce(ctx, i); err != nil {
			return res, err
		}
	}
	if err := r.finish(ctx); err != nil {
		return res, err
	}
	return r.count(ctx)
}

// killRun is one run of the benchmark.
type killRun struct {
	benchKillCmd
	dir, ledger string
	screen      *demoScreen
	rng         *rand.Rand
	began       time.Time

	program  *child
	api      *client
	campaign int64
	spawned  time.Time     // when the program was last started
	startup  time.Duration // how long a start takes, about
}

func (r *killRun) spawn() (err error) {
	r.spawned = time.Now()
	r.program, err = startChild(nil, "serve", "--listen", "127.0.0.1:0", "--data-dir", r.dir, "--inbox", "off", "--pg-bin", r.PGBin)
	return err
}

// awaitUp waits until the program answers. The session goes on: it is in the database and in the client's cookies.
func (r *killRun) awaitUp(ctx context.Context) error {
	select {
	case <-r.program.up:
	case <-r.program.done:
		return r.program.ended()
	case <-time.After(5 * time.Minute):
		return errors.New("the program does not come up:\n" + r.program.log.String())
	case <-ctx.Done():
		return ctx.Err()
	}
	if r.api == nil { // the first start, which makes the database and takes much longer than those to come
		r.api = newClient(r.program.url)
		r.startup = time.Second
	} else {
		r.startup = time.Since(r.spawned)
	}
	r.api.base = r.program.url
	return nil
}

func (r *killRun) prepare(ctx context.Context, sinkAddr string) error {
	if err := r.spawn(); err != nil {
		return err
	}
	if err := r.awaitUp(ctx); err != nil {
		return err
	}
	var err error
	r.campaign, err = prepareBench(ctx, r.api, r.screen, benchSetup{people: r.Messages, sink: sinkAddr, connections: r.Connections, dkim: "off"})
	if err != nil {
		return err
	}
	return r.api.call(ctx, http.MethodPost, fmt.Sprintf("/campaigns/%d/start", r.campaign), nil, nil)
}

// killOnce kills the program at a random moment and starts it again. Most moments are set by how much the sink has taken, spread over the campaign; one in
// four is while the program is still coming up after the kill before.
func (r *killRun) killOnce(ctx context.Context, i int) error {
	const from, to = 0.02, 0.92 // of the campaign; the rest is left, so that it is not over too soon
	at := int((from + (to-from)*(float64(i)+r.rng.Float64())/float64(r.Kills)) * float64(r.Messages))
	early, part := r.rng.IntN(4) == 0, r.rng.Float64()
	when := "while sending"
	if early && i > 0 {
		when = "while starting"
		if err := r.awaitUpFor(ctx, time.Duration(part*float64(r.startup))); err != nil {
			return err
		}
	} else if err := r.awaitSent(ctx, at, time.Duration(part*float64(20*time.Millisecond))); err != nil {
		return err
	}
	victims := []int{r.program.cmd.Process.Pid}
	if r.Postgres && i%2 == 1 {
		if pid := pgboot.Postmaster(r.databaseDir()); pid != 0 {
			victims, when = append(victims, pid), when+", and Postgres"
		}
	}
	for _, pid := range victims {
		_ = syscall.Kill(pid, syscall.SIGKILL) // an error means that it has ended by itself, which the next lines see
	}
	<-r.program.done
	if !r.program.killed() {
		return fmt.Errorf("before kill %d: %w", i+1, r.program.ended())
	}
	taken, err := r.taken()
	if err != nil {
		return err
	}
	if taken >= r.Messages {
		return fmt.Errorf("the campaign was over before kill %d: take more --messages, a longer --rtt or fewer --kills", i+1)
	}
	r.screen.say("  kill %2d at %7d of %d %s", i+1, taken, r.Messages, when)
	return r.spawn()
}

// awaitSent waits until the sink has taken n messages, and a moment longer.
func (r *killRun) awaitSent(ctx context.Context, n int, longer time.Duration) error {
	if err := r.awaitUp(ctx); err != nil {
		return err
	}
	err := pollFor(ctx, 10*time.Minute, 2*time.Millisecond, func() (bool, error) {
		taken, err := r.taken()
		return taken >= n, errors.Join(err, r.program.ended())
	})
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(longer):
		return nil
	}
}

// awaitUpFor waits for a part of a start.
func (r *killRun) awaitUpFor(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-r.program.up:
	case <-time.After(d):
	}
	return nil
}

// taken is how many messages are in the sink's ledger, whose lines are all equally long.
func (r *killRun) taken() (int, error) {
	st, err := os.Stat(r.ledger)
	if err != nil {
		return 0, fmt.Errorf("looking at the ledger: %w", err)
	}
	return int(st.Size()) / len(benchAddress(0)+"\n"), nil
}

// finish lets the campaign come to its end.
func (r *killRun) finish(ctx context.Context) error {
	if err := r.awaitUp(ctx); err != nil {
		return err
	}
	var campaign struct{ Status string }
	return pollFor(ctx, time.Hour, 100*time.Millisecond, func() (bool, error) {
		err := r.api.call(ctx, http.MethodGet, fmt.Sprintf("/campaigns/%d", r.campaign), nil, &campaign)
		return campaign.Status == "finished", errors.Join(err, r.program.ended())
	})
}

// end stops the program, and Postgres when it has outlived it, before the folder is removed.
func (r *killRun) end() {
	if r.program == nil {
		return
	}
	if err := r.program.end(syscall.SIGTERM); err != nil {
		r.screen.say("%v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := pgboot.StopLeft(ctx, r.databaseDir()); err != nil {
		r.screen.say("%v", err)
	}
}

func (r *killRun) databaseDir() string { return filepath.Join(r.dir, "postgres") }

// table says it in words.
func (c benchKillCmd) table(s *demoScreen, r killResult) {
	s.say("\n  %d messages over %d connections, killed %d times, in %.1f s", r.Messages, r.Connections, r.Kills, r.Seconds)
	s.say("  %-34s %7d   neither at the sink nor listed as unconfirmed", "lost", r.Lost)
	s.say("  %-34s %7d   at the sink more than once", "duplicates", r.Duplicates)
	s.say("  %-34s %7d   the program died between the final dot and its answer", "unconfirmed, listed by name", r.Unconfirmed)
	s.say("  %-34s %7d   no more than the %d connections", "  most after one kill", r.MaxUnconfirmedPerKill, r.Connections)
}
