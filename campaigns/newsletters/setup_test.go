package newsletters

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"postrider/campaigns"
	"postrider/campaigns/schedule"
	"postrider/internal/errs"
	"postrider/internal/pg/pgtest"
)

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = t
}

// testFeed is a source whose items a test decides.
type testFeed struct {
	mu    sync.Mutex
	items []Item
	err   error
	// meanwhile is done while the source answers.
	meanwhile func()
}

func (f *testFeed) Fetch(context.Context, Source, time.Duration) (Fetched, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.meanwhile != nil {
		f.meanwhile()
	}
	return Fetched{Items: append([]Item(nil), f.items...)}, f.err
}

func (f *testFeed) add(ids ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range ids {
		f.items = append(f.items, Item{ID: id, Title: "Item " + id, Published: time.Date(2026, 1, 1, 0, len(f.items), 0, 0, time.UTC)})
	}
}

func (f *testFeed) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

// filler writes the ids of the items into the text.
type filler struct{ meanwhile *func() }

func (f filler) Fill(_ context.Context, c Content, g Gathered) (Content, error) {
	if f.meanwhile != nil && *f.meanwhile != nil {
		(*f.meanwhile)()
	}
	var ids []string
	for _, x := range g.Items {
		ids = append(ids, x.ID)
	}
	c.Text = fmt.Sprintf("no %d: [%s]", g.Number, strings.Join(ids, " "))
	return c, nil
}

// ledger is campaigns on their real table, without an audience and a relay: what a newsletter sees of them. What is started stands in sends, in the same transaction.
type ledger struct {
	pool   *pgxpool.Pool
	now    func() time.Time
	mu     sync.Mutex
	refuse error
	broken string // of whose name no campaign can be made
	sent   []campaigns.Notice
	// before is done before a campaign is locked to be started.
	before func()
}

func (l *ledger) scan(row pgx.Row) (c campaigns.Campaign, err error) {
	err = row.Scan(&c.ID, &c.Status, &c.Name, &c.Subject, &c.HTML, &c.Text, &c.StartedAt, &c.UpdatedAt)
	return c, err
}

const ledgerColumns = `id, status, name, subject, html, text, started_at, updated_at`

func (l *ledger) LockTx(ctx context.Context, tx pgx.Tx, id int64) (campaigns.Campaign, error) {
	return l.scan(tx.QueryRow(ctx, `SELECT `+ledgerColumns+` FROM campaigns WHERE id = $1 FOR UPDATE`, id))
}

func (l *ledger) CreateTx(ctx context.Context, tx pgx.Tx, in campaigns.Input) (campaigns.Campaign, error) {
	if l.broken != "" && strings.HasPrefix(in.Name, l.broken) {
		return campaigns.Campaign{}, errs.InvalidField("unconfirmed_policy", "there is no such thing")
	}
	return l.scan(tx.QueryRow(ctx, `INSERT INTO campaigns (name, subject, html, text) VALUES ($1, $2, $3, $4) RETURNING `+ledgerColumns, in.Name, in.Subject, in.HTML, in.Text))
}

func (l *ledger) UpdateTx(ctx context.Context, tx pgx.Tx, id int64, in campaigns.Input) error {
	c, err := l.LockTx(ctx, tx, id)
	if err != nil {
		return err
	}
	if c.StartedAt != nil {
		return errs.New(errs.Conflict, "campaign %d was started", id)
	}
	_, err = tx.Exec(ctx, `UPDATE campaigns SET subject = $2, html = $3, text = $4, updated_at = now() WHERE id = $1`, id, in.Subject, in.HTML, in.Text)
	return err
}

func (l *ledger) StartAlso(ctx context.Context, id int64, also func(tx pgx.Tx, was campaigns.Campaign) error) (c campaigns.Campaign, err error) {
	l.mu.Lock()
	refuse := l.refuse
	l.mu.Unlock()
	if l.before != nil {
		l.before()
	}
	if refuse != nil {
		return c, refuse
	}
	err = pgx.BeginFunc(ctx, l.pool, func(tx pgx.Tx) error {
		if c, err = l.LockTx(ctx, tx, id); err != nil {
			return err
		}
		if c.StartedAt != nil {
			return errs.New(errs.Conflict, "campaign %d was started", id)
		}
		if _, err := tx.Exec(ctx, `UPDATE campaigns SET status = 'running', started_at = now(), updated_at = now() WHERE id = $1`, id); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO sends (campaign_id, at, text) VALUES ($1, $2, $3)`, id, l.now(), c.Text); err != nil {
			return err
		}
		return also(tx, c)
	})
	return c, err
}

func (l *ledger) SendNotice(_ context.Context, n campaigns.Notice) ([]campaigns.TestResult, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent = append(l.sent, n)
	return nil, nil
}

type bundle struct {
	*Service
	t     *testing.T
	pool  *pgxpool.Pool
	clock *clock
	feed  *testFeed
	mail  *ledger
	list  int64
	relay int64
	// meanwhile is done while content is being gathered.
	meanwhile func()
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{t: t, pool: pgtest.DB(t), clock: &clock{t: time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)}, feed: &testFeed{}} // a Monday
	b.mail = &ledger{pool: b.pool, now: b.clock.now}
	b.exec(`CREATE TABLE sends (campaign_id bigint NOT NULL, at timestamptz NOT NULL, text text NOT NULL)`)
	b.Service = New(Deps{Pool: b.pool, Campaigns: b.mail, Fetch: b.feed, Fill: filler{&b.meanwhile}, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: b.clock.now})
	must(t, b.pool.QueryRow(t.Context(), `INSERT INTO lists (name) VALUES ('Readers') RETURNING id`).Scan(&b.list))
	must(t, b.pool.QueryRow(t.Context(), `INSERT INTO relays (name, kind, tls, auth, max_connections, max_messages_per_connection, dkim) VALUES ('Relay', 'inbox', 'none', 'none', 1, 1, 'off') RETURNING id`).Scan(&b.relay))
	return b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (b *bundle) exec(sql string, args ...any) {
	b.t.Helper()
	_, err := b.pool.Exec(b.t.Context(), sql, args...)
	must(b.t, err)
}

// draft makes a newsletter that is not active: every day at nine in UTC, from a feed, prepared an hour ahead.
func (b *bundle) draft(change ...func(*Input)) Newsletter {
	b.t.Helper()
	in := Input{Name: "Daily", Audience: Audience{ListIDs: []int64{b.list}}, RelayIDs: []int64{b.relay}, Definition: Definition{
		Source: Source{Kind: SourceFeed, URL: "https://example.org/feed"}, Content: Content{Subject: "News", HTML: "<p>x</p>"},
		Schedule: schedule.Schedule{Rule: "FREQ=DAILY", Zone: "UTC", Start: schedule.LocalTime{Date: schedule.Date{Year: 2026, Month: 1, Day: 1}, Hour: 9}},
		Rules:    Rules{MinItems: 1, LeadMinutes: 60, LateHours: 3}, Mailing: Mailing{FromEmail: "house@example.org"},
	}}
	for _, fn := range change {
		fn(&in)
	}
	n, err := b.Create(b.t.Context(), in)
	must(b.t, err)
	return n
}

// letter makes a draft and activates it.
func (b *bundle) letter(change ...func(*Input)) Newsletter {
	b.t.Helper()
	n, err := b.Activate(b.t.Context(), b.draft(change...).ID)
	must(b.t, err)
	return n
}

// at moves the clock to a time of January 2026 and does the regular work.
func (b *bundle) at(day, hour, minute int) {
	b.t.Helper()
	b.clock.set(time.Date(2026, 1, day, hour, minute, 0, 0, time.UTC))
	must(b.t, b.Tick(b.t.Context()))
}

func (b *bundle) issue(n Newsletter, day int) Whole {
	b.t.Helper()
	var id int64
	must(b.t, b.pool.QueryRow(b.t.Context(), `SELECT id FROM newsletter_issues WHERE newsletter_id = $1 AND local_date = $2`, n.ID, fmt.Sprintf("2026-01-%02d", day)).Scan(&id))
	w, err := b.Issue(b.t.Context(), id)
	must(b.t, err)
	return w
}

// stands checks state and code of the issue of a day.
func (b *bundle) stands(n Newsletter, day int, state State, code, words string) Whole {
	b.t.Helper()
	w := b.issue(n, day)
	if w.State != state || w.ReasonCode != code || !strings.Contains(w.Reason, words) {
		b.t.Fatalf("the issue of the %dth is %s, %q (%q); want %s, %q (…%s…)", day, w.State, w.ReasonCode, w.Reason, state, code, words)
	}
	return w
}

// finish ends all campaigns that run.
func (b *bundle) finish() {
	b.exec(`UPDATE campaigns SET status = 'finished', finished_at = now() WHERE status = 'running'`)
}

func (b *bundle) texts() []string {
	b.t.Helper()
	rows, err := b.pool.Query(b.t.Context(), `SELECT text FROM sends ORDER BY at, campaign_id`)
	must(b.t, err)
	texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	must(b.t, err)
	return texts
}

var errAway = errs.New(errs.Unavailable, "example.org answers 503")

var errPlain = errors.New("secret detail")
