package smtptest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/smtp"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// dial uses the standard library's client, which shares nothing with the sender's.
func dial(t *testing.T, s *Server) *smtp.Client {
	t.Helper()
	c, err := smtp.Dial(s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func send(c *smtp.Client, from, to, body string) error {
	if err := c.Mail(from); err != nil {
		return err
	}
	if err := c.Rcpt(to); err != nil {
		return err
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write([]byte(body)); err != nil {
		return err
	}
	return w.Close()
}

func TestLedger(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger")
	s := Start(t, WithLedger(path), WithReply("no*", AtRcpt, "550 5.1.1 nobody"), WithScript(Script{Match: "lost@x.example", At: AtDot, Drop: true}),
		WithScript(Script{Match: "kept@x.example", At: AtDot, Drop: true, Accept: true}))
	const body = "Subject: x\r\nmessage-id: <1@x>\r\n\r\n.dot\r\n"
	for to, ok := range map[string]bool{"a@x.example": true, "nobody@x.example": false, "lost@x.example": false, "kept@x.example": false} {
		if err := send(dial(t, s), "f@x.example", to, body); (err == nil) != ok {
			t.Errorf("%s: %v", to, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := s.Wait(ctx, 2); err != nil {
		t.Fatal(err)
	}
	want := map[string]int{"a@x.example": 1, "kept@x.example": 1}
	if diff := cmp.Diff(want, s.Counts()); diff != "" {
		t.Error(diff)
	}
	onDisk, err := ReadLedger(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, onDisk); diff != "" {
		t.Error(diff)
	}
	for _, r := range s.Accepted() {
		if string(r.Raw) != body || r.From != "f@x.example" || messageID(r.Raw) != "<1@x>" || r.Conn == 0 {
			t.Errorf("%+v", r)
		}
	}
	cancel()
	if err := s.Wait(ctx, 3); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting for too many: %v", err)
	}
	if v := s.Violations(); len(v) > 0 {
		t.Error(v)
	}
}

func TestScriptsRunOut(t *testing.T) {
	t.Parallel()
	s := Start(t, WithScript(Script{Match: "a@x.example", At: AtRcpt, Reply: "451 4.7.1 greylisted", Times: 2}))
	for i := range 3 {
		err := send(dial(t, s), "f@x.example", "a@x.example", "x\r\n")
		if (err == nil) != (i == 2) {
			t.Errorf("attempt %d: %v", i, err)
		}
	}
	s.Script(Script{At: AtMail, Reply: "421 4.3.2 closing"})
	c := dial(t, s)
	if err := c.Mail("f@x.example"); err == nil || !strings.HasPrefix(err.Error(), "421") {
		t.Errorf("%v", err)
	}
	if err := c.Noop(); err == nil {
		t.Error("the connection stays open after 421")
	}
}

func TestTLSAndAuth(t *testing.T) {
	t.Parallel()
	s := Start(t, WithTLS(StartTLS), WithUser("ann", "s3cret"))
	c := dial(t, s)
	if err := c.Mail("f@x.example"); err == nil || !strings.HasPrefix(err.Error(), "530") {
		t.Errorf("without AUTH: %v", err)
	}
	c = dial(t, s)
	if err := c.StartTLS(&tls.Config{RootCAs: s.CertPool(), ServerName: s.Host()}); err != nil {
		t.Fatal(err)
	}
	if err := c.Auth(smtp.CRAMMD5Auth("ann", "s3cret")); err != nil {
		t.Fatal(err)
	}
	if err := send(c, "f@x.example", "a@x.example", "x\r\n"); err != nil {
		t.Error(err)
	}
	if err := smtp.SendMail(s.Addr(), smtp.PlainAuth("", "ann", "no", s.Host()), "f@x.example", []string{"a@x.example"}, nil); err == nil {
		t.Error("an untrusted certificate is taken")
	}
}

func TestViolationsAreSeen(t *testing.T) {
	t.Parallel()
	s := Start(t, WithoutPipelining())
	c := dial(t, s)
	if err := c.Hello("x"); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(c.Text.W, "MAIL FROM:<a@x.example>\r\nRCPT TO:<b@x.example>\nNONSENSE\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := c.Text.W.Flush(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := c.Text.ReadLine(); err != nil {
			t.Fatal(err)
		}
	}
	if v := strings.Join(s.Violations(), "; "); !strings.Contains(v, "sent ahead") || !strings.Contains(v, "bare LF") || !strings.Contains(v, "NONSENSE") {
		t.Error(v)
	}
}

func TestManyConnections(t *testing.T) {
	t.Parallel()
	const conns, each = 8, 50
	s := Start(t, WithDiscardRaw(), WithLatency(time.Microsecond))
	var wg sync.WaitGroup
	for i := range conns {
		wg.Go(func() {
			c, err := smtp.Dial(s.Addr())
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = c.Quit() }()
			for j := range each {
				if err := send(c, "f@x.example", fmt.Sprintf("r%d.%d@x.example", i, j), "x\r\n"); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	opened, peak := s.Connections()
	if len(s.Counts()) != conns*each || opened != conns || peak > conns || s.Commands("DATA") != conns*each || s.Accepted()[0].Raw != nil {
		t.Errorf("%d recipients, %d opened, %d at once", len(s.Counts()), opened, peak)
	}
}

func TestLoopbackOnly(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"0.0.0.0:0", ":0", "example.com:25", "nonsense"} {
		if s, err := New(Config{Addr: addr}); err == nil {
			_ = s.Close()
			t.Errorf("%s accepted", addr)
		}
	}
}
