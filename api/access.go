package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"postrider/internal/auth"
	"postrider/internal/errs"
)

// What a route asks of its caller, besides the scopes of package auth.
const (
	public    = "public"     // anybody
	anybody   = "signed-in"  // a session or an API key, with whatever scopes
	inBrowser = "in-browser" // a session: what an API key must not do, such as make API keys
)

// identify finds out who is asking. A bearer token that is sent counts alone: a wrong one is not made good by a cookie.
func (s *server) identify(ctx context.Context, r *http.Request) (auth.Principal, error) {
	if header := r.Header.Get("Authorization"); header != "" {
		scheme, token, _ := strings.Cut(header, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return auth.Principal{}, errs.New(errs.Unauthorized, "send the API key as \"Authorization: Bearer pr_…\"")
		}
		return s.deps.Auth.Authenticate(ctx, strings.TrimSpace(token))
	}
	u, err := s.deps.Auth.SessionUser(ctx)
	if err != nil {
		return auth.Principal{}, err
	}
	return u.Principal(), nil
}

// allow says whether the caller may use a route that needs the scope.
func allow(p auth.Principal, scope string) error {
	switch {
	case scope == anybody, p.Has(scope):
		return nil
	case scope == inBrowser && p.KeyID == 0:
		return nil
	case scope == inBrowser:
		return errs.New(errs.Forbidden, "an API key cannot do this: sign in with a browser")
	}
	return errs.New(errs.Forbidden, "this API key lacks the scope %s: make one that has it under Settings", scope)
}

// authorise is the middleware of every operation that is not public.
func (s *server) authorise(scope string) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		r, w := humachi.Unwrap(ctx)
		p, err := s.identify(ctx.Context(), r)
		if err == nil {
			err = allow(p, scope)
		}
		if err != nil {
			s.writeProblem(w, r, err)
			return
		}
		requestOf(ctx.Context()).principal = p
		next(ctx)
	}
}

// caller is who the running request was authorised for.
func caller(ctx context.Context) auth.Principal { return requestOf(ctx).principal }

// sessionFailed answers when the session store cannot be used.
func (s *server) sessionFailed(w http.ResponseWriter, r *http.Request, err error) {
	s.writeProblem(w, r, err)
}
