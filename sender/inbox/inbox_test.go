package inbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"postrider/sender/reply"
	"postrider/sender/smtpconn"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is a Store that can fail or block.
type memory struct {
	mu      sync.Mutex
	got     []Captured
	err     error
	entered chan struct{}
	release chan struct{}
}

func (m *memory) Capture(ctx context.Context, c Captured) error {
	if m.entered != nil {
		m.entered <- struct{}{}
		select {
		case <-m.release:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return m.err
	}
	m.got = append(m.got, c)
	return nil
}

// run starts an inbox; stop ends it and reports what Run returned.
func run(t *testing.T, cfg Config) (s *Server, stop func() error) {
	t.Helper()
	s = New(cfg)
	if s.Addr() != "" {
		t.Error("an address before listening")
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	select {
	case <-s.Listening():
	case err := <-done:
		cancel()
		t.Fatal(err)
	}
	var once sync.Once
	var err error
	stop = func() error {
		once.Do(func() { cancel(); err = <-done })
		return err
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return s, stop
}

func dial(t *testing.T, s *Server) *smtpconn.Conn {
	t.Helper()
	host, port, err := net.SplitHostPort(s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	c, err := smtpconn.Dialer{Host: host, Port: n, CommandTimeout: 10 * time.Second, DotTimeout: 10 * time.Second}.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func send(t *testing.T, c *smtpconn.Conn, to string) smtpconn.Outcome {
	t.Helper()
	return c.Send(t.Context(), smtpconn.Envelope{From: "f@x.example", To: to, Body: []byte("Subject: x\r\n\r\n.dot\r\n")}, smtpconn.Hooks{})
}

func TestCapture(t *testing.T) {
	t.Parallel()
	store := &memory{}
	s, _ := run(t, Config{Store: store})
	c := dial(t, s)
	if _, ok := c.Extension("PIPELINING"); !ok {
		t.Error("no PIPELINING")
	}
	for i := range 3 {
		if out := send(t, c, fmt.Sprintf("a%d@x.example", i)); out.State != smtpconn.Accepted {
			t.Fatalf("%+v", out)
		}
	}
	if len(store.got) != 3 {
		t.Fatalf("%d captured", len(store.got))
	}
	m := store.got[2]
	if m.From != "f@x.example" || len(m.To) != 1 || m.To[0] != "a2@x.example" || string(m.Raw) != "Subject: x\r\n\r\n.dot\r\n" || m.TLS || m.ReceivedAt.IsZero() {
		t.Errorf("%+v", m)
	}
}

func TestDifficultReceiver(t *testing.T) {
	t.Parallel()
	store := &memory{}
	s, _ := run(t, Config{Store: store})
	c := dial(t, s)
	tests := []struct {
		to     string
		code   int
		status string
		action reply.Action
	}{
		{"bounce@x.example", 550, "5.1.1", reply.ActionSuppress},
		{"Bounce-17@x.example", 550, "5.1.1", reply.ActionSuppress},
		{"defer1@x.example", 451, "4.7.1", reply.ActionRetrySoon},
		{"defer1@x.example", 451, "4.7.1", reply.ActionRetrySoon},
		{"full@x.example", 452, "4.2.2", reply.ActionRetry},
		{"blocked@x.example", 550, "5.7.1", reply.ActionBounce},
		{"greylist@x.example", 451, "4.7.1", reply.ActionRetrySoon},
		{"greylist2@x.example", 451, "4.7.1", reply.ActionRetrySoon},
		{"Greylist@x.example", 250, "2.0.0", reply.ActionAccept},
		{"ann.bounce@x.example", 250, "2.0.0", reply.ActionAccept},
	}
	for _, tc := range tests {
		out := send(t, c, tc.to)
		if class := reply.Classify(out.Reply); out.Reply.Code != tc.code || out.Reply.Status != tc.status || class.Action != tc.action || !out.Reusable {
			t.Errorf("%s: %+v %+v", tc.to, out, class)
		}
	}
	if len(store.got) != 2 {
		t.Errorf("%d captured", len(store.got))
	}
}

func TestStoreError(t *testing.T) {
	t.Parallel()
	s, _ := run(t, Config{Store: &memory{err: errors.New("disk full: secret path")}})
	out := send(t, dial(t, s), "a@x.example")
	if out.State != smtpconn.Rejected || out.Reply.Code != 451 || strings.Contains(out.Reply.Text, "secret") {
		t.Errorf("%+v", out)
	}
}

func TestSizeLimit(t *testing.T) {
	t.Parallel()
	store := &memory{}
	s, _ := run(t, Config{Store: store, MaxSize: 100})
	c := dial(t, s)
	out := c.Send(t.Context(), smtpconn.Envelope{To: "a@x.example", Body: []byte(strings.Repeat("0123456789\r\n", 20))}, smtpconn.Hooks{})
	if out.State != smtpconn.Rejected || out.Reply.Code != 552 || len(store.got) != 0 {
		t.Errorf("%+v", out)
	}
}

// TestStopIsClean: idle clients do not hold it up, a complete message is stored
// and answered, and nothing is accepted afterwards.
func TestStopIsClean(t *testing.T) {
	t.Parallel()
	store := &memory{entered: make(chan struct{}), release: make(chan struct{})}
	s, stop := run(t, Config{Store: store})
	idle, busy := dial(t, s), dial(t, s)
	outcome := make(chan smtpconn.Outcome, 1)
	go func() { outcome <- send(t, busy, "a@x.example") }()
	<-store.entered
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	if out := send(t, idle, "bounce@x.example"); out.State != smtpconn.NotSent && out.State != smtpconn.Rejected {
		t.Errorf("idle client: %+v", out)
	}
	close(store.release)
	if out := <-outcome; out.State != smtpconn.Accepted {
		t.Errorf("busy client: %+v", out)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if nc, err := net.Dial("tcp", s.Addr()); err == nil {
		_ = nc.Close()
		t.Error("still listening")
	}
}

func TestConfigErrors(t *testing.T) {
	t.Parallel()
	for _, cfg := range []Config{{}, {Store: &memory{}, Addr: "0.0.0.0:0"}, {Store: &memory{}, Addr: "x"}, {Store: &memory{}, Addr: "mail.example:25"}} {
		if err := New(cfg).Run(t.Context()); err == nil {
			t.Errorf("%q accepted", cfg.Addr)
		}
	}
}
