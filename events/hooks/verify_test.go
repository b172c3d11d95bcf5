package hooks

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // what Mandrill signs with
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// signer makes requests of one provider as it would.
type signer struct {
	provider Provider
	key      string // as a person enters it
	other    string // another key of the same form
	age      time.Duration
	body     string // one bounce
	sign     func(body string, at time.Time) Request
	// alter changes something that is signed.
	alter func(r *Request)
	// strip takes the signature away.
	strip func(r *Request)
	// spoil makes the signature another one of the same form.
	spoil func(r *Request)
}

func flip(encoded string) string {
	if strings.HasPrefix(encoded, "A") {
		return "B" + encoded[1:]
	}
	return "A" + encoded[1:]
}

func flipHeader(name, prefix string) func(*Request) {
	return func(r *Request) { r.Header.Set(name, prefix+flip(strings.TrimPrefix(r.Header.Get(name), prefix))) }
}

func stripHeader(name string) func(*Request) { return func(r *Request) { r.Header.Del(name) } }

func signers(t testing.TB) []signer {
	t.Helper()
	return []signer{sendGridSigner(t), mailgunSigner(), mandrillSigner(), resendSigner()}
}

func ecKey(t testing.TB) (*ecdsa.PrivateKey, string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&k.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return k, base64.StdEncoding.EncodeToString(der)
}

func sendGridSigner(t testing.TB) signer {
	k, public := ecKey(t)
	_, other := ecKey(t)
	const signature, stamp = "X-Twilio-Email-Event-Webhook-Signature", "X-Twilio-Email-Event-Webhook-Timestamp"
	return signer{
		provider: SendGrid, key: public, other: other, age: maxSendGridAge,
		body: `[{"email":"gone@tree.club","timestamp":1795694000,"event":"bounce","type":"bounce","sg_event_id":"ev-1","sg_message_id":"Qm3x.filterdrecv-1","reason":"550 5.1.1 User unknown","status":"5.1.1"}]`,
		sign: func(body string, at time.Time) Request {
			text := strconv.FormatInt(at.Unix(), 10)
			sum := sha256.Sum256([]byte(text + body))
			sig, err := ecdsa.SignASN1(rand.Reader, k, sum[:])
			if err != nil {
				panic(err)
			}
			h := http.Header{}
			h.Set(stamp, text)
			h.Set(signature, base64.StdEncoding.EncodeToString(sig))
			return Request{Header: h, Body: []byte(body), Now: now}
		},
		alter: func(r *Request) { r.Body = bytes.Replace(r.Body, []byte("gone@"), []byte("ada@"), 1) },
		strip: stripHeader(signature),
		spoil: func(r *Request) {
			sig, err := base64.StdEncoding.DecodeString(r.Header.Get(signature))
			if err != nil {
				panic(err)
			}
			sig[len(sig)-1] ^= 1
			r.Header.Set(signature, base64.StdEncoding.EncodeToString(sig))
		},
	}
}

func mailgunSigner() signer {
	const key = "0123456789abcdef0123456789abcdef"
	return signer{
		provider: Mailgun, key: key, other: "fedcba9876543210fedcba9876543210", age: maxMailgunAge,
		body: `{"event":"failed","severity":"permanent","reason":"bounce","id":"mg-1","timestamp":1795694000.5,"recipient":"gone@tree.club",` +
			`"delivery-status":{"code":550,"enhanced-code":"5.1.1","message":"5.1.1 User unknown","bounce-type":"hard"}}`,
		sign: func(body string, at time.Time) Request {
			stamp, token := strconv.FormatInt(at.Unix(), 10), strings.Repeat("7f", 25)
			mac := hmac.New(sha256.New, []byte(key))
			mac.Write([]byte(stamp + token))
			whole := fmt.Sprintf(`{"signature":{"timestamp":%q,"token":%q,"signature":%q},"event-data":%s}`, stamp, token, hex.EncodeToString(mac.Sum(nil)), body)
			return Request{Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(whole), Now: now}
		},
		// Mailgun signs timestamp and token only; that a token cannot carry other events is looked at where tokens are kept.
		alter: func(r *Request) { r.Body = bytes.Replace(r.Body, []byte("7f7f"), []byte("7f7e"), 1) },
		strip: func(r *Request) { r.Body = bytes.Replace(r.Body, []byte(`"signature":"`), []byte(`"signatur":"`), 1) },
		spoil: func(r *Request) {
			const mark = `"signature":"`
			at := bytes.Index(r.Body, []byte(mark)) + len(mark)
			r.Body[at] ^= 1 // another hexadecimal digit
		},
	}
}

func mandrillSigner() signer {
	const key, address = "MandrillTestKey_123456", "https://news.tree.club/hooks/mandrill/3/SECRET"
	return signer{
		provider: Mandrill, key: key, other: "MandrillTestKey_654321",
		body: `[{"event":"hard_bounce","ts":1795694000,"_id":"m1","msg":{"_id":"m1","email":"gone@tree.club","bounce_description":"bad_mailbox","diag":"smtp;550 5.1.1 User unknown"}}]`,
		sign: func(body string, _ time.Time) Request {
			mac := hmac.New(sha1.New, []byte(key))
			mac.Write([]byte(address + mandrillEvents + body))
			h := http.Header{}
			h.Set("X-Mandrill-Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
			return Request{URL: address, Header: h, Body: []byte(url.Values{mandrillEvents: {body}}.Encode()), Now: now}
		},
		alter: func(r *Request) { r.Body = bytes.Replace(r.Body, []byte("gone"), []byte("ada"), 1) },
		strip: stripHeader("X-Mandrill-Signature"),
		spoil: flipHeader("X-Mandrill-Signature", ""),
	}
}

func resendSigner() signer {
	secret := []byte("0123456789abcdefghijklmn")
	return signer{
		provider: Resend, key: "whsec_" + base64.StdEncoding.EncodeToString(secret), other: "whsec_" + base64.StdEncoding.EncodeToString([]byte("another secret, as long")),
		age: maxResendAge,
		body: `{"type":"email.bounced","created_at":"2026-11-26T11:59:00.000Z","data":{"email_id":"re-1","to":["gone@tree.club"],` +
			`"bounce":{"type":"Permanent","subType":"General","message":"The recipient's email provider sent a hard bounce message."}}}`,
		sign: func(body string, at time.Time) Request {
			stamp := strconv.FormatInt(at.Unix(), 10)
			mac := hmac.New(sha256.New, secret)
			mac.Write([]byte("msg_1." + stamp + "." + body))
			h := http.Header{}
			h.Set("Svix-Id", "msg_1")
			h.Set("Svix-Timestamp", stamp)
			h.Set("Svix-Signature", "v1,AAAA v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil))+" v2,x")
			return Request{Header: h, Body: []byte(body), Now: now}
		},
		alter: func(r *Request) { r.Body = bytes.Replace(r.Body, []byte("gone@"), []byte("ada@"), 1) },
		strip: stripHeader("Svix-Signature"),
		spoil: flipHeader("Svix-Signature", "v1,AAAA v1,"),
	}
}

func kindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

func TestSignatures(t *testing.T) {
	t.Parallel()
	for _, s := range signers(t) {
		t.Run(string(s.provider), func(t *testing.T) {
			t.Parallel()
			if err := CheckKey(s.provider, s.key); err != nil {
				t.Fatalf("the key is not taken: %v", err)
			}
			good := s.sign(s.body, now)
			if _, err := Verify(s.provider, s.key, good); err != nil {
				t.Fatalf("good: %v", err)
			}
			reports, err := Parse(s.provider, good)
			if err != nil || len(reports) != 1 || !reports[0].Hard || reports[0].Address != "gone@tree.club" {
				t.Fatalf("the bounce of the good request: %+v, %v", reports, err)
			}
			refused := func(what string, key string, change func(*Request), want Kind) {
				t.Helper()
				r := s.sign(s.body, now)
				change(&r)
				if _, err := Verify(s.provider, key, r); kindOf(err) != want {
					t.Errorf("%s: %v, want %s", what, err, want)
				}
			}
			nothing := func(*Request) {}
			refused("altered content", s.key, s.alter, BadSignature)
			refused("without a signature", s.key, s.strip, BadSignature)
			refused("with another signature", s.key, s.spoil, BadSignature)
			refused("signed with another key", s.other, nothing, BadSignature)
			refused("before the key is known", "", nothing, NoKey)
			refused("too large", s.key, func(r *Request) { r.Body = make([]byte, MaxBody+1) }, Malformed)
			if s.age == 0 {
				return
			}
			for _, c := range []struct {
				what string
				at   time.Time
				want Kind
			}{
				{"at the end of its time", now.Add(-s.age), ""}, {"expired", now.Add(-s.age - time.Second), TooOld},
				{"a clock that is a little ahead", now.Add(ahead), ""}, {"from the future", now.Add(ahead + time.Second), TooOld},
			} {
				if _, err := Verify(s.provider, s.key, s.sign(s.body, c.at)); kindOf(err) != c.want {
					t.Errorf("%s: %v, want %q", c.what, err, c.want)
				}
			}
		})
	}
}

func TestRepetitionsCarryTheSameMark(t *testing.T) {
	t.Parallel()
	for _, s := range signers(t) {
		first, err := Verify(s.provider, s.key, s.sign(s.body, now))
		if err != nil {
			t.Fatal(err)
		}
		second, err := Verify(s.provider, s.key, s.sign(s.body, now))
		if err != nil {
			t.Fatal(err)
		}
		if first != second {
			t.Errorf("%s: %+v and then %+v", s.provider, first, second)
		}
		if signsTime := s.age > 0; signsTime != (first.Replay != "") || signsTime && !first.Until.Equal(now.Add(s.age)) {
			t.Errorf("%s: mark %+v", s.provider, first)
		}
	}
}

func TestTheAddressIsPartOfMandrillsSignature(t *testing.T) {
	t.Parallel()
	s := mandrillSigner()
	r := s.sign(s.body, now)
	r.URL = strings.Replace(r.URL, "https://", "http://", 1)
	if _, err := Verify(Mandrill, s.key, r); kindOf(err) != BadSignature {
		t.Errorf("another address: %v", err)
	}
	r = s.sign(s.body, now)
	r.Body = append(r.Body, "&mandrill_events=%5B%5D"...)
	if _, err := Verify(Mandrill, s.key, r); kindOf(err) != Malformed {
		t.Errorf("a field twice: %v", err)
	}
	r = s.sign(s.body, now)
	r.Body = append(r.Body, "&more=1"...)
	if _, err := Verify(Mandrill, s.key, r); kindOf(err) != BadSignature {
		t.Errorf("a further field: %v", err)
	}
}

func TestKeysAreLookedAt(t *testing.T) {
	t.Parallel()
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&p384.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for p, wrong := range map[Provider][]string{
		SendGrid: {"", "hello", "aGVsbG8=", base64.StdEncoding.EncodeToString(der)},
		Mailgun:  {"", "short", "with a space in the middle of it"},
		Mandrill: {"", "short", "with a space"},
		Resend:   {"", "whsec_", "whsec_c2hvcnQ=", base64.StdEncoding.EncodeToString(make([]byte, 24)), "whsec_%%%"},
		Postmark: {"anything at all will do"}, "nobody": {"x"},
	} {
		for _, key := range wrong {
			if err := CheckKey(p, key); kindOf(err) != Malformed || len(key) > 8 && strings.Contains(err.Error(), key) {
				t.Errorf("%s takes %q: %v", p, key, err)
			}
		}
	}
}

func TestProvidersAreKnown(t *testing.T) {
	t.Parallel()
	signing := 0
	for _, p := range Providers() {
		if !p.Known() || p.Name() == "" {
			t.Errorf("%s is not known", p)
		}
		if p.Signs() {
			signing++
		}
	}
	if signing != 4 || Provider("nobody").Known() {
		t.Errorf("%d providers sign with a key", signing)
	}
	if _, err := Verify("nobody", "x", Request{}); kindOf(err) != Malformed {
		t.Errorf("%v", err)
	}
}

func TestRequestsBeforeTheKey(t *testing.T) {
	t.Parallel()
	form := func(s string) []byte { return []byte(url.Values{mandrillEvents: {s}}.Encode()) }
	for _, c := range []struct {
		p    Provider
		body []byte
		want bool
	}{
		{Mandrill, form("[]"), true}, {Mandrill, form(`[{"event":"spam"}]`), false}, {Mandrill, []byte("[]"), false},
		{SparkPost, []byte(`[{"msys":{}}]`), true}, {SparkPost, []byte(`[{"msys":{"message_event":{"type":"bounce"}}}]`), false}, {SparkPost, []byte(`[{}]`), false},
		{SendGrid, []byte(`[]`), false}, {Mandrill, form("[" + strings.Repeat(" ", 2000) + "]"), false},
	} {
		if got := IsTest(c.p, Request{Body: c.body}); got != c.want {
			t.Errorf("IsTest(%s, %.60s) = %v", c.p, c.body, got)
		}
	}
}
