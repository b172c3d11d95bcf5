package sender

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"postrider/sender/reply"
	"postrider/sender/smtpconn"
)

// relayTest is one test on its way. It opens its session step by step, because smtpconn opens one in a single step and sends MAIL only together
// with a message; the settings are those of the same Dialer.
type relayTest struct {
	dialer  smtpconn.Dialer
	conn    net.Conn
	stop    func() bool // takes the hold of the context off conn
	session *smtp.Client
	report  TestReport
}

func (t *relayTest) run(ctx context.Context, from, to string) {
	steps := []struct {
		name string
		skip bool
		do   func(ctx context.Context) (detail string, err error)
	}{
		{StepConnect, false, t.connect},
		{StepTLS, t.dialer.TLS == smtpconn.TLSNone, t.encrypt},
		{StepAuth, t.dialer.Auth == smtpconn.AuthNone, t.logIn},
		{StepMail, from == "", func(context.Context) (string, error) { return t.say(reply.StageMail, "MAIL FROM:<"+from+">") }},
		{StepRcpt, to == "", func(context.Context) (string, error) { return t.say(reply.StageRcpt, "RCPT TO:<"+to+">") }},
	}
	for _, step := range steps {
		if step.skip {
			continue
		}
		began := time.Now()
		detail, err := step.do(ctx)
		if !t.note(step.name, began, detail, err) {
			return
		}
	}
}

// close leaves as one should: the transaction that MAIL began is taken back.
func (t *relayTest) close() {
	if t.conn == nil {
		return
	}
	const patience = 2 * time.Second
	if t.stop() && t.session != nil && t.conn.SetDeadline(time.Now().Add(patience)) == nil && t.session.Reset() == nil {
		_ = t.session.Quit()
	}
	_ = t.conn.Close()
}

// connect goes as far as EHLO, or only to the open connection when TLS comes first.
func (t *relayTest) connect(ctx context.Context) (string, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(t.dialer.Host, strconv.Itoa(t.dialer.Port)))
	if err != nil {
		return "", stepError(reply.StageConnect, err)
	}
	t.conn = conn
	// The end of the time, or of the caller's patience, ends whatever is being waited for.
	t.stop = context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	detail := "connected to " + conn.RemoteAddr().String()
	if t.dialer.TLS == smtpconn.TLSImplicit {
		return detail, nil
	}
	return detail, t.greet(conn)
}

// greet reads the greeting and says EHLO.
func (t *relayTest) greet(conn net.Conn) error {
	session, err := smtp.NewClient(conn, t.dialer.Host)
	if err != nil {
		return stepError(reply.StageGreeting, err)
	}
	session.SkipSMTPUTF8(true)
	helo := t.dialer.HELO
	if helo == "" {
		helo = "localhost"
		if name, err := os.Hostname(); err == nil && name != "" {
			helo = name
		}
	}
	if err := session.Hello(helo); err != nil {
		_ = session.Close()
		return stepError(reply.StageHelo, err)
	}
	t.session = session
	t.readExtensions()
	return nil
}

func (t *relayTest) readExtensions() {
	t.report.Extensions = []string{}
	for _, name := range []string{"8BITMIME", "AUTH", "CHUNKING", "DSN", "ENHANCEDSTATUSCODES", "LIMITS", "PIPELINING", "SIZE", "SMTPUTF8", "STARTTLS"} {
		if ok, param := t.session.Extension(name); ok {
			t.report.Extensions = append(t.report.Extensions, strings.TrimSpace(name+" "+param))
		}
	}
}

func (t *relayTest) encrypt(ctx context.Context) (string, error) {
	config := t.dialer.TLSConfig.Clone()
	config.ServerName = t.dialer.Host
	if t.dialer.TLS == smtpconn.TLSImplicit {
		return t.encryptFirst(ctx, config)
	}
	if ok, _ := t.session.Extension("STARTTLS"); !ok {
		return "", stepError(reply.StageStartTLS, errors.New("the server does not offer STARTTLS"))
	}
	if err := t.session.StartTLS(config); err != nil {
		stage := reply.StageTLS
		if errors.As(err, new(*textproto.Error)) {
			stage = reply.StageStartTLS
		}
		// The session is of no use for RSET and QUIT any more.
		t.session = nil
		return "", stepError(stage, err)
	}
	t.readExtensions()
	state, _ := t.session.TLSConnectionState()
	t.report.TLS = describeTLS(state)
	return t.report.TLS, nil
}

func (t *relayTest) encryptFirst(ctx context.Context, config *tls.Config) (string, error) {
	conn := tls.Client(t.conn, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		return "", stepError(reply.StageTLS, err)
	}
	t.report.TLS = describeTLS(conn.ConnectionState())
	return t.report.TLS, t.greet(conn)
}

func describeTLS(state tls.ConnectionState) string {
	text := tls.VersionName(state.Version)
	if len(state.PeerCertificates) > 0 {
		leaf := state.PeerCertificates[0]
		names := leaf.Subject.CommonName
		if len(leaf.DNSNames) > 0 {
			names = strings.Join(leaf.DNSNames[:min(3, len(leaf.DNSNames))], ", ")
		}
		text += fmt.Sprintf(", certificate for %s, valid until %s", shorten(names), leaf.NotAfter.UTC().Format(time.DateOnly))
	}
	return text
}

// logIn takes the mechanism that smtpconn takes: the one that was chosen, or the first that is offered, PLAIN before the challenges, because
// servers offer those without having what they need for them.
func (t *relayTest) logIn(context.Context) (string, error) {
	d := t.dialer
	_, offer := t.session.Extension("AUTH")
	offered := strings.Fields(strings.ToLower(offer))
	wanted := []smtpconn.AuthKind{d.Auth}
	if d.Auth == smtpconn.AuthAuto {
		wanted = []smtpconn.AuthKind{smtpconn.AuthPlain, smtpconn.AuthLogin, smtpconn.AuthSCRAMSHA256, smtpconn.AuthCRAMMD5}
	}
	remote, _ := t.conn.RemoteAddr().(*net.TCPAddr)
	local := remote != nil && remote.IP.IsLoopback()
	safe := local || t.report.TLS != ""
	refusal := fmt.Errorf("%w (it offers %q)", smtpconn.ErrAuthNotOffered, shorten(offer))
	for _, kind := range wanted {
		if !slices.Contains(offered, string(kind)) {
			continue
		}
		if !safe && (kind == smtpconn.AuthPlain || kind == smtpconn.AuthLogin) {
			refusal = smtpconn.ErrAuthBeforeTLS
			continue
		}
		if err := t.session.Auth(mechanism(kind, d, local)); err != nil {
			// go-mail ends the session after a refused AUTH.
			t.session = nil
			return "", stepError(reply.StageAuth, err)
		}
		return "logged in with " + strings.ToUpper(string(kind)), nil
	}
	return "", stepError(reply.StageAuth, refusal)
}

func mechanism(kind smtpconn.AuthKind, d smtpconn.Dialer, local bool) smtp.Auth {
	switch kind {
	case smtpconn.AuthLogin:
		return smtp.LoginAuth(d.Username, d.Password, d.Host, local)
	case smtpconn.AuthCRAMMD5:
		return smtp.CRAMMD5Auth(d.Username, d.Password)
	case smtpconn.AuthSCRAMSHA256:
		return smtp.ScramSHA256Auth(d.Username, d.Password)
	}
	return smtp.PlainAuth("", d.Username, d.Password, d.Host, local)
}

// say sends one command and gives the server's words. Addresses were checked, so that none can bring a second command.
func (t *relayTest) say(stage reply.Stage, command string) (string, error) {
	id, err := t.session.Text.Cmd("%s", command)
	if err != nil {
		return "", stepError(stage, err)
	}
	t.session.Text.StartResponse(id)
	defer t.session.Text.EndResponse(id)
	code, text, err := t.session.Text.ReadResponse(2)
	if err != nil {
		return "", stepError(stage, err)
	}
	return reply.Parse(code, text, stage).String(), nil
}

// stepError is an error as smtpconn gives it, with the server's reply when there is one.
func stepError(stage reply.Stage, err error) error {
	r := reply.Parse(0, err.Error(), stage)
	var proto *textproto.Error
	if errors.As(err, &proto) {
		r = reply.Parse(proto.Code, proto.Msg, stage)
	}
	return &smtpconn.Error{Stage: stage, Reply: r, Err: err}
}
