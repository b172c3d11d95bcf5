package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"postrider/internal/auth"
)

type setupStateJSON struct {
	Needed  bool   `json:"needed"`
	Version string `json:"version"`
}

type setupInput struct {
	Origin string `header:"Origin" doc:"Sent by browsers; becomes the first public URL"`
	Body   struct {
		Organization string `json:"organization"`
		Email        string `json:"email"`
		Password     string `json:"password" doc:"10 characters or more"`
		Name         string `json:"name" required:"false"`
	}
}

type loginJSON struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

type passwordJSON struct {
	Current string `json:"current"`
	New     string `json:"new" doc:"10 characters or more"`
}

type meJSON struct {
	ID     int64    `json:"id" doc:"0 for an API key whose maker is gone"`
	Email  string   `json:"email"`
	Name   string   `json:"name"`
	Scopes []string `json:"scopes"`
}

func encodeMe(u auth.User) meJSON {
	return meJSON{ID: u.ID, Email: u.Email, Name: u.Name, Scopes: auth.Scopes()}
}

func (s *server) getSetup(ctx context.Context, _ *nothing) (*answer[setupStateJSON], error) {
	needed, err := s.deps.Auth.NeedsSetup(ctx)
	return reply(needed, err, func(needed bool) setupStateJSON { return setupStateJSON{Needed: needed, Version: s.cfg.Version} })
}

func (s *server) setup(ctx context.Context, in *setupInput) (*answer[meJSON], error) {
	publicURL := in.Origin
	if s.cfg.PublicURL != "" {
		publicURL = s.cfg.PublicURL
	}
	u, err := s.deps.Auth.Setup(ctx, auth.SetupInput{
		Organization: in.Body.Organization, Email: in.Body.Email, Password: in.Body.Password, Name: in.Body.Name, PublicURL: publicURL,
	})
	return s.signIn(ctx, u, err)
}

func (s *server) login(ctx context.Context, in *with[loginJSON]) (*answer[meJSON], error) {
	u, err := s.deps.Auth.Login(ctx, in.Body.Email, in.Body.Password, requestOf(ctx).client)
	return s.signIn(ctx, u, err)
}

func (s *server) signIn(ctx context.Context, u auth.User, err error) (*answer[meJSON], error) {
	if err == nil {
		err = s.deps.Auth.StartSession(ctx, u)
	}
	return reply(u, err, encodeMe)
}

func (s *server) logout(ctx context.Context, _ *nothing) (*nothing, error) {
	return done(s.deps.Auth.EndSession(ctx))
}

func (s *server) getMe(ctx context.Context, _ *nothing) (*answer[meJSON], error) {
	p := caller(ctx)
	if p.UserID == 0 {
		return &answer[meJSON]{Body: meJSON{Name: p.Name, Scopes: p.Scopes}}, nil
	}
	u, err := s.deps.Auth.GetUser(ctx, p.UserID)
	return reply(u, err, func(u auth.User) meJSON {
		return meJSON{ID: u.ID, Email: u.Email, Name: u.Name, Scopes: p.Scopes}
	})
}

func (s *server) changePassword(ctx context.Context, in *with[passwordJSON]) (*nothing, error) {
	u, err := s.deps.Auth.ChangePassword(ctx, caller(ctx).UserID, in.Body.Current, in.Body.New)
	if err == nil {
		err = s.deps.Auth.StartSession(ctx, u)
	}
	return done(err)
}

// securitySchemes says in the OpenAPI document how a caller proves who it is.
func securitySchemes() map[string]*huma.SecurityScheme {
	return map[string]*huma.SecurityScheme{
		"session": {Type: "apiKey", In: "cookie", Name: "postrider", Description: "The cookie of a browser after POST /session (named __Host-postrider over https)"},
		"apiKey":  {Type: "http", Scheme: "bearer", Description: "An API key, pr_…, made under Settings"},
	}
}
