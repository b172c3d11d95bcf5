package audience

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/internal/pg/pgtest"
)

// signBundle is a service whose clock and jobs are in the hands of the test.
type signBundle struct {
	*bundle
	at    time.Time
	mails []int64 // of ConfirmArgs
	waits []int64 // of SignupArgs
}

func (b *signBundle) InsertTx(_ context.Context, _ pgx.Tx, args river.JobArgs, _ *river.InsertOpts) (*rivertype.JobInsertResult, error) {
	switch a := args.(type) {
	case SignupArgs:
		b.waits = append(b.waits, a.SignupID)
	case ConfirmArgs:
		b.mails = append(b.mails, a.SignupID)
	}
	return &rivertype.JobInsertResult{}, nil
}

func signSetup(t *testing.T) *signBundle {
	t.Helper()
	b := &signBundle{bundle: &bundle{t: t, ctx: t.Context(), pool: pgtest.DB(t)}, at: start}
	b.Service = New(b.pool, slog.New(slog.DiscardHandler), func() time.Time { return b.at })
	b.SetJobs(b)
	return b
}

func (b *signBundle) doubleList(name string) int64 {
	b.t.Helper()
	id := b.list(name)
	must[OptIn](b.t)(b.SetOptIn(b.ctx, id, OptInInput{Mode: OptInDouble}))
	return id
}

func (b *signBundle) form(lists []int64, change ...func(*FormInput)) Form {
	b.t.Helper()
	in := FormInput{Name: fmt.Sprint("Form ", len(b.mails), b.at.Nanosecond(), lists), Enabled: true, ListIDs: lists, Consent: "I want mail", MaxPerHour: 1000}
	for _, fn := range change {
		fn(&in)
	}
	return must[Form](b.t)(b.CreateForm(b.ctx, in))
}

// send fills in a form, runs its job, and gives the id of the sign-up.
func (b *signBundle) send(f Form, email string, values ...string) int64 {
	b.t.Helper()
	in := SignUp{FormValues: FormValues{Email: email, ListIDs: f.ListIDs, Consent: true, Values: map[string]string{}}, IP: "192.0.2.7", UserAgent: "Browser", Page: "https://example.org/join"}
	for i := 0; i+1 < len(values); i += 2 {
		in.Values[values[i]] = values[i+1]
	}
	problems, err := b.SignUp(b.ctx, f, in)
	if err != nil || problems != nil {
		b.t.Fatal(problems, err)
	}
	id := b.waits[len(b.waits)-1]
	b.settle(id)
	return id
}

func (b *signBundle) settle(id int64) {
	b.t.Helper()
	if err := b.settleSignup(b.ctx, id); err != nil {
		b.t.Fatal(err)
	}
}

func (b *signBundle) state(id int64) string {
	b.t.Helper()
	return must[signup](b.t)(getSignup(b.ctx, b.pool, id, "")).State
}

// status gives the status on a list, "" for none, and its evidence.
func (b *signBundle) status(email string, list int64) (string, Evidence) {
	b.t.Helper()
	var status string
	var e *Evidence
	err := b.pool.QueryRow(b.ctx, `SELECT s.status, s.evidence FROM subscriptions s JOIN subscribers u ON u.id = s.subscriber_id WHERE u.email_key = $1 AND s.list_id = $2`, email, list).
		Scan(&status, &e)
	if err != nil && err != pgx.ErrNoRows { //nolint:errorlint // as QueryRow gives it
		b.t.Fatal(err)
	}
	if e == nil {
		e = &Evidence{}
	}
	return status, *e
}

func (b *signBundle) wantStatus(email string, list int64, want string) {
	b.t.Helper()
	if got, _ := b.status(email, list); got != want {
		b.t.Errorf("%s is %q on list %d, want %q", email, got, list, want)
	}
}

func (b *signBundle) mailOf(id int64) bool { return slices.Contains(b.mails, id) }

// sent plays the sender up to the server's reply.
func (b *signBundle) sent(id int64) {
	b.t.Helper()
	c := must[Confirmation](b.t)(b.ClaimConfirmation(b.ctx, id))
	if err := b.DotConfirmation(b.ctx, id, c.Attempt); err != nil {
		b.t.Fatal(err)
	}
	if err := b.RecordConfirmation(b.ctx, id, c.Attempt, ConfirmationResult{State: SignupSent, Code: 250, Reply: "250 ok"}); err != nil {
		b.t.Fatal(err)
	}
}

func (b *signBundle) confirm(id int64) {
	b.t.Helper()
	if err := b.ConfirmSignup(b.ctx, id, "198.51.100.9", "Phone"); err != nil {
		b.t.Fatal(err)
	}
}

func (b *signBundle) count(sql string, args ...any) (n int) {
	b.t.Helper()
	if err := b.pool.QueryRow(b.ctx, sql, args...).Scan(&n); err != nil {
		b.t.Fatal(err)
	}
	return n
}

func TestDoubleOptInFromFormToEvidence(t *testing.T) {
	t.Parallel()
	b := signSetup(t)
	news := b.doubleList("News")
	_, err := b.pool.Exec(b.ctx, `INSERT INTO fields (name, type) VALUES ('age', 'number')`)
	if err != nil {
		t.Fatal(err)
	}
	f := b.form([]int64{news}, func(in *FormInput) { in.Fields = []FormField{{Name: "name"}, {Name: "age"}} })
	id := b.send(f, "Ann@Example.org", "name", "Ann", "age", "42")
	b.settle(id) // a job may run twice
	b.wantStatus("ann@example.org", news, StatusUnconfirmed)
	if !slices.Equal(b.mails, []int64{id}) {
		t.Fatalf("mails %v, want one for %d", b.mails, id)
	}
	who := must[Subscriber](t)(b.FindSubscriber(b.ctx, "ann@example.org"))
	if who.Name != "" || len(who.Attributes) != 0 {
		t.Errorf("what a stranger says was believed: %+v", who)
	}
	b.sent(id)
	b.at = b.at.Add(time.Hour)
	b.confirm(id)
	b.confirm(id) // the button may be pressed twice
	got, e := b.status("ann@example.org", news)
	want := Evidence{IP: "198.51.100.9", UserAgent: "Phone", FormID: f.ID, Form: f.Name, Text: "I want mail", Page: "https://example.org/join", Note: "signed up on 2026-11-05T12:00:00Z from 192.0.2.7"}
	if diff := cmp.Diff(want, e); got != StatusSubscribed || diff != "" {
		t.Errorf("%s: %s", got, diff)
	}
	who = must[Subscriber](t)(b.FindSubscriber(b.ctx, "ann@example.org"))
	if who.Name != "Ann" || who.Attributes["age"] != 42.0 {
		t.Errorf("%+v", who)
	}
	var was string
	var before Evidence
	if err := b.pool.QueryRow(b.ctx, `SELECT status, evidence FROM subscription_history WHERE subscriber_id = $1`, who.ID).Scan(&was, &before); err != nil || was != StatusUnconfirmed || before.IP != "192.0.2.7" {
		t.Errorf("history %s %+v %v", was, before, err)
	}
	if b.state(id) != SignupConfirmed {
		t.Error(b.state(id))
	}
}

// TestWhoMustConfirm is about a list with single opt-in: who is new is on it at once, everybody else who is not on it confirms.
func TestWhoMustConfirm(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		before     func(b *signBundle, list int64)
		state      string // of the sign-up
		was        string // the status before confirming
		suppressed string // after confirming
	}{
		"new":             {func(*signBundle, int64) {}, SignupDone, StatusSubscribed, ""},
		"subscribed":      {func(b *signBundle, l int64) { b.person("ann@example.org", map[int64]string{l: StatusSubscribed}) }, SignupDone, StatusSubscribed, ""},
		"left":            {func(b *signBundle, l int64) { b.person("ann@example.org", map[int64]string{l: StatusUnsubscribed}) }, SignupPending, StatusUnsubscribed, ""},
		"never confirmed": {func(b *signBundle, l int64) { b.person("ann@example.org", map[int64]string{l: StatusUnconfirmed}) }, SignupPending, StatusUnconfirmed, ""},
		"wanted nothing":  {func(b *signBundle, _ int64) { b.suppressFor("ann@example.org", ReasonUnsubscribe) }, SignupPending, StatusUnconfirmed, ""},
		"bounced":         {func(b *signBundle, _ int64) { b.suppressFor("ann@example.org", ReasonBounce) }, SignupSuppressed, StatusUnconfirmed, ReasonBounce},
		"complained":      {func(b *signBundle, _ int64) { b.suppressFor("ann@example.org", ReasonComplaint) }, SignupSuppressed, StatusUnconfirmed, ReasonComplaint},
		"the domain is":   {func(b *signBundle, _ int64) { b.suppressKey("@example.org", ReasonManual) }, SignupSuppressed, StatusUnconfirmed, ReasonManual},
		"both for themselves": {func(b *signBundle, _ int64) {
			b.suppressFor("ann@example.org", ReasonUnsubscribe)
			b.suppressKey("@example.org", ReasonManual)
		}, SignupSuppressed, StatusUnconfirmed, ReasonManual},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := signSetup(t)
			list := b.list("News")
			tc.before(b, list)
			id := b.send(b.form([]int64{list}), "ann@example.org")
			b.wantStatus("ann@example.org", list, tc.was)
			if b.state(id) != tc.state || b.mailOf(id) != (tc.state == SignupPending) {
				t.Fatalf("state %s, mail %v", b.state(id), b.mailOf(id))
			}
			err := b.ConfirmSignup(b.ctx, id, "", "")
			if (err == nil) != (tc.state == SignupPending) {
				t.Errorf("confirming: %v", err)
			}
			if tc.state == SignupPending {
				b.wantStatus("ann@example.org", list, StatusSubscribed)
			}
			if got := must[string](t)(suppressionOf(b.ctx, b.pool, "ann@example.org")); got != tc.suppressed {
				t.Errorf("suppressed for %q, want %q", got, tc.suppressed)
			}
		})
	}
}

func (b *signBundle) suppressFor(email, reason string) {
	b.t.Helper()
	must[Suppression](b.t)(b.Suppress(b.ctx, email, reason, "test", ""))
}

func (b *signBundle) suppressKey(key, reason string) {
	b.t.Helper()
	if err := b.SuppressTx(b.ctx, b.pool, key, reason, "test", ""); err != nil {
		b.t.Fatal(err)
	}
}

// TestComingBackBringsNoOtherList: whoever wanted nothing is off all lists but the one that they confirm.
func TestComingBackBringsNoOtherList(t *testing.T) {
	t.Parallel()
	b := signSetup(t)
	news, other := b.doubleList("News"), b.list("Other")
	b.person("ann@example.org", map[int64]string{other: StatusSubscribed})
	b.suppressFor("ann@example.org", ReasonUnsubscribe)
	b.confirm(b.send(b.form([]int64{news}), "ann@example.org"))
	b.wantStatus("ann@example.org", news, StatusSubscribed)
	b.wantStatus("ann@example.org", other, StatusUnsubscribed)
}

// TestABounceMeanwhileStays: the address came to be suppressed between the mail and the button.
func TestABounceMeanwhileStays(t *testing.T) {
	t.Parallel()
	b := signSetup(t)
	id := b.send(b.form([]int64{b.doubleList("News")}), "ann@example.org")
	b.suppressFor("ann@example.org", ReasonComplaint)
	if _, err := b.ClaimConfirmation(b.ctx, id); !errs.Is(err, errs.NotFound) || b.state(id) != SignupSuppressed {
		t.Errorf("claimed: %v, %s", err, b.state(id))
	}
	other := b.send(b.form([]int64{b.doubleList("Other")}), "bob@example.org")
	b.sent(other)
	b.suppressFor("bob@example.org", ReasonBounce)
	b.confirm(other)
	if got := must[string](t)(suppressionOf(b.ctx, b.pool, "bob@example.org")); got != ReasonBounce {
		t.Error("confirming lifted a bounce")
	}
}

func TestLimitsOfAMailbox(t *testing.T) {
	t.Parallel()
	b := signSetup(t)
	news := b.doubleList("News")
	f := b.form([]int64{news})
	try := func(email, want string) {
		t.Helper()
		if got := b.state(b.send(f, email)); got != want {
			t.Errorf("after %v: %s, want %s", b.at.Sub(start), got, want)
		}
	}
	try("ann@gmail.com", SignupPending)
	try("ann+tag@gmail.com", SignupLimited) // the same mailbox, too soon
	try("a.n.n@googlemail.com", SignupLimited)
	try("bob@example.org", SignupPending)
	b.at = b.at.Add(MailGap)
	try("ann@gmail.com", SignupPending)
	b.at = b.at.Add(MailGap)
	try("ann@gmail.com", SignupPending)
	b.at = b.at.Add(48 * time.Hour)
	try("ann@gmail.com", SignupLimited) // three were not answered
	b.at = b.at.Add(MailsPerListSpan)
	try("ann@gmail.com", SignupPending)

	// Five a day over all lists.
	for i := range MailsPerMailbox + 1 {
		f = b.form([]int64{b.doubleList(fmt.Sprint("List ", i))})
		want := SignupPending
		if i == MailsPerMailbox {
			want = SignupLimited
		}
		try("carl@example.org", want)
	}
}

func TestAnAnswerBeginsTheCountAnew(t *testing.T) {
	t.Parallel()
	b := signSetup(t)
	news := b.doubleList("News")
	f := b.form([]int64{news})
	for range MailsPerList - 1 { // not answered in time
		b.send(f, "ann@example.org")
		b.at = b.at.AddDate(0, 0, 8)
		must[int](t)(b.TidySignups(b.ctx))
	}
	b.confirm(b.send(f, "ann@example.org"))
	b.at = b.at.Add(MailGap)
	b.send(f, "ann@example.org")
	b.at = b.at.Add(MailGap)
	if got := b.state(b.send(f, "ann@example.org")); got != SignupPending {
		t.Error(got)
	}
}

// TestTwoAtOnceGetOneMail: limits hold between transactions, also for addresses of one mailbox that are different people.
// TestTwoAtOnceGetOneMail holds the decision about a first mail open while a second one is to be decided: it must wait for the first and see it.
func TestTwoAtOnceGetOneMail(t *testing.T) {
	t.Parallel()
	b := signSetup(t)
	f := b.form([]int64{b.doubleList("News")})
	for i := range 2 {
		if _, err := b.SignUp(b.ctx, f, SignUp{FormValues: FormValues{Email: fmt.Sprintf("ann+%d@example.org", i)}}); err != nil {
			t.Fatal(err)
		}
	}
	tx := must[pgx.Tx](t)(b.pool.Begin(b.ctx))
	defer func() { _ = tx.Rollback(context.WithoutCancel(b.ctx)) }()
	if err := b.settleTx(b.ctx, tx, must[signup](t)(getSignup(b.ctx, tx, b.waits[0], "FOR UPDATE")), false); err != nil {
		t.Fatal(err)
	}
	second := make(chan error, 1)
	go func() { second <- b.settleSignup(b.ctx, b.waits[1]) }()
	for waiting := 0; waiting == 0 && len(second) == 0; {
		waiting = b.count(`SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
	}
	if err := tx.Commit(b.ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-second; err != nil {
		t.Fatal(err)
	}
	if n := b.count(`SELECT count(*) FROM signups WHERE state = 'pending'`); n != 1 {
		t.Errorf("%d mails", n)
	}
}

func TestLimitsOfANetwork(t *testing.T) {
	t.Parallel()
	b := signSetup(t)
	list := b.list("News")
	f := b.form([]int64{list}, func(in *FormInput) { in.MaxPerHour = 2 })
	try := func(ip string) error {
		_, err := b.SignUp(b.ctx, f, SignUp{FormValues: FormValues{Email: fmt.Sprintf("p%d@example.org", len(b.waits))}, IP: ip})
		return err
	}
	for _, ip := range []string{"2001:db8::1", "2001:db8::2:3"} {
		if err := try(ip); err != nil {
			t.Error(err)
		}
	}
	if err := try("2001:db8::9"); !errs.Is(err, errs.Unavailable) {
		t.Errorf("a third of the network: %v", err)
	}
	if err := try("2001:db8:0:1::9"); err != nil {
		t.Errorf("another network: %v", err)
	}
	b.at = b.at.Add(time.Hour + time.Second)
	if err := try("2001:db8::9"); err != nil {
		t.Errorf("an hour later: %v", err)
	}
	if st := must[FormStats](t)(b.FormStats(b.ctx, f.ID)); st.Total.Refused != 1 || st.Total.SignUps != 4 {
		t.Errorf("%+v", st.Total)
	}
}

func TestExpiryTakesBackWhatTheFormMade(t *testing.T) {
	t.Parallel()
	b := signSetup(t)
	news, other := b.doubleList("News"), b.doubleList("Other")
	f := b.form([]int64{news})
	b.send(f, "new@example.org")
	b.person("known@example.org", map[int64]string{b.list("Third"): StatusSubscribed})
	b.send(f, "known@example.org")
	b.person("left@example.org", map[int64]string{news: StatusUnsubscribed})
	b.send(f, "left@example.org")
	b.person("asked@example.org", map[int64]string{news: StatusUnconfirmed}) // by an admin
	b.send(f, "asked@example.org")
	edited := b.send(f, "edited@example.org")
	b.send(f, "twice@example.org")
	b.at = b.at.Add(24 * time.Hour)
	who := must[Subscriber](t)(b.FindSubscriber(b.ctx, "edited@example.org"))
	must[Subscriber](t)(b.UpdateSubscriber(b.ctx, who.ID, SubscriberUpdate{Email: who.Email, Name: "Edited"}))
	b.send(b.form([]int64{other}), "twice@example.org")
	if n := must[int](t)(b.TidySignups(b.ctx)); n != 0 {
		t.Fatalf("%d expired too soon", n)
	}
	b.at = start.Add(7*24*time.Hour + time.Minute)
	if n := must[int](t)(b.TidySignups(b.ctx)); n != 6 {
		t.Errorf("%d expired, want 6", n)
	}
	for email, want := range map[string]string{"known@example.org": "", "left@example.org": StatusUnsubscribed, "asked@example.org": StatusUnconfirmed, "edited@example.org": "", "twice@example.org": ""} {
		b.wantStatus(email, news, want)
		if _, err := b.FindSubscriber(b.ctx, email); err != nil {
			t.Errorf("%s is gone: %v", email, err)
		}
	}
	b.wantStatus("twice@example.org", other, StatusUnconfirmed)
	if _, err := b.FindSubscriber(b.ctx, "new@example.org"); !errs.Is(err, errs.NotFound) {
		t.Errorf("nothing is known of them, and they are there: %v", err)
	}
	p := must[page.Page[OptInRequest]](t)(b.ListOptInRequests(b.ctx, news, SignupExpired, page.Query{}))
	if len(p.Items) != 6 || !slices.ContainsFunc(p.Items, func(r OptInRequest) bool { return r.Email == "new@example.org" && r.SubscriberID == 0 }) {
		t.Errorf("%+v", p.Items)
	}
	if err := b.ConfirmSignup(b.ctx, edited, "", ""); !errs.Is(err, errs.Conflict) {
		t.Errorf("an expired link: %v", err)
	}
	b.at = b.at.Add(keepSignups + time.Hour)
	must[int](t)(b.TidySignups(b.ctx))
	if n := b.count(`SELECT count(*) FROM signups WHERE email LIKE 'new%' OR evidence ? 'ip' AND list_ids @> ARRAY[$1::bigint]`, news); n != 0 {
		t.Errorf("%d rows still tell who it was", n)
	}
	if st := must[FormStats](t)(b.FormStats(b.ctx, f.ID)); st.Total.Expired != 6 {
		t.Errorf("%+v", st.Total)
	}
}

// TestAskAgainIsLimitedAndHasAllThatWasSaid is the way out of an expired link.
func TestAskAgainIsLimitedAndHasAllThatWasSaid(t *testing.T) {
	t.Parallel()
	b := signSetup(t)
	news := b.doubleList("News")
	id := b.send(b.form([]int64{news}, func(in *FormInput) { in.Fields = []FormField{{Name: "name"}} }), "ann@example.org", "name", "Ann")
	again := func() int {
		t.Helper()
		if err := b.AskAgain(b.ctx, id); err != nil {
			t.Fatal(err)
		}
		return len(b.mails)
	}
	if n := again(); n != 1 {
		t.Errorf("%d mails while the link works", n)
	}
	b.at = b.at.AddDate(0, 0, 8)
	must[int](t)(b.TidySignups(b.ctx))
	if n := again(); n != 2 {
		t.Fatalf("%d mails", n)
	}
	if n := again(); n != 2 {
		t.Errorf("%d mails a moment later", n)
	}
	b.confirm(b.mails[1])
	if who := must[Subscriber](t)(b.FindSubscriber(b.ctx, "ann@example.org")); who.Name != "Ann" {
		t.Errorf("%+v", who)
	}
}

func TestDeclining(t *testing.T) {
	t.Parallel()
	b := signSetup(t)
	news := b.doubleList("News")
	f := b.form([]int64{news})
	id := b.send(f, "ann@example.org")
	if err := b.DeclineSignup(b.ctx, id); err != nil {
		t.Fatal(err)
	}
	if _, err := b.FindSubscriber(b.ctx, "ann@example.org"); !errs.Is(err, errs.NotFound) || b.state(id) != SignupDeclined {
		t.Errorf("%v, %s", err, b.state(id))
	}
	if err := b.ConfirmSignup(b.ctx, id, "", ""); !errs.Is(err, errs.Conflict) {
		t.Errorf("confirmed afterwards: %v", err)
	}
	b.at = b.at.Add(48 * time.Hour)
	if got := b.state(b.send(f, "ann@example.org")); got != SignupLimited {
		t.Errorf("a mail after they said no: %s", got)
	}
	done := b.send(f, "bob@example.org")
	b.confirm(done)
	if err := b.DeclineSignup(b.ctx, done); err != nil {
		t.Fatal(err)
	}
	b.wantStatus("bob@example.org", news, StatusSubscribed)
}

// TestOneMailForOneRequest is about processes that die or freeze at each point.
func TestOneMailForOneRequest(t *testing.T) {
	t.Parallel()
	b := signSetup(t)
	f := b.form([]int64{b.doubleList("News")})
	claim := func(id int64) Confirmation {
		t.Helper()
		return must[Confirmation](t)(b.ClaimConfirmation(b.ctx, id))
	}
	died := b.send(f, "one@example.org")
	first := claim(died)
	second := claim(died) // the first died before its dot
	if err := b.DotConfirmation(b.ctx, died, first.Attempt); !errs.Is(err, errs.Conflict) {
		t.Errorf("the first was only frozen, and sends: %v", err)
	}
	if err := b.DotConfirmation(b.ctx, died, second.Attempt); err != nil {
		t.Fatal(err)
	}
	if err := b.DotConfirmation(b.ctx, died, second.Attempt); !errs.Is(err, errs.Conflict) {
		t.Errorf("a second dot: %v", err)
	}
	if _, err := b.ClaimConfirmation(b.ctx, died); !errs.Is(err, errs.NotFound) || b.state(died) != SignupUncertain {
		t.Errorf("after a dot: %v, %s", err, b.state(died))
	}
	// The one that sent it was slow, not dead: what it knows counts.
	if err := b.RecordConfirmation(b.ctx, died, second.Attempt, ConfirmationResult{State: SignupSent, Code: 250}); err != nil || b.state(died) != SignupSent {
		t.Errorf("%v, %s", err, b.state(died))
	}
	deferred := b.send(f, "two@example.org")
	c := claim(deferred)
	if err := b.DotConfirmation(b.ctx, deferred, c.Attempt); err != nil {
		t.Fatal(err)
	}
	if err := b.RecordConfirmation(b.ctx, deferred, c.Attempt, ConfirmationResult{State: SignupPending, Code: 451, Reply: "451 later"}); err != nil {
		t.Fatal(err)
	}
	if c := claim(deferred); c.Attempt != 2 {
		t.Errorf("%+v", c)
	}
	b.at = b.at.Add(2 * stuckAfter)
	before := len(b.mails)
	must[int](t)(b.TidySignups(b.ctx))
	if got := b.mails[before:]; !slices.Equal(got, []int64{deferred}) {
		t.Errorf("woken: %v", got)
	}
}

func TestARequestOfTheAPI(t *testing.T) {
	t.Parallel()
	b := signSetup(t)
	news := b.doubleList("News")
	_, err := b.CreateSubscriber(b.ctx, NewSubscriber{Email: "ann@example.org", ListIDs: []int64{news}, SendConfirmation: true})
	if !errs.Is(err, errs.Invalid) {
		t.Errorf("subscribed and asked: %v", err)
	}
	who := must[Subscriber](t)(b.CreateSubscriber(b.ctx, NewSubscriber{Email: "ann@example.org", ListIDs: []int64{news}, Status: StatusUnconfirmed, Source: SourceAPI, SendConfirmation: true}))
	if len(b.mails) != 1 {
		t.Fatalf("mails %v", b.mails)
	}
	if _, err := b.AskSubscription(b.ctx, who.ID, news, StatusUnconfirmed, SourceAPI); !errs.Is(err, errs.Conflict) {
		t.Errorf("once more at once: %v", err)
	}
	if err := b.ResendSignup(b.ctx, news, b.mails[0]); !errs.Is(err, errs.Conflict) {
		t.Errorf("while one waits: %v", err)
	}
	b.sent(b.mails[0])
	b.at = b.at.Add(MailGap)
	if err := b.ResendSignup(b.ctx, news, b.mails[0]); err != nil {
		t.Fatal(err)
	}
	b.at = b.at.AddDate(0, 0, 30)
	must[int](t)(b.TidySignups(b.ctx))
	b.wantStatus("ann@example.org", news, StatusUnconfirmed) // a form did not make it
	b.suppressFor("ann@example.org", ReasonBounce)
	if _, err := b.AskSubscription(b.ctx, who.ID, news, StatusUnconfirmed, SourceAPI); !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "bounce") {
		t.Errorf("a suppressed address: %v", err)
	}
	if err := b.DeleteSubscriber(b.ctx, who.ID); err != nil {
		t.Fatal(err)
	}
	if n := b.count(`SELECT count(*) FROM signups WHERE email <> ''`); n != 0 {
		t.Errorf("%d rows tell of a deleted person", n)
	}
}

func TestReportsAboutAMail(t *testing.T) {
	t.Parallel()
	b := signSetup(t)
	id := b.send(b.form([]int64{b.doubleList("News")}), "ann@example.org")
	b.sent(id)
	var found bool
	err := pgx.BeginFunc(b.ctx, b.pool, func(tx pgx.Tx) (err error) {
		found, err = b.ConfirmationReportTx(b.ctx, tx, id, ReasonBounce, "test", "550 no such user")
		return err
	})
	if err != nil || !found || b.state(id) != SignupFailed {
		t.Errorf("%v %v %s", found, err, b.state(id))
	}
	if got := must[string](t)(suppressionOf(b.ctx, b.pool, "ann@example.org")); got != ReasonBounce {
		t.Error("not suppressed")
	}
}

func TestFormsAreChecked(t *testing.T) {
	t.Parallel()
	b := signSetup(t)
	list := b.list("News")
	_, err := b.pool.Exec(b.ctx, `INSERT INTO fields (name, type) VALUES ('tags', 'list')`)
	if err != nil {
		t.Fatal(err)
	}
	good := FormInput{Name: "F", ListIDs: []int64{list}, Enabled: true}
	for name, tc := range map[string]struct {
		change func(*FormInput)
		field  string
	}{
		"no name":              {func(in *FormInput) { in.Name = " " }, "name"},
		"no list":              {func(in *FormInput) { in.ListIDs = nil }, "list_ids"},
		"a list twice":         {func(in *FormInput) { in.ListIDs = []int64{list, list} }, "list_ids"},
		"a list that is none":  {func(in *FormInput) { in.ListIDs = []int64{list + 99} }, "list_ids"},
		"a script":             {func(in *FormInput) { in.RedirectURL = "javascript:alert(1)" }, "redirect_url"},
		"a relative way":       {func(in *FormInput) { in.RedirectURL = "//example.org" }, "redirect_url"},
		"a policy":             {func(in *FormInput) { in.RedirectURL = "https://a.example;script-src*/x" }, "redirect_url"},
		"a password":           {func(in *FormInput) { in.RedirectURL = "https://user:pw@example.org/" }, "redirect_url"},
		"an origin with path":  {func(in *FormInput) { in.AllowedOrigins = []string{"https://example.org/x"} }, "allowed_origins[0]"},
		"an origin and more":   {func(in *FormInput) { in.AllowedOrigins = []string{"https://a;b"} }, "allowed_origins[0]"},
		"every origin":         {func(in *FormInput) { in.AllowedOrigins = []string{"*"} }, "allowed_origins[0]"},
		"an unknown field":     {func(in *FormInput) { in.Fields = []FormField{{Name: "nothing"}} }, "fields[0].name"},
		"a field of that type": {func(in *FormInput) { in.Fields = []FormField{{Name: "tags"}} }, "fields[0].name"},
		"a field twice":        {func(in *FormInput) { in.Fields = []FormField{{Name: "name"}, {Name: "name"}} }, "fields[1].name"},
		"a language":           {func(in *FormInput) { in.Language = "xx" }, "language"},
	} {
		in := good
		tc.change(&in)
		_, err := b.CreateForm(b.ctx, in)
		var e *errs.E
		if !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if e, _ = err.(*errs.E); e == nil || e.Fields[0].Name != tc.field { //nolint:errorlint // as it is made
			t.Errorf("%s: %+v", name, e)
		}
	}
	good.AllowedOrigins = []string{"HTTPS://WWW.Example.org:8443/", "https://www.example.org:8443"}
	f := must[Form](t)(b.CreateForm(b.ctx, good))
	if diff := cmp.Diff([]string{"https://www.example.org:8443"}, f.AllowedOrigins); diff != "" {
		t.Error(diff)
	}
	if _, err := b.CreateForm(b.ctx, good); !errs.Is(err, errs.Conflict) {
		t.Errorf("the name twice: %v", err)
	}
	if got := must[Form](t)(b.FindForm(b.ctx, f.Slug)); got.ID != f.ID {
		t.Error("not found by its address")
	}
}

func TestWhatIsFilledInIsParsed(t *testing.T) {
	t.Parallel()
	f := Form{FormInput: FormInput{ConsentRequired: true, Choose: true, ListIDs: []int64{1, 2}, Fields: []FormField{
		{Name: "name", Type: FieldText, Required: true}, {Name: "n", Type: FieldNumber}, {Name: "d", Type: FieldDate}, {Name: "b", Type: FieldBoolean, Required: true}}}}
	v, bad := f.read(FormValues{Email: "a@example.org", Consent: true, ListIDs: []int64{2, 7, 2}, Values: map[string]string{
		"name": " Ann\r\nBcc: x@example.org ", "n": "1,5", "d": "2024-02-29", "b": "on", "admin": "yes"}})
	if diff := cmp.Diff(map[string]any{"n": 1.5, "d": "2024-02-29", "b": true}, v.attributes); diff != "" || len(bad) > 0 || v.name != "Ann Bcc: x@example.org" || !slices.Equal(v.listIDs, []int64{2}) {
		t.Errorf("%s %v %+v", diff, bad, v)
	}
	_, bad = f.read(FormValues{Email: "a@b@c", ListIDs: []int64{7}, Values: map[string]string{"name": "\xff", "n": "0x10", "d": "2023-02-29", "b": "false"}})
	want := FormProblems{"email": ProblemEmail, "consent": ProblemMissing, "lists": ProblemMissing, "name": ProblemText, "n": ProblemNumber, "d": ProblemDate, "b": ProblemMissing}
	if diff := cmp.Diff(want, bad); diff != "" {
		t.Error(diff)
	}
	for _, n := range []string{"NaN", "Inf", "1e999", "12a", "1_000"} {
		if _, p := (FormField{Type: FieldNumber}).read(n); p != ProblemNumber {
			t.Errorf("%s is a number", n)
		}
	}
	if _, p := (FormField{Type: FieldText}).read(strings.Repeat("ä", maxFormValue+1)); p != ProblemLong {
		t.Errorf("a long text: %q", p)
	}
}

func FuzzFormValues(f *testing.F) {
	f.Add("a@example.org", "text", "1.5", "2024-01-31")
	f.Add("a\r\nBcc: b@example.org", "\x00", "NaN", "0000-00-00")
	form := Form{FormInput: FormInput{ListIDs: []int64{1}, Fields: []FormField{{Name: "t", Type: FieldText}, {Name: "n", Type: FieldNumber}, {Name: "d", Type: FieldDate}, {Name: "name", Type: FieldText}}}}
	f.Fuzz(func(t *testing.T, email, text, number, date string) {
		v, bad := form.read(FormValues{Email: email, Values: map[string]string{"t": text, "n": number, "d": date, "name": text}})
		if len(bad) > 0 {
			return
		}
		raw, err := json.Marshal(v.attributes)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{v.name, v.address.Display, v.address.Key} {
			if strings.ContainsAny(s, "\r\n\x00") {
				t.Errorf("%q can end a line", s)
			}
		}
		if strings.Contains(string(raw), `\u0000`) || len(raw) > 20_000 {
			t.Errorf("not bounded: %q", raw)
		}
	})
}
