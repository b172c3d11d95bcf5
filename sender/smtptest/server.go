package smtptest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"sync"
	"time"
)

// Server is a running SMTP server.
type Server struct {
	cfg     Config
	ln      net.Listener
	tls     *tls.Config
	pool    *x509.CertPool
	scripts *scripts
	ledger  *ledger
	done    chan struct{}
	wg      sync.WaitGroup
	closing sync.Once
	closed  error

	mu         sync.Mutex
	conns      map[net.Conn]struct{}
	opened     int
	peak       int
	violations []string
	commands   map[string]int
}

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
	s := &Server{cfg: cfg, scripts: newScripts(cfg.Scripts), done: make(chan struct{}), conns: map[net.Conn]struct{}{}, commands: map[string]int{}}
	if cfg.TLS != NoTLS {
		if s.tls, s.pool, err = certificate(); err != nil {
			return nil, fmt.Errorf("making test certificate: %w", err)
		}
	}
	if s.ledger, err = newLedger(cfg.LedgerPath); err != nil {
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

// CertPool trusts the server's certificate, which names 127.0.0.1, ::1 and
// localhost. It is nil without TLS.
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
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.commands[verb]
}

// Violations lists what clients did against the protocol.
func (s *Server) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.violations...)
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
			c := &conn{s: s, nc: nc, id: n}
			c.run()
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
	s.peak = max(s.peak, len(s.conns))
	return s.opened, true
}

func (s *Server) remove(nc net.Conn) {
	_ = nc.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, nc)
}

// certificate makes a CA and a server certificate valid for a day.
func certificate() (*tls.Config, *x509.CertPool, error) {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	now := time.Now()
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "smtptest CA"}, NotBefore: now.Add(-time.Hour),
		NotAfter: now.Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "smtptest"}, NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	if err != nil {
		return nil, nil, err
	}
	caCert, err := x509.ParseCertificate(caDER)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, caCert, key.Public(), caKey)
	if err != nil {
		return nil, nil, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(caCert)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}, pool, nil
}
