package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
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

// browser sends requests through the session middleware and keeps the cookie.
type browser struct {
	t       *testing.T
	b       bundle
	https   bool
	cookies []*http.Cookie
}

func (c *browser) do(fn func(ctx context.Context) error) error {
	c.t.Helper()
	var err error
	onError := func(_ http.ResponseWriter, _ *http.Request, e error) { c.t.Error("session middleware: ", e) }
	h := c.b.SessionMiddleware(func(*http.Request) bool { return c.https }, onError)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err = fn(r.Context())
		w.WriteHeader(http.StatusNoContent)
	}))
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, k := range c.cookies {
		r.AddCookie(k)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if set := w.Result().Cookies(); len(set) > 0 {
		c.cookies = set
	}
	return err
}

func (c *browser) signedIn() error {
	return c.do(func(ctx context.Context) error { _, err := c.b.SessionUser(ctx); return err })
}

func TestSession(t *testing.T) {
	t.Parallel()
	b := setup(t)
	u := b.user(t)
	c := &browser{t: t, b: b, https: true}
	wantKind(t, c.signedIn(), errs.Unauthorized)
	if err := c.do(func(ctx context.Context) error { return b.StartSession(ctx, u) }); err != nil {
		t.Fatal(err)
	}
	k := c.cookies[0]
	if k.Name != "__Host-postrider" || !k.Secure || !k.HttpOnly || k.SameSite != http.SameSiteLaxMode || k.Path != "/" || k.Domain != "" {
		t.Fatalf("cookie %+v", k)
	}
	if err := c.signedIn(); err != nil {
		t.Fatal(err)
	}
	var stored int
	if err := b.pool.QueryRow(t.Context(), `SELECT count(*) FROM sessions WHERE token = $1`, k.Value).Scan(&stored); err != nil || stored != 0 {
		t.Fatalf("the token itself is stored (%d, %v)", stored, err)
	}
	if err := c.do(b.EndSession); err != nil {
		t.Fatal(err)
	}
	c.cookies = []*http.Cookie{k}
	wantKind(t, c.signedIn(), errs.Unauthorized)
}

func TestSessionEndsWhenIdle(t *testing.T) {
	t.Parallel()
	b := setup(t)
	u := b.user(t)
	c := &browser{t: t, b: b}
	if err := c.do(func(ctx context.Context) error { return b.StartSession(ctx, u) }); err != nil {
		t.Fatal(err)
	}
	if c.cookies[0].Name != "postrider" || c.cookies[0].Secure {
		t.Fatalf("cookie over http: %+v", c.cookies[0])
	}
	b.clock.forward(sessionIdle + time.Minute)
	wantKind(t, c.signedIn(), errs.Unauthorized)
	if err := b.Cleanup(t.Context()); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := b.pool.QueryRow(t.Context(), `SELECT count(*) FROM sessions`).Scan(&n); err != nil || n != 0 {
		t.Fatalf("%d sessions left, %v", n, err)
	}
}

func TestSessionIsNotWrittenOnEveryRequest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	u := b.user(t)
	c := &browser{t: t, b: b}
	if err := c.do(func(ctx context.Context) error { return b.StartSession(ctx, u) }); err != nil {
		t.Fatal(err)
	}
	version := func() (v string) {
		if err := b.pool.QueryRow(t.Context(), `SELECT xmin::text FROM sessions`).Scan(&v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	before := version()
	if err := c.signedIn(); err != nil {
		t.Fatal(err)
	}
	if after := version(); after != before {
		t.Error("a read wrote the session")
	}
}

func TestChangePasswordEndsOtherSessions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	u := b.user(t)
	here, there := &browser{t: t, b: b}, &browser{t: t, b: b}
	for _, c := range []*browser{here, there} {
		if err := c.do(func(ctx context.Context) error { return b.StartSession(ctx, u) }); err != nil {
			t.Fatal(err)
		}
	}
	change := func(current, replacement string) error {
		return here.do(func(ctx context.Context) error {
			changed, err := b.ChangePassword(ctx, u.ID, current, replacement)
			if err != nil {
				return err
			}
			return b.StartSession(ctx, changed)
		})
	}
	wantKind(t, change("a wrong password", "another password"), errs.Invalid)
	wantKind(t, change(password, "short"), errs.Invalid)
	if err := there.signedIn(); err != nil {
		t.Fatalf("a refused change ended a session: %v", err)
	}
	if err := change(password, "another password"); err != nil {
		t.Fatal(err)
	}
	if err := here.signedIn(); err != nil {
		t.Errorf("the session that changed the password has ended: %v", err)
	}
	wantKind(t, there.signedIn(), errs.Unauthorized)
	if _, err := b.Login(t.Context(), u.Email, "another password", ""); err != nil {
		t.Errorf("the new password is not taken: %v", err)
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
