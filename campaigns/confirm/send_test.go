package confirm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"postrider/audience"
	"postrider/events"
	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/internal/pg/pgtest"
	"postrider/internal/secret"
	"postrider/internal/settings"
	"postrider/sender"
	"postrider/sender/dkim"
	"postrider/sender/smtptest"
	"postrider/templates"
)

// clock is a time that tests move.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

type bundle struct {
	*Service
	t     *testing.T
	pool  *pgxpool.Pool
	clock *clock
	smtp  *smtptest.Server
	relay sender.Relay
	list  int64
	form  audience.Form
	river *river.Client[pgx.Tx]
}

func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// setup is a list with double opt-in, a form for it, and a real server behind a relay. Jobs run only after work.
func setup(t *testing.T, opts ...smtptest.Option) *bundle {
	t.Helper()
	ctx := t.Context()
	b := &bundle{t: t, pool: pgtest.DB(t), clock: &clock{}, smtp: smtptest.Start(t, opts...)}
	logger := slog.New(slog.DiscardHandler)
	box := must[*secret.Box](t)(secret.LoadOrCreate(filepath.Join(t.TempDir(), "secret.key")))
	set := settings.New(b.pool, b.clock.now)
	must[settings.Settings](t)(set.Put(ctx, settings.Settings{Organization: "Test House", PublicURL: "https://news.example.org", PostalAddress: "1 Main Street",
		DefaultFromName: "House", DefaultFromEmail: "house@example.org"}))
	send := sender.New(b.pool, box, sender.Config{}, logger, time.Now)
	people := audience.New(b.pool, logger, b.clock.now)
	node := must[*sender.Node](t)(sender.StartNode(ctx, b.pool, 0, logger, time.Now))
	pools := sender.NewPools(send, b.pool, node, logger, time.Now)
	b.Service = New(Deps{Audience: people, Tokens: events.NewTokens(box.Derive("link tokens")), Sender: send, Settings: set, Pools: pools, Now: b.clock.now})
	t.Cleanup(func() { pools.Close(context.Background()) })
	workers := river.NewWorkers()
	people.SignupWorkers(workers)
	b.Workers(workers)
	b.river = must[*river.Client[pgx.Tx]](t)(river.NewClient(riverpgxv5.New(b.pool), &river.Config{
		Logger: logger, Workers: workers, TestOnly: true, Queues: map[string]river.QueueConfig{audience.QueueSignups: {MaxWorkers: 4, FetchCooldown: 5 * time.Millisecond, FetchPollInterval: 20 * time.Millisecond}},
	}))
	people.SetJobs(b.river)
	b.relay = must[sender.Relay](t)(send.CreateRelay(ctx, sender.RelayInput{
		Name: "Test relay", Kind: sender.RelaySMTP, Host: b.smtp.Host(), Port: b.smtp.Port(), TLS: sender.TLSNone, MaxConnections: 3, DKIM: sender.DKIMOff}))
	b.list = must[audience.List](t)(people.CreateList(ctx, "Readers", "")).ID
	b.set(audience.OptInInput{Mode: audience.OptInDouble})
	b.form = must[audience.Form](t)(people.CreateForm(ctx, audience.FormInput{Name: "Form", Enabled: true, ListIDs: []int64{b.list}, MaxPerHour: 1000}))
	return b
}

func (b *bundle) set(in audience.OptInInput) {
	b.t.Helper()
	must[audience.OptIn](b.t)(b.SetOptIn(b.t.Context(), b.list, in))
}

// work runs jobs until the test ends.
func (b *bundle) work() {
	b.t.Helper()
	ok(b.t, b.river.Start(context.Background()))
	b.t.Cleanup(func() { _ = b.river.Stop(context.Background()) })
}

// signUp fills in the form and gives the id of the mail's row, which is settled by hand as the job does.
func (b *bundle) signUp(email string) {
	b.t.Helper()
	problems, err := b.d.Audience.SignUp(b.t.Context(), b.form, audience.SignUp{FormValues: audience.FormValues{Email: email}})
	if err != nil || problems != nil {
		b.t.Fatal(problems, err)
	}
}

func (b *bundle) requests() []audience.OptInRequest {
	b.t.Helper()
	return must[page.Page[audience.OptInRequest]](b.t)(b.d.Audience.ListOptInRequests(b.t.Context(), b.list, "", page.Query{})).Items
}

// pending signs somebody up with the sending left to the test.
func (b *bundle) pending(email string) int64 {
	b.t.Helper()
	who, err := b.d.Audience.CreateSubscriber(b.t.Context(), audience.NewSubscriber{
		Email: email, Status: audience.StatusUnconfirmed, ListIDs: []int64{b.list}, Source: audience.SourceAPI, SendConfirmation: true})
	ok(b.t, err)
	for _, r := range b.requests() {
		if r.SubscriberID == who.ID {
			return r.ID
		}
	}
	b.t.Fatal("there is no request")
	return 0
}

func (b *bundle) request(id int64) audience.OptInRequest {
	b.t.Helper()
	for _, r := range b.requests() {
		if r.ID == id {
			return r
		}
	}
	b.t.Fatal("the request is gone")
	return audience.OptInRequest{}
}

func (b *bundle) send(id int64) time.Duration {
	b.t.Helper()
	return must[time.Duration](b.t)(b.Send(b.t.Context(), id))
}

// sendUntil is send that the server holds: it comes back when it does.
func (b *bundle) sendUntil(held <-chan struct{}, id int64) <-chan error {
	b.t.Helper()
	ended := make(chan error, 1)
	go func() {
		_, err := b.Send(context.Background(), id)
		ended <- err
	}()
	select {
	case <-held:
	case err := <-ended:
		b.t.Fatal("it did not come as far as the server holds it:", err)
	}
	return ended
}

// await waits until the newest request is in a state.
func (b *bundle) await(state string) audience.OptInRequest {
	b.t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		rs := b.requests()
		if len(rs) > 0 && rs[0].State == state {
			return rs[0]
		}
		select {
		case <-deadline:
			b.t.Fatalf("waited for %s in vain: %+v", state, rs)
		case <-tick.C:
		}
	}
}

// parts gives text and HTML of a message.
func parts(t *testing.T, raw []byte) (m *mail.Message, text, html string) {
	t.Helper()
	m = must[*mail.Message](t)(mail.ReadMessage(strings.NewReader(string(raw))))
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	ok(t, err)
	for r := multipart.NewReader(m.Body, params["boundary"]); ; {
		p, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return m, text, html
		}
		ok(t, err)
		var body io.Reader = p
		if p.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
			body = quotedprintable.NewReader(p)
		}
		s := string(must[[]byte](t)(io.ReadAll(body)))
		if strings.HasPrefix(p.Header.Get("Content-Type"), "text/html") {
			html = s
		} else {
			text = s
		}
	}
}

var link = regexp.MustCompile(`https://news\.example\.org/c/([a-z2-7]+)`)

func TestFromFormToMailToButton(t *testing.T) {
	t.Parallel()
	b := setup(t)
	domain := must[sender.Domain](t)(b.d.Sender.CreateDomain(t.Context(), sender.DomainInput{Domain: "example.org", BounceDomain: "bounces.example.org"}))
	_, err := b.d.Sender.PauseRelay(t.Context(), b.relay.ID, "")
	ok(t, err)
	signing := must[sender.Relay](t)(b.d.Sender.CreateRelay(t.Context(), sender.RelayInput{
		Name: "Signing", Kind: sender.RelaySMTP, Host: b.smtp.Host(), Port: b.smtp.Port(), TLS: sender.TLSNone, DKIM: sender.DKIMSign}))
	b.work()
	b.signUp("ann@example.net")
	r := b.await(audience.SignupSent)
	if r.ReplyCode != 250 || r.Attempts != 1 {
		t.Errorf("%+v", r)
	}
	got := b.smtp.Accepted()
	if len(got) != 1 || got[0].To != "ann@example.net" || !strings.HasPrefix(got[0].From, "c-") || !strings.HasSuffix(got[0].From, "@bounces.example.org") {
		t.Fatalf("%+v by %s", got, signing.Name)
	}
	ref, err := b.d.Tokens.Parse(events.ConfirmReturn, strings.TrimSuffix(strings.TrimPrefix(got[0].From, "c-"), "@bounces.example.org"))
	if err != nil || (audience.SignupRef{ID: ref.CampaignID, Stamp: ref.Seq}) != audience.NewSignupRef(r.ID, r.CreatedAt) {
		t.Errorf("a bounce would come back for %+v: %v", ref, err)
	}
	m, text, html := parts(t, got[0].Raw)
	found := link.FindStringSubmatch(text)
	if found == nil || !strings.Contains(html, found[0]) || m.Header.Get("Subject") != "Please confirm: Readers" || !strings.Contains(m.Header.Get("From"), "house@example.org") {
		t.Fatalf("%v\n%s\n%s", m.Header, text, html)
	}
	if strings.Contains(text+html, "nsubscribe") || m.Header.Get("List-Unsubscribe") != "" || m.Header.Get("Auto-Submitted") != "auto-generated" || !strings.Contains(text, "7 days") {
		t.Errorf("%v\n%s", m.Header, text)
	}
	results, err := dkim.Verify(got[0].Raw, func(name string) ([]string, error) {
		if name == domain.Keys[0].RecordName {
			return []string{domain.Keys[0].RecordValue}, nil
		}
		return nil, fmt.Errorf("no record at %s", name)
	})
	if err != nil || len(results) != 1 || results[0].Err != nil {
		t.Errorf("the signature does not verify: %v %v", results, err)
	}
	if p := must[Page](t)(b.Page(t.Context(), found[1])); !p.Open || p.Email != "ann@example.net" || b.requests()[0].State != audience.SignupSent {
		t.Errorf("looking at the page: %+v", p)
	}
	ok(t, b.Confirm(t.Context(), found[1], "192.0.2.1", "Browser"))
	who := must[audience.Subscriber](t)(b.d.Audience.FindSubscriber(t.Context(), "ann@example.net"))
	if who.Subscriptions[0].Status != audience.StatusSubscribed || who.Subscriptions[0].Source != audience.SourceConfirmation {
		t.Errorf("%+v", who.Subscriptions)
	}
}

// TestNothingThatWasFilledInIsInTheMail: else anybody could have us send their words to anybody.
func TestNothingThatWasFilledInIsInTheMail(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.set(audience.OptInInput{Mode: audience.OptInDouble, Subject: "Hi {{ subscriber.name }}", HTML: `<p>{{ subscriber.name }}</p><a href="{{ confirm_url }}">go</a>`})
	in := audience.FormInput{Name: "Other", Enabled: true, ListIDs: []int64{b.list}, Fields: []audience.FormField{{Name: "name"}}}
	b.form = must[audience.Form](t)(b.d.Audience.CreateForm(t.Context(), in))
	_, err := b.d.Audience.SignUp(t.Context(), b.form, audience.SignUp{FormValues: audience.FormValues{Email: "ann@example.net", Values: map[string]string{"name": "BUYPILLS"}}})
	ok(t, err)
	b.work()
	b.await(audience.SignupSent)
	if raw := string(b.smtp.Accepted()[0].Raw); strings.Contains(raw, "BUYPILLS") {
		t.Error(raw)
	}
}

// TestServersThatRefuse has what each answer does to the request, and to the address.
func TestServersThatRefuse(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		script     smtptest.Script
		state      string
		again      bool
		suppressed bool
	}{
		"no such user": {smtptest.Script{At: smtptest.AtRcpt, Reply: "550 5.1.1 no such user"}, audience.SignupFailed, false, true},
		"content":      {smtptest.Script{At: smtptest.AtDot, Reply: "554 5.6.0 bad content"}, audience.SignupFailed, false, false},
		"greylisted":   {smtptest.Script{At: smtptest.AtRcpt, Reply: "451 4.7.1 greylisted, try again later"}, audience.SignupPending, true, false},
		"later":        {smtptest.Script{At: smtptest.AtDot, Reply: "452 4.3.1 no space"}, audience.SignupPending, true, false},
		"doubt":        {smtptest.Script{At: smtptest.AtDot, Drop: true, Accept: true}, audience.SignupUncertain, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, smtptest.WithScript(tc.script))
			id := b.pending("ann@example.net")
			again := b.send(id)
			r := b.request(id)
			if r.State != tc.state || (again > 0) != tc.again || (r.Suppression == audience.ReasonBounce) != tc.suppressed || r.Reply == "" {
				t.Errorf("again %v, %+v", again, r)
			}
			if tc.again && tc.script.Reply[:3] != fmt.Sprint(r.ReplyCode) {
				t.Errorf("the reply is not told: %+v", r)
			}
			before := len(b.smtp.Accepted())
			if !tc.again && b.send(id) != 0 || len(b.smtp.Accepted()) != before {
				t.Error("it was sent once more")
			}
		})
	}
}

// TestADeferredMailGoesOutOnce lets the server refuse twice and then take it.
func TestADeferredMailGoesOutOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, smtptest.WithScript(smtptest.Script{At: smtptest.AtDot, Reply: "451 4.3.0 later", Times: 2}))
	id := b.pending("ann@example.net")
	first, second := b.send(id), b.send(id)
	if first < time.Minute || second <= first {
		t.Errorf("waits %v, then %v", first, second)
	}
	if again := b.send(id); again != 0 || b.request(id).State != audience.SignupSent || b.request(id).Attempts != 3 {
		t.Errorf("%v %+v", again, b.request(id))
	}
	b.send(id)
	if n := b.smtp.Counts()["ann@example.net"]; n != 1 {
		t.Errorf("%d mails", n)
	}
}

func TestADayLaterItHasFailed(t *testing.T) {
	t.Parallel()
	b := setup(t, smtptest.WithReply("", smtptest.AtRcpt, "451 4.3.0 later"))
	id := b.pending("ann@example.net")
	b.clock.advance(24 * time.Hour)
	if again := b.send(id); again != 0 || b.request(id).State != audience.SignupFailed || b.request(id).ReplyCode != 451 {
		t.Errorf("%v %+v", again, b.request(id))
	}
}

// TestACrashBetweenDotAndReply leaves a mail that the server has. Nobody sends it again.
func TestACrashBetweenDotAndReply(t *testing.T) {
	t.Parallel()
	held, hold := make(chan struct{}, 1), make(chan struct{})
	b := setup(t, smtptest.WithScript(smtptest.Script{At: smtptest.AtDot, Accept: true, Held: held, Wait: hold}))
	id := b.pending("ann@example.net")
	ended := b.sendUntil(held, id)
	// Another process takes the job, for the first one is silent.
	if again := b.send(id); again != 0 || b.request(id).State != audience.SignupUncertain {
		t.Errorf("%v %+v", again, b.request(id))
	}
	close(hold)
	ok(t, <-ended)
	if r := b.request(id); r.State != audience.SignupSent {
		t.Errorf("it was only slow: %+v", r)
	}
	if n := b.smtp.Counts()["ann@example.net"]; n != 1 {
		t.Errorf("%d mails", n)
	}
}

// TestACrashBeforeTheDot: two processes have the mail in hand, and one is slow to send. One mail goes out.
func TestACrashBeforeTheDot(t *testing.T) {
	t.Parallel()
	held, hold := make(chan struct{}, 1), make(chan struct{})
	b := setup(t, smtptest.WithoutPipelining(), smtptest.WithScript(smtptest.Script{At: smtptest.AtRcpt, Held: held, Wait: hold, Times: 1}))
	id := b.pending("ann@example.net")
	ended := b.sendUntil(held, id)
	b.send(id)
	close(hold)
	ok(t, <-ended)
	if n := b.smtp.Counts()["ann@example.net"]; n != 1 || b.request(id).State != audience.SignupSent {
		t.Errorf("%d mails, %+v", n, b.request(id))
	}
}

func TestTheMailIsChecked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, tc := range map[string]struct {
		in    audience.OptInInput
		field string
	}{
		"no link":       {audience.OptInInput{Mode: audience.OptInDouble, Subject: "s", HTML: "<p>hello</p>"}, "html"},
		"no link, text": {audience.OptInInput{Mode: audience.OptInDouble, Subject: "s", HTML: "{{ confirm_url }}", Text: "hello"}, "text"},
		"no subject":    {audience.OptInInput{Mode: audience.OptInDouble, HTML: "{{ confirm_url }}"}, "subject"},
		"not Liquid":    {audience.OptInInput{Mode: audience.OptInDouble, Subject: "s", HTML: "{{ confirm_url }}{% if %}"}, "html"},
		"a From":        {audience.OptInInput{Mode: audience.OptInDouble, FromEmail: "x\r\nBcc: y@example.org"}, "from_email"},
	} {
		_, err := b.SetOptIn(t.Context(), b.list, tc.in)
		var e *errs.E
		if !errors.As(err, &e) || len(e.Fields) == 0 || e.Fields[0].Name != tc.field {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, language := range audience.Languages {
		u := Usual(language)
		if _, known := usual[language]; !known {
			t.Errorf("there is no mail in %s", language)
		}
		ok(t, check(audience.OptInInput{Subject: u.Subject, HTML: u.HTML, Text: u.Text}))
		if _, err := templates.Compile(u, templates.Options{}); err != nil {
			t.Error(err)
		}
	}
	r := must[TestResult](t)(b.SendTest(t.Context(), b.list, audience.OptInInput{Mode: audience.OptInDouble, Language: "de"}, "me@example.net"))
	if !r.OK || r.Code != 250 || len(b.requests()) != 0 {
		t.Errorf("%+v", r)
	}
	m, text, _ := parts(t, b.smtp.Accepted()[0].Raw)
	if subject := must[string](t)(new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))); subject != "Bitte bestätigen: Readers" {
		t.Error(subject)
	}
	token := link.FindStringSubmatch(text)[1]
	ok(t, b.Confirm(t.Context(), token, "", ""))
	if p := must[Page](t)(b.Page(t.Context(), token)); !p.Test {
		t.Errorf("%+v", p)
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.pending("ann@example.net")
	made := b.request(id).CreatedAt
	good := b.Token(audience.NewSignupRef(id, made))
	for _, bad := range []string{"", "x", good[:len(good)-1], good + "a", b.d.Tokens.Delivery(events.Unsubscribe, id, audience.NewSignupRef(id, made).Stamp),
		b.Token(audience.NewSignupRef(id+1, made)), b.Token(audience.NewSignupRef(id, made.Add(time.Second)))} {
		if err := b.Confirm(t.Context(), bad, "", ""); !errs.Is(err, errs.NotFound) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	ok(t, b.Confirm(t.Context(), good, "", ""))
	shown := b.ShownToken(7)
	b.clock.advance(3 * time.Second)
	if d, err := b.ShownFor(7, shown); err != nil || d < 2*time.Second || d > time.Hour {
		t.Errorf("%v %v", d, err)
	}
	if _, err := b.ShownFor(8, shown); err == nil {
		t.Error("a token of another form is taken")
	}
}
