package audience

import (
	"slices"
	"testing"
	"time"

	"postrider/internal/errs"
	"postrider/internal/page"
)

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
	if err := b.ConfirmSignup(b.ctx, b.ref(edited), "", ""); !errs.Is(err, errs.Conflict) {
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
