package sender

import (
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

// Claims that waited long for their turn pay from when they took, not from when they began to wait.
func TestClaimsThatWaitedAreNoBurst(t *testing.T) {
	t.Parallel()
	b, r, node := siteBundle(t)
	limit := 6000
	if err := b.SetSiteLimits(t.Context(), []SiteLimit{{Site: "busy.example", PerMinute: &limit}}); err != nil {
		t.Fatal(err)
	}
	begun, err := b.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := begun.Exec(t.Context(), `SELECT pg_sleep(1)`); err != nil { // as behind a lock
		t.Fatal(err)
	}
	rooms, err := SiteRoomTx(t.Context(), begun, r, []string{"busy.example"})
	if err != nil {
		t.Fatal(err)
	}
	first := rooms["busy.example"].Free
	if err := SitesClaimedTx(t.Context(), begun, r, node, map[string]int{"busy.example": first}, rooms); err != nil {
		t.Fatal(err)
	}
	if err := begun.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, _ := b.claimSite(t, r, node, "busy.example", 1000); n > 20 {
		t.Errorf("%d more right after %d, 100 a second are allowed", n, first)
	}
}

// Nobody knows a domain's MX hosts by heart: a limit that names the domain holds for the site that takes its mail.
func TestLimitForADomainHoldsForItsSite(t *testing.T) {
	t.Parallel()
	b, r, node := siteBundle(t)
	b.dns.mx = map[string][]*net.MX{"corp.example": {{Host: "mx1.corp.example."}, {Host: "mx2.corp.example."}}}
	b.Site("corp.example")
	b.lookUp(t)
	few, most := 3, 5
	site := b.Site("corp.example")
	if err := b.SetSiteLimits(t.Context(), []SiteLimit{{Site: "Corp.example", InFlight: &most}, {Site: "gmail.com", InFlight: &few}}); err != nil {
		t.Fatal(err)
	}
	if n, _ := b.claimSite(t, r, node, site, 100); n != most {
		t.Errorf("%d at once go to %s, %d are allowed", n, site, most)
	}
	if n, _ := b.claimSite(t, r, node, "google", 100); n != few {
		t.Errorf("%d at once go to Google, %d are allowed for gmail.com", n, few)
	}
	b.siteDone(t, r, node, site, SiteResult{Count: most, Sent: most})
	one := 1
	if err := b.SetSiteLimits(t.Context(), []SiteLimit{{Site: "corp.example", InFlight: &most}, {Site: site, InFlight: &one}}); err != nil {
		t.Fatal(err)
	}
	if n, _ := b.claimSite(t, r, node, site, 100); n != one {
		t.Errorf("%d at once, the site's own limit is %d", n, one)
	}
}

// A company at Google with a limit of its own is no reason to send less to all of Google.
func TestLimitForADomainDoesNotBoundItsProvider(t *testing.T) {
	t.Parallel()
	b, r, node := siteBundle(t)
	b.dns.mx = map[string][]*net.MX{"corp.example": {{Host: "aspmx.l.google.com."}}}
	b.Site("corp.example")
	b.lookUp(t)
	one := 1
	if err := b.SetSiteLimits(t.Context(), []SiteLimit{{Site: "google"}, {RelayID: &r.ID, Site: "corp.example", InFlight: &one}}); err != nil {
		t.Fatal(err)
	}
	if n, _ := b.claimSite(t, r, node, "google", 100); n != 100 {
		t.Errorf("%d at once go to Google", n)
	}
}

// Who replaces the limits while somebody else does gets what one of them wanted.
func TestLimitsThatTwoSetAtOnceAreThoseOfOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for round := range 20 {
		var group errgroup.Group
		for _, sites := range [][]string{{"a.example", "b.example"}, {"b.example", "c.example"}} {
			group.Go(func() error { return b.SetSiteLimits(t.Context(), []SiteLimit{{Site: sites[0]}, {Site: sites[1]}}) })
		}
		if err := group.Wait(); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if set, _, err := b.ListSiteLimits(t.Context()); err != nil || len(set) != 2 {
			t.Fatalf("round %d: %+v, %v", round, set, err)
		}
	}
}

// Whoever comes after a limit was raised does not wait behind the line of the old one.
func TestAnotherLimitBeginsAnotherLine(t *testing.T) {
	t.Parallel()
	b, r, node := siteBundle(t)
	slow, fast := 1, 6000
	if err := b.SetSiteLimits(t.Context(), []SiteLimit{{Site: "busy.example", PerMinute: &slow}}); err != nil {
		t.Fatal(err)
	}
	b.tx(t, func(tx pgx.Tx) error {
		rooms, err := SiteRoomTx(t.Context(), tx, r, []string{"busy.example"})
		if err != nil {
			return err
		}
		for range 300 {
			rooms["busy.example"].PutOff()
		}
		return SitesClaimedTx(t.Context(), tx, r, node, nil, rooms)
	})
	if s := b.relaySite(t, r); s.PutOffUntil == nil || time.Until(*s.PutOffUntil) < 4*time.Hour {
		t.Fatalf("%+v", s)
	}
	if err := b.SetSiteLimits(t.Context(), []SiteLimit{{Site: "busy.example", PerMinute: &fast}}); err != nil {
		t.Fatal(err)
	}
	_, room := b.claimSite(t, r, node, "busy.example", 1000)
	if at := room.PutOff(); time.Until(at) > 5*time.Second {
		t.Errorf("the next one is put off until %s", at)
	}
}
