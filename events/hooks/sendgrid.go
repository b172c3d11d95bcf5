package hooks

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"postrider/events"
	"postrider/sender/reply"
)

// maxSendGridAge is how long SendGrid tries to bring a request, and a bit. Nothing says that a later try gets a new timestamp, and a report that is taken twice
// does no harm, while one that is refused is lost.
const maxSendGridAge = 25 * time.Hour

func checkSendGridKey(key string) error {
	_, err := sendGridKey(key)
	return err
}

func sendGridKey(key string) (*ecdsa.PublicKey, error) {
	wrong := refuse(Malformed, "this is not the verification key of SendGrid: it begins with MFkw and stands beside Signature Verification in its settings")
	der, err := base64.StdEncoding.DecodeString(strings.TrimSpace(key))
	if err != nil {
		return nil, wrong
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, wrong
	}
	k, ok := parsed.(*ecdsa.PublicKey)
	if !ok || k.Curve != elliptic.P256() {
		return nil, wrong
	}
	return k, nil
}

// verifySendGrid checks ECDSA over the timestamp and the body as it came.
func verifySendGrid(key string, r Request) (Proof, error) {
	k, err := sendGridKey(key)
	if err != nil {
		return Proof{}, err
	}
	stamp := r.Header.Get("X-Twilio-Email-Event-Webhook-Timestamp")
	encoded := r.Header.Get("X-Twilio-Email-Event-Webhook-Signature")
	if stamp == "" || encoded == "" {
		return Proof{}, refuse(BadSignature, "the request is not signed: switch on the Signed Event Webhook in SendGrid")
	}
	signature, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return Proof{}, refuse(BadSignature, "the signature is not base64")
	}
	sum := sha256.New()
	sum.Write([]byte(stamp))
	sum.Write(r.Body)
	if !ecdsa.VerifyASN1(k, sum.Sum(nil), signature) {
		return Proof{}, refuse(BadSignature, "the signature of SendGrid does not fit; compare the verification key there with the one that was entered here")
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || seconds < 0 || seconds > 1e11 {
		return Proof{}, refuse(Malformed, "the timestamp is not a number of seconds")
	}
	at := time.Unix(seconds, 0)
	// Not the signature, of which there is another one that fits for the same content.
	return Proof{Replay: stamp + "/" + bodyHash(r.Body), Until: at.Add(maxSendGridAge)}, fresh(at, r.Now, maxSendGridAge)
}

func parseSendGrid(r Request) ([]events.Report, error) {
	all, err := decodeEvents(r.Body)
	if err != nil {
		return nil, err
	}
	reports := make([]events.Report, 0, len(all))
	for _, e := range all {
		if e.at("email").word() == "example@test.com" {
			continue // "Test Your Integration"
		}
		reports = append(reports, sendGridEvent(r, e)...)
	}
	return reports, nil
}

func sendGridEvent(r Request, e event) []events.Report {
	kind := e.at("event").word()
	one := newReport(SendGrid, r, events.ReportOther, e.raw, e.at("timestamp").epoch(), e.at("email").text())
	one.MessageIDs = ids(e.at("smtp-id").text())
	one.QueueIDs = ids(sendGridQueueID(e.at("sg_message_id").text()))
	if id := e.at("sg_event_id").text(); id != "" {
		one.Key = keyOf(SendGrid, id, one.Address)
	} else {
		one.Key = keyOf(SendGrid, "sha256", bodyHash(e.raw))
	}
	words := said{text: e.at("reason").text(), status: e.at("status").text()}
	switch kind {
	case "bounce":
		one.Kind = events.ReportBounce
		sendGridFinding(e.at("type").word(), e.at("bounce_classification").word()).judge(&one, words)
	case "blocked":
		one.Kind = events.ReportBounce
		sendGridFinding("blocked", e.at("bounce_classification").word()).judge(&one, words)
	case "dropped":
		one.Kind = events.ReportBounce
		f, left := sendGridDrop(words.text)
		f.judge(&one, said{text: words.text})
		if left {
			return []events.Report{one, leaving(one)}
		}
	case "deferred":
		one.Kind = events.ReportDelay
		delayed(&one, said{text: e.at("response").text() + "\n" + words.text})
	case "delivered":
		one.Kind = events.ReportDelivered
		one.Diagnostic = clean(e.at("response").text(), reply.MaxText)
	case "spamreport":
		one.Kind, one.FeedbackType = events.ReportComplaint, "abuse"
	case "unsubscribe", "group_unsubscribe":
		one.Kind = events.ReportUnsubscribe
	}
	return []events.Report{one}
}

// sendGridFinding is the type of a bounce and its classification
// (twilio.com/docs/sendgrid/ui/analytics-and-reporting/bounce-and-block-classifications). A block is never about the address.
func sendGridFinding(kind, classification string) finding {
	switch classification {
	case "invalid address":
		if kind != "blocked" {
			return goneFor
		}
	case "mailbox unavailable":
		return finding{reason: reply.ReasonMailboxFull}
	case "content":
		return finding{reason: reply.ReasonSpamContent, final: true}
	case "reputation":
		return finding{reason: reply.ReasonReputation, final: true}
	case "frequency or volume too high":
		return finding{reason: reply.ReasonRateLimited, final: true}
	case "technical", "technical failure":
		return finding{reason: reply.ReasonSystem}
	}
	switch kind {
	case "blocked":
		return finding{reason: reply.ReasonBlocked}
	case "bounce":
		return goneFor
	}
	return undecided
}

// sendGridDrop says why SendGrid did not even try. left: because the recipient wanted no more.
func sendGridDrop(reason string) (f finding, left bool) {
	switch reason = strings.ToLower(reason); {
	case strings.Contains(reason, "unsubscribed"), strings.Contains(reason, "spam report"):
		return onTheirList, true
	case strings.Contains(reason, "bounced address"), reason == "invalid":
		return certainlyGone, false
	case strings.Contains(reason, "over package quota"), strings.Contains(reason, "credits"):
		return finding{reason: reply.ReasonQuotaExhausted, exact: true}, false
	case strings.Contains(reason, "spam content"):
		return finding{reason: reply.ReasonSpamContent, final: true, exact: true}, false
	case strings.Contains(reason, "smtpapi"):
		return finding{reason: reply.ReasonProtocol, final: true, exact: true}, false
	}
	return undecided, false
}

// sendGridQueueID is the id that SendGrid gives in its reply: what stands before the name of the machine that filtered the message.
func sendGridQueueID(id string) string {
	for _, mark := range []string{".filter", ".recvd", ".ismtpd"} {
		if before, _, ok := strings.Cut(id, mark); ok {
			return before
		}
	}
	return id
}
