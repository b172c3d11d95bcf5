package hooks

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postrider/events"
)

// said is the form in which tests write what a report says: kind, hard or not, reason, fault.
func brief(r events.Report) string {
	if r.Kind != events.ReportBounce {
		return string(r.Kind)
	}
	strength := "soft"
	if r.Hard {
		strength = "hard"
	}
	return fmt.Sprintf("%s %s %s %s", r.Kind, strength, r.Reason, r.Fault)
}

func parse(t testing.TB, p Provider, body string) []events.Report {
	t.Helper()
	b := []byte(body)
	if p == Mandrill {
		b = []byte(url.Values{mandrillEvents: {body}}.Encode())
	}
	reports, err := Parse(p, Request{Body: b, Header: http.Header{"Svix-Id": {"msg_1"}}, Now: now})
	if err != nil {
		t.Fatalf("%s: %v in %s", p, err, body)
	}
	return reports
}

func sesBounce(kind, sub, diagnostic, status string) string {
	return fmt.Sprintf(`{"eventType":"Bounce","bounce":{"bounceType":%q,"bounceSubType":%q,"feedbackId":"fb-1","timestamp":"2026-11-26T11:00:00.000Z",
		"bouncedRecipients":[{"emailAddress":"Ada <ada@tree.club>","action":"failed","status":%q,"diagnosticCode":%q}]},
		"mail":{"timestamp":"2026-11-26T10:00:00.000Z","messageId":"0100-ses","source":"b+tok@bounce.tree.club","destination":["ada@tree.club"],
		"headers":[{"name":"Message-ID","value":"<tok@tree.club>"},{"name":"List-Unsubscribe","value":"<https://news.tree.club/u/tok>, <mailto:u+tok@tree.club>"}],
		"commonHeaders":{"messageId":"<tok@tree.club>","returnPath":"b+tok@bounce.tree.club"}}}`, kind, sub, status, diagnostic)
}

func sendGrid(members string) string {
	return `[{"email":"ada@tree.club","timestamp":1795690800,"sg_event_id":"ev","sg_message_id":"14c5.dfd.64b469.filter0001.16648.5515E0B88.0","smtp-id":"<tok@tree.club>",` + members + `}]`
}

func mailgun(members string) string {
	return `{"signature":{},"event-data":{"id":"mg","timestamp":1795690800.25,"recipient":"ada@tree.club","envelope":{"sender":"b+tok@bounce.tree.club"},` +
		`"message":{"headers":{"message-id":"tok@tree.club"}},` + members + `}}`
}

func postmark(kind, details string) string {
	return fmt.Sprintf(`{"RecordType":"Bounce","ID":7001,"Type":%q,"MessageID":"aaaa-bbbb","Email":"ada@tree.club","BouncedAt":"2026-11-26T12:00:00.1234567+01:00","Details":%q}`, kind, details)
}

func brevo(event, reason string) string {
	return fmt.Sprintf(`{"event":%q,"email":"ada@tree.club","id":9,"message-id":"<tok@tree.club>","ts":1795694400,"ts_epoch":1795690800123,"reason":%q}`, event, reason)
}

func mandrill(event, msg string) string {
	return fmt.Sprintf(`[{"event":%q,"ts":1795690800,"_id":"md","msg":{"_id":"md","email":"ada@tree.club"%s}}]`, event, msg)
}

func sparkPost(kind, members string) string {
	return fmt.Sprintf(`[{"msys":{"message_event":{"type":%q,"event_id":"92356927","timestamp":"1795690800","rcpt_to":"ada@tree.club","raw_rcpt_to":"Ada@tree.club",
		"msg_from":"b+tok@bounce.tree.club","message_id":"sp-m","transmission_id":"sp-t"%s}}}]`, kind, members)
}

func resend(kind, members string) string {
	return fmt.Sprintf(`{"type":%q,"created_at":"2026-11-26T11:00:00.000Z","data":{"email_id":"re","created_at":"2026-11-26T10:00:00.000Z","from":"News <n@tree.club>","to":["ada@tree.club"],
		"headers":[{"name":"Message-ID","value":"<tok@tree.club>"}]%s}}`, kind, members)
}

const (
	gone       = "bounce hard user_unknown recipient"
	theirList  = "bounce soft mailbox_disabled recipient"
	unknown    = "bounce soft unknown receiver"
	full       = "bounce soft mailbox_full receiver"
	blocked    = "bounce soft blocked reputation"
	unsub      = "unsubscribe"
	noSuchUser = "smtp; 550 5.1.1 <ada@tree.club>: Recipient address rejected: User unknown"
	listed     = "smtp; 554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org"
	overQuota  = "smtp; 552 5.2.2 mailbox full"
)

func TestWhatIsSaid(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		p    Provider
		body string
		want string
	}{
		{SES, sesBounce("Permanent", "General", noSuchUser, "5.1.1"), gone},
		{SES, sesBounce("Permanent", "General", "", ""), gone},
		{SES, sesBounce("Permanent", "General", listed, "5.7.1"), blocked},
		{SES, sesBounce("Permanent", "General", "", "5.7.1"), "bounce soft policy reputation"},
		{SES, sesBounce("Permanent", "General", "", "5.3.0"), gone},
		{SES, sesBounce("Permanent", "NoEmail", "", ""), gone},
		{SES, sesBounce("Permanent", "Suppressed", "Amazon SES has suppressed sending to this address because it has a recent history of bouncing as an invalid address.", "5.1.1"), gone},
		{SES, sesBounce("Permanent", "OnAccountSuppressionList", "", "5.1.1"), theirList},
		{SES, sesBounce("Transient", "General", "", ""), unknown},
		{SES, sesBounce("Transient", "MailboxFull", "", ""), full},
		{SES, sesBounce("Transient", "MailboxFull", overQuota, "5.2.2"), full},
		{SES, sesBounce("Transient", "MessageTooLarge", "", ""), "bounce soft size content"},
		{SES, sesBounce("Transient", "ContentRejected", "", ""), "bounce soft content content"},
		{SES, sesBounce("Transient", "AttachmentRejected", "", ""), "bounce soft content content"},
		{SES, sesBounce("Transient", "CustomTimeoutExceeded", "", ""), "bounce soft network network"},
		{SES, sesBounce("Undetermined", "Undetermined", "", ""), unknown},
		{SES, sesBounce("Permanent", "UnsubscribedRecipient", "", ""), theirList + ", " + unsub},
		{SES, `{"notificationType":"Complaint","complaint":{"complainedRecipients":[{"emailAddress":"ada@tree.club"}],"complaintFeedbackType":"abuse","feedbackId":"c"},"mail":{"messageId":"m"}}`, "complaint"},
		{SES, `{"notificationType":"Complaint","complaint":{"complainedRecipients":[{"emailAddress":"ada@tree.club"}],"feedbackId":"c"},"mail":{"messageId":"m"}}`, "complaint"},
		{SES, `{"notificationType":"Complaint","complaint":{"complainedRecipients":[{"emailAddress":"ada@tree.club"}],"complaintFeedbackType":"not-spam","feedbackId":"c"},"mail":{"messageId":"m"}}`, "other"},
		{SES, `{"eventType":"Complaint","complaint":{"complainedRecipients":[{"emailAddress":"ada@tree.club"}],"complaintSubType":"OnAccountSuppressionList","feedbackId":"c"},"mail":{}}`, unsub + ", " + theirList},
		{SES, `{"eventType":"Delivery","delivery":{"recipients":["ada@tree.club"],"smtpResponse":"250 ok"},"mail":{"messageId":"m"}}`, "delivered"},
		{SES, `{"eventType":"DeliveryDelay","deliveryDelay":{"delayedRecipients":[{"emailAddress":"ada@tree.club","diagnosticCode":"smtp; 450 4.1.1 unknown","status":"4.1.1"}]},"mail":{}}`, "delay"},
		{SES, `{"eventType":"Reject","reject":{"reason":"Bad content"},"mail":{"destination":["ada@tree.club"]}}`, "bounce soft content content"},
		{SES, `{"eventType":"Subscription","subscription":{"newTopicPreferences":{"unsubscribeAll":true}},"mail":{"destination":["ada@tree.club"]}}`, unsub},
		{SES, `{"eventType":"Subscription","subscription":{"newTopicPreferences":{"unsubscribeAll":false}},"mail":{"destination":["ada@tree.club"]}}`, "other"},
		{SES, `{"eventType":"Open","open":{"timestamp":"x"},"mail":{"destination":["ada@tree.club"]}}`, "other"},
		{SES, `{"eventType":"Rendering Failure","mail":{"destination":["ada@tree.club"]}}`, "other"},
		{SES, `{"eventType":"Something New","mail":{"destination":["ada@tree.club"]}}`, "other"},
		{SES, "Successfully validated SNS topic for Amazon SES event publishing.", ""},
		{SES, `{"notificationType":"AmazonSnsSubscriptionSucceeded","message":"hello"}`, ""},

		{SendGrid, sendGrid(`"event":"bounce","type":"bounce","reason":"550 5.1.1 User unknown","status":"5.1.1"`), gone},
		{SendGrid, sendGrid(`"event":"bounce","type":"bounce","reason":""`), gone},
		{SendGrid, sendGrid(`"event":"bounce","type":"bounce","reason":"554 5.7.1 blocked using zen.spamhaus.org"`), blocked},
		{SendGrid, sendGrid(`"event":"bounce","type":"bounce","bounce_classification":"Reputation","reason":""`), "bounce soft reputation reputation"},
		{SendGrid, sendGrid(`"event":"bounce","type":"bounce","bounce_classification":"Content","reason":""`), "bounce soft spam_content content"},
		{SendGrid, sendGrid(`"event":"bounce","type":"bounce","bounce_classification":"Mailbox Unavailable","reason":""`), full},
		{SendGrid, sendGrid(`"event":"bounce","type":"bounce","bounce_classification":"Frequency or Volume Too High","reason":""`), "bounce soft rate_limited reputation"},
		{SendGrid, sendGrid(`"event":"bounce","type":"bounce","bounce_classification":"Technical Failure","reason":""`), "bounce soft system receiver"},
		{SendGrid, sendGrid(`"event":"bounce","type":"blocked","reason":""`), blocked},
		{SendGrid, sendGrid(`"event":"bounce","type":"blocked","bounce_classification":"Invalid Address","reason":""`), blocked},
		{SendGrid, sendGrid(`"event":"blocked","reason":""`), blocked},
		{SendGrid, sendGrid(`"event":"dropped","reason":"Bounced Address"`), gone},
		{SendGrid, sendGrid(`"event":"dropped","reason":"Invalid"`), gone},
		{SendGrid, sendGrid(`"event":"dropped","reason":"Unsubscribed Address"`), theirList + ", " + unsub},
		{SendGrid, sendGrid(`"event":"dropped","reason":"Spam Reporting Address"`), theirList + ", " + unsub},
		{SendGrid, sendGrid(`"event":"dropped","reason":"Recipient List over Package Quota"`), "bounce soft quota_exhausted account"},
		{SendGrid, sendGrid(`"event":"dropped","reason":"Spam Content (if spam checker app enabled)"`), "bounce soft spam_content content"},
		{SendGrid, sendGrid(`"event":"dropped","reason":"Invalid SMTPAPI header"`), "bounce soft protocol us"},
		{SendGrid, sendGrid(`"event":"deferred","response":"450 4.2.1 try again"`), "delay"},
		{SendGrid, sendGrid(`"event":"delivered","response":"250 OK"`), "delivered"},
		{SendGrid, sendGrid(`"event":"spamreport"`), "complaint"},
		{SendGrid, sendGrid(`"event":"unsubscribe"`), unsub},
		{SendGrid, sendGrid(`"event":"group_unsubscribe"`), unsub},
		{SendGrid, sendGrid(`"event":"group_resubscribe"`), "other"},
		{SendGrid, sendGrid(`"event":"open","category":["a",{"b":1}]`), "other"},
		{SendGrid, sendGrid(`"event":{"new":true}`), "other"},
		{SendGrid, `[{"email":"example@test.com","event":"bounce"}]`, ""},
		{SendGrid, `[]`, ""},

		{Mailgun, mailgun(`"event":"failed","severity":"permanent","reason":"bounce","delivery-status":{"code":550,"message":"5.1.1 User unknown","bounce-type":"hard"}`), gone},
		{Mailgun, mailgun(`"event":"failed","severity":"permanent","reason":"bounce","delivery-status":{"code":550,"enhanced-code":"5.1.1","message":""}`), gone},
		{Mailgun, mailgun(`"event":"failed","severity":"permanent","reason":"bounce","delivery-status":{"code":550,"bounce-type":"hard","message":"blocked using zen.spamhaus.org"}`), blocked},
		{Mailgun, mailgun(`"event":"failed","severity":"permanent","reason":"generic","delivery-status":{"code":602,"message":"Too old"}`), "bounce soft network receiver"},
		{Mailgun, mailgun(`"event":"failed","severity":"permanent","reason":"suppress-bounce","delivery-status":{"code":605,"message":"Not delivering to previously bounced address"}`), gone},
		{Mailgun, mailgun(`"event":"failed","severity":"permanent","reason":"suppress-unsubscribe","delivery-status":{"code":606}`), theirList + ", " + unsub},
		{Mailgun, mailgun(`"event":"failed","severity":"permanent","reason":"suppress-complaint","delivery-status":{"code":607}`), theirList + ", " + unsub},
		{Mailgun, mailgun(`"event":"failed","severity":"permanent","reason":"espblock","delivery-status":{"code":550,"message":"5.1.1 User unknown"}`), blocked},
		{Mailgun, mailgun(`"event":"failed","severity":"permanent","reason":"old","delivery-status":{"code":498}`), unknown},
		{Mailgun, mailgun(`"event":"failed","severity":"temporary","reason":"generic","delivery-status":{"code":450,"message":"4.2.2 full"}`), "delay"},
		{Mailgun, mailgun(`"event":"rejected","reject":{"reason":"Sandbox subdomains are for test purposes only"}`), "bounce soft policy account"},
		{Mailgun, mailgun(`"event":"delivered"`), "delivered"},
		{Mailgun, mailgun(`"event":"complained"`), "complaint"},
		{Mailgun, mailgun(`"event":"unsubscribed"`), unsub},
		{Mailgun, mailgun(`"event":"clicked"`), "other"},
		{Mailgun, `{"event-data":{"event":"failed","severity":"permanent","recipient":"alice@example.com"}}`, ""},

		{Postmark, postmark("HardBounce", "smtp;550 5.1.1 User unknown"), gone},
		{Postmark, postmark("HardBounce", ""), gone},
		{Postmark, postmark("HardBounce", listed), blocked},
		{Postmark, postmark("Transient", "smtp;421 4.2.1 try later"), "delay"},
		{Postmark, postmark("Unsubscribe", ""), unsub},
		{Postmark, postmark("Subscribe", ""), "other"},
		{Postmark, postmark("AutoResponder", ""), "auto_reply"},
		{Postmark, postmark("AddressChange", ""), "other"},
		{Postmark, postmark("DnsError", ""), "bounce soft network network"},
		{Postmark, postmark("SpamNotification", noSuchUser), "bounce soft spam_content content"},
		{Postmark, postmark("OpenRelayTest", ""), "other"},
		{Postmark, postmark("Unknown", ""), unknown},
		{Postmark, postmark("SoftBounce", overQuota), full},
		{Postmark, postmark("VirusNotification", ""), "bounce soft content content"},
		{Postmark, postmark("ChallengeVerification", ""), "auto_reply"},
		{Postmark, postmark("BadEmailAddress", ""), gone},
		{Postmark, postmark("SpamComplaint", ""), "complaint"},
		{Postmark, postmark("ManuallyDeactivated", ""), theirList},
		{Postmark, postmark("Unconfirmed", ""), "other"},
		{Postmark, postmark("Blocked", noSuchUser), blocked},
		{Postmark, postmark("SMTPApiError", ""), "bounce soft protocol us"},
		{Postmark, postmark("InboundError", ""), "other"},
		{Postmark, postmark("DMARCPolicy", ""), "bounce soft authentication us"},
		{Postmark, postmark("TemplateRenderingFailed", ""), "bounce soft content content"},
		{Postmark, `{"RecordType":"SpamComplaint","ID":2,"Type":"SpamComplaint","MessageID":"a","Email":"ada@tree.club"}`, "complaint"},
		{Postmark, `{"RecordType":"Delivery","MessageID":"a","Recipient":"ada@tree.club","DeliveredAt":"2026-11-26T11:00:00Z"}`, "delivered"},
		{Postmark, `{"RecordType":"SubscriptionChange","MessageID":"a","Recipient":"ada@tree.club","Origin":"Recipient","SuppressSending":true,"SuppressionReason":"ManualSuppression"}`, unsub},
		{Postmark, `{"RecordType":"SubscriptionChange","MessageID":"a","Recipient":"ada@tree.club","Origin":"Customer","SuppressSending":true,"SuppressionReason":"ManualSuppression"}`, "other"},
		{Postmark, `{"RecordType":"SubscriptionChange","MessageID":"a","Recipient":"ada@tree.club","Origin":"Recipient","SuppressSending":true,"SuppressionReason":"HardBounce"}`, "other"},
		{Postmark, `{"RecordType":"SubscriptionChange","MessageID":"a","Recipient":"ada@tree.club","Origin":"Recipient","SuppressSending":false}`, "other"},
		{Postmark, `{"RecordType":"Open","MessageID":"a","Recipient":"ada@tree.club"}`, "other"},
		{Postmark, `{"RecordType":"Bounce","Type":"HardBounce","MessageID":"00000000-0000-0000-0000-000000000000","Email":"john@example.com"}`, ""},

		{Brevo, brevo("hard_bounce", "550 5.1.1 User unknown"), gone},
		{Brevo, brevo("hard_bounce", ""), gone},
		{Brevo, brevo("hard_bounce", "554 5.7.1 blocked using zen.spamhaus.org"), blocked},
		{Brevo, brevo("soft_bounce", "452 4.2.2 mailbox full"), full},
		{Brevo, brevo("soft_bounce", ""), unknown},
		{Brevo, brevo("blocked", "550 5.1.1 user unknown"), theirList},
		{Brevo, brevo("invalid_email", ""), gone},
		{Brevo, brevo("error", ""), "bounce soft protocol us"},
		{Brevo, brevo("deferred", "421 try later"), "delay"},
		{Brevo, brevo("delivered", ""), "delivered"},
		{Brevo, brevo("spam", ""), "complaint"},
		{Brevo, brevo("unsubscribed", ""), unsub},
		{Brevo, brevo("proxy_open", ""), "other"},
		{Brevo, brevo("unique_opened", ""), "other"},
		{Brevo, "[" + brevo("hard_bounce", "") + "," + brevo("spam", "") + "]", gone + ", complaint"},
		{Brevo, `{"event":"hard_bounce","email":"example@domain.com"}`, ""},

		{Mandrill, mandrill("hard_bounce", `,"bounce_description":"bad_mailbox","bgtools_code":10,"diag":"smtp;550 5.1.1 User unknown"`), gone},
		{Mandrill, mandrill("hard_bounce", `,"bounce_description":"general","bgtools_code":40`), gone},
		{Mandrill, mandrill("hard_bounce", `,"bounce_description":"general","bgtools_code":51`), "bounce soft reputation reputation"},
		{Mandrill, mandrill("hard_bounce", `,"bounce_description":"invalid_domain","bgtools_code":10`), "bounce hard domain_not_found recipient"},
		{Mandrill, mandrill("hard_bounce", `,"diag":"`+listed+`"`), blocked},
		{Mandrill, mandrill("soft_bounce", `,"bounce_description":"mailbox_full","bgtools_code":22,"diag":"smtp;552 5.2.2 Over Quota"`), full},
		{Mandrill, mandrill("soft_bounce", ""), unknown},
		{Mandrill, mandrill("reject", `,"reject":{"reason":"hard-bounce"}`), gone},
		{Mandrill, mandrill("reject", `,"reject":{"reason":"unsub"}`), theirList + ", " + unsub},
		{Mandrill, mandrill("reject", `,"reject":{"reason":"spam"}`), theirList + ", " + unsub},
		{Mandrill, mandrill("reject", `,"reject":{"reason":"custom"}`), theirList},
		{Mandrill, mandrill("reject", `,"reject":{"reason":"invalid-sender"}`), "bounce soft sender_rejected account"},
		{Mandrill, mandrill("reject", `,"reject":{"reason":"recipient-limit"}`), "bounce soft quota_exhausted account"},
		{Mandrill, mandrill("reject", `,"reject":{"reason":"rule"}`), "bounce soft policy account"},
		{Mandrill, mandrill("deferral", `,"smtp_events":[{"diag":"451 4.3.5 try again"}]`), "delay"},
		{Mandrill, mandrill("delivered", ""), "delivered"},
		{Mandrill, mandrill("spam", ""), "complaint"},
		{Mandrill, mandrill("unsub", ""), unsub},
		{Mandrill, mandrill("open", ""), "other"},
		{Mandrill, `[{"type":"blacklist","action":"add","ts":1795690800,"reject":{"email":"ada@tree.club","reason":"hard-bounce"}}]`, "other"},
		{Mandrill, `[{"event":"hard_bounce","_id":"exampleaaaaaaaaaaaaaaaaaaaaaaaaa2","msg":{"_id":"exampleaaaaaaaaaaaaaaaaaaaaaaaaa2","email":"example.webhook@mandrillapp.com"}}]`, ""},

		{SparkPost, sparkPost("bounce", `,"bounce_class":"10","raw_reason":"550 5.1.1 User unknown"`), gone},
		{SparkPost, sparkPost("bounce", `,"bounce_class":"30"`), gone},
		{SparkPost, sparkPost("bounce", `,"bounce_class":10,"error_code":"554","raw_reason":"554 5.7.1 blocked using zen.spamhaus.org"`), blocked},
		{SparkPost, sparkPost("out_of_band", `,"bounce_class":"20"`), unknown},
		{SparkPost, sparkPost("bounce", `,"bounce_class":"21"`), "bounce soft network network"},
		{SparkPost, sparkPost("bounce", `,"bounce_class":"22"`), full},
		{SparkPost, sparkPost("bounce", `,"bounce_class":"23"`), "bounce soft size content"},
		{SparkPost, sparkPost("bounce", `,"bounce_class":"24"`), "bounce soft network network"},
		{SparkPost, sparkPost("bounce", `,"bounce_class":"25","raw_reason":"550 5.1.1 User unknown"`), "bounce soft policy account"},
		{SparkPost, sparkPost("bounce", `,"bounce_class":"40"`), unknown},
		{SparkPost, sparkPost("bounce", `,"bounce_class":"50"`), blocked},
		{SparkPost, sparkPost("bounce", `,"bounce_class":"51"`), "bounce soft reputation reputation"},
		{SparkPost, sparkPost("bounce", `,"bounce_class":"52"`), "bounce soft spam_content content"},
		{SparkPost, sparkPost("bounce", `,"bounce_class":"53"`), "bounce soft content content"},
		{SparkPost, sparkPost("bounce", `,"bounce_class":"54"`), "bounce soft relay_denied receiver"},
		{SparkPost, sparkPost("bounce", `,"bounce_class":"60"`), "auto_reply"},
		{SparkPost, sparkPost("bounce", `,"bounce_class":"70"`), unknown},
		{SparkPost, sparkPost("bounce", `,"bounce_class":"80"`), "other"},
		{SparkPost, sparkPost("bounce", `,"bounce_class":"90"`), unsub},
		{SparkPost, sparkPost("bounce", `,"bounce_class":"100"`), "auto_reply"},
		{SparkPost, sparkPost("bounce", `,"bounce_class":"1"`), unknown},
		{SparkPost, sparkPost("policy_rejection", `,"raw_reason":"554 5.7.1 recipient address suppressed due to customer policy"`), theirList},
		{SparkPost, sparkPost("generation_failure", ``), "bounce soft policy account"},
		{SparkPost, sparkPost("delay", `,"raw_reason":"451 4.7.1 try later"`), "delay"},
		{SparkPost, sparkPost("delivery", ""), "delivered"},
		{SparkPost, sparkPost("spam_complaint", `,"fbtype":"abuse"`), "complaint"},
		{SparkPost, sparkPost("spam_complaint", `,"fbtype":"not-spam"`), "other"},
		{SparkPost, sparkPost("list_unsubscribe", ""), unsub},
		{SparkPost, sparkPost("link_unsubscribe", ""), unsub},
		{SparkPost, sparkPost("injection", ""), "other"},
		{SparkPost, `[{"msys":{}}]`, ""},

		{Resend, resend("email.bounced", `,"bounce":{"type":"Permanent","subType":"General","message":"The recipient's email provider sent a hard bounce message."}`), gone},
		{Resend, resend("email.bounced", `,"bounce":{"type":"Permanent","subType":"General","message":"x","diagnosticCode":["smtp; 554 5.7.1 blocked using zen.spamhaus.org"]}`), blocked},
		{Resend, resend("email.bounced", `,"bounce":{"type":"Permanent","subType":"Suppressed","message":"x"}`), gone},
		{Resend, resend("email.bounced", `,"bounce":{"type":"Permanent","subType":"OnAccountSuppressionList","message":"x"}`), theirList},
		{Resend, resend("email.bounced", `,"bounce":{"message":"Resend has suppressed sending to this address because it is on the account-level suppression list."}`), theirList},
		{Resend, resend("email.bounced", `,"bounce":{"type":"Transient","subType":"MailboxFull","message":"the recipient's inbox was full"}`), full},
		{Resend, resend("email.bounced", `,"bounce":{"type":"Undetermined","subType":"Undetermined","message":"x"}`), unknown},
		{Resend, resend("email.suppressed", `,"suppressed":{"message":"x","type":"OnAccountSuppressionList"}`), theirList},
		{Resend, resend("email.failed", `,"failed":{"reason":"reached_daily_quota"}`), "bounce soft quota_exhausted account"},
		{Resend, resend("email.failed", `,"failed":{"reason":"domain not verified"}`), "bounce soft policy account"},
		{Resend, resend("email.delivery_delayed", ""), "delay"},
		{Resend, resend("email.delivered", ""), "delivered"},
		{Resend, resend("email.complained", ""), "complaint"},
		{Resend, resend("email.opened", ""), "other"},
		{Resend, resend("domain.updated", ""), "other"},
	} {
		var got []string
		for _, r := range parse(t, c.p, c.body) {
			got = append(got, brief(r))
			if !strings.EqualFold(r.Address, "ada@tree.club") || !r.Trusted || r.Source != string(c.p) || len(r.Raw) == 0 {
				t.Errorf("%s: %+v of %s", c.p, r, c.body)
			}
		}
		if s := strings.Join(got, ", "); s != c.want {
			t.Errorf("%s: %q, want %q: %s", c.p, s, c.want, c.body)
		}
	}
}

// ids are what leads back to a delivery.
type trail struct{ MessageIDs, ReturnPaths, UnsubscribeURLs, QueueIDs []string }

func TestWhatLeadsBack(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 26, 11, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		p    Provider
		body string
		want trail
		at   time.Time
	}{
		{SES, sesBounce("Permanent", "General", "", ""), trail{[]string{"<tok@tree.club>"}, []string{"b+tok@bounce.tree.club"},
			[]string{"https://news.tree.club/u/tok", "mailto:u+tok@tree.club"}, []string{"0100-ses"}}, at},
		{SendGrid, sendGrid(`"event":"spamreport"`), trail{MessageIDs: []string{"<tok@tree.club>"}, QueueIDs: []string{"14c5.dfd.64b469"}}, at},
		{Mailgun, mailgun(`"event":"complained"`), trail{MessageIDs: []string{"tok@tree.club"}, ReturnPaths: []string{"b+tok@bounce.tree.club"}, QueueIDs: []string{"tok@tree.club"}}, at.Add(250 * time.Millisecond)},
		{Postmark, postmark("HardBounce", ""), trail{QueueIDs: []string{"aaaa-bbbb"}}, at.Add(123456700)},
		{Brevo, brevo("spam", ""), trail{MessageIDs: []string{"<tok@tree.club>"}, QueueIDs: []string{"tok@tree.club"}}, at.Add(123 * time.Millisecond)},
		{Mandrill, mandrill("spam", ""), trail{QueueIDs: []string{"md"}}, at},
		{SparkPost, sparkPost("spam_complaint", ""), trail{ReturnPaths: []string{"b+tok@bounce.tree.club"}, QueueIDs: []string{"sp-m", "sp-t"}}, at},
		{Resend, resend("email.complained", ""), trail{MessageIDs: []string{"<tok@tree.club>"}, QueueIDs: []string{"re"}}, at},
	} {
		r := parse(t, c.p, c.body)[0]
		if diff := cmp.Diff(c.want, trail{r.MessageIDs, r.ReturnPaths, r.UnsubscribeURLs, r.QueueIDs}); diff != "" {
			t.Errorf("%s: %s", c.p, diff)
		}
		if !r.At.Equal(c.at) {
			t.Errorf("%s: at %v, want %v", c.p, r.At, c.at)
		}
	}
}

func TestWordsOfTheServerAreKept(t *testing.T) {
	t.Parallel()
	r := parse(t, SES, sesBounce("Permanent", "General", noSuchUser, "5.1.1"))[0]
	if r.ReplyCode != 550 || r.Status != "5.1.1" || !strings.Contains(r.Diagnostic, "Recipient address rejected") {
		t.Errorf("%d %s %q", r.ReplyCode, r.Status, r.Diagnostic)
	}
	r = parse(t, Postmark, strings.Replace(postmark("SoftBounce", "mailbox is full"), "is full", `is\u0000 \u001bfull`, 1))[0]
	if strings.ContainsAny(r.Diagnostic, "\x00\x1b") || r.Reason != "mailbox_full" || r.ReplyCode != 0 {
		t.Errorf("%+v", r)
	}
}

func TestEachFactHasItsKey(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, c := range []struct {
		p    Provider
		body string
	}{
		{SES, sesBounce("Permanent", "UnsubscribedRecipient", "", "")}, {SES, strings.Replace(sesBounce("Permanent", "General", "", ""), "fb-1", "fb-2", 1)},
		{SES, `{"eventType":"Open","open":{"timestamp":"1"},"mail":{"messageId":"m","destination":["ada@tree.club"]}}`},
		{SES, `{"eventType":"Open","open":{"timestamp":"2"},"mail":{"messageId":"m","destination":["ada@tree.club"]}}`},
		{SES, `{"eventType":"Delivery","delivery":{"recipients":["ada@tree.club","ada2@tree.club"]},"mail":{"messageId":"m"}}`},
		{SendGrid, sendGrid(`"event":"dropped","reason":"Unsubscribed Address"`)},
		{SendGrid, `[{"email":"ada@tree.club","event":"open"},{"email":"ada@tree.club","event":"click"}]`},
		{Mailgun, mailgun(`"event":"failed","severity":"permanent","reason":"suppress-unsubscribe"`)}, {Mailgun, mailgun(`"event":"opened"`)},
		{Postmark, postmark("HardBounce", "")}, {Postmark, strings.Replace(postmark("HardBounce", ""), "7001", "7002", 1)},
		{Postmark, `{"RecordType":"Delivery","MessageID":"a","Recipient":"ada@tree.club","DeliveredAt":"2026-11-26T11:00:00Z"}`},
		{Brevo, brevo("hard_bounce", "")}, {Brevo, brevo("soft_bounce", "")}, {Brevo, brevo("soft_bounce", "452 full")},
		{Mandrill, mandrill("hard_bounce", "")}, {Mandrill, mandrill("spam", "")}, {Mandrill, mandrill("reject", `,"reject":{"reason":"unsub"}`)},
		{SparkPost, sparkPost("bounce", "")}, {SparkPost, strings.Replace(sparkPost("bounce", ""), "92356927", "92356928", 1)},
		{Resend, resend("email.bounced", "")},
	} {
		first, second := parse(t, c.p, c.body), parse(t, c.p, c.body)
		if diff := cmp.Diff(first, second); diff != "" {
			t.Errorf("%s said again says something else: %s", c.p, diff)
		}
		for _, r := range first {
			if other, twice := seen[r.Key]; twice || r.Key == "" || !strings.HasPrefix(r.Key, string(c.p)+"/") {
				t.Errorf("key %q of %s is the one of %s", r.Key, c.body, other)
			}
			seen[r.Key] = c.body
		}
	}
	long := parse(t, SendGrid, strings.Replace(sendGrid(`"event":"dropped","reason":"Unsubscribed Address"`), `"ev"`, `"`+strings.Repeat("e", 500)+`"`, 1))
	if len(long) != 2 || len(long[0].Key) > maxKey || len(long[1].Key) > maxKey || long[0].Key == long[1].Key {
		t.Errorf("keys of a long id: %+v", long)
	}
}

func TestTheIDOfTheWebhookIsNotThatOfTheEvent(t *testing.T) {
	t.Parallel()
	a, b := parse(t, Brevo, brevo("spam", ""))[0], parse(t, Brevo, strings.Replace(brevo("spam", ""), `"id":9`, `"id":10`, 1))[0]
	if a.Key != b.Key {
		t.Error("two webhooks at Brevo report one event as two")
	}
}

func TestResendDoesNotSayWhoOfSeveral(t *testing.T) {
	t.Parallel()
	r := parse(t, Resend, strings.Replace(resend("email.complained", ""), `["ada@tree.club"]`, `["ada@tree.club","bob@tree.club"]`, 1))[0]
	if r.Address != "" || len(r.QueueIDs) != 1 {
		t.Errorf("%+v", r)
	}
}

func TestTimesThatCannotBeAreLeftOut(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"0", "-5", "1e300", "99999999999", `"x"`, "null", "100000000"} {
		r := parse(t, SendGrid, strings.Replace(sendGrid(`"event":"open"`), "1795690800", at, 1))[0]
		if !r.At.IsZero() {
			t.Errorf("%s is %v", at, r.At)
		}
	}
}

func TestWhatIsNotFromTheProvider(t *testing.T) {
	t.Parallel()
	many := "[" + strings.Repeat("{},", maxEvents) + "{}]"
	for _, c := range []struct {
		p    Provider
		body string
	}{
		{SendGrid, ""}, {SendGrid, "hello"}, {SendGrid, "[1]"}, {SendGrid, `[{"a":1}`}, {SendGrid, `[{}] x`}, {SendGrid, "null"}, {SendGrid, many},
		{SendGrid, "[" + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "]"}, {SendGrid, `[{"a":[` + strings.Repeat("0,", maxValues) + `0]}]`},
		{Mailgun, "{}"}, {Mailgun, `{"event-data":[]}`}, {Mailgun, "[]"}, {Mailgun, `{"event-data":{}}{}`},
		{Postmark, "{}"}, {Postmark, "[[]]"}, {Brevo, "{}"}, {Brevo, `{"items":[]}`}, {SparkPost, `[{}]`}, {SparkPost, `{"msys":1}`},
		{Resend, "{}"}, {Resend, `{"type":"email.bounced"}`}, {SES, `{"mail":{}}`}, {SES, `{"a"`}, {"nobody", "{}"},
		{SES, `{` + strings.Repeat(" ", MaxBody) + `}`},
	} {
		if reports, err := Parse(c.p, Request{Body: []byte(c.body), Now: now}); kindOf(err) != Malformed {
			t.Errorf("%s took %.80s: %d reports, %v", c.p, c.body, len(reports), err)
		}
	}
	for _, body := range []string{"", "x=1", "mandrill_events=[", "mandrill_events=%zz", "mandrill_events=[]&mandrill_events=[]", strings.Repeat("a=1&", 30)} {
		if _, err := Parse(Mandrill, Request{Body: []byte(body), Now: now}); kindOf(err) != Malformed {
			t.Errorf("Mandrill took %.80q: %v", body, err)
		}
	}
}

func TestRecipientsAreBounded(t *testing.T) {
	t.Parallel()
	all := make([]string, maxList+5)
	for i := range all {
		all[i] = fmt.Sprintf("p%d@tree.club", i)
	}
	list, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	if got := parse(t, SES, `{"eventType":"Delivery","delivery":{"recipients":`+string(list)+`},"mail":{}}`); len(got) != maxList {
		t.Errorf("%d recipients", len(got))
	}
}
