package dkim

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestForm holds every byte of a field. The key is that of RFC 8463, appendix A.
func TestForm(t *testing.T) {
	t.Parallel()
	seed, err := base64.StdEncoding.DecodeString("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1800000000, 0)
	s, err := New([]Key{{Domain: "football.example.com", Selector: "brisbane", Signer: ed25519.NewKeyFromSeed(seed)}}, "", func() time.Time { return at })
	if err != nil {
		t.Fatal(err)
	}
	const raw = "To: Suzie  <suzie@shopping.example.net>\r\nFROM : Joe\r\n\t<joe@football.example.com>\r\nList-Id: <a>\r\nX-Other: x\r\nTo: b\r\n\r\nHi. \r\n\r\nJoe.\r\n\r\n"
	want := `DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; s=brisbane;
 t=1800000000; x=1801209600;
 h=From:From:To:To:To:Cc:Subject:Date:Reply-To:Sender:Message-ID:MIME-Version:
 Content-Type:Content-Transfer-Encoding:List-Unsubscribe:
 List-Unsubscribe-Post:List-Id;
 bh=pVpmAMtza+eBTnLsRSnm4bXA2CVs7eSChxy/pBYDyjU=;
 b=q+MA+sveuFI/WzDhUeK8xGurfK8j41KIYGPheBt55578rwE3NsBorrc9XZG3G0WK/0tM8tDycOw
 z6L9cv/kvAA==
`
	got, err := s.Sign(nil, []byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.ReplaceAll(want, "\n", "\r\n"), string(got)); diff != "" {
		t.Error(diff)
	}
	records := map[string]string{"brisbane._domainkey.football.example.com": "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="}
	if n, err := verifyRFC6376(string(got)+raw, records); n != 1 || err != nil {
		t.Errorf("%d signatures, %v", n, err)
	}
}

// TestLongNames checks the one case in which a line may be longer than 78 columns.
func TestLongNames(t *testing.T) {
	t.Parallel()
	keys, _ := setup(t)
	keys[1].Domain, keys[1].Selector = strings.Repeat("d", 60)+".example", strings.Repeat("s", 60)
	signed := sign(t, keys[1:], ProfileDefault, []byte("From: a\r\n\r\nx"))
	records := map[string]string{}
	value, err := RecordValue(keys[1].Signer.Public())
	if err != nil {
		t.Fatal(err)
	}
	records[RecordName(keys[1].Selector, keys[1].Domain)] = value
	if n, err := verifyRFC6376(string(signed), records); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if !bytes.Contains(signed, []byte("\r\n d="+keys[1].Domain+";\r\n s="+keys[1].Selector+";\r\n")) {
		t.Errorf("%q", signed)
	}
}

// TestManyMessagesAtOnce has goroutines share a signer, each with messages of its own.
func TestManyMessagesAtOnce(t *testing.T) {
	t.Parallel()
	keys, records := setup(t)
	at := time.Now()
	for i := range keys {
		k, err := Open(SigningAuto).Prepare(keys[i])
		if err != nil {
			t.Fatal(err)
		}
		keys[i] = k
	}
	s, err := New(keys, ProfileDefault, func() time.Time { return at })
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for g := range 6 {
		wg.Go(func() {
			for i := range 20 {
				raw := []byte("Subject: " + strings.Repeat("x ", g) + "\r\nFrom: a@acme.example\r\n\r\n" + strings.Repeat("line  \r\n", 1+i*g))
				signature, err := s.Sign(nil, raw)
				if err != nil {
					t.Error(err)
				}
				if n, err := verifyRFC6376(string(signature)+string(raw), records); n != 2 || err != nil {
					t.Errorf("%d, %v", n, err)
				}
			}
		})
	}
	wg.Wait()
}

// TestBackends holds that a message is signed with the same bytes by all of them.
func TestBackends(t *testing.T) {
	t.Parallel()
	keys, _ := setup(t)
	at, raw := time.Now(), newsletter(t)
	signed := func(b Backend) string {
		t.Helper()
		var prepared []Key
		for _, k := range keys {
			p, err := b.Prepare(k)
			if err != nil {
				t.Fatal(err)
			}
			if _, inGo := p.Signer.(*rsa.PrivateKey); inGo && b.Fast() {
				t.Error("the key is still Go's")
			}
			prepared = append(prepared, p)
		}
		s, err := New(prepared, ProfileDefault, func() time.Time { return at })
		if err != nil {
			t.Fatal(err)
		}
		signature, err := s.Sign(nil, raw)
		if err != nil {
			t.Fatal(err)
		}
		return string(signature)
	}
	auto, inGo := Open(SigningAuto), Open(SigningGo)
	if a, b := signed(auto), signed(inGo); a != b || a != signed(Backend{}) {
		t.Errorf("%s\n%s", a, b)
	}
	if inGo.Fast() || inGo.String() != "Go, because it was asked for" {
		t.Error(inGo)
	}
	if b := (Backend{why: "there is no OpenSSL"}); b.Fast() || b.String() != "Go, because there is no OpenSSL" {
		t.Error(b)
	}
	if auto.Fast() != strings.HasPrefix(auto.String(), "OpenSSL 3.") || !auto.Fast() && !strings.HasPrefix(auto.String(), "Go, because ") {
		t.Error(auto)
	}
}

// TestAKeyThatCannotBeGivenAway stays what it was and signs in Go.
func TestAKeyThatCannotBeGivenAway(t *testing.T) {
	t.Parallel()
	b := Open(SigningAuto)
	if !b.Fast() {
		t.Fatal("there is no library to give it to: ", b)
	}
	keys, _ := setup(t)
	broken := *keys[0].Signer.(*rsa.PrivateKey)
	broken.D = broken.N
	k := Key{Domain: "acme.example", Selector: "s", Signer: &broken}
	got, err := b.Prepare(k)
	if err == nil || !strings.Contains(err.Error(), "s._domainkey.acme.example") || strings.Contains(err.Error(), broken.D.String()) || got != k {
		t.Errorf("%v", err)
	}
}

type failing struct{ crypto.Signer }

var errFailing = errors.New("no signature today")

func (failing) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return nil, errFailing }

func TestAKeyThatFails(t *testing.T) {
	t.Parallel()
	keys, _ := setup(t)
	keys[1].Signer = failing{keys[1].Signer}
	s, err := New(keys, ProfileDefault, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	dst := []byte("keep")
	out, err := s.Sign(dst, []byte("From: a\r\n\r\nx"))
	if !errors.Is(err, errFailing) || string(out) != "keep" || !strings.Contains(err.Error(), "pr-ed25519._domainkey.acme.example") {
		t.Errorf("%v, %q", err, out)
	}
}

// TestProfileSESOverDuplicates signs once, and leaves alone what SES rewrites even when it is there twice.
func TestProfileSESOverDuplicates(t *testing.T) {
	t.Parallel()
	keys, records := setup(t)
	raw := []byte("Date: a\r\nMessage-ID: <a>\r\nFrom: a@acme.example\r\nDate: b\r\nmessage-id: <b>\r\nTo: x\r\nTo: y\r\n\r\nx\r\n")
	signed := string(sign(t, keys, ProfileSES, raw))
	if strings.Count(signed, fieldName) != 1 || !strings.Contains(signed, " h=From:From:To:To:To:Cc:Subject:Reply-To:Sender:MIME-Version:") {
		t.Errorf("%q", signed)
	}
	for _, edit := range []struct {
		from, to string
		holds    int
	}{{"Date: b", "Date: c", 1}, {"<a>", "<other>", 1}, {"\r\nFrom: a", "\r\nTo: z\r\nFrom: a", 0}, {"To: x\r\nTo: y", "To: y\r\nTo: x", 0}} {
		n, err := verifyRFC6376(strings.Replace(signed, edit.from, edit.to, 1), records)
		if n != 1 || (err == nil) != (edit.holds == 1) {
			t.Errorf("%s → %s: %v", edit.from, edit.to, err)
		}
	}
}

func TestALargeMessageIsNotKept(t *testing.T) {
	t.Parallel()
	keys, records := setup(t)
	raw := append([]byte("From: a@acme.example\r\n\r\n"), bytes.Repeat([]byte("a  line \r\n"), mostKept/8)...)
	if n, err := verifyRFC6376(string(sign(t, keys, ProfileDefault, raw)), records); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

// TestNoAllocations leaves the pool out, which the race detector makes forget on purpose.
func TestNoAllocations(t *testing.T) {
	keys, _ := setup(t)
	keys[0].Signer = nullSigner{keys[0].Signer, make([]byte, 256)}
	s, err := New(keys[:1], ProfileDefault, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	raw, dst, w := newsletter(t), make([]byte, 0, 4096), new(scratch)
	if n := testing.AllocsPerRun(50, func() { _, err = s.sign(dst, raw, w) }); n > 0 || err != nil {
		t.Errorf("%v allocations, %v", n, err)
	}
}

func TestFirstKeyIsAnnouncedOnce(t *testing.T) {
	t.Parallel()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []string{SigningAuto, SigningGo} {
		calls := 0
		b := Open(mode).OnFirstKey(func() { calls++ })
		for i, signer := range []crypto.Signer{ed, private, private} {
			if _, err := b.Prepare(Key{Domain: "example.org", Selector: "s", Signer: signer}); err != nil {
				t.Fatal(err)
			}
			if want := min(i, 1); calls != want {
				t.Errorf("%s: %d calls after key %d, want %d", mode, calls, i+1, want)
			}
		}
	}
}
