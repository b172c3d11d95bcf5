package outgoing

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"postrider/internal/pg"
)

// What the parts of the program write is what programs outside get to know.
func TestEverythingThatHappensIsTold(t *testing.T) {
	t.Parallel()
	linkURL := func(id int64, link int32) string { return fmt.Sprintf("https://example.org/%d/%d", id, link) }
	b := setup(t, func(c *Config) { c.LinkURL = fakeLinks(linkURL) })
	h := newHook(t, nil)
	b.endpoint(Input{URL: h.URL})
	const (
		campaign = `"campaign":{"id":1,"name":"June"}`
		news     = `"lists":[{"id":1,"name":"News"}]`
		ada      = `"subscriber":{"id":1,"email":"Ada@example.org","name":"Ada"}`
		bob      = `"subscriber":{"id":2,"email":"bob@example.org","name":""}`
	)
	for _, step := range []struct{ sql, typ, data string }{
		{`UPDATE campaigns SET status = 'running', recipients = 2, excluded = 1 WHERE id = 1`, TypeStarted,
			`{"campaign":{"id":1,"name":"June","status":"running"},` + news + `,"recipients":2,"excluded":1}`},
		{`UPDATE campaigns SET status = 'paused', pause_reason = 'too many bounces' WHERE id = 1`, TypePaused,
			`{"campaign":{"id":1,"name":"June","status":"paused"},` + news + `,"reason":"too many bounces","recipients":2,"excluded":1}`},
		{`UPDATE campaigns SET status = 'running', pause_reason = NULL WHERE id = 1`, TypeResumed,
			`{"campaign":{"id":1,"name":"June","status":"running"},` + news + `,"recipients":2,"excluded":1}`},
		{`WITH d AS (UPDATE deliveries SET state = 4, reply_code = 550, reply_status = '5.1.1', reply_text = 'No such user' WHERE seq = 2),
			a AS (INSERT INTO delivery_attempts (campaign_id, seq, attempt, outcome, reason, fault) VALUES (1, 2, 1, 'bounced', 'user_unknown', 'recipient'))
			INSERT INTO events (at, kind, campaign_id, seq, subscriber_id, detail) VALUES (now(), 'bounce', 1, 2, 2, '550 No such user')`, TypeBounced,
			`{` + campaign + `,` + news + `,` + bob + `,"delivery":{"seq":2},"detail":"550 No such user",
			"reply":{"code":550,"status":"5.1.1","text":"No such user"},"reason":"user_unknown","fault":"recipient"}`},
		{`UPDATE deliveries SET state = 5, reply_code = NULL, reply_text = 'given up after 72h' WHERE seq = 1`, TypeFailed,
			`{` + campaign + `,` + news + `,` + ada + `,"delivery":{"seq":1},"detail":"given up after 72h"}`},
		{`UPDATE campaigns SET status = 'finished' WHERE id = 1`, TypeFinished,
			`{"campaign":{"id":1,"name":"June","status":"finished"},` + news + `,"recipients":2,"excluded":1,
			"counts":{"sent":0,"bounced":1,"failed":1,"unconfirmed":0,"skipped":0}}`},
		{`INSERT INTO events (at, kind, campaign_id, seq, subscriber_id, user_agent) VALUES (now(), 'open', 1, 1, 1, 'Mail/1')`, TypeOpened,
			`{` + campaign + `,` + news + `,` + ada + `,"delivery":{"seq":1},"actor":"unknown","user_agent":"Mail/1"}`},
		{`INSERT INTO events (at, kind, campaign_id, seq, subscriber_id, link) VALUES (now(), 'click', 1, 1, 1, 3)`, TypeClicked,
			`{` + campaign + `,` + news + `,` + ada + `,"delivery":{"seq":1},"actor":"unknown","link":{"number":3,"url":"https://example.org/1/3"}}`},
		{`WITH s AS (UPDATE subscriptions SET status = 'unsubscribed', source = 'unsubscribe link' WHERE subscriber_id = 1)
			INSERT INTO events (at, kind, campaign_id, seq, subscriber_id) VALUES (now(), 'unsubscribe', 1, 1, 1)`, TypeUnsubscribed,
			`{` + campaign + `,"lists":[{"id":1,"name":"News"},{"id":2,"name":"Offers"}],` + ada + `,"source":"unsubscribe link"}`},
		{`UPDATE subscriptions SET status = 'unsubscribed', source = 'admin' WHERE subscriber_id = 2`, TypeUnsubscribed,
			`{"campaign":null,` + news + `,` + bob + `,"source":"admin"}`},
		{`INSERT INTO suppressions (email_key, reason, source, detail) VALUES ('ada@example.org', 'complaint', 'mailbox 1', 'abuse')`, TypeSuppressed,
			`{"email":"ada@example.org",` + ada + `,"lists":[{"id":1,"name":"News"},{"id":2,"name":"Offers"}],"reason":"complaint","source":"mailbox 1","detail":"abuse"}`},
		{`INSERT INTO suppressions (email_key, reason, source) VALUES ('x@example.org', 'manual', 'admin')`, TypeSuppressed,
			`{"email":"x@example.org","subscriber":null,"lists":[],"reason":"manual","source":"admin","detail":""}`},
		{`WITH i AS (INSERT INTO imports (list_id, filename, status, rows, created) VALUES (1, 'p.csv', 'running', 5, 4)) SELECT 1`, "", ""},
		{`UPDATE imports SET status = 'done' WHERE id = 1`, TypeImported,
			`{"import":{"id":1,"filename":"p.csv","status":"done","rows":5,"created":4,"updated":0,"unchanged":0,"rejected":0,"suppressed":0},` + news + `}`},
	} {
		before := len(h.all())
		b.exec(step.sql)
		b.turn()
		got := h.all()[before:]
		if step.typ == "" {
			if len(got) != 0 {
				t.Errorf("%s gave %d messages", step.sql, len(got))
			}
			continue
		}
		if len(got) != 1 || got[0].typ != step.typ {
			t.Errorf("%s gave %d messages, not one of type %s", step.sql, len(got), step.typ)
			continue
		}
		var want map[string]any
		if err := json.Unmarshal([]byte(step.data), &want); err != nil {
			t.Fatal(step.typ, err)
		}
		if diff := cmp.Diff(want, got[0].data); diff != "" {
			t.Error(step.typ, diff)
		}
	}
	if n := b.count(`webhook_outbox`); n != 0 {
		t.Errorf("%d rows are left in the outbox", n)
	}
}

// Nothing is written while nobody wants it.
func TestNothingIsCollectedForNobody(t *testing.T) {
	t.Parallel()
	b := setup(t)
	all := func() {
		b.opened()
		b.exec(`INSERT INTO events (at, kind, campaign_id, seq, subscriber_id) VALUES (now(), 'click', 1, 1, 1)`)
		b.exec(`UPDATE campaigns SET status = 'running' WHERE id = 1`)
		b.exec(`UPDATE campaigns SET status = 'draft' WHERE id = 1`)
		b.exec(`UPDATE deliveries SET state = 5`)
		b.exec(`UPDATE deliveries SET state = 0`)
		b.exec(`UPDATE subscriptions SET status = 'unsubscribed'`)
		b.exec(`UPDATE subscriptions SET status = 'subscribed'`)
		b.exec(`INSERT INTO suppressions (email_key, reason, source) VALUES ('x@example.org', 'manual', 'admin')`)
		b.exec(`DELETE FROM suppressions`)
	}
	all()
	if n := b.count(`webhook_outbox`); n != 0 {
		t.Errorf("without an endpoint %d rows", n)
	}
	e, _ := b.endpoint(Input{URL: "http://127.0.0.1/", EventTypes: []string{TypeOpened}})
	all()
	if n := b.count(`webhook_outbox WHERE type <> $1`, TypeOpened); n != 0 || b.count(`webhook_outbox`) != 1 {
		t.Errorf("%d rows that nobody wants, %d in all", n, b.count(`webhook_outbox`))
	}
	if _, err := b.UpdateEndpoint(t.Context(), e.ID, Input{URL: e.URL}); err != nil {
		t.Fatal(err)
	}
	b.exec(`DELETE FROM webhook_outbox`)
	all()
	if n := b.count(`webhook_outbox`); n != 0 {
		t.Errorf("with an endpoint that is off %d rows", n)
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.exec(`INSERT INTO campaigns (name) VALUES ('July')`)
	b.exec(`INSERT INTO campaign_lists (campaign_id, list_id) VALUES (2, 2)`)
	b.exec(`INSERT INTO deliveries (campaign_id, seq, subscriber_id, email) VALUES (2, 1, 1, 'Ada@example.org')`)
	want := map[string][]string{
		"all":      {"message.opened 1", "message.opened 2", "campaign.started 2", "subscriber.suppressed 0"},
		"types":    {"message.opened 1", "message.opened 2"},
		"list":     {"message.opened 2", "campaign.started 2", "subscriber.suppressed 0"},
		"campaign": {"message.opened 1"},
		"both":     {},
	}
	ids := map[string]int64{}
	for name, in := range map[string]Input{
		"all": {}, "types": {EventTypes: []string{TypeOpened}}, "list": {ListIDs: []int64{2}}, "campaign": {CampaignIDs: []int64{1}},
		"both": {CampaignIDs: []int64{1}, ListIDs: []int64{2}},
	} {
		in.URL = "http://127.0.0.1/" + name
		e, _ := b.endpoint(in)
		ids[name] = e.ID
	}
	b.opened()
	b.exec(`INSERT INTO events (at, kind, campaign_id, seq, subscriber_id) VALUES (now(), 'open', 2, 1, 1)`)
	b.exec(`UPDATE campaigns SET status = 'running' WHERE id = 2`)
	b.exec(`INSERT INTO suppressions (email_key, reason, source) VALUES ('ada@example.org', 'manual', 'admin')`)
	if _, err := b.fanOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, id := range ids {
		got := []string{}
		for _, m := range slices.Backward(b.messages(id)) {
			_, payload, _, err := b.GetMessage(t.Context(), id, m.MessageID)
			if err != nil {
				t.Fatal(err)
			}
			var p struct {
				Data struct{ Campaign struct{ ID int } }
			}
			if err := json.Unmarshal([]byte(payload), &p); err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprint(m.Type, " ", p.Data.Campaign.ID))
		}
		if diff := cmp.Diff(want[name], got); diff != "" {
			t.Error(name, diff)
		}
	}
}

// A transaction that got its number first and commits last is told all the same.
func TestLateCommitIsNotLost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	e, _ := b.endpoint(Input{URL: "http://127.0.0.1/"})
	const insert = `INSERT INTO events (at, kind, campaign_id, seq, subscriber_id) VALUES (now(), $1, 1, 1, 1)`
	slow, err := b.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = slow.Rollback(t.Context()) }()
	if _, err := slow.Exec(t.Context(), insert, "click"); err != nil {
		t.Fatal(err)
	}
	b.exec(insert, "open")
	for want, commit := range []bool{false, true} {
		if commit {
			if err := slow.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := b.fanOut(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := len(b.messages(e.ID)); got != want+1 {
			t.Errorf("committed %v: %d messages", commit, got)
		}
	}
}

// Many writers, of which a third take back what they did, and two processes that make messages: each commit gives exactly one message.
func TestEachCommitGivesOneMessage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	e, _ := b.endpoint(Input{URL: "http://127.0.0.1/"})
	const writers, each = 4, 60
	done := make(chan struct{})
	var makers, g errgroup.Group
	for range 2 {
		makers.Go(func() error {
			for {
				if _, err := b.fanOut(t.Context()); err != nil {
					return err
				}
				select {
				case <-done:
					return nil
				default:
				}
			}
		})
	}
	committed := make([][]string, writers)
	for w := range writers {
		rng := rand.New(rand.NewPCG(uint64(w), 1))
		g.Go(func() error {
			for i := range each {
				text := fmt.Sprintf("%d/%d", w, i)
				keep := rng.IntN(3) > 0
				err := pg.InTx(t.Context(), b.pool, func(tx pgx.Tx) error {
					_, err := tx.Exec(t.Context(), `INSERT INTO events (at, kind, campaign_id, seq, subscriber_id, detail) VALUES (now(), 'bounce', 1, 1, 1, $1)`, text)
					if err == nil && !keep {
						err = errTakenBack
					}
					return err
				})
				if keep {
					committed[w] = append(committed[w], text)
				}
				if err != nil && err != errTakenBack {
					return err
				}
			}
			return nil
		})
	}
	err := g.Wait()
	close(done)
	if err2 := makers.Wait(); err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	if _, err := b.fanOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := slices.Concat(committed...)
	rows, err := b.pool.Query(t.Context(), `SELECT payload::jsonb #>> '{data,detail}' FROM webhook_messages WHERE endpoint_id = $1`, e.ID)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// What cannot be read must not hold up what comes after it.
func TestUnreadableRowIsPassedOver(t *testing.T) {
	t.Parallel()
	b := setup(t)
	e, _ := b.endpoint(Input{URL: "http://127.0.0.1/"})
	b.exec(`INSERT INTO webhook_outbox (type, source) VALUES ('message.opened', '{"seq": "text"}')`)
	b.opened()
	if _, err := b.fanOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := b.messages(e.ID); len(got) != 1 || b.count(`webhook_outbox`) != 0 {
		t.Errorf("%d messages", len(got))
	}
}

// More than one batch, and a person whose rows are at its edge.
func TestBatches(t *testing.T) {
	t.Parallel()
	b := setup(t)
	e, _ := b.endpoint(Input{URL: "http://127.0.0.1/"})
	b.exec(`INSERT INTO events (at, kind, campaign_id, seq, subscriber_id) SELECT now(), 'open', 1, 1, 1 FROM generate_series(1, $1)`, outboxBatch-1)
	b.exec(`UPDATE subscriptions SET status = 'unsubscribed' WHERE subscriber_id = 1`)
	b.opened()
	for _, want := range []bool{true, false} {
		if more, err := b.fanOut(t.Context()); err != nil || more != want {
			t.Fatal(more, err)
		}
	}
	if n := b.count(`webhook_messages WHERE endpoint_id = $1 AND type = $2`, e.ID, TypeOpened); n != outboxBatch {
		t.Errorf("%d opens", n)
	}
	if n := b.count(`webhook_messages WHERE type = $1 AND jsonb_array_length(payload::jsonb #> '{data,lists}') = 2`, TypeUnsubscribed); n != 1 {
		t.Errorf("%d messages of both lists", n)
	}
}
