package hooks

import (
	"strings"

	"postrider/events"
	"postrider/sender/reply"
)

// testsSparkPost reports the request by which SparkPost tries an address.
func testsSparkPost(r Request) bool {
	all, err := decodeEvents(r.Body)
	if err != nil {
		return false
	}
	for _, e := range all {
		if !e.at("msys").isObject() || len(e.at("msys").members()) > 0 {
			return false
		}
	}
	return true
}

func parseSparkPost(r Request) ([]events.Report, error) {
	all, err := decodeEvents(r.Body)
	if err != nil {
		return nil, err
	}
	var reports []events.Report
	for _, e := range all {
		if !e.at("msys").isObject() {
			return nil, refuse(Malformed, "an event has no msys, as those of SparkPost have")
		}
		for _, class := range e.at("msys").members() {
			inner := e.at("msys", class)
			if inner.at("message_id").text() == "000443ee14578172be22" || inner.at("rcpt_to").word() == "recipient@example.com" {
				continue // "Test": the samples of its documentation
			}
			reports = append(reports, sparkPostEvent(r, event{inner, e.raw})...)
		}
	}
	return reports, nil
}

func sparkPostEvent(r Request, e event) []events.Report {
	kind := e.at("type").word()
	one := newReport(SparkPost, r, events.ReportOther, e.raw, e.at("timestamp").epoch(), firstText(e.at("raw_rcpt_to"), e.at("rcpt_to")))
	one.QueueIDs = ids(e.at("message_id").text(), e.at("transmission_id").text())
	one.ReturnPaths = ids(bareAddress(e.at("msg_from").text()))
	one.Key = keyOf(SparkPost, e.at("event_id").text(), one.Address)
	if e.at("event_id").text() == "" {
		one.Key = keyOf(SparkPost, "sha256", bodyHash(e.raw))
	}
	words := said{text: firstText(e.at("raw_reason"), e.at("reason")), code: e.at("error_code").number()}
	switch kind {
	case "bounce", "out_of_band":
		f, kind := sparkPostClass(e.at("bounce_class").text())
		if one.Kind = kind; kind == events.ReportBounce {
			f.judge(&one, words)
		}
	case "policy_rejection", "generation_rejection", "generation_failure":
		one.Kind = events.ReportBounce
		f := finding{reason: reply.ReasonPolicy, fault: reply.FaultAccount, exact: true}
		if strings.Contains(strings.ToLower(words.text), "suppress") {
			f = onTheirList
		}
		f.judge(&one, words)
	case "delay":
		one.Kind = events.ReportDelay
		delayed(&one, words)
	case "delivery":
		one.Kind = events.ReportDelivered
	case "spam_complaint":
		feedback := e.at("fbtype").word()
		one.Kind, one.FeedbackType = complaintKind(feedback), clean(feedback, 100)
	case "list_unsubscribe", "link_unsubscribe":
		one.Kind = events.ReportUnsubscribe
	}
	return []events.Report{one}
}

// sparkPostClass is the table of its bounce classification codes (support.sparkpost.com, "Bounce Classification Codes"). Some of what it calls a bounce is
// none.
func sparkPostClass(class string) (finding, events.ReportKind) {
	switch class {
	case "10": // invalid recipient
		return goneFor, events.ReportBounce
	case "30": // no recipient could be found in the bounce
		return goneFor, events.ReportBounce
	case "21": // DNS failure
		return finding{reason: reply.ReasonNetwork}, events.ReportBounce
	case "22":
		return finding{reason: reply.ReasonMailboxFull}, events.ReportBounce
	case "23":
		return finding{reason: reply.ReasonSize, final: true}, events.ReportBounce
	case "24": // timeout
		return finding{reason: reply.ReasonNetwork}, events.ReportBounce
	case "25": // admin failure: a rule of SparkPost or of the account
		return finding{reason: reply.ReasonPolicy, fault: reply.FaultAccount, exact: true}, events.ReportBounce
	case "50": // mail block
		return finding{reason: reply.ReasonBlocked, final: true}, events.ReportBounce
	case "51": // spam block
		return finding{reason: reply.ReasonReputation, final: true}, events.ReportBounce
	case "52":
		return finding{reason: reply.ReasonSpamContent, final: true}, events.ReportBounce
	case "53": // prohibited attachment
		return finding{reason: reply.ReasonContent, final: true}, events.ReportBounce
	case "54": // relaying denied by the receiver
		return finding{reason: reply.ReasonRelayDenied, fault: reply.FaultReceiver}, events.ReportBounce
	case "60", "100": // auto-reply, challenge-response
		return undecided, events.ReportAutoReply
	case "80": // subscribe
		return undecided, events.ReportOther
	case "90":
		return undecided, events.ReportUnsubscribe
	}
	return undecided, events.ReportBounce // 1, 20, 40, 70, and what is new
}
