package sender

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"postrider/internal/pg"
	"postrider/sender/reply"
	"postrider/sender/smtpconn"
	"postrider/sender/smtptest"
)

// sendOne sends one message and gives the reason when nothing was sent.
func sendOne(t *testing.T, b *bundle, p *Pools, id int64, to string) (smtpconn.Outcome, *Unavailable) {
	t.Helper()
	r, err := b.GetRelay(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	o, err := p.Send(t.Context(), r, Message{From: "a@example.org", To: to, Body: testBody})
	var u *Unavailable
	if err != nil && !errors.As(err, &u) {
		t.Fatal(err)
	}
	return o, u
}

func changes(t *testing.T, b *bundle, id int64) (list []string) {
	t.Helper()
	st, err := b.RelayState(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range st.Changes {
		n := 0
		if c.Connections != nil {
			n = *c.Connections
		}
		list = append(list, fmt.Sprint(c.Change, " ", n))
	}
	return list
}

// Google's own recipe: ten minutes of silence, one connection, and one more at a time.
func TestGoogleIsObeyed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	server := smtptest.Start(t, smtptest.WithScript(smtptest.Script{At: smtptest.AtMail, Times: 1,
		Reply: "421 4.7.28 Gmail has detected an unusual rate of mail originating from your IP address"}))
	r := b.relayTo(t, server, func(in *RelayInput) { in.MaxConnections = 3 })
	clock := &clock{at: time.Now()}
	p := b.hastyPools(t, clock)
	if o, _ := sendOne(t, b, p, r.ID, "first@example.org"); o.State != smtpconn.Rejected {
		t.Fatalf("%+v", o)
	}
	_, u := sendOne(t, b, p, r.ID, "early@example.org")
	if u == nil || u.Until.Sub(clock.now()) < 9*time.Minute {
		t.Fatalf("the relay does not rest: %v", u)
	}
	seen, err := b.GetRelay(t.Context(), r.ID)
	if err != nil || seen.Pace == nil || seen.Pace.Connections != 1 {
		t.Fatalf("pace %+v, %v", seen.Pace, err)
	}
	clock.advance(11 * time.Minute)
	for i, want := range []int{2, 3} { // after one message, then after two
		for j := range i + 1 {
			if o, u := sendOne(t, b, p, r.ID, fmt.Sprintf("m%d-%d@example.org", i, j)); o.State != smtpconn.Accepted {
				t.Fatalf("%+v %v", o, u)
			}
		}
		seen, err := b.GetRelay(t.Context(), r.ID)
		if err != nil {
			t.Fatal(err)
		}
		got := r.MaxConnections
		if seen.Pace != nil {
			got = seen.Pace.Connections
		}
		if got != want {
			t.Errorf("round %d: %d connections, want %d", i, got, want)
		}
		clock.advance(growEvery)
	}
	if list := changes(t, b, r.ID); len(list) != 3 || list[2] != "slower 1" || list[1] != "faster 2" || list[0] != "full_speed 3" {
		t.Errorf("history %q", list)
	}
}

func TestEachRestWithoutSuccessIsLonger(t *testing.T) {
	t.Parallel()
	b := setup(t)
	server := smtptest.Start(t, smtptest.WithScript(smtptest.Script{At: smtptest.AtMail, Reply: "451 4.7.0 rate limit exceeded"}))
	r := b.relayTo(t, server, nil)
	clock := &clock{at: time.Now()}
	p := b.hastyPools(t, clock)
	var rests []time.Duration
	for range 4 {
		if o, u := sendOne(t, b, p, r.ID, "a@example.org"); o.State != smtpconn.Rejected {
			t.Fatalf("%+v %v", o, u)
		}
		seen, err := b.GetRelay(t.Context(), r.ID)
		if err != nil || seen.Pace == nil {
			t.Fatalf("%+v, %v", seen.Pace, err)
		}
		rests = append(rests, seen.Pace.RestUntil.Sub(seen.Pace.ChangedAt))
		clock.advance(2 * time.Hour)
		// What happened before the rest is no news after it: the database's clock has to pass, too.
		if _, err := b.pool.Exec(t.Context(), `UPDATE relay_pace SET changed_at = changed_at - interval '1 hour', rest_until = rest_until - interval '3 hours'`); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]time.Duration{restFirst, 2 * restFirst, 4 * restFirst, 8 * restFirst}, rests); diff != "" {
		t.Error(diff)
	}
}

// Ten connections that are refused together are one reason to go slower, not ten.
func TestOneTroubleIsOneStep(t *testing.T) {
	t.Parallel()
	b := setup(t)
	server := smtptest.Start(t, smtptest.WithLatency(20*time.Millisecond), smtptest.WithScript(smtptest.Script{At: smtptest.AtMail, Reply: "421 4.7.0 too many messages, slow down"}))
	r := b.relayTo(t, server, func(in *RelayInput) { in.MaxConnections = 8 })
	p := b.pools(t)
	sendAll(t.Context(), p, r, 0, 8)
	seen, err := b.GetRelay(t.Context(), r.ID)
	if err != nil || seen.Pace == nil || seen.Pace.Connections != 4 {
		t.Errorf("pace %+v, %v", seen.Pace, err)
	}
	if list := changes(t, b, r.ID); len(list) != 1 {
		t.Errorf("history %q", list)
	}
}

// A server that takes fewer connections than we were told costs neither messages nor a rest.
func TestTooManyConnectionsFindsTheNumber(t *testing.T) {
	t.Parallel()
	b := setup(t)
	server := smtptest.Start(t, smtptest.WithLatency(5*time.Millisecond), smtptest.WithProvider(smtptest.Provider{Connections: 3, ConnectionReply: "421 4.7.0 Too many connections from your host"}))
	r := b.relayTo(t, server, func(in *RelayInput) { in.MaxConnections = 8 })
	noErrors(t, sendAll(t.Context(), b.pools(t), r, 0, 200))
	if got := len(server.Accepted()); got != 200 {
		t.Errorf("%d of 200 arrived", got)
	}
	seen, err := b.GetRelay(t.Context(), r.ID)
	if err != nil || seen.Pace == nil || seen.Pace.Connections > 3 || seen.Pace.Connections < 1 {
		t.Errorf("pace %+v, %v", seen.Pace, err)
	}
	if v := server.LimitViolations(); len(v) > 8 {
		t.Errorf("it asked %d times", len(v))
	}
}

func TestUsedUpQuotaBlocksUntilItOpens(t *testing.T) {
	t.Parallel()
	b := setup(t)
	server := smtptest.Start(t, smtptest.WithScript(smtptest.Script{At: smtptest.AtRcpt, Times: 1, Reply: "550 5.4.5 Daily message quota exceeded"}))
	r := b.relayTo(t, server, func(in *RelayInput) { in.Provider = "yandex" })
	one, two := b.pools(t), b.pools(t)
	if o, _ := sendOne(t, b, one, r.ID, "a@example.org"); o.State != smtpconn.Rejected {
		t.Fatalf("%+v", o)
	}
	if _, u := sendOne(t, b, one, r.ID, "b@example.org"); u == nil || time.Until(u.Until) < 24*time.Hour {
		t.Errorf("Yandex makes the block a day longer for each further try: %v", u)
	}
	seen, err := b.GetRelay(t.Context(), r.ID)
	if err != nil || seen.Status != RelayActive || seen.BlockedUntil == nil {
		t.Fatalf("%+v, %v", seen, err)
	}
	h, err := b.Holdup(t.Context(), seen)
	if err != nil || h == nil || !h.Until.Equal(*seen.BlockedUntil) {
		t.Errorf("%+v, %v", h, err)
	}
	if at := seen.NotBefore(time.Now()); !at.Equal(*seen.BlockedUntil) {
		t.Errorf("the campaigns would try again at %s", at)
	}
	if _, u := sendOne(t, b, two, r.ID, "c@example.org"); u == nil {
		t.Error("another process tries all the same")
	}
	if seen, err = b.ResumeRelay(t.Context(), r.ID); err != nil || seen.BlockedUntil != nil {
		t.Fatalf("%+v, %v", seen, err)
	}
	if list := changes(t, b, r.ID); len(list) != 2 || list[0] != "unblocked 0" {
		t.Errorf("history %q", list)
	}
	if o, u := sendOne(t, b, b.pools(t), r.ID, "d@example.org"); o.State != smtpconn.Accepted {
		t.Errorf("%+v %v", o, u)
	}
}

func TestWarmupGrowsByTheDay(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
	w := &Warmup{Start: start, First: 50, Percent: 50}
	for hours, want := range map[int]int{-1: math.MaxInt, 0: 50, 23: 50, 24: 75, 48: 112, 72: 168, 24 * 60: math.MaxInt} {
		if got := w.Cap(start.Add(time.Duration(hours) * time.Hour)); got != want {
			t.Errorf("after %d hours %d, want %d", hours, got, want)
		}
	}
	if (*Warmup)(nil).Cap(start) != math.MaxInt {
		t.Error("no warm-up bounds something")
	}
}

// A day begins at midnight in the plan's zone, also where it has 23 or 25 hours or no midnight at all.
func TestWarmupDaysAreThoseOfItsZone(t *testing.T) {
	t.Parallel()
	utc := func(s string) time.Time {
		v, err := time.Parse("2006-01-02 15:04", s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, tc := range []struct {
		zone, start, at string
		cap             int
		rises           string
	}{
		{"", "2026-11-26", "2026-11-26 23:59", 100, "2026-11-27 00:00"},
		{"Europe/Berlin", "2026-11-26", "2026-11-25 22:59", math.MaxInt, "2026-11-25 23:00"},
		{"Europe/Berlin", "2026-11-26", "2026-11-26 22:59", 100, "2026-11-26 23:00"},
		{"Europe/Berlin", "2026-11-26", "2026-11-26 23:00", 150, "2026-11-27 23:00"},
		{"America/New_York", "2026-11-26", "2026-11-27 04:59", 100, "2026-11-27 05:00"},
		// 23 hours on 29 March, 25 on 25 October.
		{"Europe/Berlin", "2026-03-28", "2026-03-29 21:59", 150, "2026-03-29 22:00"},
		{"Europe/Berlin", "2026-03-28", "2026-03-29 22:00", 225, "2026-03-30 22:00"},
		{"Europe/Berlin", "2026-10-24", "2026-10-25 22:59", 150, "2026-10-25 23:00"},
		{"Europe/Berlin", "2026-10-24", "2026-10-25 23:00", 225, "2026-10-26 23:00"},
		// There the clocks go from 00:00 to 01:00, in Havana on 8 March and in Cairo on 24 April.
		{"America/Havana", "2026-03-07", "2026-03-08 04:59", 100, "2026-03-08 05:00"},
		{"America/Havana", "2026-03-07", "2026-03-08 05:00", 150, "2026-03-09 04:00"},
		{"Africa/Cairo", "2026-04-23", "2026-04-23 21:59", 100, "2026-04-23 22:00"},
		{"Africa/Cairo", "2026-04-23", "2026-04-23 22:00", 150, "2026-04-24 21:00"},
	} {
		start, _ := time.Parse(time.DateOnly, tc.start)
		w := &Warmup{Start: start, First: 100, Percent: 50, Zone: tc.zone}
		if got := w.Cap(utc(tc.at)); got != tc.cap {
			t.Errorf("%s from %s: %d at %s, want %d", tc.zone, tc.start, got, tc.at, tc.cap)
		}
		if got := w.rises(utc(tc.at)); !got.Equal(utc(tc.rises)) {
			t.Errorf("%s from %s: after %s it rises at %s, want %s", tc.zone, tc.start, tc.at, got.UTC(), tc.rises)
		}
	}
	slow := &Warmup{Start: utc("2026-01-01 00:00"), First: 10, Percent: 1}
	if got := slow.rises(utc("2026-01-01 12:00")); !got.Equal(utc("2026-01-11 00:00")) {
		t.Errorf("10 and 1 %% a day is 10 until %s", got)
	}
}

func TestWindowOpens(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := func(s string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04", s, berlin)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	working := &Window{Days: []int{1, 2, 3, 4, 5}, From: 8 * time.Hour, Until: 18*time.Hour + 30*time.Minute, Zone: "Europe/Berlin"}
	night := &Window{Days: []int{5}, From: 22 * time.Hour, Until: 6 * time.Hour, Zone: "Europe/Berlin"}
	whole := &Window{Days: []int{6, 7}, From: 0, Until: 24 * time.Hour, Zone: "Europe/Berlin"}
	for _, tc := range []struct {
		w         *Window
		now, want string
	}{
		{nil, "2026-11-29 03:00", "2026-11-29 03:00"},
		{working, "2026-11-26 12:00", "2026-11-26 12:00"},
		{working, "2026-11-26 07:59", "2026-11-26 08:00"},
		{working, "2026-11-26 18:30", "2026-11-27 08:00"},
		{working, "2026-11-27 20:00", "2026-11-30 08:00"},
		{night, "2026-11-27 23:00", "2026-11-27 23:00"},
		{night, "2026-11-28 05:59", "2026-11-28 05:59"},
		{night, "2026-11-28 06:00", "2026-12-04 22:00"},
		{whole, "2026-11-27 10:00", "2026-11-28 00:00"},
		{whole, "2026-11-29 23:59", "2026-11-29 23:59"},
		{working, "2026-03-29 12:00", "2026-03-30 08:00"}, // the clocks went forward
	} {
		if got := tc.w.Opens(at(tc.now)); !got.Equal(at(tc.want)) {
			t.Errorf("%+v at %s opens %s, want %s", tc.w, tc.now, got.In(berlin), tc.want)
		}
	}
}

func TestShareOfADayOverTwoProcesses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	limit := 10
	r := b.relayTo(t, smtptest.Start(t), func(in *RelayInput) { in.Limits.PerDay = &limit })
	for i := range 12 {
		err := b.SpendOne(t.Context(), r, FromDomain{})
		var u *Unavailable
		switch {
		case i < 10 && err != nil:
			t.Errorf("message %d: %v", i, err)
		case i >= 10 && (!errors.As(err, &u) || time.Until(u.Until) < 23*time.Hour):
			t.Errorf("message %d: %v", i, err)
		}
	}
	if _, err := b.pool.Exec(context.Background(), `UPDATE relay_usage SET minute = minute - interval '24 hours 2 minutes'`); err != nil {
		t.Fatal(err)
	}
	if err := b.SpendOne(t.Context(), r, FromDomain{}); err != nil {
		t.Errorf("a day later: %v", err)
	}
}

// What a dead process had reserved is nobody's any more, whatever became of the rows that it was for.
func TestSettledNodeReservesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	limit := 10
	r := b.relayTo(t, smtptest.Start(t), func(in *RelayInput) { in.Limits.PerDay = &limit })
	dead, err := StartNode(t.Context(), b.pool, 0, b.logger, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	granted := func(want int) {
		t.Helper()
		b.tx(t, func(tx pgx.Tx) error {
			n, _, err := ReserveTx(t.Context(), tx, r, 10, time.Now())
			if n != want {
				t.Errorf("%d may be claimed, want %d", n, want)
			}
			return err
		})
	}
	b.tx(t, func(tx pgx.Tx) error { return ClaimedTx(t.Context(), tx, r, dead.ID, 7) })
	granted(3) // whoever asks
	b.tx(t, func(tx pgx.Tx) error { _, err := SettleNodeTx(t.Context(), tx, dead.ID); return err })
	granted(10)
}

// Two messages that were on the wire together are refused with different words: the longer block counts.
func TestSecondRefusalDoesNotShortenABlock(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.create(t, goodRelay())
	block := func(wait time.Duration) time.Time {
		until, err := b.BlockRelay(t.Context(), r, reply.Class{Reason: reply.ReasonQuotaExhausted, RetryAfter: wait}, "no more")
		if err != nil {
			t.Fatal(err)
		}
		return until
	}
	long := block(24 * time.Hour)
	if short := block(time.Hour); short.Before(long) {
		t.Errorf("blocked until %s, and then until %s", long, short)
	}
	if later := block(48 * time.Hour); !later.After(long) {
		t.Errorf("still until %s", later)
	}
}

// broken is a database of which one kind of question goes unanswered.
type broken struct{ pg.DB }

func (broken) Query(context.Context, string, ...any) (pgx.Rows, error) {
	return nil, errors.New("away")
}

func TestRelayStaysSlowWhenItsPaceCannotBeRead(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.create(t, goodRelay())
	// Another process has changed it meanwhile, and how cannot be read.
	for _, connections := range []int{2, r.MaxConnections - 1} {
		p, err := speedUp(t.Context(), broken{b.pool}, r, Pace{Connections: connections, ChangedAt: time.Now()})
		if err == nil || p == nil || p.Connections != connections {
			t.Errorf("from %d: %+v, %v", connections, p, err)
		}
	}
}
