package auth

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/jackc/pgx/v5/pgxpool"

	"postrider/internal/errs"
)

const (
	sessionIdle     = 7 * 24 * time.Hour
	sessionLifetime = 30 * 24 * time.Hour

	// sessionUser holds the user's id and the stamp of the password. One value and not two: scs encodes a map in any order, and a session whose bytes
	// differ would be written at each request.
	sessionUser = "user"
)

// sessionRequest is what the middleware and the store tell each other about one request. It is put around scs, so that scs passes it on to the store.
type sessionRequest struct {
	manager *scs.SessionManager
	started bool // the session began in this request; otherwise it must not be made anew
}

type sessionRequestKey struct{}

// sessions holds two managers over one store: over https the cookie has the __Host- prefix and is Secure; over plain http, as on loopback, browsers
// would refuse such a cookie, so it has a plain name.
type sessions struct{ https, plain *scs.SessionManager }

func newSessions(pool *pgxpool.Pool, now func() time.Time) *sessions {
	store := &sessionStore{pool: pool, now: now}
	manager := func(name string, secure bool) *scs.SessionManager {
		m := scs.New()
		m.Store = store
		m.HashTokenInStore = true
		m.IdleTimeout = sessionIdle
		m.Lifetime = sessionLifetime
		m.Cookie.Name = name
		m.Cookie.Secure = secure
		m.Cookie.HttpOnly = true
		m.Cookie.SameSite = http.SameSiteLaxMode
		return m
	}
	return &sessions{https: manager("__Host-postrider", true), plain: manager("postrider", false)}
}

// SessionMiddleware loads the session of a request and sends its cookie. https says whether the browser reached us over https; onError answers a
// request whose session cannot be read or kept.
func (s *Service) SessionMiddleware(https func(*http.Request) bool, onError func(http.ResponseWriter, *http.Request, error)) func(http.Handler) http.Handler {
	s.sessions.https.ErrorFunc = onError
	s.sessions.plain.ErrorFunc = onError
	return func(next http.Handler) http.Handler {
		with := func(m *scs.SessionManager) http.Handler {
			h := m.LoadAndSave(next)
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), sessionRequestKey{}, &sessionRequest{manager: m})))
			})
		}
		secure, plain := with(s.sessions.https), with(s.sessions.plain)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if https(r) {
				secure.ServeHTTP(w, r)
			} else {
				plain.ServeHTTP(w, r)
			}
		})
	}
}

func sessionOf(ctx context.Context) (*sessionRequest, error) {
	r, ok := ctx.Value(sessionRequestKey{}).(*sessionRequest)
	if !ok {
		return nil, errors.New("the request did not pass the session middleware")
	}
	return r, nil
}

// StartSession makes the session of the request the user's, under a new token (against session fixation). The context must come through SessionMiddleware.
func (s *Service) StartSession(ctx context.Context, u User) error {
	r, err := sessionOf(ctx)
	if err != nil {
		return err
	}
	r.started = true
	m := r.manager
	if err := m.RenewToken(ctx); err != nil {
		return fmt.Errorf("renewing a session token: %w", err)
	}
	m.Put(ctx, sessionUser, fmt.Sprintf("%d %s", u.ID, u.stamp()))
	return nil
}

// EndSession signs out.
func (s *Service) EndSession(ctx context.Context) error {
	r, err := sessionOf(ctx)
	if err != nil {
		return err
	}
	if err := r.manager.Destroy(ctx); err != nil {
		return fmt.Errorf("ending a session: %w", err)
	}
	return nil
}

// SessionUser gives the user whose session the request carries. Error: Unauthorized when there is none, or when it was started under an
// earlier password.
func (s *Service) SessionUser(ctx context.Context) (User, error) {
	r, err := sessionOf(ctx)
	if err != nil {
		return User{}, err
	}
	idText, stamp, _ := strings.Cut(r.manager.GetString(ctx, sessionUser), " ")
	id, err := strconv.ParseInt(idText, 10, 64)
	if err != nil {
		return User{}, errNotSignedIn()
	}
	u, err := userByID(ctx, s.pool, id)
	if errs.Is(err, errs.NotFound) {
		return User{}, errNotSignedIn()
	}
	if err != nil {
		return User{}, err
	}
	if subtle.ConstantTimeCompare([]byte(stamp), []byte(u.stamp())) != 1 {
		return User{}, errNotSignedIn()
	}
	return u, nil
}

func errNotSignedIn() error {
	return errs.New(errs.Unauthorized, "sign in, or send an API key as \"Authorization: Bearer pr_…\"")
}
