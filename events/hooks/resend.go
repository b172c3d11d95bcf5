package hooks

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"postrider/events"
	"postrider/sender/reply"
)

// maxResendAge is what Svix advises. A later try is signed anew.
const maxResendAge = 5 * time.Minute

func checkResendKey(key string) error {
	_, err := svixKey(key)
	return err
}

func svixKey(key string) ([]byte, error) {
	text, ok := strings.CutPrefix(strings.TrimSpace(key), "whsec_")
	secret, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(secret) < 16 {
		return nil, refuse(Malformed, "this is not the signing secret of a Resend webhook: it begins with whsec_ and is shown on the page of the webhook")
	}
	return secret, nil
}

// verifyResend checks HMAC-SHA256 over id, timestamp and body, as Svix signs. While a secret is changed there are several signatures.
func verifyResend(key string, r Request) (Proof, error) {
	secret, err := svixKey(key)
	if err != nil {
		return Proof{}, err
	}
	id, stamp, signatures := r.Header.Get("Svix-Id"), r.Header.Get("Svix-Timestamp"), r.Header.Get("Svix-Signature")
	if id == "" || stamp == "" || signatures == "" {
		return Proof{}, refuse(BadSignature, "the request is not signed as Resend does it")
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(id + "." + stamp + "."))
	mac.Write(r.Body)
	want := mac.Sum(nil)
	good := false
	for i, signature := range strings.Fields(signatures) {
		version, encoded, _ := strings.Cut(signature, ",")
		got, err := base64.StdEncoding.DecodeString(encoded)
		if i < 10 && version == "v1" && err == nil && hmac.Equal(got, want) {
			good = true
		}
	}
	if !good {
		return Proof{}, refuse(BadSignature, "the signature of Resend does not fit; compare the signing secret there with the one that was entered here")
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || seconds < 0 || seconds > 1e11 {
		return Proof{}, refuse(Malformed, "the timestamp is not a number of seconds")
	}
	at := time.Unix(seconds, 0)
	return Proof{Replay: id, Until: at.Add(maxResendAge)}, fresh(at, r.Now, maxResendAge)
}

func parseResend(r Request) ([]events.Report, error) {
	v, err := decode(r.Body)
	if err != nil {
		return nil, err
	}
	kind, data := v.at("type").word(), v.at("data")
	if kind == "" || !data.isObject() {
		return nil, refuse(Malformed, "the request has no type and data, as those of Resend have")
	}
	// An event of a message to several does not say whom it is about.
	to := ""
	if all := data.at("to").list(); len(all) == 1 {
		to = all[0].text()
	}
	one := newReport(Resend, r, events.ReportOther, r.Body, v.at("created_at").stamp(), to)
	one.QueueIDs = ids(data.at("email_id").text())
	one.MessageIDs = ids(data.at("message_id").text())
	fieldsOf(&one, data.at("headers"))
	// The id of the event is in a header field, which stays the same when it is sent again.
	if one.Key = keyOf(Resend, r.Header.Get("Svix-Id")); r.Header.Get("Svix-Id") == "" {
		one.Key = keyOf(Resend, "sha256", bodyHash(r.Body))
	}
	return resendEvent(kind, data, one), nil
}

func resendEvent(kind string, data value, one events.Report) []events.Report {
	switch kind {
	case "email.bounced":
		b := data.at("bounce")
		one.Kind = events.ReportBounce
		sub := b.at("subType").word()
		if sub == "" && strings.Contains(b.at("message").word(), "suppressed sending") {
			sub = "onaccountsuppressionlist"
		}
		texts := make([]string, 0, 2)
		for _, v := range b.at("diagnosticCode").list() {
			texts = append(texts, v.text())
		}
		sesFinding(b.at("type").word(), sub).judge(&one, said{text: strings.Join(append(texts, b.at("message").text()), "\n")})
	case "email.suppressed":
		one.Kind = events.ReportBounce
		onTheirList.judge(&one, said{text: firstText(data.at("suppressed", "message"), data.at("suppressed", "reason"))})
	case "email.failed":
		one.Kind = events.ReportBounce
		reason := data.at("failed", "reason").text()
		f := finding{reason: reply.ReasonPolicy, fault: reply.FaultAccount, exact: true}
		if strings.Contains(strings.ToLower(reason), "quota") {
			f = finding{reason: reply.ReasonQuotaExhausted, exact: true}
		}
		f.judge(&one, said{text: reason})
	case "email.delivery_delayed":
		one.Kind = events.ReportDelay
		delayed(&one, said{text: firstText(data.at("delayed", "message"), data.at("delivery_delayed", "message"))})
	case "email.delivered":
		one.Kind = events.ReportDelivered
	case "email.complained":
		one.Kind, one.FeedbackType = events.ReportComplaint, "abuse"
	}
	// email.sent, .opened, .clicked, .scheduled, .received, domains, contacts and what is new are kept as other.
	return []events.Report{one}
}
