package hooks

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"postrider/events"
	"postrider/sender/reply"
)

// maxMailgunAge is longer than Mailgun tries again (eight hours), since a later try can carry the time of the first.
const maxMailgunAge = 12 * time.Hour

func checkMailgunKey(key string) error {
	if n := len(strings.TrimSpace(key)); n < 16 || n > 200 || strings.ContainsAny(strings.TrimSpace(key), " \t\r\n") {
		return refuse(Malformed, "this is not the HTTP webhook signing key of Mailgun, which stands under API Security there")
	}
	return nil
}

// verifyMailgun checks HMAC-SHA256 over timestamp and token. The events are not signed, so a token counts only once.
func verifyMailgun(key string, r Request) (Proof, error) {
	v, err := decode(r.Body)
	if err != nil {
		if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
			return Proof{}, err
		}
		return Proof{}, refuse(Malformed, "this is not JSON: use a webhook under Sending, Webhooks in Mailgun, and neither a legacy webhook nor a route")
	}
	s := v.at("signature")
	stamp, token := s.at("timestamp").text(), s.at("token").text()
	signature, err := hex.DecodeString(s.at("signature").text())
	if err != nil || stamp == "" || token == "" {
		return Proof{}, refuse(BadSignature, "the request is not signed as Mailgun does it")
	}
	mac := hmac.New(sha256.New, []byte(strings.TrimSpace(key)))
	mac.Write([]byte(stamp + token))
	if !hmac.Equal(mac.Sum(nil), signature) {
		return Proof{}, refuse(BadSignature, "the signature of Mailgun does not fit; compare the HTTP webhook signing key there with the one that was entered here")
	}
	at := s.at("timestamp").epoch()
	if at.IsZero() {
		return Proof{}, refuse(Malformed, "the timestamp is not a number of seconds")
	}
	return Proof{Replay: token, Until: at.Add(maxMailgunAge)}, fresh(at, r.Now, maxMailgunAge)
}

func parseMailgun(r Request) ([]events.Report, error) {
	v, err := decode(r.Body)
	if err != nil {
		return nil, err
	}
	e := v.at("event-data")
	if !e.isObject() {
		return nil, refuse(Malformed, "the request holds no event-data, as the webhooks of Mailgun do")
	}
	to := e.at("recipient").text()
	if to == "" {
		to = e.at("message", "headers", "to").text() // of a rejected message
	}
	if strings.EqualFold(bareAddress(to), "alice@example.com") {
		return nil, nil // "Test webhook"
	}
	one := newReport(Mailgun, r, events.ReportOther, r.Body, e.at("timestamp").epoch(), to)
	// The id is unique within a day only.
	one.Key = keyOf(Mailgun, e.at("id").text(), e.at("timestamp").text(), e.at("event").word(), one.Address)
	if e.at("id").text() == "" {
		one.Key = keyOf(Mailgun, "sha256", bodyHash(r.Body))
	}
	one.MessageIDs = ids(e.at("message", "headers", "message-id").text())
	one.QueueIDs = one.MessageIDs
	one.ReturnPaths = ids(bareAddress(e.at("envelope", "sender").text()))
	return mailgunEvent(e, one), nil
}

func mailgunEvent(e value, one events.Report) []events.Report {
	status := e.at("delivery-status")
	words := said{text: firstText(status.at("message"), status.at("description")), code: status.at("code").number(), status: status.at("enhanced-code").text()}
	switch e.at("event").word() {
	case "failed":
		if e.at("severity").word() == "temporary" {
			one.Kind = events.ReportDelay
			delayed(&one, words)
			break
		}
		one.Kind = events.ReportBounce
		f, left := mailgunFinding(e.at("reason").word(), status.at("bounce-type").word())
		f.judge(&one, words)
		if left {
			return []events.Report{one, leaving(one)}
		}
	case "rejected":
		one.Kind = events.ReportBounce
		finding{reason: reply.ReasonPolicy, fault: reply.FaultAccount}.judge(&one, said{text: e.at("reject", "reason").text()})
	case "delivered":
		one.Kind, one.Diagnostic = events.ReportDelivered, clean(words.text, reply.MaxText)
	case "complained":
		one.Kind, one.FeedbackType = events.ReportComplaint, "abuse"
	case "unsubscribed":
		one.Kind = events.ReportUnsubscribe
	}
	return []events.Report{one}
}

// mailgunFinding is the reason of a permanent failure. left: because the recipient wanted no more.
func mailgunFinding(reason, bounceType string) (f finding, left bool) {
	switch reason {
	case "suppress-bounce":
		return certainlyGone, false // it has bounced hard before
	case "suppress-unsubscribe", "suppress-complaint":
		return onTheirList, true
	case "no_mx", "no-mx":
		return finding{reason: reply.ReasonDomainNotFound, final: true}, false
	case "espblock", "blocked":
		return finding{reason: reply.ReasonBlocked, final: true, exact: true}, false
	case "old", "greylisted", "expired":
		return undecided, false // nobody said no; it took too long
	}
	if bounceType == "hard" {
		return goneFor, false
	}
	return undecided, false
}

func firstText(all ...value) string {
	for _, v := range all {
		if s := strings.TrimSpace(v.text()); s != "" {
			return s
		}
	}
	return ""
}

// bodyHash names a text that has no id of its own.
func bodyHash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
