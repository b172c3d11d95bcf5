package smtptest

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
)

// Server is a running SMTP server.
type Server struct {
	cfg      Config
	ln       net.Listener
	tls      *tls.Config
	pool     *x509.CertPool
	scripts  *scripts
	ledger   *ledger
	meter    *meter // nil without a provider
	commands map[string]*atomic.Int64
	done     chan struct{}
	wg       sync.WaitGroup
	closing  sync.Once
	closed   error

	mu         sync.Mutex
	conns      map[net.Conn]struct{}
	opened     int
	live       int
	peak       int
	violations []string
}

// verbs are the commands that are counted.
var verbs = []string{"EHLO", "HELO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "RSET", "NOOP", "QUIT"}

// New starts a server; Close ends it.
func New(cfg Config) (*Server, error) {
	if cfg.Addr == "" {
		cfg.Addr = "127.0.0.1:0"
	}
	host, _, err := net.SplitHostPort(cfg.Addr)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("address %q: the test server listens on loopback only", cfg.Addr)
	}
	if cfg.AuthMechs == "" {
		cfg.AuthMechs = "PLAIN LOGIN CRAM-MD5 XOAUTH2"
	}
	if cfg.Size == 0 {
		cfg.Size = 35882577
	}
	s := &Server{cfg: cfg, scripts: newScripts(cfg.Scripts), done: make(chan struct{}), conns: map[net.Conn]struct{}{}, commands: map[string]*atomic.Int64{}}
	for _, v := range verbs {
		s.commands[v] = new(atomic.Int64)
	}
	if cfg.Provider != nil {
		s.meter = newMeter(*cfg.Provider)
	}
	if cfg.TLS != NoTLS {
		if s.tls, s.pool, err = certificates(cfg.TLSFault); err != nil {
			return nil, fmt.Errorf("making test certificate: %w", err)
		}
	}
	if s.ledger, err = newLedger(cfg.LedgerPath, cfg.LedgerSync); err != nil {
		return nil, err
	}
	if s.ln, err = net.Listen("tcp", cfg.Addr); err != nil {
		_ = s.ledger.close()
		return nil, fmt.Errorf("listening: %w", err)
	}
	s.wg.Go(s.serve)
	return s, nil
}

// Close ends all connections, waits for their goroutines and closes the ledger.
// It may be called twice.
func (s *Server) Close() error {
	s.closing.Do(func() {
		close(s.done)
		_ = s.ln.Close()
		s.DropAll()
		s.wg.Wait()
		s.closed = s.ledger.close()
	})
	return s.closed
}

// Addr is host:port.
func (s *Server) Addr() string { return s.ln.Addr().String() }

// Host is the address without the port.
func (s *Server) Host() string { return s.ln.Addr().(*net.TCPAddr).IP.String() }

// Port is the port the server listens on.
func (s *Server) Port() int { return s.ln.Addr().(*net.TCPAddr).Port }

// CertPool trusts the authority of the server's certificate, which names 127.0.0.1,
// ::1 and localhost. It is nil without TLS.
func (s *Server) CertPool() *x509.CertPool { return s.pool }

// Script adds a script to the running server.
func (s *Server) Script(sc Script) { s.scripts.add(sc) }

// DropAll closes all connections without a word; new ones are accepted.
func (s *Server) DropAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.Close()
	}
}

// Connections is how many connections were opened so far, and the most at once.
func (s *Server) Connections() (opened, peak int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opened, s.peak
}

// Commands counts the commands received, by verb in upper case.
func (s *Server) Commands(verb string) int {
	n, ok := s.commands[verb]
	if !ok {
		return 0
	}
	return int(n.Load())
}

// Violations lists what clients did against the protocol. Limits of a provider are
// not among them, see [Server.LimitViolations].
func (s *Server) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.violations)
}

func (s *Server) violation(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.violations = append(s.violations, fmt.Sprintf(format, args...))
}

func (s *Server) serve() {
	for {
		nc, err := s.ln.Accept()
		if err != nil {
			return // Close closed the listener
		}
		n, ok := s.add(nc)
		if !ok {
			_ = nc.Close()
			return
		}
		s.wg.Go(func() {
			defer s.remove(nc)
			c := &conn{s: s, nc: nc, raw: nc, id: n}
			c.run()
			s.over()
			c.end()
		})
	}
}

// add registers a connection unless the server is closing.
func (s *Server) add(nc net.Conn) (int, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.done:
		return 0, false
	default:
	}
	s.conns[nc] = struct{}{}
	s.opened++
	s.live++
	s.peak = max(s.peak, s.live)
	return s.opened, true
}

// over counts a session as ended, whether or not the client has noticed.
func (s *Server) over() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live--
}

func (s *Server) remove(nc net.Conn) {
	_ = nc.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, nc)
}
