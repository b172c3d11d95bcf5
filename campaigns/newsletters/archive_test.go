package newsletters

import (
	"context"
	"testing"
	"time"

	"postrider/internal/errs"
	"postrider/internal/page"
)

// sent lets the issue of a day go out, with a frozen content that tells its day.
func (b *bundle) sent(n Newsletter, day int) {
	b.t.Helper()
	b.at(day, 9, 0)
	w := b.issue(n, day)
	if w.CampaignID == nil {
		b.t.Fatalf("the issue of the %dth did not go out: %+v", day, w.Issue)
	}
	b.exec(`INSERT INTO campaign_contents (campaign_id, content, frozen_at) VALUES ($1, jsonb_build_object('subject', 'Day ' || $2::int, 'html', '<p>x</p>'), $3)`, *w.CampaignID, day, b.clock.now())
	b.finish()
	must(b.t, b.Tick(b.t.Context()))
}

func days(is []PublicIssue) (ds []int) {
	for _, i := range is {
		ds = append(ds, i.Date.Day)
	}
	return ds
}

func same(a []int, b ...int) bool {
	if len(a) != len(b) {
		return false
	}
	for k := range a {
		if a[k] != b[k] {
			return false
		}
	}
	return true
}

func TestPublicIssues(t *testing.T) {
	t.Parallel()
	b := setup(t)
	n := b.letter(func(in *Input) { in.Rules.MinItems, in.Public = 0, true })
	hidden := b.letter(func(in *Input) { in.Name, in.Rules.MinItems = "Hidden", 0 })
	for _, day := range []int{5, 6, 7, 8} {
		b.sent(n, day)
	}
	b.exec(`UPDATE newsletter_issues SET reason_code = 'cancelled' WHERE newsletter_id = $1 AND local_date = '2026-01-07'`, n.ID)
	b.at(9, 8, 30) // the next one is ready, and not sent

	p, err := b.PublicIssues(t.Context(), n.Slug, page.Query{Limit: 2})
	must(t, err)
	if !same(days(p.Items), 8, 6) || p.NextCursor == "" || p.Items[0].Content.Subject != "Day 8" {
		t.Errorf("the first page: %+v", p)
	}
	if p, err = b.PublicIssues(t.Context(), n.Slug, page.Query{Limit: 2, Cursor: p.NextCursor}); err != nil || !same(days(p.Items), 5) || p.NextCursor != "" {
		t.Errorf("the second page: %+v, %v", p, err)
	}
	i, newer, older, err := b.PublicIssue(t.Context(), n.Slug, "2026-01-06")
	if err != nil || i.Content.HTML != "<p>x</p>" || newer == nil || newer.Date.Day != 8 || older == nil || older.Date.Day != 5 || !i.SentAt.Equal(time.Date(2026, 1, 6, 9, 0, 0, 0, time.UTC)) {
		t.Errorf("an issue: %+v, %+v, %+v, %v", i, newer, older, err)
	}
	if _, newer, _, err = b.PublicIssue(t.Context(), n.Slug, "2026-01-08"); err != nil || newer != nil {
		t.Errorf("the newest issue: %+v, %v", newer, err)
	}
	for _, x := range [][2]string{{n.Slug, "2026-01-07"}, {n.Slug, "2026-01-09"}, {hidden.Slug, "2026-01-05"}, {n.Slug, "today"}, {"\x00", "2026-01-05"}} {
		if _, _, _, err := b.PublicIssue(t.Context(), x[0], x[1]); !errs.Is(err, errs.NotFound) {
			t.Errorf("%q: %v", x, err)
		}
	}
	if _, err := b.Public(t.Context(), hidden.Slug); !errs.Is(err, errs.NotFound) {
		t.Errorf("a newsletter that is not public: %v", err)
	}
	was := time.Date(2026, 1, 8, 9, 0, 0, 0, time.UTC)
	if _, err := b.Pause(t.Context(), n.ID, Pause{Note: "away"}, "Ann"); err != nil {
		t.Fatal(err)
	}
	if pub, err := b.Public(t.Context(), n.Slug); err != nil || pub.Note != "away" || !pub.UpdatedAt.After(was) {
		t.Errorf("a paused newsletter: %+v, %v", pub, err)
	}
	if _, err := b.PublicIssues(t.Context(), n.Slug, page.Query{Cursor: page.Encode("x")}); !errs.Is(err, errs.Invalid) {
		t.Errorf("a wrong cursor: %v", err)
	}
}

// echo writes where the issue will be into its text.
type echo struct{}

func (echo) Fill(_ context.Context, c Content, g Gathered) (Content, error) {
	c.Text = "at " + g.data()["issue"].(map[string]any)["archive_url"].(string)
	return c, nil
}

func TestMailKnowsItsPlaceInTheArchive(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.d.Fill, b.d.PublicURL = echo{}, func(context.Context) (string, error) { return "https://news.example.org/", nil }
	b.letter(func(in *Input) { in.Rules.MinItems, in.Public = 0, true })
	b.letter(func(in *Input) { in.Name, in.Rules.MinItems = "Hidden", 0 })
	b.at(5, 9, 0)
	if texts := b.texts(); len(texts) != 2 || texts[0] != "at https://news.example.org/a/daily/2026-01-05" || texts[1] != "at " {
		t.Errorf("%q", texts)
	}
}

// Of an A/B test the archive shows the first variant until there is a winner, and then that.
func TestPublicIssueOfATest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	n := b.letter(func(in *Input) { in.Rules.MinItems, in.Public = 0, true })
	b.sent(n, 5)
	campaign := *b.issue(n, 5).CampaignID
	b.exec(`UPDATE campaign_contents SET content = content || '{"variants": [{"subject": "One", "html": "<p>1</p>"}, {"subject": "Two", "html": "<p>2</p>"}]}' WHERE campaign_id = $1`, campaign)
	b.exec(`INSERT INTO campaign_ab_tests (campaign_id, sample_percent, metric, wait_minutes, min_sample, no_winner) VALUES ($1, 10, 'clicks', 60, 1, 'first')`, campaign)
	show := func() PublicIssue {
		i, _, _, err := b.PublicIssue(t.Context(), n.Slug, "2026-01-05")
		must(t, err)
		return i
	}
	before := show()
	if before.Content.Subject != "Day 5" {
		t.Errorf("before the decision it is %+v", before)
	}
	b.exec(`UPDATE campaign_ab_tests SET winner = 2, decided_at = $2 WHERE campaign_id = $1`, campaign, b.clock.now().Add(time.Hour))
	if i := show(); i.Content.Subject != "Two" || i.Content.HTML != "<p>2</p>" || !i.UpdatedAt.After(before.UpdatedAt) {
		t.Errorf("after it %+v", i)
	}
}
