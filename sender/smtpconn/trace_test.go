package smtpconn

import (
	"context"
	"crypto/tls"
	"errors"
	"strings"
	"testing"

	"postrider/sender/reply"
	"postrider/sender/smtptest"
)

// traced collects the steps of a dialer as one line, failed ones with "!".
func traced(d *Dialer) func() string {
	var steps []string
	d.Trace = func(s Step) {
		name := string(s.Stage)
		if s.Err != nil {
			name += "!"
		}
		steps = append(steps, name)
	}
	return func() string { return strings.Join(steps, " ") }
}

func TestTraceNamesTheSteps(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		server smtptest.TLSMode
		client TLSMode
		auth   AuthKind
		script smtptest.Stage
		want   string
	}{
		"clear text":    {smtptest.NoTLS, TLSNone, AuthPlain, "", "connect greeting auth"},
		"starttls":      {smtptest.StartTLS, TLSStart, AuthPlain, "", "connect greeting tls auth"},
		"implicit":      {smtptest.ImplicitTLS, TLSImplicit, AuthPlain, "", "connect tls greeting auth"},
		"greeting":      {smtptest.NoTLS, TLSNone, AuthPlain, smtptest.AtGreeting, "connect greeting!"},
		"ehlo":          {smtptest.NoTLS, TLSNone, AuthPlain, smtptest.AtHelo, "connect greeting!"},
		"no starttls":   {smtptest.NoTLS, TLSStart, AuthPlain, "", "connect greeting tls!"},
		"tls to clear":  {smtptest.NoTLS, TLSImplicit, AuthPlain, "", "connect tls!"},
		"login refused": {smtptest.StartTLS, TLSStart, AuthPlain, smtptest.AtAuth, "connect greeting tls auth!"},
		"not offered":   {smtptest.StartTLS, TLSStart, AuthSCRAMSHA1, "", "connect greeting tls auth!"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := []smtptest.Option{smtptest.WithTLS(tc.server), smtptest.WithUser("ann", "s3cret")}
			if tc.script != "" {
				opts = append(opts, smtptest.WithReply("", tc.script, "554 5.7.1 not you"))
			}
			s := smtptest.Start(t, opts...)
			d := dialer(s)
			d.TLS, d.Auth, d.Username, d.Password, d.TLSConfig = tc.client, tc.auth, "ann", "s3cret", &tls.Config{RootCAs: s.CertPool()}
			steps := traced(&d)
			c, err := d.Dial(t.Context())
			if (err == nil) != !strings.HasSuffix(tc.want, "!") || steps() != tc.want {
				t.Errorf("%q, want %q: %v", steps(), tc.want, err)
			}
			if c != nil {
				c.Quit()
			}
		})
	}
}

// tokens is a token service that has some tokens, of which all but the last have run out.
type tokens struct {
	left  []string
	err   error
	asked int
}

func (s *tokens) Token(context.Context) (string, error) {
	s.asked++
	if s.err != nil {
		return "", s.err
	}
	return s.left[0], nil
}

func (s *tokens) Refused(string) bool {
	if len(s.left) < 2 {
		return false
	}
	s.left = s.left[1:]
	return true
}

func TestAccessTokenIsRenewedOnce(t *testing.T) {
	t.Parallel()
	s := smtptest.Start(t, smtptest.WithTLS(smtptest.StartTLS), smtptest.WithUser("ann", "t0ken"))
	d := dialer(s)
	d.TLS, d.TLSConfig, d.Auth, d.Username = TLSStart, &tls.Config{RootCAs: s.CertPool()}, AuthXOAUTH2, "ann"

	for name, tc := range map[string]struct {
		tokens tokens
		asked  int
		want   string // in the error
		steps  string
	}{
		"good":         {tokens{left: []string{"t0ken"}}, 1, "", "connect greeting tls auth"},
		"run out":      {tokens{left: []string{"old", "t0ken"}}, 2, "", "connect greeting tls auth! connect greeting tls auth"},
		"fresh, wrong": {tokens{left: []string{"fr3sh"}}, 1, "XOAUTH2 status 400", "connect greeting tls auth!"},
		"twice wrong":  {tokens{left: []string{"old", "older", "t0ken"}}, 2, "XOAUTH2 status 400", "connect greeting tls auth! connect greeting tls auth!"},
		"no token":     {tokens{err: errors.New("the token service answered 400: invalid_grant")}, 1, "invalid_grant", "connect greeting tls auth!"},
	} {
		t.Run(name, func(t *testing.T) {
			source, d := tc.tokens, d
			d.Tokens = &source
			steps := traced(&d)
			c, err := d.Dial(t.Context())
			if source.asked != tc.asked || steps() != tc.steps || (err == nil) != (tc.want == "") {
				t.Fatalf("asked %d times, %q, %v", source.asked, steps(), err)
			}
			if c != nil {
				c.Quit()
				return
			}
			var e *Error
			if !errors.As(err, &e) || e.Stage != reply.StageAuth || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "fr3sh") {
				t.Fatalf("%v", err)
			}
			class := reply.Classify(e.Reply)
			if class.Reason != reply.ReasonAuthFailed || class.Action != reply.ActionStopRelay || !strings.Contains(reply.Remedy(class, e.Reply), "connect the account again") {
				t.Errorf("%+v: %s", class, reply.Remedy(class, e.Reply))
			}
		})
	}
}

func TestTokenRefusalIsBounded(t *testing.T) {
	t.Parallel()
	for challenge, want := range map[string]string{
		`{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}`: "XOAUTH2 status 400",
		`{"status":401}`: "XOAUTH2 status 401",
		`{"status":"` + strings.Repeat("9", 500) + `"}`: "XOAUTH2 status unknown",
		`{"status":{"a":[]}}`:                           "XOAUTH2 status unknown",
		"\xff\x00 evil\r\n":                             "XOAUTH2 status unknown",
		"":                                              "XOAUTH2 status unknown",
	} {
		if got := tokenRefusal([]byte(challenge)); got != want {
			t.Errorf("%.40q: %q", challenge, got)
		}
	}
}

func TestAskTriesAddressesWithoutAMessage(t *testing.T) {
	t.Parallel()
	s := smtptest.Start(t, smtptest.WithReply("no@x.example", smtptest.AtRcpt, "550 5.1.1 nobody"))
	c := open(t, dialer(s))
	for _, tc := range []struct {
		stage reply.Stage
		addr  string
		code  int
	}{{reply.StageMail, "a@x.example", 250}, {reply.StageRcpt, "no@x.example", 550}, {reply.StageRcpt, "b@x.example", 250}} {
		r, err := c.Ask(t.Context(), tc.stage, tc.addr)
		if err != nil || r.Code != tc.code || r.Stage != tc.stage {
			t.Errorf("%s: %+v, %v", tc.addr, r, err)
		}
	}
	if _, err := c.Ask(t.Context(), reply.StageRcpt, "a@x.example>\r\nDATA"); err == nil {
		t.Error("a second command was let through")
	}
	if out := send(t, c, "c@x.example"); out.State != Accepted || s.Commands("RSET") != 1 {
		t.Errorf("after asking: %+v, RSET %d", out, s.Commands("RSET"))
	}
	c.Close()
	if _, err := c.Ask(t.Context(), reply.StageMail, ""); err == nil {
		t.Error("a closed connection answers")
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := open(t, dialer(s)).Ask(gone, reply.StageMail, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("without a caller: %v", err)
	}
}
