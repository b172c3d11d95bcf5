package listener

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"postrider/events"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait of these tests.
const patience = 30 * time.Second

var tokens = events.NewTokens([32]byte{1})

// bounceTo and unsubscribeTo are local parts that a message of ours may hold.
func bounceTo() string      { return "b-" + tokens.Delivery(events.ReturnPath, 7, 3) }
func unsubscribeTo() string { return "u-" + tokens.Delivery(events.Unsubscribe, 7, 3) }

// taker is an events.Taker of the test's.
type taker struct {
	mu      sync.Mutex
	got     []events.Inbound
	verdict events.Verdict
	err     error
	during  func(ctx context.Context) // runs while a message is taken
}

func (k *taker) TakeMessage(ctx context.Context, m events.Inbound) (events.Verdict, error) {
	if k.during != nil {
		k.during(ctx)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err != nil {
		return "", k.err
	}
	k.got = append(k.got, m)
	if k.verdict == "" {
		return events.VerdictTaken, nil
	}
	return k.verdict, nil
}

func (k *taker) TakeReports(context.Context, []events.Report) error {
	return errors.New("the listener takes messages only")
}

func (k *taker) set(v events.Verdict, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.verdict, k.err = v, err
}

func (k *taker) messages() []events.Inbound {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append([]events.Inbound(nil), k.got...)
}

// bundle is a running listener.
type bundle struct {
	*Server
	t    *testing.T
	log  *lockedBuffer
	stop func() error
}

type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func logTo(b *lockedBuffer) *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

func ourDomains(context.Context) (Domains, error) {
	return Domains{Bounce: []string{"bounces.example.org", "xn--bcher-kva.example"}, Sending: []string{"example.org", "bounces.example.org"}}, nil
}

// start runs a listener; by default one for SMTP on a free port of loopback.
func start(t *testing.T, k events.Taker, change ...func(*Config)) *bundle {
	t.Helper()
	b := &bundle{t: t, log: &lockedBuffer{}}
	cfg := Config{SMTP: "127.0.0.1:0", Hostname: "mx.example.org", Taker: k, Tokens: tokens, Domains: ourDomains, Logger: logTo(b.log)}
	for _, fn := range change {
		fn(&cfg)
	}
	s, err := Listen(t.Context(), cfg)
	must(t, err)
	b.Server = s
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	b.stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() {
		must(t, b.stop())
		for _, private := range []string{"127.0.0.1", "@", tokens.Delivery(events.ReturnPath, 7, 3)} {
			if strings.Contains(b.log.String(), private) {
				t.Errorf("the log tells %q:\n%s", private, b.log)
			}
		}
	})
	return b
}

// peer speaks to the listener line by line.
type peer struct {
	t  *testing.T
	nc net.Conn
	r  *bufio.Reader
}

func (b *bundle) dial() *peer {
	b.t.Helper()
	return dialAddr(b.t, b.Addr())
}

func dialAddr(t *testing.T, addr net.Addr) *peer {
	t.Helper()
	nc, err := net.Dial(addr.Network(), addr.String())
	must(t, err)
	t.Cleanup(func() { _ = nc.Close() })
	p := &peer{t: t, nc: nc, r: bufio.NewReader(nc)}
	must(t, nc.SetDeadline(time.Now().Add(patience)))
	return p
}

func (p *peer) send(text string) {
	p.t.Helper()
	_, err := p.nc.Write([]byte(text))
	must(p.t, err)
}

// reply reads a reply; of one with several lines it gives all.
func (p *peer) reply() string {
	p.t.Helper()
	var lines []string
	for {
		line, err := p.r.ReadString('\n')
		if err != nil {
			p.t.Fatalf("no reply: %v (after %q)", err, lines)
		}
		lines = append(lines, strings.TrimSuffix(line, "\r\n"))
		if len(line) > 3 && line[3] == ' ' {
			return strings.Join(lines, "\n")
		}
	}
}

// say sends a command and wants a reply that begins with want.
func (p *peer) say(command, want string) string {
	p.t.Helper()
	p.send(command + "\r\n")
	return p.want(want)
}

func (p *peer) want(want string) string {
	p.t.Helper()
	got := p.reply()
	if !strings.HasPrefix(got, want) {
		p.t.Fatalf("got %q, want %q", got, want)
	}
	return got
}

// gone wants the connection to be closed.
func (p *peer) gone() {
	p.t.Helper()
	if b, err := p.r.ReadByte(); err == nil || errors.Is(err, context.DeadlineExceeded) {
		p.t.Errorf("the connection is still there: %q, %v", b, err)
	}
}

// hello greets, and begins a message when there are recipients.
func (p *peer) hello(recipients ...string) *peer {
	p.t.Helper()
	p.want("220 mx.example.org ")
	p.say("EHLO peer.example", "250-mx.example.org")
	p.message("<>", recipients...)
	return p
}

func (p *peer) message(from string, recipients ...string) {
	p.t.Helper()
	if len(recipients) == 0 {
		return
	}
	p.say("MAIL FROM:"+from, "250 2.1.0")
	for _, r := range recipients {
		p.say("RCPT TO:<"+r+">", "250 2.1.5")
	}
	p.say("DATA", "354 ")
}

const report = "Subject: Undelivered\r\n\r\nHello\r\n"

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
