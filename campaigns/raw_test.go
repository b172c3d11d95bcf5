package campaigns

import (
	"slices"
	"strings"
	"testing"

	"postrider/audience"
	"postrider/internal/errs"
	"postrider/templates"
)

// A campaign in Markdown with a layout and a snippet: what the raw preview shows is what Start freezes, also when the layout is changed afterwards.
func TestContentIsBuiltOnceForAllPurposes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	_, err := b.d.Templates.Create(ctx, templates.Input{Name: "foot", Role: templates.RoleSnippet, HTML: "<i>foot</i>"})
	must(t, err)
	layout, err := b.d.Templates.Create(ctx, templates.Input{Name: "L", Role: templates.RoleLayout,
		HTML: `<html><style>h1{color:red}</style><body>{% block "main" %}{% endblock %}{% snippet "foot" %}</body></html>`})
	must(t, err)
	in := Input{Name: "C", Subject: "S", FromEmail: "news@example.org", Kind: templates.KindMarkdown, LayoutID: &layout.ID, HTML: "# Hi {{ subscriber.name }}",
		ListIDs: []int64{b.listID}, RelayIDs: []int64{b.relay.ID}}
	c, err := b.Create(ctx, in)
	must(t, err)
	if got, err := b.Get(ctx, c.ID); err != nil || got.Kind != templates.KindMarkdown || got.LayoutID == nil || *got.LayoutID != layout.ID || got.KeepCSS {
		t.Fatalf("%+v, %v", got.Input, err)
	}
	headers, raw, err := b.Raw(ctx, RawPreview{Input: in, CampaignID: c.ID})
	must(t, err)
	if !strings.Contains(string(raw), `<h1 style=3D"color:red">`) && !strings.Contains(string(raw), `<h1 style="color:red">`) || !strings.Contains(string(raw), "<i>foot</i>") {
		t.Errorf("the message is %s", raw)
	}
	if !slices.ContainsFunc(headers, func(h Header) bool {
		return h.Name == "List-Unsubscribe" && strings.Contains(h.Value, "https://news.example.org/u/")
	}) {
		t.Errorf("headers %+v", headers)
	}
	content, err := b.buildContent(ctx, c)
	must(t, err)
	frozen, err := b.freezeContent(ctx, c, content)
	must(t, err)
	if !strings.Contains(frozen.HTML, `<h1 style="color:red">Hi {{ subscriber.name }}</h1>`) {
		t.Errorf("frozen %s", frozen.HTML)
	}
	if _, _, err := b.Raw(ctx, RawPreview{Input: Input{Subject: "S", HTML: "x"}}); !errs.Is(err, errs.Invalid) {
		t.Errorf("without a sender it gave %v", err)
	}
	if _, err := b.Update(ctx, c.ID, Input{Name: "C", Kind: "docx"}); !errs.Is(err, errs.Invalid) {
		t.Errorf("an unknown kind gave %v", err)
	}
}

// What a started campaign sends is shown as it was frozen, with each variant of a test, whatever became of its layout.
func TestMailOfAStartedCampaign(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	asLayout := func(words string) templates.Input {
		return templates.Input{Name: "L", Role: templates.RoleLayout, HTML: "<html><body>" + words + `{% block "main" %}{% endblock %}</body></html>`}
	}
	layout, err := b.d.Templates.Create(ctx, asLayout("then"))
	must(t, err)
	b.people(20)
	c := b.draft(testOf(50, func(a *ABTest) {
		a.SamplePercent, a.Metric, a.Variants[1].HTML = 100, MetricOpens, ptr("<p>second</p>")
	}), func(in *Input) {
		in.LayoutID, in.HTML = &layout.ID, "<p>Hello {{ subscriber.email }}</p>"
	})
	if _, err := b.Mail(ctx, MailView{CampaignID: c.ID}); !errs.Is(err, errs.NotFound) {
		t.Errorf("before the start it gave %v", err)
	}
	_, err = b.Start(ctx, c.ID)
	must(t, err)
	_, err = b.d.Templates.Update(ctx, layout.ID, asLayout("now"))
	must(t, err)
	for n, want := range map[int][]string{0: {"Plain", "then<p>Hello"}, 1: {"Plain", "then<p>Hello"}, 2: {"Fancy", "then<p>second</p>"}} {
		m, err := b.Mail(ctx, MailView{CampaignID: c.ID, Variant: n})
		must(t, err)
		if m.Content.Subject != want[0] || !strings.Contains(m.Content.HTML, want[1]) || m.Variants != 2 || m.Vars.Subscriber.Email == "" || m.Vars.Campaign.Name != c.Name {
			t.Errorf("variant %d is %+v", n, m)
		}
		headers, raw, err := b.MailRaw(ctx, MailView{CampaignID: c.ID, Variant: n})
		must(t, err)
		if !slices.Contains(headers, Header{"Subject", want[0]}) || !strings.Contains(string(raw), want[1]) {
			t.Errorf("the message of variant %d is %s", n, raw)
		}
	}
	if m, err := b.Mail(ctx, MailView{CampaignID: c.ID, Variant: 2}); err != nil || m.FromName != "The House" {
		t.Errorf("%+v, %v", m, err)
	}
	if _, err := b.Mail(ctx, MailView{CampaignID: c.ID, Variant: 3}); !errs.Is(err, errs.NotFound) {
		t.Errorf("a third variant gave %v", err)
	}
}

func TestFieldsUse(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	for _, p := range []audience.NewSubscriber{
		{Email: "a@example.net", Name: "Ann", Attributes: map[string]any{"city": "Oslo"}}, {Email: "b@example.net"}, {Email: "c@example.net", Attributes: map[string]any{"city": ""}},
	} {
		p.ListIDs = []int64{b.listID}
		_, err := b.d.Audience.CreateSubscriber(ctx, p)
		must(t, err)
	}
	c, err := b.Create(ctx, Input{Name: "C", Subject: "{{ subscriber.first_name }}", HTML: `{{ subscriber.city }}{{ subscriber.town | default: "x" }}{% if subscriber.street %}{{ subscriber.street }}{% endif %}{{ subscriber.email }}`,
		ListIDs: []int64{b.listID}})
	must(t, err)
	got, err := b.FieldsUse(ctx, c.ID)
	must(t, err)
	counts := map[string]int64{}
	for _, f := range got.Gaps {
		counts[f.Field] = f.Missing
		if f.Missing == 2 && (len(f.People) != 2 || f.People[0].Email != "b@example.net" || f.People[1].Email != "c@example.net") {
			t.Errorf("%+v", f)
		}
	}
	if len(counts) != 2 || counts["city"] != 2 || counts["first_name"] != 2 || !got.Exact {
		t.Errorf("%+v", got)
	}
}
