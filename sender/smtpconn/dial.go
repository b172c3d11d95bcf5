package smtpconn

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/textproto"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"postrider/sender/reply"
)

// TLSMode says how a session is encrypted. The zero value is not encrypted.
type TLSMode string

// The TLS modes. StartTLS is mandatory: it never falls back to clear text.
const (
	TLSNone     TLSMode = ""
	TLSStart    TLSMode = "starttls"
	TLSImplicit TLSMode = "implicit"
)

// Default timeouts (RFC 5321 §4.5.3.2). DotTimeout is long because giving up
// between dot and reply is what makes duplicates.
const (
	DefaultDialTimeout    = 30 * time.Second
	DefaultCommandTimeout = 5 * time.Minute
	DefaultDataTimeout    = 5 * time.Minute
	DefaultDotTimeout     = 10 * time.Minute
)

// Dialer opens sessions to one server. Host and Port are required; a zero timeout
// is its default.
type Dialer struct {
	Host      string
	Port      int
	TLS       TLSMode
	TLSConfig *tls.Config // nil verifies Host against the system's authorities
	Auth      AuthKind
	Username  string
	Password  string // or the access token, for AuthXOAUTH2 without Tokens
	Tokens    Tokens // gives the access tokens of AuthXOAUTH2
	HELO      string // name in EHLO; "" is the host's own name

	// Avoid, when set, remembers a server that does not answer commands sent ahead, and speaks to it in lock-step for an hour.
	Avoid *Avoid

	// Trace, when set, is told of each step of Dial once it is done or has failed. It is called by the goroutine that dials.
	Trace func(Step)

	DialTimeout    time.Duration // TCP connect and the handshake of TLSImplicit
	CommandTimeout time.Duration // one command and its whole reply; greeting to AUTH together
	DataTimeout    time.Duration // writing the message
	DotTimeout     time.Duration // from the final dot to the end of its reply

	patience time.Duration // for the first reply that shows that commands sent ahead are heard
}

// Error is a session that could not be opened. Reply.Code is 0 when the server
// did not say no itself; Reply.Text then describes the local error. It is meant
// for [reply.Classify] and [reply.Remedy] and holds no password.
type Error struct {
	Stage reply.Stage
	Reply reply.Reply
	Err   error

	again bool // a new access token may help
}

func (e *Error) Error() string { return "smtp " + string(e.Stage) + ": " + e.Reply.String() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// fail wraps an error with the stage, taking the server's reply out of it.
func fail(stage reply.Stage, err error) *Error {
	e := &Error{Stage: stage, Err: err}
	var proto *textproto.Error
	if errors.As(err, &proto) {
		e.Reply = reply.Parse(proto.Code, proto.Msg, stage)
		return e
	}
	e.Reply = reply.Parse(0, err.Error(), stage)
	return e
}

// Dial opens a session: connect, TLS, EHLO, AUTH. Errors are *[Error]. Ending
// ctx aborts it; afterwards ctx has no hold on the Conn. When the server refuses an
// access token that was not new, a new one is tried once, on a new connection.
func (d Dialer) Dial(ctx context.Context) (*Conn, error) {
	d.setDefaults()
	c, err := d.dial(ctx)
	if err != nil && err.again && ctx.Err() == nil {
		c, err = d.dial(ctx)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (d *Dialer) dial(ctx context.Context) (*Conn, *Error) {
	nc, wire, derr := d.connect(ctx)
	if derr != nil {
		return nil, derr
	}
	stop := context.AfterFunc(ctx, func() { _ = nc.Close() })
	session, derr := d.open(ctx, nc, wire)
	wire.through()
	if !stop() && derr == nil {
		derr = fail(reply.StageConnect, ctx.Err())
	}
	if derr != nil {
		_ = nc.Close()
		if cause := context.Cause(ctx); cause != nil {
			derr.Err = errors.Join(derr.Err, cause)
		}
		return nil, derr
	}
	return newConn(*d, nc, session), nil
}

func (d *Dialer) setDefaults() {
	set := func(v *time.Duration, def time.Duration) {
		if *v <= 0 {
			*v = def
		}
	}
	set(&d.DialTimeout, DefaultDialTimeout)
	set(&d.CommandTimeout, DefaultCommandTimeout)
	set(&d.DataTimeout, DefaultDataTimeout)
	set(&d.DotTimeout, DefaultDotTimeout)
	set(&d.patience, defaultPatience)
	if d.HELO == "" {
		d.HELO = "localhost"
		if name, err := os.Hostname(); err == nil && name != "" {
			d.HELO = name
		}
	}
}

// tlsConfig is the caller's configuration with the name to verify and at least
// TLS 1.2.
func (d *Dialer) tlsConfig() *tls.Config {
	cfg := &tls.Config{}
	if d.TLSConfig != nil {
		cfg = d.TLSConfig.Clone()
	}
	if cfg.ServerName == "" {
		cfg.ServerName = d.Host
	}
	cfg.MinVersion = max(cfg.MinVersion, tls.VersionTLS12)
	return cfg
}

// connect dials and, for TLSImplicit, shakes hands. wire is what lies below TLS.
func (d *Dialer) connect(ctx context.Context) (nc net.Conn, wire *opening, derr *Error) {
	switch d.TLS {
	case TLSNone, TLSStart, TLSImplicit:
	default:
		return nil, nil, fail(reply.StageConnect, errors.New("unknown TLS mode "+strconv.Quote(string(d.TLS))))
	}
	ctx, cancel := context.WithTimeout(ctx, d.DialTimeout)
	defer cancel()
	began := time.Now()
	nc, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(d.Host, strconv.Itoa(d.Port)))
	if err != nil {
		return nil, nil, d.done(began, Step{Stage: reply.StageConnect, Err: fail(reply.StageConnect, err)})
	}
	d.done(began, Step{Stage: reply.StageConnect, Remote: nc.RemoteAddr()})
	wire = &opening{Conn: nc, left: maxOpening}
	if d.TLS != TLSImplicit {
		return wire, wire, nil
	}
	began = time.Now()
	tc := tls.Client(wire, wire.within(d.tlsConfig()))
	if err := tc.HandshakeContext(ctx); err != nil {
		_ = nc.Close()
		return nil, nil, d.done(began, Step{Stage: reply.StageTLS, Err: fail(reply.StageTLS, err)})
	}
	d.done(began, Step{Stage: reply.StageTLS, TLS: tc.ConnectionState()})
	return tc, wire, nil
}

// open runs greeting to AUTH under one deadline.
func (d *Dialer) open(ctx context.Context, nc net.Conn, wire *opening) (*smtp.Client, *Error) {
	began := time.Now()
	if err := nc.SetDeadline(began.Add(d.CommandTimeout)); err != nil {
		return nil, fail(reply.StageConnect, err)
	}
	session, err := smtp.NewClient(nc, d.Host)
	if err = wire.cause(err); err != nil {
		return nil, d.done(began, Step{Stage: reply.StageGreeting, Err: fail(reply.StageGreeting, err)})
	}
	if err := wire.cause(session.Hello(d.HELO)); err != nil {
		return nil, d.done(began, Step{Stage: reply.StageGreeting, Err: fail(reply.StageHelo, err)})
	}
	d.done(began, Step{Stage: reply.StageGreeting})
	if d.TLS == TLSStart {
		began = time.Now()
		err := d.startTLS(session, wire)
		state, _ := session.TLSConnectionState()
		if d.done(began, Step{Stage: reply.StageTLS, TLS: state, Err: err}) != nil {
			return nil, err
		}
	}
	if d.Auth == AuthNone || d.Auth == "" {
		return session, nil
	}
	began = time.Now()
	a, derr := d.logIn(ctx, wire, session)
	return session, d.done(began, Step{Stage: reply.StageAuth, Mechanism: strings.ToUpper(string(a.chosen)), Err: derr})
}

// logIn gives the mechanism that was chosen, also when it failed.
func (d *Dialer) logIn(ctx context.Context, wire *opening, session *smtp.Client) (*chooser, *Error) {
	ip, _ := wire.RemoteAddr().(*net.TCPAddr)
	a := &chooser{kind: d.Auth, user: d.Username, password: d.Password, host: d.Host, loopback: ip != nil && ip.IP.IsLoopback()}
	if d.Auth == AuthXOAUTH2 && d.Tokens != nil {
		token, err := d.Tokens.Token(ctx)
		if err != nil {
			return a, fail(reply.StageAuth, err)
		}
		a.password = token
	}
	err := wire.cause(session.Auth(a))
	if err == nil {
		return a, nil
	}
	derr := fail(reply.StageAuth, err)
	if a.refusal != "" {
		derr.Reply.Text = strings.TrimSpace(derr.Reply.Text + " (" + a.refusal + ")")
	}
	derr.again = a.expired() && d.Tokens != nil && d.Tokens.Refused(a.password)
	return a, derr
}

func (d *Dialer) startTLS(session *smtp.Client, wire *opening) *Error {
	if ok, _ := session.Extension("STARTTLS"); !ok {
		return fail(reply.StageStartTLS, errors.New("the server does not offer STARTTLS"))
	}
	err := wire.cause(session.StartTLS(wire.within(d.tlsConfig())))
	if err == nil {
		return nil
	}
	var proto *textproto.Error
	state, started := session.TLSConnectionState()
	switch {
	case started && state.HandshakeComplete:
		return fail(reply.StageHelo, err)
	case !started || errors.As(err, &proto):
		return fail(reply.StageStartTLS, err)
	}
	return fail(reply.StageTLS, err)
}

func newConn(d Dialer, nc net.Conn, session *smtp.Client) *Conn {
	c := &Conn{d: d, nc: nc, session: session, r: session.Text.R, opened: time.Now()}
	c.w = session.Text.W
	_, c.pipelining = c.Extension("PIPELINING")
	if c.pipelining && d.Avoid.lockStep(c.opened) {
		c.pipelining, c.lockStep = false, true
	}
	_, c.size = c.Extension("SIZE")
	c.readLimits()
	return c
}

// Conn is an open session.
type Conn struct {
	d       Dialer
	nc      net.Conn // carries deadlines, also below STARTTLS
	session *smtp.Client
	r       *bufio.Reader
	w       *bufio.Writer
	opened  time.Time
	uses    int
	closed  bool
	dirty   bool   // a transaction is open on the server; RSET must come first
	buf     []byte // the message on the wire
	cmd     []byte // a command
	text    []byte // of the last reply
	// announced is the message whose commands went out with the end of the last one.
	announced *Envelope

	pipelining bool
	lockStep   bool // PIPELINING is offered and avoided
	size       bool
	limits     limits
}

// Uses is how many transactions were begun on this connection.
func (c *Conn) Uses() int { return c.uses }

// Age is the time since the connection was opened.
func (c *Conn) Age() time.Duration { return time.Since(c.opened) }

// Announced reports that the server has the commands of a message already, which
// the next Send must be given.
func (c *Conn) Announced() bool { return c.announced != nil && !c.closed }

// Extension looks an EHLO keyword up, such as "PIPELINING".
func (c *Conn) Extension(name string) (param string, ok bool) {
	ok, param = c.session.Extension(name)
	return param, ok
}

// Extensions is what the server offered, of the keywords a sender cares about.
func (c *Conn) Extensions() map[string]string {
	m := map[string]string{}
	for _, name := range strings.Fields("PIPELINING SIZE 8BITMIME SMTPUTF8 CHUNKING DSN AUTH STARTTLS ENHANCEDSTATUSCODES LIMITS REQUIRETLS BINARYMIME") {
		if param, ok := c.Extension(name); ok {
			m[name] = param
		}
	}
	return m
}

// TLSState is the connection's TLS state; ok is false without TLS.
func (c *Conn) TLSState() (state tls.ConnectionState, ok bool) {
	return c.session.TLSConnectionState()
}

// Close drops the connection without QUIT. It may be called twice.
func (c *Conn) Close() {
	if !c.closed {
		c.closed = true
		_ = c.nc.Close()
	}
}

// Quit says QUIT and closes, without waiting for the reply, as Postfix does.
func (c *Conn) Quit() {
	if c.closed {
		return
	}
	// To an announced message QUIT would be text.
	if c.announced == nil && c.nc.SetDeadline(time.Now().Add(time.Second)) == nil {
		_, _ = c.w.WriteString("QUIT\r\n")
		_ = c.w.Flush()
	}
	c.Close()
}
