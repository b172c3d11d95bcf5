package sender

import (
	"context"
	"crypto/rand"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
	"postrider/internal/pg"
	"postrider/sender/presets"
)

func (b *bundle) lookUp(t *testing.T) {
	t.Helper()
	if err := b.LookUpSites(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestSitesAreKnownByTheirMailServers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.dns.mx = map[string][]*net.MX{
		"corp.example":  {{Host: "ASPMX.L.Google.com."}, {Host: "alt1.aspmx.l.google.com."}},
		"mixed.example": {{Host: "mx2.mixed.example."}, {Host: "aspmx.l.google.com."}},
		"twin.example":  {{Host: "aspmx.l.google.com."}, {Host: "mx2.mixed.example."}},
	}
	b.dns.down = map[string]bool{"down.example": true, "gmail.com": true}
	domains := []string{"corp.example", "mixed.example", "twin.example", "none.example", "down.example", "gmail.com"}
	for _, d := range domains {
		if got := b.Site(d); got != SiteOf(d) {
			t.Errorf("%s is %s before anybody has looked", d, got)
		}
	}
	b.lookUp(t)
	want := map[string]string{"corp.example": "google", "mixed.example": "aspmx.l.google.com,mx2.mixed.example", "twin.example": "aspmx.l.google.com,mx2.mixed.example",
		"none.example": "none.example", "down.example": "down.example", "gmail.com": "google"}
	got := map[string]string{}
	for _, d := range domains {
		got[d] = b.Site(d)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	// What was answered holds a week, what was not an hour.
	asked := len(b.dns.asked)
	b.lookUp(t)
	b.clock.at = b.clock.at.Add(2 * time.Hour)
	for _, d := range domains {
		b.Site(d)
	}
	b.dns.down = nil
	b.lookUp(t)
	if again := b.dns.asked[asked:]; len(again) != 2 || !strings.Contains(strings.Join(again, " "), "down.example") {
		t.Errorf("asked again for %v", again)
	}

	// Another process takes the answers from the database.
	asked = len(b.dns.asked)
	other := New(b.pool, b.box, Config{Resolver: b.dns}, b.logger, b.clock.now)
	other.Site("corp.example")
	if err := other.LookUpSites(t.Context()); err != nil || other.Site("corp.example") != "google" || len(b.dns.asked) != asked {
		t.Errorf("%v, %s, %v", err, other.Site("corp.example"), b.dns.asked[asked:])
	}
}

func TestEverySiteHasItsTable(t *testing.T) {
	t.Parallel()
	for _, id := range knownSites() {
		s, known := presets.SiteByID(id)
		if !known || len(s.MX) == 0 || s.PerMinute == 0 || s.InFlight == 0 {
			t.Errorf("%s: %+v", id, s)
		}
	}
	if len(knownSites()) != len(presets.Sites()) {
		t.Error("there is a site that no domain belongs to")
	}
}

// siteBundle has a relay that delivers itself and a node.
func siteBundle(t *testing.T) (*bundle, Relay, string) {
	t.Helper()
	b := setup(t)
	in := goodRelay()
	in.Provider, in.Host = "postfix", "mail.example.org"
	r := b.create(t, in)
	if !r.SiteLimits {
		t.Fatal("an own Postfix has no limits for sites")
	}
	node, err := StartNode(t.Context(), b.pool, 0, b.logger, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return b, r, node.ID
}

func (b *bundle) tx(t *testing.T, fn func(tx pgx.Tx) error) {
	t.Helper()
	if err := pg.InTx(t.Context(), b.pool, fn); err != nil {
		t.Fatal(err)
	}
}

// claimSite claims as much as may go to a site, want at most.
func (b *bundle) claimSite(t *testing.T, r Relay, node, site string, want int) (n int, room *SiteRoom) {
	t.Helper()
	b.tx(t, func(tx pgx.Tx) error {
		rooms, err := SiteRoomTx(t.Context(), tx, r, []string{site})
		if err != nil {
			return err
		}
		room = rooms[site]
		n = min(want, room.Free)
		return SitesClaimedTx(t.Context(), tx, r, node, map[string]int{site: n}, rooms)
	})
	return n, room
}

func (b *bundle) siteDone(t *testing.T, r Relay, node, site string, res SiteResult) {
	t.Helper()
	b.tx(t, func(tx pgx.Tx) error { return SitesDoneTx(t.Context(), tx, r, node, map[string]SiteResult{site: res}) })
}

func (b *bundle) relaySite(t *testing.T, r Relay) RelaySite {
	t.Helper()
	sites, err := b.RelaySites(t.Context(), r.ID)
	if err != nil || len(sites) != 1 {
		t.Fatalf("%+v, %v", sites, err)
	}
	return sites[0]
}

// back moves the site's row so far into the past.
func (b *bundle) back(t *testing.T, by time.Duration) {
	t.Helper()
	_, err := b.pool.Exec(t.Context(), `
		UPDATE relay_sites SET next_at = next_at - $1::interval, put_off_to = put_off_to - $1::interval, halved_at = halved_at - $1::interval, parked_until = parked_until - $1::interval`, by)
	if err != nil {
		t.Fatal(err)
	}
}

// In any minute no more goes to a site than its limit, whoever claims: an hour in steps of half a second, everything claimed that may be.
func TestRateOfASiteIsKept(t *testing.T) {
	t.Parallel()
	b, r, node := siteBundle(t)
	limit, hour := 120, 5000
	if err := b.SetSiteLimits(t.Context(), []SiteLimit{{Site: "example.org", PerMinute: &limit, PerHour: &hour}}); err != nil {
		t.Fatal(err)
	}
	var claimed []int
	for range 300 {
		n, _ := b.claimSite(t, r, node, "example.org", 1000)
		claimed = append(claimed, n)
		b.back(t, 500*time.Millisecond)
	}
	total := 0
	for i, n := range claimed {
		total += n
		if i >= 120 {
			total -= claimed[i-120]
		}
		if limit := 5000 / 60; total > limit {
			t.Fatalf("%d in the minute before step %d, the hour's limit is %d a minute", total, i, limit)
		}
	}
	if total < 75 {
		t.Errorf("only %d in the last minute", total)
	}
}

func TestInFlightOfASiteIsKept(t *testing.T) {
	t.Parallel()
	b, r, node := siteBundle(t)
	most := 5
	if err := b.SetSiteLimits(t.Context(), []SiteLimit{{Site: "google"}, {RelayID: &r.ID, Site: "google", InFlight: &most}}); err != nil {
		t.Fatal(err)
	}
	other, err := StartNode(t.Context(), b.pool, 0, b.logger, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{3, 2, 0} {
		if n, _ := b.claimSite(t, r, []string{node, other.ID}[i%2], "google", 3); n != want {
			t.Errorf("claimed %d, want %d", n, want)
		}
	}
	b.siteDone(t, r, node, "google", SiteResult{Count: 3, Sent: 3})
	if n, _ := b.claimSite(t, r, node, "google", 9); n != 3 {
		t.Errorf("claimed %d after three were through", n)
	}
	b.tx(t, func(tx pgx.Tx) error { _, err := SettleNodeTx(t.Context(), tx, node); return err })
	if s := b.relaySite(t, r); s.InFlight != 2 {
		t.Errorf("%d on their way, two of the process that lives", s.InFlight)
	}
}

func TestShippedLimitHoldsUntilAnotherIsSet(t *testing.T) {
	t.Parallel()
	b, r, node := siteBundle(t)
	orange, _ := presets.SiteByID("orange")
	if n, _ := b.claimSite(t, r, node, "orange", 1000); n < 1 || n > orange.InFlight {
		t.Errorf("claimed %d", n)
	}
	if err := b.SetSiteLimits(t.Context(), []SiteLimit{{Site: "orange"}}); err != nil {
		t.Fatal(err)
	}
	if n, _ := b.claimSite(t, r, node, "orange", 1000); n != 1000 {
		t.Errorf("claimed %d, no limit was wanted", n)
	}
	if err := b.SetSiteLimits(t.Context(), []SiteLimit{{Site: "orange"}, {Site: "Orange"}}); !errs.Is(err, errs.Invalid) {
		t.Errorf("set twice: %v", err)
	}
}

func TestDeadSiteIsParkedForLongerEachTime(t *testing.T) {
	t.Parallel()
	b, r, node := siteBundle(t)
	parked := func() time.Duration {
		s := b.relaySite(t, r)
		if s.ParkedUntil == nil {
			return 0
		}
		return time.Until(*s.ParkedUntil).Round(time.Minute)
	}
	miss := func(n int) {
		b.claimSite(t, r, node, "dead.example", n)
		b.siteDone(t, r, node, "dead.example", SiteResult{Count: n, Missed: n, Reply: "451 4.3.0 down"})
	}
	miss(9)
	if parked() != 0 {
		t.Error("parked after nine")
	}
	for _, want := range []time.Duration{15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 4 * time.Hour} {
		miss(10)
		if got := parked(); got != want {
			t.Errorf("parked for %s, want %s", got, want)
		}
		n, room := b.claimSite(t, r, node, "dead.example", 5)
		if n != 0 || !room.Parked || room.PutOff().Before(time.Now().Add(want-time.Minute)) {
			t.Errorf("claimed %d of a parked site: %+v", n, room)
		}
		b.back(t, 5*time.Hour)
	}
	if s := b.relaySite(t, r); s.Reply != "451 4.3.0 down" {
		t.Errorf("%+v", s)
	}
	miss(3)
	b.siteDone(t, r, node, "dead.example", SiteResult{Count: 1, Sent: 1})
	miss(9)
	if parked() != 0 {
		t.Error("a success did not end the counting")
	}
	miss(1)
	if got := parked(); got != 15*time.Minute {
		t.Errorf("parked for %s after a success", got)
	}
}

func TestSiteThatAsksForLessGetsHalfForAWhile(t *testing.T) {
	t.Parallel()
	b, r, node := siteBundle(t)
	limit := 6000
	if err := b.SetSiteLimits(t.Context(), []SiteLimit{{Site: "busy.example", PerMinute: &limit}}); err != nil {
		t.Fatal(err)
	}
	full, _ := b.claimSite(t, r, node, "busy.example", 1)
	b.back(t, time.Minute)
	_, room := b.claimSite(t, r, node, "busy.example", 0)
	before := room.Free
	for range 3 { // at once: that is one trouble
		b.siteDone(t, r, node, "busy.example", SiteResult{Count: full, Missed: 1, Reply: "421 4.7.0 too fast"})
	}
	if _, room = b.claimSite(t, r, node, "busy.example", 0); room.Free < before/2-2 || room.Free > before/2+2 {
		t.Errorf("%d may go, %d before", room.Free, before)
	}
	b.back(t, 11*time.Minute)
	if _, room = b.claimSite(t, r, node, "busy.example", 0); room.Free < before-2 {
		t.Errorf("%d may go after ten minutes, %d before", room.Free, before)
	}
}

// Whoever owns a domain decides what its MX records say. They must neither name a site that they are not, nor be more than the ledger can hold.
func TestHostileMailServersMakeNoSite(t *testing.T) {
	t.Parallel()
	b, r, node := siteBundle(t)
	var many []*net.MX
	for range 60 {
		many = append(many, &net.MX{Host: strings.ReplaceAll(rand.Text()+rand.Text(), "=", "") + "." + rand.Text() + "." + rand.Text() + ".evil.example."})
	}
	b.dns.mx = map[string][]*net.MX{"many.example": many, "google.example": {{Host: "google."}}, "null.example": {{Host: "."}}}
	for _, domain := range []string{"many.example", "google.example", "null.example"} {
		b.Site(domain)
	}
	b.lookUp(t)
	for _, domain := range []string{"many.example", "google.example", "null.example"} {
		if got := b.Site(domain); got != domain {
			t.Errorf("%s is %.80s", domain, got)
		}
		if n, _ := b.claimSite(t, r, node, b.Site(domain), 3); n != 3 {
			t.Errorf("%d of 3 for %s could be claimed", n, domain)
		}
	}
}

// A resolver that is away for an hour does not make every company at Google a site without limits.
func TestSilentResolverChangesNoSite(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.dns.mx = map[string][]*net.MX{"corp.example": {{Host: "aspmx.l.google.com."}}}
	b.Site("corp.example")
	b.lookUp(t)
	b.clock.advance(8 * day)
	b.dns.down = map[string]bool{"corp.example": true}
	if got := b.Site("corp.example"); got != "google" {
		t.Fatalf("before it was asked again: %s", got)
	}
	b.lookUp(t)
	other := New(b.pool, b.box, Config{Resolver: b.dns}, b.logger, b.clock.now)
	other.Site("corp.example")
	if err := other.LookUpSites(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Service{b.Service, other} {
		if got := s.Site("corp.example"); got != "google" {
			t.Errorf("it is %s while DNS is silent", got)
		}
	}
}

// rawZone notes the names as they are asked for.
type rawZone struct {
	*zone
	names []string
}

func (z *rawZone) LookupMX(ctx context.Context, name string) ([]*net.MX, error) {
	z.names = append(z.names, name)
	return z.zone.LookupMX(ctx, name)
}

// The machine's own search domains are not tried behind a recipient's domain: a wildcard there would answer for everybody.
func TestSitesAreAskedForByTheirWholeName(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dns := &rawZone{zone: b.dns}
	s := New(b.pool, b.box, Config{Resolver: dns}, b.logger, b.clock.now)
	s.Site("corp.example")
	if err := s.LookUpSites(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"corp.example."}, dns.names); diff != "" {
		t.Error(diff)
	}
}

// What was on its way when a site was parked says nothing new.
func TestOneTroubleParksASiteOnce(t *testing.T) {
	t.Parallel()
	b, r, node := siteBundle(t)
	b.claimSite(t, r, node, "dead.example", 400)
	for range 8 {
		b.siteDone(t, r, node, "dead.example", SiteResult{Count: 50, Missed: 50, Reply: "451 4.3.0 down"})
	}
	s := b.relaySite(t, r)
	if s.ParkedUntil == nil || time.Until(*s.ParkedUntil) > 16*time.Minute {
		t.Errorf("the first park lasts until %v", s.ParkedUntil)
	}
	b.back(t, time.Hour)
	b.siteDone(t, r, node, "dead.example", SiteResult{Count: 9, Missed: 9, Reply: "451 4.3.0 down"})
	if s := b.relaySite(t, r); s.ParkedUntil != nil {
		t.Errorf("parked again after nine: %+v", s)
	}
}

// What is shown of a site is what holds: the limit for the relay before the one for all, that before the shipped one, and less while it is halved.
func TestLimitOfASiteIsShownAsItHolds(t *testing.T) {
	t.Parallel()
	b, r, node := siteBundle(t)
	minute, hour, flying := 90, 3600, 7
	shown := func(site string) (perMinute, mostInFlight any) {
		b.claimSite(t, r, node, site, 1)
		sites, err := b.RelaySites(t.Context(), r.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range sites {
			if s.Site == site && s.PerMinute != nil {
				perMinute = *s.PerMinute
			}
			if s.Site == site && s.MostInFlight != nil {
				mostInFlight = *s.MostInFlight
			}
		}
		return perMinute, mostInFlight
	}
	want := func(site string, perMinute, mostInFlight any) {
		t.Helper()
		if n, m := shown(site); n != perMinute || m != mostInFlight {
			t.Errorf("%s: %v a minute and %v on their way, want %v and %v", site, n, m, perMinute, mostInFlight)
		}
	}
	want("google", 200.0, 20) // 12000 an hour are fewer than 300 a minute
	want("example.org", nil, nil)
	if err := b.SetSiteLimits(t.Context(), []SiteLimit{{Site: "google", PerMinute: &minute}, {RelayID: &r.ID, Site: "google", PerHour: &hour, InFlight: &flying},
		{Site: "yahoo"}}); err != nil {
		t.Fatal(err)
	}
	want("google", 60.0, 7)
	want("yahoo", nil, nil)
	b.siteDone(t, r, node, "google", SiteResult{Count: 1, Missed: 1, Reply: "421 4.7.0 too fast"})
	want("google", 30.0, 7)
	b.siteDone(t, r, node, "yahoo", SiteResult{Count: 1, Missed: 1, Reply: "421 4.7.0 too fast"})
	want("yahoo", 120.0, nil)
}
