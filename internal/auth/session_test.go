package auth

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"postrider/internal/errs"
)

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

func TestARequestThatEndsAfterTheSignOutBringsNothingBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	u := b.user(t)
	c := &browser{t: t, b: b}
	if err := c.do(func(ctx context.Context) error { return b.StartSession(ctx, u) }); err != nil {
		t.Fatal(err)
	}
	other := &browser{t: t, b: b, cookies: c.cookies}
	if err := c.do(func(context.Context) error { return other.do(b.EndSession) }); err != nil {
		t.Fatal(err)
	}
	wantKind(t, c.signedIn(), errs.Unauthorized)
}

func TestAnIdleSessionIsProlonged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	u := b.user(t)
	c := &browser{t: t, b: b}
	if err := c.do(func(ctx context.Context) error { return b.StartSession(ctx, u) }); err != nil {
		t.Fatal(err)
	}
	if _, err := b.pool.Exec(t.Context(), `UPDATE sessions SET expiry = expiry - interval '1 hour'`); err != nil {
		t.Fatal(err)
	}
	if err := c.signedIn(); err != nil {
		t.Fatal(err)
	}
	var left time.Duration
	if err := b.pool.QueryRow(t.Context(), `SELECT expiry - now() FROM sessions`).Scan(&left); err != nil || left < sessionIdle-time.Minute {
		t.Fatalf("%s left, %v", left, err)
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
