package audience

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/internal/pg"
)

// statuses gives the subscriptions of a person: list to status and where it came from.
func (b *bundle) statuses(id int64) map[int64]string {
	b.t.Helper()
	status := map[int64]string{}
	for _, s := range must[Subscriber](b.t)(b.GetSubscriber(b.ctx, id)).Subscriptions {
		status[s.ListID] = s.Status + " by " + s.Source
	}
	return status
}

func (b *bundle) wantStatuses(id int64, want map[int64]string) {
	b.t.Helper()
	if d := cmp.Diff(want, b.statuses(id)); d != "" {
		b.t.Error(d)
	}
}

func (b *bundle) leave(l Leave) bool {
	b.t.Helper()
	var left bool
	err := pg.InTx(b.ctx, b.pool, func(tx pgx.Tx) (err error) {
		left, err = b.LeaveTx(b.ctx, tx, l)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return left
}

func (b *bundle) comeBack(campaign int64, seq int32) bool {
	b.t.Helper()
	var back bool
	err := pg.InTx(b.ctx, b.pool, func(tx pgx.Tx) (err error) {
		back, err = b.ReturnTx(b.ctx, tx, campaign, seq, "", "undo")
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return back
}

func (b *bundle) choose(c PreferenceChange) (left bool, err error) {
	if c.Frequency == "" {
		c.Frequency = FrequencyAll
	}
	c.Source = "page"
	err = pg.InTx(b.ctx, b.pool, func(tx pgx.Tx) (err error) {
		left, err = b.SetPreferencesTx(b.ctx, tx, c)
		return err
	})
	return left, err
}

func TestLeavingIsNotedOnceAndTakenBackAsItWas(t *testing.T) {
	t.Parallel()
	b := setup(t)
	one, two, three := b.list("One"), b.list("Two"), b.list("Three")
	id := b.person("a@x.org", map[int64]string{one: StatusSubscribed, two: StatusUnconfirmed, three: StatusSubscribed})
	for i, want := range []bool{true, false} {
		if got := b.leave(Leave{SubscriberID: id, ListIDs: []int64{one, two}, Source: "link", CampaignID: 7, Seq: 3}); got != want {
			t.Errorf("call %d: left %v", i+1, got)
		}
	}
	b.wantStatuses(id, map[int64]string{one: "unsubscribed by link", two: "unsubscribed by link", three: "subscribed by admin"})
	u := must[Unsubscribe](t)(b.LastUnsubscribe(b.ctx, 7, 3))
	want := Unsubscribe{ID: u.ID, At: start, SubscriberID: id, Email: "a@x.org", CampaignID: 7, Seq: 3, Source: "link", ListNames: []string{"One", "Two"}}
	if d := cmp.Diff(want, u); d != "" {
		t.Error(d)
	}
	if b.comeBack(7, 4) {
		t.Error("another delivery's link took it back")
	}
	for i, want := range []bool{true, false} {
		if got := b.comeBack(7, 3); got != want {
			t.Errorf("undo %d: %v", i+1, got)
		}
	}
	b.wantStatuses(id, map[int64]string{one: "subscribed by undo", two: "unconfirmed by undo", three: "subscribed by admin"})
	if _, err := b.LastUnsubscribe(b.ctx, 7, 3); !errs.Is(err, errs.NotFound) {
		t.Errorf("after the undo: %v", err)
	}
}

func TestTakingBackLeavesWhatChangedSince(t *testing.T) {
	t.Parallel()
	b := setup(t)
	one, two := b.list("One"), b.list("Two")
	id := b.person("a@x.org", map[int64]string{one: StatusSubscribed, two: StatusUnconfirmed})
	b.leave(Leave{SubscriberID: id, ListIDs: []int64{one, two}, Source: "link", CampaignID: 7, Seq: 3})
	must[Subscriber](t)(b.SetSubscription(b.ctx, id, two, StatusSubscribed, SourceAdmin))
	b.now = func() time.Time { return start.Add(time.Hour) }
	must[Subscriber](t)(b.SetSubscription(b.ctx, id, one, StatusSubscribed, SourceAdmin))
	b.leave(Leave{SubscriberID: id, ListIDs: []int64{one}, Source: "other link", CampaignID: 8, Seq: 1})
	if !b.comeBack(7, 3) {
		t.Fatal("nothing was taken back")
	}
	b.wantStatuses(id, map[int64]string{one: "unsubscribed by other link", two: "subscribed by admin"})
}

func TestLeavingEverything(t *testing.T) {
	t.Parallel()
	b := setup(t)
	one, two := b.list("One"), b.list("Two")
	id := b.person("a@x.org", map[int64]string{one: StatusSubscribed, two: StatusSubscribed})
	other := b.person("b@x.org", map[int64]string{one: StatusSubscribed})
	if !b.leave(Leave{SubscriberID: id, Everything: true, Source: "page", CampaignID: 7, Seq: 3}) {
		t.Fatal("nothing changed")
	}
	b.wantStatuses(id, map[int64]string{one: "unsubscribed by page", two: "unsubscribed by page"})
	b.wantStatuses(other, map[int64]string{one: "subscribed by admin"})
	x := must[Suppression](t)(getSuppression(b.ctx, b.pool, "a@x.org"))
	if x.Reason != ReasonUnsubscribe || x.Source != "page" || x.Detail == "" {
		t.Errorf("suppression %+v", x)
	}
	// Being put on a list by an import or an admin later changes nothing.
	must[Subscriber](t)(b.SetSubscription(b.ctx, id, one, StatusSubscribed, SourceImport))
	if got := must[AudienceCounts](t)(b.AudienceCounts(b.ctx, []int64{one})); got.Mailable != 1 {
		t.Errorf("mailable: %+v", got)
	}
	if !b.comeBack(7, 3) {
		t.Fatal("nothing was taken back")
	}
	if who := must[Subscriber](t)(b.GetSubscriber(b.ctx, id)); who.Suppression != nil {
		t.Errorf("after the undo: %+v", who.Suppression)
	}
	b.wantStatuses(id, map[int64]string{one: "subscribed by import", two: "subscribed by undo"})
}

func TestTakingBackKeepsASuppressionOfAnotherKind(t *testing.T) {
	t.Parallel()
	b := setup(t)
	one := b.list("One")
	id := b.person("a@x.org", map[int64]string{one: StatusSubscribed})
	must[Suppression](t)(b.Suppress(b.ctx, "a@x.org", ReasonComplaint, "test", "spam"))
	b.leave(Leave{SubscriberID: id, Everything: true, Source: "page", CampaignID: 7, Seq: 3})
	b.comeBack(7, 3)
	if who := must[Subscriber](t)(b.GetSubscriber(b.ctx, id)); who.Suppression == nil || who.Suppression.Reason != ReasonComplaint {
		t.Errorf("suppression %+v", who.Suppression)
	}
}

func TestWhyPeopleLeft(t *testing.T) {
	t.Parallel()
	b := setup(t)
	one := b.list("One")
	if err := b.ExplainUnsubscribe(b.ctx, 7, 1, ReasonOther, "x"); !errs.Is(err, errs.NotFound) {
		t.Errorf("nobody left: %v", err)
	}
	var ids []int64
	for i, email := range []string{"a@x.org", "b@x.org", "c@x.org", "d@x.org"} {
		id := b.person(email, map[int64]string{one: StatusSubscribed})
		ids = append(ids, id)
		b.leave(Leave{SubscriberID: id, ListIDs: []int64{one}, Source: "link", CampaignID: 7, Seq: int32(i + 1)})
	}
	explain := func(seq int32, reason, comment string) {
		t.Helper()
		if err := b.ExplainUnsubscribe(b.ctx, 7, seq, reason, comment); err != nil {
			t.Error(err)
		}
	}
	explain(1, ReasonOther, "not yet")
	explain(1, ReasonTooOften, " three\r\na day ")
	explain(2, ReasonTooOften, strings.Repeat("é", MaxUnsubscribeComment))
	explain(3, ReasonNeverSignedUp, "")
	for _, bad := range [][2]string{{"", ""}, {"bored", ""}, {ReasonOther, strings.Repeat("é", MaxUnsubscribeComment+1)}, {ReasonOther, "\xff"}} {
		if err := b.ExplainUnsubscribe(b.ctx, 7, 4, bad[0], bad[1]); !errs.Is(err, errs.Invalid) {
			t.Errorf("%q gave %v", bad, err)
		}
	}
	want := []ReasonCount{{ReasonTooOften, 2}, {ReasonNotInterested, 0}, {ReasonNeverSignedUp, 1}, {ReasonNotRelevant, 0}, {ReasonOther, 0}, {"", 1}}
	if d := cmp.Diff(want, must[[]ReasonCount](t)(b.CountUnsubscribeReasons(b.ctx, 7))); d != "" {
		t.Error(d)
	}
	b.comeBack(7, 3)
	want[2].Count = 0
	if d := cmp.Diff(want, must[[]ReasonCount](t)(b.CountUnsubscribeReasons(b.ctx, 7))); d != "" {
		t.Error("after one came back: ", d)
	}
	seen := func(f UnsubscribeFilter) (emails []string) {
		t.Helper()
		q := page.Query{Limit: 1}
		for {
			p := must[page.Page[Unsubscribe]](t)(b.ListUnsubscribes(b.ctx, f, q))
			for _, u := range p.Items {
				emails = append(emails, u.Email+": "+u.Comment[:min(len(u.Comment), 11)])
			}
			if p.NextCursor == "" {
				return emails
			}
			q.Cursor = p.NextCursor
		}
	}
	if d := cmp.Diff([]string{"d@x.org: ", "c@x.org: ", "b@x.org: " + strings.Repeat("é", 5) + "\xc3", "a@x.org: three a day"}, seen(UnsubscribeFilter{CampaignID: 7})); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"a@x.org: three a day"}, seen(UnsubscribeFilter{SubscriberID: ids[0]})); d != "" {
		t.Error(d)
	}
	if got := seen(UnsubscribeFilter{CampaignID: 7, WithComment: true}); len(got) != 2 {
		t.Errorf("with words: %q", got)
	}
	if got := seen(UnsubscribeFilter{CampaignID: 7, Reason: ReasonNeverSignedUp}); len(got) != 1 {
		t.Errorf("by reason: %q", got)
	}
	// What a person wrote goes with them; that somebody left for a reason stays.
	if err := b.DeleteSubscriber(b.ctx, ids[0]); err != nil {
		t.Fatal(err)
	}
	if got := seen(UnsubscribeFilter{SubscriberID: ids[0]}); len(got) != 1 || got[0] != ": " {
		t.Errorf("after the deletion: %q", got)
	}
	if d := cmp.Diff(want, must[[]ReasonCount](t)(b.CountUnsubscribeReasons(b.ctx, 7))); d != "" {
		t.Error("after the deletion: ", d)
	}
}

func TestPreferencesShowOnlyWhatIsForTheirEyes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	mailed, public, hidden, notTheirs := b.list("Mailed"), b.list("Public"), b.list("Hidden"), b.list("Public of others")
	for _, id := range []int64{public, notTheirs} {
		if l := must[List](t)(b.PublishList(b.ctx, id, true)); !l.Public {
			t.Errorf("list %+v", l)
		}
	}
	id := b.person("a@x.org", map[int64]string{mailed: StatusSubscribed, public: StatusUnsubscribed, hidden: StatusSubscribed})
	p := must[Preferences](t)(b.Preferences(b.ctx, id, []int64{mailed}))
	want := Preferences{Frequency: FrequencyAll, Lists: []PreferenceList{{ID: mailed, Name: "Mailed", Status: StatusSubscribed}, {ID: public, Name: "Public", Status: StatusUnsubscribed}}}
	if d := cmp.Diff(want, p); d != "" {
		t.Error(d)
	}
	if _, err := b.Preferences(b.ctx, 999, nil); !errs.Is(err, errs.NotFound) {
		t.Errorf("nobody's preferences: %v", err)
	}
	// Nor can they be chosen by a request that was made up.
	all := []int64{mailed, public, hidden, notTheirs}
	left, err := b.choose(PreferenceChange{SubscriberID: id, CampaignID: 7, Seq: 3, CampaignLists: []int64{mailed}, Shown: all, On: []int64{public, notTheirs}})
	if err != nil || !left {
		t.Fatal(left, err)
	}
	b.wantStatuses(id, map[int64]string{mailed: "unsubscribed by page", public: "subscribed by page", hidden: "subscribed by admin"})
}

func TestChoosingLists(t *testing.T) {
	t.Parallel()
	b := setup(t)
	one, two, three := b.list("One"), b.list("Two"), b.list("Three")
	lists := []int64{one, two, three}
	id := b.person("a@x.org", map[int64]string{one: StatusSubscribed, two: StatusUnconfirmed, three: StatusSubscribed})
	change := PreferenceChange{SubscriberID: id, CampaignID: 7, Seq: 3, CampaignLists: lists}

	// What was not shown, and what they never confirmed, stays as it is.
	change.Shown, change.On = []int64{one, two}, []int64{one}
	if left, err := b.choose(change); left || err != nil {
		t.Fatal(left, err)
	}
	b.wantStatuses(id, map[int64]string{one: "subscribed by admin", two: "unconfirmed by admin", three: "subscribed by admin"})

	change.Shown, change.On = lists, []int64{two}
	if left, err := b.choose(change); !left || err != nil {
		t.Fatal(left, err)
	}
	b.wantStatuses(id, map[int64]string{one: "unsubscribed by page", two: "subscribed by page", three: "unsubscribed by page"})
	if u := must[Unsubscribe](t)(b.LastUnsubscribe(b.ctx, 7, 3)); len(u.ListNames) != 2 || u.Everything {
		t.Errorf("noted: %+v", u)
	}
}

func TestComingBackAfterHavingWantedNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	one, two, hidden := b.list("One"), b.list("Two"), b.list("Hidden")
	lists := []int64{one, two}
	id := b.person("a@x.org", map[int64]string{one: StatusSubscribed, two: StatusSubscribed, hidden: StatusSubscribed})
	b.leave(Leave{SubscriberID: id, Everything: true, Source: "page", CampaignID: 7, Seq: 3})
	for _, l := range []int64{one, two, hidden} { // an import brought them back meanwhile
		must[Subscriber](t)(b.SetSubscription(b.ctx, id, l, StatusSubscribed, SourceImport))
	}
	p := must[Preferences](t)(b.Preferences(b.ctx, id, lists))
	if !p.OptedOut() || p.Lists[0].Status != StatusUnsubscribed || p.Lists[1].Status != StatusUnsubscribed {
		t.Errorf("shown: %+v", p)
	}
	change := PreferenceChange{SubscriberID: id, CampaignID: 8, Seq: 3, CampaignLists: lists, Shown: lists}
	if _, err := b.choose(change); err != nil {
		t.Fatal(err)
	}
	if who := must[Subscriber](t)(b.GetSubscriber(b.ctx, id)); who.Suppression == nil {
		t.Error("saving without choosing a list lifted the suppression")
	}
	change.On = []int64{two}
	if _, err := b.choose(change); err != nil {
		t.Fatal(err)
	}
	if who := must[Subscriber](t)(b.GetSubscriber(b.ctx, id)); who.Suppression != nil {
		t.Errorf("still suppressed: %+v", who.Suppression)
	}
	b.wantStatuses(id, map[int64]string{one: "unsubscribed by page", two: "subscribed by page", hidden: "unsubscribed by page"})
}

func TestChoosingAListDoesNotUndoABounce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	one := b.list("One")
	id := b.person("a@x.org", map[int64]string{one: StatusUnsubscribed})
	b.suppress("a@x.org")
	if p := must[Preferences](t)(b.Preferences(b.ctx, id, []int64{one})); p.OptedOut() || p.Suppression == nil {
		t.Errorf("shown: %+v", p)
	}
	if _, err := b.choose(PreferenceChange{SubscriberID: id, CampaignLists: []int64{one}, Shown: []int64{one}, On: []int64{one}}); err != nil {
		t.Fatal(err)
	}
	if who := must[Subscriber](t)(b.GetSubscriber(b.ctx, id)); who.Suppression == nil {
		t.Error("the suppression is gone")
	}
}

func TestPauseAndFrequency(t *testing.T) {
	t.Parallel()
	b := setup(t)
	now := time.Now().UTC().Truncate(time.Microsecond) // pauses end by the clock of the database
	b.now = func() time.Time { return now }
	id := b.person("a@x.org", map[int64]string{})
	get := func() (pause *Pause, frequency *Frequency) {
		t.Helper()
		who := must[Subscriber](t)(b.GetSubscriber(b.ctx, id))
		return who.Pause, who.Frequency
	}
	set := func(months int, frequency string) {
		t.Helper()
		c := PreferenceChange{SubscriberID: id, Frequency: frequency}
		if months >= 0 {
			c.PauseMonths = &months
		}
		if _, err := b.choose(c); err != nil {
			t.Fatal(err)
		}
	}
	want := func(wantPause *Pause, wantFrequency *Frequency) {
		t.Helper()
		pause, frequency := get()
		if d := cmp.Diff(wantPause, pause) + cmp.Diff(wantFrequency, frequency); d != "" {
			t.Error(d)
		}
	}
	want(nil, nil)
	first := now
	set(3, FrequencyWeekly)
	pause, weekly := &Pause{Until: first.AddDate(0, 3, 0), Since: first, Source: "page"}, &Frequency{Limit: FrequencyWeekly, Since: first, Source: "page"}
	want(pause, weekly)
	// What stays keeps its evidence; what is chosen anew has new one.
	now = now.Add(time.Hour)
	set(-1, FrequencyWeekly)
	want(pause, weekly)
	set(1, FrequencyMonthly)
	want(&Pause{Until: now.AddDate(0, 1, 0), Since: now, Source: "page"}, &Frequency{Limit: FrequencyMonthly, Since: now, Source: "page"})
	set(0, FrequencyAll)
	want(nil, nil)
	set(6, FrequencyAll)
	if who := must[Subscriber](t)(b.LiftPause(b.ctx, id)); who.Pause != nil {
		t.Errorf("lifted: %+v", who.Pause)
	}
	if _, err := b.LiftPause(b.ctx, id); !errs.Is(err, errs.NotFound) {
		t.Errorf("lifting twice: %v", err)
	}
	if _, err := b.LiftPause(b.ctx, 999); !errs.Is(err, errs.NotFound) {
		t.Errorf("nobody's pause: %v", err)
	}
	two := 2
	for _, bad := range []PreferenceChange{{SubscriberID: id, PauseMonths: &two}, {SubscriberID: id, Frequency: "daily"}} {
		if _, err := b.choose(bad); !errs.Is(err, errs.Invalid) {
			t.Errorf("%+v gave %v", bad, err)
		}
	}
	if _, err := b.choose(PreferenceChange{SubscriberID: 999}); !errs.Is(err, errs.NotFound) {
		t.Errorf("nobody's choice: %v", err)
	}
}

func TestNobodyWatchesWhoDoesNotWantIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.person("a@x.org", map[int64]string{})
	for _, want := range []bool{true, true, false} {
		if _, err := b.choose(PreferenceChange{SubscriberID: id, NoTracking: want}); err != nil {
			t.Fatal(err)
		}
		who := must[Subscriber](t)(b.GetSubscriber(b.ctx, id))
		shown := must[Preferences](t)(b.Preferences(b.ctx, id, nil))
		if who.NoTracking != want || shown.NoTracking != want {
			t.Errorf("no tracking: %v, shown %v, want %v", who.NoTracking, shown.NoTracking, want)
		}
	}
}
