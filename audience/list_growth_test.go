package audience

import "testing"

func TestGrowthOfAList(t *testing.T) {
	t.Parallel()
	b := setup(t)
	list, err := b.CreateList(b.ctx, "Readers", "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.pool.Exec(b.ctx, `
		WITH s AS (INSERT INTO subscribers (email, email_key) SELECT 'p' || i || '@example.org', 'p' || i || '@example.org' FROM generate_series(1, 10) AS i RETURNING id, email_key)
		INSERT INTO subscriptions (list_id, subscriber_id, status, source, created_at, updated_at)
		SELECT $1, id, CASE WHEN email_key IN ('p1@example.org', 'p2@example.org') THEN 'unsubscribed' ELSE 'subscribed' END, 'x',
			$2::timestamptz - CASE email_key WHEN 'p3@example.org' THEN interval '500 days' WHEN 'p4@example.org' THEN interval '70 days' ELSE interval '0' END,
			$2::timestamptz - CASE email_key WHEN 'p1@example.org' THEN interval '14 days' ELSE interval '0' END
		FROM s`, list.ID, start)
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.pool.Exec(b.ctx, `INSERT INTO suppressions (email_key, reason, source, created_at) VALUES
		('p5@example.org', 'bounce', 'x', $1), ('p6@example.org', 'complaint', 'x', $1), ('p7@example.org', 'manual', 'x', $1), ('stranger@example.org', 'bounce', 'x', $1)`, start)
	if err != nil {
		t.Fatal(err)
	}
	g, err := b.Growth(b.ctx, list.ID)
	if err != nil {
		t.Fatal(err)
	}
	last := len(g.Times) - 1
	if last != growthWeeks-1 || g.Joined[last] != 8 || g.Joined[last-10] != 1 || g.Left[last] != 1 || g.Left[last-2] != 1 || g.Suppressed[last] != 2 {
		t.Errorf("%+v", g)
	}
	var joined int64
	for _, n := range g.Joined {
		joined += n
	}
	if joined != 9 { // one came before the year began
		t.Errorf("%d joined in a year", joined)
	}
	if _, err := b.Growth(b.ctx, list.ID+1); err == nil {
		t.Error("a list that is not there has a growth")
	}
}
