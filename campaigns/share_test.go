package campaigns

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postrider/sender"
)

// outletOf makes a relay that can be used, with an id, a weight and the only recipients that it takes.
func outletOf(id int64, weight, free int, sites ...string) outlet {
	return outlet{relay: sender.Relay{ID: id, Routing: sender.Routing{Weight: weight, RecipientSites: sites}}, free: free}
}

func shareOf(outlets ...outlet) *share {
	return &share{outlets: outlets, turns: map[int64]int{}, now: time.Now()}
}

// queuedFor makes deliveries to addresses in the domains, numbered from 1.
func queuedFor(domains string) []waiting {
	var rows []waiting
	for i, domain := range strings.Fields(domains) {
		domain = sender.DomainOf("a@" + domain)
		rows = append(rows, waiting{Seq: int32(i + 1), domain: domain, site: sender.SiteOf(domain)})
	}
	return rows
}

func TestShareFollowsTheWeightsEvenly(t *testing.T) {
	t.Parallel()
	sh := shareOf(outletOf(1, 3, 100), outletOf(2, 1, 100))
	got := sh.out(queuedFor(strings.Repeat("example.org ", 8)))
	if diff := cmp.Diff([]int64{1, 1, 2, 1, 1, 1, 2, 1}, got.relays); diff != "" {
		t.Error(diff)
	}
	if got.last != 8 || got.left.low != 0 || got.others[0] != 1 {
		t.Errorf("%+v", got)
	}
}

func TestShareKeepsToTheWeightsOverClaimsOfOne(t *testing.T) {
	t.Parallel()
	sh := shareOf(outletOf(1, 3, 100), outletOf(2, 1, 100))
	counts := map[int64]int{}
	for range 40 {
		counts[sh.out(queuedFor("example.org")).relays[0]]++
	}
	if counts[1] != 30 || counts[2] != 10 {
		t.Errorf("%v", counts)
	}
}

func TestShareChoosesTheRelay(t *testing.T) {
	t.Parallel()
	later := time.Now().Add(time.Hour)
	shut := func(o outlet) outlet { o.free, o.again = 0, later; return o }
	busy := func(o outlet) outlet { o.free, o.again, o.busy = 0, later, true; return o }
	second := int64(2)
	for _, tc := range []struct {
		name    string
		outlets []outlet
		queued  []waiting
		want    []int64
		left    int32 // the first that stays
		last    int32
	}{
		{"what one cannot take goes to the other", []outlet{outletOf(1, 1, 1), outletOf(2, 1, 9)}, queuedFor("a.test a.test a.test"), []int64{1, 2, 2}, 0, 3},
		{"a backup waits", []outlet{outletOf(1, 0, 9), outletOf(2, 5, 9)}, queuedFor("a.test a.test"), []int64{2, 2}, 0, 2},
		{"a backup does not help one that is merely busy", []outlet{outletOf(1, 5, 1), outletOf(2, 0, 9)}, queuedFor("a.test a.test"), []int64{1}, 0, 1},
		{"a backup helps when no other can be used", []outlet{shut(outletOf(1, 5, 0)), outletOf(2, 0, 9), outletOf(3, 0, 9)}, queuedFor("a.test a.test"), []int64{2, 2}, 0, 2},
		{"nor one that is at its rate, for its recipients", []outlet{busy(outletOf(1, 5, 0, "google")), outletOf(2, 0, 9)},
			queuedFor("gmail.com a.test"), []int64{2}, 1, 2},
		{"one that is at its rate leaves the rest to the others", []outlet{busy(outletOf(1, 5, 0)), outletOf(2, 1, 9)}, queuedFor("a.test a.test"), []int64{2, 2}, 0, 2},
		{"the receiver's relay is waited for when it is at its rate", []outlet{outletOf(1, 1, 9), busy(outletOf(2, 1, 0))},
			[]waiting{{Seq: 1, Email: "a@a.test", Tried: &second}, {Seq: 2, Email: "b@a.test"}}, []int64{1}, 1, 2},
		{"not the relay that it failed over from", []outlet{outletOf(1, 1, 9), outletOf(2, 100, 9)},
			[]waiting{{Seq: 1, Email: "a@a.test", Tried: &second, elsewhere: true}}, []int64{1}, 0, 1},
		{"unless there is no other", []outlet{shut(outletOf(1, 1, 0)), outletOf(2, 1, 9)},
			[]waiting{{Seq: 1, Email: "a@a.test", Tried: &second, elsewhere: true}}, []int64{2}, 0, 1},
		{"by provider, by domain, the rest to the backup", []outlet{outletOf(1, 1, 9, "google", "b.test"), outletOf(2, 0, 9)},
			queuedFor("gmail.com a.test b.test GoogleMail.com"), []int64{1, 2, 1, 1}, 0, 4},
		{"who has to wait does not keep the others waiting", []outlet{shut(outletOf(1, 1, 0)), outletOf(2, 1, 9, "google")},
			queuedFor("a.test gmail.com a.test"), []int64{2}, 1, 3},
		{"back to the relay that the receiver knows", []outlet{outletOf(1, 100, 9), outletOf(2, 0, 9)},
			[]waiting{{Seq: 4, Email: "a@a.test", Tried: &second}, {Seq: 5, Email: "b@a.test"}}, []int64{2, 1}, 0, 5},
		{"or to another when it cannot be used", []outlet{outletOf(1, 1, 9), shut(outletOf(2, 9, 0))},
			[]waiting{{Seq: 4, Email: "a@a.test", Tried: &second}}, []int64{1}, 0, 4},
		{"a recipient whom nobody takes stays", []outlet{outletOf(1, 1, 9, "google")}, queuedFor("a.test gmail.com"), []int64{1}, 1, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := shareOf(tc.outlets...).out(tc.queued)
			if diff := cmp.Diff(tc.want, got.relays); diff != "" {
				t.Error(diff)
			}
			if got.left.low != tc.left || got.last != tc.last {
				t.Errorf("left from %d on, looked until %d; want %d and %d", got.left.low, got.last, tc.left, tc.last)
			}
		})
	}
}

// A site that is full for one relay may still take mail from another; full for all, its people are put off and those of other sites go on.
func TestShareKeepsToTheRoomOfSites(t *testing.T) {
	t.Parallel()
	first, second := outletOf(1, 1, 9), outletOf(2, 1, 9)
	first.rooms = map[string]*sender.SiteRoom{"google": {Free: 1}}
	second.rooms = map[string]*sender.SiteRoom{"google": {Free: 2}}
	got := shareOf(first, second).out(queuedFor("gmail.com gmail.com gmail.com gmail.com a.test gmail.com"))
	if diff := cmp.Diff([]int32{1, 2, 3, 5}, got.seqs); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int32{4, 6}, got.off.seqs); diff != "" {
		t.Error(diff)
	}
	if got.left.low != 0 || got.last != 6 {
		t.Errorf("%+v", got)
	}
}
