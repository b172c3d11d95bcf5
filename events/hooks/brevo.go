package hooks

import (
	"strings"
	"time"

	"postrider/events"
	"postrider/sender/reply"
)

func parseBrevo(r Request) ([]events.Report, error) {
	all, err := decodeEvents(r.Body)
	if err != nil {
		return nil, err
	}
	var reports []events.Report
	for _, e := range all {
		if !e.has("event") {
			return nil, refuse(Malformed, "the request names no event; choose a transactional webhook in Brevo, not an inbound one")
		}
		if e.at("email").word() != "example@domain.com" && e.at("email").word() != "example@example.com" { // the samples of its documentation and its test
			reports = append(reports, brevoEvent(r, e)...)
		}
	}
	return reports, nil
}

func brevoEvent(r Request, e event) []events.Report {
	one := newReport(Brevo, r, events.ReportOther, e.raw, brevoTime(e.value), e.at("email").text())
	one.MessageIDs = ids(e.at("message-id").text())
	one.QueueIDs = ids(strings.Trim(strings.TrimSpace(e.at("message-id").text()), "<>"))
	one.Key = brevoKey(e.value)
	words := said{text: e.at("reason").text()}
	bounce := func(f finding) {
		one.Kind = events.ReportBounce
		f.judge(&one, words)
	}
	switch e.at("event").word() {
	case "hard_bounce", "hardbounce":
		bounce(goneFor)
	case "soft_bounce", "softbounce":
		bounce(undecided)
	case "invalid_email", "invalid":
		bounce(certainlyGone)
	case "blocked":
		// Brevo did not try: the address had bounced, complained or left there.
		bounce(onTheirList)
	case "error":
		bounce(finding{reason: reply.ReasonProtocol})
	case "deferred":
		one.Kind = events.ReportDelay
		delayed(&one, words)
	case "delivered":
		one.Kind = events.ReportDelivered
	case "spam", "complaint":
		one.Kind, one.FeedbackType = events.ReportComplaint, "abuse"
	case "unsubscribed", "unsubscribe":
		one.Kind = events.ReportUnsubscribe
	}
	// request, opened, unique_opened, proxy_open, unique_proxy_open, click and what is new are kept as other.
	return []events.Report{one}
}

// brevoTime prefers ts_epoch: ts and date are in the time zone of the account, which is not said.
func brevoTime(e value) (at time.Time) {
	if at = e.at("ts_epoch").millis(); !at.IsZero() {
		return at
	}
	return e.at("ts_event").epoch()
}

// brevoKey makes an id out of what tells two events apart, since Brevo gives none. The id member is that of the webhook.
func brevoKey(e value) string {
	var b strings.Builder
	for _, name := range []string{"event", "email", "message-id", "ts_epoch", "ts_event", "ts", "date", "reason", "link"} {
		b.WriteString(name + "\n" + e.at(name).text() + "\n")
	}
	return keyOf(Brevo, "sha256", bodyHash([]byte(b.String())))
}
