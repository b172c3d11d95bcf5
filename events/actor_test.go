package events

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	browser = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36"
	gmail   = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
)

func TestUserAgentsAreClassified(t *testing.T) {
	t.Parallel()
	for ua, want := range map[string]agentClass{
		"":                      agentNone,
		" ":                     agentNone,
		"Mozilla/5.0":           agentPrefetch,
		"Mozilla/5.0 (X)":       agentNew,
		"Something else":        agentNew,
		"BrandNewMail/1.0 beta": agentNew,
		browser:                 agentPerson,
		gmail:                   agentProxy,
		"YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html":                                                                    agentProxy,
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0": agentPrefetch,
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)":                                                    agentPerson,
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Thunderbird/140.3.0":                                                                agentPerson,
		"Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; WOW64; Trident/7.0; .NET4.0C; ms-office; MSOffice 16)":                                   agentPerson,
		"Mozilla/5.0 (Linux; Android 10; CUBOT NOTE 20) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Mobile Safari/537.36":                 agentPerson,
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/139.0.0.0 Safari/537.36":                     agentTool,
		"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)":                                                                    agentScanner,
		"Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/534+ (KHTML, like Gecko) BingPreview/1.0b":                                                   agentScanner,
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Microsoft Office Existence Discovery":                                           agentScanner,
		"Barracuda Sentinel (EE)":      agentScanner,
		"curl/8.14.1":                  agentTool,
		"python-requests/2.32.4":       agentTool,
		"Python/3.9 aiohttp/3.8.1":     agentTool,
		"Go-http-client/1.1":           agentTool,
		"okhttp/4.10.0":                agentTool,
		"Apache-HttpClient/4.5 (Java)": agentTool,
	} {
		if got := classify(ua); got != want {
			t.Errorf("%q is %d, not %d", ua, got, want)
		}
	}
}

// Each text of the table decides for itself: one that another line already holds would say nothing.
func TestEveryLineOfTheTableCanDecide(t *testing.T) {
	t.Parallel()
	for i, r := range agentRules {
		if r.text != strings.ToLower(r.text) || r.text == "" || r.who == "" {
			t.Errorf("line %d is %+v", i, r)
		}
		at := slices.IndexFunc(agentRules, func(o agentRule) bool { return o.fits(r.text) })
		if agentRules[at].text != r.text {
			t.Errorf("%q never decides: %q comes first", r.text, agentRules[at].text)
		}
	}
}

func TestOneRequestIsJudged(t *testing.T) {
	t.Parallel()
	click := hit{kind: KindClick, link: 2, class: agentPerson, sent: true, since: time.Hour}
	open := hit{kind: KindOpen, class: agentPerson, sent: true, since: time.Hour}
	with := func(h hit, change func(*hit)) hit { change(&h); return h }
	after := func(h hit, d time.Duration) hit { h.since = d; return h }
	class := func(h hit, c agentClass) hit { h.class = c; return h }
	for _, tc := range []struct {
		name  string
		hit   hit
		actor Actor
		rule  Rule
	}{
		{"a person's click", click, Human, ""},
		{"a person's open", open, Human, ""},
		{"before it was sent", after(open, -time.Second), Machine, RuleInstant},
		{"at once", after(click, 5*time.Second-1), Machine, RuleInstant},
		{"very soon", after(click, 5*time.Second), Unknown, RuleEarly},
		{"soon", after(open, 15*time.Second-1), Unknown, RuleEarly},
		{"later", after(open, 15*time.Second), Human, ""},
		{"when it was sent is not known", with(after(open, 0), func(h *hit) { h.sent = false }), Human, ""},
		{"a HEAD", with(open, func(h *hit) { h.head = true }), Machine, RuleHead},
		{"the hidden link", with(click, func(h *hit) { h.link = 0 }), Machine, RuleCanary},
		{"an image proxy soon", after(class(open, agentProxy), time.Minute-1), Unknown, RuleProxy},
		{"an image proxy later", after(class(open, agentProxy), time.Minute), Human, ""},
		{"an image proxy that clicks", class(click, agentProxy), Machine, RuleScanner},
		{"a prefetch", class(open, agentPrefetch), Machine, RulePrefetch},
		{"a scanner", class(click, agentScanner), Machine, RuleScanner},
		{"a tool", class(click, agentTool), Machine, RuleTool},
		{"a new program", class(click, agentNew), Unknown, RuleNewAgent},
		{"no name", class(open, agentNone), Unknown, RuleNoAgent},
		{"no name at once", after(class(open, agentNone), time.Second), Machine, RuleInstant},
	} {
		if actor, rule := (Windows{}).judge(tc.hit); actor != tc.actor || rule != tc.rule {
			t.Errorf("%s: %s by %q, not %s by %q", tc.name, actor, rule, tc.actor, tc.rule)
		}
	}
	near := Windows{Instant: 1, Early: 1, Proxy: 1}
	if actor, _ := near.judge(after(open, time.Millisecond)); actor != Human {
		t.Errorf("with other windows: %s", actor)
	}
}

// at makes a trace some milliseconds after the start; link -1 is an open.
func at(ms int, link int32, ua string) trace {
	r := trace{ID: int64(ms) + 1, At: testNow.Add(time.Duration(ms) * time.Millisecond), Kind: KindClick, Link: link, UserAgent: ua, Actor: Human}
	if link < 0 {
		r.Kind, r.Link = KindOpen, 0
	}
	return r
}

func TestRequestsAreJudgedTogether(t *testing.T) {
	t.Parallel()
	const minute = 60_000
	for name, tc := range map[string]struct {
		rows []trace
		want map[int64]Rule
	}{
		"nothing":                     {nil, map[int64]Rule{}},
		"one click":                   {[]trace{at(0, 1, "a")}, map[int64]Rule{}},
		"one link often":              {[]trace{at(0, 1, "a"), at(1, 1, "a"), at(2, 1, "a")}, map[int64]Rule{}},
		"two links in a second":       {[]trace{at(0, 1, "a"), at(1000, 2, "b")}, map[int64]Rule{1: RuleBurst, 1001: RuleBurst}},
		"two links in two seconds":    {[]trace{at(0, 1, "a"), at(1001, 2, "b")}, map[int64]Rule{}},
		"three links in ten seconds":  {[]trace{at(0, 1, "a"), at(5000, 2, "a"), at(10_000, 3, "a")}, map[int64]Rule{1: RuleBurst, 5001: RuleBurst, 10_001: RuleBurst}},
		"three links in more":         {[]trace{at(0, 1, "a"), at(5000, 2, "a"), at(10_001, 3, "a")}, map[int64]Rule{}},
		"a person an hour later":      {[]trace{at(0, 1, "a"), at(1, 2, "a"), at(60*minute, 1, "b")}, map[int64]Rule{1: RuleBurst, 2: RuleBurst}},
		"opens of the same program":   {[]trace{at(0, -1, "a"), at(1, -1, "b"), at(2, 1, "a"), at(3, 2, "a"), at(30_000, -1, "a")}, map[int64]Rule{1: RuleBurst, 3: RuleBurst, 4: RuleBurst}},
		"the hidden link":             {[]trace{at(0, 1, "a"), at(2*minute, 0, "a"), at(4*minute, 2, "b"), at(4*minute+1, 1, "b")}, map[int64]Rule{1: RuleCanary, 2*minute + 1: RuleCanary, 4*minute + 1: RuleCanary, 4*minute + 2: RuleBurst}},
		"long before the hidden link": {[]trace{at(0, 1, "a"), at(2*minute+1, 0, "a")}, map[int64]Rule{2*minute + 2: RuleCanary}},
	} {
		if diff := cmp.Diff(tc.want, judgeTogether(tc.rows)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	known := []trace{at(0, 1, "a"), at(1, 2, "a")}
	known[0].Actor = Machine
	if diff := cmp.Diff(map[int64]Rule{2: RuleBurst}, judgeTogether(known)); diff != "" {
		t.Error("one is known already: ", diff)
	}
}

// The quick way finds what looking at all pairs finds.
func TestJudgingTogetherIsWhatTheRulesSay(t *testing.T) {
	t.Parallel()
	for seed := range uint64(500) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var rows []trace
		ms := 0
		for range rng.IntN(40) {
			ms += 1 + rng.IntN([]int{3000, 30_000, 90_000}[rng.IntN(3)])
			rows = append(rows, at(ms, int32(rng.IntN(5))-1, []string{"a", "b"}[rng.IntN(2)]))
		}
		if diff := cmp.Diff(slowly(rows), judgeTogether(rows)); diff != "" {
			t.Fatalf("seed %d: %s", seed, diff)
		}
	}
}

// slowly is judgeTogether by the letter of the rules.
func slowly(rows []trace) map[int64]Rule {
	within := func(a, b trace, d time.Duration) bool { return a.At.Sub(b.At).Abs() <= d }
	found := map[int64]Rule{}
	for _, r := range rows {
		for _, first := range rows {
			for _, w := range []struct {
				links int
				d     time.Duration
			}{{2, burstTwo}, {3, burstThree}} {
				links := map[int32]bool{}
				for _, o := range rows {
					if o.Kind == KindClick && !o.At.Before(first.At) && within(o, first, w.d) {
						links[o.Link] = true
					}
				}
				if first.Kind == KindClick && r.Kind == KindClick && !r.At.Before(first.At) && within(r, first, w.d) && len(links) >= w.links {
					found[r.ID] = RuleBurst
				}
			}
		}
	}
	for _, r := range rows {
		for _, o := range rows {
			if r.Kind == KindClick && o.Kind == KindClick && o.Link == canaryLink && within(r, o, CanaryWindow) {
				found[r.ID] = RuleCanary
			}
		}
	}
	opens := map[int64]Rule{}
	for _, r := range rows {
		for _, o := range rows {
			if r.Kind == KindOpen && o.Kind == KindClick && found[o.ID] != "" && o.UserAgent == r.UserAgent && within(r, o, burstThree) && opens[r.ID] == "" {
				opens[r.ID] = found[o.ID]
			}
		}
	}
	for id, rule := range opens {
		found[id] = rule
	}
	return found
}
