package hooks

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"postrider/events"
)

// holds checks what must be true of every report, whatever came in.
func holds(t *testing.T, p Provider, reports []events.Report) {
	t.Helper()
	keys := map[string]bool{}
	for _, r := range reports {
		if r.Key == "" || len(r.Key) > maxKey || !r.Trusted || r.Source != string(p) || len(r.Raw) > events.MaxRaw || len(r.Address) > maxAddress {
			t.Errorf("%+v", r)
		}
		if r.Hard && (r.Kind != events.ReportBounce || r.Fault != "recipient") {
			t.Errorf("hard without the recipient's fault: %+v", r)
		}
		if r.Kind == events.ReportBounce && (r.Reason == "" || r.Fault == "") {
			t.Errorf("a bounce without a reason: %+v", r)
		}
		texts := append([]string{r.Key, r.Address, r.Diagnostic, r.Status, r.FeedbackType, string(r.Kind)}, r.MessageIDs...)
		texts = append(append(append(texts, r.ReturnPaths...), r.UnsubscribeURLs...), r.QueueIDs...)
		for _, text := range texts {
			if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
				t.Errorf("%q cannot be stored", text)
			}
		}
		keys[r.Key] = true
	}
}

func fuzzParse(f *testing.F, p Provider, seeds ...string) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if p == Mandrill {
			body = []byte(url.Values{mandrillEvents: {string(body)}}.Encode())
		}
		r := Request{Body: body, Header: http.Header{}, Now: now}
		reports, err := Parse(p, r)
		if err != nil && kindOf(err) != Malformed {
			t.Errorf("%v", err)
		}
		holds(t, p, reports)
	})
}

func FuzzSES(f *testing.F) {
	fuzzParse(f, SES, sesBounce("Permanent", "General", noSuchUser, "5.1.1"), `{"eventType":"Complaint","complaint":{"complainedRecipients":[{"emailAddress":"a"}]}}`, "text")
}

func FuzzSendGrid(f *testing.F) {
	fuzzParse(f, SendGrid, sendGrid(`"event":"bounce","type":"bounce","reason":"550 5.1.1 no"`), sendGrid(`"event":"dropped","reason":"Unsubscribed Address"`))
}

func FuzzMailgun(f *testing.F) {
	fuzzParse(f, Mailgun, mailgun(`"event":"failed","severity":"permanent","reason":"bounce","delivery-status":{"code":550,"message":"no"}`))
}

func FuzzPostmark(f *testing.F) {
	fuzzParse(f, Postmark, postmark("HardBounce", noSuchUser), postmark("Transient", ""))
}

func FuzzBrevo(f *testing.F) { fuzzParse(f, Brevo, brevo("hard_bounce", noSuchUser)) }

func FuzzMandrill(f *testing.F) {
	fuzzParse(f, Mandrill, mandrill("hard_bounce", `,"diag":"smtp;550 5.1.1 no"`), mandrill("reject", `,"reject":{"reason":"unsub"}`))
}

func FuzzSparkPost(f *testing.F) {
	fuzzParse(f, SparkPost, sparkPost("bounce", `,"bounce_class":"10"`), `[{"msys":{}}]`)
}

func FuzzResend(f *testing.F) {
	fuzzParse(f, Resend, resend("email.bounced", `,"bounce":{"type":"Permanent"}`))
}

func FuzzMandrillForm(f *testing.F) {
	f.Add("mandrill_events=%5B%5D")
	f.Fuzz(func(t *testing.T, body string) {
		reports, _ := Parse(Mandrill, Request{Body: []byte(body), Now: now})
		holds(t, Mandrill, reports)
	})
}

// FuzzVerify looks for requests that are taken without the key.
func FuzzVerify(f *testing.F) {
	all := signers(f)
	for i, s := range all {
		r := s.sign(s.body, now)
		for _, name := range []string{"X-Twilio-Email-Event-Webhook-Signature", "X-Mandrill-Signature", "Svix-Signature", "None"} {
			f.Add(i, r.Header.Get(name), r.Header.Get("Svix-Timestamp"), r.Body)
		}
	}
	f.Fuzz(func(t *testing.T, i int, signature, stamp string, body []byte) {
		s := all[uint(i)%uint(len(all))]
		h := http.Header{}
		for _, name := range []string{"X-Twilio-Email-Event-Webhook-Signature", "X-Mandrill-Signature", "Svix-Signature"} {
			h.Set(name, signature)
		}
		for _, name := range []string{"X-Twilio-Email-Event-Webhook-Timestamp", "Svix-Timestamp"} {
			h.Set(name, stamp)
		}
		h.Set("Svix-Id", "msg_1")
		if _, err := Verify(s.provider, s.other, Request{URL: "https://x", Header: h, Body: body, Now: now}); err == nil {
			t.Errorf("%s takes what was not signed with the key", s.provider)
		}
	})
}

func FuzzSNS(f *testing.F) {
	m := message(SNSNotification, "2")
	signSNS(f, testAuthority(f).key, m)
	f.Add(snsRequest(f, m).Body)
	f.Add([]byte(`{"Type":"SubscriptionConfirmation","MessageId":"1","TopicArn":"arn:aws:sns:a:123456789012:b"}`))
	f.Fuzz(func(_ *testing.T, body []byte) {
		v, err := decode(body)
		if err != nil {
			return
		}
		h := http.Header{}
		h.Set("X-Amz-Sns-Message-Type", v.at("Type").text())
		h.Set("X-Amz-Sns-Message-Id", v.at("MessageId").text())
		h.Set("X-Amz-Sns-Topic-Arn", v.at("TopicArn").text())
		if m, err := ParseSNS(Request{Body: body, Header: h, Now: now}); err == nil {
			_ = m.canonical()
			_ = m.At()
		}
	})
}
