package audience

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
	"postrider/internal/pg"
)

// audienceOf makes two lists with a person of every kind and says who should get which verdict.
func audienceOf(b *bundle) (lists []int64, want map[string]string) {
	one, two, elsewhere := b.list("One"), b.list("Two"), b.list("Elsewhere")
	people := []struct {
		email    string
		one, two string
		suppress bool
		verdict  string
	}{
		{"s-@x.org", StatusSubscribed, "", false, VerdictMail},
		{"ss@x.org", StatusSubscribed, StatusSubscribed, false, VerdictMail},
		{"su@x.org", StatusSubscribed, StatusUnsubscribed, false, VerdictMail},
		{"us@x.org", StatusUnsubscribed, StatusSubscribed, false, VerdictMail},
		{"sc@x.org", StatusSubscribed, StatusUnconfirmed, false, VerdictMail},
		{"c-@x.org", StatusUnconfirmed, "", false, VerdictUnconfirmed},
		{"cu@x.org", StatusUnconfirmed, StatusUnsubscribed, false, VerdictUnconfirmed},
		{"u-@x.org", StatusUnsubscribed, "", false, VerdictUnsubscribed},
		{"S@x.org", StatusSubscribed, StatusSubscribed, true, VerdictSuppressed},
		{"U@x.org", StatusUnsubscribed, "", true, VerdictSuppressed},
		{"--@x.org", "", "", false, ""},
	}
	want = map[string]string{}
	for _, p := range people {
		status := map[int64]string{elsewhere: StatusSubscribed}
		if p.one != "" {
			status[one] = p.one
		}
		if p.two != "" {
			status[two] = p.two
		}
		b.person(p.email, status)
		if p.suppress {
			b.suppress(p.email)
		}
		if p.verdict != "" {
			want[p.email] = p.verdict
		}
	}
	return []int64{one, two}, want
}

func TestMailableQueryGivesEachPersonOneVerdict(t *testing.T) {
	t.Parallel()
	b := setup(t)
	lists, want := audienceOf(b)
	rows := must[pgx.Rows](t)(b.pool.Query(b.ctx, MailableQuery(), lists, 0, math.MaxInt64, time.Now()))
	got := map[string]string{}
	var (
		id             int64
		email, verdict string
	)
	if _, err := pgx.ForEachRow(rows, []any{&id, &email, &verdict}, func() error {
		if got[email] != "" {
			t.Errorf("%s came twice", email)
		}
		got[email] = verdict
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	still := map[string]bool{}
	rows = must[pgx.Rows](t)(b.pool.Query(b.ctx, `SELECT p.email, `+StillMailableSQL("p.id", "p.email_key", "$1")+` FROM subscribers p`, lists))
	var ok bool
	if _, err := pgx.ForEachRow(rows, []any{&email, &ok}, func() error { still[email] = ok; return nil }); err != nil {
		t.Fatal(err)
	}
	if len(still) != len(want)+1 {
		t.Fatalf("asked about %d people, want %d", len(still), len(want)+1)
	}
	for email, ok := range still {
		if ok != (want[email] == VerdictMail) {
			t.Errorf("%s is still mailable: %v, but the verdict was %q", email, ok, want[email])
		}
	}
}

func TestAudienceCountsAndSample(t *testing.T) {
	t.Parallel()
	b := setup(t)
	lists, _ := audienceOf(b)
	got := must[AudienceCounts](t)(b.AudienceCounts(b.ctx, lists))
	want := AudienceCounts{Subscribed: 6, Mailable: 5, Excluded: []Excluded{{"suppressed", 2}, {"unconfirmed", 2}, {"unsubscribed", 1}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if s := must[Subscriber](t)(b.SampleSubscriber(b.ctx, lists)); s.Email != "sc@x.org" {
		t.Errorf("the sample is %s, want the newest mailable, sc@x.org", s.Email)
	}
	if _, err := b.SampleSubscriber(b.ctx, nil); !errs.Is(err, errs.NotFound) {
		t.Errorf("sample of no lists: %v", err)
	}
	if got := must[AudienceCounts](t)(b.AudienceCounts(b.ctx, nil)); got.Mailable != 0 || len(got.Excluded) != 0 {
		t.Errorf("audience of no lists: %+v", got)
	}
}

func TestUnsubscribeTx(t *testing.T) {
	t.Parallel()
	b := setup(t)
	one, two, three := b.list("One"), b.list("Two"), b.list("Three")
	id := b.person("a@x.org", map[int64]string{one: StatusSubscribed, two: StatusUnsubscribed, three: StatusSubscribed})
	for i, want := range []int{1, 0} {
		var n int
		err := pg.InTx(b.ctx, b.pool, func(tx pgx.Tx) (err error) {
			n, err = b.UnsubscribeTx(b.ctx, tx, id, []int64{one, two}, SourceUnsubscribe)
			return err
		})
		if err != nil || n != want {
			t.Errorf("call %d changed %d (%v), want %d", i+1, n, err, want)
		}
	}
	status := map[int64]string{}
	for _, s := range must[Subscriber](t)(b.GetSubscriber(b.ctx, id)).Subscriptions {
		status[s.ListID] = s.Status + " by " + s.Source
	}
	want := map[int64]string{one: "unsubscribed by unsubscribe link", two: "unsubscribed by admin", three: "subscribed by admin"}
	if d := cmp.Diff(want, status); d != "" {
		t.Error(d)
	}
}
