package campaigns

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postrider/sender"
)

// TestATestTakesTheRelayThatTheCampaignWouldTake has a relay for Google's mailboxes, one for all and a backup.
func TestATestTakesTheRelayThatTheCampaignWouldTake(t *testing.T) {
	t.Parallel()
	b := setup(t)
	google, forGoogle := b.second(sender.RelayInput{RecipientSites: []string{"google"}})
	backup := b.makeRelay(sender.RelayInput{Name: "Backup relay", Weight: new(int)})
	c := b.draft(through(backup, forGoogle, b.relay))
	try := func(in TestSend) []string {
		t.Helper()
		results, err := b.SendTest(t.Context(), c.ID, in)
		must(t, err)
		var got []string
		for _, r := range results {
			if !r.OK || r.RelayID == 0 {
				t.Errorf("%+v", r)
			}
			got = append(got, r.To+" by "+r.RelayName)
		}
		return got
	}
	to := []string{"ann@gmail.com", "bob@example.net"}
	if diff := cmp.Diff([]string{"ann@gmail.com by Second relay", "bob@example.net by Test relay"}, try(TestSend{To: to})); diff != "" {
		t.Error(diff)
	}
	if n := google.Counts(); n["ann@gmail.com"] != 1 || len(n) != 1 {
		t.Errorf("the relay for Google got mail for %v", n)
	}
	if diff := cmp.Diff([]string{"ann@gmail.com by Backup relay", "bob@example.net by Backup relay"}, try(TestSend{To: to, RelayID: backup.ID})); diff != "" {
		t.Errorf("a relay that was named: %s", diff)
	}
	_, err := b.d.Sender.PauseRelay(t.Context(), b.relay.ID, "")
	must(t, err)
	if diff := cmp.Diff([]string{"bob@example.net by Backup relay"}, try(TestSend{To: to[1:]})); diff != "" {
		t.Errorf("while the usual one is paused: %s", diff)
	}
	_, err = b.d.Sender.PauseRelay(t.Context(), backup.ID, "")
	must(t, err)
	results, err := b.SendTest(t.Context(), c.ID, TestSend{To: to[1:]})
	must(t, err)
	if r := results[0]; r.OK || r.RelayID != b.relay.ID || !strings.Contains(r.Reply, "paused") {
		t.Errorf("while all are paused: %+v", r)
	}
	other := b.makeRelay(sender.RelayInput{Name: "Somebody else's"})
	if _, err := b.SendTest(t.Context(), c.ID, TestSend{To: to, RelayID: other.ID}); !strings.Contains(fields(t, err)["relay_id"], "none of this campaign's relays") {
		t.Errorf("a relay of another campaign: %v", err)
	}
}

// TestATestLeavesAlonePausedAndBlockedRelays: with no other relay the first one's state is the answer, and nothing goes to its server.
func TestATestLeavesAlonePausedAndBlockedRelays(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		do, reply string
	}{
		"paused":                {`UPDATE relays SET status = 'paused'`, "paused"},
		"the quota is used up":  {`UPDATE relays SET blocked_until = now() + interval '5 hours', blocked_reason = '550 5.4.5 enough'`, "550 5.4.5 enough"},
		"outside of its window": {`UPDATE relays SET send_days = ARRAY[(extract(isodow FROM now())::int + 2) % 7 + 1], send_from = '01:00', send_until = '02:00'`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			c := b.draft()
			b.exec(tc.do)
			results, err := b.SendTest(t.Context(), c.ID, TestSend{To: []string{"me@example.net"}})
			must(t, err)
			r, refused := results[0], tc.reply != ""
			if r.OK == refused || r.RelayID != b.relay.ID || !strings.Contains(r.Reply, tc.reply) || (len(b.smtp.Accepted()) == 0) != refused {
				t.Errorf("%+v", r)
			}
		})
	}
}

// TestATestIsRefusedAsStartIs: what could not be sent so that receivers believe it is not tested either.
func TestATestIsRefusedAsStartIs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(1)
	outside, err := b.d.Sender.CreateRelay(t.Context(), sender.RelayInput{Name: "Outside", Host: "smtp.example.org", Port: 587, Auth: sender.AuthNone, DKIM: sender.DKIMOff})
	must(t, err)
	only := b.makeRelay(sender.RelayInput{Name: "Only ours", FromDomains: []string{"example.com"}})
	for name, change := range map[string]func(*Input){
		"a From that only its provider may send": func(in *Input) { through(outside)(in); in.FromEmail = "house@gmail.com" },
		"the same, through one of two relays":    func(in *Input) { through(b.relay, outside)(in); in.FromEmail = "house@gmail.com" },
		"a From that the relay does not take":    through(only),
	} {
		c := b.draft(change)
		_, started := b.Start(t.Context(), c.ID)
		_, tested := b.SendTest(t.Context(), c.ID, TestSend{To: []string{"me@example.net"}})
		want := fields(t, started)
		if len(want) == 0 {
			t.Errorf("%s: the campaign starts: %v", name, started)
		}
		if diff := cmp.Diff(want, fields(t, tested)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if n := len(b.smtp.Accepted()); n != 0 {
		t.Errorf("%d messages went out", n)
	}
}
