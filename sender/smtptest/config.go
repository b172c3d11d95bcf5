package smtptest

import (
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

// Config sets a server up. The zero value accepts everything on a free port.
type Config struct {
	Addr         string // loopback address; default "127.0.0.1:0"
	TLS          TLSMode
	TLSFault     TLSFault          // what is wrong with TLS; "" is nothing
	Users        map[string]string // user → password (or XOAUTH2 token); offers AUTH and requires it
	AuthMechs    string            // default "PLAIN LOGIN CRAM-MD5 XOAUTH2"
	Scripts      []Script
	NoPipelining bool
	DiscardAhead bool          // offers PIPELINING and throws away what was sent ahead of a reply
	Hide         []string      // EHLO keywords left out; a hidden STARTTLS is refused as well
	Offer        []string      // further EHLO lines, such as "SMTPUTF8"
	Size         int           // largest message; default 35882577 octets
	Limits       Limits        // announced and held (RFC 9422)
	Greylist     *Greylist     // nil accepts at the first attempt
	Provider     *Provider     // limits of a real provider; nil has none
	Fragment     bool          // replies leave in pieces cut at random
	PlainReplies bool          // no enhanced status codes (RFC 3463)
	MaxPerConn   int           // messages accepted per connection, then 421 to MAIL; 0 is unlimited
	SilentClose  bool          // at MaxPerConn close without the 421
	Latency      time.Duration // added to every round trip
	LedgerPath   string        // a line "to\tmessage-id" for each accepted recipient
	LedgerSync   bool          // the line is on the disk before the reply; those of several connections share a sync
	DiscardRaw   bool          // keep envelopes but no messages
}

// Option changes a Config in [Start].
type Option func(*Config)

// WithTLS sets the TLS mode with a certificate of a CA made for this server.
func WithTLS(m TLSMode) Option { return func(c *Config) { c.TLS = m } }

// WithTLSFault sets the TLS mode and what is wrong with it.
func WithTLSFault(m TLSMode, f TLSFault) Option {
	return func(c *Config) { c.TLS, c.TLSFault = m, f }
}

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

// WithDiscardAhead offers PIPELINING and forgets what was sent ahead of a reply.
func WithDiscardAhead() Option { return func(c *Config) { c.DiscardAhead = true } }

// WithoutExtensions leaves keywords out of EHLO.
func WithoutExtensions(keywords ...string) Option {
	return func(c *Config) { c.Hide = append(c.Hide, keywords...) }
}

// WithSize sets the largest message in octets.
func WithSize(octets int) Option { return func(c *Config) { c.Size = octets } }

// WithLimits announces and holds limits of a session.
func WithLimits(l Limits) Option { return func(c *Config) { c.Limits = l } }

// WithGreylist refuses the first attempts of each sender and recipient.
func WithGreylist(g *Greylist) Option { return func(c *Config) { c.Greylist = g } }

// WithProvider holds the limits of a provider and counts who exceeds them.
func WithProvider(p Provider) Option { return func(c *Config) { c.Provider = &p } }

// WithFragments sends replies in pieces cut at random.
func WithFragments() Option { return func(c *Config) { c.Fragment = true } }

// WithPlainReplies leaves enhanced status codes out.
func WithPlainReplies() Option { return func(c *Config) { c.PlainReplies = true } }

// WithMaxPerConn ends connections after n messages, with 421 or silently.
func WithMaxPerConn(n int, silent bool) Option {
	return func(c *Config) { c.MaxPerConn, c.SilentClose = n, silent }
}

// WithLatency delays every round trip.
func WithLatency(d time.Duration) Option { return func(c *Config) { c.Latency = d } }

// WithLedger writes accepted recipients to a file as well.
func WithLedger(path string) Option { return func(c *Config) { c.LedgerPath = path } }

// WithLedgerSync is [WithLedger] with every entry on the disk before its reply.
func WithLedgerSync(path string) Option {
	return func(c *Config) { c.LedgerPath, c.LedgerSync = path, true }
}

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
