package campaigns

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postrider/campaigns/journal"
	"postrider/sender"
	"postrider/sender/smtptest"
)

// second gives the bundle another server with a relay of its own.
func (b *bundle) second(in sender.RelayInput, opts ...smtptest.Option) (*smtptest.Server, sender.Relay) {
	b.t.Helper()
	srv := smtptest.Start(b.t, opts...)
	in.Name, in.Host, in.Port, in.TLS, in.MaxConnections, in.DKIM = "Second relay", srv.Host(), srv.Port(), sender.TLSNone, 3, sender.DKIMOff
	r, err := b.d.Sender.CreateRelay(b.t.Context(), in)
	must(b.t, err)
	return srv, r
}

func through(relays ...sender.Relay) func(*Input) {
	return func(in *Input) {
		in.RelayIDs = nil
		for _, r := range relays {
			in.RelayIDs = append(in.RelayIDs, r.ID)
		}
	}
}

// peopleAt adds n subscribers with addresses in a domain.
func (b *bundle) peopleAt(n int, domain string) {
	b.t.Helper()
	b.exec(`
		WITH s AS (
			INSERT INTO subscribers (email, email_key, name) SELECT e, e, 'Person ' || i
			FROM (SELECT i, 'p' || i || '@' || $3::text AS e FROM generate_series(1, $1) AS i) x RETURNING id)
		INSERT INTO subscriptions (list_id, subscriber_id, status, source) SELECT $2, id, 'subscribed', 'test' FROM s`, n, b.listID, domain)
}

// once checks that n people got one message each, whichever server it came through, and that the ledger knows through which.
func (b *bundle) once(campaignID int64, n int, servers map[int64]*smtptest.Server) {
	b.t.Helper()
	all := map[string]int{}
	for id, srv := range servers {
		for to, count := range srv.Counts() {
			all[to] += count
			if relay := query[int64](b, `SELECT relay_id FROM deliveries WHERE campaign_id = $1 AND email = $2`, campaignID, to); relay[0] != id {
				b.t.Errorf("%s came through relay %d, the ledger says %d", to, id, relay[0])
			}
		}
	}
	for to, count := range all {
		if count != 1 {
			b.t.Errorf("%s got %d messages", to, count)
		}
	}
	if len(all) != n {
		b.t.Errorf("%d people got mail, want %d", len(all), n)
	}
}

func count(srv *smtptest.Server) int { return len(srv.Accepted()) }

func TestTwoRelaysShareByWeight(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.limit(func(in *sender.RelayInput) { in.Weight = number(3) })
	srv, second := b.second(sender.RelayInput{})
	b.people(400)
	c := b.start(through(b.relay, second))
	if st := b.awaitFinished(c.ID); st.Sent != 400 {
		t.Errorf("%+v", st)
	}
	if n := count(b.smtp); n < 296 || n > 304 {
		t.Errorf("%d through the relay of weight 3, %d through the one of weight 1", n, count(srv))
	}
	b.once(c.ID, 400, map[int64]*smtptest.Server{b.relay.ID: b.smtp, second.ID: srv})
}

func TestBackupTakesOverWhenTheOtherIsGone(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		first int // how many the first relay takes
		opts  []smtptest.Option
		down  func(b *bundle)
		in    sender.RelayInput
	}{
		{"it works", 60, nil, func(*bundle) {}, sender.RelayInput{}},
		{"connection refused", 0, nil, func(b *bundle) { _ = b.smtp.Close() }, sender.RelayInput{}},
		{"the login is refused", 0, []smtptest.Option{smtptest.WithUser("news", "right")}, func(*bundle) {},
			sender.RelayInput{Auth: sender.AuthPlain, Username: "news", Password: new(string)}},
		{"the quota is used up", 20, []smtptest.Option{smtptest.WithProvider(smtptest.Provider{Quota: smtptest.Quota{Messages: 20, Window: 24 * time.Hour, Reply: "550 5.4.5 Daily user sending limit exceeded"}})},
			func(*bundle) {}, sender.RelayInput{Provider: "gmail"}},
		{"the sender is refused", 0, []smtptest.Option{smtptest.WithReply("", smtptest.AtMail, "550 5.1.8 Sender address rejected: not owned by user")},
			func(*bundle) {}, sender.RelayInput{}},
		{"it asks for less", 0, []smtptest.Option{smtptest.WithReply("", smtptest.AtMail, "421 4.7.28 rate limited, try again in 30 minutes")},
			func(*bundle) {}, sender.RelayInput{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, tc.opts...)
			b.limit(func(in *sender.RelayInput) {
				*in = tc.in
				in.Name = "First relay"
				if in.Password != nil {
					*in.Password = "wrong"
				}
			})
			srv, backup := b.second(sender.RelayInput{Weight: new(int)})
			b.people(60)
			c := b.draft(through(b.relay, backup))
			tc.down(b)
			_, err := b.Start(t.Context(), c.ID)
			must(t, err)
			if tc.name == "the quota is used up" || tc.name == "it asks for less" || tc.name == "the sender is refused" {
				// One message is refused on each connection at most; it goes to the other relay at once and not after five minutes.
				b.await(c.ID, "everybody who was not refused", func(_ Campaign, st Stats) bool { return st.Queued+st.Claimed == 0 })
				b.clock.advance(2 * time.Second)
			}
			if st := b.awaitFinished(c.ID); st.Sent != 60 {
				t.Errorf("%+v", st)
			}
			if n := count(b.smtp); n != tc.first {
				t.Errorf("%d through the first relay, want %d", n, tc.first)
			}
			b.once(c.ID, 60, map[int64]*smtptest.Server{b.relay.ID: b.smtp, backup.ID: srv})
		})
	}
}

func TestRefusedRecipientIsNotTriedThroughAnotherRelay(t *testing.T) {
	t.Parallel()
	b := setup(t, smtptest.WithReply(person(3), smtptest.AtRcpt, "550 5.1.1 no such user"), smtptest.WithReply(person(4), smtptest.AtDot, "554 5.7.1 spam"))
	srv, backup := b.second(sender.RelayInput{Weight: new(int)})
	b.people(20)
	c := b.start(through(b.relay, backup))
	b.await(c.ID, "all answers", func(_ Campaign, st Stats) bool { return st.Sent == 18 && st.Queued+st.Claimed == 0 })
	b.clock.advance(2 * time.Second)
	b.await(c.ID, "nothing more", func(_ Campaign, st Stats) bool { return st.Queued+st.Claimed == 0 })
	if count(srv) != 0 {
		t.Errorf("the backup got %v", srv.Counts())
	}
}

// A greylisting server knows us by the relay's address: another relay would begin anew.
func TestGreylistedGoesThroughTheSameRelayAgain(t *testing.T) {
	t.Parallel()
	b := setup(t, smtptest.WithGreylist(&smtptest.Greylist{}))
	srv, second := b.second(sender.RelayInput{}, smtptest.WithGreylist(&smtptest.Greylist{}))
	b.people(41)
	c := b.start(through(b.relay, second))
	b.await(c.ID, "the greylisting", func(_ Campaign, st Stats) bool { return st.Deferred == 41 })
	b.clock.advance(6 * time.Minute)
	b.await(c.ID, "everybody at the second try", func(_ Campaign, st Stats) bool { return st.Sent == 41 })
	if tries := query[int](b, `SELECT max(attempts)::int FROM deliveries`); tries[0] != 2 || count(b.smtp) == 0 || count(srv) == 0 {
		t.Errorf("%d tries, %d and %d messages", tries[0], count(b.smtp), count(srv))
	}
}

func TestMailGoesToTheRelayOfItsRecipients(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.limit(func(in *sender.RelayInput) { in.RecipientSites = []string{"google", "corp.test"} })
	srv, rest := b.second(sender.RelayInput{Weight: new(int)})
	for _, domain := range []string{"gmail.com", "corp.test", "example.org", "yandex.ru"} {
		b.peopleAt(15, domain)
	}
	c := b.start(through(b.relay, rest))
	b.awaitFinished(c.ID)
	for to := range b.smtp.Counts() {
		if !strings.HasSuffix(to, "@gmail.com") && !strings.HasSuffix(to, "@corp.test") {
			t.Errorf("%s came through the relay for Google and corp.test", to)
		}
	}
	if count(b.smtp) != 30 || count(srv) != 30 {
		t.Errorf("%d and %d", count(b.smtp), count(srv))
	}
}

func TestStartLooksAtEachRelay(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, field, text string
		second            sender.RelayInput
		change            func(b *bundle, second sender.Relay)
	}{
		{"for another From", "relay_ids", `relay "Second relay" only takes mail From other.example`, sender.RelayInput{FromDomains: []string{"Other.example"}}, nil},
		{"paused", "relay_ids", `relay "Second relay" is paused`, sender.RelayInput{}, func(b *bundle, second sender.Relay) {
			_, err := b.d.Sender.PauseRelay(b.t.Context(), second.ID, "")
			must(b.t, err)
		}},
		{"without a key", "from_email", `relay "Second relay": there is no DKIM key`, sender.RelayInput{}, func(b *bundle, second sender.Relay) {
			b.exec(`UPDATE relays SET dkim = 'sign' WHERE id = $1`, second.ID)
		}},
		{"nobody for the others", "relay_ids", "only certain recipients", sender.RelayInput{RecipientSites: []string{"yandex"}}, func(b *bundle, _ sender.Relay) {
			b.exec(`UPDATE relays SET recipient_sites = '{google}' WHERE id = $1`, b.relay.ID)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.people(3)
			_, second := b.second(tc.second)
			c := b.draft(through(b.relay, second))
			if tc.change != nil {
				tc.change(b, second)
			}
			_, err := b.Start(t.Context(), c.ID)
			if got := fields(t, err)[tc.field]; !strings.Contains(got, tc.text) {
				t.Errorf("%s: %q does not say %q", tc.field, got, tc.text)
			}
		})
	}
}

// Where a relay is kept for other From domains after the start, the campaign goes on without it.
func TestRelayThatIsKeptForAnotherFromGetsNothingMore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	srv, second := b.second(sender.RelayInput{})
	b.people(30)
	b.Drain()
	c := b.start(through(b.relay, second))
	b.exec(`UPDATE relays SET from_domains = '{other.example}' WHERE id = $1`, b.relay.ID)
	b.draining.Store(false)
	if st := b.awaitFinished(c.ID); st.Sent != 30 || count(srv) != 30 {
		t.Errorf("%+v, %d through the other relay", st, count(srv))
	}
}

func TestDeletedRelayIsLeftOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, second := b.second(sender.RelayInput{})
	b.people(10)
	c := b.draft(through(second, b.relay))
	must(t, b.d.Sender.DeleteRelay(t.Context(), second.ID))
	after, err := b.Start(t.Context(), c.ID)
	must(t, err)
	if diff := cmp.Diff([]int64{b.relay.ID}, after.RelayIDs); diff != "" {
		t.Error(diff)
	}
	if st := b.awaitFinished(c.ID); st.Sent != 10 {
		t.Errorf("%+v", st)
	}
}

func TestLimitsOfEachRelayAreKept(t *testing.T) {
	t.Parallel()
	quota := func(n int) smtptest.Option {
		return smtptest.WithProvider(smtptest.Provider{Quota: smtptest.Quota{Messages: n, Window: 24 * time.Hour, Reply: "550 5.4.5 Daily limit exceeded"}})
	}
	b := setup(t, quota(20))
	b.limit(func(in *sender.RelayInput) { in.Limits.PerDay = number(20) })
	srv, second := b.second(sender.RelayInput{Limits: sender.Limits{PerHour: number(15)}}, quota(15))
	b.people(50)
	c := b.start(through(b.relay, second))
	st := b.awaitHeldUp(c.ID, 35)
	if count(b.smtp) != 20 || count(srv) != 15 || len(b.smtp.LimitViolations())+len(srv.LimitViolations()) != 0 {
		t.Errorf("%d and %d, violations %v %v", count(b.smtp), count(srv), b.smtp.LimitViolations(), srv.LimitViolations())
	}
	if !strings.Contains(st.HeldUp.Reason, "hour") || time.Until(st.HeldUp.Until) > 2*time.Hour {
		t.Errorf("held up %+v, want the relay that opens first", st.HeldUp)
	}
}

// Those whose only relay has to wait keep nobody else waiting, not even those behind all the ranges that may be out at once.
func TestWhoWaitsForARelayDoesNotKeepTheOthers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.limit(func(in *sender.RelayInput) { in.Limits.PerHour = number(10) })
	srv, google := b.second(sender.RelayInput{RecipientSites: []string{"google"}})
	b.peopleAt(200, "example.org")
	b.peopleAt(40, "gmail.com")
	c := b.start(through(b.relay, google))
	b.await(c.ID, "everybody at Google", func(_ Campaign, st Stats) bool { return st.Sent == 50 && st.Claimed == 0 })
	if count(srv) != 40 {
		t.Errorf("%d", count(srv))
	}
	if st, err := b.Stats(t.Context(), c.ID); err != nil || st.Deferred != 0 || st.Queued != 190 {
		t.Errorf("waiting is no attempt: %+v, %v", st, err)
	}
	b.exec(`UPDATE relays SET per_hour = NULL, updated_at = now() WHERE id = $1`, b.relay.ID)
	if st := b.awaitFinished(c.ID); st.Sent != 240 {
		t.Errorf("%+v", st)
	}
	b.once(c.ID, 240, map[int64]*smtptest.Server{b.relay.ID: b.smtp, google.ID: srv})
	if strings.Contains(b.log.String(), "no job") {
		t.Errorf("it had to be woken:\n%s", b.log)
	}
}

// The claims of a dead process are accounted for with the relay of each: its words, its share.
func TestSettlingFindsTheRelayOfEachClaim(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.limit(func(in *sender.RelayInput) { in.Limits.PerDay = number(100) })
	_, second := b.second(sender.RelayInput{Limits: sender.Limits{PerDay: number(100)}})
	c := b.crashed(8, 5, through(b.relay, second))
	b.exec(`UPDATE deliveries SET relay_id = CASE WHEN seq <= 3 THEN $2::bigint ELSE $3::bigint END WHERE campaign_id = $1 AND seq <= 5`, c.ID, b.relay.ID, second.ID)
	b.exec(`INSERT INTO relay_claims (relay_id, node_id, claimed) VALUES ($1, $3, 3), ($2, $3, 2)`, b.relay.ID, second.ID, deadNode)
	b.leaveJournal(func(j *journal.Journal) {
		for _, seq := range []int32{1, 4, 5} {
			_, err := j.Dot(journal.Entry{CampaignID: c.ID, Seq: seq, Attempt: 1})
			must(t, err)
			must(t, j.Reply(journal.Entry{CampaignID: c.ID, Seq: seq, Attempt: 1}, journal.Reply{Code: 250, Status: "2.0.0", Text: "queued"}, false))
		}
	})
	_, err := b.SettleLocal(t.Context(), b.dir)
	must(t, err)
	used := query[string](b, `SELECT relay_id || ' ' || sum(used) FROM relay_usage GROUP BY relay_id ORDER BY relay_id`)
	if diff := cmp.Diff([]string{fmt.Sprintf("%d 1", b.relay.ID), fmt.Sprintf("%d 2", second.ID)}, used); diff != "" {
		t.Error(diff)
	}
	if left := query[int](b, `SELECT COALESCE(sum(claimed), 0)::int FROM relay_claims`); left[0] != 0 {
		t.Errorf("%d still reserved", left[0])
	}
	want := []int64{b.relay.ID, second.ID, second.ID}
	if diff := cmp.Diff(want, query[int64](b, `SELECT relay_id FROM deliveries WHERE state = 2 ORDER BY seq`)); diff != "" {
		t.Error(diff)
	}
	b.draining.Store(false)
	if st := b.awaitFinished(c.ID); st.Sent != 8 {
		t.Errorf("%+v", st)
	}
}

// Should the process die now, the rows tell whose they are.
func TestClaimNotesTheRelayOfEach(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, second := b.second(sender.RelayInput{})
	b.people(10)
	b.Drain()
	c := b.start(through(b.relay, second))
	l, err := b.claim(t.Context(), DeliverArgs{CampaignID: c.ID, Run: 1, Lo: 1, Hi: 10}, 1)
	must(t, err)
	if len(l.claims) != 2 {
		t.Fatalf("%+v", l)
	}
	for _, part := range l.claims {
		for _, row := range part.rows {
			if got := query[int64](b, `SELECT relay_id FROM deliveries WHERE campaign_id = $1 AND seq = $2 AND state = 1`, c.ID, row.Seq); got[0] != part.relay.ID {
				t.Errorf("%d is claimed for relay %d, the row says %d", row.Seq, part.relay.ID, got[0])
			}
		}
	}
}

// A version that knows of one relay only changes relay_id alone, and what it says counts.
func TestRelayOfAnEarlierVersionCounts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, second := b.second(sender.RelayInput{})
	c := b.draft(through(b.relay))
	b.exec(`UPDATE campaigns SET relay_id = $2 WHERE id = $1`, c.ID, second.ID)
	after, err := b.Get(t.Context(), c.ID)
	must(t, err)
	if diff := cmp.Diff([]int64{second.ID}, after.RelayIDs); diff != "" {
		t.Error(diff)
	}
}

// A relay that sends as fast as it may is busy, and keeps its mail.
func TestBackupDoesNotHelpOneThatIsAtItsRate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.limit(func(in *sender.RelayInput) { in.Limits.PerMinute = number(15) })
	srv, backup := b.second(sender.RelayInput{Weight: new(int)})
	b.people(12)
	c := b.start(through(b.relay, backup))
	b.await(c.ID, "the second message", func(_ Campaign, _ Stats) bool { return count(b.smtp) >= 2 || count(srv) > 0 })
	if count(srv) != 0 {
		t.Errorf("the backup got %v", srv.Counts())
	}
	b.exec(`UPDATE relays SET status = 'paused', updated_at = now() WHERE id = $1`, b.relay.ID)
	if st := b.awaitFinished(c.ID); st.Sent != 12 {
		t.Errorf("%+v", st)
	}
	b.once(c.ID, 12, map[int64]*smtptest.Server{b.relay.ID: b.smtp, backup.ID: srv})
}
