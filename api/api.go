package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"postrider/audience"
	"postrider/campaigns"
	"postrider/campaigns/confirm"
	"postrider/campaigns/newsletters"
	"postrider/events"
	"postrider/events/hooksource"
	"postrider/events/mailbox"
	"postrider/events/outgoing"
	"postrider/internal/auth"
	"postrider/internal/errs"
	"postrider/internal/idempotency"
	"postrider/internal/settings"
	"postrider/sender"
	"postrider/templates"
	"postrider/templates/media"
)

// Prefix is where the REST API begins.
const Prefix = "/api/v1"

// Config is what the server needs to know about its surroundings.
type Config struct {
	// Version of the program, as people see it.
	Version string
	// PublicURL is what set-up takes as the public URL; "" takes the address that the browser used.
	PublicURL string
	// UI is the built admin interface, rooted at its index.html; nil when this binary was built without it.
	UI fs.FS
	// Ready says whether the server can do its work, for /readyz; nil means always.
	Ready func(context.Context) error
	// System tells about the machinery for GET /system.
	System func(context.Context) (System, error)
	// InboxAddr gives the host and port of the built-in inbox, "" while it is switched off; nil means always off.
	InboxAddr func() string
	// Archive gives the public pages of newsletters; nil means that there are none.
	Archive ArchiveSource
	// Done is closed when the server is about to stop, so that streams end. nil means never.
	Done <-chan struct{}
	// TrustedProxies are believed when they say in X-Forwarded-For who the client is; loopback always is.
	TrustedProxies []netip.Prefix
	// Logger takes the access log and internal errors; nil means slog.Default.
	Logger *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// System is what GET /system tells besides the version.
type System struct {
	Started         time.Time
	PrivateDatabase bool // we started the Postgres ourselves
	PostgresVersion string
	Nodes           []sender.NodeInfo
}

// Deps are the services behind the API.
type Deps struct {
	Auth        *auth.Service
	Settings    *settings.Service
	Idempotency *idempotency.Store
	Audience    *audience.Service
	Templates   *templates.Service
	Media       *media.Service
	Campaigns   *campaigns.Service
	Newsletters *newsletters.Service
	Confirm     *confirm.Service
	Events      *events.Service
	Hooks       *hooksource.Service
	Sender      *sender.Service
	Inbox       *sender.InboxStore
	Webhooks    *outgoing.Service
	Mailboxes   *mailbox.Service
}

func (d Deps) check() error {
	v := reflect.ValueOf(d)
	for i := range v.NumField() {
		if v.Field(i).IsNil() {
			return fmt.Errorf("api: Deps.%s is missing", v.Type().Field(i).Name)
		}
	}
	return nil
}

// server holds what handlers use.
type server struct {
	cfg  Config
	deps Deps
	log  *slog.Logger
	now  func() time.Time
	huma huma.API
	// listed are the routes in the order of the list, which is that of the documentation.
	listed []route
}

// New makes the handler of everything. It is safe for concurrent use.
func New(cfg Config, deps Deps) (http.Handler, error) {
	if err := deps.check(); err != nil {
		return nil, err
	}
	s := newServer(cfg, deps)
	root := chi.NewRouter()
	root.Use(s.observe, s.secure, s.onlyMail, middleware.Compress(5, "application/json", "application/openapi+json", "application/problem+json", "text/html", "text/css", "text/csv",
		"text/javascript", "image/svg+xml", "application/atom+xml", "application/feed+json"))
	root.Get("/healthz", s.health)
	root.Get("/readyz", s.ready)
	root.Get("/api/docs", s.docsPage())
	root.Handle("/api", http.RedirectHandler("/api/docs", http.StatusFound))
	root.Mount(Prefix, s.restAPI())
	root.Handle("/api/*", http.HandlerFunc(s.noSuchRoute))
	s.publicPages(root)
	s.mediaFiles(root)
	s.providerHooks(root)
	s.interfaceFiles(root)
	return s.quickTracking(root), nil
}

// OpenAPI gives the OpenAPI 3.1 document of the REST API as JSON. It needs no database.
func OpenAPI(version string) ([]byte, error) {
	s := newServer(Config{Version: version}, Deps{})
	s.restAPI()
	out, err := json.MarshalIndent(s.huma.OpenAPI(), "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the OpenAPI document: %w", err)
	}
	return append(out, '\n'), nil
}

func newServer(cfg Config, deps Deps) *server {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.InboxAddr == nil {
		cfg.InboxAddr = func() string { return "" }
	}
	return &server{cfg: cfg, deps: deps, log: cfg.Logger, now: cfg.Now}
}

// restAPI builds the router of everything under Prefix.
func (s *server) restAPI() chi.Router {
	configureHuma()
	r := chi.NewRouter()
	r.Use(noStore, s.sameOrigin)
	if s.deps.Auth != nil {
		r.Use(s.deps.Auth.SessionMiddleware(func(r *http.Request) bool { return requestOf(r.Context()).https }, s.sessionFailed))
	}
	r.NotFound(s.noSuchRoute)
	r.MethodNotAllowed(s.wrongMethod)
	s.huma = humachi.New(r, humaConfig(s.cfg.Version))
	s.routes()
	return r
}

func humaConfig(version string) huma.Config {
	cfg := huma.DefaultConfig("Postrider", version)
	cfg.Info.Description = "Everything that the admin interface does, it does through this API."
	cfg.Servers = []*huma.Server{{URL: Prefix}}
	cfg.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	cfg.Components.SecuritySchemes = securitySchemes()
	cfg.Tags = tags()
	cfg.DocsPath = ""      // huma's page loads its script from elsewhere; ours is /api/docs
	cfg.SchemasPath = ""   // nobody needs the schemas one by one
	cfg.CreateHooks = nil  // the default hook puts $schema into every body
	cfg.Transformers = nil // as above
	return cfg
}

// schemaName names the schemas after our types, without the JSON at their end.
func schemaName(t reflect.Type, hint string) string {
	return strings.ReplaceAll(huma.DefaultSchemaNamer(t, hint), "JSON", "")
}

func (s *server) noSuchRoute(w http.ResponseWriter, r *http.Request) {
	s.writeProblem(w, r, errs.New(errs.NotFound, "the API has no such path: /api/docs lists what it has"))
}

func (s *server) wrongMethod(w http.ResponseWriter, r *http.Request) {
	p := &Problem{Type: problemType, Title: http.StatusText(http.StatusMethodNotAllowed), Status: http.StatusMethodNotAllowed,
		Detail: "this path does not take " + r.Method + ": /api/docs lists what it takes"}
	s.writeProblem(w, r, p)
}

func (s *server) health(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok\n") }

func (s *server) ready(w http.ResponseWriter, r *http.Request) {
	if s.cfg.Ready != nil {
		if err := s.cfg.Ready(r.Context()); err != nil {
			s.log.LogAttrs(r.Context(), slog.LevelWarn, "not ready", slog.String("error", err.Error()))
			plain(w, http.StatusServiceUnavailable, "the database does not answer\n")
			return
		}
	}
	plain(w, http.StatusOK, "ok\n")
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // a reader who went away is nobody's error
}
