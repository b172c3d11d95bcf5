package sender

import (
	"strings"
	"testing"
	"time"

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

func TestCleanDomainInput(t *testing.T) {
	t.Parallel()
	wrong := DomainInput{Domain: "gmail.com", BounceDomain: "co.uk", Warmup: &Warmup{Zone: "Mars/Olympus"}, Window: &Window{Zone: "Local"}}
	_, err := wrong.clean()
	want := "domain bounce_domain warmup.start warmup.first warmup.percent warmup.zone window.days window.until window.zone"
	if got := names(wrongFields(t, err)); got != want {
		t.Errorf("wrong fields: %s", got)
	}
	in, err := DomainInput{Domain: "Example.org", BounceDomain: "Bounce.Example.org"}.clean()
	if err != nil || in.Domain != "example.org" || in.BounceDomain != "bounce.example.org" {
		t.Errorf("%+v %v", in, err)
	}
	if in, err := (DomainInput{Domain: "example.org", BounceDomain: " "}).clean(); err != nil || in.BounceDomain != "" {
		t.Errorf("an empty bounce domain became %q: %v", in.BounceDomain, err)
	}
}

func TestChecksOfADomain(t *testing.T) {
	t.Parallel()
	bounce := "bounce.example.org"
	long := "v=DKIM1; k=rsa; p=" + strings.Repeat("A", 392)
	d := Domain{Domain: "example.org", BounceDomain: &bounce, Keys: []Key{
		{ID: 1, Selector: "pr1", Status: KeyRetired, RecordName: "pr1._domainkey.example.org", RecordValue: "old"},
		{ID: 2, Selector: "pr2", Algorithm: AlgorithmRSA2048, Status: KeyActive, RecordName: "pr2._domainkey.example.org", RecordValue: long},
	}}
	summary := func() []string {
		var got []string
		for _, c := range d.Checks() {
			got = append(got, strings.Join([]string{c.Purpose, c.Type, c.Name, c.Status}, " "))
		}
		return got
	}
	if diff := cmp.Diff([]string{"dkim TXT pr2._domainkey.example.org unchecked", "spf TXT bounce.example.org unchecked",
		"dmarc TXT _dmarc.example.org unchecked", "bounce_mx MX bounce.example.org unchecked"}, summary()); diff != "" {
		t.Errorf("before the first look: %s", diff)
	}
	split := d.Checks()[0].Split()
	if joined := strings.ReplaceAll(strings.Trim(split, `"`), `" "`, ""); joined != long {
		t.Errorf("split form does not join to the value: %s", split)
	}
	for _, part := range strings.Split(split, " \"") {
		if len(strings.Trim(part, `"`)) > 255 {
			t.Errorf("a string of %d bytes", len(part)-2)
		}
	}
	if d.Health() != CheckUnchecked {
		t.Errorf("health %s", d.Health())
	}
	now := time.Now()
	d.CheckedAt, d.BounceDomain = &now, nil
	d.Keys = append(d.Keys, Key{ID: 3, Algorithm: AlgorithmRSA2048, Status: KeyPending, RecordName: "pr3._domainkey.example.org", RecordValue: "new"})
	d.LastChecks = []Check{{Purpose: PurposeDKIM, Name: "pr1._domainkey.example.org", Expected: "old", Status: CheckMissing},
		{Purpose: PurposeDKIM, Type: "TXT", Name: "pr2._domainkey.example.org", Expected: long, Status: CheckOK},
		{Purpose: PurposeSPF, Type: "TXT", Name: "bounce.example.org", Status: CheckWarning}, {Purpose: PurposeDMARC, Type: "TXT", Name: "_dmarc.example.org", Status: CheckOK},
		{Purpose: PurposeBounceMX, Name: "bounce.example.org", Status: CheckMissing}, {Purpose: PurposePTR, Status: CheckSkipped}}
	if diff := cmp.Diff([]string{"dkim TXT pr3._domainkey.example.org unchecked", "dkim TXT pr2._domainkey.example.org ok", "spf TXT bounce.example.org warning",
		"dmarc TXT _dmarc.example.org ok", "ptr   skipped"}, summary()); diff != "" {
		t.Errorf("after changes: %s", diff)
	}
	if d.Health() != CheckWarning {
		t.Errorf("health %s", d.Health())
	}
	d.LastChecks = append(d.LastChecks, Check{Purpose: PurposeDKIM, Name: "pr3._domainkey.example.org", Expected: "new", Status: CheckMissing})
	if d.Health() != CheckWarning {
		t.Errorf("a key that waits makes the domain look broken: %s", d.Health())
	}
	d.Keys[1].Status = KeyRetired
	if d.Health() != CheckMissing {
		t.Errorf("health with a key that signs and is not there: %s", d.Health())
	}
}
