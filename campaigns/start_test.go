package campaigns

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/internal/settings"
	"postrider/sender"
)

func fields(t *testing.T, err error) map[string]string {
	t.Helper()
	var e *errs.E
	if !errors.As(err, &e) || e.Kind != errs.Invalid {
		t.Fatalf("got %v, want an invalid-input error", err)
	}
	got := map[string]string{}
	for _, f := range e.Fields {
		got[f.Name] += f.Message
	}
	return got
}

func TestStartSaysAllThatIsMissingAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c, err := b.Create(t.Context(), Input{Name: "Empty"})
	must(t, err)
	_, err = b.Start(t.Context(), c.ID)
	got := fields(t, err)
	for _, name := range []string{"list_ids", "from_email", "subject", "html", "relay_id"} {
		if got[name] == "" {
			t.Errorf("nothing is said about %s: %v", name, got)
		}
	}
}

func TestStartRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, field, text string
		change            func(*bundle, *Input)
	}{
		{"a filter that Liquid does not know", "html", "shout", func(_ *bundle, in *Input) { in.HTML = `<p>{{ subscriber.name | shout }}</p>` }},
		{"a domain without a DKIM key", "from_email", "no DKIM key for example.org", func(b *bundle, in *Input) {
			r := b.makeRelay(sender.RelayInput{Name: "Signing", DKIM: sender.DKIMSign})
			in.RelayIDs = []int64{r.ID}
		}},
		{"a From that nobody but its provider may send", "from_email", "gmail.com itself", func(b *bundle, in *Input) {
			r, err := b.d.Sender.CreateRelay(b.t.Context(), sender.RelayInput{Name: "Far", Host: "smtp.example.org", Port: 587, Auth: sender.AuthNone, DKIM: sender.DKIMOff})
			must(b.t, err)
			in.RelayIDs, in.FromEmail = []int64{r.ID}, "house@gmail.com"
		}},
		{"a paused relay", "relay_id", "is paused", func(b *bundle, _ *Input) {
			_, err := b.d.Sender.PauseRelay(b.t.Context(), b.relay.ID, "")
			must(b.t, err)
		}},
		{"an empty list", "list_ids", "are empty", func(b *bundle, _ *Input) { b.exec(`DELETE FROM subscriptions`) }},
		{"a list with nobody left to mail", "list_ids", "1 suppressed, 1 unsubscribed, 1 unconfirmed", func(b *bundle, _ *Input) {
			b.exec(`INSERT INTO suppressions (email_key, reason, source) VALUES ($1, 'bounce', 'test')`, person(1))
			b.exec(`UPDATE subscriptions SET status = 'unsubscribed' WHERE subscriber_id = (SELECT id FROM subscribers WHERE email_key = $1)`, person(2))
			b.exec(`UPDATE subscriptions SET status = 'unconfirmed' WHERE subscriber_id = (SELECT id FROM subscribers WHERE email_key = $1)`, person(3))
		}},
		{"a public URL that mail cannot link to", "public_url", "http://news.example.org", func(b *bundle, _ *Input) {
			_, err := b.d.Settings.Put(b.t.Context(), settings.Settings{Organization: "X", PublicURL: "http://news.example.org"})
			must(b.t, err)
		}},
		{"links to this machine in mail that leaves it", "public_url", "http://127.0.0.1:8080", func(b *bundle, in *Input) {
			_, err := b.d.Settings.Put(b.t.Context(), settings.Settings{Organization: "X", PublicURL: "http://127.0.0.1:8080"})
			must(b.t, err)
			r, err := b.d.Sender.CreateRelay(b.t.Context(), sender.RelayInput{Name: "Far", Host: "smtp.example.org", Port: 587, Auth: sender.AuthNone, DKIM: sender.DKIMOff})
			must(b.t, err)
			in.RelayIDs = []int64{r.ID}
		}},
		{"a From that is no address", "from_email", "not an e-mail address", func(_ *bundle, in *Input) { in.FromEmail = "House <house@example.org>" }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.people(3)
			c := b.draft(func(in *Input) { tc.change(b, in) })
			_, err := b.Start(t.Context(), c.ID)
			if got := fields(t, err)[tc.field]; !strings.Contains(got, tc.text) {
				t.Errorf("%s: %q does not say %q (%v)", tc.field, got, tc.text, err)
			}
			after, err := b.Get(t.Context(), c.ID)
			must(t, err)
			if after.Status != StatusDraft || len(query[int32](b, `SELECT seq FROM deliveries`))+len(query[int64](b, `SELECT subscriber_id FROM exclusions`)) != 0 {
				t.Error("something was done although the start was refused")
			}
		})
	}
}

func TestSecondStartIsAConflict(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(30)
	c := b.draft()
	errors := make([]error, 8)
	var wg sync.WaitGroup
	for i := range errors {
		wg.Go(func() { _, errors[i] = b.Start(t.Context(), c.ID) })
	}
	wg.Wait()
	started := 0
	for _, err := range errors {
		switch {
		case err == nil:
			started++
		case !errs.Is(err, errs.Conflict):
			t.Errorf("a double click gave %v", err)
		}
	}
	if started != 1 {
		t.Fatalf("started %d times", started)
	}
	_, err := b.Start(t.Context(), c.ID)
	if !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "was started at") {
		t.Errorf("a later start gave %v", err)
	}
	if st := b.awaitFinished(c.ID); st.Sent != 30 || len(b.smtp.Accepted()) != 30 {
		t.Errorf("%+v", st)
	}
}

func TestTextThatPostgresCannotHoldIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, bad := range []string{"a\x00b", "a\xffb"} {
		_, err := b.Create(t.Context(), Input{Name: "Letter", HTML: bad, Subject: bad})
		if got := fields(t, err); got["html"] == "" || got["subject"] == "" {
			t.Errorf("%q: %v", bad, got)
		}
	}
}

func TestStartFreezesAudienceAndContent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(10)
	b.exec(`INSERT INTO suppressions (email_key, reason, source) VALUES ($1, 'complaint', 'test')`, person(1))
	b.exec(`UPDATE subscriptions SET status = 'unsubscribed' WHERE subscriber_id = (SELECT id FROM subscribers WHERE email_key = $1)`, person(2))
	b.Drain()
	c := b.start()
	if c.Recipients != 8 || c.Excluded != 2 {
		t.Errorf("recipients %d, excluded %d", c.Recipients, c.Excluded)
	}
	out, err := b.ListExclusions(t.Context(), c.ID, "", "", page.Query{})
	must(t, err)
	reasons := map[string]string{}
	for _, x := range out.Items {
		reasons[x.Email] = x.Reason
	}
	if reasons[person(1)] != "suppressed" || reasons[person(2)] != "unsubscribed" {
		t.Errorf("exclusions %v", reasons)
	}
	if _, err := b.Update(t.Context(), c.ID, c.Input); !errs.Is(err, errs.Conflict) {
		t.Errorf("a running campaign was changed: %v", err)
	}
	// Who comes to the list now gets the next mailing, not this one.
	b.exec(`WITH s AS (INSERT INTO subscribers (email, email_key) VALUES ('late@example.org', 'late@example.org') RETURNING id)
		INSERT INTO subscriptions (list_id, subscriber_id, status, source) SELECT $1, id, 'subscribed', 'test' FROM s`, b.listID)
	b.draining.Store(false)
	if st := b.awaitFinished(c.ID); st.Sent != 8 || b.smtp.Count("late@example.org") != 0 {
		t.Errorf("%+v", st)
	}
}

func TestScheduledCampaignStartsAtItsTime(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(3)
	c := b.draft()
	if _, err := b.Schedule(t.Context(), c.ID, b.clock.now().Add(-time.Minute)); fields(t, err)["at"] == "" {
		t.Error("a time in the past was taken")
	}
	_, err := b.Schedule(t.Context(), c.ID, b.clock.now().Add(time.Hour))
	must(t, err)
	must(t, b.tick(t.Context()))
	if got, _ := b.Get(t.Context(), c.ID); got.Status != StatusScheduled {
		t.Fatalf("status %s before its time", got.Status)
	}
	b.clock.advance(61 * time.Minute)
	if st := b.awaitFinished(c.ID); st.Sent != 3 {
		t.Errorf("%+v", st)
	}
}

func TestScheduledCampaignThatCannotStartSaysWhy(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(1)
	c := b.draft()
	_, err := b.Schedule(t.Context(), c.ID, b.clock.now().Add(time.Hour))
	must(t, err)
	b.exec(`DELETE FROM subscriptions`)
	b.clock.advance(2 * time.Hour)
	must(t, b.tick(t.Context()))
	got, err := b.Get(t.Context(), c.ID)
	must(t, err)
	if why := *cmp.Or(got.PauseReason, new("none")); got.Status != StatusDraft || strings.Count(why, "lists are empty") != 1 {
		t.Errorf("status %s, reason %s", got.Status, why)
	}
}

// While the first of those that are due is being started, people call the second back and give the third another time.
func TestWhatWasCalledBackIsNotStartedByTheTick(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(3)
	var all []Campaign
	for i := range 3 {
		c, err := b.Schedule(t.Context(), b.draft().ID, b.clock.now().Add(time.Duration(i+1)*time.Minute))
		must(t, err)
		all = append(all, c)
	}
	b.clock.advance(time.Hour)
	release := holdLock(t, b, capLock)
	ticked := make(chan error, 1)
	go func() { ticked <- b.startDue(t.Context()) }()
	awaitLock(t, b, capLock, 1)
	_, err := b.Unschedule(t.Context(), all[1].ID)
	must(t, err)
	tomorrow := b.clock.now().Add(24 * time.Hour)
	_, err = b.Schedule(t.Context(), all[2].ID, tomorrow)
	must(t, err)
	release()
	must(t, <-ticked)
	for i, want := range map[int]Status{1: StatusDraft, 2: StatusScheduled} {
		if c, err := b.Get(t.Context(), all[i].ID); err != nil || c.Status != want || c.PauseReason != nil {
			t.Errorf("campaign %d is %s (%v), not %s", i+1, c.Status, err, want)
		}
	}
	b.awaitFinished(all[0].ID)
	if n := len(b.smtp.Accepted()); n != 3 {
		t.Errorf("%d messages were sent", n)
	}
}

// That a campaign could not start says nothing about what somebody has made of it meanwhile.
func TestWhatCouldNotStartIsLeftAloneWhenItWasChanged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(1)
	c, err := b.Schedule(t.Context(), b.draft().ID, b.clock.now().Add(time.Minute))
	must(t, err)
	b.clock.advance(time.Hour)
	seen, err := b.Get(t.Context(), c.ID)
	must(t, err)
	_, err = b.Schedule(t.Context(), c.ID, b.clock.now().Add(time.Hour))
	must(t, err)
	must(t, b.couldNotStart(t.Context(), seen, errs.New(errs.Invalid, "nobody was there")))
	if c, err = b.Get(t.Context(), c.ID); err != nil || c.Status != StatusScheduled || c.PauseReason != nil {
		t.Errorf("%s (%v), %v", c.Status, c.PauseReason, err)
	}
	must(t, b.couldNotStart(t.Context(), c, errs.New(errs.Invalid, "nobody was there")))
	if c, err = b.Get(t.Context(), c.ID); err != nil || c.Status != StatusDraft || c.PauseReason == nil {
		t.Errorf("%s (%v), %v", c.Status, c.PauseReason, err)
	}
}

// TestATroubleOfOursKeepsOthersFromNothing has the database refuse to start the first of two scheduled campaigns, and a part of the regular work.
func TestATroubleOfOursKeepsOthersFromNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(2)
	first, second := b.draft(), b.draft()
	for i, c := range []Campaign{first, second} {
		_, err := b.Schedule(t.Context(), c.ID, b.clock.now().Add(time.Duration(i+1)*time.Minute))
		must(t, err)
	}
	b.exec(fmt.Sprintf(`ALTER TABLE campaign_contents ADD CHECK (campaign_id <> %d)`, first.ID))
	b.clock.advance(time.Hour)
	must(t, b.startDue(t.Context()))
	if got, err := b.Get(t.Context(), first.ID); err != nil || got.Status != StatusScheduled || got.PauseReason != nil {
		t.Errorf("the first is %s (%v), %v", got.Status, got.PauseReason, err)
	}
	if !strings.Contains(b.log.String(), "a scheduled campaign was not started") {
		t.Error("the log does not say so")
	}
	b.awaitFinished(second.ID)

	b.exec(`ALTER TABLE reports RENAME COLUMN raw TO hidden`)
	b.exec(`INSERT INTO relay_hours (relay_id, hour, outcome, reason, shard, n) VALUES ($1, now() - interval '10 years', 'sent', '', 0, 1)`, b.relay.ID)
	if err := b.tick(t.Context()); err == nil || !strings.Contains(err.Error(), "raw") {
		t.Errorf("the tick says %v", err)
	}
	if n := query[int](b, `SELECT count(*) FROM relay_hours WHERE hour < now() - interval '9 years'`)[0]; n != 0 {
		t.Error("what comes after the part that failed was not done")
	}
}
