package listener

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	gosmtp "github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"postrider/events"
	"postrider/internal/errs"
	"postrider/sender/smtpconn"
)

func TestTakesMailForOurAddressesOnly(t *testing.T) {
	t.Parallel()
	b := start(t, &taker{}, func(c *Config) { c.Limits.Refused, c.Limits.Recipients = 100, 100 })
	p := b.dial().hello()
	p.say("MAIL FROM:<>", "250 2.1.0")
	forged := bounceTo()[:len(bounceTo())-1] + "a"
	if forged == bounceTo() {
		forged = bounceTo()[:len(bounceTo())-1] + "b"
	}
	for to, want := range map[string]string{
		bounceTo() + "@bounces.example.org":                     "250 2.1.5",
		bounceTo() + "@BOUNCES.example.ORG":                     "250 2.1.5",
		strings.ToUpper(bounceTo()) + "@bounces.example.org":    "250 2.1.5",
		"house+" + bounceTo() + "@example.org":                  "250 2.1.5",
		"HOUSE+" + strings.ToUpper(bounceTo()) + "@EXAMPLE.ORG": "250 2.1.5",
		unsubscribeTo() + "@bounces.example.org":                "250 2.1.5",
		"house+" + unsubscribeTo() + "@bounces.example.org":     "250 2.1.5",
		bounceTo() + "@bücher.example":                          "250 2.1.5",
		"postmaster@bounces.example.org":                        "250 2.1.5",
		"Abuse@bounces.example.org":                             "250 2.1.5",
		"postmaster":                                            "250 2.1.5",
		forged + "@bounces.example.org":                         "550 5.1.1",
		"house@bounces.example.org":                             "550 5.1.1",
		"house@example.org":                                     "550 5.1.1",
		"postmaster@example.org":                                "550 5.1.1",
		"b-@bounces.example.org":                                "550 5.1.1",
		"b" + unsubscribeTo()[1:] + "@bounces.example.org":      "550 5.1.1", // a token is good for one purpose
		"u" + bounceTo()[1:] + "@bounces.example.org":           "550 5.1.1",
		bounceTo() + "@foreign.example":                         "550 5.7.1",
		"house@foreign.example":                                 "550 5.7.1",
		"postmaster@foreign.example":                            "550 5.7.1",
		"victim%foreign.example@bounces.example.org":            "550 5.1.1",
		bounceTo() + "@[127.0.0.1]":                             "550 5.7.1",
		"@bounces.example.org:victim@foreign.example":           "550 5.7.1",
		"abuse": "501 5.1.3",
		"":      "501 5.1.3",
	} {
		p.say("RCPT TO:<"+to+">", want)
	}
	p.say("RSET", "250")
}

func TestAFormerBounceDomainStillTakesItsCampaignsBounces(t *testing.T) {
	t.Parallel()
	var fail atomic.Bool
	b := start(t, &taker{}, func(c *Config) {
		c.SentFrom = func(_ context.Context, id int64) (string, error) {
			switch {
			case fail.Load():
				return "", errors.New("the database is away")
			case id == 7:
				return "Former.example", nil
			}
			return "", errs.New(errs.NotFound, "campaign %d has not started", id)
		}
	})
	p := b.dial().hello()
	p.say("MAIL FROM:<>", "250")
	p.say("RCPT TO:<"+bounceTo()+"@former.example>", "250 2.1.5")
	p.say("RCPT TO:<"+bounceTo()+"@other.example>", "550 5.7.1")
	p.say("RCPT TO:<b-"+tokens.Delivery(events.ReturnPath, 8, 1)+"@former.example>", "550 5.7.1")
	p.say("RCPT TO:<postmaster@former.example>", "550 5.7.1")
	fail.Store(true)
	p.say("RCPT TO:<"+bounceTo()+"@former.example>", "451 4.3.0")
}

// TestAnswersOnlyAfterTheCommit: while the Taker works there is no reply, and an error is a 451 after which the same message is taken.
func TestAnswersOnlyAfterTheCommit(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	k := &taker{err: errors.New("the database is away"), during: func(context.Context) { entered <- struct{}{}; <-release }}
	b := start(t, k)
	p := b.dial().hello(bounceTo() + "@bounces.example.org")
	send := func() {
		p.send(report + ".\r\n")
		<-entered
		must(t, p.nc.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
		if early, err := p.r.ReadByte(); err == nil {
			t.Errorf("answered with %q before anything was committed", early)
		}
		must(t, p.nc.SetReadDeadline(time.Now().Add(patience)))
		release <- struct{}{}
	}
	send()
	p.want("451 4.3.0")
	if got := k.messages(); len(got) != 0 {
		t.Fatalf("%d messages", len(got))
	}
	k.set(events.VerdictTaken, nil)
	p.message("<>", bounceTo()+"@bounces.example.org")
	send()
	p.want("250 2.6.0")
	if got := k.messages(); len(got) != 1 || !strings.HasSuffix(string(got[0].Raw), report) {
		t.Errorf("got %q", got)
	}
	if log := b.log.String(); !strings.Contains(log, "the database is away") {
		t.Errorf("the error is not in the log: %s", log)
	}
}

func TestAPanicIsAnError(t *testing.T) {
	t.Parallel()
	k := &taker{during: func(context.Context) { panic("strange message") }}
	b := start(t, k)
	p := b.dial().hello(bounceTo() + "@bounces.example.org")
	p.say(report+".", "451 4.3.0")
	p.say("NOOP", "250")
	if !strings.Contains(b.log.String(), "strange message") {
		t.Error("the panic is not in the log")
	}
}

// TestWaitsForItsTurn: no more messages than AtOnce are with the Taker, and who waits too long comes again.
func TestWaitsForItsTurn(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	k := &taker{during: func(context.Context) { entered <- struct{}{}; <-release }}
	b := start(t, k, func(c *Config) { c.Limits.AtOnce, c.Limits.TakeTimeout = 1, 100*time.Millisecond })
	first, second := b.dial().hello(bounceTo()+"@bounces.example.org"), b.dial().hello(bounceTo()+"@bounces.example.org")
	first.send(report + ".\r\n")
	<-entered
	second.say(report+".", "451 4.3.0")
	close(release)
	first.want("250 2.6.0")
	if got := k.messages(); len(got) != 1 {
		t.Errorf("%d messages", len(got))
	}
}

func TestWhatTheTakerIsGiven(t *testing.T) {
	t.Parallel()
	k := &taker{}
	at := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	b := start(t, k, func(c *Config) { c.Now = func() time.Time { return at } })
	p := b.dial().hello()
	to := strings.ToUpper(bounceTo()) + "@bounces.example.org"
	p.message("<MAILER-DAEMON@mx.example> SIZE=100 BODY=8BITMIME SMTPUTF8", to, "postmaster")
	p.say("Subject: ü\r\n\r\n..dot\r\nbare\n.\r\nlf\r.\r\n.", "250 2.6.0")
	p.message(`<"odd>  \"sender"@mx.example>`, "abuse@bounces.example.org")
	p.say(report+".", "250 2.6.0")
	p.message("<>", to)
	p.say(".", "250 2.6.0") // an empty message
	want := []events.Inbound{
		{Source: "listener", From: "MAILER-DAEMON@mx.example", To: []string{to, "postmaster"}, ReceivedAt: at,
			Raw: []byte("Return-Path: <MAILER-DAEMON@mx.example>\r\nSubject: ü\r\n\r\n.dot\r\nbare\n.\r\nlf\r.\r\n")},
		{Source: "listener", From: `"odd>  \"sender"@mx.example`, To: []string{"abuse@bounces.example.org"}, ReceivedAt: at,
			Raw: []byte("Return-Path: <\"odd>  \\\"sender\"@mx.example>\r\n" + report)},
		{Source: "listener", To: []string{to}, ReceivedAt: at, Raw: []byte("Return-Path: <>\r\n")},
	}
	if diff := cmp.Diff(want, k.messages()); diff != "" {
		t.Error(diff)
	}
}

func TestAnswersToVerdicts(t *testing.T) {
	t.Parallel()
	k := &taker{}
	b := start(t, k, func(c *Config) { c.LMTP = "127.0.0.1:0" })
	smtp := b.dial().hello()
	lmtp := dialAddr(t, b.LMTPAddr())
	lmtp.want("220 ")
	lmtp.say("LHLO peer.example", "250-")
	for _, tt := range []struct {
		verdict    events.Verdict
		from       string
		smtp, lmtp string
	}{
		{events.VerdictTaken, "<>", "250 2.6.0", "250 2.6.0"},
		{events.VerdictTaken, "<a@b.example>", "250 2.6.0", "250 2.6.0"},
		{events.VerdictIgnored, "<a@b.example>", "250 2.6.0", "250 2.6.0"},
		{events.VerdictForeign, "<>", "250 2.6.0", "250 2.6.0"},
		{events.VerdictForeign, "<a@b.example>", "550 5.7.1 no person reads", "250 2.6.0"},
	} {
		k.set(tt.verdict, nil)
		for p, want := range map[*peer]string{smtp: tt.smtp, lmtp: tt.lmtp} {
			p.message(tt.from, bounceTo()+"@bounces.example.org")
			p.say(report+".", want)
		}
	}
}

// TestClientsOfOthers: go-smtp's client and the connection that we send with, with what they send ahead.
func TestClientsOfOthers(t *testing.T) {
	t.Parallel()
	k := &taker{}
	b := start(t, k)
	port := b.Addr().(*net.TCPAddr).Port
	c, err := smtpconn.Dialer{Host: "127.0.0.1", Port: port, CommandTimeout: patience, DotTimeout: patience}.Dial(t.Context())
	must(t, err)
	for range 3 {
		out := c.Send(t.Context(), smtpconn.Envelope{To: bounceTo() + "@bounces.example.org", Body: []byte(report)}, smtpconn.Hooks{})
		if out.State != smtpconn.Accepted {
			t.Fatalf("%+v", out)
		}
	}
	if out := c.Send(t.Context(), smtpconn.Envelope{To: "x@bounces.example.org", Body: []byte(report)}, smtpconn.Hooks{}); out.Reply.Code != 550 || out.Reply.Status != "5.1.1" || !out.Reusable {
		t.Errorf("%+v", out)
	}
	c.Quit()
	other, err := gosmtp.Dial(b.Addr().String())
	must(t, err)
	must(t, other.SendMail("", []string{bounceTo() + "@bounces.example.org"}, strings.NewReader(report)))
	must(t, other.Quit())
	if got := k.messages(); len(got) != 4 {
		t.Errorf("%d messages", len(got))
	}
}

func TestCommandsOutOfPlace(t *testing.T) {
	t.Parallel()
	b := start(t, &taker{}, func(c *Config) { c.Limits.Errors = 100 })
	p := b.dial()
	p.want("220 ")
	p.say("MAIL FROM:<>", "503 5.5.1")
	p.say("LHLO x", "500 5.5.1")
	p.say("EHLO", "501 5.5.4")
	p.say("HELO x", "250 ")
	if ehlo := p.say("ehlo x", "250-"); strings.Contains(ehlo, "CHUNKING") || strings.Contains(ehlo, "AUTH") || strings.Contains(ehlo, "STARTTLS") ||
		!strings.Contains(ehlo, "\n250-SIZE 1048576\n") || !strings.Contains(ehlo, "SMTPUTF8") || !strings.Contains(ehlo, "8BITMIME") {
		t.Errorf("what is offered: %s", ehlo)
	}
	p.say("RCPT TO:<postmaster>", "503 5.5.1")
	p.say("DATA", "503 5.5.1")
	p.say("AUTH PLAIN AGEAYg==", "500 5.5.2")
	p.say("BDAT 5 LAST", "500 5.5.2")
	p.say("STARTTLS", "503 5.5.1")
	p.say("MAIL TO:<>", "501 5.1.7")
	p.say("MAIL FROM:<a>", "501 5.1.7")
	p.say("MAIL FROM:<>x", "501 5.1.7")
	p.say("MAIL FROM:<> SIZE=x", "501 5.5.4")
	p.say("MAIL FROM:<> BODY=BINARYMIME", "555 5.5.4")
	p.say("MAIL FROM:<> RET=HDRS", "555 5.5.4")
	p.say("mail from: <>  body=8bitmime", "250 2.1.0")
	p.say("MAIL FROM:<>", "503 5.5.1")
	p.say("DATA", "503 5.5.1")
	p.say("RCPT TO:<postmaster> NOTIFY=NEVER", "555 5.5.4")
	p.say("rcpt to:<postmaster>", "250 2.1.5")
	p.say("RSET", "250")
	p.say("DATA", "503 5.5.1")
	p.say("MAIL FROM:<>", "250")
	p.say("RCPT TO:<postmaster>", "250")
	p.say("EHLO x", "250-") // takes the message back (RFC 5321 §4.1.4)
	p.say("DATA", "503 5.5.1")
	p.say("VRFY postmaster", "252")
	p.say("NOOP x", "250")
	p.say("QUIT", "221 2.0.0")
	p.gone()
}

func TestSizes(t *testing.T) {
	t.Parallel()
	k := &taker{}
	b := start(t, k, func(c *Config) { c.Limits.MessageSize = 1000 })
	p := b.dial().hello()
	p.say("MAIL FROM:<> SIZE=1001", "552 5.3.4")
	p.say("MAIL FROM:<> SIZE=99999999999999999999999", "552 5.3.4")
	p.message("<> SIZE=10", "postmaster")
	p.say(strings.Repeat("x", 999)+"\r\n.", "552 5.3.4")
	p.message("<> SIZE=1000", "postmaster")
	p.say(strings.Repeat("x", 998)+"\r\n.", "250 2.6.0")
	p.message("<>", "postmaster")
	p.send(strings.Repeat("x", 20_000))
	p.want("552 5.3.4 the message is far too large")
	p.gone()
	if got := k.messages(); len(got) != 1 {
		t.Errorf("%d messages", len(got))
	}
}

// TestPeersThatMisbehaveAreCutOff: each of them hears why, and the next peer is served.
func TestPeersThatMisbehaveAreCutOff(t *testing.T) {
	t.Parallel()
	k := &taker{}
	b := start(t, k, func(c *Config) {
		c.Limits = Limits{Recipients: 3, Refused: 3, Errors: 3, Commands: 20, PerPeer: 100}
	})
	for name, do := range map[string]func(p *peer){
		"errors": func(p *peer) {
			p.say("X", "500")
			p.say("Y", "500")
			p.say("Z", "421 4.7.0 too many errors")
		},
		"guesses": func(p *peer) {
			p.say("MAIL FROM:<>", "250")
			p.say("RCPT TO:<b-aaaa@bounces.example.org>", "550")
			p.say("RSET", "250")
			p.say("MAIL FROM:<>", "250")
			p.say("RCPT TO:<b-aaab@bounces.example.org>", "550")
			p.say("RCPT TO:<b-aaac@bounces.example.org>", "421 4.7.0 too many wrong recipients")
		},
		"idle talk": func(p *peer) {
			for range 19 { // and EHLO
				p.say("NOOP", "250")
			}
			p.say("NOOP", "421 4.7.0 too many commands")
		},
		"long line":    func(p *peer) { p.say("NOOP "+strings.Repeat("x", longestLine), "500 5.5.6") },
		"endless line": func(p *peer) { p.send(strings.Repeat("x", 4096)); p.want("500 5.5.6") },
		"bare LF":      func(p *peer) { p.send("NOOP\nNOOP\r\n"); p.want("500 5.5.2") },
		"bare CR":      func(p *peer) { p.say("NOOP\rNOOP", "500 5.5.2") },
		"NUL":          func(p *peer) { p.say("NOOP \x00", "500 5.5.2") },
		"bare LF after it": func(p *peer) {
			p.message("<>", "postmaster")
			p.send(report + ".\r\nQUIT\n")
			p.want("250")
			p.want("500 5.5.2")
		},
	} {
		t.Log(name)
		p := b.dial().hello()
		do(p)
		p.gone()
	}
	p := b.dial().hello("postmaster", "postmaster", "postmaster")
	p.say(report+".", "250")
	for range 3 {
		p.say("RSET", "250")
		p.say("MAIL FROM:<>", "250")
		for range 3 {
			p.say("RCPT TO:<postmaster>", "250")
		}
		p.say("RCPT TO:<postmaster>", "452 4.5.3")
		p.say("DATA", "354")
		p.say(report+".", "250") // and the commands are counted anew
	}
}

func TestSmuggledCommandsStayInTheMessage(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"\n.\n", "\n.\r\n", "\r.\r", "\r\n.\n", "\r\n.\r", "\r.\r\n", "\r\n\x00.\r\n"} {
		k := &taker{}
		b := start(t, k)
		p := b.dial().hello(bounceTo() + "@bounces.example.org")
		p.say("Subject: a\r\n\r\nx"+end+"MAIL FROM:<evil@x.example>\r\nRCPT TO:<postmaster>\r\nDATA\r\nevil\r\n.", "250 2.6.0")
		p.say("QUIT", "221") // nothing else was answered
		if got := k.messages(); len(got) != 1 || !strings.Contains(string(got[0].Raw), "RCPT TO:<postmaster>") {
			t.Errorf("%q ended the message: %q", end, got)
		}
	}
}

func TestTooManyConnections(t *testing.T) {
	t.Parallel()
	b := start(t, &taker{}, func(c *Config) { c.Limits.PerPeer, c.Limits.Connections, c.LMTP = 2, 4, "127.0.0.1:0" })
	first := b.dial().hello()
	b.dial().hello()
	turned := b.dial()
	turned.want("421 4.7.0")
	turned.gone()
	for range 2 { // of LMTP's one peer, which is the mail server in front, there may be more
		dialAddr(t, b.LMTPAddr()).want("220 ")
	}
	full := dialAddr(t, b.LMTPAddr())
	full.want("421 4.7.0")
	first.say("QUIT", "221")
	first.gone()
	for { // the place is free once the listener has noticed, too
		p := b.dial()
		reply := p.reply()
		if strings.HasPrefix(reply, "220 ") {
			return
		}
		if !strings.HasPrefix(reply, "421 4.7.0") {
			t.Fatal(reply)
		}
	}
}

func TestPeerOf(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		"192.0.2.1:5": "192.0.2.1/32", "[::ffff:192.0.2.1]:5": "192.0.2.1/32", "[2001:db8:1:2:3:4:5:6]:7": "2001:db8:1:2::/64", "[fe80::1%1]:5": "fe80::/64",
	} {
		a, err := net.ResolveTCPAddr("tcp", addr)
		must(t, err)
		if got := peerOf(a); got != want {
			t.Errorf("%s: %s", addr, got)
		}
	}
	if got := peerOf(&net.UnixAddr{Name: "x"}); got != "" {
		t.Error(got)
	}
}

func TestSlowPeersAreDropped(t *testing.T) {
	t.Parallel()
	k := &taker{}
	b := start(t, k, func(c *Config) { c.Limits.CommandTimeout = 100 * time.Millisecond })
	silent := b.dial().hello()
	silent.want("421 4.4.2")
	silent.gone()
	// One that sends its message byte by byte has no more time than for the whole of it.
	slow := b.dial().hello(bounceTo() + "@bounces.example.org")
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			if _, err := slow.nc.Write([]byte("x")); err != nil {
				return
			}
		}
	}()
	slow.want("421 4.4.2")
	<-stopped
	if got := k.messages(); len(got) != 0 {
		t.Errorf("taken: %q", got)
	}
}

func TestAConnectionHasAnEnd(t *testing.T) {
	t.Parallel()
	b := start(t, &taker{}, func(c *Config) { c.Limits.ConnectionAge, c.Limits.Commands = 200*time.Millisecond, 1<<30 })
	p := b.dial().hello()
	began := time.Now()
	for {
		p.send("NOOP\r\n")
		if reply := p.reply(); strings.HasPrefix(reply, "421 4.4.2") {
			break
		}
		if time.Since(began) > patience {
			t.Fatal("it goes on and on")
		}
	}
}

func TestAnIncompleteMessageIsNotTaken(t *testing.T) {
	t.Parallel()
	k := &taker{}
	b := start(t, k)
	p := b.dial().hello(bounceTo() + "@bounces.example.org")
	p.send(report + ".\r")
	must(t, p.nc.Close())
	must(t, b.stop())
	if got := k.messages(); len(got) != 0 {
		t.Errorf("taken: %q", got)
	}
}

// TestStopIsClean: idle peers and those in the middle of a message are told to come again, a complete message is taken and answered, and the addresses are
// free afterwards.
func TestStopIsClean(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	k := &taker{during: func(ctx context.Context) {
		close(entered)
		<-release
		if ctx.Err() != nil {
			t.Error("the stop ends what is being committed")
		}
	}}
	socket := filepath.Join(t.TempDir(), "lmtp")
	b := start(t, k, func(c *Config) { c.LMTP = "unix:" + socket })
	idle, partial, busy := b.dial().hello(), b.dial().hello(bounceTo()+"@bounces.example.org"), b.dial().hello(bounceTo()+"@bounces.example.org")
	partial.send("Subject: half")
	busy.send(report + ".\r\n")
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- b.stop() }()
	idle.want("421 4.3.2")
	partial.want("421 4.3.2")
	close(release)
	busy.want("250 2.6.0")
	busy.want("421 4.3.2")
	must(t, <-stopped)
	if got := k.messages(); len(got) != 1 {
		t.Errorf("%d messages", len(got))
	}
	if nc, err := net.Dial("tcp", b.Addr().String()); err == nil {
		_ = nc.Close()
		t.Error("still listening")
	}
	if _, err := os.Stat(socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func TestDomainsAreReadAgain(t *testing.T) {
	t.Parallel()
	var mu atomic.Int64 // seconds
	var loads int
	d := Domains{Bounce: []string{"a.example"}}
	fail := error(nil)
	cache := &domainCache{now: func() time.Time { return time.Unix(1000+mu.Load(), 0) }, load: func(context.Context) (Domains, error) {
		loads++
		return d, fail
	}}
	check := func(domain string, wantOurs bool, wantLoads int) {
		t.Helper()
		ours, _, err := cache.find(t.Context(), domain)
		if err != nil || ours != wantOurs || loads != wantLoads {
			t.Errorf("%s: %v after %d loads, %v; want %v after %d", domain, ours, loads, err, wantOurs, wantLoads)
		}
	}
	check("a.example", true, 1)
	check("b.example", false, 1) // anybody may ask for anything: not again within a second
	d.Bounce = []string{"b.example"}
	mu.Add(1)
	check("a.example", true, 1)
	check("b.example", true, 2) // somebody has just set it up
	check("a.example", false, 2)
	mu.Add(29)
	check("b.example", true, 2)
	mu.Add(1)
	check("b.example", true, 3)
	fail = io.ErrUnexpectedEOF
	mu.Add(30)
	if _, _, err := cache.find(t.Context(), "b.example"); !errors.Is(err, fail) {
		t.Error(err)
	}
	fail = nil
	check("b.example", true, 5)
}

func TestWithoutADatabaseEverythingIsForLater(t *testing.T) {
	t.Parallel()
	b := start(t, &taker{}, func(c *Config) {
		c.Domains = func(context.Context) (Domains, error) { return Domains{}, errors.New("the database is away") }
		c.Limits.Refused = 2
	})
	p := b.dial().hello()
	p.say("MAIL FROM:<>", "250")
	for i := range 5 { // it is no fault of the peer's
		p.say(fmt.Sprintf("RCPT TO:<x%s@bounces.example.org>", strconv.Itoa(i)), "451 4.3.0")
	}
}
