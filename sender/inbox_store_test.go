package sender

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/sender/inbox"
	"postrider/sender/smtpconn"
)

// newInbox is a store whose Run runs until the test ends.
func newInbox(t *testing.T, b *bundle, change ...func(*InboxStore)) *InboxStore {
	t.Helper()
	s := NewInboxStore(b.pool, b.dns, b.logger, b.clock.now)
	for _, c := range change {
		c(s)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return s
}

func put(t *testing.T, s *InboxStore, from, to, raw string) {
	t.Helper()
	if err := s.Capture(t.Context(), captured(from, to, raw)); err != nil {
		t.Fatal(err)
	}
}

func captured(from, to, raw string) inbox.Captured {
	return inbox.Captured{From: from, To: []string{to}, Raw: []byte(raw)}
}

func simple(subject string) string {
	return "From: News <news@example.org>\r\nTo: a@example.net\r\nSubject: " + subject + "\r\nMessage-ID: <x@example.org>\r\n\r\nHello\r\n"
}

func TestCapturesThatArriveTogetherAreAllStored(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := newInbox(t, b)
	const n = 500
	var group errgroup.Group
	group.SetLimit(50)
	for i := range n {
		group.Go(func() error {
			return s.Capture(context.Background(), captured("bounce@example.org", fmt.Sprintf("p%d@example.net", i), simple("x")))
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	var distinct, transactions int
	err := b.pool.QueryRow(t.Context(), `SELECT count(DISTINCT rcpt_to), count(DISTINCT xmin::text) FROM inbox_messages`).Scan(&distinct, &transactions)
	if err != nil || distinct != n {
		t.Fatalf("%d of %d stored: %v", distinct, n, err)
	}
	if transactions > n/2 {
		t.Errorf("%d commits for %d messages", transactions, n)
	}
	if total, err := s.Total(t.Context()); err != nil || total != n {
		t.Errorf("total %d, %v", total, err)
	}
}

func TestCaptureIsCommittedWhenItReturns(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := newInbox(t, b)
	for i := range 20 {
		put(t, s, "f@example.org", "a@example.net", simple("x"))
		if total, err := s.Total(t.Context()); err != nil || total != int64(i+1) {
			t.Fatalf("after %d captures there are %d, %v", i+1, total, err)
		}
	}
}

func TestCaptureFailsWhenItCannotStore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := newInbox(t, b)
	if _, err := b.pool.Exec(t.Context(), `ALTER TABLE inbox_messages ADD CHECK (subject <> 'refuse me')`); err != nil {
		t.Fatal(err)
	}
	if err := s.Capture(t.Context(), captured("f@example.org", "a@example.net", simple("refuse me"))); err == nil {
		t.Error("a message that was not stored was taken")
	}
	put(t, s, "f@example.org", "a@example.net", simple("fine"))
}

func TestCaptureEndsWithRun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := NewInboxStore(b.pool, b.dns, b.logger, b.clock.now)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.Capture(t.Context(), captured("f@example.org", "a@example.net", "x")); !errors.Is(err, errInboxStopped) {
		t.Errorf("after Run: %v", err)
	}
	idle := NewInboxStore(b.pool, b.dns, b.logger, b.clock.now)
	if err := idle.Capture(ctx, captured("f@example.org", "a@example.net", "x")); !errors.Is(err, context.Canceled) {
		t.Errorf("without Run: %v", err)
	}
}

func TestInboxKeepsTheNewest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := newInbox(t, b, func(s *InboxStore) { s.keep, s.every = 10, 25 })
	for i := range 26 {
		put(t, s, "f@example.org", "a@example.net", simple(fmt.Sprintf("number %d", i)))
	}
	// The trim after the 25th happened before the 26th was taken.
	var n int
	var oldest string
	err := b.pool.QueryRow(t.Context(), `SELECT count(*), min(subject) FROM inbox_messages`).Scan(&n, &oldest)
	if err != nil || n != 11 || oldest != "number 15" {
		t.Errorf("%d kept from %q, %v", n, oldest, err)
	}
}

func TestInboxListPagesAndSearches(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := newInbox(t, b)
	for i := range 5 {
		put(t, s, "bounce@example.org", fmt.Sprintf("p%d@example.net", i), simple(fmt.Sprintf("issue %d: 100%%_off", i)))
	}
	var pages []string
	for q := (page.Query{Limit: 2}); ; {
		p, err := s.List(t.Context(), "", q)
		if err != nil {
			t.Fatal(err)
		}
		var subjects []string
		for _, m := range p.Items {
			subjects = append(subjects, m.Subject[:7])
		}
		pages = append(pages, strings.Join(subjects, "+"))
		if q.Cursor = p.NextCursor; q.Cursor == "" {
			break
		}
	}
	if diff := cmp.Diff([]string{"issue 4+issue 3", "issue 2+issue 1", "issue 0"}, pages); diff != "" {
		t.Error(diff)
	}
	for search, want := range map[string]int{"P3@": 1, "ISSUE 2": 1, "%_o": 5, "%x": 0, "100_": 0, `\`: 0, "a\x00b": 0} {
		p, err := s.List(t.Context(), search, page.Query{})
		if err != nil || len(p.Items) != want {
			t.Errorf("%q found %d, %v; want %d", search, len(p.Items), err, want)
		}
	}
	if _, err := s.List(t.Context(), "", page.Query{Cursor: "?"}); !errs.Is(err, errs.Invalid) {
		t.Errorf("bad cursor: %v", err)
	}
	if err := s.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p, err := s.List(t.Context(), "", page.Query{}); err != nil || len(p.Items) != 0 || p.Items == nil {
		t.Errorf("after the delete: %+v, %v", p, err)
	}
}

const richMessage = "Received: from x\r\nFrom: =?utf-8?q?J=C3=B6rg?= <news@example.org>\r\nTo: a@example.net\r\n" +
	"Subject: =?iso-8859-1?q?Gr=FC=DFe?=\r\n =?utf-8?b?IHp1bSBGZXN0?=\r\nMessage-ID: <7@example.org>\r\nMIME-Version: 1.0\r\n" +
	"Content-Type: multipart/mixed; boundary=out\r\n\r\n--out\r\nContent-Type: multipart/alternative; boundary=in\r\n\r\n" +
	"--in\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=FC=DFe\r\n" +
	"--in\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nPGI+R3LDvMOfZTwvYj4=\r\n--in--\r\n" +
	"--out\r\nContent-Type: text/html\r\nContent-Disposition: attachment; filename=a.html\r\n\r\nnot this\r\n--out--\r\n"

func TestInboxGet(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := newInbox(t, b)
	put(t, s, "bounce+1@example.org", "a@example.net", richMessage)
	p, err := s.List(t.Context(), "", page.Query{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := s.Get(t.Context(), p.Items[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p.Items[0], d.InboxMessage); diff != "" {
		t.Error("list and message differ: ", diff)
	}
	if d.From != "Jörg <news@example.org>" || d.MailFrom != "bounce+1@example.org" || d.Subject != "Grüße zum Fest" || d.MessageID != "<7@example.org>" ||
		d.Size != len(richMessage) || d.DKIM != DKIMNone || d.To[0] != "a@example.net" {
		t.Errorf("%+v", d.InboxMessage)
	}
	if d.Text != "Grüße" || d.HTML != "<b>Grüße</b>" || string(d.Raw) != richMessage {
		t.Errorf("text %q, html %q", d.Text, d.HTML)
	}
	if len(d.Headers) != 7 || d.Headers[0] != (HeaderField{"Received", "from x"}) || d.Headers[3].Value != "Grüße zum Fest" {
		t.Errorf("headers %+v", d.Headers)
	}
	if _, err := s.Get(t.Context(), 999); !errs.Is(err, errs.NotFound) {
		t.Errorf("no such message: %v", err)
	}
}

func TestInboxTakesAnything(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := newInbox(t, b)
	deep := "Subject: deep\r\n"
	for i := range 40 {
		deep += fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
	}
	odd := []string{
		"", "no header at all", "\x00\xff\x00: \xfe\r\n\r\n\x00", "Subject: \xff\x00\xfe\r\n\r\nx", "Subject: =?nope?q?x?=\r\n\r\n",
		"Subject: " + strings.Repeat("ü", 5000) + "\r\n\r\n", "Content-Type: text/html; charset=klingon\r\n\r\n\xff<b>", deep,
		"Content-Type: multipart/alternative; boundary=x\r\n\r\n--x\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!",
		"DKIM-Signature: v=1; nonsense\r\nFrom: a@b\r\n\r\n",
	}
	for _, raw := range odd {
		put(t, s, "f\x00\xff", "a\x00@example.net", raw)
	}
	p, err := s.List(t.Context(), "", page.Query{})
	if err != nil || len(p.Items) != len(odd) {
		t.Fatalf("%d, %v", len(p.Items), err)
	}
	for i, m := range p.Items {
		d, err := s.Get(t.Context(), m.ID)
		if err != nil || string(d.Raw) != odd[len(odd)-1-i] {
			t.Errorf("message %d: %v", i, err)
		}
		if d.DKIM != m.DKIM || d.DKIM == DKIMPass {
			t.Errorf("message %d: DKIM %q and %q", i, d.DKIM, m.DKIM)
		}
	}
}

func TestInboxAll(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := newInbox(t, b)
	_, err := b.pool.Exec(t.Context(), `
		INSERT INTO inbox_messages (mail_from, rcpt_to, subject, message_id, size, raw)
		SELECT '', '{}', '', '', 1, convert_to(n::text, 'UTF8') FROM generate_series(1, 250) AS n`)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	err = s.All(t.Context(), func(raw []byte) error {
		if seen++; string(raw) != fmt.Sprint(seen) {
			return fmt.Errorf("message %d is %q", seen, raw)
		}
		return nil
	})
	if err != nil || seen != 250 {
		t.Errorf("%d, %v", seen, err)
	}
	stop := errors.New("stop")
	if err := s.All(t.Context(), func([]byte) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("an error of fn: %v", err)
	}
}

func TestInboxVerifiesDKIM(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := newInbox(t, b)
	d := b.domain(t, "example.org")
	signed := string(sign(t, b, "example.org", plainMessage))
	foreign := setup(t)
	theirs := foreign.domain(t, "example.net")
	other := string(sign(t, foreign, "example.net", strings.ReplaceAll(plainMessage, "example.org", "example.net")))
	verdict := func(raw string) string {
		t.Helper()
		v, err := s.VerifyDKIM(t.Context(), []byte(raw))
		if err != nil {
			t.Fatal(err)
		}
		return v.Verdict + ": " + v.Detail
	}
	if got := verdict(signed); got != "pass: signature of example.org: valid" {
		t.Error(got)
	}
	if got := verdict(strings.Replace(signed, "\r\n\r\nHello", "\r\n\r\nHullo", 1)); !strings.HasPrefix(got, "fail: signature of example.org: not valid") {
		t.Error(got)
	}
	if got := verdict(plainMessage); !strings.HasPrefix(got, "none") {
		t.Error(got)
	}
	if got := verdict(other); !strings.HasPrefix(got, "fail") {
		t.Error(got)
	}
	b.dns.set(theirs.Keys[0].RecordName, theirs.Keys[0].RecordValue)
	if got := verdict(other); got != "pass: signature of example.net: valid" {
		t.Error(got)
	}
	put(t, s, "f@example.org", "a@example.net", signed)
	// Mail that a key signed before it was retired is still good.
	b.publish(d.Keys[0])
	b.wantStates(t, d.ID, "active", "published")
	if _, err := b.AddKey(t.Context(), d.ID, AlgorithmRSA2048); err != nil {
		t.Fatal(err)
	}
	if _, err := b.RetireKey(t.Context(), d.Keys[0].ID); err != nil {
		t.Fatal(err)
	}
	p, err := s.List(t.Context(), "", page.Query{})
	if err != nil || p.Items[0].DKIM != DKIMPass || p.Items[0].From != "News <news@example.org>" {
		t.Errorf("%+v, %v", p.Items, err)
	}
}

func TestMailThroughTheInboxRelayIsCaptured(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := newInbox(t, b)
	server := inbox.New(inbox.Config{Store: s})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	select {
	case <-server.Listening():
	case err := <-ended:
		t.Fatal(err)
	}
	b.inbox = server.Addr()
	b.domain(t, "example.org")
	dialer, err := b.DialerFor(t.Context(), b.create(t, RelayInput{Name: "Inbox", Kind: RelayInbox}))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := dialer.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Quit()
	raw := sign(t, b, "example.org", plainMessage)
	out := conn.Send(t.Context(), smtpconn.Envelope{From: "bounce@example.org", To: "a@example.net", Body: raw}, smtpconn.Hooks{})
	if out.State != smtpconn.Accepted {
		t.Fatalf("%+v", out)
	}
	p, err := s.List(t.Context(), "", page.Query{})
	if err != nil || len(p.Items) != 1 {
		t.Fatalf("%+v, %v", p, err)
	}
	m := p.Items[0]
	if m.DKIM != DKIMPass || m.MailFrom != "bounce@example.org" || m.To[0] != "a@example.net" || m.Subject != "Hello" || m.Size != len(raw) ||
		time.Since(m.ReceivedAt) > time.Minute {
		t.Errorf("%+v", m)
	}
}
