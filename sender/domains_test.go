package sender

import (
	"bytes"
	"net"
	"strings"
	"testing"
	"time"

	"postrider/internal/errs"
	"postrider/sender/dkim"
)

const plainMessage = "From: News <news@example.org>\r\nTo: a@example.net\r\nSubject: Hello\r\nDate: Mon, 02 Nov 2026 10:00:00 +0000\r\n" +
	"Message-ID: <1@example.org>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nHello\r\n"

func (b *bundle) domain(t *testing.T, name string) Domain {
	t.Helper()
	d, err := b.CreateDomain(t.Context(), DomainInput{Domain: name})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// selectors tells which keys signed, by the s= tags of the signatures.
func (b *bundle) selectors(t *testing.T, domain, profile string) string {
	t.Helper()
	signer, err := b.SignerFor(t.Context(), domain, profile)
	if err != nil {
		t.Fatal(err)
	}
	return signedBy(t, signer)
}

func signedBy(t *testing.T, signer *dkim.Signer) string {
	t.Helper()
	header, err := signer.Sign(nil, []byte(plainMessage))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, tag := range strings.Split(string(header), ";") {
		if s, ok := strings.CutPrefix(strings.TrimSpace(tag), "s="); ok {
			found = append(found, s)
		}
	}
	return strings.Join(found, " ")
}

func TestDomainLife(t *testing.T) {
	t.Parallel()
	b := setup(t)
	d, err := b.CreateDomain(t.Context(), DomainInput{Domain: "Example.ORG", BounceDomain: "bounce.example.org"})
	if err != nil {
		t.Fatal(err)
	}
	if d.Domain != "example.org" || d.BounceDomain == nil || *d.BounceDomain != "bounce.example.org" || len(d.Keys) != 1 {
		t.Fatalf("%+v", d)
	}
	k := d.Keys[0]
	if !strings.HasPrefix(k.Selector, "pr1") || len(k.Selector) != 7 || k.Algorithm != "rsa2048" || k.Status != "active" ||
		k.RecordName != k.Selector+"._domainkey.example.org" || !strings.HasPrefix(k.RecordValue, "v=DKIM1; k=rsa; p=MII") {
		t.Errorf("%+v", k)
	}
	_, err = b.CreateDomain(t.Context(), DomainInput{Domain: "example.org."})
	if !errs.Is(err, errs.Conflict) || names(wrongFields(t, err)) != "domain" {
		t.Errorf("added twice: %v", err)
	}
	if _, err = b.CreateDomain(t.Context(), DomainInput{Domain: "gmail.com"}); names(wrongFields(t, err)) != "domain" {
		t.Errorf("free mail: %v", err)
	}
	if _, err = b.UpdateDomain(t.Context(), d.ID, DomainInput{Domain: "example.net"}); names(wrongFields(t, err)) != "domain" {
		t.Errorf("renamed: %v", err)
	}
	if d, err = b.UpdateDomain(t.Context(), d.ID, DomainInput{Domain: "example.org"}); err != nil || d.BounceDomain != nil {
		t.Errorf("bounce domain taken away: %+v, %v", d, err)
	}
	b.domain(t, "an.example.net")
	if all, err := b.ListDomains(t.Context()); err != nil || len(all) != 2 || all[0].Domain != "an.example.net" || len(all[0].Keys) != 1 || len(all[1].Keys) != 1 {
		t.Errorf("list: %+v, %v", all, err)
	}
	if err := b.DeleteDomain(t.Context(), d.ID); err != nil {
		t.Error(err)
	}
	if err := b.DeleteDomain(t.Context(), d.ID); !errs.Is(err, errs.NotFound) {
		t.Errorf("deleted twice: %v", err)
	}
	for _, id := range []int64{d.ID, 0} {
		if _, err := b.GetDomain(t.Context(), id); !errs.Is(err, errs.NotFound) {
			t.Errorf("domain %d: %v", id, err)
		}
	}
}

func TestKeyRotation(t *testing.T) {
	t.Parallel()
	b := setup(t)
	d := b.domain(t, "example.org")
	first := d.Keys[0]
	if _, err := b.RetireKey(t.Context(), first.ID); !errs.Is(err, errs.Conflict) {
		t.Errorf("the last key was retired: %v", err)
	}
	d, err := b.AddKey(t.Context(), d.ID, AlgorithmEd25519)
	if err != nil {
		t.Fatal(err)
	}
	ed := d.Keys[1]
	if got := b.selectors(t, "example.org", "default"); got != first.Selector+" "+ed.Selector {
		t.Errorf("signed by %s", got)
	}
	if got := b.selectors(t, "example.org", "ses"); got != first.Selector {
		t.Errorf("signed for SES by %s", got)
	}
	if _, err := b.RetireKey(t.Context(), first.ID); !errs.Is(err, errs.Conflict) {
		t.Errorf("the last RSA key was retired: %v", err)
	}
	if d, err = b.AddKey(t.Context(), d.ID, AlgorithmRSA2048); err != nil {
		t.Fatal(err)
	}
	second := d.Keys[2]
	if got := b.selectors(t, "Example.org", "ses"); got != first.Selector {
		t.Errorf("a key that may not be published yet signs: %s", got)
	}
	if d, err = b.RetireKey(t.Context(), first.ID); err != nil || d.Keys[0].Status != KeyRetired {
		t.Fatalf("%+v, %v", d, err)
	}
	if got := b.selectors(t, "example.org", "default"); got != second.Selector+" "+ed.Selector {
		t.Errorf("after the rotation signed by %s", got)
	}
	if _, err := b.RetireKey(t.Context(), first.ID); err != nil {
		t.Errorf("retired twice: %v", err)
	}
	if _, err := b.RetireKey(t.Context(), 999); !errs.Is(err, errs.NotFound) {
		t.Errorf("no such key: %v", err)
	}
	if _, err := b.AddKey(t.Context(), 999, AlgorithmRSA2048); !errs.Is(err, errs.NotFound) {
		t.Errorf("no such domain: %v", err)
	}
	if _, err := b.AddKey(t.Context(), d.ID, "dsa"); wrongFields(t, err)["algorithm"] == "" {
		t.Errorf("unknown algorithm: %v", err)
	}
}

func TestSignerIsCachedAndNoticesChanges(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.SignerFor(t.Context(), "example.org", "default")
	if !errs.Is(err, errs.NotFound) || !strings.Contains(err.Error(), "no DKIM key for example.org: add the domain under Sending domains") {
		t.Fatalf("no domain: %v", err)
	}
	d := b.domain(t, "example.org")
	one, err := b.SignerFor(t.Context(), "example.org", "default")
	if err != nil {
		t.Fatal(err)
	}
	// Another process, whose changes this one is not told.
	other := New(b.pool, b.box, Config{}, b.logger, b.clock.now)
	if _, err := other.AddKey(t.Context(), d.ID, AlgorithmEd25519); err != nil {
		t.Fatal(err)
	}
	if two, _ := b.SignerFor(t.Context(), "example.org", "default"); two != one {
		t.Error("the prepared signer is not used")
	}
	b.clock.advance(5 * time.Second)
	two, err := b.SignerFor(t.Context(), "example.org", "default")
	if err != nil || len(strings.Fields(signedBy(t, two))) != 2 {
		t.Errorf("the new key is not noticed: %v", err)
	}
	b.clock.advance(5 * time.Second)
	if again, _ := b.SignerFor(t.Context(), "example.org", "default"); again != two {
		t.Error("the signer is prepared anew without a change")
	}
	if err := b.DeleteDomain(t.Context(), d.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := b.SignerFor(t.Context(), "example.org", "default"); !errs.Is(err, errs.NotFound) {
		t.Errorf("after the delete: %v", err)
	}
}

func TestSignerCacheKeepsNothingOlderThanForget(t *testing.T) {
	t.Parallel()
	var c signerCache
	id := signerID{"example.org", "default"}
	_, version := c.get(id)
	c.forget()
	c.put(id, signerEntry{keys: []int64{1}}, version)
	if e, _ := c.get(id); e.keys != nil {
		t.Error("what was read before a change of keys is kept after it")
	}
	_, version = c.get(id)
	c.put(id, signerEntry{keys: []int64{2}}, version)
	if e, _ := c.get(id); e.keys == nil {
		t.Error("nothing is kept")
	}
}

// TestSigningBackends has two processes with the same keys, one of which signs with OpenSSL.
func TestSigningBackends(t *testing.T) {
	t.Parallel()
	b := setup(t)
	d := b.domain(t, "example.org")
	if _, err := b.AddKey(t.Context(), d.ID, AlgorithmEd25519); err != nil {
		t.Fatal(err)
	}
	fast := New(b.pool, b.box, Config{Signing: dkim.Open(dkim.SigningAuto)}, b.logger, b.clock.now)
	for profile, signatures := range map[string]int{"default": 2, "ses": 1} {
		var made []string
		for _, s := range []*Service{b.Service, fast} {
			signer, err := s.SignerFor(t.Context(), "example.org", profile)
			if err != nil {
				t.Fatal(err)
			}
			header, err := signer.Sign(nil, []byte(plainMessage))
			if err != nil {
				t.Fatal(err)
			}
			made = append(made, string(header))
		}
		if made[0] != made[1] || strings.Count(made[0], "DKIM-Signature:") != signatures {
			t.Errorf("%s:\n%s\n%s", profile, made[0], made[1])
		}
	}
}

func TestKeyOfAnotherSecretIsExplained(t *testing.T) {
	t.Parallel()
	b := setup(t)
	d := b.domain(t, "example.org")
	if _, err := b.pool.Exec(t.Context(), `UPDATE dkim_keys SET private_key = set_byte(private_key, 30, get_byte(private_key, 30) # 1)`); err != nil {
		t.Fatal(err)
	}
	_, err := b.SignerFor(t.Context(), d.Domain, "default")
	if !errs.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), d.Keys[0].Selector) {
		t.Errorf("%v", err)
	}
}

func TestCheckDomain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	d, err := b.CreateDomain(t.Context(), DomainInput{Domain: "example.org", BounceDomain: "bounce.example.org"})
	if err != nil {
		t.Fatal(err)
	}
	states := func() string {
		t.Helper()
		checks, err := b.CheckDomain(t.Context(), d.ID)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, c := range checks {
			all = append(all, c.Purpose+" "+c.Status)
		}
		return strings.Join(all, ", ")
	}
	if got := states(); got != "dkim missing, spf missing, dmarc missing, bounce_mx missing" {
		t.Error(got)
	}
	b.dns.set(d.Keys[0].RecordName, d.Keys[0].RecordValue)
	b.dns.set("bounce.example.org", "v=spf1 include:relay.example.net ~all")
	b.dns.set("_dmarc.example.org", "v=DMARC1; p=none")
	b.dns.mx = map[string][]*net.MX{"bounce.example.org": {{Host: "mx.example.org.", Pref: 10}}}
	if got := states(); got != "dkim ok, spf ok, dmarc ok, bounce_mx ok" {
		t.Error(got)
	}
	if _, err := b.CheckDomain(t.Context(), 999); !errs.Is(err, errs.NotFound) {
		t.Errorf("no such domain: %v", err)
	}
}

func sign(t *testing.T, b *bundle, domain, message string) []byte {
	t.Helper()
	signer, err := b.SignerFor(t.Context(), domain, "default")
	if err != nil {
		t.Fatal(err)
	}
	header, err := signer.Sign(nil, []byte(message))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Join([][]byte{header, []byte(message)}, nil)
}
