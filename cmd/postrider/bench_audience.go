package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"postrider/audience"
	"postrider/internal/page"
)

type benchAudienceCmd struct {
	People      int    `default:"1000000" help:"People in the database. They are on five lists: all, a fifth, a twentieth, a hundredth, and one in ten thousand of them."`
	Requests    int    `default:"200" help:"Requests of each case."`
	Clients     int    `default:"2" help:"Clients at the same time, each waiting for its answer."`
	JSON        bool   `name:"json" help:"Print the result as one JSON object, as the last line."`
	DatabaseURL string `name:"database-url" help:"Measure in a database of its own on this server, which is made and dropped, instead of a private Postgres." placeholder:"postgres://…"`
	PGBin       string `name:"pg-bin" env:"POSTRIDER_PG_BIN" help:"Folder of the Postgres programs." placeholder:"DIR"`
}

// audienceLimitMs is what 99 of 100 requests have to stay under.
const audienceLimitMs = 200

// audienceResult is what --json prints. Each phase goes through all cases: "imported" right after the people came, with a tenth of them not yet in the
// search index, "settled" when that is done too.
type audienceResult struct {
	People  int             `json:"people"`
	Clients int             `json:"clients"`
	LimitMs float64         `json:"limit_ms"`
	LoadS   float64         `json:"load_s"`
	IndexS  float64         `json:"index_s"` // for the tenth of the people that was not in the search index
	Phases  []audiencePhase `json:"phases"`
	Pass    bool            `json:"pass"`
}

type audiencePhase struct {
	Name  string         `json:"name"`
	Cases []audienceCase `json:"cases"`
}

// audienceCase is what one kind of request took. Ways are the indexes and tables through which Postgres went for it.
type audienceCase struct {
	Name     string   `json:"name"`
	Path     string   `json:"path"`
	Requests int      `json:"requests"`
	P50Ms    float64  `json:"p50_ms"`
	P99Ms    float64  `json:"p99_ms"`
	MaxMs    float64  `json:"max_ms"`
	Ways     []string `json:"ways,omitempty"`
	// Estimates are counts of a segment that would have taken too long to be exact; with any the case does not pass.
	Estimates int64 `json:"estimates,omitempty"`
	Pass      bool  `json:"pass"`
}

// audienceAsk is a case: the path of request i, and what it asks of people, when it does, to explain it.
type audienceAsk struct {
	name    string
	path    func(i int) string
	people  *audience.SubscriberFilter
	page    page.Query
	segment string // the definition that is counted
}

func (c benchAudienceCmd) check() error {
	switch {
	case c.People < 10_000 || c.People > 20_000_000:
		return errors.New("--people must be between 10,000 and 20,000,000")
	case c.Requests < 10 || c.Requests > 1_000_000:
		return errors.New("--requests must be between 10 and 1,000,000")
	case c.Clients < 1 || c.Clients > 100:
		return errors.New("--clients must be between 1 and 100")
	}
	return nil
}

// Run measures and prints. It fails when a case takes too long.
func (c benchAudienceCmd) Run(ctx context.Context) error {
	if err := c.check(); err != nil {
		return err
	}
	screen := &demoScreen{w: os.Stdout}
	if c.JSON {
		screen.w = os.Stderr
	}
	res, err := c.measure(ctx, screen)
	if err != nil {
		return err
	}
	if c.JSON {
		if err := json.NewEncoder(os.Stdout).Encode(res); err != nil {
			return err
		}
	}
	if !res.Pass {
		return fmt.Errorf("not every case stays under %d ms", audienceLimitMs)
	}
	return nil
}

func (c benchAudienceCmd) measure(ctx context.Context, screen *demoScreen) (res audienceResult, err error) {
	res = audienceResult{People: c.People, Clients: c.Clients, LimitMs: audienceLimitMs, Pass: true}
	dir, remove, err := benchFolder("audience")
	if err != nil {
		return res, err
	}
	defer remove()
	cfg := config{DataDir: dir, PGBin: c.PGBin, Inbox: "off", Workers: 4, Signing: "go", StopTimeout: 30 * time.Second, LogFormat: "text", LogLevel: "warn"}
	if c.DatabaseURL != "" {
		var drop func()
		if cfg.DatabaseURL, drop, err = scratchDatabase(ctx, c.DatabaseURL); err != nil {
			return res, err
		}
		defer drop()
	}
	a, url, stop, err := serveBench(ctx, cfg, screen)
	if err != nil {
		return res, err
	}
	defer stop()
	r := &audienceRun{benchAudienceCmd: c, app: a, url: url, screen: screen}
	return res, r.run(ctx, &res)
}

// scratchDatabase makes a database on somebody's server and gives its address.
func scratchDatabase(ctx context.Context, server string) (address string, drop func(), err error) {
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return "", nil, fmt.Errorf("connecting to the server of --database-url: %w", err)
	}
	u, err := url.Parse(server)
	if err != nil || u.Scheme == "" {
		return "", nil, errors.Join(errors.New("--database-url is to be a URL like postgres://user@host/database"), conn.Close(ctx))
	}
	name := fmt.Sprintf("postrider_bench_%d", time.Now().UnixNano())
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+name+" TEMPLATE template0"); err != nil {
		return "", nil, errors.Join(fmt.Errorf("making a database to measure in: %w", err), conn.Close(ctx))
	}
	u.Path = "/" + name
	return u.String(), func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_, _ = conn.Exec(ctx, "DROP DATABASE "+name+" WITH (FORCE)")
		_ = conn.Close(ctx)
	}, nil
}

type audienceRun struct {
	benchAudienceCmd
	app    *app
	url    string
	api    *client
	screen *demoScreen
}

func (r *audienceRun) run(ctx context.Context, res *audienceResult) error {
	r.api = newClient(r.url)
	err := r.api.call(ctx, http.MethodPost, "/setup", object{"organization": "The Library Garden", "name": "Bench", "email": benchEmail, "password": benchPassword}, nil)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := loadAudience(ctx, r.app.pool, r.People, r.screen); err != nil {
		return err
	}
	res.LoadS = round(time.Since(began).Seconds(), 1)
	if err := r.phase(ctx, "imported", res); err != nil {
		return err
	}
	r.screen.say("\nThe rest of the people comes into the search index …")
	began = time.Now()
	if err := r.app.audience.Tidy(ctx); err != nil { // queues the job, as nobody did
		return err
	}
	err = pollFor(ctx, 10*time.Minute, 100*time.Millisecond, func() (done bool, err error) {
		err = r.app.pool.QueryRow(ctx, `SELECT NOT EXISTS (SELECT FROM subscriber_search_backlog)`).Scan(&done)
		return done, err
	})
	if err != nil {
		return err
	}
	res.IndexS = round(time.Since(began).Seconds(), 1)
	if _, err := r.app.pool.Exec(ctx, `VACUUM ANALYZE`); err != nil {
		return err
	}
	return r.phase(ctx, "settled", res)
}

// phase measures all cases.
func (r *audienceRun) phase(ctx context.Context, name string, res *audienceResult) error {
	asks, err := r.asks(ctx)
	if err != nil {
		return err
	}
	r.screen.say("\n%-42s %9s %9s %9s", name, "p50 ms", "p99 ms", "most ms")
	p := audiencePhase{Name: name}
	for _, ask := range asks {
		c, err := r.ask(ctx, ask)
		if err != nil {
			return fmt.Errorf("%s: %w", ask.name, err)
		}
		verdict := ""
		if !c.Pass {
			verdict, res.Pass = "  TOO SLOW", false
		}
		r.screen.say("  %-40s %9.1f %9.1f %9.1f%s  %s", c.Name, c.P50Ms, c.P99Ms, c.MaxMs, verdict, strings.Join(c.Ways, ", "))
		p.Cases = append(p.Cases, c)
	}
	res.Phases = append(res.Phases, p)
	return nil
}

// ask makes the requests of a case.
func (r *audienceRun) ask(ctx context.Context, a audienceAsk) (audienceCase, error) {
	c := audienceCase{Name: a.name, Path: a.path(0), Requests: r.Requests}
	var (
		all   errgroup.Group
		next  atomic.Int64
		about atomic.Int64
		waits = make([]float64, r.Requests)
	)
	for range r.Clients {
		all.Go(func() error {
			for i := int(next.Add(1)) - 1; i < r.Requests; i = int(next.Add(1)) - 1 {
				began := time.Now()
				exact, err := r.request(ctx, a, i)
				if err != nil {
					return err
				}
				if !exact {
					about.Add(1)
				}
				waits[i] = float64(time.Since(began).Microseconds()) / 1000
			}
			return nil
		})
	}
	if err := all.Wait(); err != nil {
		return c, err
	}
	slices.Sort(waits)
	c.P50Ms, c.P99Ms, c.MaxMs = round(waits[len(waits)/2], 1), round(waits[(len(waits)-1)*99/100], 1), round(waits[len(waits)-1], 1)
	c.Estimates = about.Load()
	c.Pass = c.P99Ms < audienceLimitMs && c.Estimates == 0
	var err error
	switch {
	case a.people != nil:
		c.Ways, err = r.app.audience.ExplainSubscribers(ctx, *a.people, a.page)
	case a.segment != "":
		c.Ways, err = r.app.audience.ExplainSegment(ctx, []byte(a.segment))
	}
	return c, err
}

// request makes the request number i of a case, and says whether a segment was counted exactly.
func (r *audienceRun) request(ctx context.Context, a audienceAsk, i int) (exact bool, err error) {
	if a.segment == "" {
		return true, r.api.call(ctx, http.MethodGet, a.path(i), nil, nil)
	}
	var n struct{ Exact bool }
	err = r.api.call(ctx, http.MethodPost, a.path(i), object{"definition": json.RawMessage(a.segment)}, &n)
	return n.Exact, err
}

// asks are the cases. To add one of another kind: fixed, with its name and path.
func (r *audienceRun) asks(ctx context.Context) ([]audienceAsk, error) {
	var last struct {
		Prev string `json:"prev_cursor"`
	}
	if err := r.api.call(ctx, http.MethodGet, "/subscribers?last=true", nil, &last); err != nil {
		return nil, err
	}
	const every, fifth, oldest, few = 1, 2, 3, 5 // ids of lists
	type f = audience.SubscriberFilter
	return []audienceAsk{
		people("everybody, first page", f{}, page.Query{}),
		people("everybody, last page", f{}, page.Query{Last: true}),
		people("everybody, page before the last", f{}, page.Query{Before: last.Prev}),
		people("list of all", f{ListID: every}, page.Query{}),
		people("list of all, last page", f{ListID: every}, page.Query{Last: true}),
		people("list of a fifth", f{ListID: fifth}, page.Query{}),
		people("list of a hundred", f{ListID: few}, page.Query{}),
		people("list of all, subscribed", f{ListID: every, Status: audience.StatusSubscribed}, page.Query{}),
		people("list of all, unsubscribed", f{ListID: every, Status: audience.StatusUnsubscribed}, page.Query{}),
		people("list of all, suppressed", f{ListID: every, Status: audience.StatusSuppressed}, page.Query{}),
		people("unsubscribed from any list", f{Status: audience.StatusUnsubscribed}, page.Query{}),
		people("suppressed", f{Status: audience.StatusSuppressed}, page.Query{}),
		people("search: gmail", f{Search: "gmail"}, page.Query{}),
		people("search: gmail, last page", f{Search: "gmail"}, page.Query{Last: true}),
		r.rare(),
		people("search: ivanov4", f{Search: "ivanov4"}, page.Query{}),
		people("search: two letters nobody has", f{Search: "zq"}, page.Query{}),
		people("search: the oldest people's domain", f{Search: "founders.example"}, page.Query{}),
		people("field: city of a fifth", f{Field: "city", Value: benchCities[0]}, page.Query{}),
		people("field: city of few", f{Field: "city", Value: benchCities[len(benchCities)-1]}, page.Query{}),
		people("field: one day", f{Search: "member_since:2020-02-29"}, page.Query{}),
		people("gmail of a city on a list", f{Search: "gmail city:" + benchCities[0], ListID: fifth}, page.Query{}),
		people("gmail, unsubscribed", f{Search: "gmail", Status: audience.StatusUnsubscribed}, page.Query{}),
		people("gmail on the list of the oldest", f{Search: "gmail", ListID: oldest}, page.Query{}),
		counted("segment: city of few", fmt.Sprintf(`{"all": [{"type": "field", "field": "city", "op": "is", "value": %q}]}`, benchCities[len(benchCities)-1])),
		counted("segment: city of few on a list", fmt.Sprintf(`{"all": [{"type": "field", "field": "city", "op": "is", "value": %q}, {"type": "list", "op": "is", "list_id": %d, "status": "subscribed"}]}`,
			benchCities[len(benchCities)-1], fifth)),
		counted("segment: city of a fifth", fmt.Sprintf(`{"all": [{"type": "field", "field": "city", "op": "is", "value": %q}]}`, benchCities[0])),
		fixed("one person", func(i int) string { return fmt.Sprintf("/subscribers/%d", 1+mix(i)%uint64(r.People)) }),
		fixed("lists with counts", func(int) string { return "/lists" }),
		fixed("one list", func(int) string { return "/lists/1" }),
		fixed("imports", func(int) string { return "/imports" }),
		fixed("suppressions", func(int) string { return "/suppressions" }),
		fixed("suppressions, last page", func(int) string { return "/suppressions?last=true" }),
		fixed("suppressions: gmail", func(int) string { return "/suppressions?q=gmail" }),
		fixed("suppressions: a rare part", func(i int) string { return fmt.Sprintf("/suppressions?q=stranger%d", mix(i)%uint64(r.People)) }),
	}, nil
}

// counted is a segment that is not stored, by its definition.
func counted(name, definition string) audienceAsk {
	return audienceAsk{name: name, path: func(int) string { return "/segments/count" }, segment: definition}
}

func fixed(name string, path func(i int) string) audienceAsk {
	return audienceAsk{name: name, path: path}
}

// people is a case of a search for people.
func people(name string, f audience.SubscriberFilter, q page.Query) audienceAsk {
	v := url.Values{}
	for key, value := range map[string]string{"q": f.Search, "status": f.Status, "field": f.Field, "value": f.Value, "before": q.Before} {
		if value != "" {
			v.Set(key, value)
		}
	}
	if f.ListID != 0 {
		v.Set("list_id", strconv.FormatInt(f.ListID, 10))
	}
	if q.Last {
		v.Set("last", "true")
	}
	path := "/subscribers?" + v.Encode()
	return audienceAsk{name: name, path: func(int) string { return path }, people: &f, page: q}
}

// rare looks for another person each time, by a part of the address that few share.
func (r *audienceRun) rare() audienceAsk {
	part := func(i int) string {
		local, _, _ := strings.Cut(makePerson(int(mix(i)%uint64(r.People))).email, "@")
		return local[strings.IndexByte(local, '.')+1:]
	}
	a := people("search: name and number", audience.SubscriberFilter{Search: part(0)}, page.Query{})
	a.path = func(i int) string { return "/subscribers?q=" + url.QueryEscape(part(i)) }
	return a
}
