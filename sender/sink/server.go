package sink

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Config sets a sink up. The zero value listens on a free port of 127.0.0.1 and keeps no ledger.
type Config struct {
	Addr   string        // loopback; default "127.0.0.1:0"
	RTT    time.Duration // every answer comes this much later
	Ledger string        // file to append accepted recipients to; "" keeps none
}

// Server is a running sink.
type Server struct {
	rtt    time.Duration
	ln     net.Listener
	ledger *ledger
	wg     sync.WaitGroup

	accepted atomic.Int64
	mu       sync.Mutex
	conns    map[net.Conn]struct{}
	closed   bool
}

// Start begins to listen. Close must be called at the end.
func Start(cfg Config) (*Server, error) {
	if cfg.Addr == "" {
		cfg.Addr = "127.0.0.1:0"
	}
	if err := CheckLoopback(cfg.Addr); err != nil {
		return nil, err
	}
	led, err := openLedger(cfg.Ledger)
	if err != nil {
		return nil, err
	}
	ln, err := net.Listen("tcp", cfg.Addr)
	if err != nil {
		_ = led.close()
		return nil, fmt.Errorf("listening: %w", err)
	}
	s := &Server{rtt: cfg.RTT, ln: ln, ledger: led, conns: map[net.Conn]struct{}{}}
	s.wg.Go(s.serve)
	return s, nil
}

// CheckLoopback refuses an address that is not on this machine: load goes nowhere else.
func CheckLoopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("%q is not host:port", addr)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("%q is not on this machine: a sink is reached at 127.0.0.1 or [::1] only", addr)
	}
	return nil
}

// Addr is host:port.
func (s *Server) Addr() string { return s.ln.Addr().String() }

// Accepted is how many messages were taken so far.
func (s *Server) Accepted() int64 { return s.accepted.Load() }

// Close ends all connections and the ledger. Calling it again does nothing.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	for c := range s.conns {
		_ = c.Close()
	}
	s.mu.Unlock()
	_ = s.ln.Close()
	s.wg.Wait()
	return s.ledger.close()
}

func (s *Server) serve() {
	for {
		nc, err := s.ln.Accept()
		if err != nil {
			return // Close closed the listener
		}
		if !s.add(nc) {
			_ = nc.Close()
			return
		}
		s.wg.Go(func() {
			newConn(s, nc).run()
			_ = nc.Close()
			s.mu.Lock()
			delete(s.conns, nc)
			s.mu.Unlock()
		})
	}
}

func (s *Server) add(nc net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.conns[nc] = struct{}{}
	return true
}
