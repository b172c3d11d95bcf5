package listener

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
)

// Server is the listener. Make it with Listen, start it with Run.
type Server struct {
	cfg     Config
	limits  Limits
	domains *domainCache
	taking  *semaphore.Weighted
	peers   *peers
	cert    *certificate // nil without STARTTLS
	ports   []*port
}

// Listen checks the configuration and opens the addresses, so that whatever is wrong with them is known at once. After it either Run or Close must be called.
func Listen(ctx context.Context, cfg Config) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Taker == nil || cfg.Domains == nil {
		return nil, errors.New("the bounce listener has nobody to give its mail to")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	limits := cfg.Limits.withDefaults()
	s := &Server{
		cfg: cfg, limits: limits, domains: &domainCache{load: cfg.Domains, now: cfg.Now}, taking: semaphore.NewWeighted(int64(limits.AtOnce)),
		peers: &peers{most: limits.Connections, mostPerPeer: limits.PerPeer, byPeer: map[string]int{}},
	}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) open(ctx context.Context) error {
	if s.cfg.CertFile != "" {
		s.cert = &certificate{certFile: s.cfg.CertFile, keyFile: s.cfg.KeyFile, now: s.cfg.Now, logger: s.cfg.Logger}
		if _, err := s.cert.get(nil); err != nil {
			return err
		}
	}
	if s.cfg.SMTP != "" {
		ln, err := openTCP(ctx, "--bounce-listen", s.cfg.SMTP)
		if err != nil {
			return err
		}
		s.add(ln, false)
	}
	if s.cfg.LMTP == "" {
		return nil
	}
	ln, err := openLMTP(ctx, s.cfg.LMTP)
	if err != nil {
		return err
	}
	s.add(ln, true)
	return nil
}

func (s *Server) add(ln net.Listener, lmtp bool) {
	s.ports = append(s.ports, &port{s: s, lmtp: lmtp, ln: ln, stopped: make(chan struct{}), conns: map[*conn]struct{}{}})
}

// Addr is the address that is listened on by SMTP, LMTPAddr that of LMTP; nil when it is off.
func (s *Server) Addr() net.Addr { return s.addr(false) }

// LMTPAddr is the address of LMTP, nil when it is off.
func (s *Server) LMTPAddr() net.Addr { return s.addr(true) }

func (s *Server) addr(lmtp bool) net.Addr {
	for _, p := range s.ports {
		if p.lmtp == lmtp {
			return p.ln.Addr()
		}
	}
	return nil
}

// Close gives the addresses of a server back that is not run.
func (s *Server) Close() error {
	var err error
	for _, p := range s.ports {
		err = errors.Join(err, p.ln.Close())
	}
	return err
}

// Run serves until ctx ends and may be called once. When it stops, messages that were received completely are still taken and answered; others are cut off
// before their end with a 421, so that their senders come again.
func (s *Server) Run(ctx context.Context) error {
	// What is received is taken to its end, however short the rest is; TakeTimeout bounds it.
	lasting := context.WithoutCancel(ctx)
	group, ctx := errgroup.WithContext(ctx)
	for _, p := range s.ports {
		group.Go(func() error { return s.serve(lasting, p) })
		group.Go(func() error {
			<-ctx.Done()
			return p.stop()
		})
	}
	return group.Wait()
}

// serve accepts connections until the port stops, and waits for their sessions.
func (s *Server) serve(ctx context.Context, p *port) error {
	var sessions sync.WaitGroup
	defer sessions.Wait()
	var config *tls.Config
	if s.cert != nil && !p.lmtp {
		config = &tls.Config{GetCertificate: s.cert.get}
	}
	for {
		c, err := p.accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return errors.Join(fmt.Errorf("the bounce listener: %w", err), p.stop())
		}
		one := &session{s: s, ctx: ctx, conn: c, lmtp: p.lmtp, tls: config}
		one.use(c)
		sessions.Go(one.serve)
	}
}
