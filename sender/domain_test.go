package sender

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCleanDomain(t *testing.T) {
	t.Parallel()
	tests := []struct{ raw, want, problem string }{
		{" Example.ORG. ", "example.org", ""},
		{"news.example.co.uk", "news.example.co.uk", ""},
		{"bücher.example", "xn--bcher-kva.example", ""},
		{"", "", "missing"},
		{"me@example.org", "", "after @"},
		{"https://example.org", "", "https://"},
		{"example", "", "no dot"},
		{"exa mple.org", "", "not a domain name"},
		{"a..org", "", "not a domain name"},
		{"under_score.org", "", "not a domain name"},
		{"example.org\r\nx", "", "not a domain name"},
		{strings.Repeat("a", 64) + ".org", "", "not a domain name"},
		{"192.0.2.1", "", "IP address"},
		{"co.uk", "", "public suffix"},
		{"github.io", "", "public suffix"},
		{"gmail.com", "", "mailbox provider"},
		{"mail.ru", "", "mailbox provider"},
		{"ЯНДЕКС.рф", "xn--d1acpjx3f.xn--p1ai", ""},
		{"news.yandex.ru", "", "yandex.ru belongs"},
		{"yahoo.co.uk", "", "mailbox provider"},
		{"yahoo.example.org", "yahoo.example.org", ""},
	}
	for _, tt := range tests {
		got, problem := cleanDomain(tt.raw)
		if got != tt.want || !strings.Contains(problem, tt.problem) || (tt.problem == "") != (problem == "") {
			t.Errorf("%q: %q, %q; want %q, …%s…", tt.raw, got, problem, tt.want, tt.problem)
		}
	}
}

func TestCleanDomainsNamesBoth(t *testing.T) {
	t.Parallel()
	_, _, err := cleanDomains("gmail.com", "co.uk")
	if got := names(wrongFields(t, err)); got != "domain bounce_domain" {
		t.Errorf("wrong fields: %s", got)
	}
	d, b, err := cleanDomains("Example.org", "Bounce.Example.org")
	if err != nil || d != "example.org" || b == nil || *b != "bounce.example.org" {
		t.Errorf("%q %v %v", d, b, err)
	}
	if _, b, _ := cleanDomains("example.org", " "); b != nil {
		t.Errorf("an empty bounce domain became %q", *b)
	}
}

func TestRecords(t *testing.T) {
	t.Parallel()
	bounce := "bounce.example.org"
	long := "v=DKIM1; k=rsa; p=" + strings.Repeat("A", 392)
	d := Domain{Domain: "example.org", BounceDomain: &bounce, Keys: []Key{
		{Selector: "pr1", Status: KeyRetired, RecordName: "pr1._domainkey.example.org", RecordValue: "old"},
		{Selector: "pr2", Status: KeyActive, RecordName: "pr2._domainkey.example.org", RecordValue: long},
	}}
	var got []string
	for _, r := range d.Records() {
		got = append(got, r.Purpose+" "+r.Type+" "+r.Name)
		if !r.Required || r.Explanation == "" || r.Value == "" {
			t.Errorf("incomplete: %+v", r)
		}
	}
	want := []string{"dkim TXT pr2._domainkey.example.org", "spf TXT bounce.example.org", "dmarc TXT _dmarc.example.org", "bounce_mx MX bounce.example.org"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	split := d.Records()[0].Split
	if joined := strings.ReplaceAll(strings.Trim(split, `"`), `" "`, ""); joined != long {
		t.Errorf("split form does not join to the value: %s", split)
	}
	for _, part := range strings.Split(split, " \"") {
		if len(strings.Trim(part, `"`)) > 255 {
			t.Errorf("a string of %d bytes", len(part)-2)
		}
	}
	d.BounceDomain = nil
	if records := d.Records(); len(records) != 3 || records[1].Name != "example.org" {
		t.Errorf("without a bounce domain: %+v", records)
	}
}
