package presets

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"postrider/sender/reply"
)

func TestEveryProviderIsComplete(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, p := range All() {
		if seen[p.ID] || p.ID == "" || p.ID != strings.ToLower(p.ID) || p.Name == "" || p.Kind == "" || p.AsOf == "" {
			t.Errorf("%q: id, name, kind or date", p.ID)
		}
		seen[p.ID] = true
		if len(p.Endpoints) == 0 || len(p.Auth) == 0 || p.Password == "" || p.Username.Hint == "" || len(p.Needs) == 0 || p.Quota.Text == "" {
			t.Errorf("%s: endpoints, auth, user, password, needs or quota are missing", p.ID)
		}
		if (len(p.Hosts) == 0) != (p.Kind == Own || p.Kind == Generic) || (len(p.Failures) < 3) != (p.Kind == Generic) {
			t.Errorf("%s: %d hosts, %d failures", p.ID, len(p.Hosts), len(p.Failures))
		}
		if p.SiteLimits != (p.Kind == Own) || !slices.Contains([]string{"default", "ses"}, p.SigningProfile) || !slices.Contains([]string{"from", "per_recipient"}, p.ReturnPath) {
			t.Errorf("%s: site limits, signing profile or return path", p.ID)
		}
		if slices.Contains(p.Auth, xoauth2) && p.OAuth == nil && p.Kind != Generic {
			t.Errorf("%s takes XOAUTH2 from nowhere", p.ID)
		}
		if p.Limits.Note == "" && !p.Limits.Published() {
			t.Errorf("%s: nothing about limits", p.ID)
		}
		checkLinks(t, p)
		checkEndpoints(t, p)
	}
	for _, id := range []string{"gmail", "google-workspace", "google-relay", "yandex", "mailru", "outlook", "microsoft365", "ses", "sendgrid", "mailgun", "postmark", "brevo",
		"sparkpost", "mandrill", "zoho", "fastmail", "icloud", "yahoo", "gmx", "postfix", "exim", "generic"} {
		if !seen[id] {
			t.Errorf("%s is missing", id)
		}
	}
}

func checkLinks(t *testing.T, p Provider) {
	links := []string{p.Docs, p.Limits.Source}
	for _, n := range p.Needs {
		if !strings.HasSuffix(n.Text, ".") {
			t.Errorf("%s: %q is no sentence", p.ID, n.Text)
		}
		links = append(links, n.Link)
	}
	if p.OAuth != nil {
		links = append(links, p.OAuth.TokenURL, p.OAuth.Docs)
	}
	for _, link := range links {
		if u, err := url.Parse(link); err != nil || u.Host == "" || (u.Scheme != "https" && link != "http://localhost") {
			t.Errorf("%s: link %q", p.ID, link)
		}
	}
}

func checkEndpoints(t *testing.T, p Provider) {
	for _, e := range p.Endpoints {
		if e.Port < 1 || !slices.Contains([]string{starttls, implicit, "none"}, e.TLS) {
			t.Errorf("%s: endpoint %+v", p.ID, e)
		}
		if e.TLS == "none" && p.Kind != Own && p.Kind != Generic {
			t.Errorf("%s offers clear text", p.ID)
		}
	}
}

// TestEveryFailureMeansWhatItsLineSays proves each line with the text that it is there for.
func TestEveryFailureMeansWhatItsLineSays(t *testing.T) {
	t.Parallel()
	for _, p := range All() {
		for i, f := range p.Failures {
			r, err := reply.Find(f.Sample)
			if err != nil {
				t.Errorf("%s: %q: %v", p.ID, f.Sample, err)
				continue
			}
			if f.Stage != "" {
				r.Stage = f.Stage
			}
			got, ok := p.Failure(r)
			if !ok || got.Sample != f.Sample {
				t.Errorf("%s: line %d %q is decided by %q", p.ID, i, f.Sample, got.Sample)
			}
			if f.Stage == "" && f.Code == 0 && f.Status == "" && f.Texts == nil {
				t.Errorf("%s: line %d matches everything", p.ID, i)
			}
			for _, text := range f.Texts {
				if text != strings.ToLower(text) {
					t.Errorf("%s: %q never matches", p.ID, text)
				}
			}
			checkClass(t, p, f, r)
		}
	}
}

func checkClass(t *testing.T, p Provider, f Failure, r reply.Reply) {
	c := Classify(p.ID, r)
	if c.Reason != f.Reason || (f.Fault != "" && c.Fault != f.Fault) || (f.Action != "" && c.Action != f.Action) {
		t.Errorf("%s: %q is %+v, its line says %+v", p.ID, f.Sample, c, f.Judgement)
	}
	if c.Fault == reply.FaultRecipient || c.Action == reply.ActionSuppress || c.Action == reply.ActionAccept {
		t.Errorf("%s: %q blames a person: %+v", p.ID, f.Sample, c)
	}
	if f.Wait > 0 && c.RetryAfter < f.Wait {
		t.Errorf("%s: %q waits %v", p.ID, f.Sample, c.RetryAfter)
	}
	e := Explain(p.ID, r)
	if !e.Known || e.Provider != p.Name || e.Whose == "" || e.Does == "" || !strings.HasSuffix(e.Remedy, ".") {
		t.Errorf("%s: %q is explained as %+v", p.ID, f.Sample, e)
	}
	if f.Remedy == "" && c.Reason != reply.ReasonQuotaExhausted {
		t.Errorf("%s: %q has no remedy", p.ID, f.Sample)
	}
	// The general rules alone need not know the provider's words, but must never make them a person's fault.
	if g := reply.Classify(r); g.Action == reply.ActionSuppress {
		t.Errorf("%s: %q suppresses by the general rules: %+v", p.ID, f.Sample, g)
	}
}

func TestProvidersAreRecognisedByTheirHosts(t *testing.T) {
	t.Parallel()
	shared := map[string]string{"google-workspace": "gmail"} // the same server
	for _, p := range All() {
		want := p.ID
		if other := shared[p.ID]; other != "" {
			want = other
		}
		for _, h := range p.Hosts {
			if got, ok := ForHost(h.Name); !ok || got.ID != want {
				t.Errorf("%s is taken for %q", h.Name, got.ID)
			}
			if len(p.Hosts) > 1 && h.Region == "" && h.Name != p.Hosts[0].Name {
				t.Errorf("%s has no region", h.Name)
			}
		}
	}
	for host, want := range map[string]string{
		"SMTP.Gmail.com.": "gmail", "smtp.gmail.com:587": "gmail", "email-smtp.eu-west-9.amazonaws.com": "ses", "smtp.yandex.kz": "yandex",
		"smtp.googlemail.com": "gmail", "smtp.example.org": "", "": "", "evil-smtp.gmail.com": "", "smtp.gmail.com.evil.example": "", "192.0.2.1": "",
	} {
		if got, _ := ForHost(host); got.ID != want {
			t.Errorf("%q is taken for %q, want %q", host, got.ID, want)
		}
	}
	if p, ok := ByID("ses"); !ok || p.SigningProfile != "ses" {
		t.Errorf("ses: %+v", p)
	}
	if _, ok := ByID("nobody"); ok {
		t.Error("nobody is known")
	}
}

func TestClassifyUsesTheProviderFirst(t *testing.T) {
	t.Parallel()
	full := reply.Parse(554, "5.2.2 mailbox full; STOREDRV.Submission.Exception:QuotaExceededException", reply.StageDot)
	if c := Classify("", full); c.Reason != reply.ReasonMailboxFull {
		t.Errorf("of nobody known: %+v", c)
	}
	for _, key := range []string{"microsoft365", "smtp.office365.com"} {
		if c := Classify(key, full); c.Reason != reply.ReasonQuotaExhausted || c.Action != reply.ActionStopRelay {
			t.Errorf("%s: the sender's own mailbox: %+v", key, c)
		}
	}
	unknown := reply.Parse(550, "5.1.1 The email account that you tried to reach does not exist.", reply.StageRcpt)
	if c := Classify("gmail", unknown); c.Action != reply.ActionSuppress {
		t.Errorf("a recipient: %+v", c)
	}
	if c := Classify("gmail", reply.Parse(250, "2.0.0 OK gsmtp", reply.StageDot)); c.Action != reply.ActionAccept {
		t.Errorf("accepted: %+v", c)
	}
	// A text of the provider that no line knows still gets the provider's wait.
	if c := Classify("yandex", reply.Parse(452, "4.5.3 daily limit reached", reply.StageMail)); c.RetryAfter != 24*time.Hour || c.Action != reply.ActionStopRelay {
		t.Errorf("a quota: %+v", c)
	}
}

func TestExplainSaysWhatIsDone(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ key, text, does, whose, remedy string }{
		{"gmail", "550-5.7.26 This mail is unauthenticated", "failed for a reason on our side", "Ours", "SPF"},
		{"smtp.yandex.ru", "550 5.7.1 sending limit", "not before 24 h have passed", "account's", "24 hours longer"},
		{"", "550 5.1.1 User unknown", "never mails the address again", "recipient's", "does not exist"},
		{"", "451 4.7.1 Greylisted, try again in 5 minutes", "not before 5 min have passed", "receiving server's", ""},
		{"", "250 2.0.0 queued as 12", "sent", "Nobody's", ""},
		{"zoho", "535 Authentication Failed", "stops the relay", "account's", "region"},
	} {
		r, err := reply.Find(tc.text)
		if err != nil {
			t.Fatal(err)
		}
		e := Explain(tc.key, r)
		if !strings.Contains(e.Does, tc.does) || !strings.Contains(e.Whose, tc.whose) || !strings.Contains(e.Remedy, tc.remedy) || (tc.remedy == "") != (e.Remedy == "") {
			t.Errorf("%s: %+v", tc.text, e)
		}
	}
}

func FuzzClassify(f *testing.F) {
	f.Add("gmail", 550, "5.4.5 Daily user sending limit exceeded.", "rcpt")
	f.Add("smtp.zoho.eu", 535, "Authentication Failed", "auth")
	f.Add("", 250, "ok", "")
	f.Fuzz(func(t *testing.T, key string, code int, text, stage string) {
		r := reply.Parse(code, text, reply.Stage(stage))
		e := Explain(key, r)
		if e.Class.Reason == "" || e.Class.Fault == "" || e.Class.Action == "" || e.Does == "" || e.Whose == "" {
			t.Fatalf("%+v", e)
		}
		if e.Class.Action == reply.ActionSuppress && (e.Class.Fault != reply.FaultRecipient || e.Class.Permanence != reply.Permanent || r.Stage.Session()) {
			t.Fatalf("suppress: %+v", e)
		}
		if (e.Class.Action == reply.ActionAccept) != r.Positive() {
			t.Fatalf("accept: %+v", e)
		}
	})
}
