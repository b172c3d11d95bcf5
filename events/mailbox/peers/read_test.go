package peers

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"postrider/events"
	"postrider/events/mailbox"
	"postrider/internal/daemon"
	"postrider/internal/pg/pgtest"
	"postrider/internal/secret"
)

// taker judges messages by the first word of their subject and keeps the account of what it took.
type taker struct {
	mu    sync.Mutex
	got   []string // subjects, in the order in which they came
	raw   map[string]string
	from  []string             // sources
	taken func(subject string) // called after a message was taken, before that is told
	bad   bool                 // take nothing called poison
}

var errPoison = errors.New("this cannot be taken")

func (k *taker) TakeMessage(_ context.Context, m events.Inbound) (events.Verdict, error) {
	_, rest, _ := strings.Cut(string(m.Raw), "Subject: ")
	subject, _, _ := strings.Cut(rest, "\n")
	subject = strings.TrimSpace(subject)
	k.mu.Lock()
	k.got = append(k.got, subject)
	k.from = append(k.from, m.Source)
	if k.raw == nil {
		k.raw = map[string]string{}
	}
	k.raw[subject] = string(m.Raw)
	bad, taken := k.bad, k.taken
	k.mu.Unlock()
	if taken != nil {
		taken(subject)
	}
	switch word, _, _ := strings.Cut(subject, " "); {
	case word == "poison" && bad:
		return "", errPoison
	case word == "bounce" || word == "poison":
		return events.VerdictTaken, nil
	case word == "holiday":
		return events.VerdictIgnored, nil
	}
	return events.VerdictForeign, nil
}

func (k *taker) TakeReports(context.Context, []events.Report) error { return nil }

// subjects are those that came, sorted.
func (k *taker) subjects() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return sorted(slices.Clone(k.got))
}

func (k *taker) count() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.got)
}

func sorted(s []string) []string {
	slices.Sort(s)
	return s
}

// program is one process with a database.
type program struct {
	*mailbox.Service
	*taker
	pool *pgxpool.Pool
	stop func()
}

func box(t *testing.T) *secret.Box {
	t.Helper()
	b, err := secret.FromString("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
	check(t, err)
	return b
}

// start runs a process on the database.
func start(t *testing.T, d *dovecot, pool *pgxpool.Pool, k *taker) *program {
	t.Helper()
	cfg := mailbox.Config{RootCAs: d.Roots, Tick: 20 * time.Millisecond, Lease: 5 * time.Second, Timeout: 20 * time.Second}
	p := &program{Service: mailbox.New(pool, box(t), k, cfg, slog.New(slog.DiscardHandler), time.Now), taker: k, pool: pool}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	p.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("reading ended with %v", err)
		}
	})
	t.Cleanup(p.stop)
	return p
}

func (p *program) create(t *testing.T, in mailbox.Input) mailbox.Mailbox {
	t.Helper()
	m, err := p.Create(t.Context(), in)
	check(t, err)
	return m
}

func (p *program) get(t *testing.T, id int64) mailbox.Mailbox {
	t.Helper()
	m, err := p.Get(t.Context(), id)
	check(t, err)
	return m
}

// settled waits until the mailbox was checked after n messages had come.
func (p *program) settled(t *testing.T, id int64, n int) mailbox.Mailbox {
	t.Helper()
	var m mailbox.Mailbox
	daemon.Until(t, "a check", func() bool {
		m = p.get(t, id)
		return p.count() >= n && m.CheckedAt != nil && m.Taken+m.Ignored+m.Foreign >= n
	})
	return m
}

func same(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(sorted(want), got); diff != "" {
		t.Errorf("%s: %s", what, diff)
	}
}

var (
	mixed = []string{"bounce 1", "bounce 2", "holiday 1", "hello 1"}
)

// TestEveryWayIn reads by both protocols over each kind of TLS.
func TestEveryWayIn(t *testing.T) {
	t.Parallel()
	d := startDovecot(t, "")
	for _, protocol := range []string{mailbox.IMAP, mailbox.POP3} {
		for _, tls := range []string{mailbox.TLSImplicit, mailbox.TLSStartTLS, mailbox.TLSNone} {
			t.Run(protocol+" "+tls, func(t *testing.T) {
				t.Parallel()
				a := d.account(t, "way."+protocol+"."+tls)
				a.deliver(t, mixed...)
				p := start(t, d, pgtest.DB(t), &taker{})
				in := a.input(protocol, tls)
				after := []string{"hello 1", "holiday 1"}
				if protocol == mailbox.POP3 {
					// POP3 has no way to read without marking; Dovecot marks for the readers by IMAP.
					in.AfterTaken, after = mailbox.AfterDelete, []string{"hello 1 (seen)", "holiday 1 (seen)"}
				}
				m := p.create(t, in)
				report, err := p.Test(t.Context(), m.ID)
				if err != nil || !report.OK {
					t.Errorf("the test says %+v, %v", report, err)
				}
				m = p.settled(t, m.ID, 4)
				same(t, "what came", p.subjects(), mixed...)
				same(t, "the inbox", a.holds(t, ""), after...)
				if protocol == mailbox.IMAP {
					same(t, "what was moved", a.holds(t, "Postrider"), "bounce 1", "bounce 2")
				}
				if got := p.raw["bounce 1"]; !strings.Contains(got, "It could not be delivered.") || !strings.Contains(got, "\n.hidden") {
					t.Errorf("the message came as %q", got)
				}
				if m.Taken != 2 || m.Ignored != 1 || m.Foreign != 1 || m.Failed != 0 || m.Problem != nil || m.BytesIn < 500 || m.BytesOut < 50 {
					t.Errorf("state %+v, problem %+v", m, m.Problem)
				}
				if want := map[string]string{mailbox.IMAP: mailbox.ModeIdle, mailbox.POP3: mailbox.ModePoll}[protocol]; m.Mode != want {
					t.Errorf("mode %q, want %q", m.Mode, want)
				}
				if p.from[0] != "mailbox 1" {
					t.Errorf("source %q", p.from[0])
				}
			})
		}
	}
}

// TestMailIsPushed waits for mail that comes while the server is asked to tell: no poll is due for ten minutes.
func TestMailIsPushed(t *testing.T) {
	t.Parallel()
	d := startDovecot(t, "")
	a := d.account(t, "push")
	p := start(t, d, pgtest.DB(t), &taker{})
	m := p.create(t, a.input(mailbox.IMAP, mailbox.TLSImplicit))
	daemon.Until(t, "the first check", func() bool { return p.get(t, m.ID).CheckedAt != nil })
	for i, subject := range []string{"bounce 1", "bounce 2"} {
		a.deliver(t, subject)
		p.settled(t, m.ID, i+1)
	}
	daemon.Until(t, "the move", func() bool { return len(a.holds(t, "Postrider")) == 2 })
	same(t, "what came", p.subjects(), "bounce 1", "bounce 2")
	if m := p.get(t, m.ID); m.Mode != mailbox.ModeIdle || !m.Reading {
		t.Errorf("mode %q, in hand: %v", m.Mode, m.Reading)
	}
}

func TestWrongPassword(t *testing.T) {
	t.Parallel()
	d := startDovecot(t, "")
	for _, protocol := range []string{mailbox.IMAP, mailbox.POP3} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			a := d.account(t, "wrong."+protocol)
			a.deliver(t, "bounce 1")
			p := start(t, d, pgtest.DB(t), &taker{})
			in := a.input(protocol, mailbox.TLSImplicit)
			wrong := "wr0ng-passw0rd"
			in.Password = &wrong
			m := p.create(t, in)
			daemon.Until(t, "the refusal", func() bool { return p.get(t, m.ID).Problem != nil })
			m = p.get(t, m.ID)
			if m.Problem.Kind != "bad_login" || m.Problem.Step != mailbox.StepLogin || !strings.Contains(m.Problem.Text, "AUTH") || strings.Contains(m.Problem.Text, wrong) {
				t.Errorf("the trouble is %+v", m.Problem)
			}
			if wait := time.Until(m.NextCheckAt); wait < 10*time.Minute || m.CheckedAt != nil {
				t.Errorf("tried again in %s", wait)
			}
			report, err := p.Test(t.Context(), m.ID)
			if last := report.Steps[len(report.Steps)-1]; err != nil || report.OK || last.Step != mailbox.StepLogin || report.Remedy == "" || report.Kind != "bad_login" {
				t.Errorf("the test says %+v, %v", report, err)
			}
			in.Password = a.input(protocol, mailbox.TLSImplicit).Password
			if _, err := p.Update(t.Context(), m.ID, in); err != nil {
				t.Fatal(err)
			}
			if m = p.settled(t, m.ID, 1); m.Problem != nil {
				t.Errorf("the trouble stays: %+v", m.Problem)
			}
		})
	}
}

// TestUIDsChange has the server number its messages anew: everything is looked at again, and nothing is passed by.
func TestUIDsChange(t *testing.T) {
	t.Parallel()
	d := startDovecot(t, "")
	a := d.account(t, "uids")
	a.deliver(t, mixed...)
	p := start(t, d, pgtest.DB(t), &taker{})
	m := p.create(t, a.input(mailbox.IMAP, mailbox.TLSImplicit))
	p.settled(t, m.ID, 4)
	if _, err := p.Pause(t.Context(), m.ID); err != nil {
		t.Fatal(err)
	}
	daemon.Until(t, "the pause", func() bool { return !p.get(t, m.ID).Reading })
	a.forgetUIDs(t)
	// As if there had been a million messages: the new numbers are lower than the last one. Dovecot numbers by the second in which it begins to, which may be the same again.
	_, err := p.pool.Exec(t.Context(), `UPDATE mailboxes SET last_uid = 1000000, uid_validity = uid_validity - 1`)
	check(t, err)
	a.deliver(t, "bounce 3")
	if _, err := p.Resume(t.Context(), m.ID); err != nil {
		t.Fatal(err)
	}
	p.settled(t, m.ID, 7)
	same(t, "what came", p.subjects(), "bounce 1", "bounce 2", "bounce 3", "hello 1", "hello 1", "holiday 1", "holiday 1")
	daemon.Until(t, "the move", func() bool { return len(a.holds(t, "Postrider")) == 3 })
	same(t, "the inbox", a.holds(t, ""), "hello 1", "holiday 1")
}

// TestCrashAfterCommit ends the process between the commit of a message and its removal: it is there still, is taken once more, and goes.
func TestCrashAfterCommit(t *testing.T) {
	t.Parallel()
	d := startDovecot(t, "")
	for _, protocol := range []string{mailbox.IMAP, mailbox.POP3} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			a := d.account(t, "crash."+protocol)
			a.deliver(t, "bounce 1", "bounce 2")
			pool := pgtest.DB(t)
			committed, crash := make(chan struct{}), make(chan struct{})
			k := &taker{taken: func(string) {
				close(committed)
				<-crash
			}}
			ctx, cancel := context.WithCancel(t.Context())
			first := mailbox.New(pool, box(t), k, mailbox.Config{RootCAs: d.Roots, Tick: 20 * time.Millisecond}, slog.New(slog.DiscardHandler), time.Now)
			ended := make(chan error, 1)
			go func() { ended <- first.Run(ctx) }()
			in := a.input(protocol, mailbox.TLSImplicit)
			in.AfterTaken = mailbox.AfterDelete
			m, err := first.Create(t.Context(), in)
			check(t, err)
			<-committed
			cancel()
			close(crash)
			check(t, <-ended)
			if got := a.holds(t, ""); len(got) != 2 {
				t.Fatalf("the inbox after the crash: %q", got)
			}
			k.taken = nil
			p := start(t, d, pool, k)
			p.settled(t, m.ID, 2)
			daemon.Until(t, "the removal", func() bool { return len(a.holds(t, "")) == 0 })
			same(t, "what came", p.subjects(), "bounce 1", "bounce 1", "bounce 2")
		})
	}
}

// TestPoison: what cannot be taken stays where it is, holds up nothing, is seen, and goes once it can be taken.
func TestPoison(t *testing.T) {
	t.Parallel()
	d := startDovecot(t, "")
	for _, protocol := range []string{mailbox.IMAP, mailbox.POP3} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			a := d.account(t, "poison."+protocol)
			a.deliver(t, "poison 1", "bounce 1")
			p := start(t, d, pgtest.DB(t), &taker{bad: true})
			in := a.input(protocol, mailbox.TLSImplicit)
			in.AfterTaken = mailbox.AfterDelete
			m := p.create(t, in)
			m = p.settled(t, m.ID, 1)
			daemon.Until(t, "the removal", func() bool { return len(a.holds(t, "")) == 1 })
			if left := a.holds(t, ""); !strings.HasPrefix(left[0], "poison 1") {
				t.Errorf("the inbox: %q", left)
			}
			troubles, err := p.Troubles(t.Context(), m.ID)
			if err != nil || len(troubles) != 1 || troubles[0].Attempts != 1 || troubles[0].Stuck || troubles[0].NextAt == nil || strings.Contains(troubles[0].Error, "cannot be taken") {
				t.Fatalf("messages set aside: %+v, %v", troubles, err)
			}
			// The last of its tries.
			_, err = p.pool.Exec(t.Context(), `UPDATE mailbox_messages SET attempts = 9, next_at = now() WHERE state = 'retry'`)
			check(t, err)
			_, err = p.CheckNow(t.Context(), m.ID)
			check(t, err)
			daemon.Until(t, "the end of the tries", func() bool { return p.get(t, m.ID).StuckNow == 1 })
			a.deliver(t, "bounce 2")
			p.mu.Lock()
			p.bad = false
			p.mu.Unlock()
			_, err = p.CheckNow(t.Context(), m.ID)
			check(t, err)
			daemon.Until(t, "an empty inbox", func() bool { return len(a.holds(t, "")) == 0 })
			daemon.Until(t, "peace", func() bool { m := p.get(t, m.ID); return m.StuckNow == 0 && m.Retrying == 0 })
			same(t, "what came", p.subjects(), "bounce 1", "bounce 2", "poison 1", "poison 1", "poison 1")
		})
	}
}

// TestTwoProcesses: one reads; when it is gone, the other does; nothing comes twice.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	d := startDovecot(t, "")
	a := d.account(t, "two")
	pool := pgtest.DB(t)
	one, two := &taker{}, &taker{}
	p1, p2 := start(t, d, pool, one), start(t, d, pool, two)
	m := p1.create(t, a.input(mailbox.IMAP, mailbox.TLSImplicit))
	all := func() int { return one.count() + two.count() }
	for i, subject := range []string{"bounce 1", "bounce 2", "bounce 3"} {
		a.deliver(t, subject)
		daemon.Until(t, subject, func() bool { return all() == i+1 })
	}
	reader, other := p1, p2
	if one.count() == 0 {
		reader, other = p2, p1
	}
	if other.count() != 0 {
		t.Errorf("both have read: %q and %q", one.subjects(), two.subjects())
	}
	reader.stop()
	a.deliver(t, "bounce 4")
	daemon.Until(t, "the other one", func() bool { return other.count() == 1 })
	same(t, "what came then", other.subjects(), "bounce 4")
	other.stop()
	// A process that is gone without a word: nobody reads until its lease has run out.
	_, err := pool.Exec(t.Context(), `UPDATE mailboxes SET lease_owner = gen_random_uuid(), lease_until = now() + interval '1 hour'`)
	check(t, err)
	third := start(t, d, pool, &taker{})
	_, err = third.CheckNow(t.Context(), m.ID)
	check(t, err)
	m2 := third.create(t, d.account(t, "two.b").input(mailbox.IMAP, mailbox.TLSImplicit))
	a.deliver(t, "bounce 5")
	daemon.Until(t, "another mailbox", func() bool { return third.get(t, m2.ID).CheckedAt != nil })
	if third.count() != 0 || !third.get(t, m.ID).Reading {
		t.Error("it was read although somebody has it in hand")
	}
	_, err = pool.Exec(t.Context(), `UPDATE mailboxes SET lease_until = now() - interval '1 second' WHERE id = $1`, m.ID)
	check(t, err)
	daemon.Until(t, "the take-over", func() bool { return third.count() == 1 })
}

// TestTooManyConnections is no matter of the password.
func TestTooManyConnections(t *testing.T) {
	t.Parallel()
	d := startDovecot(t, "")
	a := d.account(t, "many")
	p := start(t, d, pgtest.DB(t), &taker{})
	for i := range 3 {
		in := a.input(mailbox.IMAP, mailbox.TLSImplicit)
		in.Name = strings.Repeat("x", i+1)
		m := p.create(t, in)
		daemon.Until(t, "a connection", func() bool { return p.get(t, m.ID).CheckedAt != nil })
	}
	report, err := p.TestInput(t.Context(), a.input(mailbox.IMAP, mailbox.TLSStartTLS))
	if err != nil || report.OK || report.Kind != "too_many" || !strings.Contains(report.Remedy, "password is not the problem") {
		t.Errorf("%+v, %v", report, err)
	}
}

// TestWithoutExtensions reads from a server that knows neither MOVE nor IDLE: the messages are copied and expunged by UID, and the mailbox is polled.
func TestWithoutExtensions(t *testing.T) {
	t.Parallel()
	d := startDovecot(t, "protocol imap {\n imap_capability = IMAP4rev1 UIDPLUS\n}")
	a := d.account(t, "plain")
	a.deliver(t, mixed...)
	p := start(t, d, pgtest.DB(t), &taker{})
	in := a.input(mailbox.IMAP, mailbox.TLSImplicit)
	in.ClearIgnored = true
	m := p.create(t, in)
	m = p.settled(t, m.ID, 4)
	daemon.Until(t, "the end of the check", func() bool { m = p.get(t, m.ID); return !m.Reading })
	same(t, "the inbox", a.holds(t, ""), "hello 1")
	same(t, "what was moved", a.holds(t, "Postrider"), "bounce 1", "bounce 2", "holiday 1")
	if wait := time.Until(m.NextCheckAt); m.Mode != mailbox.ModePoll || wait < 9*time.Minute || wait > 10*time.Minute {
		t.Errorf("mode %q, next check in %s", m.Mode, wait)
	}
	a.deliver(t, "bounce 3")
	_, err := p.CheckNow(t.Context(), m.ID)
	check(t, err)
	p.settled(t, m.ID, 5)
	same(t, "what came", p.subjects(), "bounce 1", "bounce 2", "bounce 3", "hello 1", "holiday 1")
}

// TestLargeMessages are read only in their first part.
func TestLargeMessages(t *testing.T) {
	t.Parallel()
	d := startDovecot(t, "")
	for _, protocol := range []string{mailbox.IMAP, mailbox.POP3} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			a := d.account(t, "large."+protocol)
			a.deliverRaw(t, "Subject: bounce large\r\n\r\n"+strings.Repeat(strings.Repeat("x", 70)+"\r\n", 50_000))
			a.deliverRaw(t, "Subject: bounce whole\r\n\r\n"+strings.Repeat(strings.Repeat("y", 70)+"\r\n", 20_000)+"the end\r\n")
			p := start(t, d, pgtest.DB(t), &taker{})
			m := p.create(t, a.input(protocol, mailbox.TLSImplicit))
			p.settled(t, m.ID, 2)
			if n := len(p.raw["bounce large"]); n < 20<<10 || n > 256<<10 {
				t.Errorf("%d bytes of the large one", n)
			}
			if whole := p.raw["bounce whole"]; !strings.Contains(whole, "the end") {
				t.Errorf("%d bytes of the other", len(whole))
			}
		})
	}
}

// TestPOP3Remembers what it has looked at, and forgets what is gone.
func TestPOP3Remembers(t *testing.T) {
	t.Parallel()
	d := startDovecot(t, "")
	a := d.account(t, "uidl")
	a.deliver(t, mixed...)
	p := start(t, d, pgtest.DB(t), &taker{})
	m := p.create(t, a.input(mailbox.POP3, mailbox.TLSImplicit)) // leaves everything
	p.settled(t, m.ID, 4)
	remembered := func() (n int) {
		check(t, p.pool.QueryRow(t.Context(), `SELECT count(*) FROM mailbox_messages WHERE state = 'left'`).Scan(&n))
		return n
	}
	if n := remembered(); n != 4 {
		t.Errorf("%d messages are remembered", n)
	}
	in := a.input(mailbox.POP3, mailbox.TLSImplicit)
	in.AfterTaken, in.ClearIgnored = mailbox.AfterDelete, true
	_, err := p.Update(t.Context(), m.ID, in)
	check(t, err)
	a.deliver(t, "bounce 3", "holiday 2")
	_, err = p.CheckNow(t.Context(), m.ID)
	check(t, err)
	p.settled(t, m.ID, 6)
	daemon.Until(t, "the removal", func() bool { return len(a.holds(t, "")) == 4 })
	same(t, "what came", p.subjects(), "bounce 1", "bounce 2", "bounce 3", "hello 1", "holiday 1", "holiday 2")
	_, err = p.CheckNow(t.Context(), m.ID)
	check(t, err)
	daemon.Until(t, "forgetting what is gone", func() bool { return remembered() == 4 && taken(t, p) == 0 })
}

func taken(t *testing.T, p *program) (n int) {
	t.Helper()
	check(t, p.pool.QueryRow(t.Context(), `SELECT count(*) FROM mailbox_messages WHERE state = 'taken'`).Scan(&n))
	return n
}

// TestNoSecretWithoutTrust: neither a certificate of nobody we trust nor a server without TLS gets to see the password.
func TestNoSecretWithoutTrust(t *testing.T) {
	t.Parallel()
	d := startDovecot(t, "")
	bare := startDovecot(t, "ssl = no")
	for name, tc := range map[string]struct {
		d             *dovecot
		protocol, tls string
		roots         bool
		kind, step    string
	}{
		"unknown authority, IMAP": {d, mailbox.IMAP, mailbox.TLSImplicit, false, "certificate", mailbox.StepTLS},
		"unknown authority, POP3": {d, mailbox.POP3, mailbox.TLSStartTLS, false, "certificate", mailbox.StepTLS},
		"no STARTTLS, IMAP":       {bare, mailbox.IMAP, mailbox.TLSStartTLS, true, "tls", mailbox.StepTLS},
		"no STLS, POP3":           {bare, mailbox.POP3, mailbox.TLSStartTLS, true, "tls", mailbox.StepTLS},
		"TLS on a clear port":     {d, mailbox.IMAP, "wrong port", true, "tls", mailbox.StepTLS},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := tc.d.account(t, "trust")
			in := a.input(tc.protocol, tc.tls)
			if tc.tls == "wrong port" {
				in = a.input(tc.protocol, mailbox.TLSNone)
				in.TLS = mailbox.TLSImplicit
			}
			cfg := mailbox.Config{RootCAs: tc.d.Roots}
			if !tc.roots {
				cfg.RootCAs = nil
			}
			s := mailbox.New(pgtest.DB(t), box(t), &taker{}, cfg, slog.New(slog.DiscardHandler), time.Now)
			report, err := s.TestInput(t.Context(), in)
			if err != nil || report.OK || string(report.Kind) != tc.kind || report.Steps[len(report.Steps)-1].Step != tc.step || report.Remedy == "" {
				t.Errorf("%+v, %v", report, err)
			}
		})
	}
}
