package inbox

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// Defaults of [Config].
const (
	DefaultAddr    = "127.0.0.1:0"
	DefaultMaxSize = 25 << 20
	idleTimeout    = 10 * time.Minute
	storeTimeout   = 30 * time.Second
	maxRecipients  = 1000
)

// Store keeps captured mail. An error makes the sender try again later.
type Store interface {
	Capture(ctx context.Context, m Captured) error
}

// Captured is one accepted message.
type Captured struct {
	From       string // return path, "" for the null sender
	To         []string
	Raw        []byte // CRLF line ends, dot-stuffing undone
	ReceivedAt time.Time
	TLS        bool
}

// Config sets a server up; Store is required.
type Config struct {
	Addr      string // loopback host:port; default a free port of 127.0.0.1
	Store     Store
	Logger    *slog.Logger // default: none
	MaxSize   int64        // bytes per message; default 25 MiB
	TLSConfig *tls.Config  // offers STARTTLS when set
}

// Server is the inbox. Make it with [New] and start it with [Server.Run].
type Server struct {
	cfg       Config
	listening chan struct{}
	addr      string // valid once listening is closed
}

// New prepares a server; it listens when Run is called.
func New(cfg Config) *Server {
	if cfg.Addr == "" {
		cfg.Addr = DefaultAddr
	}
	if cfg.MaxSize <= 0 {
		cfg.MaxSize = DefaultMaxSize
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Server{cfg: cfg, listening: make(chan struct{})}
}

// Listening is closed once connections are accepted. It stays open when Run fails.
func (s *Server) Listening() <-chan struct{} { return s.listening }

// Addr is host:port of the listener. It waits for nothing: call it after
// [Server.Listening] has closed; before, it is "".
func (s *Server) Addr() string {
	select {
	case <-s.listening:
		return s.addr
	default:
		return ""
	}
}

// Run serves until ctx ends and may be called once. When it stops, messages that
// were received completely are still stored and answered; others are cut off
// before their end, so that no sender is left in doubt.
func (s *Server) Run(ctx context.Context) error {
	if s.cfg.Store == nil {
		return errors.New("inbox: no store is configured")
	}
	host, _, err := net.SplitHostPort(s.cfg.Addr)
	if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("inbox: address %q is not a loopback host:port, such as 127.0.0.1:2525", s.cfg.Addr)
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", s.cfg.Addr)
	if err != nil {
		return fmt.Errorf("inbox: %w", err)
	}
	s.addr = ln.Addr().String()
	tracked := &listener{Listener: ln, conns: map[*conn]struct{}{}}
	srv := s.smtpServer(context.WithoutCancel(ctx))
	served := make(chan error, 1)
	go func() { served <- srv.Serve(tracked) }()
	close(s.listening)
	select {
	case err = <-served:
		return errors.Join(err, stop(srv, tracked))
	case <-ctx.Done():
		err = stop(srv, tracked)
		return errors.Join(err, <-served)
	}
}

// stop ends the server and waits for its sessions.
func stop(srv *smtp.Server, ln *listener) error {
	ln.stop()
	if err := srv.Shutdown(context.Background()); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("inbox: stopping: %w", err)
	}
	return nil
}

func (s *Server) smtpServer(ctx context.Context) *smtp.Server {
	be := &backend{ctx: ctx, cfg: s.cfg, seen: map[string]bool{}}
	srv := smtp.NewServer(be)
	srv.Domain = "inbox.localhost"
	srv.MaxMessageBytes = s.cfg.MaxSize
	srv.MaxRecipients = maxRecipients
	srv.ReadTimeout, srv.WriteTimeout = idleTimeout, idleTimeout
	srv.TLSConfig = s.cfg.TLSConfig
	srv.ErrorLog = errorLog{s.cfg.Logger}
	return srv
}

// errorLog passes go-smtp's internal errors on.
type errorLog struct{ l *slog.Logger }

// Printf implements smtp.Logger.
func (e errorLog) Printf(format string, v ...any) {
	e.l.Debug("inbox server", "message", fmt.Sprintf(format, v...))
}

// Println implements smtp.Logger.
func (e errorLog) Println(v ...any) {
	e.l.Debug("inbox server", "message", strings.TrimSpace(fmt.Sprintln(v...)))
}

// listener remembers its connections, because go-smtp's Shutdown waits for idle
// clients to leave by themselves.
type listener struct {
	net.Listener
	mu       sync.Mutex
	stopping bool
	conns    map[*conn]struct{}
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	c := &conn{Conn: nc, l: l}
	l.conns[c] = struct{}{}
	if l.stopping {
		_ = nc.SetReadDeadline(time.Unix(1, 0))
	}
	return c, nil
}

// stop makes every read fail from now on. Sessions end at their next read, hence
// after the reply to a complete message and before the end of an incomplete one.
func (l *listener) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopping = true
	for c := range l.conns {
		_ = c.Conn.SetReadDeadline(time.Unix(1, 0))
	}
}

type conn struct {
	net.Conn
	l *listener
}

// SetReadDeadline implements net.Conn; it no longer extends reads while stopping.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	if c.l.stopping {
		return nil
	}
	return c.Conn.SetReadDeadline(t)
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.l.mu.Lock()
	delete(c.l.conns, c)
	c.l.mu.Unlock()
	return c.Conn.Close()
}
