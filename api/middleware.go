package api

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"postrider/internal/auth"
	"postrider/internal/errs"
)

// request is what the middleware finds out about a request before its handler runs.
type request struct {
	id        string
	client    string // the network address of the caller, behind proxies that we trust
	https     bool   // whether the browser speaks https, to us or to the proxy before us
	control   *http.ResponseController
	principal auth.Principal
}

type requestKey struct{}

func requestOf(ctx context.Context) *request {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r
	}
	return &request{}
}

// observe gives each request its identity, logs how it ended, and turns a panic into an internal error.
func (s *server) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := s.now()
		rec := &recorder{ResponseWriter: w}
		req := &request{id: strings.ToLower(rand.Text()[:12]), client: s.clientAddr(r), https: s.isHTTPS(r), control: http.NewResponseController(w)}
		r = r.WithContext(context.WithValue(r.Context(), requestKey{}, req))
		rec.Header().Set("X-Request-Id", req.id)
		defer func() {
			if cause := recover(); cause != nil {
				if cause == http.ErrAbortHandler {
					panic(cause)
				}
				s.recovered(rec, r, cause)
			}
			s.logAccess(r, rec, s.now().Sub(start))
		}()
		next.ServeHTTP(rec, r)
	})
}

func (s *server) recovered(rec *recorder, r *http.Request, cause any) {
	err := fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
	if rec.status == 0 {
		s.writeProblem(rec, r, err)
		return
	}
	s.problem(r.Context(), "body", err) // logs; the answer is half out already
	panic(http.ErrAbortHandler)
}

// logAccess writes the route and not the path: paths hold tokens and addresses, queries hold search words.
func (s *server) logAccess(r *http.Request, rec *recorder, took time.Duration) {
	route := chi.RouteContext(r.Context()).RoutePattern()
	level := slog.LevelInfo
	if rec.status < http.StatusInternalServerError && !strings.HasPrefix(route, "/api/") {
		level = slog.LevelDebug
	}
	s.log.LogAttrs(r.Context(), level, "http", slog.String("method", r.Method), slog.String("route", route), slog.Int("status", rec.status),
		slog.Int64("bytes", rec.bytes), slog.Duration("took", took), slog.String("request_id", requestOf(r.Context()).id))
}

// recorder notes status and size of an answer.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// Flush is here for the compressor, which does not look behind Unwrap.
func (w *recorder) Flush() {
	_ = http.NewResponseController(w.ResponseWriter).Flush() // an answer that cannot be flushed goes out at its end
}

func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

const contentSecurityPolicy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: https: http:; font-src 'self'; " +
	"frame-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

// secure sets the header fields that tell browsers to be strict. Pages with a policy of their own replace the first.
func (s *server) secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentSecurityPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		if requestOf(r.Context()).https {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// sameOrigin refuses what another site makes a browser do (net/http CrossOriginProtection).
func (s *server) sameOrigin(next http.Handler) http.Handler {
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.writeProblem(w, r, errs.New(errs.Forbidden, "this request comes from another site: open Postrider itself, or use an API key outside of a browser"))
	}))
	return guard.Handler(next)
}

// noStore keeps answers of the API out of caches.
func noStore(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// isHTTPS says whether the browser speaks https. Whoever lies in X-Forwarded-Proto only gets a cookie that does not come back.
func (s *server) isHTTPS(r *http.Request) bool {
	if r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") {
		return true
	}
	if s.deps.Settings == nil {
		return false
	}
	public, err := s.deps.Settings.PublicURL(r.Context())
	if err != nil {
		return false // the database is away; the request will hear of it when it needs it
	}
	u, err := url.Parse(public)
	return err == nil && u.Scheme == "https" && strings.EqualFold(u.Host, r.Host)
}

// clientAddr gives the address of the caller: the last entry of X-Forwarded-For that is not a proxy we trust. Entries before it are hearsay.
func (s *server) clientAddr(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	client := host
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && s.trusted(client); i-- {
		ip, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		client = ip.Unmap().String()
	}
	return client
}

func (s *server) trusted(address string) bool {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return false
	}
	ip = ip.Unmap()
	if ip.IsLoopback() {
		return true
	}
	for _, p := range s.cfg.TrustedProxies {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}
