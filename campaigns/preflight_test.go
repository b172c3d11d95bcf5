package campaigns

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postrider/campaigns/preflight"
	"postrider/internal/errs"
	"postrider/internal/settings"
	"postrider/sender"
)

// codesOf gives the findings by their codes.
func codesOf(list []preflight.Finding) map[string]preflight.Finding {
	out := map[string]preflight.Finding{}
	for _, f := range list {
		out[f.Code] = f
	}
	return out
}

// prober knows some addresses; all others are fine.
type prober struct {
	knows map[string]preflight.Probe
	asked chan string
}

func (p prober) Probe(_ context.Context, address string, _ bool) preflight.Probe {
	p.asked <- address
	if found, ok := p.knows[address]; ok {
		return found
	}
	return preflight.Probe{Status: 200, Chain: []string{address}}
}

func TestPreflightLooksAtRealMail(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(30)
	b.exec(`UPDATE subscribers SET attributes = '{}' WHERE email_key IN ($1, $2)`, person(3), person(4))
	asked := make(chan string, 100)
	b.d.Prober = prober{map[string]preflight.Probe{"https://shop.harbourbooks.shop/gone": {Status: 404}}, asked}
	c := b.draft(func(in *Input) {
		in.HTML = `<p>Dear {{ subscriber.name }}, what is new in {{ subscriber.city }}?</p>
			<a href="https://shop.harbourbooks.shop/gone">Gone</a> <a href="https://shop.harbourbooks.shop/p/{{ subscriber.city | url_encode }}">Near you</a>`
	})
	p, err := b.Preflight(t.Context(), c.ID, time.Time{}, "ann@example.org")
	must(t, err)
	got := codesOf(p.Findings)
	if f := got["link_broken"]; f.Severity != preflight.Warning || len(f.Where) != 1 || f.Where[0].Selector != "https://shop.harbourbooks.shop/gone" || f.Where[0].Line != 2 {
		t.Errorf("the broken link: %+v", f)
	}
	ids := query[int64](b, `SELECT id FROM subscribers WHERE email_key IN ($1, $2) ORDER BY id`, person(3), person(4))
	f := got["merge_empty"]
	if diff := cmp.Diff(ids, f.People); diff != "" || f.Where[0].Selector != "city" || !strings.HasPrefix(f.Where[0].Note, "2 of 30") {
		t.Errorf("the gap: %+v %s", f, diff)
	}
	if f := got["audience"]; f.Count != 30 {
		t.Errorf("the audience: %+v", f)
	}
	if p.WouldBlock() || p.Changed || p.RanBy != "ann@example.org" || p.Samples != 3 || got["forecast"].Code == "" {
		t.Errorf("%+v", p)
	}
	close(asked)
	var urls []string
	for a := range asked {
		urls = append(urls, a)
	}
	slices.Sort(urls)
	want := []string{"https://shop.harbourbooks.shop/gone", "https://shop.harbourbooks.shop/p/", "https://shop.harbourbooks.shop/p/Berlin"}
	if diff := cmp.Diff(want, urls); diff != "" {
		t.Errorf("what was asked: %s", diff)
	}
	if sampled := query[[]int64](b, `SELECT sampled FROM campaign_preflights`)[0]; len(sampled) != 3 {
		t.Errorf("kept for %v", sampled)
	}
}

func TestPreflightSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c, err := b.Create(t.Context(), Input{Name: "Empty"})
	must(t, err)
	p, err := b.Preflight(t.Context(), c.ID, time.Time{}, "a")
	must(t, err)
	var parts []string
	for _, w := range codesOf(p.Findings)["cannot_start"].Where {
		parts = append(parts, w.Part)
	}
	slices.Sort(parts)
	if diff := cmp.Diff([]string{"from_email", "html", "list_ids", "relay_id", "subject"}, parts); diff != "" || !p.WouldBlock() {
		t.Error(diff)
	}
	if _, err := b.Preflight(t.Context(), 99, time.Time{}, "a"); !errs.Is(err, errs.NotFound) {
		t.Errorf("a campaign that does not exist: %v", err)
	}
	b.people(1)
	small := b.draft(testOf(50, func(a *ABTest) { a.MinSample = 100 }))
	if p, err = b.Preflight(t.Context(), small.ID, time.Time{}, "a"); err != nil || !p.WouldBlock() || len(codesOf(p.Findings)["cannot_start"].Where) != 1 ||
		codesOf(p.Findings)["cannot_start"].Where[0].Part != "ab_test.min_sample" {
		t.Errorf("a test with too few people: %+v, %v", codesOf(p.Findings)["cannot_start"], err)
	}
	started := b.start()
	if _, err := b.Preflight(t.Context(), started.ID, time.Time{}, "a"); !errs.Is(err, errs.Conflict) {
		t.Errorf("one that has started: %v", err)
	}
}

// TestWhatBlocksStopsEveryWayToStart has a true fault in each of some campaigns.
func TestWhatBlocksStopsEveryWayToStart(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		field, text string
		change      func(*Input)
	}{
		"a subject that is empty for a recipient": {"subject", "subject is empty", func(in *Input) { in.Subject = "{{ subscriber.nickname }}" }},
		"a link that is a placeholder":            {"html", "placeholder", func(in *Input) { in.HTML = `<p>Hello</p><a href="https://[YOUR LINK]">x</a>` }},
		"a value that cannot be filled in": {"html", "cannot be made", func(in *Input) {
			in.HTML = `<p>Hello{% if subscriber.vip %}{{ 7 | divided_by: 0 }}{% endif %}</p>`
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.people(1)
			b.exec(`UPDATE subscribers SET attributes = '{"vip": true}'`)
			c := b.draft(tc.change)
			_, started := b.Start(t.Context(), c.ID)
			_, scheduled := b.Schedule(t.Context(), c.ID, b.clock.now().Add(time.Hour))
			_, tested := b.SendTest(t.Context(), c.ID, TestSend{To: []string{"me@example.net"}})
			for _, err := range []error{started, scheduled, tested} {
				if got := fields(t, err)[tc.field]; !strings.Contains(got, tc.text) {
					t.Errorf("%q does not say %q (%v)", got, tc.text, err)
				}
			}
			p, err := b.Preflight(t.Context(), c.ID, time.Time{}, "a")
			must(t, err)
			if !p.WouldBlock() {
				t.Errorf("the preflight sees nothing: %+v", p.Findings)
			}
		})
	}
}

func TestAScheduledCampaignWithAFaultBecomesADraft(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(1)
	b.exec(`UPDATE subscribers SET attributes = '{"title": "News"}'`)
	c := b.draft(func(in *Input) { in.Subject = "{{ subscriber.title }}" })
	_, err := b.Schedule(t.Context(), c.ID, b.clock.now().Add(time.Hour))
	must(t, err)
	b.exec(`UPDATE subscribers SET attributes = '{}'`)
	b.clock.advance(2 * time.Hour)
	must(t, b.tick(t.Context()))
	got, err := b.Get(t.Context(), c.ID)
	must(t, err)
	if got.Status != StatusDraft || got.PauseReason == nil || !strings.Contains(*got.PauseReason, "subject is empty") {
		t.Errorf("status %s, reason %v", got.Status, got.PauseReason)
	}
}

// TestAFaultInTheMailOfOthersStopsStartToo: Start looks at the mail of one person, the preflight at that of those who lack something.
func TestAFaultInTheMailOfOthersStopsStartToo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(3)
	b.exec(`UPDATE subscribers SET attributes = '{}' WHERE email_key = $1`, person(1))
	c := b.draft(func(in *Input) { in.Subject = "{{ subscriber.city }}" })
	_, _, err := b.check(t.Context(), c)
	must(t, err)
	p, err := b.Preflight(t.Context(), c.ID, time.Time{}, "a")
	must(t, err)
	if f := codesOf(p.Findings)["subject_empty"]; f.Severity != preflight.Blocking || len(f.People) != 1 {
		t.Errorf("%+v", f)
	}
	_, err = b.Start(t.Context(), c.ID)
	if got := fields(t, err)["subject"]; !strings.Contains(got, "subject is empty") {
		t.Errorf("Start says %v", err)
	}
	in := c.Input
	in.Subject = `{{ subscriber.city | default: "Your town" }}`
	_, err = b.Update(t.Context(), c.ID, in)
	must(t, err)
	if _, err := b.Start(t.Context(), c.ID); err != nil {
		t.Errorf("mended, it does not start: %v", err)
	}
}

func TestWarningsAreAcknowledgedForOneContent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(1)
	c := b.draft()
	if err := b.MustBeAcknowledged(t.Context(), c.ID); !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "not checked yet") {
		t.Errorf("unchecked: %v", err)
	}
	if err := b.MustBeAcknowledged(t.Context(), 99); !errs.Is(err, errs.NotFound) {
		t.Errorf("of no campaign: %v", err)
	}
	p, err := b.Preflight(t.Context(), c.ID, time.Time{}, "a")
	must(t, err)
	open := p.Unacknowledged()
	if !slices.Contains(open, "link_example") {
		t.Fatalf("the warnings are %v", open)
	}
	if err := b.MustBeAcknowledged(t.Context(), c.ID); !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "link_example") {
		t.Errorf("unseen: %v", err)
	}
	if _, err := b.Acknowledge(t.Context(), c.ID, []string{"nonsense"}, "a"); fields(t, err)["codes"] == "" {
		t.Errorf("of what was not found: %v", err)
	}
	p, err = b.Acknowledge(t.Context(), c.ID, open, "a")
	must(t, err)
	if len(p.Unacknowledged()) != 0 {
		t.Errorf("left: %v", p.Unacknowledged())
	}
	must(t, b.MustBeAcknowledged(t.Context(), c.ID))
	p, err = b.Preflight(t.Context(), c.ID, time.Time{}, "a")
	must(t, err)
	if len(p.Unacknowledged()) != 0 {
		t.Error("a second look at the same content forgets what was acknowledged")
	}
	_, err = b.d.Settings.Put(t.Context(), settings.Settings{Organization: "Test House", PublicURL: "https://news.example.org"})
	must(t, err)
	if p, err = b.LastPreflight(t.Context(), c.ID); err != nil || !p.Changed {
		t.Errorf("the settings are another: %v %v", p.Changed, err)
	}
	if err := b.MustBeAcknowledged(t.Context(), c.ID); !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "changed since") {
		t.Errorf("changed: %v", err)
	}
	if _, err := b.Acknowledge(t.Context(), c.ID, open, "a"); !errs.Is(err, errs.Conflict) {
		t.Errorf("changed: %v", err)
	}
	p, err = b.Preflight(t.Context(), c.ID, time.Time{}, "a")
	must(t, err)
	if f := codesOf(p.Findings)["no_postal_address"]; f.Severity != preflight.Warning || !slices.Contains(p.Unacknowledged(), "link_example") {
		t.Errorf("of the new one: %+v, %v", f, p.Unacknowledged())
	}
}

func TestPreflightTellsOfSenderAndTime(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(30)
	hour := 1
	relay, err := b.d.Sender.CreateRelay(t.Context(), sender.RelayInput{Name: "Far", Host: "smtp.example.org", Port: 587, Auth: sender.AuthNone, DKIM: sender.DKIMOff, Limits: sender.Limits{PerHour: &hour}})
	must(t, err)
	c := b.draft(func(in *Input) { in.RelayIDs = []int64{relay.ID} })
	p, err := b.Preflight(t.Context(), c.ID, time.Time{}, "a")
	must(t, err)
	got := codesOf(p.Findings)
	if f := got["forecast_late"]; f.Severity != preflight.Warning || !strings.Contains(f.Detail, "the limit per hour of Far") {
		t.Errorf("the time: %+v", f)
	}
	if got["domain_unknown"].Severity != preflight.Info {
		t.Errorf("the domain: %v", got)
	}
	d, err := b.d.Sender.CreateDomain(t.Context(), sender.DomainInput{Domain: "example.org"})
	must(t, err)
	checks, err := json.Marshal([]sender.Check{{Purpose: sender.PurposeDMARC, Name: "_dmarc.example.org", Status: sender.CheckMissing, Message: "there is none", Found: []string{}},
		{Purpose: sender.PurposeDKIM, Name: "x", Status: sender.CheckMissing, Found: []string{}}})
	must(t, err)
	b.exec(`UPDATE sending_domains SET checks = $2, checked_at = now() WHERE id = $1`, d.ID, checks)
	p, err = b.Preflight(t.Context(), c.ID, b.clock.now().Add(time.Hour), "a")
	must(t, err)
	got = codesOf(p.Findings)
	if f := got["dns_dmarc"]; f.Severity != preflight.Warning || f.Where[0].Note != "there is none" {
		t.Errorf("DMARC: %+v", f)
	}
	if _, ok := got["dns_dkim"]; ok {
		t.Error("DKIM is looked at although nothing is signed here")
	}
	if f := got["forecast_late"]; !strings.Contains(f.Detail, "That is after") {
		t.Errorf("by a moment: %+v", f)
	}
}

func TestPreflightOfDrafts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r, err := b.PreflightDraft(t.Context(), Draft{Subject: "Hello", HTML: `<p>Dear {{ subscriber.first_name }},</p><a href="#">x</a>`, FromEmail: "house@example.org"})
	must(t, err)
	if got := codesOf(r.Findings); got["link_empty"].Severity != preflight.Warning || got["no_postal_address"].Code != "" || preflight.Summarise(r.Findings).Blocking != 0 {
		t.Errorf("%+v", r.Findings)
	}
	r, err = b.PreflightDraft(t.Context(), Draft{Raw: []byte("From: a@b.org\r\nSubject: x\r\n\r\nHello")})
	must(t, err)
	if got := codesOf(r.Findings); got["unsubscribe_missing"].Code == "" || got["header_missing"].Code == "" {
		t.Errorf("%+v", r.Findings)
	}
	_, err = b.PreflightDraft(t.Context(), Draft{Subject: "x"})
	if fields(t, err)["html"] == "" {
		t.Errorf("nothing: %v", err)
	}
	_, err = b.PreflightDraft(t.Context(), Draft{Subject: "x", HTML: "{{ x | nonsense }}"})
	if !errs.Is(err, errs.Invalid) {
		t.Errorf("nonsense: %v", err)
	}
}

func TestBareFieldsOfAllVariants(t *testing.T) {
	t.Parallel()
	got, err := bareFields(frozenContent{HTML: `{{ subscriber.city | default: "x" }}`, Variants: []frozenVariant{
		{HTML: "{% if subscriber.town %}{{ subscriber.town }}{% endif %}"}, {Subject: "{{ subscriber.attributes.street | upcase }}"}, {Text: "{{ subscriber['city'] }}"}}})
	if err != nil || !slices.Equal(got, []string{"street", "city"}) && !slices.Equal(got, []string{"attributes.street", "city"}) {
		t.Errorf("%v %v", got, err)
	}
}

// TestOnlyThoseWhoWouldGetItAreLookedAt has somebody outside of the audience of each of some campaigns, in whose mail something blocks.
func TestOnlyThoseWhoWouldGetItAreLookedAt(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*bundle, *Input){
		"in no chosen segment": func(b *bundle, in *Input) {
			in.SegmentIDs = []int64{b.segment("With a city", `{"type":"field","field":"city","op":"is_not_empty"}`)}
		},
		"in an excluded segment": func(b *bundle, in *Input) {
			in.ExcludeSegmentIDs = []int64{b.segment("Without", `{"type":"field","field":"city","op":"is_empty"}`)}
		},
		"on an excluded list": func(b *bundle, in *Input) {
			l, err := b.d.Audience.CreateList(t.Context(), "Others", "")
			must(t, err)
			b.exec(`INSERT INTO subscriptions (list_id, subscriber_id, status, source) VALUES ($1, $2, 'subscribed', 'test')`, l.ID, b.idOf(30))
			in.ExcludeListIDs = []int64{l.ID}
		},
		"paused": func(b *bundle, _ *Input) {
			b.exec(`UPDATE subscribers SET paused_until = now() + interval '1 day', paused_at = now(), paused_source = 'page' WHERE id = $1`, b.idOf(30))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.people(30)
			b.exec(`INSERT INTO fields (name, type) VALUES ('city', 'text') ON CONFLICT DO NOTHING`)
			b.exec(`UPDATE subscribers SET attributes = '{}' WHERE id = $1`, b.idOf(30))
			c := b.draft(func(in *Input) { in.Subject = "{{ subscriber.city }}"; change(b, in) })
			p, err := b.Preflight(t.Context(), c.ID, time.Time{}, "a")
			must(t, err)
			if got := codesOf(p.Findings); p.WouldBlock() || got["audience"].Count != 29 {
				t.Errorf("the preflight: %+v", p.Findings)
			}
			if sampled := query[[]int64](b, `SELECT sampled FROM campaign_preflights`)[0]; !slices.Equal(sampled, []int64{b.idOf(29)}) {
				t.Errorf("it looked at %v, want the newest who gets it", sampled)
			}
			_, err = b.Start(t.Context(), c.ID)
			must(t, err)
		})
	}
}

// TestNobodyKnownBlocksNothingOfTheirOwn judges mail that has no recipients yet by made-up people: only what is wrong for whoever gets it blocks.
func TestNobodyKnownBlocksNothingOfTheirOwn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.draft(func(in *Input) {
		in.Subject, in.HTML = "{{ subscriber.city }}", `<p>{{ subscriber.points | times: 2 }}</p><a href="https://{{ subscriber.city }}/">Your page</a>`
	})
	if _, err := b.SendTest(t.Context(), c.ID, TestSend{To: []string{"me@example.net"}}); err != nil {
		t.Errorf("a test of it is refused: %v", err)
	}
	p, err := b.Preflight(t.Context(), c.ID, time.Time{}, "a")
	must(t, err)
	got := codesOf(p.Findings)
	if len(got["audience_nobody"].Where) == 0 || got["subject_empty"].Code != "" || got["link_placeholder"].Code != "" {
		t.Errorf("%+v", p.Findings)
	}
	b.people(1)
	b.exec(`UPDATE subscribers SET attributes = '{"city": "harbour.shop", "points": 7}'`)
	_, err = b.Start(t.Context(), c.ID)
	must(t, err)

	bad := setup(t)
	c = bad.draft(func(in *Input) { in.HTML = `<p>Dear {{ subscriber.city }}</p><a href="https://[YOUR LINK]">x</a>` })
	if _, err := bad.SendTest(t.Context(), c.ID, TestSend{To: []string{"me@example.net"}}); !strings.Contains(fields(t, err)["html"], "placeholder") {
		t.Errorf("a fault of everybody: %v", err)
	}
	p, err = bad.Preflight(t.Context(), c.ID, time.Time{}, "a")
	must(t, err)
	if codesOf(p.Findings)["link_placeholder"].Code == "" {
		t.Errorf("a fault of everybody: %+v", p.Findings)
	}
}

// TestWhatIsMendedInPeopleStopsNothing: a fault that a preflight saw in the mail of somebody counts for as long as it is there and they would get it.
func TestWhatIsMendedInPeopleStopsNothing(t *testing.T) {
	t.Parallel()
	for name, mend := range map[string]string{
		"the person has what was missing":   `UPDATE subscribers SET attributes = '{"city": "Wien"}' WHERE id = $1`,
		"the person does not get it at all": `UPDATE subscriptions SET status = 'unsubscribed' WHERE subscriber_id = $1`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.people(3)
			b.exec(`UPDATE subscribers SET attributes = '{}' WHERE id = $1`, b.idOf(1))
			c := b.draft(func(in *Input) { in.Subject = "{{ subscriber.city }}" })
			p, err := b.Preflight(t.Context(), c.ID, time.Time{}, "a")
			must(t, err)
			if _, err := b.Start(t.Context(), c.ID); !p.WouldBlock() || !strings.Contains(fields(t, err)["subject"], "subject is empty") {
				t.Fatalf("it is not refused: %v", err)
			}
			b.exec(mend, b.idOf(1))
			_, err = b.Start(t.Context(), c.ID)
			must(t, err)
		})
	}
}

func TestAnotherRunIsJudgedByThoseWhomItIsFor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(4)
	first := b.start()
	b.awaitFinished(first.ID)
	b.opened(first.ID, 1, "human")
	b.opened(first.ID, 4, "human")
	b.exec(`UPDATE subscribers SET attributes = '{}' WHERE id IN ($1, $2)`, b.idOf(1), b.idOf(4))
	subject := "{{ subscriber.city }}"
	c, err := b.CreateRun(t.Context(), Request{}, first.ID, Rerun{To: []string{ToNotOpened}, Subject: &subject}, nil)
	must(t, err)
	p, err := b.Preflight(t.Context(), c.ID, time.Time{}, "a")
	must(t, err)
	if p.WouldBlock() || p.Samples != 1 {
		t.Errorf("%+v", p.Findings)
	}
	_, err = b.Start(t.Context(), c.ID)
	must(t, err)
}
