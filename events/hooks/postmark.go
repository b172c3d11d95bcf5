package hooks

import (
	"strings"

	"postrider/events"
	"postrider/sender/reply"
)

// The message ids of "Send test".
const (
	postmarkTestID    = "00000000-0000-0000-0000-000000000000"
	postmarkOldTestID = "883953f4-6105-42a2-a16a-77a8eac79483"
)

func parsePostmark(r Request) ([]events.Report, error) {
	all, err := decodeEvents(r.Body)
	if err != nil {
		return nil, err
	}
	var reports []events.Report
	for _, e := range all {
		if !e.has("RecordType") && !e.has("Type") {
			return nil, refuse(Malformed, "the request has no RecordType, as the webhooks of Postmark have")
		}
		if id := strings.ToLower(e.at("MessageID").text()); id != postmarkTestID && id != postmarkOldTestID {
			reports = append(reports, postmarkEvent(r, e))
		}
	}
	return reports, nil
}

func postmarkEvent(r Request, e event) events.Report {
	kind := e.at("RecordType").word()
	id := e.at("MessageID").text()
	at := firstText(e.at("BouncedAt"), e.at("DeliveredAt"), e.at("ChangedAt"), e.at("ReceivedAt"))
	one := newReport(Postmark, r, events.ReportOther, e.raw, value{at}.stamp(), firstText(e.at("Email"), e.at("Recipient")))
	one.QueueIDs = ids(id)
	one.Key = keyOf(Postmark, id, kind, at, one.Address)
	switch kind {
	case "bounce", "spamcomplaint", "":
		if number := e.at("ID").text(); number != "" && number != "0" {
			one.Key = keyOf(Postmark, "bounce", number)
		}
		postmarkBounce(&one, e.at("Type").word(), said{text: firstText(e.at("Details"), e.at("Description"))})
		if kind == "spamcomplaint" {
			one.Kind = events.ReportComplaint
		}
	case "delivery":
		one.Kind, one.Diagnostic = events.ReportDelivered, clean(e.at("Details").text(), reply.MaxText)
	case "subscriptionchange":
		// Bounces and complaints are reported by themselves; what a customer or the staff of Postmark switches off says nothing about the wish of the recipient.
		if e.at("SuppressSending").truth() && e.at("SuppressionReason").word() == "manualsuppression" && e.at("Origin").word() == "recipient" {
			one.Kind = events.ReportUnsubscribe
		}
		one.Key = keyOf(Postmark, id, kind, at, one.Address, e.at("SuppressSending").text())
	}
	return one
}

// postmarkBounce is the table of postmarkapp.com/developer/api/bounce-api#bounce-types.
func postmarkBounce(one *events.Report, kind string, words said) {
	bounce := func(f finding) {
		one.Kind = events.ReportBounce
		f.judge(one, words)
	}
	switch kind {
	case "hardbounce":
		bounce(goneFor)
	case "bademailaddress":
		bounce(certainlyGone)
	case "manuallydeactivated":
		bounce(onTheirList)
	case "softbounce", "unknown":
		bounce(undecided)
	case "dnserror":
		bounce(finding{reason: reply.ReasonNetwork})
	case "spamnotification":
		bounce(finding{reason: reply.ReasonSpamContent, final: true, exact: true})
	case "virusnotification":
		bounce(finding{reason: reply.ReasonContent, final: true, exact: true})
	case "blocked":
		bounce(finding{reason: reply.ReasonBlocked, final: true, exact: true})
	case "dmarcpolicy":
		bounce(finding{reason: reply.ReasonAuthentication, final: true, exact: true})
	case "smtpapierror":
		bounce(finding{reason: reply.ReasonProtocol, final: true, exact: true})
	case "templaterenderingfailed":
		bounce(finding{reason: reply.ReasonContent, final: true, exact: true})
	case "transient":
		one.Kind = events.ReportDelay
		delayed(one, words)
	case "spamcomplaint":
		one.Kind, one.FeedbackType = events.ReportComplaint, "abuse"
	case "unsubscribe":
		one.Kind = events.ReportUnsubscribe
	case "autoresponder", "challengeverification":
		one.Kind = events.ReportAutoReply
	}
	// Subscribe, AddressChange, OpenRelayTest, Unconfirmed and InboundError say nothing about our mail.
}
