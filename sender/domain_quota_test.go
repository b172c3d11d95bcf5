package sender

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/pg"
	"postrider/sender/smtptest"
)

// warm gives a domain with a warm-up of so many messages today.
func (b *bundle) warm(t *testing.T, first int) FromDomain {
	t.Helper()
	d, err := b.CreateDomain(t.Context(), DomainInput{Domain: "example.org", Warmup: &Warmup{Start: b.now().UTC().Truncate(day), First: first, Percent: 50}})
	if err != nil {
		t.Fatal(err)
	}
	_, from, err := b.RelaysFor(t.Context(), []int64{b.relayTo(t, smtptest.Start(t), func(in *RelayInput) { in.Name = "of the domain" }).ID}, "example.org")
	if err != nil {
		t.Fatal(err)
	}
	if from.ID != d.ID || from.Warmup == nil || *from.Warmup != *d.Warmup {
		t.Fatalf("%+v of %+v", from, d)
	}
	return from
}

func (b *bundle) node(t *testing.T) string {
	t.Helper()
	n, err := StartNode(t.Context(), b.pool, 0, b.logger, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return n.ID
}

func (b *bundle) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := b.pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

// claim takes what the domain and the relays allow in one transaction, as the campaigns do: for each relay its part.
func (b *bundle) claim(t *testing.T, d FromDomain, relays []Relay, node string, want int) (total int, parts []int, err error) {
	err = pg.InTx(t.Context(), b.pool, func(tx pgx.Tx) error {
		most, _, err := ReserveDomainTx(t.Context(), tx, d, want, b.now())
		if err != nil {
			return err
		}
		parts, total = make([]int, len(relays)), 0
		for i, r := range relays {
			if parts[i], _, err = ReserveTx(t.Context(), tx, r, most-total, b.now()); err != nil {
				return err
			}
			total += parts[i]
		}
		for i, r := range relays {
			if err := ClaimedTx(t.Context(), tx, r, node, parts[i]); err != nil {
				return err
			}
		}
		return DomainClaimedTx(t.Context(), tx, d, node, total)
	})
	return total, parts, err
}

func (b *bundle) done(t *testing.T, d FromDomain, r Relay, node string, used, unused int) error {
	return pg.InTx(t.Context(), b.pool, func(tx pgx.Tx) error {
		if err := UsedTx(t.Context(), tx, r, node, used, unused); err != nil {
			return err
		}
		return DomainUsedTx(t.Context(), tx, d, node, used, unused)
	})
}

// Two processes with several workers each send From one domain through two relays with limits of their own, in both orders, and give some of it back: never
// more than the domain may, and all of that.
func TestDomainShareOverTwoProcessesAndTwoRelays(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const most = 400
	d := b.warm(t, most)
	one := b.relayTo(t, smtptest.Start(t), func(in *RelayInput) { in.Name, in.Limits.PerDay = "one", number(300) })
	two := b.relayTo(t, smtptest.Start(t), func(in *RelayInput) { in.Name, in.Limits.PerHour = "two", number(250) })
	var mu sync.Mutex
	sent, inHand := 0, 0
	var wg sync.WaitGroup
	for range 2 {
		node := b.node(t)
		for worker := range 3 {
			wg.Go(func() {
				for round := 0; ; round++ {
					total, parts, err := b.claim(t, d, []Relay{one, two}, node, 7+worker)
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					inHand += total
					if sent+inHand > most {
						t.Errorf("%d sent and %d on their way, of %d", sent, inHand, most)
					}
					over := sent >= most || t.Failed()
					mu.Unlock()
					if over {
						return
					}
					for i, r := range []Relay{one, two} {
						unused := min(parts[i], round%3)
						mu.Lock()
						sent, inHand = sent+parts[i]-unused, inHand-parts[i]
						mu.Unlock()
						if err := b.done(t, d, r, node, parts[i]-unused, unused); err != nil {
							t.Error(err)
							return
						}
					}
				}
			})
		}
	}
	wg.Wait()
	st, err := b.DomainState(t.Context(), d.ID)
	if err != nil || sent != most || st.Usage.Day != most || st.Usage.Claimed != 0 || *st.WarmupCap != most {
		t.Errorf("sent %d, counted %+v of %v: %v", sent, st.Usage, st.WarmupCap, err)
	}
	if st.Holdup == nil || st.Holdup.Code != HoldupDayUsedUp || st.Holdup.DomainID != d.ID || !st.Holdup.Until.After(b.now()) {
		t.Errorf("held up %+v", st.Holdup)
	}
}

// What went out yesterday comes back when it is 24 hours old, and midnight in the plan's zone brings the rest of the new day's share before that.
func TestDomainShareComesBackAndGrowsAtMidnight(t *testing.T) {
	t.Parallel()
	b := setup(t)
	node := b.node(t)
	d := b.warm(t, 100)
	d.Warmup.Zone = "Europe/Berlin"
	at := func(s string) time.Time { return onDay(s) }
	reserve := func(now time.Time) (n int, again time.Time) {
		t.Helper()
		b.tx(t, func(tx pgx.Tx) (err error) {
			n, again, err = ReserveDomainTx(t.Context(), tx, d, 1000, now)
			return err
		})
		return n, again
	}
	// The clocks in Berlin go forward on 29 March 2026, which has 23 hours.
	d.Warmup.Start = at("2026-03-28 00:00")
	if n, _ := reserve(at("2026-03-28 12:00")); n != 100 {
		t.Fatalf("%d at first", n)
	}
	b.tx(t, func(tx pgx.Tx) error { return DomainClaimedTx(t.Context(), tx, d, node, 100) })
	if n, _ := reserve(at("2026-03-28 12:00")); n != 0 {
		t.Errorf("%d beside what is on its way", n)
	}
	b.tx(t, func(tx pgx.Tx) error { return DomainUsedTx(t.Context(), tx, d, node, 100, 0) })
	if n, again := reserve(at("2026-03-28 22:59")); n != 0 || !again.Equal(at("2026-03-28 23:00")) {
		t.Errorf("%d a minute before midnight in Berlin, again at %s", n, again)
	}
	if n, _ := reserve(at("2026-03-28 23:00")); n != 50 {
		t.Errorf("%d at midnight, want the 50 that the day has more", n)
	}
	if n, _ := reserve(at("2026-03-29 22:00")); n != 125 {
		t.Errorf("%d at the next midnight, 23 hours later", n)
	}
	for minutes, want := range map[int]int{1439: 0, 1442: 100} {
		b.exec(t, `UPDATE domain_usage SET minute = date_trunc('minute', now()) - $1 * interval '1 minute'`, minutes)
		if n, _ := reserve(at("2026-03-28 12:00")); n != want {
			t.Errorf("%d after %d minutes, want %d", n, minutes, want)
		}
	}
}

func TestSettledNodeHoldsNoShareOfADomain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	node := b.node(t)
	d := b.warm(t, 100)
	b.tx(t, func(tx pgx.Tx) error { return DomainClaimedTx(t.Context(), tx, d, node, 60) })
	free := func() (n int) {
		b.tx(t, func(tx pgx.Tx) (err error) {
			n, _, err = ReserveDomainTx(t.Context(), tx, d, 1000, b.now())
			return err
		})
		return n
	}
	if n := free(); n != 40 {
		t.Errorf("%d free beside a claim of 60", n)
	}
	b.tx(t, func(tx pgx.Tx) error {
		if err := DomainUsedTx(t.Context(), tx, d, node, 10, 20); err != nil {
			return err
		}
		_, err := SettleNodeTx(t.Context(), tx, node)
		return err
	})
	if n := free(); n != 90 {
		t.Errorf("%d free after the node is settled, 10 of its 60 were sent", n)
	}
}

func TestTestMailCountsForItsDomain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	d := b.warm(t, 2)
	r := b.relayTo(t, smtptest.Start(t), nil)
	for i := range 3 {
		err := b.SpendOne(t.Context(), r, d)
		var u *Unavailable
		if i < 2 && err != nil || i == 2 && !errors.As(err, &u) {
			t.Errorf("message %d: %v", i, err)
		}
	}
	if err := b.DeleteDomain(t.Context(), d.ID); err != nil {
		t.Fatal(err)
	}
	// What is recorded after the domain is gone bounds nothing and breaks nothing.
	if err := b.done(t, d, r, b.node(t), 5, 0); err != nil {
		t.Error(err)
	}
}

func TestDomainWithoutPlanBoundsNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.relayTo(t, smtptest.Start(t), nil)
	if _, err := b.CreateDomain(t.Context(), DomainInput{Domain: "example.org"}); err != nil {
		t.Fatal(err)
	}
	for _, domain := range []string{"example.org", "nobody.example"} {
		relays, from, err := b.RelaysFor(t.Context(), []int64{r.ID}, domain)
		if err != nil || len(relays) != 1 || relays[0].ID != r.ID || from != (FromDomain{Domain: domain}) {
			t.Errorf("%s: %+v %+v %v", domain, relays, from, err)
		}
		if h, err := b.DomainHoldup(t.Context(), from); h != nil || err != nil {
			t.Errorf("%s is held up: %+v %v", domain, h, err)
		}
	}
}

func TestForecastCountsWhatIsUsedAndOnItsWay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	node := b.node(t)
	d := b.warm(t, 100)
	most := d.Warmup.Cap(b.now())
	r := b.relayTo(t, smtptest.Start(t), func(in *RelayInput) { in.Name, in.Limits.PerDay = "counted", number(100) })
	minute := b.now().Add(-90 * time.Minute).Truncate(time.Minute)
	ends := func(n int, d FromDomain) (time.Duration, *Decider) {
		t.Helper()
		f, err := b.Forecast(t.Context(), Plan{Messages: n, Relays: []Relay{r}, From: d})
		if err != nil {
			t.Fatal(err)
		}
		if f.End == nil {
			return 0, f.Decides
		}
		return f.End.Sub(minute.Add(day + time.Minute)), f.Decides
	}
	b.exec(t, `INSERT INTO relay_usage (relay_id, minute, used) VALUES ($1, $2, 60)`, r.ID, minute)
	if off, by := ends(41, FromDomain{}); by == nil || by.RelayID != r.ID || off.Abs() > time.Minute {
		t.Errorf("41 beside 60 that were sent: %s off, by %+v", off, by)
	}
	if _, by := ends(40, FromDomain{}); by != nil {
		t.Errorf("40 beside 60 that were sent wait for %+v", by)
	}
	b.exec(t, `INSERT INTO relay_claims (relay_id, node_id, claimed) VALUES ($1, $2, 1)`, r.ID, node)
	if _, by := ends(40, FromDomain{}); by == nil {
		t.Error("what is on its way is not counted")
	}
	b.exec(t, `DELETE FROM relay_usage`)
	b.exec(t, `INSERT INTO domain_usage (domain_id, minute, node_id, used) VALUES ($1, $2, $3, $4)`, d.ID, minute, node, most)
	if _, by := ends(1, d); by == nil || by.DomainID != d.ID || by.Limit != LimitWarmup {
		t.Errorf("one more than the domain may: %+v", by)
	}
}

// The forecast against what the reservations let through: the clock is moved to each moment at which they say to ask again.
func TestForecastAgainstTheReservations(t *testing.T) {
	t.Parallel()
	b := setup(t)
	node := b.node(t)
	d := b.warm(t, 40)
	d.Window = &Window{Days: []int{1, 2, 3, 4, 5, 6}, From: 7 * time.Hour, Until: 20 * time.Hour, Zone: "Europe/Berlin"}
	one := b.relayTo(t, smtptest.Start(t), func(in *RelayInput) { in.Name, in.Limits.PerDay = "one", number(90) })
	two := b.relayTo(t, smtptest.Start(t), func(in *RelayInput) { in.Name, in.Limits.PerHour = "two", number(30) })
	relays := []Relay{one, two}
	left := 250
	b.exec(t, `INSERT INTO domain_usage (domain_id, minute, node_id, used) VALUES ($1, date_trunc('minute', now()) - interval '90 minutes', $2, 30)`, d.ID, node)
	b.exec(t, `INSERT INTO domain_claims (domain_id, node_id, claimed) VALUES ($1, $2, 5)`, d.ID, node)
	f, err := b.Forecast(t.Context(), Plan{Messages: left, Relays: relays, From: d})
	if err != nil || f.End == nil {
		t.Fatalf("%+v %v", f, err)
	}
	b.tx(t, func(tx pgx.Tx) error { return DomainUsedTx(t.Context(), tx, d, node, 5, 0) })
	rounds := 0
	for ; left > 0; rounds++ {
		if rounds > 5000 {
			t.Fatalf("%d are left at %s", left, b.now())
		}
		again := d.NotBefore(b.now())
		if again.IsZero() {
			n, parts, err := b.claim(t, d, relays, node, min(left, 50))
			if err != nil {
				t.Fatal(err)
			}
			for i, r := range relays {
				if err := b.done(t, d, r, node, parts[i], 0); err != nil {
					t.Fatal(err)
				}
			}
			if left -= n; n > 0 {
				continue
			}
			again = b.nextAsk(t, d, relays)
		}
		b.sleep(t, again.Sub(b.now()))
	}
	if off := b.now().Sub(*f.End).Abs(); off > 15*time.Minute {
		t.Errorf("foretold %s, sent until %s", f.End, b.now())
	}
	if f.Decides == nil || f.Decides.DomainID != d.ID {
		t.Errorf("decided by %+v", f.Decides)
	}
}

// nextAsk gives when the domain and one of the relays take something again.
func (b *bundle) nextAsk(t *testing.T, d FromDomain, relays []Relay) (again time.Time) {
	b.tx(t, func(tx pgx.Tx) error {
		_, domain, err := ReserveDomainTx(t.Context(), tx, d, 1, b.now())
		if err != nil {
			return err
		}
		for i, r := range relays {
			_, at, err := ReserveTx(t.Context(), tx, r, 1, b.now())
			if err != nil {
				return err
			}
			if i == 0 || at.Before(again) {
				again = at
			}
		}
		again = later(again, domain)
		return nil
	})
	return again
}

// sleep moves the clock: what was sent becomes so much older, since the database has a clock of its own.
func (b *bundle) sleep(t *testing.T, d time.Duration) {
	t.Helper()
	d = max(d, time.Second).Truncate(time.Minute) + time.Minute
	b.clock.advance(d)
	for _, table := range []string{"relay_usage", "domain_usage"} {
		// In two steps, since no two rows may meet on the way.
		b.exec(t, fmt.Sprintf(`UPDATE %s SET minute = minute - interval '100 years'`, table))
		b.exec(t, fmt.Sprintf(`UPDATE %s SET minute = minute + interval '100 years' - $1::interval`, table), d)
	}
}
