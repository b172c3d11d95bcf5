package smtpconn

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"testing"

	"postrider/sender/reply"
	"postrider/sender/smtptest"
)

func TestTLSAndAuth(t *testing.T) {
	t.Parallel()
	for _, mode := range []struct {
		server smtptest.TLSMode
		client TLSMode
	}{{smtptest.NoTLS, TLSNone}, {smtptest.StartTLS, TLSStart}, {smtptest.ImplicitTLS, TLSImplicit}} {
		for mechs, kinds := range map[string][]AuthKind{
			"PLAIN LOGIN CRAM-MD5 XOAUTH2": {AuthAuto, AuthPlain, AuthLogin, AuthCRAMMD5, AuthXOAUTH2},
			"LOGIN":                        {AuthAuto}, "CRAM-MD5": {AuthAuto},
		} {
			s := smtptest.Start(t, smtptest.WithTLS(mode.server), smtptest.WithUser("ann", "s3cret"), smtptest.WithAuthMechs(mechs))
			for _, kind := range kinds {
				d := dialer(s)
				d.TLS, d.Auth, d.Username, d.Password = mode.client, kind, "ann", "s3cret"
				d.TLSConfig = &tls.Config{RootCAs: s.CertPool()}
				c := open(t, d)
				if out := send(t, c, "a@x.example"); out.State != Accepted {
					t.Errorf("%s %s: %+v", mode.client, kind, out)
				}
				if st, ok := c.TLSState(); ok != (mode.client != TLSNone) || ok && !st.HandshakeComplete {
					t.Errorf("%s: TLS %v", mode.client, ok)
				}
				if _, ok := c.Extensions()["PIPELINING"]; !ok {
					t.Error("PIPELINING is not listed")
				}
				c.Quit()

				d.Password = "wr0ng"
				_, err := d.Dial(t.Context())
				var e *Error
				if !errors.As(err, &e) || e.Stage != reply.StageAuth || e.Reply.Code != 535 || e.Reply.Status != "5.7.8" {
					t.Errorf("%s %s wrong password: %v", mode.client, kind, err)
				}
				if err != nil && strings.Contains(err.Error(), "wr0ng") {
					t.Error("the error holds the password")
				}
			}
		}
	}
}

func TestDialErrors(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := ln.Addr().(*net.TCPAddr).Port
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	login := func(d *Dialer) { d.Auth, d.Username, d.Password = AuthAuto, "ann", "s3cret" }
	tests := map[string]struct {
		opts  []smtptest.Option
		edit  func(*Dialer)
		stage reply.Stage
		code  int
		want  reply.Reason
	}{
		"nothing listens":     {nil, func(d *Dialer) { d.Port = closed }, reply.StageConnect, 0, reply.ReasonNetwork},
		"greeting refused":    {[]smtptest.Option{smtptest.WithReply("", smtptest.AtGreeting, "554 5.7.1 no")}, nil, reply.StageGreeting, 554, reply.ReasonPolicy},
		"greeting dropped":    {[]smtptest.Option{smtptest.WithScript(smtptest.Script{At: smtptest.AtGreeting, Drop: true})}, nil, reply.StageGreeting, 0, reply.ReasonNetwork},
		"helo 421":            {[]smtptest.Option{smtptest.WithReply("", smtptest.AtHelo, "421 4.4.5 Too many connections from your host")}, nil, reply.StageHelo, 421, reply.ReasonTooManyConnections},
		"no starttls":         {nil, func(d *Dialer) { d.TLS = TLSStart }, reply.StageStartTLS, 0, reply.ReasonTLSRequired},
		"starttls refused":    {[]smtptest.Option{smtptest.WithTLS(smtptest.StartTLS), smtptest.WithReply("", smtptest.AtStartTLS, "454 4.7.0 not now")}, func(d *Dialer) { d.TLS = TLSStart }, reply.StageStartTLS, 454, reply.ReasonTLSRequired},
		"unknown authority":   {[]smtptest.Option{smtptest.WithTLS(smtptest.StartTLS)}, func(d *Dialer) { d.TLS = TLSStart }, reply.StageTLS, 0, reply.ReasonTLSRequired},
		"implicit, authority": {[]smtptest.Option{smtptest.WithTLS(smtptest.ImplicitTLS)}, func(d *Dialer) { d.TLS = TLSImplicit }, reply.StageTLS, 0, reply.ReasonTLSRequired},
		"TLS on a clear port": {nil, func(d *Dialer) { d.TLS = TLSImplicit }, reply.StageTLS, 0, reply.ReasonNetwork},
		"no auth offered":     {nil, login, reply.StageAuth, 0, reply.ReasonAuthFailed},
		"too many logins":     {[]smtptest.Option{smtptest.WithUser("ann", "s3cret"), smtptest.WithReply("", smtptest.AtAuth, "454 4.7.0 Too many login attempts")}, login, reply.StageAuth, 454, reply.ReasonAuthFailed},
		"unknown auth kind":   {[]smtptest.Option{smtptest.WithUser("ann", "s3cret")}, func(d *Dialer) { d.Auth = "ntlm" }, reply.StageAuth, 0, reply.ReasonAuthFailed},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := smtptest.Start(t, tc.opts...)
			d := dialer(s)
			if tc.edit != nil {
				tc.edit(&d)
			}
			c, err := d.Dial(t.Context())
			var e *Error
			if c != nil || !errors.As(err, &e) {
				t.Fatalf("%v, %v", c, err)
			}
			if got := reply.Classify(e.Reply); e.Stage != tc.stage || e.Reply.Stage != tc.stage || e.Reply.Code != tc.code || got.Reason != tc.want {
				t.Errorf("%s %d %s: %v", e.Stage, e.Reply.Code, got.Reason, err)
			}
		})
	}
}

func TestDialCancelled(t *testing.T) {
	t.Parallel()
	wait := make(chan struct{})
	s := smtptest.Start(t, smtptest.WithScript(smtptest.Script{At: smtptest.AtHelo, Wait: wait}))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { // the server is at EHLO when it takes the first signal
		wait <- struct{}{}
		cancel()
	}()
	c := open(t, dialer(s))
	c.Quit()
	if _, err := dialer(s).Dial(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestPasswordNeedsTLS(t *testing.T) {
	t.Parallel()
	for _, kind := range []AuthKind{AuthPlain, AuthLogin, AuthXOAUTH2} {
		a := &chooser{kind: kind, user: "ann", password: "s3cret", host: "mail.example"}
		if _, _, err := a.Start(serverInfo("PLAIN", "LOGIN", "XOAUTH2")); !errors.Is(err, ErrAuthBeforeTLS) {
			t.Errorf("%s: %v", kind, err)
		}
	}
	a := &chooser{kind: AuthAuto, user: "ann", password: "s3cret", host: "mail.example"}
	if mech, _, err := a.Start(serverInfo("PLAIN", "SCRAM-SHA-256", "CRAM-MD5")); err != nil || mech != "SCRAM-SHA-256" {
		t.Errorf("auto without TLS: %s, %v", mech, err)
	}
}
