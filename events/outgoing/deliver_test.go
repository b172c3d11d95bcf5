package outgoing

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postrider/internal/errs"
	"postrider/internal/safehttp"
)

func TestSignedAsTheStandardHasIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	h := newHook(t, nil)
	e, first := b.endpoint(Input{URL: h.URL})
	send := func() delivered {
		t.Helper()
		b.opened()
		b.turn()
		all := h.all()
		return all[len(all)-1]
	}
	d := send()
	if err := verify(t, first, d); err != nil {
		t.Error(err)
	}
	if got := d.header.Get("webhook-timestamp"); got != "1777863721" || d.header.Get("Content-Type") != "application/json" {
		t.Errorf("stamped %s, %s", got, d.header.Get("Content-Type"))
	}
	altered := d
	altered.body = []byte(strings.Replace(string(d.body), "ada", "eve", 1) + " ")
	if verify(t, first, altered) == nil {
		t.Error("an altered body was taken")
	}
	if _, second, err := b.RotateSecret(t.Context(), e.ID); err != nil {
		t.Fatal(err)
	} else {
		d = send()
		if err1, err2 := verify(t, first, d), verify(t, second, d); err1 != nil || err2 != nil {
			t.Errorf("during the rotation: %v, %v", err1, err2)
		}
		b.clock.forward(rotationTime)
		d = send()
		if err1, err2 := verify(t, first, d), verify(t, second, d); err1 == nil || err2 != nil {
			t.Errorf("after the rotation: %v, %v", err1, err2)
		}
		if shown, err := b.Secret(t.Context(), e.ID); err != nil || shown != second {
			t.Errorf("shown %q, %v", shown, err)
		}
		if n := b.count(`webhook_endpoints WHERE position($1 IN secret::text) > 0 OR length(secret) <> length($1) + 29`, second); n != 0 {
			t.Error("the secret is stored in the clear")
		}
	}
	if err := b.prune(t.Context()); err != nil || b.count(`webhook_endpoints WHERE old_secret IS NOT NULL`) != 0 {
		t.Error("the old secret is kept", err)
	}
	for _, word := range []string{"example.org", "whsec_", strings.TrimPrefix(first, "whsec_"), h.URL} {
		if strings.Contains(b.log.String(), word) {
			t.Errorf("the log has %q", word)
		}
	}
}

// The vector of the specification (https://github.com/standard-webhooks/standard-webhooks, examples of its libraries).
func TestSignatureVector(t *testing.T) {
	t.Parallel()
	got, err := signature([]string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), `{"test": 2432232314}`)
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; err != nil || got != want {
		t.Errorf("%s, %v", got, err)
	}
}

// Ten attempts over three days, each when it is due and not before, with one webhook-id.
func TestRetries(t *testing.T) {
	t.Parallel()
	b := setup(t)
	h := newHook(t, status(500))
	e, sec := b.endpoint(Input{URL: h.URL})
	b.opened()
	b.turn()
	for i, wait := range schedule {
		m := b.messages(e.ID)[0]
		if m.Status != MessagePending || m.Attempts != i+1 || m.NextAttemptAt == nil || *m.LastStatus != 500 {
			t.Fatalf("after attempt %d: %+v", i+1, m)
		}
		in := m.NextAttemptAt.Sub(b.clock.now())
		if in < wait*9/10 || in > wait*11/10 {
			t.Errorf("retry %d in %s, not about %s", i+1, in, wait)
		}
		// The endpoint has to rest after eight failures, which is shorter than these waits.
		b.clock.forward(in - time.Millisecond)
		b.turn()
		if n := len(h.all()); n != i+1 {
			t.Fatalf("%d attempts before retry %d is due", n, i+1)
		}
		b.clock.forward(time.Millisecond)
		b.turn()
	}
	m := b.messages(e.ID)[0]
	if m.Status != MessageFailed || m.Attempts != 10 || m.DoneAt == nil || m.NextAttemptAt != nil {
		t.Errorf("at the end: %+v", m)
	}
	b.clock.forward(48 * time.Hour)
	b.turn()
	all := h.all()
	if len(all) != 10 {
		t.Errorf("%d attempts", len(all))
	}
	for _, d := range all {
		if d.id != m.MessageID || string(d.body) != string(all[0].body) || verify(t, sec, d) != nil {
			t.Error("an attempt differs from the first", d.id)
		}
	}
	_, _, attempts, err := b.GetMessage(t.Context(), e.ID, m.MessageID)
	if err != nil || len(attempts) != 10 || attempts[0].Attempt != 10 || *attempts[0].Error != "the endpoint answered 500" {
		t.Errorf("%+v, %v", attempts, err)
	}
}

// The process ends between the answer and the record: the message comes again when the lease is over, with the same id, and not before.
func TestDeathBetweenAnswerAndRecord(t *testing.T) {
	t.Parallel()
	b := setup(t)
	h := newHook(t, nil)
	e, sec := b.endpoint(Input{URL: h.URL})
	b.opened()
	if _, err := b.fanOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	c, err := b.claim(t.Context(), e.ID)
	if err != nil {
		t.Fatal(err)
	}
	if r := b.send(t.Context(), outgoing{url: c.URL, secrets: []string{sec}, messageID: c.MessageID, payload: c.Payload}); !r.delivered() {
		t.Fatal(r.err)
	}
	b.turn()
	if n := len(h.all()); n != 1 {
		t.Fatalf("sent %d times while it was leased", n)
	}
	b.clock.forward(lease)
	b.turn()
	all := h.all()
	if len(all) != 2 || all[0].id != all[1].id || string(all[0].body) != string(all[1].body) {
		t.Fatalf("%d deliveries", len(all))
	}
	if m := b.messages(e.ID)[0]; m.Status != MessageDelivered || m.Attempts != 1 {
		t.Errorf("%+v", m)
	}
}

// What is under way when the program stops is broken off and due again at once; it counts as nobody's failure.
func TestStopGivesBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	called, release := make(chan struct{}), make(chan struct{})
	h := newHook(t, func(http.ResponseWriter, int) { close(called); <-release })
	t.Cleanup(func() { close(release) })
	e, _ := b.endpoint(Input{URL: h.URL})
	b.opened()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- b.Run(ctx) }()
	await(t, called)
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	m := b.messages(e.ID)[0]
	if m.Status != MessagePending || m.Attempts != 0 || m.NextAttemptAt.After(b.clock.now()) || b.get(e.ID).FailingSince != nil {
		t.Errorf("%+v", m)
	}
}

// One endpoint that never answers keeps nobody else waiting.
func TestSlowEndpointHoldsUpNobody(t *testing.T) {
	t.Parallel()
	b := setup(t)
	stuck, release := make(chan struct{}, 100), make(chan struct{})
	slow := newHook(t, func(http.ResponseWriter, int) { stuck <- struct{}{}; <-release })
	const events = 50
	through := make(chan struct{}, events)
	quick := newHook(t, func(http.ResponseWriter, int) { through <- struct{}{} })
	b.endpoint(Input{URL: slow.URL})
	b.endpoint(Input{URL: quick.URL})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- b.Run(ctx) }()
	b.opened()
	await(t, stuck)
	for range events - 1 {
		b.opened()
	}
	for range events {
		await(t, through)
	}
	for range perEndpoint - 1 {
		await(t, stuck)
	}
	if n := len(slow.all()); n != perEndpoint {
		t.Errorf("%d requests at the slow one at once", n)
	}
	close(release)
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestNoAnswerInTime(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.timeout = 30 * time.Millisecond
	release := make(chan struct{})
	h := newHook(t, func(http.ResponseWriter, int) { <-release })
	t.Cleanup(func() { close(release) })
	e, _ := b.endpoint(Input{URL: h.URL})
	b.opened()
	b.turn()
	if m := b.messages(e.ID)[0]; m.Status != MessagePending || m.LastStatus != nil || !strings.Contains(*m.LastError, "did not answer within") {
		t.Errorf("%+v", m)
	}
}

func TestReplyIsBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	h := newHook(t, func(w http.ResponseWriter, _ int) {
		w.WriteHeader(400)
		chunk := []byte("\x00\xff" + strings.Repeat("é", 32<<10))
		for range 1000 {
			if _, err := w.Write(chunk); err != nil {
				return // it was hung up on
			}
		}
		t.Error("all of a reply of 64 MB was read")
	})
	e, _ := b.endpoint(Input{URL: h.URL})
	b.opened()
	b.turn()
	_, _, attempts, err := b.GetMessage(t.Context(), e.ID, b.messages(e.ID)[0].MessageID)
	if err != nil {
		t.Fatal(err)
	}
	if got := *attempts[0].Reply; !strings.HasPrefix(got, "\uFFFD\uFFFDéé") || len(got) > maxReply+10 || len(got) < maxReply-10 {
		t.Errorf("%d bytes: %.10q", len(got), got)
	}
}

func TestGoneSwitchesOff(t *testing.T) {
	t.Parallel()
	b := setup(t)
	h := newHook(t, status(410))
	e, _ := b.endpoint(Input{URL: h.URL})
	b.opened()
	b.turn()
	e = b.get(e.ID)
	if e.Status != StatusDisabled || !strings.Contains(*e.DisabledReason, "410") || e.DisabledAt == nil || b.messages(e.ID)[0].Status != MessageFailed {
		t.Errorf("%+v", e)
	}
	b.opened()
	b.turn()
	if n := len(b.messages(e.ID)); n != 1 {
		t.Errorf("%d messages for an endpoint that is off", n)
	}
}

// Failing for days switches off; a success in between starts the count anew. Enabling makes a new beginning and sends what waited.
func TestFailingForDaysSwitchesOff(t *testing.T) {
	t.Parallel()
	b := setup(t)
	h := newHook(t, func(w http.ResponseWriter, n int) {
		if n != 2 && n < 9 {
			w.WriteHeader(503)
		}
	})
	e, _ := b.endpoint(Input{URL: h.URL})
	step := func(forward time.Duration) Endpoint {
		t.Helper()
		b.clock.forward(forward)
		b.opened()
		b.turn()
		return b.get(e.ID)
	}
	if got := step(0); got.FailingSince == nil {
		t.Fatal("one failure is not seen")
	}
	b.clock.forward(time.Minute)
	b.turn()
	if got := b.get(e.ID); got.FailingSince != nil || got.LastSuccessAt == nil {
		t.Fatalf("a success does not count: %+v", got)
	}
	if got := step(disableAfter); got.Status != StatusActive {
		t.Fatalf("off after %+v", got)
	}
	if got := step(disableAfter - time.Second); got.Status != StatusActive {
		t.Fatalf("off too early: %+v", got)
	}
	got := step(time.Hour)
	if got.Status != StatusDisabled || !strings.Contains(*got.DisabledReason, "every attempt has failed since 2026-05-09") {
		t.Fatalf("%+v", got)
	}
	if _, err := b.Replay(t.Context(), e.ID, b.messages(e.ID)[0].MessageID); !errs.Is(err, errs.Conflict) {
		t.Errorf("replayed to an endpoint that is off: %v", err)
	}
	waiting := got.Pending
	got, err := b.UpdateEndpoint(t.Context(), e.ID, Input{URL: e.URL, Enabled: true})
	if err != nil || got.Status != StatusActive || got.FailingSince != nil || got.DisabledReason != nil || waiting == 0 || got.Pending != waiting {
		t.Fatalf("%+v, %v", got, err)
	}
	h.mu.Lock()
	h.answer = nil
	h.mu.Unlock()
	b.clock.forward(24 * time.Hour)
	b.turn()
	if got = b.get(e.ID); got.Pending != 0 {
		t.Errorf("%d wait", got.Pending)
	}
}

// An endpoint that is down is left alone for a while, instead of using up the attempts of everything that waits.
func TestRest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	h := newHook(t, status(500))
	e, _ := b.endpoint(Input{URL: h.URL})
	for range 100 {
		b.opened()
	}
	b.turn()
	n := len(h.all())
	if got := b.get(e.ID); n < patience || n > patience+perEndpoint || got.RestUntil == nil || got.RestUntil.Sub(b.clock.now()) < restFirst {
		t.Fatalf("%d attempts, rest until %v", n, got.RestUntil)
	}
	b.clock.forward(restFirst - time.Second)
	b.turn()
	if len(h.all()) != n {
		t.Error("no rest")
	}
	for failures, want := range map[int]time.Duration{patience - 1: 0, patience: restFirst, patience + 2: 4 * restFirst, patience + 60: restMost} {
		if got := restFor(failures, 0); got != want {
			t.Errorf("%d failures: %s", failures, got)
		}
	}
}

func TestRetryAfterIsHeeded(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status int
		field  string
		want   time.Duration
	}{
		"seconds":                     {429, "3600", time.Hour},
		"a date":                      {503, "Mon, 04 May 2026 05:02:01 GMT", 2 * time.Hour},
		"too long":                    {503, "99999999", safehttp.MaxRetryAfter},
		"in the past":                 {503, "Mon, 04 May 2020 05:02:01 GMT", 0},
		"negative":                    {429, "-5", 0},
		"nonsense":                    {429, "soon", 0},
		"of a status without meaning": {500, "3600", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			h := newHook(t, func(w http.ResponseWriter, _ int) { w.Header().Set("Retry-After", tc.field); w.WriteHeader(tc.status) })
			e, _ := b.endpoint(Input{URL: h.URL})
			b.opened()
			b.turn()
			in := b.messages(e.ID)[0].NextAttemptAt.Sub(b.clock.now())
			if low := max(tc.want, schedule[0]*9/10); in < low || in > max(tc.want, schedule[0]*11/10) {
				t.Errorf("tried again in %s", in)
			}
			if rest := b.get(e.ID).RestUntil; (rest != nil) != (tc.want > 0) {
				t.Errorf("rests until %v", rest)
			}
		})
	}
}

func TestReplay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	h := newHook(t, status(404))
	e, sec := b.endpoint(Input{URL: h.URL})
	b.opened()
	b.turn()
	b.exec(`UPDATE webhook_messages SET status = 'failed', next_attempt_at = NULL, created_at = created_at - interval '1 day'`)
	b.opened()
	b.turn()
	b.exec(`UPDATE webhook_messages SET status = 'failed', next_attempt_at = NULL`)
	if _, _, err := b.Test(t.Context(), e.ID, ""); err != nil {
		t.Fatal(err)
	}
	h.mu.Lock()
	h.answer = nil
	h.mu.Unlock()
	log := b.messages(e.ID)
	test, young, old := log[0], log[1], log[2]
	if n, err := b.ReplayFailed(t.Context(), e.ID, b.clock.now().Add(-time.Hour)); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	b.turn()
	if d := h.all()[3]; d.id != young.MessageID || verify(t, sec, d) != nil {
		t.Errorf("replayed %s", d.id)
	}
	for _, m := range []Message{old, young} { // one that has failed, one that was delivered
		got, err := b.Replay(t.Context(), e.ID, m.MessageID)
		if err != nil || got.Status != MessagePending {
			t.Fatal(got, err)
		}
		b.turn()
		all := h.all()
		if d := all[len(all)-1]; d.id != m.MessageID {
			t.Errorf("replayed %s", d.id)
		}
	}
	if got := b.messages(e.ID); got[0].Status != MessageFailed || got[0].MessageID != test.MessageID || got[1].Status != MessageDelivered || got[1].Attempts != 3 || got[2].Attempts != 2 {
		t.Errorf("%+v", got)
	}
	if _, err := b.Replay(t.Context(), e.ID, "msg_none"); !errs.Is(err, errs.NotFound) {
		t.Error(err)
	}
	other, _ := b.endpoint(Input{URL: h.URL})
	if _, err := b.Replay(t.Context(), other.ID, young.MessageID); !errs.Is(err, errs.NotFound) {
		t.Error("a message of another endpoint was replayed", err)
	}
}

// A test says what came of it at once, is no failure of the endpoint, and goes to one that is off.
func TestTest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	h := newHook(t, func(w http.ResponseWriter, n int) {
		if n == 1 {
			w.WriteHeader(410)
			_, _ = w.Write([]byte("no"))
		}
	})
	e, sec := b.endpoint(Input{URL: h.URL})
	m, attempts, err := b.Test(t.Context(), e.ID, "")
	if err != nil || m.Status != MessageFailed || !m.Test || len(attempts) != 1 || *attempts[0].StatusCode != 410 || *attempts[0].Reply != "no" {
		t.Fatalf("%+v, %+v, %v", m, attempts, err)
	}
	if got := b.get(e.ID); got.Status != StatusActive || got.FailingSince != nil {
		t.Errorf("a test counts: %+v", got)
	}
	if _, err := b.UpdateEndpoint(t.Context(), e.ID, Input{URL: h.URL}); err != nil {
		t.Fatal(err)
	}
	for _, typ := range Types() {
		if m, _, err := b.Test(t.Context(), e.ID, typ.Name); err != nil || m.Status != MessageDelivered {
			t.Fatal(typ.Name, m, err)
		}
		all := h.all()
		if d := all[len(all)-1]; d.typ != typ.Name || verify(t, sec, d) != nil {
			t.Errorf("sent %s", d.typ)
		}
	}
	if _, _, err := b.Test(t.Context(), e.ID, "no.such"); !errs.Is(err, errs.Invalid) {
		t.Error(err)
	}
	if _, _, err := b.Test(t.Context(), 99, ""); !errs.Is(err, errs.NotFound) {
		t.Error(err)
	}
}

func TestLogIsPruned(t *testing.T) {
	t.Parallel()
	b := setup(t)
	h := newHook(t, nil)
	e, _ := b.endpoint(Input{URL: h.URL})
	b.opened()
	b.turn()
	b.clock.forward(defaultKeep)
	b.opened()
	b.turn()
	if err := b.prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(b.messages(e.ID)); n != 2 {
		t.Errorf("%d messages; one is exactly as old as may be", n)
	}
	b.clock.forward(time.Second)
	if err := b.prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(b.messages(e.ID)); n != 1 || b.count(`webhook_attempts`) != 1 {
		t.Errorf("%d messages", n)
	}
}

func TestListMessages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	h := newHook(t, func(w http.ResponseWriter, n int) {
		if n == 2 {
			w.WriteHeader(500)
		}
	})
	e, _ := b.endpoint(Input{URL: h.URL})
	for range 3 {
		b.opened()
		b.turn()
	}
	var got []string
	q := pageAll
	q.Limit = 2
	for {
		p, err := b.ListMessages(t.Context(), e.ID, MessageFilter{Type: TypeOpened}, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range p.Items {
			got = append(got, m.Status)
		}
		if q.Cursor = p.NextCursor; q.Cursor == "" {
			break
		}
	}
	if diff := cmp.Diff([]string{"delivered", "pending", "delivered"}, got); diff != "" {
		t.Error(diff)
	}
	p, err := b.ListMessages(t.Context(), e.ID, MessageFilter{Status: MessagePending}, pageAll)
	if err != nil || len(p.Items) != 1 || *p.Items[0].LastStatus != 500 {
		t.Errorf("%+v, %v", p, err)
	}
	for _, f := range []MessageFilter{{Status: "x"}, {Type: "x"}} {
		if _, err := b.ListMessages(t.Context(), e.ID, f, pageAll); !errs.Is(err, errs.Invalid) {
			t.Error(f, err)
		}
	}
	if _, err := b.ListMessages(t.Context(), 99, MessageFilter{}, pageAll); !errs.Is(err, errs.NotFound) {
		t.Error(err)
	}
	if !slices.IsSortedFunc(b.messages(e.ID), func(a, b Message) int { return b.CreatedAt.Compare(a.CreatedAt) }) {
		t.Error("not newest first")
	}
}
