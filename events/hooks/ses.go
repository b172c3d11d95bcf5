package hooks

import (
	"strings"

	"postrider/events"
	"postrider/sender/reply"
)

// parseSES reads the Message of a notification: either of the two forms, notificationType of feedback notifications or eventType of event publishing.
func parseSES(r Request) ([]events.Report, error) {
	if text := strings.TrimSpace(string(r.Body[:min(len(r.Body), 200)])); text != "" && text[0] != '{' {
		// "Successfully validated SNS topic for Amazon SES event publishing.", and whatever a person types into the console of SNS.
		return nil, nil
	}
	m, err := decode(r.Body)
	if err != nil {
		return nil, err
	}
	kind := m.at("eventType").word()
	if kind == "" {
		kind = m.at("notificationType").word()
	}
	s := sesMessage{r: r, m: m, mail: m.at("mail")}
	switch kind {
	case "amazonsnssubscriptionsucceeded":
		return nil, nil
	case "bounce":
		return s.bounces(), nil
	case "complaint":
		return s.complaints(), nil
	case "delivery":
		return s.each(m.at("delivery", "recipients"), "", func(one *events.Report, _ value) {
			one.Kind, one.At = events.ReportDelivered, plausible(m.at("delivery", "timestamp").stamp(), one.At)
			one.Diagnostic = clean(m.at("delivery", "smtpResponse").text(), reply.MaxText)
			one.Key = keyOf(SES, s.id(), "delivery", one.Address)
		}), nil
	case "deliverydelay":
		at := m.at("deliveryDelay", "timestamp")
		return s.each(m.at("deliveryDelay", "delayedRecipients"), "emailAddress", func(one *events.Report, to value) {
			one.Kind, one.At = events.ReportDelay, plausible(at.stamp(), one.At)
			delayed(one, said{text: to.at("diagnosticCode").text(), status: to.at("status").text()})
			one.Key = keyOf(SES, s.id(), "delay", at.text(), one.Address)
		}), nil
	case "reject":
		// SES has found a virus and sends nothing.
		return s.each(s.mail.at("destination"), "", func(one *events.Report, _ value) {
			one.Kind = events.ReportBounce
			finding{reason: reply.ReasonContent, final: true, exact: true}.judge(one, said{text: m.at("reject", "reason").text()})
			one.Key = keyOf(SES, s.id(), "reject", one.Address)
		}), nil
	case "subscription":
		return s.subscriptions(), nil
	case "":
		return nil, refuse(Malformed, "the notification is not one of Amazon SES: it has neither eventType nor notificationType")
	}
	// open, click, send, rendering failure, and what is new
	detail := m.at(strings.ToLower(m.at("eventType").text()), "timestamp").text()
	return s.each(s.mail.at("destination"), "", func(one *events.Report, _ value) {
		one.Kind = events.ReportOther
		one.Key = keyOf(SES, s.id(), kind, detail, m.at("click", "link").text(), one.Address)
	}), nil
}

type sesMessage struct {
	r       Request
	m, mail value
}

// id is the message id of SES, which also stands in its reply to the message.
func (s sesMessage) id() string { return s.mail.at("messageId").text() }

// each makes a report for each recipient; address is the member that holds it, "" when the recipient is the text itself.
func (s sesMessage) each(recipients value, address string, fill func(one *events.Report, to value)) []events.Report {
	var all []events.Report
	for _, to := range recipients.list() {
		text := to
		if address != "" {
			text = to.at(address)
		}
		one := newReport(SES, s.r, events.ReportOther, s.r.Body, s.mail.at("timestamp").stamp(), text.text())
		one.QueueIDs = ids(s.id())
		one.ReturnPaths = ids(bareAddress(s.mail.at("source").text()), bareAddress(s.mail.at("commonHeaders", "returnPath").text()))
		one.MessageIDs = ids(s.mail.at("commonHeaders", "messageId").text())
		fieldsOf(&one, s.mail.at("headers"))
		fill(&one, to)
		all = append(all, one)
	}
	return all
}

func (s sesMessage) bounces() []events.Report {
	b := s.m.at("bounce")
	category := sesFinding(b.at("bounceType").word(), b.at("bounceSubType").word())
	left := strings.Contains(b.at("bounceSubType").word(), "unsubscribe")
	bounces := s.each(b.at("bouncedRecipients"), "emailAddress", func(one *events.Report, to value) {
		one.Kind, one.At = events.ReportBounce, plausible(b.at("timestamp").stamp(), one.At)
		category.judge(one, said{text: to.at("diagnosticCode").text(), status: to.at("status").text()})
		one.Key = keyOf(SES, s.feedback(b), "bounce", one.Address)
	})
	if left {
		for _, one := range bounces[:len(bounces):len(bounces)] {
			bounces = append(bounces, leaving(one))
		}
	}
	return bounces
}

// feedback is the id of the feedback, or of the message when there is none.
func (s sesMessage) feedback(v value) string {
	if id := v.at("feedbackId").text(); id != "" {
		return id
	}
	return s.id()
}

// sesFinding is the table of docs.aws.amazon.com/ses/latest/dg/notification-contents.html, which Resend passes on. The words are in lower case.
func sesFinding(kind, sub string) finding {
	switch sub {
	case "noemail", "suppressed":
		return certainlyGone // Suppressed: the address has bounced as invalid, also for others
	case "onaccountsuppressionlist", "unsubscribedrecipient":
		return onTheirList
	case "mailboxfull":
		return finding{reason: reply.ReasonMailboxFull}
	case "messagetoolarge":
		return finding{reason: reply.ReasonSize, final: true}
	case "contentrejected", "attachmentrejected":
		return finding{reason: reply.ReasonContent, final: true}
	case "customtimeoutexceeded":
		return finding{reason: reply.ReasonNetwork}
	}
	if kind == "permanent" {
		return goneFor
	}
	return undecided
}

func (s sesMessage) complaints() []events.Report {
	c := s.m.at("complaint")
	feedback := c.at("complaintFeedbackType").word()
	earlier := c.at("complaintSubType").word() == "onaccountsuppressionlist"
	var all []events.Report
	for _, one := range s.each(c.at("complainedRecipients"), "emailAddress", func(one *events.Report, _ value) {
		one.Kind, one.At = complaintKind(feedback), plausible(c.at("timestamp").stamp(), one.At)
		one.FeedbackType = clean(feedback, 100)
		one.Key = keyOf(SES, s.feedback(c), "complaint", one.Address)
	}) {
		if earlier {
			// Not a complaint about this message, which was never sent: they had complained before.
			one.Kind = events.ReportBounce
			onTheirList.judge(&one, said{})
			all = append(all, leaving(one))
		}
		all = append(all, one)
	}
	return all
}

// subscriptions are choices on the page that SES adds when its own lists are used.
func (s sesMessage) subscriptions() []events.Report {
	c := s.m.at("subscription")
	return s.each(s.mail.at("destination"), "", func(one *events.Report, _ value) {
		one.At = plausible(c.at("timestamp").stamp(), one.At)
		if c.at("newTopicPreferences", "unsubscribeAll").truth() {
			one.Kind = events.ReportUnsubscribe
		}
		one.Key = keyOf(SES, s.id(), "subscription", c.at("timestamp").text(), one.Address)
	})
}
