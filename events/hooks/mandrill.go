package hooks

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // what Mandrill signs with
	"encoding/base64"
	"net/url"
	"slices"
	"strings"

	"postrider/events"
	"postrider/sender/reply"
)

const mandrillEvents = "mandrill_events"

func checkMandrillKey(key string) error {
	if n := len(strings.TrimSpace(key)); n < 10 || n > 100 || strings.ContainsAny(strings.TrimSpace(key), " \t\r\n") {
		return refuse(Malformed, "this is not the key of a Mandrill webhook, which is shown in its list of webhooks")
	}
	return nil
}

// mandrillForm reads the form. A field that stands there twice would be signed in a way that nobody has written down.
func mandrillForm(body []byte) (map[string]string, error) {
	if strings.Count(string(body), "&") > 20 {
		return nil, refuse(Malformed, "the form has more fields than Mandrill sends")
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, refuse(Malformed, "the request is not a form as Mandrill sends it")
	}
	form := make(map[string]string, len(values))
	for name, texts := range values {
		if len(texts) != 1 {
			return nil, refuse(Malformed, "the form has a field twice")
		}
		form[name] = texts[0]
	}
	if _, ok := form[mandrillEvents]; !ok {
		return nil, refuse(Malformed, "the form has no field mandrill_events")
	}
	return form, nil
}

// testsMandrill reports the request without events by which Mandrill tries an address, signed with a key that everybody knows.
func testsMandrill(r Request) bool {
	form, err := mandrillForm(r.Body)
	return err == nil && strings.TrimSpace(form[mandrillEvents]) == "[]"
}

// verifyMandrill checks HMAC-SHA1 over the address of the webhook and the fields of the form in order.
func verifyMandrill(key string, r Request) (Proof, error) {
	form, err := mandrillForm(r.Body)
	if err != nil {
		return Proof{}, err
	}
	signature, err := base64.StdEncoding.DecodeString(r.Header.Get("X-Mandrill-Signature"))
	if err != nil || len(signature) == 0 {
		return Proof{}, refuse(BadSignature, "the request is not signed as Mandrill does it")
	}
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	mac := hmac.New(sha1.New, []byte(strings.TrimSpace(key)))
	mac.Write([]byte(r.URL))
	for _, name := range names {
		mac.Write([]byte(name + form[name]))
	}
	if !hmac.Equal(mac.Sum(nil), signature) {
		return Proof{}, refuse(BadSignature, "the signature of Mandrill does not fit; compare the key and the address of the webhook there with those here, "+
			"and the public address in the settings")
	}
	return Proof{}, nil
}

func parseMandrill(r Request) ([]events.Report, error) {
	form, err := mandrillForm(r.Body)
	if err != nil {
		return nil, err
	}
	all, err := decodeEvents([]byte(form[mandrillEvents]))
	if err != nil {
		return nil, err
	}
	var reports []events.Report
	for _, e := range all {
		if strings.HasPrefix(e.at("msg", "_id").text(), "exampleaaaa") || e.at("msg", "email").word() == "example.webhook@mandrillapp.com" {
			continue // "Send test"
		}
		reports = append(reports, mandrillEvent(r, e)...)
	}
	return reports, nil
}

func mandrillEvent(r Request, e event) []events.Report {
	msg := e.at("msg")
	kind := firstText(value{e.at("event").word()}, value{e.at("type").word()})
	one := newReport(Mandrill, r, events.ReportOther, e.raw, e.at("ts").epoch(), firstText(msg.at("email"), e.at("reject", "email")))
	id := firstText(msg.at("_id"), e.at("_id"))
	one.QueueIDs = ids(id)
	one.MessageIDs = ids(msg.at("headers", "Message-Id").text(), msg.at("headers", "Message-ID").text())
	one.Key = keyOf(Mandrill, id, kind, e.at("ts").text(), one.Address, e.at("url").text(), e.at("action").text())
	words := said{text: firstText(msg.at("diag"), value{lastDiag(msg)})}
	switch kind {
	case "hard_bounce":
		one.Kind = events.ReportBounce
		mandrillFinding(msg, goneFor).judge(&one, words)
	case "soft_bounce":
		one.Kind = events.ReportBounce
		mandrillFinding(msg, undecided).judge(&one, words)
	case "reject":
		one.Kind = events.ReportBounce
		f, left := mandrillReject(firstText(msg.at("reject", "reason"), msg.at("reject_reason"), e.at("reject", "reason")))
		f.judge(&one, words)
		if left {
			return []events.Report{one, leaving(one)}
		}
	case "deferral":
		one.Kind = events.ReportDelay
		delayed(&one, words)
	case "delivered":
		one.Kind = events.ReportDelivered
	case "spam":
		one.Kind, one.FeedbackType = events.ReportComplaint, "abuse"
	case "unsub":
		one.Kind = events.ReportUnsubscribe
	}
	// send, open, click, and the changes of its lists (whitelist, blacklist) are kept as other.
	return []events.Report{one}
}

// lastDiag is what the server said last, of a deferral.
func lastDiag(msg value) string {
	all := msg.at("smtp_events").list()
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1].at("diag").text()
}

// mandrillFinding reads the description of a bounce, then its number, which is that of SparkPost's table.
func mandrillFinding(msg value, usual finding) finding {
	switch msg.at("bounce_description").word() {
	case "bad_mailbox":
		return goneFor
	case "invalid_domain":
		return finding{reason: reply.ReasonDomainNotFound, final: true}
	case "mailbox_full", "over_quota":
		return finding{reason: reply.ReasonMailboxFull}
	case "message_too_large":
		return finding{reason: reply.ReasonSize, final: true}
	}
	if f, kind := sparkPostClass(msg.at("bgtools_code").text()); kind == events.ReportBounce && f.reason != reply.ReasonUnknown {
		return f
	}
	return usual
}

// mandrillReject says why Mandrill did not even try. left: because the recipient wanted no more.
func mandrillReject(reason string) (f finding, left bool) {
	switch strings.ToLower(reason) {
	case "hard-bounce", "invalid":
		return certainlyGone, false
	case "unsub", "spam":
		return onTheirList, true // spam: the recipient complained earlier
	case "soft-bounce", "custom":
		return onTheirList, false
	case "invalid-sender", "unsigned":
		return finding{reason: reply.ReasonSenderRejected, exact: true}, false
	case "test-mode-limit", "recipient-limit", "queue-limit":
		return finding{reason: reply.ReasonQuotaExhausted, exact: true}, false
	}
	return finding{reason: reply.ReasonPolicy, fault: reply.FaultAccount}, false
}
