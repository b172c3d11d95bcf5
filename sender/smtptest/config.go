package smtptest

import (
	"strings"
	"sync"
	"testing"
	"time"
)

// TLSMode says how the server speaks TLS.
type TLSMode int

// The TLS modes: none (the zero value), STARTTLS offered, TLS from the first byte.
const (
	NoTLS TLSMode = iota
	StartTLS
	ImplicitTLS
)

// Stage is where in the dialogue a script acts.
type Stage string

// The stages. AtBody is inside the message, after its first line has been read;
// AtDot after its end.
const (
	AtGreeting Stage = "greeting"
	AtHelo     Stage = "helo"
	AtStartTLS Stage = "starttls"
	AtAuth     Stage = "auth"
	AtMail     Stage = "mail"
	AtRcpt     Stage = "rcpt"
	AtData     Stage = "data"
	AtBody     Stage = "body"
	AtDot      Stage = "dot"
	AtRset     Stage = "rset"
)

// Script is one departure from accepting everything. The first script that
// matches and is not used up acts.
//
// Match is an address, or a prefix when it ends in "*", or "" for everyone. At
// AtMail it is compared with the sender, at AtRcpt to AtDot with the recipient;
// before MAIL only "" matches.
//
// Wait is waited for first (close it, or send once per use). Then Drop closes the
// connection, otherwise Reply is sent instead of the usual reply; "" keeps that.
// A Reply may hold several lines separated by "\r\n". With Accept, a Drop at AtDot
// enters the message in the ledger first: accepted, but the sender never hears it.
type Script struct {
	Match  string
	At     Stage
	Reply  string
	Drop   bool
	Accept bool
	Wait   <-chan struct{}
	Times  int // 0 is always
}

// Config sets a server up. The zero value accepts everything on a free port.
type Config struct {
	Addr         string // loopback address; default "127.0.0.1:0"
	TLS          TLSMode
	Users        map[string]string // user → password (or XOAUTH2 token); offers AUTH and requires it
	AuthMechs    string            // default "PLAIN LOGIN CRAM-MD5 XOAUTH2"
	Scripts      []Script
	NoPipelining bool
	MaxPerConn   int           // messages accepted per connection, then 421 to MAIL; 0 is unlimited
	SilentClose  bool          // at MaxPerConn close without the 421
	Latency      time.Duration // added to every round trip
	LedgerPath   string        // a line "to\tmessage-id" for each accepted recipient
	DiscardRaw   bool          // keep envelopes but no messages
}

// Option changes a Config in [Start].
type Option func(*Config)

// WithTLS sets the TLS mode with a certificate of a CA made for this server.
func WithTLS(m TLSMode) Option { return func(c *Config) { c.TLS = m } }

// WithUser adds a login and makes AUTH required.
func WithUser(name, password string) Option {
	return func(c *Config) {
		if c.Users == nil {
			c.Users = map[string]string{}
		}
		c.Users[name] = password
	}
}

// WithAuthMechs sets what EHLO offers, such as "LOGIN".
func WithAuthMechs(m string) Option { return func(c *Config) { c.AuthMechs = m } }

// WithScript adds a script.
func WithScript(s Script) Option { return func(c *Config) { c.Scripts = append(c.Scripts, s) } }

// WithReply adds a script that answers a recipient (or prefix*) at a stage.
func WithReply(match string, at Stage, reply string) Option {
	return WithScript(Script{Match: match, At: at, Reply: reply})
}

// WithoutPipelining leaves PIPELINING out of EHLO and counts clients that send ahead.
func WithoutPipelining() Option { return func(c *Config) { c.NoPipelining = true } }

// WithMaxPerConn ends connections after n messages, with 421 or silently.
func WithMaxPerConn(n int, silent bool) Option {
	return func(c *Config) { c.MaxPerConn, c.SilentClose = n, silent }
}

// WithLatency delays every round trip.
func WithLatency(d time.Duration) Option { return func(c *Config) { c.Latency = d } }

// WithLedger writes accepted recipients to a file as well.
func WithLedger(path string) Option { return func(c *Config) { c.LedgerPath = path } }

// WithDiscardRaw keeps no message bytes, for large runs.
func WithDiscardRaw() Option { return func(c *Config) { c.DiscardRaw = true } }

// Start runs a server until the test ends.
func Start(t testing.TB, opts ...Option) *Server {
	t.Helper()
	var cfg Config
	for _, o := range opts {
		o(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatalf("starting SMTP test server: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing SMTP test server: %v", err)
		}
	})
	return s
}

// scripts finds scripts by stage; exact addresses by map, so that large runs with
// many scripts stay fast.
type scripts struct {
	mu     sync.Mutex
	exact  map[string][]*scriptState
	prefix map[Stage][]*scriptState
}

type scriptState struct {
	Script
	left int // uses left, -1 is unlimited
}

func newScripts(list []Script) *scripts {
	s := &scripts{exact: map[string][]*scriptState{}, prefix: map[Stage][]*scriptState{}}
	for _, sc := range list {
		s.add(sc)
	}
	return s
}

func (s *scripts) add(sc Script) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &scriptState{Script: sc, left: -1}
	if sc.Times > 0 {
		st.left = sc.Times
	}
	if sc.Match != "" && !strings.HasSuffix(sc.Match, "*") {
		key := string(sc.At) + " " + sc.Match
		s.exact[key] = append(s.exact[key], st)
		return
	}
	st.Match = strings.TrimSuffix(sc.Match, "*")
	s.prefix[sc.At] = append(s.prefix[sc.At], st)
}

// find uses up and returns the script for an address at a stage, or nil.
func (s *scripts) find(at Stage, addr string) *Script {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.exact) > 0 && addr != "" {
		for _, st := range s.exact[string(at)+" "+addr] {
			if st.use() {
				return &st.Script
			}
		}
	}
	for _, st := range s.prefix[at] {
		if strings.HasPrefix(addr, st.Match) && st.use() {
			return &st.Script
		}
	}
	return nil
}

func (st *scriptState) use() bool {
	if st.left == 0 {
		return false
	}
	if st.left > 0 {
		st.left--
	}
	return true
}
