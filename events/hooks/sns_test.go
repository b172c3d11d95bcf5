package hooks

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // signature version 1
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	topicARN = "arn:aws:sns:eu-west-1:123456789012:bounces"
	certURL  = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem"
)

// authority issues certificates as Amazon does: a root, one between, and one for SNS.
type authority struct {
	roots, between *x509.CertPool
	leaf           *x509.Certificate
	key            *rsa.PrivateKey

	betweenCert *x509.Certificate
	betweenKey  *rsa.PrivateKey
}

var theAuthority = sync.OnceValues(func() (authority, error) { return newAuthority() })

func testAuthority(t testing.TB) authority {
	t.Helper()
	a, err := theAuthority()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func newAuthority() (authority, error) {
	rootKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return authority{}, err
	}
	a := authority{roots: x509.NewCertPool(), between: x509.NewCertPool()}
	root, err := issue(template(1, "Root", true), nil, rootKey, rootKey)
	if err != nil {
		return a, err
	}
	if a.betweenKey, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		return a, err
	}
	if a.betweenCert, err = issue(template(2, "Between", true), root, a.betweenKey, rootKey); err != nil {
		return a, err
	}
	a.roots.AddCert(root)
	a.between.AddCert(a.betweenCert)
	if a.key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		return a, err
	}
	a.leaf, err = issue(template(3, "sns.amazonaws.com", false), a.betweenCert, a.key, a.betweenKey)
	return a, err
}

func template(serial int64, name string, ca bool) *x509.Certificate {
	c := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		IsCA: ca, BasicConstraintsValid: ca, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	if !ca {
		c.DNSNames = []string{name}
	}
	return c
}

func issue(c, parent *x509.Certificate, key, parentKey *rsa.PrivateKey) (*x509.Certificate, error) {
	if parent == nil {
		parent = c
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, parentKey)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// message is a message of SNS before it is signed.
func message(kind, version string) map[string]string {
	m := map[string]string{
		"Type": kind, "MessageId": "165545c9-2a5c-472c-8df2-7ff2be2b3b1b", "TopicArn": topicARN, "Message": `{"eventType":"Open","mail":{}}`,
		"Timestamp": now.Add(-time.Minute).Format("2006-01-02T15:04:05.000Z"), "SignatureVersion": version, "SigningCertURL": certURL,
	}
	if kind == SNSNotification {
		m["Subject"] = "Amazon SES Email Event Notification"
	} else {
		m["Token"] = "2336412f37"
		m["SubscribeURL"] = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=" + url.QueryEscape(topicARN) + "&Token=2336412f37"
	}
	return m
}

// signSNS signs what Amazon's documentation says is signed, written down here a second time.
func signSNS(t testing.TB, key *rsa.PrivateKey, m map[string]string) {
	t.Helper()
	names := []string{"Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"}
	if m["Type"] == SNSNotification {
		names = []string{"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"}
	}
	var b strings.Builder
	for _, name := range names {
		if text, ok := m[name]; ok {
			b.WriteString(name + "\n" + text + "\n")
		}
	}
	var signature []byte
	var err error
	if m["SignatureVersion"] == "1" {
		sum := sha1.Sum([]byte(b.String())) //nolint:gosec // version 1
		signature, err = rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA1, sum[:])
	} else {
		sum := sha256.Sum256([]byte(b.String()))
		signature, err = rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	}
	if err != nil {
		t.Fatal(err)
	}
	m["Signature"] = base64.StdEncoding.EncodeToString(signature)
}

func snsRequest(t testing.TB, m map[string]string) Request {
	t.Helper()
	body, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	h.Set("X-Amz-Sns-Message-Type", m["Type"])
	h.Set("X-Amz-Sns-Message-Id", m["MessageId"])
	h.Set("X-Amz-Sns-Topic-Arn", m["TopicArn"])
	return Request{Header: h, Body: body, Now: now}
}

func openSNS(a authority, r Request) error {
	m, err := ParseSNS(r)
	if err != nil {
		return err
	}
	return m.Verify(a.leaf)
}

func TestSNSSignatures(t *testing.T) {
	t.Parallel()
	a := testAuthority(t)
	for _, version := range []string{"1", "2"} {
		for _, kind := range []string{SNSNotification, SNSSubscribe, SNSUnsubscribe} {
			m := message(kind, version)
			signSNS(t, a.key, m)
			if err := openSNS(a, snsRequest(t, m)); err != nil {
				t.Errorf("%s, version %s: %v", kind, version, err)
			}
			for name, text := range m {
				altered := map[string]string{}
				for k, v := range m {
					altered[k] = v
				}
				switch name {
				case "SigningCertURL":
					continue // not signed; it must lead to a certificate that fits
				case "TopicArn":
					altered[name] = strings.Replace(text, "bounces", "others", 1)
				case "Timestamp":
					altered[name] = now.Format("2006-01-02T15:04:05.000Z")
				case "SubscribeURL":
					altered[name] = text + "&x=1"
				case "Signature":
					altered[name] = flip(text)
				case "SignatureVersion":
					altered[name] = string('1' + '2' - text[0])
				case "Type":
					altered[name] = map[string]string{SNSNotification: SNSNotification, SNSSubscribe: SNSUnsubscribe, SNSUnsubscribe: SNSSubscribe}[text]
					if altered[name] == text {
						continue
					}
				default:
					altered[name] = text + "x"
				}
				r := snsRequest(t, altered)
				if name == "TopicArn" && kind != SNSNotification {
					// The address that confirms is then one for another topic.
					if err := openSNS(a, r); kindOf(err) != BadSignature {
						t.Errorf("%s with altered %s: %v", kind, name, err)
					}
					continue
				}
				if err := openSNS(a, r); kindOf(err) != BadSignature {
					t.Errorf("%s, version %s, with altered %s: %v", kind, version, name, err)
				}
			}
		}
	}
}

func TestSNSWithoutSubject(t *testing.T) {
	t.Parallel()
	a := testAuthority(t)
	m := message(SNSNotification, "2")
	delete(m, "Subject")
	signSNS(t, a.key, m)
	if err := openSNS(a, snsRequest(t, m)); err != nil {
		t.Errorf("without: %v", err)
	}
	m["Subject"] = "added"
	if err := openSNS(a, snsRequest(t, m)); kindOf(err) != BadSignature {
		t.Errorf("added: %v", err)
	}
}

func TestSNSIsRefused(t *testing.T) {
	t.Parallel()
	a := testAuthority(t)
	for what, c := range map[string]struct {
		kind   string
		change func(m map[string]string)
		header func(h http.Header)
		want   Kind
	}{
		"expired": {SNSNotification, func(m map[string]string) {
			m["Timestamp"] = now.Add(-MaxSNSAge - time.Second).Format(time.RFC3339)
		}, nil, TooOld},
		"from the future": {SNSNotification, func(m map[string]string) { m["Timestamp"] = now.Add(6 * time.Minute).Format(time.RFC3339) }, nil, TooOld},
		"without a time":  {SNSNotification, func(m map[string]string) { m["Timestamp"] = "today" }, nil, Malformed},
		"of another type": {SNSNotification, func(m map[string]string) { m["Type"] = "Other" }, nil, Malformed},
		"without an id":   {SNSNotification, func(m map[string]string) { m["MessageId"] = "" }, nil, Malformed},
		"version 3":       {SNSNotification, func(m map[string]string) { m["SignatureVersion"] = "3" }, nil, BadSignature},
		"no topic":        {SNSNotification, func(m map[string]string) { m["TopicArn"] = "arn:aws:sqs:eu-west-1:123456789012:x" }, nil, Malformed},
		"another type in the header": {SNSNotification, nil, func(h http.Header) {
			h.Set("X-Amz-Sns-Message-Type", SNSSubscribe)
		}, BadSignature},
		"another id in the header":    {SNSNotification, nil, func(h http.Header) { h.Set("X-Amz-Sns-Message-Id", "x") }, BadSignature},
		"another topic in the header": {SNSNotification, nil, func(h http.Header) { h.Set("X-Amz-Sns-Topic-Arn", topicARN+"x") }, BadSignature},
		"raw delivery":                {SNSNotification, nil, func(h http.Header) { h.Set("X-Amz-Sns-Rawdelivery", "true") }, Malformed},
		"a certificate elsewhere":     {SNSNotification, func(m map[string]string) { m["SigningCertURL"] = "https://sns.eu-west-1.amazonaws.com.evil.org/a.pem" }, nil, BadSignature},
		"confirmation elsewhere":      {SNSSubscribe, func(m map[string]string) { m["SubscribeURL"] = "https://evil.org/?Action=ConfirmSubscription" }, nil, BadSignature},
		"confirmation of another region": {SNSSubscribe, func(m map[string]string) {
			m["SubscribeURL"] = strings.Replace(m["SubscribeURL"], "eu-west-1.amazonaws", "us-east-1.amazonaws", 1)
		}, nil, BadSignature},
		"confirmation of another topic": {SNSSubscribe, func(m map[string]string) {
			m["SubscribeURL"] = strings.Replace(m["SubscribeURL"], "bounces", "others", 1)
		}, nil, BadSignature},
		"another action": {SNSSubscribe, func(m map[string]string) {
			m["SubscribeURL"] = strings.Replace(m["SubscribeURL"], "ConfirmS", "Uns", 1)
		}, nil, BadSignature},
	} {
		m := message(c.kind, "2")
		if c.change != nil {
			c.change(m)
		}
		signSNS(t, a.key, m)
		r := snsRequest(t, m)
		if c.header != nil {
			c.header(r.Header)
		}
		if err := openSNS(a, r); kindOf(err) != c.want {
			t.Errorf("%s: %v, want %s", what, err, c.want)
		}
	}
	m := message(SNSNotification, "2")
	m["Timestamp"] = now.Add(-MaxSNSAge).Format(time.RFC3339)
	signSNS(t, a.key, m)
	if err := openSNS(a, snsRequest(t, m)); err != nil {
		t.Errorf("the last try of SNS: %v", err)
	}
}

func TestCertificateAddresses(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		certURL: true,
		"https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-1.pem": true,
		"http://sns.eu-west-1.amazonaws.com/a.pem":                                false,
		"https://sns.eu-west-1.amazonaws.com/a.txt":                               false,
		"https://sns.eu-west-1.amazonaws.com:8443/a.pem":                          false,
		"https://user@sns.eu-west-1.amazonaws.com/a.pem":                          false,
		"https://sns.eu-west-1.amazonaws.com/a.pem?x=1":                           false,
		"https://sns.eu-west-1.amazonaws.com/a.pem#x":                             false,
		"https://sns.eu-west-1.amazonaws.com@evil.org/a.pem":                      false,
		"https://evil.org/sns.eu-west-1.amazonaws.com/a.pem":                      false,
		"https://sns.eu-west-1.amazonaws.com.evil.org/a.pem":                      false,
		"https://evilsns.eu-west-1.amazonaws.com/a.pem":                           false,
		"https://sns.a.b.amazonaws.com/a.pem":                                     false,
		"https://bucket.s3.amazonaws.com/a.pem":                                   false,
		"https://sns.eu-west-1.amazonaws.com\n/a.pem":                             false,
		"": false,
	} {
		if CertURL(address) != want {
			t.Errorf("CertURL(%q) = %v", address, !want)
		}
	}
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	a := testAuthority(t)
	check := func(c *x509.Certificate, between *x509.CertPool, at time.Time) error {
		return CheckCert(c, between, a.roots, certURL, at)
	}
	if err := check(a.leaf, a.between, now); err != nil {
		t.Errorf("good: %v", err)
	}
	if err := check(a.leaf, nil, now); kindOf(err) != BadSignature {
		t.Errorf("without what is between: %v", err)
	}
	if err := CheckCert(a.leaf, a.between, x509.NewCertPool(), certURL, now); kindOf(err) != BadSignature {
		t.Errorf("from an unknown authority: %v", err)
	}
	if err := check(a.leaf, a.between, now.Add(25*time.Hour)); kindOf(err) != BadSignature {
		t.Errorf("expired: %v", err)
	}
	if err := CheckCert(a.leaf, a.between, a.roots, "https://evil.org/a.pem", now); kindOf(err) != BadSignature {
		t.Errorf("from elsewhere: %v", err)
	}
	regional := template(4, "sns.eu-west-1.amazonaws.com", false)
	for name, want := range map[string]Kind{"sns.eu-west-1.amazonaws.com": "", "sns.us-east-1.amazonaws.com": BadSignature, "s3.amazonaws.com": BadSignature} {
		regional.DNSNames = []string{name}
		c, err := issue(regional, a.betweenCert, a.key, a.betweenKey)
		if err != nil {
			t.Fatal(err)
		}
		if err := check(c, a.between, now); kindOf(err) != want {
			t.Errorf("for %s: %v", name, err)
		}
	}
	weak, err := rsa.GenerateKey(rand.Reader, 1024) //nolint:gosec // to be refused
	if err != nil {
		t.Fatal(err)
	}
	c, err := issue(template(5, "sns.amazonaws.com", false), a.betweenCert, weak, a.betweenKey)
	if err != nil {
		t.Fatal(err)
	}
	if err := check(c, a.between, now); kindOf(err) != BadSignature {
		t.Errorf("with a weak key: %v", err)
	}
}
