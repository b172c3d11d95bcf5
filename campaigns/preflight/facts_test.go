package preflight

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestFacts(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC)
	at := func(d time.Duration) *time.Time { end := now.Add(d); return &end }
	shop := &SenderFacts{Domain: "harbourbooks.shop", Known: true, FirstSeen: now.Add(-24 * time.Hour), Largest: 50}
	old := *shop
	old.FirstSeen = now.Add(-90 * 24 * time.Hour)
	warmed := *shop
	warmed.WarmedUp = true
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		facts Facts
		want  string // code, or !code for one that must not be there
		text  string
	}{
		"nobody":                             {Facts{Audience: &AudienceFacts{Exact: true, Reasons: "3 suppressed"}}, "audience_nobody", "3 suppressed"},
		"nobody in an estimate":              {Facts{Audience: &AudienceFacts{Reasons: "3 suppressed"}}, "!audience_nobody", ""},
		"few, by an estimate":                {Facts{Audience: &AudienceFacts{}}, "audience", "a sample"},
		"somebody":                           {Facts{Audience: &AudienceFacts{Mailable: 7}}, "audience", "about 7 people"},
		"counted":                            {Facts{Audience: &AudienceFacts{Mailable: 7, Exact: true}}, "!audience_nobody", ""},
		"tags":                               {Facts{Audience: &AudienceFacts{Mailable: 7, Aliases: 2}}, "audience_aliases", "2 addresses"},
		"a gap":                              {Facts{Audience: &AudienceFacts{Mailable: 7, Gaps: []FieldGap{{Field: "city", Missing: 2}}}}, "merge_empty", ""},
		"a gap that is thought of":           {Facts{Audience: &AudienceFacts{Mailable: 7, Gaps: []FieldGap{{Field: "city", Missing: 2, Guarded: true}}}}, "merge_guarded", ""},
		"no gap":                             {Facts{Audience: &AudienceFacts{Mailable: 7, Gaps: []FieldGap{{Field: "city"}}}}, "!merge_empty", ""},
		"one provider":                       {Facts{Audience: &AudienceFacts{Mailable: 1000, Providers: []Provider{{"Gmail", 900, 10}}}}, "one_provider", "90 minutes"},
		"several providers":                  {Facts{Audience: &AudienceFacts{Mailable: 1000, Providers: []Provider{{"Gmail", 500, 10}}}}, "!one_provider", ""},
		"one provider of a few":              {Facts{Audience: &AudienceFacts{Mailable: 10, Providers: []Provider{{"Gmail", 10, 10}}}}, "!one_provider", ""},
		"a new domain":                       {Facts{Audience: &AudienceFacts{Mailable: 2000}, Sender: shop}, "no_warmup", "largest campaign had 50"},
		"an old domain":                      {Facts{Audience: &AudienceFacts{Mailable: 2000}, Sender: &old}, "!no_warmup", ""},
		"a new domain with a plan":           {Facts{Audience: &AudienceFacts{Mailable: 2000}, Sender: &warmed}, "!no_warmup", ""},
		"a new domain with little mail":      {Facts{Audience: &AudienceFacts{Mailable: 500}, Sender: shop}, "!no_warmup", ""},
		"in time":                            {Facts{Forecast: &ForecastFacts{Start: now, End: at(3 * time.Hour), Decider: "x", Expires: 72 * time.Hour}}, "forecast", "3 hours"},
		"over a day":                         {Facts{Forecast: &ForecastFacts{Start: now, End: at(30 * time.Hour), Expires: 72 * time.Hour}}, "forecast_late", "30 hours"},
		"longer than it is good for":         {Facts{Forecast: &ForecastFacts{Start: now, End: at(6 * time.Hour), Expires: 5 * time.Hour}}, "forecast_late", "given up after 5 hours"},
		"after a moment":                     {Facts{Forecast: &ForecastFacts{Start: now, End: at(6 * time.Hour), By: now.Add(time.Hour)}}, "forecast_late", "That is after 2026-11-03 10:00"},
		"in a zone, to the nearest hour":     {Facts{Forecast: &ForecastFacts{Start: now, End: at(3*time.Hour + 50*time.Minute), Zone: berlin}}, "forecast", "(Europe/Berlin), 4 hours after"},
		"never":                              {Facts{Forecast: &ForecastFacts{Start: now, Decider: "relay x is paused"}}, "forecast_never", "relay x is paused"},
		"without a limit":                    {Facts{Forecast: &ForecastFacts{Start: now}}, "forecast", "No limit"},
		"an SPF record that is missing":      {Facts{Sender: &SenderFacts{Domain: "a.org", Known: true, Records: []Record{{"spf", "a.org", "missing", "there is none"}}}}, "dns_spf", ""},
		"an SPF record that is another":      {Facts{Sender: &SenderFacts{Domain: "a.org", Known: true, Records: []Record{{"spf", "a.org", "different", "x"}}}}, "dns_spf", ""},
		"DNS that does not answer":           {Facts{Sender: &SenderFacts{Domain: "a.org", Known: true, Records: []Record{{"spf", "a.org", "unknown", "x"}}}}, "dns_note", ""},
		"DNS as it should be":                {Facts{Sender: &SenderFacts{Domain: "a.org", Known: true, Records: []Record{{"spf", "a.org", "ok", "x"}}}}, "!dns_note", ""},
		"mail that does not leave":           {Facts{Local: true, Sender: &SenderFacts{Domain: "a.org", Known: true, Records: []Record{{"spf", "a.org", "missing", "x"}}}}, "!dns_spf", ""},
		"a domain of which nothing is known": {Facts{Sender: &SenderFacts{Domain: "a.org"}}, "domain_unknown", "a.org"},
		"what Start would say":               {Facts{Missing: []Where{{Part: "list_ids", Note: "choose a list"}}}, "cannot_start", ""},
	} {
		r := Check(Input{Facts: tc.facts, Now: now})
		code, absent := strings.CutPrefix(tc.want, "!")
		found := codes(r)
		if _, ok := found[code]; ok == absent {
			t.Errorf("%s: %v", name, found)
			continue
		}
		for _, f := range r.Findings {
			if f.Code == code && !absent && !strings.Contains(f.Detail, tc.text) {
				t.Errorf("%s: %q does not say %q", name, f.Detail, tc.text)
			}
		}
	}
}

// TestPostalAddressOfTheSettings: it is looked for in the mail as it is known.
func TestPostalAddressOfTheSettings(t *testing.T) {
	t.Parallel()
	raw := corpus(t)["good-newsletter"]
	address := func(s string) *string { return &s }
	for name, tc := range map[string]struct {
		known *string
		found bool
	}{"none": {address(" "), true}, "that of the mail": {address("12 Quay Street,\nBristol"), false}, "another one": {address("7 Elm Row"), true}, "not known": {nil, false}} {
		if _, ok := codes(Check(Input{Samples: []Sample{{Raw: raw}}, Facts: Facts{PostalAddress: tc.known}}))["no_postal_address"]; ok != tc.found {
			t.Errorf("%s: %v", name, ok)
		}
	}
}

func TestWhatDiffersBetweenPeopleIsSaid(t *testing.T) {
	t.Parallel()
	mails := corpus(t)
	r := Check(Input{Samples: []Sample{{Person: 1, Raw: mails["good-newsletter"]}, {Person: 2, Raw: mails["bad-greets-nobody"]}, {Person: 3, Raw: mails["bad-clipped"]}, {Person: 4, Err: errTest}}})
	got := map[string]Finding{}
	for _, f := range r.Findings {
		got[f.Code] = f
	}
	if f := got["empty_greeting"]; len(f.People) != 1 || f.People[0] != 2 {
		t.Errorf("the greeting: %+v", f)
	}
	if f := got["clipped"]; !strings.Contains(f.Detail, "for others") || r.Sizes.LeastHTML >= r.Sizes.HTML {
		t.Errorf("the size: %+v", f)
	}
	if f := got["render_fails"]; f.Severity != Blocking || len(f.People) != 1 || f.Where[0].Note != errTest.Error() {
		t.Errorf("what cannot be made: %+v", f)
	}
	// What all have in common is said once.
	if f := got["outlook_ignores"]; f.Count > 5 {
		t.Errorf("%+v", f)
	}
}

type testError struct{}

func (testError) Error() string { return "line 3: no" }

var errTest = testError{}

func TestOddSubjects(t *testing.T) {
	t.Parallel()
	for s, odd := range map[string]bool{
		"Plain": false, "👩‍💻 Work": false, "می\u200cخواهم": false, "🏴󠁧󠁢󠁥󠁮󠁧󠁿": false, "a\u200bb": true, "a\u202eb": true, "a\x07b": true, "a\u200d b": true, "x\U000e0041": true, "Grüße, Ёлка, 日本": false,
	} {
		if got := oddCharacters(s) != ""; got != odd {
			t.Errorf("%q: %v", s, oddCharacters(s))
		}
	}
	for s, loud := range map[string]bool{"NASA and ESA meet": false, "BIG SALE TODAY ONLY": true, "Now!!": true, "Hooray!": false, "IBM": false, "ВСЕ СКИДКИ СЕГОДНЯ": true} {
		if got := shouts(s) != ""; got != loud {
			t.Errorf("%q: %v", s, shouts(s))
		}
	}
}

func TestJudgeURL(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"": "link_empty", "#": "link_empty", "#top": "", "https://harbourbooks.shop/?q=[a]": "", "https://[2001:470::1]/": "", "https://[::1]/": "link_private", "https://[YOUR LINK]": "link_placeholder",
		"https://": "link_placeholder", "https://your-link.com/x": "link_example", "http://harbourbooks.shop": "link_http", "https://127.0.0.1": "link_private", "https://nas.local/": "link_private",
		"https://intranet/": "link_private", "mailto:": "link_empty", "mailto:a@b.org": "", "tel:+1": "", "JavaScript:x": "link_script", "/x": "link_relative", "x.html": "link_relative", "//cdn.net/x": "link_relative",
		"https://a.example/": "link_example", "https://myexample.com/": "", "https://harbourbooks.shop/your-website-review": "", "%%link%%": "link_placeholder", "*|URL|*": "link_placeholder",
	} {
		if got := judgeURL(address); got != want {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
}

func TestLinksThatLookLikePlaceholdersAndAreNone(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		// Names of servers that hold or begin with the words of placeholders.
		"https://link.springer.com/article/10.1007/s1": "", "https://link.medium.com/x": "", "https://url.harbourbooks.shop/a": "", "https://todo.microsoft.com/": "", "https://xxx.lutz.de/": "",
		"https://secureyoursite.com/": "", "https://www.protect-your-website.de/": "", "https://your-link.io/": "", "https://my-url-here.com": "", "https://www.link/": "", "https://tbd.community/": "",
		// What browsers take although it is not as RFC 3986 has it.
		"https://shop.de/50%-rabatt": "", "https://shop.de/?q=100%": "", "https://shop.de\\autumn": "", "https://www%2Eharbourbooks.shop/": "", "https://shop.de/a b": "", "https://shop.de/50%/{{ path }}": "link_placeholder",
		"http://shop.de/50%": "link_http", "https://192.168.1.20/50%": "link_private",
		// Brackets and tags in what is no name of a server.
		"https://youtu.be/[id]": "", "https://shop.de/<id>": "", "https://play.harbourbooks.shop/?template=Hi+{{name}}": "", "https://shop.de/#*|X|*": "", "https://wiki.harbourbooks.shop/*|": "",
		"mailto:help@x.de?subject=[Ticket] Hi": "", "mailto:help@x.de?body={{ x }}": "", "mailto:hello@yourwebsite-agency.com": "", "mailto:<help@x.de>": "", "mailto:?subject=Your link": "",
		"whatsapp://send?text=[hi]": "", "sms:+441170000000?body=[hi]": "", "tel:+441170000000": "", "tg://resolve?domain=your-link": "",
		// And those that are some.
		"https://link": "link_placeholder", "https://url/": "link_placeholder", "https://your-link/": "link_placeholder", "https://xxxx": "link_placeholder", "https://TODO?utm_source=a": "link_placeholder",
		"https://link-goes-here": "link_placeholder", "https://%5BYOUR%20LINK%5D": "link_placeholder", "https://your link": "link_placeholder", "https://<your-domain>/a": "link_placeholder",
		"https://${host}/": "link_placeholder", "https://%%domain%%/a": "link_placeholder", "https://[YOUR LINK].com/": "link_placeholder", "https://shop.de:PORT/": "link_placeholder",
		"https://shop.de/*|PATH|*": "link_placeholder", "https://shop.de/{% path %}/": "link_placeholder", "yourlink": "link_placeholder", "Insert your link here": "link_placeholder", "XXX": "link_placeholder",
		"https://www.yourdomain.com/": "link_example", "https://your-website.org": "link_example", "mailto:info@yourdomain.com": "link_example", "mailto:[EMAIL]": "link_placeholder",
		"mailto:{{ email }}": "link_placeholder", "whatsapp://[NUMBER]": "link_placeholder", "tel:*|PHONE|*": "link_placeholder", "link.html": "link_relative", "todo/list": "link_relative",
	} {
		if got := judgeURL(address); got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
}

func TestGreetings(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"Bonjour !": false, "Hello !": false, "Salut, hola !": false, "Hello!": false, "Dear all,": false, "Hi Nan,": false, "Hello Nan!": false, "Chère Anne !": false, "Hello, world": false,
		"Dear ,": true, "Hello ,": true, "Dear !": true, "Liebe !": true, "Chère !": true, "Hi null,": true, "Dear NaN,": true, "hello, ,": true, "Sehr geehrte Frau ,": true, "DEAR UNDEFINED!": true,
	} {
		raw := "From: a@b.org\nDate: x\nSubject: y\nContent-Type: text/plain; charset=utf-8\n\n" + text + "\nWhat is new.\n"
		got := slices.ContainsFunc(Check(Input{Samples: []Sample{{Raw: []byte(raw)}}}).Findings, func(f Finding) bool { return f.Code == "empty_greeting" })
		if got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestWhatEndsByItself(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		`<p style="display:none">pre<p>Hello`:                                                    "Hello",
		`<p hidden>pre<div>Hello</div>`:                                                          "Hello",
		`<p hidden>pre<table><tr><td>Hello</table>`:                                              "Hello",
		`<ul><li hidden>pre<li>Hello</ul>`:                                                       "Hello",
		`<ul><li>one<ul><li hidden>pre</ul>Hello</ul>`:                                           "one\nHello",
		`<dl><dt hidden>pre<dd>Hello</dl>`:                                                       "Hello",
		`<table><tr><td hidden>pre<td>Hello</table>`:                                             "Hello",
		`<table><tr hidden><td>pre<tr><td>Hello</table>`:                                         "Hello",
		`<table><tr><td hidden><table><tr><td>pre<td>pre</table>pre<td>Hello</table>`:            "Hello",
		`<table><thead><tr hidden><th>pre<tbody><tr><td>Hello</table>`:                           "Hello",
		`<div hidden>pre<p>pre<p>pre<ul><li>pre</ul></div>Hello`:                                 "Hello",
		`<table><tr><td><p hidden>pre<table><tr><td>Hello</table></table>`:                       "Hello",
		`<p>one<table><tr><td><p hidden>pre</table>Hello`:                                        "one\nHello",
		`<div style="mso-hide:all">Hello</div><!--[if mso]><div>Hello</div><![endif]-->`:         "Hello",
		`<a href="https://a.net" style="display:inline-block; mso-hide: all">Hello</a>`:          "Hello",
		`<div style="display:none;mso-hide:all">pre</div><div style="display:block">Hello</div>`: "Hello",
	} {
		if got := readHTML(src).visible; got != want {
			t.Errorf("%s: %q, want %q", src, got, want)
		}
	}
}

func TestWordsForLeaving(t *testing.T) {
	t.Parallel()
	for words, want := range map[string][2]bool{ // for leaving a list and nothing else, in a link
		"Unsubscribe": {true, true}, "Opt-out": {true, true}, "Newsletter abbestellen": {true, true}, "Se désabonner": {true, true}, "Se désinscrire": {true, true}, "Darse de baja": {true, true}, "Date de baja": {true, true},
		"Disiscriviti": {true, true}, "Afmelden": {true, true}, "Uitschrijven": {true, true}, "Avmeld": {true, true}, "Odhlásit se": {true, true}, "Odjavite se": {true, true}, "Wypisz się": {true, true},
		"Leiratkozás": {true, true}, "Dezabonare": {true, true}, "Отписаться": {true, true}, "Відписатися": {true, true}, "Κατάργηση εγγραφής": {true, true}, "Abonelikten çık": {true, true},
		"لغو اشتراک": {true, true}, "إلغاء الاشتراك": {true, true}, "ביטול מנוי": {true, true}, "メルマガの配信停止": {true, true}, "購読を解除する": {true, true}, "退订": {true, true}, "取消訂閱": {true, true}, "수신거부": {true, true},
		"구독 취소": {true, true}, "ยกเลิกการสมัคร": {true, true}, "Hủy đăng ký": {true, true}, "Berhenti berlangganan": {true, true}, "Peruuta tilaus": {true, true},
		"Manage preferences": {false, true}, "Cancelar": {false, true}, "取消": {false, true}, "Your subscription": {false, true},
		"Our journey through Peru": {false, false}, "Look at your order": {false, false}, "The stain remover": {false, false}, "Zum Angebot": {false, false}, "注文を見る": {false, false},
	} {
		if got := [2]bool{unsubscribe.MatchString(words), leaving.MatchString(words)}; got != want {
			t.Errorf("%s: %v, want %v", words, got, want)
		}
	}
}

func TestOddPartsThatMailProgramsTake(t *testing.T) {
	t.Parallel()
	m, err := parse([]byte("From: a@b.org\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\nGr=C3=BC=C3=9Fe\vaus Word\f, 1=3D1\n"))
	if err != nil || len(m.problems) > 0 || m.text != "Gr\u00fc\u00dfeaus Word, 1=1\n" {
		t.Errorf("characters that control: %q, %+v, %v", m.text, m.problems, err)
	}
	for kind, want := range map[string]string{
		"text/plain; charset=us-ascii (Plain text)": "", "text/plain; charset=utf-8; name=a b.txt": "", `text/plain; name=Grüße.txt; charset="iso-8859-1"`: "", "text/plain; charset=ibm850": "", "text/plain; charset=ISO-2022-JP-2": "",
		"text/plain; charset=x-nonsense": "charset", "text/": "Content-Type", "multipart/mixed; name=a b": "boundary",
	} {
		m, err := parse([]byte("From: a@b.org\nContent-Type: " + kind + "\n\nHello\n"))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(m.problems, ". "); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q", kind, got)
		}
	}
}
