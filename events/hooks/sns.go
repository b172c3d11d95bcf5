package hooks

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // signature version 1 of SNS is what topics have unless somebody changes it
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// MaxSNSAge is how old a message of SNS may be. SNS tries again for an hour at most, whatever the delivery policy says
// (docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html), and keeps the time of the first try; the rest is for the last one to get through.
const MaxSNSAge = 75 * time.Minute

// The types of messages that SNS sends.
const (
	SNSNotification = "Notification"
	SNSSubscribe    = "SubscriptionConfirmation"
	SNSUnsubscribe  = "UnsubscribeConfirmation"
)

var (
	snsHost  = regexp.MustCompile(`^sns\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$`)
	snsTopic = regexp.MustCompile(`^arn:aws[a-z-]{0,20}:sns:[a-z0-9-]{1,40}:[0-9]{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?$`)
)

// SNS is an envelope of Amazon SNS.
type SNS struct {
	Type, MessageID, TopicARN, Subject, Message, Timestamp string
	Token, SubscribeURL                                    string
	SignatureVersion, Signature, SigningCertURL            string

	hasSubject bool
}

// ParseSNS reads an envelope and checks everything about it that needs no certificate: its form, that the header fields say the same as the body, the age, and that
// addresses in it lead to SNS and nowhere else. Errors are *[Error].
func ParseSNS(r Request) (SNS, error) {
	if len(r.Body) > MaxBody {
		return SNS{}, refuse(Malformed, "the request is larger than 5 MB")
	}
	if r.Header.Get("X-Amz-Sns-Rawdelivery") == "true" {
		return SNS{}, refuse(Malformed, "SNS sends raw messages, which are not signed: switch off raw message delivery in the subscription")
	}
	v, err := decode(r.Body)
	if err != nil {
		return SNS{}, err
	}
	m := SNS{
		Type: v.at("Type").text(), MessageID: v.at("MessageId").text(), TopicARN: v.at("TopicArn").text(), Subject: v.at("Subject").text(),
		Message: v.at("Message").text(), Timestamp: v.at("Timestamp").text(), Token: v.at("Token").text(), SubscribeURL: v.at("SubscribeURL").text(),
		SignatureVersion: v.at("SignatureVersion").text(), Signature: v.at("Signature").text(), SigningCertURL: v.at("SigningCertURL").text(),
		hasSubject: v.at("Subject").v != nil,
	}
	if m.MessageID == "" || !slices.Contains([]string{SNSNotification, SNSSubscribe, SNSUnsubscribe}, m.Type) {
		return SNS{}, refuse(Malformed, "the request is not a message of Amazon SNS")
	}
	if err := m.sameHeader(r.Header); err != nil {
		return SNS{}, err
	}
	return m, m.check(r.Now)
}

// sameHeader compares the header fields, which are not signed, with the body, which is. Somebody may have looked at them on the way.
func (m SNS) sameHeader(h http.Header) error {
	for name, want := range map[string]string{
		"X-Amz-Sns-Message-Type": m.Type, "X-Amz-Sns-Message-Id": m.MessageID, "X-Amz-Sns-Topic-Arn": m.TopicARN,
	} {
		if h.Get(name) != want {
			return refuse(BadSignature, "the header field "+name+" is not the same as in the body")
		}
	}
	return nil
}

func (m SNS) check(now time.Time) error {
	if !snsTopic.MatchString(m.TopicARN) {
		return refuse(Malformed, "the name of the topic is not one of Amazon SNS")
	}
	if m.SignatureVersion != "1" && m.SignatureVersion != "2" {
		return refuse(BadSignature, "the signature has a version other than 1 and 2")
	}
	if !CertURL(m.SigningCertURL) {
		return refuse(BadSignature, "the certificate is not at Amazon SNS")
	}
	if m.Type != SNSNotification && !m.confirms() {
		return refuse(BadSignature, "the address that confirms the subscription is not one of Amazon SNS for this topic")
	}
	at, err := time.Parse(time.RFC3339Nano, m.Timestamp)
	if err != nil {
		return refuse(Malformed, "the message has no time")
	}
	return fresh(at, now, MaxSNSAge)
}

// At is when the message was sent.
func (m SNS) At() time.Time {
	at, err := time.Parse(time.RFC3339Nano, m.Timestamp)
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}

// snsURL reports an https address of SNS itself, on the usual port.
func snsURL(s string) (*url.URL, bool) {
	u, err := url.Parse(s)
	return u, err == nil && u.Scheme == "https" && u.User == nil && u.Opaque == "" && u.Fragment == "" && snsHost.MatchString(u.Host)
}

// CertURL reports whether a certificate may be fetched from the address.
func CertURL(s string) bool {
	u, ok := snsURL(s)
	return ok && strings.HasSuffix(u.Path, ".pem") && u.RawQuery == ""
}

// confirms says that the SubscribeURL confirms a subscription to the topic of the message, at the SNS of its region.
func (m SNS) confirms() bool {
	u, ok := snsURL(m.SubscribeURL)
	if !ok {
		return false
	}
	q := u.Query()
	region := strings.Split(m.TopicARN, ":")[3]
	return strings.HasPrefix(u.Host, "sns."+region+".") && q.Get("Action") == "ConfirmSubscription" && q.Get("TopicArn") == m.TopicARN && q.Get("Token") != ""
}

// canonical is what is signed: the names and values of certain members in the order of the names.
func (m SNS) canonical() []byte {
	var b strings.Builder
	put := func(name, text string) { b.WriteString(name + "\n" + text + "\n") }
	put("Message", m.Message)
	put("MessageId", m.MessageID)
	if m.Type == SNSNotification {
		if m.hasSubject {
			put("Subject", m.Subject)
		}
	} else {
		put("SubscribeURL", m.SubscribeURL)
	}
	put("Timestamp", m.Timestamp)
	if m.Type != SNSNotification {
		put("Token", m.Token)
	}
	put("TopicArn", m.TopicARN)
	put("Type", m.Type)
	return []byte(b.String())
}

// Verify checks the signature with the certificate of SNS, which [CheckCert] must have found good.
func (m SNS) Verify(cert *x509.Certificate) error {
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok {
		return refuse(BadSignature, "the certificate holds no RSA key")
	}
	signature, err := base64.StdEncoding.DecodeString(m.Signature)
	if err != nil {
		return refuse(BadSignature, "the signature is not base64")
	}
	var sum []byte
	hash := crypto.SHA256
	if m.SignatureVersion == "1" {
		s := sha1.Sum(m.canonical()) //nolint:gosec // see the import
		sum, hash = s[:], crypto.SHA1
	} else {
		s := sha256.Sum256(m.canonical())
		sum = s[:]
	}
	if rsa.VerifyPKCS1v15(key, hash, sum, signature) != nil {
		return refuse(BadSignature, "the signature of Amazon SNS does not fit the message")
	}
	return nil
}

// Proof is what marks the message when it comes again.
func (m SNS) Proof() Proof { return Proof{Replay: m.MessageID, Until: m.At().Add(MaxSNSAge)} }

// CheckCert says whether a certificate is one that SNS signs with: its names, its time, its key, and a chain to an authority that is trusted. roots nil: those
// of the system.
func CheckCert(cert *x509.Certificate, intermediates, roots *x509.CertPool, certURL string, now time.Time) error {
	u, ok := snsURL(certURL)
	if !ok {
		return refuse(BadSignature, "the certificate is not at Amazon SNS")
	}
	if key, ok := cert.PublicKey.(*rsa.PublicKey); !ok || key.N.BitLen() < 2048 {
		return refuse(BadSignature, "the certificate holds no RSA key of at least 2048 bits")
	}
	names := []string{u.Host, "sns.amazonaws.com", "sns.amazonaws.com.cn"}
	if !slices.ContainsFunc(names, func(name string) bool { return cert.VerifyHostname(name) == nil }) {
		return refuse(BadSignature, "the certificate was not issued for Amazon SNS")
	}
	_, err := cert.Verify(x509.VerifyOptions{Intermediates: intermediates, Roots: roots, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	if err != nil {
		return refuse(BadSignature, "the certificate of Amazon SNS is not issued by an authority that this machine trusts, or not valid now")
	}
	return nil
}
