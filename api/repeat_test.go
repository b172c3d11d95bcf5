package api

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"postrider/internal/auth"
)

func (b *bundle) count(t *testing.T, table string) (n int) {
	t.Helper()
	if err := b.pool.QueryRow(t.Context(), `SELECT count(*) FROM `+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRepeatedRequestGetsTheFirstAnswer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.admin(t)
	key := header(idempotencyKey, "k1")
	first := c.post("/lists", `{"name":"News"}`, key).want(201)
	second := c.post("/lists", `{"name":"News"}`, key).want(201)
	if first.Body.String() != second.Body.String() || second.Header().Get("Content-Type") != first.Header().Get("Content-Type") {
		t.Errorf("answers %s and %s", first.Body, second.Body)
	}
	if first.Header().Get("Idempotency-Replayed") != "" || second.Header().Get("Idempotency-Replayed") != "true" {
		t.Error("Idempotency-Replayed is wrong")
	}
	if n := b.count(t, "lists"); n != 1 {
		t.Errorf("%d lists", n)
	}
	c.post("/lists", `{"name":"Other"}`, key).problem(409)
	// Another caller's keys are its own; the list is there already.
	b.program(t, auth.AudienceWrite).post("/lists", `{"name":"News"}`, key).problem(409)
}

func TestRefusedRequestFreesItsKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.admin(t)
	key := header(idempotencyKey, "k1")
	c.post("/lists", `{"name":""}`, key).problem(400)
	c.post("/lists", `{"name":"News"}`, key).want(201)
}

// A request that starts a campaign and dies before its answer is kept frees its key after a minute; the next one gets the campaign that was made, and starts no other.
func TestARequestThatDiedStartsNothingTwice(t *testing.T) {
	t.Parallel()
	m := started(t)
	c := m.admin
	body := fmt.Sprintf(`{"name":"Weekly","subject":"S","from_email":"news@example.org","html":"x","list_ids":[%d],"relay_id":1,"start":true}`, m.listID)
	key := header(idempotencyKey, "weekly")
	first := c.post("/campaigns", body, key).want(201).id()
	if _, err := m.pool.Exec(t.Context(), `UPDATE idempotency_keys SET status = NULL, content_type = NULL, body = NULL, created_at = created_at - interval '2 minutes'`); err != nil {
		t.Fatal(err)
	}
	if second := c.post("/campaigns", body, key).want(201).id(); second != first {
		t.Errorf("the second request made campaign %d after %d", second, first)
	}
	c.post("/campaigns", strings.Replace(body, "Weekly", "Other", 1), key).problem(409)
}

func TestBadIdempotencyKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.admin(t)
	c.post("/lists", `{"name":"News"}`, header(idempotencyKey, strings.Repeat("k", 256))).problem(400)
	c.post("/lists", `{"name":"News"}`, header(idempotencyKey, "clé")).problem(400)
	c.post("/lists", `{"name":"`+strings.Repeat("x", maxBody)+`"}`, header(idempotencyKey, "k")).problem(413)
	b.client(t).post("/lists", `{"name":"News"}`, header(idempotencyKey, "k")).problem(401)
	if n := b.count(t, "idempotency_keys"); n != 0 {
		t.Errorf("%d keys are kept", n)
	}
}

func TestParallelRepeatsDoTheWorkOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	admin := b.admin(t)
	statuses := make([]int, 6)
	var wg sync.WaitGroup
	for i := range statuses {
		c := b.client(t)
		c.cookies["postrider"] = admin.cookies["postrider"]
		wg.Go(func() {
			statuses[i] = c.post("/suppressions", `{"email":"eve@example.net"}`, header(idempotencyKey, "k")).Code
		})
	}
	wg.Wait()
	for _, s := range statuses {
		if s != http.StatusCreated && s != http.StatusConflict {
			t.Errorf("statuses %v", statuses)
		}
	}
	if n := b.count(t, "suppressions"); n != 1 {
		t.Errorf("%d suppressions", n)
	}
}

func TestSecondStartDoesNothing(t *testing.T) {
	t.Parallel()
	m := started(t)
	var got startedJSON
	m.admin.post(fmt.Sprintf("/campaigns/%d/start", m.campaignID), "").want(200).keys("", campaignKeys+" already_started").json(&got)
	if !got.AlreadyStarted || got.StartedAt == nil {
		t.Errorf("%+v", got)
	}
	m.admin.post(fmt.Sprintf("/campaigns/%d/start", m.campaignID), `{"undo_seconds":5}`).want(200)
	m.admin.post(fmt.Sprintf("/campaigns/%d/start", m.campaignID), `{"undo_seconds":3601}`).problem(400)
	if n := m.count(t, "deliveries"); n != 1 {
		t.Errorf("%d deliveries", n)
	}
}
