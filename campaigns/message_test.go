package campaigns

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"postrider/audience"
	"postrider/campaigns/journal"
	"postrider/events"
	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/sender"
	"postrider/sender/smtptest"
	"postrider/templates"
)

// template makes one that messages are made from.
func (b *bundle) template(in ...func(*templates.Input)) int64 {
	b.t.Helper()
	t := templates.Input{Name: "Receipt", Subject: "Order {{ data.order }}", HTML: `<p>Dear {{ subscriber.name | default: "customer" }}, that is {{ data.total }}.</p>
		<a href="https://shop.example.org/o/{{ data.order }}">Your order</a>`}
	for _, change := range in {
		change(&t)
	}
	made, err := b.d.Templates.Create(b.t.Context(), t)
	must(b.t, err)
	return made.ID
}

func receipt(template int64, to string, change ...func(*MessageInput)) MessageInput {
	in := MessageInput{TemplateID: template, Recipient: audience.Recipient{Email: to}, FromEmail: "shop@example.org", Data: map[string]any{"order": "A-1", "total": 12}}
	for _, fn := range change {
		fn(&in)
	}
	return in
}

func (b *bundle) sendMessage(in MessageInput) Accepted {
	b.t.Helper()
	a, _, err := b.SendMessage(b.t.Context(), Request{}, in)
	must(b.t, err)
	return a
}

// awaitMessage does the regular work until the message is in a state.
func (b *bundle) awaitMessage(id int64, want State) MessageStory {
	b.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		must(b.t, b.tick(b.t.Context()))
		m, err := b.GetMessage(b.t.Context(), id)
		must(b.t, err)
		if m.Delivery.State == want {
			return m
		}
		if m.Delivery.State == Failed || m.Delivery.State == Skipped || time.Now().After(deadline) {
			b.t.Fatalf("message %d is %s, not %s: %s %s\n%s", id, m.Delivery.State, want, deref(m.Delivery.ReplyText), deref(m.Delivery.SkipReason), b.log)
		}
		<-poll.C
	}
}

func TestMessageGoesOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.sendMessage(receipt(b.template(), "Ann@Example.net", func(in *MessageInput) {
		in.Recipient.Name, in.TrackClicks, in.Tags = "Ann\r\n<b>", true, []string{"receipt", " receipt "}
	}))
	if a.State != "queued" || a.ID == 0 || a.Seq == 0 {
		t.Errorf("%+v", a)
	}
	m := b.awaitMessage(a.ID, Sent)
	if m.Delivery.Message == nil || *m.Delivery.Message != a.ID || m.Delivery.CampaignName != "Messages: Receipt" || !slices.Equal(m.Tags, []string{"receipt"}) || m.ToName != "Ann <b>" {
		t.Errorf("%+v", m)
	}
	sent := b.smtp.Accepted()
	if len(sent) != 1 || !strings.EqualFold(sent[0].To, "ann@example.net") {
		t.Fatalf("%+v", sent)
	}
	raw := string(sent[0].Raw)
	for _, want := range []string{"Subject: Order A-1\r\n", "From: shop@example.org", "Auto-Submitted: auto-generated", "Dear Ann &lt;b&gt;, that is 12.", "https://news.example.org/t/c/"} {
		if !strings.Contains(strings.ReplaceAll(raw, "=\r\n", ""), want) {
			t.Errorf("%q is missing in\n%s", want, raw)
		}
	}
	for _, not := range []string{"List-Unsubscribe", "Precedence", "nsubscribe", "/t/o/", "1 Main Street"} {
		if strings.Contains(raw, not) {
			t.Errorf("%q is in\n%s", not, raw)
		}
	}
	person, err := b.d.Audience.GetSubscriber(t.Context(), a.SubscriberID)
	must(t, err)
	if !strings.EqualFold(person.Email, "ann@example.net") || person.Name != "Ann <b>" || len(person.Subscriptions) != 0 {
		t.Errorf("%+v", person)
	}
	p, err := b.PreviewMessage(t.Context(), a.ID)
	must(t, err)
	if p.Subject != "Order A-1" || !strings.Contains(p.HTML, "that is 12.") || strings.Contains(p.HTML, "https://shop.example.org") {
		t.Errorf("%+v", p)
	}
	clicked, err := b.ClickTracked(t.Context(), b.d.Tokens.Link(a.CampaignID, a.Seq, 1))
	must(t, err)
	if clicked.Target != "https://shop.example.org/o/A-1" {
		t.Errorf("%+v", clicked)
	}
}

// TestManyMessagesToOnePerson: and still one delivery of a mailing to each person, by the database.
func TestManyMessagesToOnePerson(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tmpl := b.template()
	var in []MessageInput
	for range 5 {
		in = append(in, receipt(tmpl, "ann@example.net"))
	}
	all, _, err := b.SendMessages(t.Context(), Request{}, in)
	must(t, err)
	for _, a := range all {
		if a.CampaignID != all[0].CampaignID {
			t.Error("the messages are in several streams")
		}
		b.awaitMessage(a.ID, Sent)
	}
	if n := b.smtp.Counts()["ann@example.net"]; n != 5 {
		t.Errorf("%d mails", n)
	}
	var found []int64
	q := page.Query{Limit: 2}
	for {
		p, err := b.ListSubscriberDeliveries(t.Context(), all[0].SubscriberID, q)
		must(t, err)
		for _, d := range p.Items {
			found = append(found, *d.Message)
		}
		if q.Cursor = p.NextCursor; q.Cursor == "" {
			break
		}
	}
	if len(found) != 5 {
		t.Errorf("the person's page shows %v", found)
	}
	moments, err := b.PersonTimeline(t.Context(), all[0].SubscriberID, []string{MomentMessage}, page.Query{})
	must(t, err)
	refs := map[string]bool{}
	for _, m := range moments.Items {
		refs[m.Ref] = true
	}
	if len(refs) != 5 {
		t.Errorf("%+v", moments.Items)
	}
	b.people(1)
	c := b.start()
	b.awaitFinished(c.ID)
	_, err = b.pool.Exec(t.Context(), `INSERT INTO deliveries (campaign_id, seq, subscriber_id, email) SELECT campaign_id, 99, subscriber_id, email FROM deliveries WHERE campaign_id = $1`, c.ID)
	if err == nil || !strings.Contains(err.Error(), "deliveries_once") {
		t.Errorf("a person can get a mailing twice: %v", err)
	}
}

func TestMessagesAreNotAmongCampaigns(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.sendMessage(receipt(b.template(), "ann@example.net"))
	b.awaitMessage(a.ID, Sent)
	ctx := t.Context()
	list, err := b.List(ctx, "", page.Query{})
	must(t, err)
	o, err := b.Overview(ctx)
	must(t, err)
	if len(list.Items)+len(o.Running)+len(o.Recent) != 0 || o.HasCampaign || o.Sent24h != 1 {
		t.Errorf("%+v %+v", list, o)
	}
	c, err := b.Get(ctx, a.CampaignID)
	must(t, err)
	if c.Purpose != PurposeMessages || c.Status != StatusOpen {
		t.Errorf("%+v", c)
	}
	for what, do := range map[string]func() error{
		"cancel":   func() error { _, err := b.Cancel(ctx, c.ID); return err },
		"delete":   func() error { return b.Delete(ctx, c.ID) },
		"forecast": func() error { _, err := b.Forecast(ctx, c.ID, time.Time{}, 0); return err },
		"start":    func() error { _, err := b.Start(ctx, c.ID); return err },
		"update":   func() error { _, err := b.Update(ctx, c.ID, c.Input); return err },
	} {
		if err := do(); !errs.Is(err, errs.Conflict) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestWhoGetsMessages(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reason         string
		key            string
		unsubscribable bool
		skipped        bool
	}{
		"bounced":                              {audience.ReasonBounce, "ann@example.net", false, true},
		"complained":                           {audience.ReasonComplaint, "ann@example.net", false, true},
		"never to be mailed":                   {audience.ReasonManual, "ann@example.net", false, true},
		"a domain never to be mailed":          {audience.ReasonManual, "@example.net", false, true},
		"left everything":                      {audience.ReasonUnsubscribe, "ann@example.net", false, false},
		"left everything, and it is a service": {audience.ReasonUnsubscribe, "ann@example.net", true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			tmpl := b.template()
			service := func(in *MessageInput) { in.ListUnsubscribe = tc.unsubscribable }
			before := b.sendMessage(receipt(tmpl, "ann@example.net", service, func(in *MessageInput) { in.SendAt = ptr(b.clock.now().Add(time.Hour)) }))
			_, err := b.d.Audience.Suppress(t.Context(), tc.key, tc.reason, "test", "")
			must(t, err)
			after := b.sendMessage(receipt(tmpl, "ann@example.net", service))
			b.clock.advance(time.Hour)
			want := Sent
			if tc.skipped {
				want = Skipped
			}
			for what, id := range map[string]int64{"before": before.ID, "after": after.ID} {
				m := b.awaitMessage(id, want)
				if tc.skipped && (m.Delivery.SkipReason == nil || !strings.Contains(*m.Delivery.SkipReason, "suppressed")) {
					t.Errorf("%s: %+v", what, m.Delivery)
				}
			}
			if (after.State == "skipped") != tc.skipped || tc.skipped && after.SkipReason != "the address is suppressed: "+tc.reason {
				t.Errorf("%+v", after)
			}
			if raw := b.smtp.Accepted(); !tc.skipped && strings.Contains(string(raw[0].Raw), "List-Unsubscribe") {
				t.Error("it can be unsubscribed from")
			}
		})
	}
}

func ptr[T any](v T) *T { return &v }

func TestListsAndPausesHaveNoSayInMessages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(1)
	b.exec(`UPDATE subscriptions SET status = 'unsubscribed'`)
	b.exec(`UPDATE subscribers SET paused_until = now() + interval '1 month', paused_at = now(), paused_source = 'test', frequency = 'weekly', frequency_at = now(), frequency_source = 'test'`)
	id := query[int64](b, `SELECT id FROM subscribers`)[0]
	in := receipt(b.template(), "")
	in.Recipient = audience.Recipient{SubscriberID: id}
	a := b.sendMessage(in)
	b.awaitMessage(a.ID, Sent)
	// And a message is none of the mails that somebody wants one of in a week.
	b.exec(`UPDATE subscribers SET paused_until = NULL, paused_at = NULL, paused_source = NULL`)
	b.exec(`UPDATE subscriptions SET status = 'subscribed'`)
	if st := b.awaitFinished(b.start().ID); st.Sent != 1 {
		t.Errorf("%+v", st)
	}
}

func TestMessagesThatAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tmpl := b.template()
	b.d.Audience.SetErasure([32]byte{1})
	_, err := b.d.Audience.Erase(t.Context(), "erased@example.net", audience.Actor{})
	must(t, err)
	for name, tc := range map[string]struct {
		change func(*MessageInput)
		kind   errs.Kind
		fields []string
	}{
		"no template":      {func(in *MessageInput) { in.TemplateID = 99 }, errs.Invalid, []string{"template_id"}},
		"missing data":     {func(in *MessageInput) { in.Data = map[string]any{"total": nil} }, errs.Invalid, []string{"data.order"}},
		"nobody":           {func(in *MessageInput) { in.Recipient.Email = "" }, errs.Invalid, []string{"to"}},
		"no address":       {func(in *MessageInput) { in.Recipient.Email = "ann" }, errs.Invalid, []string{"to.email"}},
		"no subscriber":    {func(in *MessageInput) { in.Recipient = audience.Recipient{SubscriberID: 99} }, errs.Invalid, []string{"to.subscriber_id"}},
		"a long name":      {func(in *MessageInput) { in.Recipient.Name = strings.Repeat("a", 501) }, errs.Invalid, []string{"to.name"}},
		"no From":          {func(in *MessageInput) { in.FromEmail = "" }, errs.Invalid, []string{"from_email"}},
		"a From in lines":  {func(in *MessageInput) { in.FromEmail = "a@example.org\r\nBcc: x@example.org" }, errs.Invalid, []string{"from_email"}},
		"no relay":         {func(in *MessageInput) { in.RelayIDs = []int64{99} }, errs.Invalid, []string{"relay_id"}},
		"a long wait":      {func(in *MessageInput) { in.SendAt = ptr(b.clock.now().Add(15 * 24 * time.Hour)) }, errs.Invalid, []string{"send_at"}},
		"an early end":     {func(in *MessageInput) { in.ExpiresAfter = time.Second }, errs.Invalid, []string{"expires_after_minutes"}},
		"a tag in lines":   {func(in *MessageInput) { in.Tags = []string{"a\nb"} }, errs.Invalid, []string{"tags"}},
		"an unknown wish":  {func(in *MessageInput) { in.UnconfirmedPolicy = "x" }, errs.Invalid, []string{"unconfirmed_policy"}},
		"an erased person": {func(in *MessageInput) { in.Recipient.Email = "erased@example.net" }, errs.Conflict, []string{"to.email"}},
	} {
		_, _, err := b.SendMessage(t.Context(), Request{Principal: "p", Key: "k", Hash: []byte{0}}, receipt(tmpl, "ann@example.net", tc.change))
		var e *errs.E
		if !errors.As(err, &e) || e.Kind != tc.kind || len(e.Fields) == 0 || e.Fields[0].Name != tc.fields[0] {
			t.Errorf("%s: %v", name, err)
		}
		// In a batch it is the answer for this one.
		all, _, err := b.SendMessages(t.Context(), Request{}, []MessageInput{receipt(tmpl, "bob@example.net"), receipt(tmpl, "ann@example.net", tc.change)})
		must(t, err)
		if !errs.Is(all[1].Err(), tc.kind) || all[0].Err() != nil || all[0].ID == 0 {
			t.Errorf("%s in a batch: %+v", name, all)
		}
	}
	if n := query[int](b, `SELECT count(*)::int FROM subscribers WHERE email_key IN ('ann@example.net', 'erased@example.net')`)[0]; n != 0 {
		t.Error("what was refused left a person behind")
	}
	// Nothing is kept of a refused request: its key is free.
	if a, replayed, err := b.SendMessage(t.Context(), Request{Principal: "p", Key: "k", Hash: []byte{1}}, receipt(tmpl, "ann@example.net")); err != nil || replayed || a.ID == 0 {
		t.Errorf("%+v %v %v", a, replayed, err)
	}
	if a := b.sendMessage(receipt(tmpl, "ann@example.net", func(in *MessageInput) { in.Data, in.AllowMissing = nil, true })); a.State != "queued" {
		t.Errorf("%+v", a)
	}
}

// TestOneRequestOneMessage asks many times at once, in two processes.
func TestOneRequestOneMessage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tmpl := b.template()
	by := Request{Principal: "key:1", Key: "order A-1", Hash: []byte("h")}
	other := New(b.cfg, b.d)
	other.SetJobs(b.jobs)
	var wg sync.WaitGroup
	answers := make([]Accepted, 16)
	for i := range answers {
		wg.Go(func() {
			s := []*Service{b.Service, other}[i%2]
			a, _, err := s.SendMessage(context.WithoutCancel(t.Context()), by, receipt(tmpl, "ann@example.net"))
			if err != nil {
				t.Error(err)
			}
			answers[i] = a
		})
	}
	wg.Wait()
	for _, a := range answers {
		if diff := cmp.Diff(answers[0], a); diff != "" {
			t.Error(diff)
		}
	}
	b.awaitMessage(answers[0].ID, Sent)
	if n := query[int](b, `SELECT count(*)::int FROM messages`)[0]; n != 1 || b.smtp.Counts()["ann@example.net"] != 1 {
		t.Errorf("%d messages, %v", n, b.smtp.Counts())
	}
	by.Hash = []byte("another")
	if _, _, err := b.SendMessage(t.Context(), by, receipt(tmpl, "bob@example.net")); !errs.Is(err, errs.Conflict) {
		t.Errorf("the key of another request: %v", err)
	}
	by.Principal = "key:2"
	if a, replayed, err := b.SendMessage(t.Context(), by, receipt(tmpl, "bob@example.net")); err != nil || replayed || a.ID == answers[0].ID {
		t.Errorf("another caller: %+v %v %v", a, replayed, err)
	}
}

// lostJobs is a queue that forgets everything; with err it takes nothing.
type lostJobs struct{ err error }

func (q lostJobs) InsertManyTx(context.Context, pgx.Tx, []river.InsertManyParams) ([]*rivertype.JobInsertResult, error) {
	return nil, q.err
}

func TestAMessageWithoutAJobIsSent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tmpl := b.template()
	jobs := b.jobs
	b.SetJobs(lostJobs{})
	a := b.sendMessage(receipt(tmpl, "ann@example.net"))
	b.SetJobs(jobs)
	b.awaitMessage(a.ID, Sent)
}

// TestACrashBeforeTheCommit leaves nothing, and the request may be repeated.
func TestACrashBeforeTheCommit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tmpl := b.template()
	jobs := b.jobs
	b.SetJobs(lostJobs{errors.New("the process dies")})
	by := Request{Principal: "p", Key: "k", Hash: []byte{1}}
	if _, _, err := b.SendMessage(t.Context(), by, receipt(tmpl, "ann@example.net")); err == nil {
		t.Fatal("the queue failed, and nobody was told")
	}
	b.SetJobs(jobs)
	if n := query[int](b, `SELECT (SELECT count(*) FROM messages) + (SELECT count(*) FROM deliveries) + (SELECT count(*) FROM message_requests) + (SELECT count(*) FROM subscribers)`)[0]; n != 0 {
		t.Errorf("%d rows were left", n)
	}
	a, replayed, err := b.SendMessage(t.Context(), by, receipt(tmpl, "ann@example.net"))
	if err != nil || replayed {
		t.Fatal(replayed, err)
	}
	b.awaitMessage(a.ID, Sent)
}

// TestANodeDiesWithMessages: what it had claimed and not sent goes out by another one, what was past its dot is in doubt.
func TestANodeDiesWithMessages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tmpl := b.template()
	b.exec(`UPDATE relays SET status = 'paused', updated_at = now()`)
	sent, doubt := b.sendMessage(receipt(tmpl, "ann@example.net")), b.sendMessage(receipt(tmpl, "bob@example.net"))
	dead := "00000000-0000-4000-8000-00000000dead"
	b.exec(`INSERT INTO nodes (id, host, pid, lease_until) VALUES ($1, 'gone', 1, now() - interval '1 hour')`, dead)
	b.exec(`UPDATE deliveries SET state = 1, node_id = $1, attempts = 1, first_tried_at = now() WHERE campaign_id = $2`, dead, sent.CampaignID)
	b.exec(`UPDATE relays SET status = 'active', updated_at = now()`)
	res, err := b.settle(t.Context(), dead, map[journal.Key]journal.Record{{CampaignID: doubt.CampaignID, Seq: doubt.Seq}: {Attempt: 1}})
	must(t, err)
	if res.Requeued != 1 || res.Unconfirmed != 1 {
		t.Errorf("%+v", res)
	}
	b.awaitMessage(sent.ID, Sent)
	b.awaitMessage(doubt.ID, Unconfirmed)
	n, err := b.ResolveUnconfirmed(t.Context(), doubt.CampaignID, PolicyResend)
	if err != nil || n != 1 {
		t.Errorf("%d %v", n, err)
	}
	b.awaitMessage(doubt.ID, Sent)
	if c := b.smtp.Counts(); c["ann@example.net"] != 1 || c["bob@example.net"] != 1 {
		t.Errorf("%v", c)
	}
}

func TestMessagesThatWait(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tmpl := b.template()
	at := b.clock.now().Add(2 * time.Hour)
	later := func(in *MessageInput) { in.SendAt = &at }
	a, taken := b.sendMessage(receipt(tmpl, "ann@example.net", later)), b.sendMessage(receipt(tmpl, "bob@example.net", later))
	must(t, b.tick(t.Context()))
	m, err := b.CancelMessage(t.Context(), taken.ID)
	must(t, err)
	if a.State != "deferred" || m.Delivery.State != Skipped || len(b.smtp.Accepted()) != 0 {
		t.Errorf("%+v %+v", a, m.Delivery)
	}
	b.clock.advance(2 * time.Hour)
	b.awaitMessage(a.ID, Sent)
	if _, err := b.CancelMessage(t.Context(), a.ID); !errs.Is(err, errs.Conflict) {
		t.Errorf("%v", err)
	}
	if n := len(b.smtp.Accepted()); n != 1 {
		t.Errorf("%d mails", n)
	}
}

func TestMessagesExpire(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tmpl := b.template()
	b.exec(`UPDATE relays SET status = 'paused', updated_at = now()`)
	soon := b.sendMessage(receipt(tmpl, "ann@example.net", func(in *MessageInput) { in.ExpiresAfter = 10 * time.Minute }))
	later := b.sendMessage(receipt(tmpl, "bob@example.net"))
	b.clock.advance(time.Hour)
	m := b.awaitMessage(soon.ID, Failed)
	if m.Delivery.ReplyText == nil || !strings.Contains(*m.Delivery.ReplyText, "expired") {
		t.Errorf("%+v", m.Delivery)
	}
	b.exec(`UPDATE relays SET status = 'active', updated_at = now()`)
	b.awaitMessage(later.ID, Sent)
	if len(b.smtp.Accepted()) != 1 {
		t.Error("the message that had expired was sent")
	}
}

func TestAPausedStreamHoldsItsMessages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tmpl := b.template()
	first := b.sendMessage(receipt(tmpl, "ann@example.net"))
	b.awaitMessage(first.ID, Sent)
	_, err := b.Pause(t.Context(), first.CampaignID, "")
	must(t, err)
	held := b.sendMessage(receipt(tmpl, "bob@example.net"))
	for range 3 {
		must(t, b.tick(t.Context()))
	}
	if m, err := b.GetMessage(t.Context(), held.ID); err != nil || m.Delivery.State != Queued {
		t.Errorf("%+v %v", m.Delivery, err)
	}
	c, err := b.Resume(t.Context(), first.CampaignID)
	if err != nil || c.Status != StatusOpen {
		t.Errorf("%+v %v", c, err)
	}
	b.awaitMessage(held.ID, Sent)
}

func TestMessagesAreTriedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t, smtptest.WithScript(smtptest.Script{At: smtptest.AtRcpt, Reply: "451 4.7.1 greylisted", Times: 1}))
	a := b.sendMessage(receipt(b.template(), "ann@example.net"))
	m := b.awaitMessage(a.ID, Deferred)
	if len(m.Story.Attempts) != 1 {
		t.Errorf("%+v", m.Story)
	}
	b.clock.advance(10 * time.Minute)
	b.awaitMessage(a.ID, Sent)
}

func TestABounceOfAMessage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.sendMessage(receipt(b.template(), "ann@example.net"))
	b.awaitMessage(a.ID, Sent)
	r := events.Report{Key: "r", Source: "test", Kind: events.ReportBounce, Hard: true, Reason: "user_unknown", Fault: "recipient", Status: "5.1.1", Address: "ann@example.net",
		ReturnPaths: []string{"b-" + b.d.Tokens.Delivery(events.ReturnPath, a.CampaignID, a.Seq) + "@example.org"}}
	must(t, b.TakeReports(t.Context(), []events.Report{r}))
	if m := b.awaitMessage(a.ID, Bounced); len(m.Story.Reports) != 1 {
		t.Errorf("%+v", m.Story)
	}
	if next := b.sendMessage(receipt(b.template(func(in *templates.Input) { in.Name = "Other" }), "ann@example.net")); next.SkipReason != "the address is suppressed: bounce" {
		t.Errorf("%+v", next)
	}
}

// TestAChangedTemplateIsAnotherStream: what was accepted goes out as it was then.
func TestAChangedTemplateIsAnotherStream(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tmpl := b.template()
	at := b.clock.now().Add(time.Minute)
	old := b.sendMessage(receipt(tmpl, "ann@example.net", func(in *MessageInput) { in.SendAt = &at }))
	_, err := b.d.Templates.Update(t.Context(), tmpl, templates.Input{Name: "Receipt", Subject: "New {{ data.order }}", HTML: "<p>{{ data.total }}</p>"})
	must(t, err)
	b.clock.advance(time.Minute)
	now := b.sendMessage(receipt(tmpl, "bob@example.net"))
	b.awaitMessage(old.ID, Sent)
	b.awaitMessage(now.ID, Sent)
	if old.CampaignID == now.CampaignID {
		t.Error("both are in one stream")
	}
	for _, m := range b.smtp.Accepted() {
		if want := map[string]string{"ann@example.net": "Subject: Order A-1\r\n", "bob@example.net": "Subject: New A-1\r\n"}[m.To]; !strings.Contains(string(m.Raw), want) {
			t.Errorf("%s got\n%s", m.To, m.Raw)
		}
	}
}

func TestWhatMessagesSaidIsForgotten(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tmpl := b.template()
	a, _, err := b.SendMessage(t.Context(), Request{Principal: "p", Key: "k", Hash: []byte{1}}, receipt(tmpl, "ann@example.net", func(in *MessageInput) { in.TrackClicks = true }))
	must(t, err)
	b.awaitMessage(a.ID, Sent)
	b.clock.advance(31 * 24 * time.Hour)
	must(t, b.tick(t.Context()))
	m := b.awaitMessage(a.ID, Sent)
	if m.Data != nil || !m.Forgotten || query[int](b, `SELECT count(*)::int FROM message_requests`)[0] != 0 {
		t.Errorf("%+v", m)
	}
	if _, err := b.PreviewMessage(t.Context(), a.ID); !errs.Is(err, errs.Conflict) {
		t.Errorf("%v", err)
	}
	if _, err := b.ClickTracked(t.Context(), b.d.Tokens.Link(a.CampaignID, a.Seq, 1)); !errs.Is(err, errs.NotFound) {
		t.Errorf("%v", err)
	}
	// The stream was not used for a month; it can go, or be used again.
	if c, err := b.Get(t.Context(), a.CampaignID); err != nil || c.Status != StatusFinished {
		t.Fatalf("%s %v", c.Status, err)
	}
	again := b.sendMessage(receipt(tmpl, "ann@example.net", func(in *MessageInput) { in.TrackClicks = true }))
	if again.CampaignID != a.CampaignID {
		t.Error("it is another stream")
	}
	b.awaitMessage(again.ID, Sent)
}

func TestAnErasedPersonHasNoMessages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.d.Audience.SetErasure([32]byte{1}, audience.Eraser{Name: "deliveries", Do: b.EraseTx})
	tmpl := b.template()
	at := b.clock.now().Add(time.Hour)
	sent := b.sendMessage(receipt(tmpl, "ann@example.net"))
	waits := b.sendMessage(receipt(tmpl, "ann@example.net", func(in *MessageInput) { in.SendAt, in.Recipient.Name = &at, "Ann" }))
	b.awaitMessage(sent.ID, Sent)
	data, err := b.ExportPerson(t.Context(), sent.SubscriberID)
	must(t, err)
	i := slices.IndexFunc(data.Sections, func(s PersonSection) bool { return s.Name == "message_data" })
	if i < 0 || len(data.Sections[i].Rows) != 2 {
		t.Errorf("%+v", data.Sections)
	}
	_, err = b.d.Audience.Erase(t.Context(), "ann@example.net", audience.Actor{})
	must(t, err)
	b.clock.advance(time.Hour)
	m := b.awaitMessage(waits.ID, Skipped)
	if m.Data != nil || m.ToName != "" || m.Delivery.Email != audience.ErasedAddress || len(b.smtp.Accepted()) != 1 {
		t.Errorf("%+v", m)
	}
}

func TestMessagesAreFound(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tmpl, other := b.template(), b.template(func(in *templates.Input) { in.Name = "Other" })
	from := b.clock.now().Add(-time.Second)
	one := b.sendMessage(receipt(tmpl, "ann@example.net", func(in *MessageInput) { in.Tags = []string{"x"} }))
	two := b.sendMessage(receipt(other, "bob@example.net", func(in *MessageInput) { in.SendAt = ptr(b.clock.now().Add(time.Hour)) }))
	b.awaitMessage(one.ID, Sent)
	for name, tc := range map[string]struct {
		f    MessageFilter
		want []int64
	}{
		"all":       {MessageFilter{}, []int64{two.ID, one.ID}},
		"email":     {MessageFilter{Email: "ANN@example.net"}, []int64{one.ID}},
		"nobody":    {MessageFilter{Email: "eve@example.net"}, nil},
		"state":     {MessageFilter{State: ptr(Deferred)}, []int64{two.ID}},
		"template":  {MessageFilter{TemplateID: other}, []int64{two.ID}},
		"tag":       {MessageFilter{Tag: "x"}, []int64{one.ID}},
		"other tag": {MessageFilter{Tag: "y"}, nil},
		"since":     {MessageFilter{Since: from}, []int64{two.ID, one.ID}},
		"until":     {MessageFilter{Until: from}, nil},
	} {
		var got []int64
		q := page.Query{Limit: 1}
		for {
			p, err := b.ListMessages(t.Context(), tc.f, q)
			must(t, err)
			for _, m := range p.Items {
				got = append(got, m.ID)
			}
			if q.Cursor = p.NextCursor; q.Cursor == "" {
				break
			}
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	for _, f := range []MessageFilter{{Email: "x"}, {Tag: "a\x00"}} {
		if _, err := b.ListMessages(t.Context(), f, page.Query{}); !errs.Is(err, errs.Invalid) {
			t.Errorf("%+v: %v", f, err)
		}
	}
}

// TestAMessageDoesNotWaitForACampaign on a relay that takes one mail in a second and is in the middle of a campaign.
func TestAMessageDoesNotWaitForACampaign(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tmpl := b.template()
	b.exec(`UPDATE relays SET per_second = 1, updated_at = now()`)
	b.people(200)
	c := b.start(func(in *Input) { in.TrackOpens = false })
	b.await(c.ID, "the campaign to be under way", func(_ Campaign, st Stats) bool { return st.Sent >= 2 })
	before := len(b.smtp.Accepted())
	a := b.sendMessage(receipt(tmpl, "ann@example.net"))
	b.awaitMessage(a.ID, Sent)
	mails := b.smtp.Accepted()
	at := slices.IndexFunc(mails, func(m smtptest.Received) bool { return m.To == "ann@example.net" })
	if at-before > 4 {
		t.Errorf("%d mails of the campaign went before it", at-before)
	}
	t.Logf("%d mails of the campaign went before it", at-before)
	_, err := b.Cancel(t.Context(), c.ID)
	must(t, err)
}

// TestAShareIsKeptForMessages: a campaign may not use up the day of a relay that messages go through.
func TestAShareIsKeptForMessages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tmpl := b.template()
	a := b.sendMessage(receipt(tmpl, "ann@example.net"))
	b.awaitMessage(a.ID, Sent)
	b.exec(`UPDATE relays SET per_day = 40, updated_at = now()`)
	b.people(60)
	c := b.start()
	b.await(c.ID, "the share of the campaign to be used up", func(_ Campaign, st Stats) bool { return st.Sent == 38 })
	for i := range 2 {
		m := b.sendMessage(receipt(tmpl, fmt.Sprintf("p%d@example.net", i)))
		b.awaitMessage(m.ID, Sent)
	}
	over := b.sendMessage(receipt(tmpl, "over@example.net"))
	for range 5 {
		must(t, b.tick(t.Context()))
	}
	if m, err := b.GetMessage(t.Context(), over.ID); err != nil || m.Delivery.State != Queued {
		t.Errorf("%+v %v", m.Delivery, err)
	}
	st, err := b.Stats(t.Context(), c.ID)
	must(t, err)
	if st.Sent != 38 {
		t.Errorf("%+v", st)
	}
}

// TestManyWaitingMessagesNeedOneJob: a relay that is away for hours must not be asked for by each of them.
func TestManyWaitingMessagesNeedOneJob(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tmpl := b.template()
	b.exec(`UPDATE relays SET status = 'paused', updated_at = now()`)
	first := b.sendMessage(receipt(tmpl, "p@example.net"))
	deadline := time.Now().Add(20 * time.Second)
	for query[int](b, `SELECT count(*)::int FROM message_streams WHERE look_at IS NOT NULL`)[0] == 0 {
		if time.Now().After(deadline) {
			t.Fatal("the stream does not know when it is looked at again")
		}
	}
	b.cfg.Snooze = time.Hour
	must(t, b.lookAgain(t.Context(), first.CampaignID, 1, b.clock.now().Add(time.Hour)))
	b.streams.rest(first.CampaignID, b.clock.now().Add(time.Hour))
	ids := []int64{first.ID}
	for i := range 50 {
		ids = append(ids, b.sendMessage(receipt(tmpl, fmt.Sprintf("p%d@example.net", i))).ID)
	}
	if n := query[int](b, `SELECT count(*)::int FROM river_job WHERE kind = 'deliver_messages' AND state IN ('available', 'scheduled', 'retryable')`)[0]; n > 1 {
		t.Errorf("%d jobs wait", n)
	}
	b.exec(`UPDATE relays SET status = 'active', updated_at = now()`)
	b.clock.advance(time.Hour)
	for _, id := range ids {
		b.awaitMessage(id, Sent)
	}
}

func TestSeveralRelaysShareMessages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.makeRelay(sender.RelayInput{Name: "Second"})
	tmpl := b.template()
	var in []MessageInput
	for i := range 20 {
		in = append(in, receipt(tmpl, fmt.Sprintf("p%d@example.net", i)))
	}
	all, _, err := b.SendMessages(t.Context(), Request{}, in)
	must(t, err)
	for _, a := range all {
		b.awaitMessage(a.ID, Sent)
	}
	if n := query[int](b, `SELECT count(DISTINCT relay_id)::int FROM deliveries`)[0]; n != 2 {
		t.Errorf("%d relays carried them", n)
	}
}

func TestDataInALinkIsEscaped(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tmpl := b.template(func(in *templates.Input) {
		in.Subject, in.HTML = "x", `<a href="{{ data.link }}">go</a><p>{{ data.note }}</p>`
	})
	evil := "javascript:alert(1)"
	a := b.sendMessage(receipt(tmpl, "ann@example.net", func(in *MessageInput) {
		in.TrackClicks, in.Data = true, map[string]any{"link": evil, "note": `<script>"`}
	}))
	b.awaitMessage(a.ID, Sent)
	raw := string(b.smtp.Accepted()[0].Raw)
	if _, html, _ := strings.Cut(raw, "text/html"); strings.Contains(html, "<script>") || strings.Contains(raw, evil) {
		t.Error(raw)
	}
	if got, err := b.ClickTracked(t.Context(), b.d.Tokens.Link(a.CampaignID, a.Seq, 1)); !errs.Is(err, errs.NotFound) {
		t.Errorf("%+v %v", got, err)
	}
	ok := b.sendMessage(receipt(tmpl, "ann@example.net", func(in *MessageInput) {
		in.TrackClicks, in.Data = true, map[string]any{"link": "https://shop.example.org/?q=" + url.QueryEscape("ä b"), "note": ""}
	}))
	if got, err := b.ClickTracked(t.Context(), b.d.Tokens.Link(ok.CampaignID, ok.Seq, 1)); err != nil || got.Target != "https://shop.example.org/?q=%C3%A4+b" {
		t.Errorf("%+v %v", got, err)
	}
}
