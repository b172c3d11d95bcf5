package mailbox

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"postrider/events"
	"postrider/internal/pg/pgtest"
	"postrider/internal/secret"
)

const patience = time.Minute

// script answers one connection; it is ended by closing the connection.
type script func(c *conversation)

// conversation is one connection to the scripted server.
type conversation struct {
	net.Conn
	r *bufio.Reader
}

// line gives the next line of the client, "" when it has gone.
func (c *conversation) line() string {
	text, err := c.r.ReadString('\n')
	if err != nil {
		return ""
	}
	return strings.TrimRight(text, "\r\n")
}

func (c *conversation) say(lines ...string) {
	for _, l := range lines {
		_, _ = io.WriteString(c, l+"\r\n")
	}
}

// flood says the same until the client has gone.
func (c *conversation) flood(text string) {
	for {
		if _, err := io.WriteString(c, text); err != nil {
			return
		}
	}
}

// hang says nothing until the client has gone.
func (c *conversation) hang() { _, _ = io.Copy(io.Discard, c) }

// fake starts a server that plays a script on each connection.
func fake(t *testing.T, play script) (port int) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	all.Go(func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[nc] = true
			mu.Unlock()
			all.Go(func() {
				defer func() { _ = nc.Close() }()
				play(&conversation{nc, bufio.NewReader(nc)})
			})
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		mu.Lock()
		for nc := range open {
			_ = nc.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return ln.Addr().(*net.TCPAddr).Port
}

// imapServer is a scripted server that behaves but for what a test puts in its place. answers are by the command's name; each gets the tag and the whole command and reports
// whether the connection goes on.
type imapServer struct {
	caps    string
	answers map[string]func(c *conversation, tag, command string) bool
}

func (s imapServer) play(c *conversation) {
	caps := s.caps
	if caps == "" {
		caps = "IMAP4rev1 UIDPLUS"
	}
	c.say("* OK [CAPABILITY " + caps + "] ready")
	for {
		text := c.line()
		if text == "" {
			return
		}
		tag, command, _ := strings.Cut(text, " ")
		name := strings.ToUpper(command)
		for _, known := range []string{"UID SEARCH", "UID FETCH", "UID STORE", "UID EXPUNGE", "UID COPY", "CAPABILITY", "LOGIN", "AUTHENTICATE", "SELECT", "EXAMINE", "CREATE", "LOGOUT", "IDLE", "NOOP"} {
			if strings.HasPrefix(name, known) {
				name = known
				break
			}
		}
		if answer := s.answers[name]; answer != nil {
			if !answer(c, tag, command) {
				return
			}
			continue
		}
		switch name {
		case "CAPABILITY":
			c.say("* CAPABILITY " + caps)
		case "SELECT", "EXAMINE":
			c.say("* 1 EXISTS", "* OK [UIDVALIDITY 7] ok", "* OK [UIDNEXT 2] ok")
		case "UID SEARCH":
			c.say("* SEARCH 1")
		case "UID FETCH":
			if strings.Contains(command, "BODY") {
				c.say("* 1 FETCH (UID 1 BODY[]<0> {21}", "Subject: bounce 1", "", ")")
			} else {
				c.say("* 1 FETCH (UID 1 RFC822.SIZE 20)")
			}
		}
		c.say(tag + " OK done")
	}
}

// popServer is the same for POP3.
type popServer struct {
	answers map[string]func(c *conversation, command string) bool
}

func (s popServer) play(c *conversation) {
	c.say("+OK ready")
	for {
		text := c.line()
		if text == "" {
			return
		}
		name, _, _ := strings.Cut(strings.ToUpper(text), " ")
		if answer := s.answers[name]; answer != nil {
			if !answer(c, text) {
				return
			}
			continue
		}
		switch name {
		case "CAPA":
			c.say("+OK", "USER", "UIDL", ".")
		case "STAT":
			c.say("+OK 1 20")
		case "UIDL":
			c.say("+OK", "1 abc", ".")
		case "LIST":
			c.say("+OK", "1 20", ".")
		case "RETR", "TOP":
			c.say("+OK", "Subject: bounce 1", "", ".")
		default:
			c.say("+OK")
		}
	}
}

// ledger takes everything and keeps the account.
type ledger struct {
	mu  sync.Mutex
	got []string
}

func (l *ledger) TakeMessage(_ context.Context, m events.Inbound) (events.Verdict, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.got = append(l.got, string(m.Raw))
	return events.VerdictTaken, nil
}

func (l *ledger) TakeReports(context.Context, []events.Report) error { return nil }

func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.got)
}

type bundle struct {
	*Service
	*ledger
	pool *pgxpool.Pool
}

func setup(t *testing.T) *bundle {
	t.Helper()
	box, err := secret.FromString("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
	if err != nil {
		t.Fatal(err)
	}
	b := &bundle{ledger: &ledger{}, pool: pgtest.DB(t)}
	b.Service = New(b.pool, box, b.ledger, Config{Tick: 20 * time.Millisecond, Timeout: 3 * time.Second}, slog.New(slog.DiscardHandler), time.Now)
	return b
}

// run reads until the test ends.
func (b *bundle) run(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("reading ended with %v", err)
		}
	})
}

func input(protocol string, port int) Input {
	password := "s3cret-p4ss"
	return Input{Name: "m", Protocol: protocol, Host: "127.0.0.1", Port: port, TLS: TLSNone, Username: "u", Password: &password}
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("still waiting for %s after %s", what, patience)
		}
	}
}

// tried waits for the first check to end, with or without trouble.
func (b *bundle) tried(t *testing.T, id int64) Mailbox {
	t.Helper()
	var m Mailbox
	until(t, "the end of a check", func() (ok bool) {
		var err error
		if m, err = b.Get(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		return !m.Reading && (m.CheckedAt != nil || m.Problem != nil)
	})
	return m
}

func (b *bundle) create(t *testing.T, in Input) Mailbox {
	t.Helper()
	m, err := b.Create(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestHostileServers(t *testing.T) {
	t.Parallel()
	type answers = map[string]func(c *conversation, tag, command string) bool
	imapThat := func(name string, answer func(c *conversation, tag, command string) bool) script {
		return imapServer{answers: answers{name: answer}}.play
	}
	popThat := func(name string, answer func(c *conversation, command string) bool) script {
		return popServer{answers: map[string]func(c *conversation, command string) bool{name: answer}}.play
	}
	for name, tc := range map[string]struct {
		protocol string
		play     script
		kind     Kind
		text     string // in the trouble
	}{
		"greeting without an end":    {IMAP, func(c *conversation) { c.flood("* OK xxxxxxxxxxxxxxxx") }, KindProtocol, "without an end"},
		"no greeting":                {IMAP, func(c *conversation) { c.hang() }, KindTimeout, ""},
		"taken for logged in":        {IMAP, func(c *conversation) { c.say("* PREAUTH come in"); c.hang() }, KindProtocol, "PREAUTH"},
		"another protocol":           {IMAP, func(c *conversation) { c.say("220 smtp.example.org ESMTP"); c.hang() }, KindProtocol, "220"},
		"too many, in the greeting":  {IMAP, func(c *conversation) { c.say("* BYE Too many connections") }, "too_many", "Too many"},
		"gone at once":               {POP3, func(*conversation) {}, KindProtocol, "closed"},
		"a flood after the greeting": {IMAP, func(c *conversation) { c.say("* OK x"); c.flood("* OK xxxx\r\n") }, KindProtocol, "more than was asked"},
		"login never answered":       {IMAP, imapThat("LOGIN", func(c *conversation, _, _ string) bool { c.hang(); return false }), KindTimeout, ""},
		"login echoed": {IMAP, imapThat("LOGIN", func(c *conversation, tag, command string) bool {
			c.say(tag + " NO [AUTHENTICATIONFAILED] I do not like " + command)
			return true
		}), "bad_login", "***"},
		"clear text is refused": {IMAP, imapServer{caps: "IMAP4rev1 LOGINDISABLED"}.play, KindTLS, "LOGINDISABLED"},
		"says why it hangs up": {IMAP, imapThat("SELECT", func(c *conversation, _, _ string) bool {
			c.say("* BYE [ALERT] Too many simultaneous connections. (Failure)")
			return false
		}), "too_many", "BYE [ALERT] Too many"},
		"no such folder": {IMAP, imapThat("SELECT", func(c *conversation, tag, _ string) bool {
			c.say(tag + " NO [NONEXISTENT] Unknown Mailbox")
			return true
		}), KindFolder, "NONEXISTENT"},
		"no UIDVALIDITY": {IMAP, imapThat("SELECT", func(c *conversation, tag, _ string) bool {
			c.say("* 1 EXISTS", tag+" OK done")
			return true
		}), KindFolder, "UIDVALIDITY"},
		"a search that never ends": {IMAP, imapThat("UID SEARCH", func(c *conversation, _, _ string) bool {
			_, _ = io.WriteString(c, "* SEARCH")
			c.flood(" 1")
			return false
		}), KindProtocol, "more than was asked"},
		"an endless range": {IMAP, imapServer{answers: answers{
			"SELECT": func(c *conversation, tag, _ string) bool {
				c.say("* 1 EXISTS", "* OK [UIDVALIDITY 7] ok", "* OK [UIDNEXT 4294967295] ok", tag+" OK done")
				return true
			},
			"UID SEARCH": func(c *conversation, tag, _ string) bool {
				c.say("* ESEARCH (TAG \""+tag+"\") UID ALL 1:4294967295,1:4294967295,1:4294967295", tag+" OK done")
				return true
			},
		}}.play, KindProtocol, "more than was asked"},
		"a range beyond the end": {IMAP, imapThat("UID SEARCH", func(c *conversation, tag, _ string) bool {
			c.say("* ESEARCH (TAG \""+tag+"\") UID ALL 1:4294967295", tag+" OK done")
			return true
		}), "", ""},
		"a literal of four gigabytes": {IMAP, imapThat("UID FETCH", func(c *conversation, _, command string) bool {
			c.say("* 1 FETCH (UID 1 BODY[]<0> {4294967295}")
			c.flood("xxxxxxxxxxxxxxxx")
			return false
		}), KindProtocol, "more than was asked"},
		"a literal that is not sent": {IMAP, imapThat("UID FETCH", func(c *conversation, _, command string) bool {
			c.say("* 1 FETCH (UID 1 BODY[]<0> {100}")
			c.hang()
			return false
		}), KindTimeout, ""},
		"not IMAP": {IMAP, imapThat("UID SEARCH", func(c *conversation, _, _ string) bool {
			c.say("* \x00\x01(((( )))")
			c.hang()
			return false
		}), KindClosed, ""},
		"a status line without an end": {POP3, popThat("USER", func(c *conversation, _ string) bool { c.flood("+OK xxxxxxxxxxxxxxxxxxx"); return false }), KindProtocol, "without an end"},
		"a list without an end":        {POP3, popThat("UIDL", func(c *conversation, _ string) bool { c.say("+OK"); c.flood("0 x\r\n"); return false }), KindFolder, "unique-id"},
		"a line without an end":        {POP3, popThat("UIDL", func(c *conversation, _ string) bool { c.say("+OK"); c.flood("1 xxxxxxxxxx"); return false }), KindProtocol, "without an end"},
		"one id twice":                 {POP3, popThat("UIDL", func(c *conversation, _ string) bool { c.say("+OK", "1 a", "1 b", "."); return true }), KindFolder, "unique-id"},
		"no UIDL":                      {POP3, popThat("UIDL", func(c *conversation, _ string) bool { c.say("-ERR what?"); return true }), KindFolder, "what?"},
		"a size that is none":          {POP3, popThat("LIST", func(c *conversation, _ string) bool { c.say("+OK", "1 many", "."); return true }), KindFolder, "size"},
		"a message without an end": {POP3, popThat("RETR", func(c *conversation, _ string) bool {
			c.say("+OK")
			c.flood("xxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n")
			return false
		}), KindProtocol, "more than was asked"},
		"locked": {POP3, popThat("PASS", func(c *conversation, _ string) bool {
			c.say("-ERR [IN-USE] Do you have another POP session running?")
			return true
		}), KindInUse, "IN-USE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			m := b.create(t, input(tc.protocol, fake(t, tc.play)))
			b.run(t)
			m = b.tried(t, m.ID)
			if tc.kind == "" {
				if m.Problem != nil || b.count() != 1 {
					t.Errorf("trouble %+v, %d messages taken", m.Problem, b.count())
				}
				return
			}
			if m.Problem == nil || m.Problem.Kind != tc.kind || !strings.Contains(m.Problem.Text, tc.text) || m.Problem.Remedy == "" || strings.Contains(m.Problem.Text, "s3cret") {
				t.Fatalf("trouble %+v, want %s with %q", m.Problem, tc.kind, tc.text)
			}
			if len(m.Problem.Text) > 600 || m.NextCheckAt.Before(time.Now().Add(30*time.Second)) {
				t.Errorf("%d bytes of text, next check at %s", len(m.Problem.Text), m.NextCheckAt)
			}
		})
	}
}

// TestNothingIsSentAheadOfTLS: a server that has no TLS, or that somebody speaks for, never sees the password.
func TestNothingIsSentAheadOfTLS(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		protocol, greeting, answer string
		kind                       Kind
		text                       string // in the trouble
	}{
		"IMAP, refused":   {IMAP, "* OK x", "S1 BAD what?", KindTLS, "BAD what?"},
		"IMAP, injected":  {IMAP, "* OK x", "S1 OK begin\r\n* OK [CAPABILITY IMAP4rev1] injected", KindTLS, "between STARTTLS and TLS"},
		"IMAP, no TLS":    {IMAP, "* OK x", "S1 OK begin", KindTLS, "EOF"},
		"POP3, refused":   {POP3, "+OK x", "-ERR what?", KindTLS, "-ERR what?"},
		"POP3, injected":  {POP3, "+OK x", "+OK begin\r\n+OK injected", KindTLS, "between STARTTLS and TLS"},
		"POP3, not POP3":  {POP3, "+OK x", "what?", KindTLS, "what?"},
		"IMAP, a waffler": {IMAP, "* OK x", strings.Repeat("* OK x\r\n", 30), KindProtocol, "more than"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var heard bytes.Buffer
			b := setup(t)
			in := input(tc.protocol, fake(t, func(c *conversation) {
				c.say(tc.greeting)
				text := c.line()
				c.say(tc.answer)
				if name == "IMAP, no TLS" {
					return
				}
				rest, _ := io.ReadAll(io.LimitReader(c, 4096))
				mu.Lock()
				defer mu.Unlock()
				heard.WriteString(text)
				heard.Write(rest)
			}))
			in.TLS = TLSStartTLS
			report, err := b.TestInput(t.Context(), in)
			if last := report.Steps[len(report.Steps)-1]; err != nil || report.OK || report.Kind != tc.kind || last.Step != StepTLS || report.Remedy == "" || !strings.Contains(last.Detail, tc.text) {
				t.Errorf("%+v, %v", report, err)
			}
			mu.Lock()
			defer mu.Unlock()
			if strings.Contains(heard.String(), "s3cret") || strings.Contains(heard.String(), "LOGIN") || strings.Contains(heard.String(), "PASS") {
				t.Errorf("the server heard %q", heard.String())
			}
		})
	}
}

// TestProvidersAreUnderstood: the words of providers, as their servers say them, lead to the remedy for them, at the login and nowhere to a wrong password when it is none.
func TestProvidersAreUnderstood(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i, tc := range []struct {
		provider, protocol, answer string
		kind                       Kind
		remedy                     string
		wait                       time.Duration
	}{
		{"gmail", IMAP, "NO [ALERT] Application-specific password required: https://support.google.com/accounts/answer/185833 (Failure)", "app_password", "apppasswords", 0},
		{"gmail", IMAP, "NO [ALERT] Your account is not enabled for IMAP use. Please visit your Gmail settings page.", "access_off", "settings", 0},
		{"gmail", IMAP, "NO [ALERT] Too many simultaneous connections. (Failure)", "too_many", "not the problem", 10 * time.Minute},
		{"gmail", IMAP, "NO [OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)", "quota", "24 hours", 24 * time.Hour},
		{"gmail", POP3, "-ERR [AUTH] Application-specific password required: https://support.google.com/accounts/answer/185833", "app_password", "apppasswords", 0},
		{"yandex", IMAP, "NO [AUTHENTICATIONFAILED] LOGIN Invalid credentials or IMAP is disabled sc=x", "access_off", "app password", 0},
		{"yandex", POP3, "-ERR [AUTH] login failure or POP3 disabled, try later. sc=x", "access_off", "POP3", 0},
		{"mailru", IMAP, "NO [ALERT] NEOBHODIM parol prilozheniya https://help.mail.ru/mail/security/protection/external / Application password is REQUIRED", "app_password", "external", 0},
		{"outlook", IMAP, "NO LOGIN failed.", "needs_oauth", "XOAUTH2", 0},
		{"yahoo", IMAP, "NO [LIMIT] LOGIN Rate limit hit.", "too_many", "not the problem", 30 * time.Minute},
		{"", IMAP, "NO [AUTHENTICATIONFAILED] no", "bad_login", "user name", 0},
		{"", IMAP, "NO [LIMIT] Too many logins", "too_many", "not the problem", 10 * time.Minute},
		{"", IMAP, "NO [UNAVAILABLE] Temporary authentication failure", KindUnreachable, "again", 0},
	} {
		no := func(c *conversation, tag string) bool {
			c.say(strings.TrimPrefix(tag+" "+tc.answer, " "))
			return true
		}
		play := imapServer{answers: map[string]func(*conversation, string, string) bool{"LOGIN": func(c *conversation, tag, _ string) bool { return no(c, tag) }}}.play
		if tc.protocol == POP3 {
			play = popServer{answers: map[string]func(*conversation, string) bool{"PASS": func(c *conversation, _ string) bool { return no(c, "") }}}.play
		}
		in := input(tc.protocol, fake(t, play))
		in.Name, in.Provider = fmt.Sprint("m", i), tc.provider
		report, err := b.TestInput(t.Context(), in)
		if err != nil || report.Kind != tc.kind || !strings.Contains(report.Remedy, tc.remedy) || (tc.provider != "") != (report.Provider != "") {
			t.Errorf("%s: %+v, %v", tc.answer, report, err)
		}
		e := explain(Mailbox{Provider: tc.provider, Protocol: tc.protocol}, &stepError{Step: StepLogin, Text: tc.answer, Err: refused{tc.answer}})
		if e.wait != tc.wait {
			t.Errorf("%s: wait %s", tc.answer, e.wait)
		}
	}
}

// TestDayLimit: reading stops below the provider's limit and says until when; nobody can have it read before.
func TestDayLimit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	asked := make(chan string, 100)
	in := input(IMAP, fake(t, func(c *conversation) { asked <- c.line() }))
	in.Provider = "gmail"
	m := b.create(t, in)
	// 1,990 MB of the 2,000 that we take are used up.
	if _, err := b.pool.Exec(t.Context(), `INSERT INTO mailbox_usage (mailbox_id, hour, bytes_in) VALUES ($1, date_trunc('hour', now()) - interval '3 hours', 2000000000)`, m.ID); err != nil {
		t.Fatal(err)
	}
	b.run(t)
	m = b.tried(t, m.ID)
	if m.Problem == nil || m.Problem.Kind != KindDayLimit || m.WaitUntil == nil || !strings.Contains(m.Problem.Text, "2000 MB") {
		t.Fatalf("trouble %+v, left alone until %v", m.Problem, m.WaitUntil)
	}
	if wait := time.Until(*m.WaitUntil); wait < 20*time.Hour || wait > 22*time.Hour+time.Minute {
		t.Errorf("left alone for %s", wait)
	}
	if _, err := b.CheckNow(t.Context(), m.ID); err == nil || !strings.Contains(err.Error(), "left alone until") {
		t.Errorf("%v", err)
	}
	select {
	case line := <-asked:
		t.Errorf("the server was asked %q", line)
	default:
	}
}

// TestDayLimitInTheMiddle: what was read before the limit counts, and is not read again.
func TestDayLimitInTheMiddle(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var mu sync.Mutex
	cleared := ""
	in := input(IMAP, fake(t, imapServer{answers: map[string]func(*conversation, string, string) bool{
		"SELECT": func(c *conversation, tag, _ string) bool {
			c.say("* 2 EXISTS", "* OK [UIDVALIDITY 7] ok", "* OK [UIDNEXT 3] ok", tag+" OK done")
			return true
		},
		"UID SEARCH": func(c *conversation, tag, _ string) bool { c.say("* SEARCH 1 2", tag+" OK done"); return true },
		"UID FETCH": func(c *conversation, tag, command string) bool {
			if strings.Contains(command, "BODY") {
				uid := strings.Fields(command)[2]
				c.say("* "+uid+" FETCH (UID "+uid+" BODY[]<0> {21}", "Subject: bounce 1", "", ")", tag+" OK done")
			} else {
				c.say("* 1 FETCH (UID 1 RFC822.SIZE 20)", "* 2 FETCH (UID 2 RFC822.SIZE 900000)", tag+" OK done")
			}
			return true
		},
		"UID STORE": func(c *conversation, tag, command string) bool {
			mu.Lock()
			cleared += strings.Fields(command)[2]
			mu.Unlock()
			c.say(tag + " OK done")
			return true
		},
	}}.play))
	in.Provider, in.AfterTaken = "gmail", AfterDelete
	m := b.create(t, in)
	if _, err := b.pool.Exec(t.Context(), `INSERT INTO mailbox_usage (mailbox_id, hour, bytes_in) VALUES ($1, date_trunc('hour', now()), 1999500000)`, m.ID); err != nil {
		t.Fatal(err)
	}
	b.run(t)
	m = b.tried(t, m.ID)
	mu.Lock()
	defer mu.Unlock()
	if m.Problem == nil || m.Problem.Kind != KindDayLimit || b.count() != 1 || m.Taken != 1 || cleared != "1" || m.lastUID != 1 {
		t.Errorf("trouble %+v, %d messages came, %q cleared, read up to %d", m.Problem, b.count(), cleared, m.lastUID)
	}
}

// TestMoveIsRefused: what was taken stays, the trouble is shown, reading goes on, and it is tried again later.
func TestMoveIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	m := b.create(t, input(IMAP, fake(t, imapServer{answers: map[string]func(*conversation, string, string) bool{
		"UID COPY": func(c *conversation, tag, _ string) bool { c.say(tag + " NO [TRYCREATE] no such folder"); return true },
		"CREATE":   func(c *conversation, tag, _ string) bool { c.say(tag + " NO [NOPERM] not allowed here"); return true },
		"UID STORE": func(c *conversation, tag, _ string) bool {
			t.Error("the message is marked as deleted")
			c.say(tag + " OK done")
			return true
		},
	}}.play)))
	b.run(t)
	m = b.tried(t, m.ID)
	if m.Problem == nil || m.Problem.Kind != KindFolder || m.Problem.Step != StepClear || m.Retrying != 1 || m.Taken != 1 || m.CheckedAt == nil || m.lastUID != 1 {
		t.Errorf("%+v, trouble %+v", m, m.Problem)
	}
}

// TestMessageThatBreaksTheConnection is set aside, so that the next one is read.
func TestMessageThatBreaksTheConnection(t *testing.T) {
	t.Parallel()
	b := setup(t)
	m := b.create(t, input(IMAP, fake(t, imapServer{answers: map[string]func(*conversation, string, string) bool{
		"SELECT": func(c *conversation, tag, _ string) bool {
			c.say("* 2 EXISTS", "* OK [UIDVALIDITY 7] ok", "* OK [UIDNEXT 3] ok", tag+" OK done")
			return true
		},
		"UID SEARCH": func(c *conversation, tag, _ string) bool { c.say("* SEARCH 1 2", tag+" OK done"); return true },
		"UID FETCH": func(c *conversation, tag, command string) bool {
			switch {
			case !strings.Contains(command, "BODY"):
				for uid := 1; uid <= 2; uid++ {
					if strings.Contains(strings.Fields(command)[2], strconv.Itoa(uid)) {
						c.say(fmt.Sprintf("* %d FETCH (UID %d RFC822.SIZE 20)", uid, uid))
					}
				}
			case strings.Fields(command)[2] == "1":
				return false
			default:
				c.say("* 2 FETCH (UID 2 BODY[]<0> {21}", "Subject: bounce 2", "", ")")
			}
			c.say(tag + " OK done")
			return true
		},
	}}.play)))
	b.run(t)
	if m = b.tried(t, m.ID); m.Problem == nil || m.Retrying != 1 || b.count() != 0 {
		t.Fatalf("%d came, trouble %+v", b.count(), m.Problem)
	}
	if _, err := b.pool.Exec(t.Context(), `UPDATE mailboxes SET next_check_at = now()`); err != nil {
		t.Fatal(err)
	}
	until(t, "the other message", func() bool { return b.count() == 1 })
	until(t, "the end of the check", func() bool {
		m, err := b.Get(t.Context(), m.ID)
		return err == nil && m.Problem == nil && m.lastUID == 2 && m.Retrying == 1
	})
}

// TestPOP3SessionThatBreaks after a message was taken: the next one deletes it without reading it again.
func TestPOP3SessionThatBreaks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var mu sync.Mutex
	deletes, reads, quits := 0, 0, 0
	in := input(POP3, fake(t, popServer{answers: map[string]func(*conversation, string) bool{
		"DELE": func(c *conversation, _ string) bool {
			mu.Lock()
			defer mu.Unlock()
			if deletes++; deletes == 1 {
				return false
			}
			c.say("+OK")
			return true
		},
		"RETR": func(c *conversation, _ string) bool {
			mu.Lock()
			defer mu.Unlock()
			reads++
			c.say("+OK", "Subject: bounce 1", "", ".")
			return true
		},
		"QUIT": func(c *conversation, _ string) bool {
			mu.Lock()
			defer mu.Unlock()
			quits++
			c.say("+OK")
			return true
		},
	}}.play))
	in.AfterTaken = AfterDelete
	m := b.create(t, in)
	b.run(t)
	if m = b.tried(t, m.ID); m.Problem == nil || m.Taken != 1 {
		t.Fatalf("%d taken, trouble %+v", m.Taken, m.Problem)
	}
	if _, err := b.pool.Exec(t.Context(), `UPDATE mailboxes SET next_check_at = now()`); err != nil {
		t.Fatal(err)
	}
	until(t, "the end of the second session", func() bool {
		m, err := b.Get(t.Context(), m.ID)
		return err == nil && m.CheckedAt != nil && m.Problem == nil
	})
	mu.Lock()
	defer mu.Unlock()
	if deletes != 2 || reads != 1 || quits != 1 || b.count() != 1 {
		t.Errorf("%d times deleted, %d times read, %d ends, %d came", deletes, reads, quits, b.count())
	}
}

// TestCheckThatIsAskedForAtTheEnd: the wish for a check that comes to a reader when it has seen everything is not lost.
func TestCheckThatIsAskedForAtTheEnd(t *testing.T) {
	t.Parallel()
	b := setup(t)
	atQuit, goOn := make(chan struct{}), make(chan struct{})
	m := b.create(t, input(POP3, fake(t, popServer{answers: map[string]func(*conversation, string) bool{
		"QUIT": func(c *conversation, _ string) bool {
			atQuit <- struct{}{}
			<-goOn
			c.say("+OK")
			return true
		},
	}}.play)))
	b.run(t)
	<-atQuit
	if _, err := b.CheckNow(t.Context(), m.ID); err != nil {
		t.Fatal(err)
	}
	until(t, "the reader to hear of it", func() bool {
		var heard bool
		err := b.pool.QueryRow(t.Context(), `SELECT asked_at IS NULL FROM mailboxes`).Scan(&heard)
		return err == nil && heard
	})
	goOn <- struct{}{}
	select {
	case <-atQuit:
		close(goOn)
	case <-time.After(patience):
		close(goOn)
		t.Error("nobody looked again")
	}
}

// TestWishForAReaderThatHasEnded: between the look at the leases and the look at the readers one may have ended.
func TestWishForAReaderThatHasEnded(t *testing.T) {
	t.Parallel()
	still := &running{version: 1, wake: make(chan struct{}, 1)}
	a := &readers{running: map[int64]*running{1: still}}
	missed := a.compare([]held{{ID: 1, Version: 1, Asked: true}, {ID: 2, Version: 1, Asked: true}, {ID: 3, Version: 1}})
	if len(missed) != 1 || missed[0] != 2 || len(still.wake) != 1 {
		t.Errorf("missed by %v, woken: %v", missed, len(still.wake) == 1)
	}
}

// TestIdleThatIsDropped: a server that hangs up soon is polled.
func TestIdleThatIsDropped(t *testing.T) {
	t.Parallel()
	b := setup(t)
	m := b.create(t, input(IMAP, fake(t, imapServer{caps: "IMAP4rev1 UIDPLUS IDLE", answers: map[string]func(*conversation, string, string) bool{
		"IDLE": func(c *conversation, _, _ string) bool { c.say("+ idling", "* BYE good night"); return false },
	}}.play)))
	b.run(t)
	m = b.tried(t, m.ID)
	if wait := time.Until(m.NextCheckAt); m.Problem != nil || m.Mode != ModePoll || wait < 9*time.Minute || b.count() != 1 {
		t.Errorf("mode %q, next check in %s, trouble %+v", m.Mode, wait, m.Problem)
	}
}

// TestIdleIsRenewed well before a server may hang up (RFC 2177), with the folder looked at in between.
func TestIdleIsRenewed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.cfg.IdleRenew = 50 * time.Millisecond
	renewed := make(chan struct{}, 100)
	b.create(t, input(IMAP, fake(t, imapServer{caps: "IMAP4rev1 UIDPLUS IDLE", answers: map[string]func(*conversation, string, string) bool{
		"IDLE": func(c *conversation, tag, _ string) bool {
			c.say("+ idling")
			if c.line() != "DONE" {
				return false
			}
			renewed <- struct{}{}
			c.say(tag + " OK done")
			return true
		},
	}}.play)))
	b.run(t)
	for range 3 {
		select {
		case <-renewed:
		case <-time.After(patience):
			t.Fatal("IDLE is not renewed")
		}
	}
	if (Config{}).withDefaults().IdleRenew >= 29*time.Minute {
		t.Error("servers may hang up before IDLE is renewed")
	}
}

// FuzzPOP3 reads whatever a server may say.
func FuzzPOP3(f *testing.F) {
	f.Add([]byte("+OK\r\n+OK\r\nSASL PLAIN\r\n.\r\n+ \r\n+OK\r\n+OK\r\n1 a\r\n.\r\n+OK\r\n1 5\r\n.\r\n+OK\r\n..x\r\n.\r\n"))
	f.Add([]byte("+OK\r\n-ERR\r\n+OK\r\n+OK\r\n+OK\r\n1 a\r\n.\r\n+OK\r\n1 -5\r\n.\r\n"))
	f.Add([]byte("+ok\n+\n+\n+\n"))
	f.Fuzz(func(t *testing.T, said []byte) {
		here, there := net.Pipe()
		go func() { _, _ = io.Copy(io.Discard, there) }()
		go func() {
			_, _ = there.Write(said)
			_ = there.Close()
		}()
		defer func() { _ = here.Close() }()
		w := &wire{Conn: here, raw: here}
		s := &popSession{w: w, r: bufio.NewReaderSize(w, maxLine), timeout: 5 * time.Second, stop: func() bool { return true }}
		s.text = textproto.NewReader(s.r)
		if _, err := s.login(t.Context(), target{username: "u", password: "p", protocol: POP3}); err != nil {
			return
		}
		letters, err := s.list()
		if err != nil {
			return
		}
		for _, l := range letters {
			if l.uid == "" || len(l.uid) > maxPop3UID || l.size < 0 {
				t.Errorf("%+v", l)
			}
			if raw, err := s.fetch(l, 100); err == nil && len(raw) > 100+usualAnswer {
				t.Errorf("%d bytes", len(raw))
			} else if err != nil {
				var step *stepError
				if !errors.As(err, &step) {
					t.Errorf("%v", err)
				}
				return
			}
		}
	})
}
