package outgoing

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"postrider/internal/secret"
)

// Config tunes webhooks. Its zero value works.
type Config struct {
	// AllowPrivate lets endpoints be on this machine and in private networks, and be reached by http.
	AllowPrivate bool
	// Keep is how long messages stay in the log. Default 30 days.
	Keep time.Duration
	// LinkURL gives a link of a campaign's content as written there; nil or an error leaves it out.
	LinkURL func(ctx context.Context, campaignID int64, link int32) (string, error)
}

// defaultKeep of Config.Keep.
const defaultKeep = 30 * 24 * time.Hour

// Service has the use cases of webhooks and sends them. It is safe for concurrent use.
type Service struct {
	pool    *pgxpool.Pool
	box     *secret.Box
	cfg     Config
	log     *slog.Logger
	now     func() time.Time
	client  *http.Client
	timeout time.Duration
	wake    chan struct{}

	mu      sync.Mutex
	working map[int64]int // workers of this process by endpoint
}

// New makes a Service. Run must be going for anything to be sent.
func New(pool *pgxpool.Pool, box *secret.Box, cfg Config, logger *slog.Logger, now func() time.Time) *Service {
	if cfg.Keep <= 0 {
		cfg.Keep = defaultKeep
	}
	return &Service{
		pool: pool, box: box, cfg: cfg, log: logger, now: now, client: newClient(cfg.AllowPrivate), timeout: attemptTimeout,
		wake: make(chan struct{}, 1), working: map[int64]int{},
	}
}

// clock is the time as Postgres keeps it.
func (s *Service) clock() time.Time { return s.now().UTC().Truncate(time.Microsecond) }

// rouse lets Run look for work at once.
func (s *Service) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
