package auth

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"postrider/internal/errs"
	"postrider/internal/pg/pgtest"
	"postrider/internal/settings"
)

const password = "correct horse battery"

// clock is a time that only the test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

type bundle struct {
	*Service
	pool  *pgxpool.Pool
	clock *clock
}

func setup(t *testing.T) bundle {
	t.Helper()
	pool, c := pgtest.DB(t), &clock{at: time.Now().UTC().Truncate(time.Second)}
	return bundle{New(pool, c.now), pool, c}
}

func (b bundle) user(t *testing.T) User {
	t.Helper()
	u, err := b.Setup(t.Context(), SetupInput{Organization: "Tree Club", Email: "Ada@Example.org", Password: password, Name: "Ada", PublicURL: "https://news.example.org"})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func wantKind(t *testing.T, err error, kind errs.Kind) {
	t.Helper()
	if !errs.Is(err, kind) {
		t.Fatalf("error %v has kind %d, want %d", err, errs.KindOf(err), kind)
	}
}

func TestSetup(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if needed, err := b.NeedsSetup(t.Context()); err != nil || !needed {
		t.Fatalf("NeedsSetup = %v, %v before the set-up", needed, err)
	}
	_, err := b.Setup(t.Context(), SetupInput{Email: "nobody", Password: "short"})
	wantKind(t, err, errs.Invalid)
	var e *errs.E
	errors.As(err, &e)
	var names []string
	for _, f := range e.Fields {
		names = append(names, f.Name)
	}
	if diff := cmp.Diff([]string{"organization", "email", "password"}, names); diff != "" {
		t.Fatal("wrong fields: ", diff)
	}

	u := b.user(t)
	if u.Email != "Ada@Example.org" || u.ID == 0 {
		t.Fatalf("user %+v", u)
	}
	set, err := settings.New(b.pool, b.clock.now).Get(t.Context())
	if err != nil || set.Organization != "Tree Club" || set.PublicURL != "https://news.example.org" {
		t.Fatalf("settings after the set-up: %+v, %v", set, err)
	}
	_, err = b.Setup(t.Context(), SetupInput{Organization: "x", Email: "b@example.org", Password: password})
	wantKind(t, err, errs.Conflict)
	if needed, err := b.NeedsSetup(t.Context()); err != nil || needed {
		t.Fatalf("NeedsSetup = %v, %v after the set-up", needed, err)
	}
}

func TestOfManySetupsOneWins(t *testing.T) {
	t.Parallel()
	b := setup(t)
	results := make([]error, 4)
	var wg sync.WaitGroup
	for i := range results {
		wg.Go(func() {
			_, results[i] = b.Setup(t.Context(), SetupInput{Organization: fmt.Sprint("org ", i), Email: fmt.Sprintf("u%d@example.org", i), Password: password})
		})
	}
	wg.Wait()
	won := 0
	for _, err := range results {
		if err == nil {
			won++
			continue
		}
		wantKind(t, err, errs.Conflict)
	}
	if won != 1 {
		t.Fatalf("%d set-ups won", won)
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	b := setup(t)
	u := b.user(t)
	got, err := b.Login(t.Context(), " ada@EXAMPLE.org ", password, "192.0.2.1")
	if err != nil || got.ID != u.ID {
		t.Fatalf("Login = %+v, %v", got, err)
	}
	_, wrong := b.Login(t.Context(), "ada@example.org", "not the password", "192.0.2.1")
	wantKind(t, wrong, errs.Unauthorized)
	_, unknown := b.Login(t.Context(), "eve@example.org", password, "192.0.2.1")
	wantKind(t, unknown, errs.Unauthorized)
	if wrong.Error() != unknown.Error() {
		t.Errorf("an unknown address is told from a wrong password: %q, %q", unknown, wrong)
	}
	if _, err := b.Login(t.Context(), "not an address", password, ""); !errs.Is(err, errs.Unauthorized) {
		t.Errorf("nonsense as an address: %v", err)
	}
}

func TestAPlaceThatGuessesIsStopped(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.user(t)
	for range maxOriginFailures {
		_, err := b.Login(t.Context(), "ada@example.org", "a wrong password", "2001:db8::1")
		wantKind(t, err, errs.Unauthorized)
	}
	b.clock.forward(5 * time.Minute)
	_, err := b.Login(t.Context(), "ada@example.org", password, "2001:db8::2")
	wantKind(t, err, errs.RateLimited)
	var w *Wait
	if !errors.As(err, &w) || w.For != 10*time.Minute {
		t.Fatalf("wait %v in %v, want 10 min", w, err)
	}
	if _, err := b.Login(t.Context(), "ada@example.org", password, "2001:db8:0:1::1"); err != nil {
		t.Errorf("another place is stopped too: %v", err)
	}
	b.clock.forward(10 * time.Minute)
	if _, err := b.Login(t.Context(), "ada@example.org", password, "2001:db8::2"); err != nil {
		t.Errorf("still stopped after the window: %v", err)
	}
}

func TestParallelGuessesCannotPassTheLimit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.user(t)
	var mu sync.Mutex
	kinds := map[errs.Kind]int{}
	var wg sync.WaitGroup
	for range 2 * maxOriginFailures {
		wg.Go(func() {
			_, err := b.Login(t.Context(), "ada@example.org", "a wrong password", "192.0.2.7")
			mu.Lock()
			defer mu.Unlock()
			kinds[errs.KindOf(err)]++
		})
	}
	wg.Wait()
	if diff := cmp.Diff(map[errs.Kind]int{errs.Unauthorized: maxOriginFailures, errs.RateLimited: maxOriginFailures}, kinds); diff != "" {
		t.Fatal(diff)
	}
}

func TestABlockedPlaceLeavesNoMoreRows(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range maxOriginFailures + 5 {
		_, err := b.Login(t.Context(), fmt.Sprintf("u%d@example.org", i), "a wrong password", "192.0.2.1")
		if err == nil {
			t.Fatal("signed in")
		}
	}
	var n int
	if err := b.pool.QueryRow(t.Context(), `SELECT count(*) FROM login_attempts`).Scan(&n); err != nil || n != maxOriginFailures+1 {
		t.Fatalf("%d rows, %v", n, err)
	}
}

func TestAnAccountIsStoppedFromAnywhere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.user(t)
	if _, err := b.pool.Exec(t.Context(), `INSERT INTO login_attempts (key, window_start, failures) VALUES ($1, $2, $3)`,
		attemptLimits("ada@example.org", "")[0].key, b.clock.now(), maxAccountFailures); err != nil {
		t.Fatal(err)
	}
	_, err := b.Login(t.Context(), "ada@example.org", password, "192.0.2.1")
	wantKind(t, err, errs.RateLimited)
}

func TestSuccessForgivesTheAccount(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.user(t)
	for i := range 3 {
		_, err := b.Login(t.Context(), "ada@example.org", "a wrong password", fmt.Sprint("192.0.2.", i))
		wantKind(t, err, errs.Unauthorized)
	}
	if _, err := b.Login(t.Context(), "ada@example.org", password, "192.0.2.9"); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := b.pool.QueryRow(t.Context(), `SELECT count(*) FROM login_attempts WHERE key LIKE 'account:%'`).Scan(&n); err != nil || n != 0 {
		t.Fatalf("%d account counters left, %v", n, err)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	u := b.user(t)
	_, _, err := b.CreateKey(t.Context(), u.ID, "cron", []string{"audience:read", "everything"})
	wantKind(t, err, errs.Invalid)
	_, _, err = b.CreateKey(t.Context(), u.ID, " ", []string{AudienceRead})
	wantKind(t, err, errs.Invalid)

	k, full, err := b.CreateKey(t.Context(), u.ID, "cron", []string{AudienceRead})
	if err != nil || !strings.HasPrefix(full, "pr_"+k.Prefix+"_") {
		t.Fatalf("CreateKey = %+v, %q, %v", k, full, err)
	}
	p, err := b.Authenticate(t.Context(), full)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Principal{Name: "cron", UserID: u.ID, KeyID: k.ID, Scopes: []string{AudienceRead}}, p); diff != "" {
		t.Fatal(diff)
	}
	for _, wrong := range []string{"", "pr_", full[:len(full)-1], full + "0", full[:len(full)-1] + "x", "pr_" + strings.Repeat("a", 8) + full[11:], strings.ToUpper(full)} {
		_, err := b.Authenticate(t.Context(), wrong)
		wantKind(t, err, errs.Unauthorized)
	}
	if err := b.DeleteKey(t.Context(), k.ID); err != nil {
		t.Fatal(err)
	}
	_, err = b.Authenticate(t.Context(), full)
	wantKind(t, err, errs.Unauthorized)
	wantKind(t, b.DeleteKey(t.Context(), k.ID), errs.NotFound)
}

func TestKeyUseIsNotedOnceAMinute(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, full, err := b.CreateKey(t.Context(), b.user(t).ID, "cron", []string{AudienceRead})
	if err != nil {
		t.Fatal(err)
	}
	used := func() time.Time {
		if _, err := b.Authenticate(t.Context(), full); err != nil {
			t.Fatal(err)
		}
		keys, err := b.ListKeys(t.Context())
		if err != nil || len(keys) != 1 || keys[0].LastUsedAt == nil {
			t.Fatalf("keys %+v, %v", keys, err)
		}
		return *keys[0].LastUsedAt
	}
	first := used()
	b.clock.forward(59 * time.Second)
	if again := used(); !again.Equal(first) {
		t.Errorf("noted again after 59 s")
	}
	b.clock.forward(time.Second)
	if later := used(); later.Sub(first) != time.Minute {
		t.Errorf("noted %s later, want a minute", later.Sub(first))
	}
}

func TestPasswordHash(t *testing.T) {
	t.Parallel()
	h := newHasher()
	phc, err := h.hash(t.Context(), password)
	if err != nil || !strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatalf("hash = %q, %v", phc, err)
	}
	for text, want := range map[string]bool{password: true, password + " ": false, "": false, strings.Repeat("x", 5000): false} {
		if ok, err := h.verify(t.Context(), phc, text); err != nil || ok != want {
			t.Errorf("verify(%.20q) = %v, %v", text, ok, err)
		}
	}
	if ok, err := h.verify(t.Context(), h.decoy, password); err != nil || ok {
		t.Errorf("the decoy: %v, %v", ok, err)
	}
	for _, bad := range []string{"", "x", "$argon2i$v=19$m=1,t=1,p=1$AAAA$AAAA", "$argon2id$v=19$m=0,t=0,p=0$$"} {
		if ok, err := h.verify(t.Context(), bad, ""); err == nil || ok {
			t.Errorf("the malformed hash %q is taken: %v", bad, ok)
		}
	}
}
