package sender

import (
	"math"
	"slices"
	"testing"
	"time"
)

func number(n int) *int { return &n }

func onDay(date string) time.Time {
	at, err := time.Parse("2006-01-02 15:04", date)
	if err != nil {
		panic(err)
	}
	return at
}

// foretell plays a plan with what was used before.
func foretell(p Plan, used []usedShare) Forecast {
	relays := p.taking()
	return p.forecast(relays, slices.Repeat([][]usedShare{used}, len(relays)), used)
}

func TestForecast(t *testing.T) {
	t.Parallel()
	from := onDay("2026-11-26 09:00") // a Thursday
	main := func(l Limits) Relay { return Relay{ID: 1, Name: "main", Limits: l, Routing: Routing{Weight: 1}} }
	warm := &Warmup{Start: onDay("2026-11-26 00:00"), First: 100, Percent: 100}
	morning := &Window{Days: []int{4, 5}, From: 9 * time.Hour, Until: 10 * time.Hour}
	with := func(r Relay, change func(*Relay)) Relay { change(&r); return r }
	house := func(w *Warmup, window *Window) FromDomain {
		return FromDomain{ID: 7, Domain: "example.org", Warmup: w, Window: window}
	}
	for name, tc := range map[string]struct {
		relays []Relay
		domain FromDomain
		used   []usedShare
		n      int
		want   time.Duration
		by     string // the limit, r for a relay and d for the domain; empty: no limit decides
		never  bool
	}{
		"no limit":                  {relays: []Relay{main(Limits{})}, n: 1e6},
		"within the share":          {relays: []Relay{main(Limits{PerDay: number(500)})}, n: 500},
		"rate, with its margin":     {relays: []Relay{main(Limits{PerSecond: number(10)})}, n: 36_000, want: 62*time.Minute + 24*time.Second, by: "rate r"},
		"the slower of two rates":   {relays: []Relay{main(Limits{PerSecond: number(10), PerMinute: number(60)})}, n: 6000, want: 102 * time.Minute, by: "rate r"},
		"hour":                      {relays: []Relay{main(Limits{PerHour: number(100)})}, n: 250, want: 2*time.Hour + 2*time.Minute, by: "hour r"},
		"hour after what was used":  {relays: []Relay{main(Limits{PerHour: number(100)})}, n: 100, used: []usedShare{{from.Add(-20 * time.Minute), 40}}, want: 41 * time.Minute, by: "hour r"},
		"hour, used long ago":       {relays: []Relay{main(Limits{PerHour: number(100)})}, n: 100, used: []usedShare{{from.Add(-61 * time.Minute), 40}}},
		"day":                       {relays: []Relay{main(Limits{PerDay: number(500)})}, n: 1600, want: 3*day + 3*time.Minute, by: "day r"},
		"day after what was used":   {relays: []Relay{main(Limits{PerDay: number(500)})}, n: 500, used: []usedShare{{from.Add(-20 * time.Hour), 1}}, want: 4*time.Hour + time.Minute, by: "day r"},
		"rate within a day's share": {relays: []Relay{main(Limits{PerSecond: number(1), PerDay: number(3600)})}, n: 7200, want: day + time.Minute + 62*time.Minute + 24*time.Second, by: "day r"},
		// 100 at once, 100 more at midnight, and so on: 100, 200, 400, 800.
		"warm-up of a relay":       {relays: []Relay{with(main(Limits{}), func(r *Relay) { r.Warmup = warm })}, n: 800, want: 63 * time.Hour, by: "warmup r"},
		"warm-up of the domain":    {relays: []Relay{main(Limits{})}, domain: house(warm, nil), n: 800, want: 63 * time.Hour, by: "warmup d"},
		"warm-up that is used":     {relays: []Relay{main(Limits{})}, domain: house(warm, nil), used: []usedShare{{from.Add(-time.Hour), 100}}, n: 100, want: 15 * time.Hour, by: "warmup d"},
		"warm-up of a later month": {relays: []Relay{main(Limits{})}, domain: house(&Warmup{Start: onDay("2027-01-01 00:00"), First: 1, Percent: 1}, nil), n: 1e6},
		"window of a relay":        {relays: []Relay{with(main(Limits{PerMinute: number(51)}), func(r *Relay) { r.Window = morning })}, n: 4500, want: day + 30*time.Minute, by: "rate r"},
		"window of the domain":     {relays: []Relay{main(Limits{PerMinute: number(51)})}, domain: house(nil, morning), n: 9000, want: 7*day + time.Hour, by: "rate r"},
		"windows that meet":        {relays: []Relay{main(Limits{})}, domain: house(nil, &Window{Days: []int{5}, From: 20 * time.Hour, Until: 22 * time.Hour}), n: 10, want: 35 * time.Hour, by: "window d"},
		"two relays share":         {relays: []Relay{main(Limits{PerSecond: number(10)}), main(Limits{PerSecond: number(90)})}, n: 360_000, want: 62*time.Minute + 24*time.Second, by: "rate r"},
		"two relays of a day":      {relays: []Relay{main(Limits{PerDay: number(1000)}), main(Limits{PerDay: number(1000)})}, n: 5000, want: 2*day + 2*time.Minute, by: "day r"},
		"one domain, two relays":   {relays: []Relay{main(Limits{}), main(Limits{})}, domain: house(warm, nil), n: 800, want: 63 * time.Hour, by: "warmup d"},
		"beside one without limit": {relays: []Relay{main(Limits{PerSecond: number(1)}), main(Limits{})}, n: 1e6},
		"backup takes over": {relays: []Relay{main(Limits{PerDay: number(10)}), with(main(Limits{PerMinute: number(51)}), func(r *Relay) { r.Weight = 0 })},
			n: 1510, want: 30 * time.Minute, by: "rate r"},
		"backup waits": {relays: []Relay{main(Limits{PerMinute: number(51)}), with(main(Limits{}), func(r *Relay) { r.Weight = 0 })}, n: 1500, want: 30 * time.Minute, by: "rate r"},
		"not for this From": {relays: []Relay{with(main(Limits{}), func(r *Relay) { r.FromDomains = []string{"other.org"} }), main(Limits{PerMinute: number(51)})},
			domain: house(nil, nil), n: 1500, want: 30 * time.Minute, by: "rate r"},
		"not for all recipients": {relays: []Relay{with(main(Limits{}), func(r *Relay) { r.RecipientSites = []string{"google"} }), main(Limits{PerMinute: number(51)})},
			n: 1500, want: 30 * time.Minute, by: "rate r"},
		"blocked":    {relays: []Relay{with(main(Limits{}), func(r *Relay) { at := from.Add(5 * time.Hour); r.BlockedUntil = &at })}, n: 10, want: 5 * time.Hour, by: "blocked r"},
		"rests":      {relays: []Relay{with(main(Limits{}), func(r *Relay) { r.Pace = &Pace{RestUntil: from.Add(time.Hour)} })}, n: 10, want: time.Hour, by: "rest r"},
		"never ends": {relays: []Relay{main(Limits{PerDay: number(1)})}, n: 1e9, by: "day r", never: true},
		"evenly for years": {relays: []Relay{main(Limits{PerMinute: number(1), PerDay: number(1000)})}, n: 1_000_000,
			want: 999*(day+time.Minute) + 17*time.Hour, by: "day r"},
		"too slow": {relays: []Relay{main(Limits{PerMinute: number(1)})}, n: 1e9, by: "rate r", never: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := foretell(Plan{Messages: tc.n, Start: from, Relays: tc.relays, From: tc.domain}, tc.used)
			by := ""
			if d := f.Decides; d != nil {
				by = d.Limit + " r"
				if d.DomainID != 0 {
					by = d.Limit + " d"
				}
			}
			if by != tc.by {
				t.Errorf("decided by %q, want %q", by, tc.by)
			}
			switch ends := tc.by != "" && !tc.never; {
			case ends != (f.End != nil):
				t.Errorf("ends %v", f.End)
			case ends && f.End.Sub(from.Add(tc.want)).Abs() > 10*time.Second:
				t.Errorf("ends after %s, want %s", f.End.Sub(from), tc.want)
			}
		})
	}
}

// played sends minute by minute, by the rules as docs/pace.md tells them: slow, but nothing is clever about it.
func played(p Plan) time.Time {
	sent := map[int64]map[int]float64{} // by relay (0: the domain) and minute
	within := func(id int64, minute, length int) (sum float64) {
		for m := minute - length; m <= minute; m++ {
			sum += sent[id][m]
		}
		return sum
	}
	note := func(id int64, minute int, n float64) {
		if sent[id] == nil {
			sent[id] = map[int]float64{}
		}
		sent[id][minute] += n
	}
	left := float64(p.Messages)
	for minute := 0; ; minute++ {
		at := p.Start.Add(time.Duration(minute) * time.Minute)
		if p.From.Window.Opens(at).After(at) {
			continue
		}
		domain := float64(p.From.Warmup.Cap(at)) - within(0, minute, 1440)
		for _, r := range p.Relays {
			if r.Window.Opens(at).After(at) {
				continue
			}
			n := min(left, domain, float64(r.Warmup.Cap(at))-within(r.ID, minute, 1440))
			if l := r.Limits.PerDay; l != nil {
				n = min(n, float64(*l)-within(r.ID, minute, 1440))
			}
			if l := r.Limits.PerHour; l != nil {
				n = min(n, float64(*l)-within(r.ID, minute, 60))
			}
			if interval, _ := r.Limits.spacing(); interval > 0 {
				n = min(n, time.Minute.Seconds()/interval.Seconds())
			}
			if n > 0 {
				note(r.ID, minute, n)
				note(0, minute, n)
				left, domain = left-n, domain-n
			}
		}
		if left < least {
			return at
		}
	}
}

// What is foretold is what happens when it is played through minute by minute.
func TestForecastAgainstThePlayedMailing(t *testing.T) {
	t.Parallel()
	at := onDay("2026-10-22 09:17") // three days before Berlin's clocks go back
	working := &Window{Days: []int{1, 2, 3, 4, 5}, From: 8 * time.Hour, Until: 18*time.Hour + 30*time.Minute, Zone: "Europe/Berlin"}
	night := &Window{Days: []int{1, 3, 5, 7}, From: 21 * time.Hour, Until: 5 * time.Hour, Zone: "America/New_York"}
	warm := &Warmup{Start: onDay("2026-10-21 00:00"), First: 70, Percent: 33, Zone: "Europe/Berlin"}
	a := Relay{ID: 1, Routing: Routing{Weight: 1}, Limits: Limits{PerMinute: number(3), PerHour: number(50), PerDay: number(400)}, Window: working}
	b := Relay{ID: 2, Routing: Routing{Weight: 2}, Limits: Limits{PerHour: number(40), PerDay: number(250)}, Window: night}
	c := Relay{ID: 3, Routing: Routing{Weight: 1}, Limits: Limits{PerMinute: number(2)}, Warmup: &Warmup{Start: onDay("2026-10-25 00:00"), First: 30, Percent: 80}}
	for name, tc := range map[string]struct {
		relays []Relay
		from   FromDomain
		n      int
	}{
		"limits and a window":      {[]Relay{a}, FromDomain{}, 3000},
		"night over midnight":      {[]Relay{b}, FromDomain{}, 1500},
		"warm-up that begins late": {[]Relay{c}, FromDomain{}, 20_000},
		"warm-up of the domain":    {[]Relay{a}, FromDomain{ID: 1, Warmup: warm}, 3000},
		"domain in a window":       {[]Relay{b}, FromDomain{ID: 1, Warmup: warm, Window: working}, 800},
		"two relays":               {[]Relay{a, b}, FromDomain{ID: 1, Window: night}, 3000},
		"three and a domain":       {[]Relay{a, b, c}, FromDomain{ID: 1, Warmup: warm, Window: working}, 6000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := Plan{Messages: tc.n, Start: at, Relays: tc.relays, From: tc.from}
			f, want := foretell(p, nil), played(p)
			if f.End == nil {
				t.Fatalf("no end, %+v", f.Decides)
			}
			// What is sent in a minute is counted in it, and comes back a minute later than it could: that adds up to some minutes.
			if off := f.End.Sub(want); math.Abs(off.Minutes()) > 15 {
				t.Errorf("foretold %s, played %s: %s apart", f.End, want, off)
			}
		})
	}
}
