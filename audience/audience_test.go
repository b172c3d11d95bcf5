package audience

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"postrider/internal/errs"
)

// audienceOf makes two lists with a person of every kind and says who should get which verdict.
func audienceOf(b *bundle) (lists []int64, want map[string]string) {
	one, two, elsewhere := b.list("One"), b.list("Two"), b.list("Elsewhere")
	people := []struct {
		email    string
		one, two string
		suppress bool
		verdict  string
		set      string // what they chose, as SQL
	}{
		{"s-@x.org", StatusSubscribed, "", false, VerdictMail, ""},
		{"ss@x.org", StatusSubscribed, StatusSubscribed, false, VerdictMail, ""},
		{"su@x.org", StatusSubscribed, StatusUnsubscribed, false, VerdictMail, ""},
		{"us@x.org", StatusUnsubscribed, StatusSubscribed, false, VerdictMail, ""},
		{"sc@x.org", StatusSubscribed, StatusUnconfirmed, false, VerdictMail, ""},
		{"c-@x.org", StatusUnconfirmed, "", false, VerdictUnconfirmed, ""},
		{"cu@x.org", StatusUnconfirmed, StatusUnsubscribed, false, VerdictUnconfirmed, ""},
		{"u-@x.org", StatusUnsubscribed, "", false, VerdictUnsubscribed, ""},
		{"S@x.org", StatusSubscribed, StatusSubscribed, true, VerdictSuppressed, ""},
		{"U@x.org", StatusUnsubscribed, "", true, VerdictSuppressed, ""},
		{"--@x.org", "", "", false, "", ""},
		{"anybody@blocked.org", StatusSubscribed, "", false, VerdictSuppressed, blocked("blocked.org")},
		{"anybody@sub.blocked.org", StatusSubscribed, "", false, VerdictMail, ""},
		{"anybody@notblocked.org", StatusSubscribed, "", false, VerdictMail, ""},
		{"paused@x.org", StatusSubscribed, "", false, VerdictPaused, paused("1 minute")},
		{"was-paused@x.org", StatusSubscribed, "", false, VerdictMail, paused("-1 minute")},
		{"paused-suppressed@x.org", StatusSubscribed, "", true, VerdictSuppressed, paused("1 minute")},
		{"paused-left@x.org", StatusUnsubscribed, "", false, VerdictUnsubscribed, paused("1 minute")},
		{"paused-unconfirmed@x.org", StatusUnconfirmed, "", false, VerdictUnconfirmed, paused("1 minute")},
		{"weekly-never@x.org", StatusSubscribed, "", false, VerdictMail, wants("weekly")},
		{"weekly-now@x.org", StatusSubscribed, "", false, VerdictFrequency, wants("weekly") + mailed(2, "6 days 11 hours")},
		{"weekly-then@x.org", StatusSubscribed, "", false, VerdictMail, wants("weekly") + mailed(2, "6 days 13 hours")},
		{"weekly-queued@x.org", StatusSubscribed, "", false, VerdictFrequency, wants("weekly") + mailed(0, "60 days")},
		{"weekly-claimed@x.org", StatusSubscribed, "", false, VerdictFrequency, wants("weekly") + mailed(1, "60 days")},
		{"weekly-deferred@x.org", StatusSubscribed, "", false, VerdictFrequency, wants("weekly") + mailed(3, "60 days")},
		{"weekly-unconfirmed@x.org", StatusSubscribed, "", false, VerdictFrequency, wants("weekly") + mailed(6, "1 day")},
		{"weekly-bounced@x.org", StatusSubscribed, "", false, VerdictMail, wants("weekly") + mailed(4, "1 day")},
		{"weekly-failed@x.org", StatusSubscribed, "", false, VerdictMail, wants("weekly") + mailed(5, "1 day")},
		{"weekly-skipped@x.org", StatusSubscribed, "", false, VerdictMail, wants("weekly") + mailed(7, "1 day")},
		{"weekly-paused@x.org", StatusSubscribed, "", false, VerdictPaused, wants("weekly") + mailed(2, "1 day") + paused("1 day")},
		{"monthly-now@x.org", StatusSubscribed, "", false, VerdictFrequency, wants("monthly") + mailed(2, "27 days 11 hours")},
		{"monthly-then@x.org", StatusSubscribed, "", false, VerdictMail, wants("monthly") + mailed(2, "27 days 13 hours")},
		{"all-now@x.org", StatusSubscribed, "", false, VerdictMail, mailed(2, "1 minute")},
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
		id := b.person(p.email, status)
		for sql := range strings.SplitSeq(p.set, ";") {
			if sql != "" {
				must[pgconn.CommandTag](b.t)(b.pool.Exec(b.ctx, sql, id))
			}
		}
		if p.suppress {
			b.suppress(p.email)
		}
		if p.verdict != "" {
			want[p.email] = p.verdict
		}
	}
	return []int64{one, two}, want
}

// blocked suppresses a whole domain.
func blocked(domain string) string {
	return `;INSERT INTO suppressions (email_key, reason, source) SELECT '@` + domain + `', 'manual', 'test' WHERE $1 > 0`
}

func paused(until string) string {
	return `;UPDATE subscribers SET paused_until = now() + interval '` + until + `', paused_at = now(), paused_source = 'test' WHERE id = $1`
}

func wants(frequency string) string {
	return `;UPDATE subscribers SET frequency = '` + frequency + `', frequency_at = now(), frequency_source = 'test' WHERE id = $1`
}

func mailed(state int, ago string) string {
	return `;WITH c AS (INSERT INTO campaigns (name) VALUES ('Before') RETURNING id)
		INSERT INTO deliveries (campaign_id, seq, subscriber_id, email, state, updated_at)
		SELECT c.id, 1, $1, 'x', ` + strconv.Itoa(state) + `, now() - interval '` + ago + `' FROM c`
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
	left := map[string]string{}
	rows = must[pgx.Rows](t)(b.pool.Query(b.ctx, `SELECT p.email, COALESCE(`+LeftSQL("p", "$1")+`, 'mail') FROM subscribers p`, lists))
	if _, err := pgx.ForEachRow(rows, []any{&email, &verdict}, func() error { left[email] = verdict; return nil }); err != nil {
		t.Fatal(err)
	}
	// At the claim it does not matter how somebody is not subscribed, and how often they were mailed was looked at before.
	at := map[string]string{"--@x.org": VerdictUnsubscribed}
	for email, verdict := range want {
		switch verdict {
		case VerdictUnconfirmed:
			verdict = VerdictUnsubscribed
		case VerdictFrequency:
			verdict = VerdictMail
		}
		at[email] = verdict
	}
	if d := cmp.Diff(at, left); d != "" {
		t.Error(d)
	}
}

// The bounds of a part hold also for those with a frequency.
func TestPartsOfAnAudienceAddUpToIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	lists, want := audienceOf(b)
	got := map[string]string{}
	var id int64
	var email, verdict string
	for from := range int64(len(want) + 1) {
		rows := must[pgx.Rows](t)(b.pool.Query(b.ctx, MailableQuery(), lists, from, from+1, time.Now()))
		if _, err := pgx.ForEachRow(rows, []any{&id, &email, &verdict}, func() error { got[email] = verdict; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestAudienceCountsAndSample(t *testing.T) {
	t.Parallel()
	b := setup(t)
	lists, _ := audienceOf(b)
	got := must[AudienceCounts](t)(b.AudienceCounts(b.ctx, lists))
	want := AudienceCounts{Exact: true, Subscribed: 26, Mailable: 15, Excluded: []Excluded{{"frequency", 6}, {"paused", 2}, {"suppressed", 4}, {"unconfirmed", 3}, {"unsubscribed", 2}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if s := must[Subscriber](t)(b.SampleSubscriber(b.ctx, lists)); s.Email != "all-now@x.org" {
		t.Errorf("the sample is %s, want the newest mailable, all-now@x.org", s.Email)
	}
	if _, err := b.SampleSubscriber(b.ctx, nil); !errs.Is(err, errs.NotFound) {
		t.Errorf("sample of no lists: %v", err)
	}
	if got := must[AudienceCounts](t)(b.AudienceCounts(b.ctx, nil)); got.Mailable != 0 || len(got.Excluded) != 0 {
		t.Errorf("audience of no lists: %+v", got)
	}
}
