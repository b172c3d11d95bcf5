package smtpconn

import (
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"postrider/sender/reply"
	"postrider/sender/smtptest"
)

// refusesSoon wants Dial to give up for the endless words long before its deadline.
func refusesSoon(t *testing.T, d Dialer, stage reply.Stage) {
	t.Helper()
	began := time.Now()
	c, err := d.Dial(t.Context())
	var e *Error
	if c != nil || !errors.As(err, &e) || e.Stage != stage || e.Reply.Code != 0 || !errors.Is(err, errTooMuch) || e.Reply.Text != errTooMuch.Error() {
		t.Errorf("%v, %v", c, err)
	}
	if took := time.Since(began); took > d.CommandTimeout/2 {
		t.Errorf("took %s", took)
	}
	if class := reply.Classify(e.Reply); stage != reply.StageStartTLS && class.Reason != reply.ReasonNetwork {
		t.Errorf("%+v", class)
	}
}

// TestEndlessRepliesWhileOpening: memory and time are bounded whatever the server says, under TLS as well.
func TestEndlessRepliesWhileOpening(t *testing.T) {
	t.Parallel()
	for mode, server := range map[TLSMode]smtptest.TLSMode{TLSNone: smtptest.NoTLS, TLSStart: smtptest.StartTLS, TLSImplicit: smtptest.ImplicitTLS} {
		stages := map[smtptest.Stage]reply.Stage{smtptest.AtGreeting: reply.StageGreeting, smtptest.AtHelo: reply.StageHelo, smtptest.AtAuth: reply.StageAuth}
		if mode == TLSStart {
			stages[smtptest.AtStartTLS] = reply.StageStartTLS
		}
		for at, stage := range stages {
			t.Run(string(mode)+" "+string(at), func(t *testing.T) {
				t.Parallel()
				s := smtptest.Start(t, smtptest.WithTLS(server), smtptest.WithUser("ann", "s3cret"), smtptest.WithScript(smtptest.Script{At: at, Endless: true}))
				d := dialer(s)
				d.TLS, d.TLSConfig = mode, &tls.Config{RootCAs: s.CertPool()}
				d.Auth, d.Username, d.Password = AuthPlain, "ann", "s3cret"
				refusesSoon(t, d, stage)
			})
		}
	}
}

// TestEndlessShortLines: the shorter the lines, the more work each octet makes.
func TestEndlessShortLines(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		nc, err := ln.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		_, err = nc.Write([]byte("220-\n"))
		for lines := []byte(strings.Repeat("\n", 4<<10)); err == nil; {
			_, err = nc.Write(lines)
		}
	}()
	defer func() { _ = ln.Close(); <-done }()
	refusesSoon(t, Dialer{Host: "127.0.0.1", Port: ln.Addr().(*net.TCPAddr).Port, CommandTimeout: 10 * time.Second}, reply.StageGreeting)
}
