package presets

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestReadingIsComplete(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, p := range All() {
		r := p.Reading
		if r == nil {
			continue
		}
		seen++
		if len(r.Servers) == 0 || len(r.Auth) == 0 || len(r.Needs) == 0 || r.PollEvery < time.Minute || p.Kind == Mailbox && r.PollEvery < 10*time.Minute {
			t.Errorf("%s: servers %v, auth %v, needs %v, poll %s", p.ID, r.Servers, r.Auth, r.Needs, r.PollEvery)
		}
		for _, s := range r.Servers {
			right := map[string]map[string]int{imap: {implicit: 993, starttls: 143}, pop3: {implicit: 995, starttls: 110}}[s.Protocol][s.TLS]
			if s.Port != right || s.Host != strings.ToLower(s.Host) || (s.Host == "") != (p.Kind == Generic) {
				t.Errorf("%s: server %+v", p.ID, s)
			}
			if s.Host != "" && ReadingProvider(strings.ToUpper(s.Host)+".").Reading == nil {
				t.Errorf("%s is not recognised", s.Host)
			}
		}
		for _, a := range r.Auth {
			if a != passwordLogin && (a != xoauth2 || p.OAuth == nil && p.Kind != Generic || r.Scope == "" && p.Kind != Generic) {
				t.Errorf("%s: %s without what it needs", p.ID, a)
			}
		}
		for _, n := range r.Needs {
			if u, err := url.Parse(n.Link); err != nil || u.Scheme != "https" || n.Text == "" {
				t.Errorf("%s: need %+v", p.ID, n)
			}
		}
		for _, f := range r.Refusals {
			got, ok := r.Refusal(f.Sample)
			if !ok || got.Sample != f.Sample {
				t.Errorf("%s: %q is taken for %q", p.ID, f.Sample, got.Sample)
			}
			if f.Remedy == "" || f.Kind == "" || slices.ContainsFunc(f.Texts, func(text string) bool { return text != strings.ToLower(text) }) {
				t.Errorf("%s: %+v", p.ID, f)
			}
			if f.Kind == TooMany && (f.Wait == 0 || strings.Contains(f.Remedy, "app password")) {
				t.Errorf("%s: too many connections are no matter of the password: %+v", p.ID, f)
			}
		}
	}
	if seen < 12 {
		t.Errorf("only %d providers can be read from", seen)
	}
}

func TestReadingOfNobody(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"", "imap.example.org", "amazon-ses", "imap.gmail.com.evil.example"} {
		if p := ReadingProvider(key); p != nil {
			t.Errorf("%q is %s", key, p.ID)
		}
	}
	if r := ReadingFor("imap.gmail.com"); r == nil || r.Limits.Down(imap) != 2_500_000_000 || r.Limits.Down(pop3) != 1_250_000_000 || r.Limits.Up != 500_000_000 || r.Limits.Connections != 15 {
		t.Errorf("Gmail's limits are %+v", r)
	}
}
