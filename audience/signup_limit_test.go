package audience

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"postrider/internal/errs"
)

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
	tx := b.hold(t, `SELECT`)
	if err := b.settleTx(b.ctx, tx, must[signup](t)(holdSignup(b.ctx, tx, b.waits[0])), settling{}); err != nil {
		t.Fatal(err)
	}
	second := b.inTheBackground(t, 1, func() error { return b.settleSignup(b.ctx, b.waits[1]) })
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

// TestAStatusThatCameMeanwhileStays holds open that somebody else puts a person on a list, as an import or a page for leaving does, while a form does.
func TestAStatusThatCameMeanwhileStays(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		meanwhile, state, status string
	}{
		"left":            {StatusUnsubscribed, SignupPending, StatusUnsubscribed},
		"subscribed":      {StatusSubscribed, SignupDone, StatusSubscribed},
		"never confirmed": {StatusUnconfirmed, SignupPending, StatusUnconfirmed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := signSetup(t)
			list, other := b.list("News"), b.list("Other")
			who := b.person("ann@example.org", nil)
			f := b.form([]int64{list, other})
			if _, err := b.SignUp(b.ctx, f, SignUp{FormValues: FormValues{Email: "ann@example.org"}}); err != nil {
				t.Fatal(err)
			}
			tx := b.hold(t, `INSERT INTO subscriptions (list_id, subscriber_id, status, source) VALUES ($1, $2, $3, 'import')`, list, who, tc.meanwhile)
			id := b.waits[0]
			ended := b.inTheBackground(t, 1, func() error { return b.settleSignup(b.ctx, id) })
			if err := tx.Commit(b.ctx); err != nil {
				t.Fatal(err)
			}
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
			b.wantStatus("ann@example.org", list, tc.status)
			b.wantStatus("ann@example.org", other, StatusSubscribed)
			if got := b.state(id); got != tc.state || b.mailOf(id) != (tc.state == SignupPending) {
				t.Errorf("%s, mail %v", got, b.mailOf(id))
			}
			if asked := must[signup](t)(getSignup(b.ctx, b.pool, id, "")).ListIDs; tc.state == SignupPending && !slices.Equal(asked, []int64{list}) {
				t.Errorf("asked about %v", asked)
			}
		})
	}
}
