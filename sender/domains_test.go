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
	if !strings.HasPrefix(k.Selector, "pr1") || len(k.Selector) != 7 || k.Algorithm != "rsa2048" || k.Status != "pending" ||
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

func TestDueDomainsAreChecked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	d := b.domain(t, "example.org")
	b.domain(t, "example.net")
	looked := func() int {
		t.Helper()
		before := len(b.dns.questions())
		if err := b.CheckDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, name := range b.dns.questions()[before:] {
			if name == "_dmarc.example.org" || name == "_dmarc.example.net" {
				n++
			}
		}
		return n
	}
	b.clock.advance(time.Second)
	for _, step := range []struct {
		name string
		wait time.Duration
		want int
	}{
		{"new domains", 0, 2}, {"at once again", 0, 0}, {"keys wait", nextWhileWaiting, 2}, {"just before the next", nextWhileWaiting - time.Second, 0}, {"the next", time.Second, 2},
		{"after two days", young, 2}, {"not so often any more", nextWhileWaiting, 0}, {"but still", nextWhenBroken, 2},
	} {
		b.clock.advance(step.wait)
		if got := looked(); got != step.want {
			t.Errorf("%s: %d looked at, want %d", step.name, got, step.want)
		}
	}
	b.publish(d.Keys[0])
	b.dns.set("example.org", "v=spf1 -all")
	b.dns.set("_dmarc.example.org", "v=DMARC1; p=none")
	b.check(t, d.ID)
	b.clock.advance(nextWhenBroken)
	if got := looked(); got != 1 {
		t.Errorf("%d looked at, want the broken one", got)
	}
	b.addKey(t, d.ID, AlgorithmEd25519)
	if got := looked(); got != 1 {
		t.Errorf("a new key has to wait: %d looked at", got)
	}
	relay := b.create(t, RelayInput{Name: "Own", Host: "mail.example.org", Port: 587})
	if _, err := b.pool.Exec(t.Context(), `UPDATE relays SET updated_at = $2 WHERE id = $1`, relay.ID, b.clock.now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	b.clock.advance(2 * time.Second)
	if first, second := looked(), looked(); first != 2 || second != 0 {
		t.Errorf("after a relay was changed %d and then %d looked at", first, second)
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
	other := New(b.pool, b.box, Config{Resolver: b.dns}, b.logger, b.clock.now)
	added, err := other.AddKey(t.Context(), d.ID, AlgorithmEd25519)
	if err != nil {
		t.Fatal(err)
	}
	b.publish(added.Keys[1])
	if _, err := other.CheckDomain(t.Context(), d.ID); err != nil {
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
	b.publish(b.addKey(t, d.ID, AlgorithmEd25519))
	b.wantStates(t, d.ID, "pending active", "the second key, published")
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
	b.create(t, RelayInput{Name: "Own", Host: "mail.example.org", Port: 587})
	b.create(t, RelayInput{Name: "Inbox", Kind: RelayInbox})
	states := func() string {
		t.Helper()
		if d, err = b.CheckDomain(t.Context(), d.ID); err != nil || d.CheckedAt == nil {
			t.Fatal(err)
		}
		var all []string
		for _, c := range d.Checks() {
			all = append(all, c.Purpose+" "+c.Status)
		}
		return strings.Join(all, ", ")
	}
	b.dns.hosts = map[string][]string{"mail.example.org": {"203.0.113.5"}}
	if got := states(); got != "dkim missing, spf missing, dmarc missing, alignment warning, bounce_mx missing, ptr missing" || d.Health() != CheckMissing {
		t.Error(got)
	}
	b.publish(d.Keys[0])
	b.dns.set("bounce.example.org", "v=spf1 ip4:203.0.113.5 ~all")
	b.dns.set("_dmarc.example.org", "v=DMARC1; p=none")
	b.dns.mx = map[string][]*net.MX{"bounce.example.org": {{Host: "mail.example.org.", Pref: 10}}}
	b.dns.ptr = map[string][]string{"203.0.113.5": {"mail.example.org."}}
	if got := states(); got != "dkim ok, spf ok, dmarc ok, alignment ok, bounce_mx ok, ptr ok" || d.Health() != CheckOK {
		t.Error(got)
	}
	b.dns.err = &net.DNSError{Err: "i/o timeout", IsTimeout: true}
	if got := states(); strings.Contains(got, "missing") || d.Keys[0].Status != KeyActive || d.Health() != CheckUnknown {
		t.Errorf("no answer is taken for an answer: %s", got)
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
