package sender

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"postrider/sender/presets"
	"postrider/sender/reply"
	"postrider/sender/smtpconn"
)

// relayTest is one test on its way. The session is opened by the dialer that sending uses, which tells its steps.
type relayTest struct {
	preset string // what sender/presets knows the relay by
	dialer smtpconn.Dialer
	hidden []string // secrets that must not be shown
	report TestReport
}

func (t *relayTest) run(ctx context.Context, from, to string) {
	t.report.Extensions = []string{}
	t.hide(t.dialer.Password)
	if t.dialer.Tokens != nil {
		t.dialer.Tokens = hidingTokens{t.dialer.Tokens, t}
	}
	t.dialer.Trace = t.trace
	conn, err := t.dialer.Dial(ctx)
	if err != nil {
		return // the step that failed has been told
	}
	defer conn.Quit() // which takes back the transaction that MAIL begins (RFC 5321 §4.1.1.10)
	for name, param := range conn.Extensions() {
		t.report.Extensions = append(t.report.Extensions, strings.TrimSpace(name+" "+param))
	}
	slices.Sort(t.report.Extensions)
	if from == "" || !t.ask(ctx, conn, StepMail, reply.StageMail, from) || to == "" {
		return
	}
	t.ask(ctx, conn, StepRcpt, reply.StageRcpt, to)
}

// trace turns a step of the dialer into one of the report.
func (t *relayTest) trace(s smtpconn.Step) {
	step := TestStep{OK: s.Err == nil, Took: s.Took}
	switch s.Stage {
	case reply.StageConnect:
		t.report.Steps = nil // a second try tells everything anew
		step.Step = StepConnect
		if s.Remote != nil {
			step.Detail = "connected to " + s.Remote.String()
		}
	case reply.StageGreeting:
		step.Step, step.Detail = StepGreeting, "greeted, and answered EHLO"
	case reply.StageTLS:
		step.Step = StepTLS
		if step.OK {
			t.report.TLS = describeTLS(s.TLS)
			step.Detail = t.report.TLS
		}
	case reply.StageAuth:
		step.Step, step.Detail = StepAuth, "logged in with "+s.Mechanism
	}
	if s.Err != nil {
		t.refused(&step, s.Err.Reply)
	}
	t.report.Steps = append(t.report.Steps, step)
}

// ask tries an address; the server's words are the detail.
func (t *relayTest) ask(ctx context.Context, conn *smtpconn.Conn, name string, stage reply.Stage, address string) bool {
	began := time.Now()
	r, err := conn.Ask(ctx, stage, address)
	step := TestStep{Step: name, OK: err == nil && r.Positive(), Took: time.Since(began), Detail: t.withoutSecrets(r.String())}
	var failed *smtpconn.Error
	if errors.As(err, &failed) {
		r = failed.Reply
	}
	if !step.OK {
		t.refused(&step, r)
	}
	t.report.Steps = append(t.report.Steps, step)
	return step.OK
}

// refused puts the server's words into the step, and the remedy into the report.
func (t *relayTest) refused(step *TestStep, r reply.Reply) {
	step.Detail = t.withoutSecrets(r.String())
	e := presets.Explain(t.preset, r)
	t.report.Remedy = e.Remedy
	if e.Known {
		t.report.Provider = e.Provider
	}
}

func (t *relayTest) hide(secret string) {
	if secret == "" {
		return
	}
	encode := base64.StdEncoding.EncodeToString
	t.hidden = append(t.hidden,
		encode([]byte("\x00"+t.dialer.Username+"\x00"+secret)), encode([]byte("user="+t.dialer.Username+"\x01auth=Bearer "+secret+"\x01\x01")), encode([]byte(secret)), secret)
}

// withoutSecrets takes passwords and tokens out of a server's words: some answer with the command they did not understand.
func (t *relayTest) withoutSecrets(text string) string {
	for _, hidden := range t.hidden {
		text = strings.ReplaceAll(text, hidden, "***")
	}
	return text
}

// hidingTokens notes the tokens that go out, so that they are not shown.
type hidingTokens struct {
	smtpconn.Tokens
	test *relayTest
}

func (h hidingTokens) Token(ctx context.Context) (string, error) {
	token, err := h.Tokens.Token(ctx)
	h.test.hide(token)
	return token, err
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
