package audience

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
)

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

// TestAskAgainIsLimitedAndHasAllThatWasSaid is the way out of an expired link.
func TestAskAgainIsLimitedAndHasAllThatWasSaid(t *testing.T) {
	t.Parallel()
	b := signSetup(t)
	news := b.doubleList("News")
	id := b.send(b.form([]int64{news}, func(in *FormInput) { in.Fields = []FormField{{Name: "name"}} }), "ann@example.org", "name", "Ann")
	again := func() int {
		t.Helper()
		if err := b.AskAgain(b.ctx, b.ref(id)); err != nil {
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
	for range 3 {
		if n := again(); n != 2 {
			t.Errorf("%d mails a moment later", n)
		}
	}
	if n := b.count(`SELECT count(*) FROM signups`); n != 2 {
		t.Errorf("asking in vain left %d rows behind", n-2)
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
	if err := b.DeclineSignup(b.ctx, b.ref(id)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.FindSubscriber(b.ctx, "ann@example.org"); !errs.Is(err, errs.NotFound) || b.state(id) != SignupDeclined {
		t.Errorf("%v, %s", err, b.state(id))
	}
	if err := b.ConfirmSignup(b.ctx, b.ref(id), "", ""); !errs.Is(err, errs.Conflict) {
		t.Errorf("confirmed afterwards: %v", err)
	}
	b.at = b.at.Add(48 * time.Hour)
	if got := b.state(b.send(f, "ann@example.org")); got != SignupLimited {
		t.Errorf("a mail after they said no: %s", got)
	}
	done := b.send(f, "bob@example.org")
	b.confirm(done)
	if err := b.DeclineSignup(b.ctx, b.ref(done)); err != nil {
		t.Fatal(err)
	}
	b.wantStatus("bob@example.org", news, StatusSubscribed)
}

// TestListsThatWereLeftAreStillLeft: Ann leaves one list, is deleted, and confirms another one.
func TestListsThatWereLeftAreStillLeft(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]func(b *signBundle, id, list int64){
		"left":           func(*signBundle, int64, int64) {},
		"wanted nothing": func(b *signBundle, _, _ int64) { b.suppressFor("ann@example.org", ReasonUnsubscribe) },
		"deleted twice": func(b *signBundle, id, list int64) {
			if err := b.DeleteSubscriber(b.ctx, id); err != nil {
				b.t.Fatal(err)
			}
			b.person("ann@example.org", map[int64]string{b.list("Third"): StatusUnsubscribed})
		},
		"left by an old mail": func(b *signBundle, id, list int64) {
			b.exec(`DELETE FROM subscriptions WHERE subscriber_id = $1`, id)
			if err := b.DeleteSubscriber(b.ctx, id); err != nil {
				b.t.Fatal(err)
			}
			err := pgx.BeginFunc(b.ctx, b.pool, func(tx pgx.Tx) error {
				_, err := b.LeaveTx(b.ctx, tx, Leave{SubscriberID: id, EmailKey: "ann@example.org", ListIDs: []int64{list}, Source: SourceUnsubscribe, CampaignID: 1})
				return err
			})
			if err != nil {
				b.t.Fatal(err)
			}
			b.person("ann@example.org", nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := signSetup(t)
			left, gone, news := b.list("Left"), b.list("Gone"), b.doubleList("News")
			before(b, b.person("ann@example.org", map[int64]string{left: StatusUnsubscribed, gone: StatusUnsubscribed}), left)
			if err := b.DeleteSubscriber(b.ctx, must[Subscriber](t)(b.FindSubscriber(b.ctx, "ann@example.org")).ID); err != nil {
				t.Fatal(err)
			}
			if err := b.DeleteList(b.ctx, gone); err != nil {
				t.Fatal(err)
			}
			b.confirm(b.send(b.form([]int64{news}), "ann@example.org"))
			b.wantStatus("ann@example.org", news, StatusSubscribed)
			b.wantStatus("ann@example.org", left, StatusUnsubscribed)
			b.wantStatus("ann@example.org", gone, "")
		})
	}
}

// TestWhatIsAskedAgainIsConfirmed: the list has come to ask for no confirmation since, but who filled in the form is not known any better.
func TestWhatIsAskedAgainIsConfirmed(t *testing.T) {
	t.Parallel()
	b := signSetup(t)
	news := b.doubleList("News")
	f := b.form([]int64{news})
	link, resent := b.send(f, "ann@example.org"), b.send(f, "bob@example.org")
	b.at = b.at.AddDate(0, 0, 8)
	must[int](t)(b.TidySignups(b.ctx))
	must[OptIn](t)(b.SetOptIn(b.ctx, news, OptInInput{Mode: OptInSingle}))
	if err := b.AskAgain(b.ctx, b.ref(link)); err != nil {
		t.Fatal(err)
	}
	if err := b.ResendSignup(b.ctx, news, resent); err != nil {
		t.Fatal(err)
	}
	if len(b.mails) != 4 {
		t.Fatalf("mails %v", b.mails)
	}
	for i, email := range []string{"ann@example.org", "bob@example.org"} {
		b.wantStatus(email, news, StatusUnconfirmed)
		b.confirm(b.mails[2+i])
		b.wantStatus(email, news, StatusSubscribed)
	}
}

// TestWhoDeclinedIsNotAskedAgain also when the limit of such mails is over.
func TestWhoDeclinedIsNotAskedAgain(t *testing.T) {
	t.Parallel()
	b := signSetup(t)
	news := b.doubleList("News")
	id := b.send(b.form([]int64{news}), "ann@example.org")
	b.sent(id)
	b.at = b.at.AddDate(0, 0, 6)
	if err := b.DeclineSignup(b.ctx, b.ref(id)); err != nil {
		t.Fatal(err)
	}
	b.at = start.Add(MailsPerListSpan + time.Hour)
	if err := b.ResendSignup(b.ctx, news, id); !errs.Is(err, errs.Conflict) || len(b.mails) != 1 {
		t.Errorf("%v, mails %v", err, b.mails)
	}
}

// TestAskingAgainInVainLeavesNothingBehind: the address came to be suppressed, or the list is gone.
func TestAskingAgainInVainLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	b := signSetup(t)
	news, other := b.doubleList("News"), b.doubleList("Other")
	bounced, gone := b.send(b.form([]int64{news}), "ann@example.org"), b.send(b.form([]int64{other}), "bob@example.org")
	b.at = b.at.AddDate(0, 0, 8)
	must[int](t)(b.TidySignups(b.ctx))
	b.suppressFor("ann@example.org", ReasonBounce)
	if err := b.DeleteList(b.ctx, other); err != nil {
		t.Fatal(err)
	}
	for _, id := range []int64{bounced, gone} {
		if err := b.AskAgain(b.ctx, b.ref(id)); err != nil {
			t.Error(err)
		}
	}
	if n := b.count(`SELECT count(*) FROM signups`); n != 2 || len(b.mails) != 2 {
		t.Errorf("%d rows, mails %v", n, b.mails)
	}
}

// TestTwoLinksConfirmedAtOnce: each has its own row in hand and answers that of the other. Both come as far as the list, which is held.
func TestTwoLinksConfirmedAtOnce(t *testing.T) {
	t.Parallel()
	b := signSetup(t)
	news := b.doubleList("News")
	f := b.form([]int64{news})
	first := b.send(f, "ann@example.org")
	b.at = b.at.Add(MailGap)
	second := b.send(f, "ann@example.org")
	tx := b.hold(t, `SELECT FROM lists WHERE id = $1 FOR UPDATE`, news)
	var ended [2]<-chan error
	for i, id := range []int64{first, second} {
		ref := b.ref(id)
		ended[i] = b.inTheBackground(t, i+1, func() error { return b.ConfirmSignup(b.ctx, ref, "", "") })
	}
	if err := tx.Rollback(b.ctx); err != nil {
		t.Fatal(err)
	}
	for i := range ended {
		if err := <-ended[i]; err != nil {
			t.Error(err)
		}
	}
	if n := b.count(`SELECT count(*) FROM signups WHERE state = 'confirmed'`); n != 2 {
		t.Errorf("%d are confirmed", n)
	}
}

// TestAMailboxIsHeldFirst: whoever waits for a mailbox holds nothing that one who has it could come to need.
func TestAMailboxIsHeldFirst(t *testing.T) {
	t.Parallel()
	b := signSetup(t)
	news := b.doubleList("News")
	f := b.form([]int64{news})
	ann := b.person("ann@example.org", nil)
	confirmed, resent := b.send(f, "carl@example.org"), b.send(f, "erik@example.org")
	b.sent(resent)
	b.at = b.at.AddDate(0, 0, 1)
	if _, err := b.SignUp(b.ctx, f, SignUp{FormValues: FormValues{Email: "dora@example.org"}}); err != nil {
		t.Fatal(err)
	}
	unsettled := b.waits[len(b.waits)-1]
	ref := b.ref(confirmed)
	for name, tc := range map[string]struct {
		email string
		do    func() error
		needs string // what somebody else does meanwhile
	}{
		"asking somebody": {"ann@example.org", func() error {
			_, err := b.AskSubscription(b.ctx, ann, news, StatusUnconfirmed, SourceAPI)
			return err
		}, fmt.Sprintf(`INSERT INTO subscriptions (list_id, subscriber_id, status, source) VALUES (%d, %d, 'unconfirmed', 'form')`, news, ann)},
		"making somebody known": {"bob@example.org", func() error {
			_, err := b.CreateSubscriber(b.ctx, NewSubscriber{Email: "bob@example.org", ListIDs: []int64{news}, Status: StatusUnconfirmed, SendConfirmation: true})
			return err
		}, `INSERT INTO subscribers (email, email_key) VALUES ('bob@example.org', 'bob@example.org')`},
		"confirming":   {"carl@example.org", func() error { return b.ConfirmSignup(b.ctx, ref, "", "") }, `SELECT FROM signups WHERE email_key = 'carl@example.org' FOR UPDATE`},
		"asking again": {"erik@example.org", func() error { return b.ResendSignup(b.ctx, news, resent) }, `SELECT FROM signups WHERE email_key = 'erik@example.org' FOR UPDATE`},
		"settling":     {"dora@example.org", func() error { return b.settleSignup(b.ctx, unsettled) }, `SELECT FROM signups WHERE email_key = 'dora@example.org' FOR UPDATE`},
	} {
		t.Run(name, func(t *testing.T) {
			tx := b.hold(t, `SET LOCAL lock_timeout = '10s'`)
			if err := lockMailbox(b.ctx, tx, mailboxKey(tc.email)); err != nil {
				t.Fatal(err)
			}
			ended := b.inTheBackground(t, 1, tc.do)
			if _, err := tx.Exec(b.ctx, tc.needs); err != nil {
				t.Error(err)
			}
			if err := tx.Rollback(b.ctx); err != nil {
				t.Fatal(err)
			}
			if err := <-ended; err != nil { // of two that wait for one another the database ends any
				t.Error(err)
			}
		})
	}
}

// TestALinkLeadsToTheSignUpThatItWasMadeFor: after a backup was put back another one may have its id.
func TestALinkLeadsToTheSignUpThatItWasMadeFor(t *testing.T) {
	t.Parallel()
	b := signSetup(t)
	id := b.send(b.form([]int64{b.doubleList("News")}), "ann@example.org")
	b.sent(id)
	other := NewSignupRef(id, b.at.Add(time.Second))
	for what, err := range map[string]error{
		"confirmed": b.ConfirmSignup(b.ctx, other, "", ""), "declined": b.DeclineSignup(b.ctx, other), "asked again": b.AskAgain(b.ctx, other),
	} {
		if !errs.Is(err, errs.NotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := b.SignupInfo(b.ctx, other); !errs.Is(err, errs.NotFound) {
		t.Errorf("shown: %v", err)
	}
	if info := must[SignupInfo](t)(b.SignupInfo(b.ctx, b.ref(id))); !info.Open {
		t.Errorf("%+v", info)
	}
	err := pgx.BeginFunc(b.ctx, b.pool, func(tx pgx.Tx) error {
		found, err := b.ConfirmationReportTx(b.ctx, tx, other, ReasonComplaint, "test", "")
		if found {
			t.Error("a complaint about the other one was taken")
		}
		return err
	})
	if err != nil || must[string](t)(suppressionOf(b.ctx, b.pool, "ann@example.org")) != "" {
		t.Errorf("suppressed, %v", err)
	}
}
