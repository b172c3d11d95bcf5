package api

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // what Mandrill signs with
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"postrider/events"
	"postrider/internal/auth"
)

// taker stands for the ledger.
type taker struct {
	mu    sync.Mutex
	fail  error
	took  []events.Report
	calls int
	// before is called while a request is taken.
	before func()
}

func (k *taker) TakeReports(_ context.Context, reports []events.Report) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.calls++
	if k.before != nil {
		k.before()
	}
	if k.fail != nil {
		return k.fail
	}
	k.took = append(k.took, reports...)
	return nil
}

// hookSender makes requests of one provider.
type hookSender struct {
	provider string
	key      string // "" where none is needed
	body     string // one hard bounce of gone@tree.club
	// sign gives header and whole body for an address.
	sign func(address, body string, at time.Time) (http.Header, string)
	// alter changes what is signed, "" when nothing is.
	alter func(h http.Header, whole string) string
	age   time.Duration // after which a request is too old, 0 when it never is
}

func mac(newHash func() hash.Hash, key []byte, text string) []byte {
	m := hmac.New(newHash, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

func inBody(old, text string) func(http.Header, string) string {
	return func(_ http.Header, whole string) string { return strings.Replace(whole, old, text, 1) }
}

func hookSenders(t *testing.T) []hookSender {
	t.Helper()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&ec.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	secret := []byte("0123456789abcdefghijklmn")
	unsigned := func(_, body string, _ time.Time) (http.Header, string) { return http.Header{}, body }
	return []hookSender{
		{
			provider: "sendgrid", key: base64.StdEncoding.EncodeToString(der), age: 25 * time.Hour, alter: inBody("gone@", "ada@"),
			body: `[{"email":"gone@tree.club","event":"bounce","type":"bounce","sg_event_id":"e1","reason":"550 5.1.1 User unknown"}]`,
			sign: func(_, body string, at time.Time) (http.Header, string) {
				stamp := strconv.FormatInt(at.Unix(), 10)
				sum := sha256.Sum256([]byte(stamp + body))
				sig, err := ecdsa.SignASN1(rand.Reader, ec, sum[:])
				if err != nil {
					panic(err)
				}
				return http.Header{"X-Twilio-Email-Event-Webhook-Timestamp": {stamp}, "X-Twilio-Email-Event-Webhook-Signature": {base64.StdEncoding.EncodeToString(sig)}}, body
			},
		},
		{
			provider: "mailgun", key: "0123456789abcdef0123456789abcdef", age: 12 * time.Hour, alter: inBody("token-of-one-use", "token-of-two-use"),
			body: `{"event":"failed","severity":"permanent","id":"m1","timestamp":1795694000.5,"recipient":"gone@tree.club","delivery-status":{"code":550,"message":"5.1.1 User unknown"}}`,
			sign: func(_, body string, at time.Time) (http.Header, string) {
				stamp := strconv.FormatInt(at.Unix(), 10)
				sig := hex.EncodeToString(mac(sha256.New, []byte("0123456789abcdef0123456789abcdef"), stamp+"token-of-one-use"))
				return http.Header{}, fmt.Sprintf(`{"signature":{"timestamp":%q,"token":"token-of-one-use","signature":%q},"event-data":%s}`, stamp, sig, body)
			},
		},
		{
			provider: "mandrill", key: "MandrillTestKey_123456", alter: inBody("gone", "ada"),
			body: `[{"event":"hard_bounce","ts":1795694000,"_id":"m1","msg":{"_id":"m1","email":"gone@tree.club","diag":"smtp;550 5.1.1 User unknown"}}]`,
			sign: func(address, body string, _ time.Time) (http.Header, string) {
				sig := mac(sha1.New, []byte("MandrillTestKey_123456"), address+"mandrill_events"+body)
				return http.Header{"X-Mandrill-Signature": {base64.StdEncoding.EncodeToString(sig)}}, url.Values{"mandrill_events": {body}}.Encode()
			},
		},
		{
			provider: "resend", key: "whsec_" + base64.StdEncoding.EncodeToString(secret), age: 5 * time.Minute, alter: inBody("gone@", "ada@"),
			body: `{"type":"email.bounced","data":{"email_id":"r1","to":["gone@tree.club"],"bounce":{"type":"Permanent","subType":"NoEmail","message":"no"}}}`,
			sign: func(_, body string, at time.Time) (http.Header, string) {
				stamp := strconv.FormatInt(at.Unix(), 10)
				sig := mac(sha256.New, secret, "msg_1."+stamp+"."+body)
				return http.Header{"Svix-Id": {"msg_1"}, "Svix-Timestamp": {stamp}, "Svix-Signature": {"v1," + base64.StdEncoding.EncodeToString(sig)}}, body
			},
		},
		{provider: "postmark", sign: unsigned, body: `{"RecordType":"Bounce","ID":1,"Type":"HardBounce","MessageID":"p1","Email":"gone@tree.club","Details":"smtp;550 5.1.1 User unknown"}`},
		{provider: "brevo", sign: unsigned, body: `{"event":"hard_bounce","email":"gone@tree.club","message-id":"<x@tree.club>","reason":"550 5.1.1 User unknown"}`},
		{provider: "sparkpost", sign: unsigned, body: `[{"msys":{"message_event":{"type":"bounce","event_id":"1","raw_rcpt_to":"gone@tree.club","bounce_class":"10"}}}]`},
	}
}

// send brings a request to an address.
func (b *bundle) send(t *testing.T, address string, h http.Header, body string) *response {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, u.Path, strings.NewReader(body))
	for name, values := range h {
		r.Header[name] = values
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	return &response{t: t, ResponseRecorder: w, what: "POST " + u.Path}
}

type hookSource struct {
	ID                         int64
	URL                        *string
	NeedsKey                   bool `json:"needs_key"`
	HasKey                     bool `json:"has_key"`
	Received, Reports, Refused int64
	LastReceivedAt             *time.Time `json:"last_received_at"`
	LastError                  *string    `json:"last_error"`
	Topics                     []struct {
		ARN         string
		AcceptedAt  *time.Time `json:"accepted_at"`
		ConfirmedAt *time.Time `json:"confirmed_at"`
		Problem     *string
	}
}

// withPublicURL sets the public URL, without which there is no address to give.
func withPublicURL(t *testing.T, b *bundle) *client {
	t.Helper()
	c := b.admin(t)
	set, err := b.deps.Settings.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	set.PublicURL = "https://news.tree.club"
	if _, err := b.deps.Settings.Put(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	return c
}

func newHook(t *testing.T, c *client, provider, key string) hookSource {
	t.Helper()
	var v hookSource
	c.post("/webhook-sources", fmt.Sprintf(`{"provider":%q,"signing_key":%q}`, provider, key)).want(http.StatusCreated).json(&v)
	if v.URL == nil || !strings.HasPrefix(*v.URL, "https://news.tree.club/hooks/"+provider+"/") {
		t.Fatalf("the address is %v", v.URL)
	}
	return v
}

func readHookSource(t *testing.T, c *client, id int64) hookSource {
	t.Helper()
	var v hookSource
	c.get(fmt.Sprintf("/webhook-sources/%d", id)).want(http.StatusOK).json(&v)
	return v
}

func count(t *testing.T, b *bundle, sql string) (n int) {
	t.Helper()
	if err := b.pool.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

const seenRows = `SELECT count(*) FROM webhook_seen`

func TestWebhooksOfProviders(t *testing.T) {
	t.Parallel()
	for _, s := range hookSenders(t) {
		t.Run(s.provider, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			c := withPublicURL(t, b)
			hook := newHook(t, c, s.provider, s.key)
			at := time.Now()
			b.hookAt = func() time.Time { return at }
			send := func() *response {
				h, whole := s.sign(*hook.URL, s.body, at)
				return b.send(t, *hook.URL, h, whole)
			}
			b.taker.before = func() {
				if n := count(t, b, seenRows); n != 0 || readHookSource(t, c, hook.ID).Received != 0 {
					t.Errorf("it was marked as taken before it was")
				}
			}
			// What cannot be stored comes again, and is then taken.
			b.taker.fail = errors.New("the ledger is away")
			r := send().want(http.StatusServiceUnavailable)
			if r.Header().Get("Retry-After") == "" || strings.Contains(r.Body.String(), "ledger") {
				t.Errorf("%v %s", r.Header(), r.Body)
			}
			if v := readHookSource(t, c, hook.ID); v.Received != 0 || v.Refused != 1 || v.LastError == nil || count(t, b, seenRows) != 0 {
				t.Errorf("after the failure: %+v", v)
			}
			b.taker.fail = nil
			send().want(http.StatusOK)
			if len(b.taker.took) != 1 || b.taker.took[0].Address != "gone@tree.club" || !b.taker.took[0].Hard || b.taker.took[0].Source != s.provider {
				t.Fatalf("took %+v", b.taker.took)
			}
			b.taker.before = nil

			// The same again is answered with yes. Where the provider marks its requests it is not even handed on.
			send().want(http.StatusOK)
			for _, again := range b.taker.took[1:] {
				if s.age > 0 || again.Key != b.taker.took[0].Key {
					t.Errorf("the repetition was taken as %+v", again)
				}
			}
			if v := readHookSource(t, c, hook.ID); v.Received != 2 || v.LastReceivedAt == nil {
				t.Errorf("counted %+v", v)
			}
			if s.alter == nil {
				return
			}
			taken := len(b.taker.took)
			h, whole := s.sign(*hook.URL, s.body, at)
			b.send(t, *hook.URL, h, s.alter(h, whole)).problem(http.StatusForbidden)
			b.send(t, *hook.URL, http.Header{}, strings.Replace(whole, `"signature":"`, `"signatur":"`, 1)).problem(http.StatusForbidden)
			if s.age > 0 {
				signed := at
				at = at.Add(s.age + time.Second)
				h, whole = s.sign(*hook.URL, s.body, signed)
				b.send(t, *hook.URL, h, whole).problem(http.StatusForbidden)
			}
			if v := readHookSource(t, c, hook.ID); len(b.taker.took) != taken || v.LastError == nil || v.Refused < 3 {
				t.Errorf("%d taken, %+v", len(b.taker.took), v)
			}
			if secrets := *hook.URL; strings.Contains(b.logs.String(), secrets[len(secrets)-20:]) || strings.Contains(b.logs.String(), s.key) || strings.Contains(b.logs.String(), "gone@") {
				t.Error("a secret or an address is in the log")
			}
		})
	}
}

func TestAMailgunTokenCarriesNothingElse(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := withPublicURL(t, b)
	s := hookSenders(t)[1]
	hook := newHook(t, c, s.provider, s.key)
	at := time.Now()
	b.hookAt = func() time.Time { return at }
	h, whole := s.sign(*hook.URL, s.body, at)
	b.send(t, *hook.URL, h, whole).want(http.StatusOK)
	b.send(t, *hook.URL, h, strings.Replace(whole, "gone@", "ada@", 1)).problem(http.StatusForbidden)
	if len(b.taker.took) != 1 {
		t.Errorf("took %d", len(b.taker.took))
	}
	// Another webhook has tokens of its own.
	other := c.post("/webhook-sources", fmt.Sprintf(`{"provider":"mailgun","name":"second","signing_key":%q}`, s.key)).want(http.StatusCreated)
	var v hookSource
	other.json(&v)
	b.send(t, *v.URL, h, whole).want(http.StatusOK)
	if n := count(t, b, seenRows); n != 2 {
		t.Errorf("%d marks", n)
	}
	at = at.Add(13 * time.Hour)
	if err := b.deps.Hooks.Cleanup(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := count(t, b, seenRows); n != 0 {
		t.Errorf("%d marks are kept for ever", n)
	}
}

func TestWebhookBeforeItsKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := withPublicURL(t, b)
	for _, s := range hookSenders(t)[:4] {
		hook := newHook(t, c, s.provider, "")
		h, whole := s.sign(*hook.URL, s.body, time.Now())
		// 503, so that the provider comes again when somebody has entered the key.
		b.send(t, *hook.URL, h, whole).problem(http.StatusServiceUnavailable)
		if v := readHookSource(t, c, hook.ID); !v.NeedsKey || v.HasKey || v.LastError == nil || !strings.Contains(*v.LastError, "signing key") {
			t.Errorf("%s: %+v", s.provider, v)
		}
		c.put(fmt.Sprintf("/webhook-sources/%d", hook.ID), fmt.Sprintf(`{"signing_key":%q}`, s.key)).want(http.StatusOK)
		b.send(t, *hook.URL, h, whole).want(http.StatusOK)
	}
	if len(b.taker.took) != 4 {
		t.Errorf("took %d", len(b.taker.took))
	}
}

func TestWebhookTestsOfProviders(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := withPublicURL(t, b)
	mandrill, sparkPost := newHook(t, c, "mandrill", ""), newHook(t, c, "sparkpost", "")
	b.send(t, *mandrill.URL, http.Header{}, "mandrill_events=%5B%5D").want(http.StatusOK)
	b.send(t, *sparkPost.URL, http.Header{}, `[{"msys":{}}]`).want(http.StatusOK)
	u, err := url.Parse(*mandrill.URL)
	if err != nil {
		t.Fatal(err)
	}
	b.client(t).do(http.MethodHead, u.Path, "").want(http.StatusOK)
	if r := b.client(t).do(http.MethodGet, u.Path, "").want(http.StatusOK); !strings.Contains(r.Body.String(), "Mandrill") {
		t.Errorf("%s", r.Body)
	}
	if b.taker.calls != 0 || readHookSource(t, c, mandrill.ID).Received != 1 {
		t.Errorf("%d calls", b.taker.calls)
	}
}

func TestWrongWebhookAddresses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := withPublicURL(t, b)
	hook := newHook(t, c, "postmark", "")
	body := hookSenders(t)[4].body
	good := *hook.URL
	for _, address := range []string{
		good[:len(good)-1], good + "A", strings.Replace(good, "/postmark/", "/brevo/", 1), strings.Replace(good, "/postmark/", "/nobody/", 1),
		strings.Replace(good, fmt.Sprintf("/%d/", hook.ID), "/999/", 1), strings.Replace(good, fmt.Sprintf("/%d/", hook.ID), "/x/", 1),
		strings.Replace(good, fmt.Sprintf("/%d/", hook.ID), "/99999999999999999999/", 1),
	} {
		p := b.send(t, address, http.Header{}, body).problem(http.StatusNotFound)
		if p.Detail != "there is no such webhook: copy its address again from Provider webhooks" {
			t.Errorf("%s", p.Detail)
		}
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		b.client(t).do(http.MethodHead, u.Path, "").want(http.StatusNotFound)
	}
	b.send(t, good, http.Header{}, strings.Repeat(" ", 5<<20+1)).problem(http.StatusRequestEntityTooLarge)
	b.send(t, good, http.Header{}, `{"RecordType":`).problem(http.StatusBadRequest)
	if v := readHookSource(t, c, hook.ID); v.LastError == nil || b.taker.calls != 0 {
		t.Errorf("%+v", v)
	}
	var renewed hookSource
	c.post(fmt.Sprintf("/webhook-sources/%d/renew", hook.ID), "").want(http.StatusOK).json(&renewed)
	b.send(t, good, http.Header{}, body).want(http.StatusNotFound)
	b.send(t, *renewed.URL, http.Header{}, body).want(http.StatusOK)
	c.remove(fmt.Sprintf("/webhook-sources/%d", hook.ID)).want(http.StatusNoContent)
	b.send(t, *renewed.URL, http.Header{}, body).want(http.StatusNotFound)
}

func TestWebhookSources(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := withPublicURL(t, b)
	const key = "0123456789abcdef0123456789abcdef"
	r := c.post("/webhook-sources", `{"provider":"mailgun","name":" Letters ","signing_key":"`+key+`"}`).want(http.StatusCreated)
	r.keys("", "id name provider url needs_key has_key received reports refused last_received_at last_error last_error_at topics created_at updated_at")
	var v struct {
		hookSource
		Name string
	}
	r.json(&v)
	if v.Name != "Letters" || !v.HasKey || !v.NeedsKey || strings.Contains(r.Body.String(), key) {
		t.Errorf("%s", r.Body)
	}
	if got := c.post("/webhook-sources", `{"provider":"mailgun","name":"letters"}`).problem(http.StatusConflict).locations(); len(got) != 1 || got[0] != "body.name" {
		t.Errorf("%v", got)
	}
	for body, location := range map[string]string{
		`{"provider":"mailgun","name":"x","signing_key":"short"}`: "body.signing_key", `{"provider":"postmark","name":"y","signing_key":"whatever it may be"}`: "body.signing_key",
		`{"name":"z"}`: "body.provider", `{"provider":"nobody"}`: "body.provider", `{"provider":"brevo","name":"` + strings.Repeat("x", 101) + `"}`: "body.name",
		`{"provider":"brevo","name":"a\nb"}`: "body.name",
	} {
		if got := c.post("/webhook-sources", body).problem(http.StatusBadRequest).locations(); len(got) != 1 || got[0] != location {
			t.Errorf("%s: %v", body, got)
		}
	}
	path := fmt.Sprintf("/webhook-sources/%d", v.ID)
	c.put(path, `{"provider":"brevo"}`).problem(http.StatusBadRequest)
	c.put(path, `{"name":"Other"}`).want(http.StatusOK).json(&v)
	if !v.HasKey || v.Name != "Other" {
		t.Errorf("the key is lost: %+v", v)
	}
	c.put(path, `{"name":"Other","signing_key":""}`).want(http.StatusOK).json(&v)
	if v.HasKey {
		t.Error("the key stays")
	}
	var sealed []byte
	if err := b.pool.QueryRow(t.Context(), `SELECT path_secret FROM webhook_sources`).Scan(&sealed); err != nil {
		t.Fatal(err)
	}
	if strings.Contains((*v.URL), string(sealed)) || strings.Contains(string(sealed), (*v.URL)[len(*v.URL)-26:]) {
		t.Error("the secret is stored as it is")
	}

	reader := b.program(t, auth.SendingRead)
	var page struct{ Items []hookSource }
	if reader.get("/webhook-sources").want(http.StatusOK).json(&page); len(page.Items) != 1 || page.Items[0].URL != nil {
		t.Errorf("who may only read sees %+v", page)
	}
	if readHookSource(t, reader, v.ID).URL != nil || readHookSource(t, b.program(t, auth.SendingRead, auth.SendingWrite), v.ID).URL == nil {
		t.Error("the address is shown by another rule than sending:write")
	}
	reader.post("/webhook-sources", `{"provider":"brevo"}`).problem(http.StatusForbidden)
	reader.put(path, `{}`).problem(http.StatusForbidden)
	reader.post(path+"/renew", "").problem(http.StatusForbidden)
	reader.post(path+"/topics/accept", `{"arn":"x"}`).problem(http.StatusForbidden)
	reader.post(path+"/topics/remove", `{"arn":"x"}`).problem(http.StatusForbidden)
	reader.remove(path).problem(http.StatusForbidden)
	b.program(t, auth.AudienceRead).get("/webhook-sources").problem(http.StatusForbidden)
	c.post(path+"/topics/accept", `{"arn":"x"}`).problem(http.StatusNotFound)
	c.remove("/webhook-sources/99").problem(http.StatusNotFound)
	c.get("/webhook-sources/99").problem(http.StatusNotFound)
	c.post("/webhook-sources/99/renew", "").problem(http.StatusNotFound)
}

// amazon answers for Amazon, and signs.
type amazon struct {
	roots *x509.CertPool

	mu      sync.Mutex
	key     *rsa.PrivateKey
	answers map[string][]byte
	asked   []string
}

func (a *amazon) Fetch(_ context.Context, address string, _ int64) ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = append(a.asked, address)
	answer, ok := a.answers[address]
	if !ok {
		return nil, errors.New("no answer")
	}
	return answer, nil
}

func newAmazon() *amazon { return &amazon{roots: x509.NewCertPool(), answers: map[string][]byte{}} }

const (
	snsCert   = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem"
	snsIssuer = "http://crt.r2m01.amazontrust.com/r2m01.cer"
	snsARN    = "arn:aws:sns:eu-west-1:123456789012:bounces"
)

// open makes an authority, one between, and the certificate of SNS, which stands alone at its address as in the world.
func (a *amazon) open(t *testing.T) {
	t.Helper()
	make2048 := func() *rsa.PrivateKey {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	issue := func(c, parent *x509.Certificate, key, by *rsa.PrivateKey) *x509.Certificate {
		der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, by)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return cert
	}
	form := func(serial int64, name string, ca bool) *x509.Certificate {
		return &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
			IsCA: ca, BasicConstraintsValid: true}
	}
	rootKey, betweenKey := make2048(), make2048()
	root := issue(form(1, "Root", true), form(1, "Root", true), rootKey, rootKey)
	between := issue(form(2, "Between", true), root, betweenKey, rootKey)
	a.key = make2048()
	leaf := form(3, "sns.amazonaws.com", false)
	leaf.DNSNames, leaf.IssuingCertificateURL = []string{"sns.amazonaws.com"}, []string{snsIssuer}
	a.roots.AddCert(root)
	a.answers[snsCert] = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: issue(leaf, between, a.key, betweenKey).Raw})
	a.answers[snsIssuer] = between.Raw
}

// says makes a signed message of SNS.
func (a *amazon) says(t *testing.T, kind, id, message string, at time.Time, change ...string) (http.Header, string) {
	t.Helper()
	m := map[string]string{"Type": kind, "MessageId": id, "TopicArn": snsARN, "Message": message, "Timestamp": at.UTC().Format("2006-01-02T15:04:05.000Z"),
		"SignatureVersion": "2", "SigningCertURL": snsCert}
	names := []string{"Message", "MessageId", "Timestamp", "TopicArn", "Type"}
	if kind != "Notification" {
		m["Token"] = "t0k3n"
		m["SubscribeURL"] = confirmURL
		names = []string{"Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"}
	}
	var signed strings.Builder
	for _, name := range names {
		signed.WriteString(name + "\n" + m[name] + "\n")
	}
	sum := sha256.Sum256([]byte(signed.String()))
	sig, err := rsa.SignPKCS1v15(rand.Reader, a.key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	m["Signature"] = base64.StdEncoding.EncodeToString(sig)
	for i := 0; i+1 < len(change); i += 2 {
		m[change[i]] = change[i+1]
	}
	body, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return http.Header{"X-Amz-Sns-Message-Type": {kind}, "X-Amz-Sns-Message-Id": {id}, "X-Amz-Sns-Topic-Arn": {snsARN}}, string(body)
}

var confirmURL = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=" + url.QueryEscape(snsARN) + "&Token=t0k3n"

const sesHardBounce = `{"eventType":"Bounce","bounce":{"bounceType":"Permanent","bounceSubType":"General","feedbackId":"f1","bouncedRecipients":[
	{"emailAddress":"gone@tree.club","diagnosticCode":"smtp; 550 5.1.1 User unknown"}]},"mail":{"messageId":"0100"}}`

func TestSESThroughSNS(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.amazon.open(t)
	c := withPublicURL(t, b)
	hook := newHook(t, c, "ses", "")
	path := fmt.Sprintf("/webhook-sources/%d", hook.ID)
	send := func(kind, id, message string, at time.Time, change ...string) *response {
		t.Helper()
		h, body := b.amazon.says(t, kind, id, message, at, change...)
		return b.send(t, *hook.URL, h, body)
	}
	fetched := func(address string) (n int) {
		for _, a := range b.amazon.asked {
			if a == address {
				n++
			}
		}
		return n
	}

	// A topic that nobody knows says nothing and is not confirmed.
	send("Notification", "n0", sesHardBounce, time.Now()).problem(http.StatusForbidden)
	send("SubscriptionConfirmation", "s1", "x", time.Now()).want(http.StatusOK)
	send("Notification", "n1", sesHardBounce, time.Now()).problem(http.StatusForbidden)
	if v := readHookSource(t, c, hook.ID); len(v.Topics) != 1 || v.Topics[0].ARN != snsARN || v.Topics[0].AcceptedAt != nil || fetched(confirmURL) != 0 || b.taker.calls != 0 {
		t.Fatalf("%+v, asked %v", v, b.amazon.asked)
	}

	// Accepted while Amazon does not answer, and confirmed with the next wish.
	var v hookSource
	c.post(path+"/topics/accept", `{"arn":"`+snsARN+`"}`).want(http.StatusOK).json(&v)
	if v.Topics[0].AcceptedAt == nil || v.Topics[0].ConfirmedAt != nil || v.Topics[0].Problem == nil {
		t.Fatalf("%+v", v.Topics)
	}
	b.amazon.answers[confirmURL] = []byte("<ok/>")
	send("SubscriptionConfirmation", "s2", "x", time.Now()).want(http.StatusOK)
	if v = readHookSource(t, c, hook.ID); v.Topics[0].ConfirmedAt == nil || v.Topics[0].Problem != nil || fetched(confirmURL) != 2 {
		t.Fatalf("%+v", v.Topics)
	}

	// 2xx only after it was taken; once.
	b.taker.fail = errors.New("the ledger is away")
	send("Notification", "n2", sesHardBounce, time.Now()).want(http.StatusServiceUnavailable)
	b.taker.fail = nil
	at := time.Now()
	send("Notification", "n2", sesHardBounce, at).want(http.StatusOK)
	send("Notification", "n2", sesHardBounce, at).want(http.StatusOK)
	if len(b.taker.took) != 1 || b.taker.took[0].Address != "gone@tree.club" || !b.taker.took[0].Hard || b.taker.took[0].Source != "ses" {
		t.Fatalf("took %+v", b.taker.took)
	}

	for what, r := range map[string]*response{
		"altered":              send("Notification", "n3", sesHardBounce, time.Now(), "Message", strings.Replace(sesHardBounce, "gone@", "ada@", 1)),
		"with another mark":    send("Notification", "n3", sesHardBounce, time.Now(), "MessageId", "n4"),
		"expired":              send("Notification", "n3", sesHardBounce, time.Now().Add(-76*time.Minute)),
		"another certificate":  send("Notification", "n3", sesHardBounce, time.Now(), "SigningCertURL", "https://evil.org/a.pem"),
		"no RSA signature":     send("Notification", "n3", sesHardBounce, time.Now(), "Signature", "AAAA"),
		"another confirmation": send("SubscriptionConfirmation", "n3", "x", time.Now(), "SubscribeURL", "https://evil.org/?Action=ConfirmSubscription"),
	} {
		if r.Code != http.StatusForbidden {
			t.Errorf("%s: %d %s", what, r.Code, r.Body)
		}
	}
	if len(b.taker.took) != 1 || fetched(snsCert) != 1 || fetched(snsIssuer) != 1 || fetched("https://evil.org/a.pem") != 0 {
		t.Errorf("asked %v", b.amazon.asked)
	}
	// A certificate that cannot be had is no reason to lose anything.
	send("Notification", "n5", sesHardBounce, time.Now(), "SigningCertURL", strings.Replace(snsCert, "-1.pem", "-2.pem", 1)).problem(http.StatusServiceUnavailable)

	send("UnsubscribeConfirmation", "u1", "x", time.Now()).want(http.StatusOK)
	if v = readHookSource(t, c, hook.ID); v.Topics[0].ConfirmedAt != nil || v.Topics[0].Problem == nil {
		t.Errorf("%+v", v.Topics)
	}
	c.post(path+"/topics/remove", `{"arn":"`+snsARN+`"}`).want(http.StatusOK)
	send("Notification", "n6", sesHardBounce, time.Now()).problem(http.StatusForbidden)
	if strings.Contains(b.logs.String(), "t0k3n") {
		t.Error("the token of the confirmation is in the log")
	}
}

func TestAcceptingAWaitingTopicConfirmsIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.amazon.open(t)
	c := withPublicURL(t, b)
	hook := newHook(t, c, "ses", "")
	h, body := b.amazon.says(t, "SubscriptionConfirmation", "s1", "x", time.Now())
	b.send(t, *hook.URL, h, body).want(http.StatusOK)
	b.amazon.answers[confirmURL] = []byte("<ok/>")
	var v hookSource
	c.post(fmt.Sprintf("/webhook-sources/%d/topics/accept", hook.ID), `{"arn":"`+snsARN+`"}`).want(http.StatusOK).json(&v)
	if v.Topics[0].ConfirmedAt == nil || v.Topics[0].Problem != nil {
		t.Errorf("%+v", v.Topics)
	}
	h, body = b.amazon.says(t, "Notification", "n1", sesHardBounce, time.Now())
	b.send(t, *hook.URL, h, body).want(http.StatusOK)
	if len(b.taker.took) != 1 {
		t.Errorf("took %+v", b.taker.took)
	}
}

func TestACertificateOfAnotherAuthority(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.amazon.open(t)
	other := newAmazon()
	other.open(t)
	b.amazon.answers[snsCert], b.amazon.answers[snsIssuer] = other.answers[snsCert], other.answers[snsIssuer]
	c := withPublicURL(t, b)
	hook := newHook(t, c, "ses", "")
	h, body := other.says(t, "SubscriptionConfirmation", "s1", "x", time.Now())
	b.send(t, *hook.URL, h, body).problem(http.StatusForbidden)
	if v := readHookSource(t, c, hook.ID); len(v.Topics) != 0 {
		t.Errorf("%+v", v.Topics)
	}
}
