package sender

import (
	"strings"
	"testing"
	"time"

	"postrider/internal/errs"
)

// check looks at the DNS of a domain and gives the states of its keys.
func (b *bundle) check(t *testing.T, id int64) (Domain, string) {
	t.Helper()
	d, err := b.CheckDomain(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	var states []string
	for _, k := range d.Keys {
		states = append(states, k.Status)
	}
	return d, strings.Join(states, " ")
}

func (b *bundle) publish(k Key) { b.dns.set(k.RecordName, k.RecordValue) }

func (b *bundle) addKey(t *testing.T, id int64, algorithm string) Key {
	t.Helper()
	d, err := b.AddKey(t.Context(), id, algorithm)
	if err != nil {
		t.Fatal(err)
	}
	return d.Keys[len(d.Keys)-1]
}

func (b *bundle) wantStates(t *testing.T, id int64, want, when string) Domain {
	t.Helper()
	d, got := b.check(t, id)
	if got != want {
		t.Errorf("%s: %s, want %s", when, got, want)
	}
	return d
}

func TestKeysRotateWithoutAGap(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.domain(t, "example.org").ID
	first := b.wantStates(t, id, "pending", "not published").Keys[0]
	if got := b.selectors(t, "example.org", "default"); got != first.Selector {
		t.Errorf("for want of another key signed by %s", got)
	}
	b.publish(first)
	if d := b.wantStates(t, id, "active", "the first key, published"); d.Keys[0].ActivatedAt == nil || d.Keys[0].SeenAt == nil {
		t.Errorf("%+v", d.Keys[0])
	}
	second := b.addKey(t, id, AlgorithmRSA2048)
	b.publish(second)
	b.wantStates(t, id, "active pending", "seen once")
	b.clock.advance(seenFor - time.Second)
	b.wantStates(t, id, "active pending", "not seen for long enough")
	b.dns.set(second.RecordName)
	b.wantStates(t, id, "active pending", "gone again")
	b.clock.advance(time.Second)
	b.publish(second)
	b.wantStates(t, id, "active pending", "seen again")
	b.dns.down = map[string]bool{second.RecordName: true}
	b.clock.advance(seenFor)
	b.wantStates(t, id, "active pending", "not answered")
	if got := b.selectors(t, "example.org", "default"); got != first.Selector {
		t.Errorf("signed by %s", got)
	}
	b.dns.down = nil
	d := b.wantStates(t, id, "retired active", "seen for long enough")
	if got := b.selectors(t, "example.org", "default"); got != second.Selector {
		t.Errorf("after the rotation signed by %s", got)
	}
	if until := d.Keys[0].KeepUntil(); until == nil || until.Sub(b.clock.now()).Round(time.Second) != keepRetired || d.Keys[1].KeepUntil() != nil {
		t.Errorf("keep until %v", until)
	}
}

func TestSecondSignature(t *testing.T) {
	t.Parallel()
	b := setup(t)
	d := b.domain(t, "example.org")
	rsa := d.Keys[0]
	ed := b.addKey(t, d.ID, AlgorithmEd25519)
	if got := b.selectors(t, "example.org", "default"); got != rsa.Selector {
		t.Errorf("a key that nobody has seen signs: %s", got)
	}
	b.publish(ed)
	b.wantStates(t, d.ID, "pending active", "beside RSA there is nothing to take over from")
	if got := b.selectors(t, "example.org", "default"); got != rsa.Selector+" "+ed.Selector {
		t.Errorf("signed by %s", got)
	}
	if got := b.selectors(t, "Example.org", "ses"); got != rsa.Selector {
		t.Errorf("signed for SES by %s", got)
	}
	if _, err := b.RetireKey(t.Context(), ed.ID); err != nil {
		t.Errorf("taking the second signature away: %v", err)
	}
}

func TestRetireKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	d := b.domain(t, "example.org")
	first := d.Keys[0]
	conflict := func(id int64, text string) {
		t.Helper()
		if _, err := b.RetireKey(t.Context(), id); !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), text) {
			t.Errorf("%v, want …%s…", err, text)
		}
	}
	conflict(first.ID, "the last RSA key")
	if _, err := b.AddKey(t.Context(), d.ID, AlgorithmRSA2048); !errs.Is(err, errs.Conflict) {
		t.Errorf("two keys wait: %v", err)
	}
	b.publish(first)
	b.wantStates(t, d.ID, "active", "published")
	second := b.addKey(t, d.ID, AlgorithmRSA2048)
	b.check(t, d.ID)
	conflict(first.ID, "its record was not found")
	b.dns.down = map[string]bool{second.RecordName: true}
	b.check(t, d.ID)
	d, err := b.RetireKey(t.Context(), first.ID)
	if err != nil || d.Keys[0].Status != KeyRetired || d.Keys[0].RetiredAt == nil {
		t.Fatalf("DNS does not answer, so a person decides: %+v, %v", d, err)
	}
	if got := b.selectors(t, "example.org", "default"); got != second.Selector {
		t.Errorf("signed by %s", got)
	}
	at := *d.Keys[0].RetiredAt
	b.clock.advance(time.Hour)
	if d, err = b.RetireKey(t.Context(), first.ID); err != nil || !d.Keys[0].RetiredAt.Equal(at) {
		t.Errorf("retired twice: %v", err)
	}
	conflict(second.ID, "the last RSA key")
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
