package sender

import (
	"context"
	"crypto/x509"
	"log/slog"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"postrider/internal/secret"
	"postrider/sender/dkim"
)

// Config is what the service needs to know about its surroundings. The zero value works: no inbox, the system's resolver and certificates.
type Config struct {
	// InboxAddr gives the "host:port" of the built-in capture server, "" while it is off.
	InboxAddr func() string
	// DefaultFrom gives the address that a relay is tested with when the caller names none; "" when there is none either.
	DefaultFrom func(ctx context.Context) string
	// Resolver answers the questions about DNS.
	Resolver Resolver
	// LocalAddrs gives the public addresses of this machine, from which a mail server on it sends; nil = those of its interfaces.
	LocalAddrs func() []net.IP
	// RootCAs are the authorities that a relay's certificate may come from; nil = the system's.
	RootCAs *x509.CertPool
	// Signing makes the RSA signatures of DKIM; the zero value is Go's own crypto.
	Signing dkim.Backend
}

// Service has the use cases of relays and sending domains.
type Service struct {
	pool    *pgxpool.Pool
	box     *secret.Box
	cfg     Config
	logger  *slog.Logger
	now     func() time.Time
	signers signerCache
	tokens  tokenCache
}

// New makes the service. It starts nothing.
func New(pool *pgxpool.Pool, box *secret.Box, cfg Config, logger *slog.Logger, now func() time.Time) *Service {
	if cfg.InboxAddr == nil {
		cfg.InboxAddr = func() string { return "" }
	}
	if cfg.DefaultFrom == nil {
		cfg.DefaultFrom = func(context.Context) string { return "" }
	}
	if cfg.Resolver == nil {
		cfg.Resolver = net.DefaultResolver
	}
	if cfg.LocalAddrs == nil {
		cfg.LocalAddrs = machineAddrs
	}
	return &Service{pool: pool, box: box, cfg: cfg, logger: logger, now: now}
}
