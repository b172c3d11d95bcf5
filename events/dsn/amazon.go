package dsn

import (
	"encoding/json"
	"strings"
)

// amazonNotice is what Amazon SES publishes about a message, of which SNS makes a mail.
// https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html
type amazonNotice struct {
	NotificationType string `json:"notificationType"`
	EventType        string `json:"eventType"`
	Message          string `json:"Message"` // the envelope of SNS
	Bounce           struct {
		BounceType        string `json:"bounceType"`
		BounceSubType     string `json:"bounceSubType"`
		BouncedRecipients []struct {
			EmailAddress   string `json:"emailAddress"`
			Action         string `json:"action"`
			Status         string `json:"status"`
			DiagnosticCode string `json:"diagnosticCode"`
		} `json:"bouncedRecipients"`
		Timestamp string `json:"timestamp"`
	} `json:"bounce"`
	Complaint struct {
		ComplainedRecipients []struct {
			EmailAddress string `json:"emailAddress"`
		} `json:"complainedRecipients"`
		FeedbackType string `json:"complaintFeedbackType"`
		Timestamp    string `json:"timestamp"`
	} `json:"complaint"`
	Delivery struct {
		Recipients   []string `json:"recipients"`
		SMTPResponse string   `json:"smtpResponse"`
		Timestamp    string   `json:"timestamp"`
	} `json:"delivery"`
	Mail struct {
		Source    string `json:"source"`
		MessageID string `json:"messageId"`
		Headers   []struct {
			Name  string `json:"name"`
			Value string `json:"value"`
		} `json:"headers"`
	} `json:"mail"`
}

// readAmazon reads the JSON that SNS sends as mail. Behind it stands a footer about the subscription.
func (p *parser) readAmazon(text string) bool {
	start := strings.IndexByte(text, '{')
	if start < 0 || strings.TrimSpace(text[:start]) != "" || !strings.Contains(text, "otificationType") && !strings.Contains(text, "eventType") {
		return false
	}
	var n amazonNotice
	if decodeFirst(text[start:], &n) != nil {
		return false
	}
	if n.Message != "" {
		inner := n.Message
		n = amazonNotice{}
		if decodeFirst(inner, &n) != nil {
			return false
		}
	}
	p.amazonBounce(n)
	p.amazonOthers(n)
	p.ids.addReturnPath(n.Mail.Source)
	p.ids.addQueue(n.Mail.MessageID)
	for _, h := range n.Mail.Headers {
		p.collectOriginal(header{{strings.ToLower(h.Name), h.Value}})
	}
	return len(p.recipients) > 0
}

func (p *parser) amazonBounce(n amazonNotice) {
	p.when(n.Bounce.Timestamp)
	for _, b := range n.Bounce.BouncedRecipients {
		r := Recipient{Address: typed(b.EmailAddress), Action: actionWord(b.Action), Status: firstStatus(b.Status), Kind: KindBounce}
		if r.Action == "delayed" {
			r.Kind = KindDelay
		}
		_, diag, ok := strings.Cut(b.DiagnosticCode, ";")
		if !ok {
			diag = b.DiagnosticCode
		}
		p.judge(&r, strings.TrimSpace(diag), amazonSubType(n.Bounce.BounceSubType), "", "")
		if r.Address != "" {
			p.add(r)
		}
	}
}

// amazonSubType puts the provider's word for a bounce into words that servers use.
func amazonSubType(s string) string {
	switch s {
	case "MailboxFull":
		return "mailbox full"
	case "MessageTooLarge":
		return "message too large"
	case "ContentRejected", "AttachmentRejected":
		return "message content rejected"
	case "NoEmail":
		return "no such user"
	}
	return ""
}

func (p *parser) amazonOthers(n amazonNotice) {
	p.when(n.Complaint.Timestamp)
	for _, c := range n.Complaint.ComplainedRecipients {
		kind := n.Complaint.FeedbackType
		if kind == "" {
			kind = "abuse"
		}
		if a := typed(c.EmailAddress); a != "" {
			p.add(complainant(a, kind, ""))
		}
	}
	p.when(n.Delivery.Timestamp)
	for _, a := range n.Delivery.Recipients {
		if a = typed(a); a != "" {
			p.add(Recipient{Address: a, Kind: KindDelivered, Action: "delivered", Diagnostic: clip(n.Delivery.SMTPResponse, 500)})
		}
	}
}

// decodeFirst decodes the first JSON value of a text. Lines that a mail program broke within a string are put together again.
func decodeFirst(s string, into any) error {
	err := json.NewDecoder(strings.NewReader(s)).Decode(into)
	if err != nil {
		err = json.NewDecoder(strings.NewReader(strings.ReplaceAll(s, "\n", ""))).Decode(into)
	}
	return err
}
