package audience

import (
	"context"
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
	b.SetErasure([32]byte{7})
	return b
}

// ref is what the link in a sign-up's mail leads to.
func (b *signBundle) ref(id int64) SignupRef {
	b.t.Helper()
	return NewSignupRef(id, must[signup](b.t)(getSignup(b.ctx, b.pool, id, "")).CreatedAt)
}

// hold begins a transaction that holds what a statement locks.
func (b *bundle) hold(t *testing.T, sql string, args ...any) pgx.Tx {
	t.Helper()
	tx := must[pgx.Tx](t)(b.pool.Begin(b.ctx))
	t.Cleanup(func() { _ = tx.Rollback(context.WithoutCancel(b.ctx)) })
	if _, err := tx.Exec(b.ctx, sql, args...); err != nil {
		t.Fatal(err)
	}
	return tx
}

// inTheBackground calls a function, and waits until as many calls as n wait for a lock in the database. It fails when one ends before that.
func (b *bundle) inTheBackground(t *testing.T, n int, do func() error) <-chan error {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- do() }()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(30 * time.Second); ; {
		select {
		case err := <-ended:
			t.Fatal("it waited for nothing:", err)
		case <-deadline:
			t.Fatal("it waits for something that is no lock")
		case <-tick.C:
		}
		var waiting int
		if err := b.pool.QueryRow(b.ctx, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
		if waiting == n {
			return ended
		}
	}
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
	if err := b.ConfirmSignup(b.ctx, b.ref(id), "198.51.100.9", "Phone"); err != nil {
		b.t.Fatal(err)
	}
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
			err := b.ConfirmSignup(b.ctx, b.ref(id), "", "")
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
