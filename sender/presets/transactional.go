package presets

import (
	"time"

	"postrider/sender/reply"
)

// transactional are services made for single messages; mailings have their conditions there.
func transactional() []Company {
	return []Company{
		{Name: "Postmark", AsOf: AsOf, Servers: []string{"postmarkapp.com"}, SPF: []string{"spf.mtasv.net"}, OwnReturnPath: true, Providers: []Provider{postmark()}},
		{Name: "Mandrill", AsOf: AsOf, Servers: []string{"mandrillapp.com"}, SPF: []string{"spf.mandrillapp.com"}, OwnReturnPath: true, Providers: []Provider{mandrill()}},
	}
}

func postmark() Provider {
	const docs = "https://postmarkapp.com/developer/user-guide/send-email-with-smtp"
	return Provider{
		ID: "postmark", Name: "Postmark", Kind: Service, AsOf: AsOf, Docs: docs,
		Hosts:     []Host{{Name: "smtp-broadcasts.postmarkapp.com", Region: "Broadcast stream (mailings)"}, {Name: "smtp.postmarkapp.com", Region: "Transactional stream"}},
		Endpoints: []Endpoint{{587, starttls}, {2525, starttls}, {25, starttls}},
		Auth:      []string{plain, login, cramMD5},
		Username:  Username{Hint: "The access key of the stream's SMTP token, or the server API token"},
		Password:  "The secret key of the SMTP token, or the server API token again",
		Needs: []Need{
			{"Make a broadcast stream: Postmark sends mailings through nothing else.", "https://postmarkapp.com/message-streams"},
			{"Confirm the sending domain or address as a sender signature.", "https://account.postmarkapp.com/signature_domains"},
		},
		Limits: Limits{Connections: 10, RecipientsPerMessage: 50, Note: "Ten connections are Postmark's advice; messages depend on the plan. A message may have 10 MB.",
			Source: "https://postmarkapp.com/support/article/do-we-have-rate-limits-for-smtp"},
		Quota:          Quota{Text: "The messages of the Postmark plan are used up: change the plan, or wait for the next period."},
		SigningProfile: "default", SignsItself: true, ReturnPath: "from",
		Failures: []Failure{
			{Sample: "535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6", Stage: reply.StageAuth, Code: 535, Judgement: reply.Judgement{Reason: reply.ReasonAuthFailed},
				Remedy: "Postmark did not accept the login: use the access key and secret key of an SMTP token of this stream, or the server API token as both user name and password. SMTP has to be switched on for the server."},
			{Sample: "550 5.7.1 The 'From' address you supplied is not a Sender Signature on your account.", Texts: []string{"sender signature"}, Judgement: reply.Judgement{Reason: reply.ReasonSenderRejected},
				Remedy: "Postmark does not know this From address: add and confirm its domain or the address as a sender signature."},
			{Sample: "550 5.7.1 Your account is pending approval; all recipient addresses must share the same domain as the 'From' address.", Texts: []string{"pending approval"},
				Judgement: reply.Judgement{Reason: reply.ReasonBlocked, Fault: reply.FaultAccount, Action: reply.ActionStopRelay},
				Remedy:    "The Postmark account is not approved yet: until then it reaches only addresses of its own domain. Ask for approval in the account."},
			{Sample: "450 4.7.1 Your account has run out of credits", Texts: []string{"out of credits"}, Wait: 24 * time.Hour, Judgement: reply.Judgement{Reason: reply.ReasonQuotaExhausted}},
			{Sample: "421 4.7.0 Too many connections", Texts: []string{"too many connections"}, Judgement: reply.Judgement{Reason: reply.ReasonTooManyConnections},
				Remedy: "Postmark wants at most ten connections: lower the relay's connections."},
		},
	}
}

func mandrill() Provider {
	const docs = "https://mailchimp.com/developer/transactional/docs/smtp-integration/"
	return Provider{
		ID: "mandrill", Name: "Mandrill (Mailchimp Transactional)", Kind: Service, AsOf: AsOf, Docs: docs,
		Hosts:     []Host{{Name: "smtp.mandrillapp.com"}},
		Endpoints: []Endpoint{{587, starttls}, {465, implicit}, {2525, starttls}, {25, starttls}},
		Auth:      []string{plain, login},
		Username:  Username{Hint: "Any words, usually the account's address"},
		Password:  "An API key",
		Needs: []Need{
			{"Add, verify and authenticate the sending domain.", "https://mandrillapp.com/settings/sending-domains"},
			{"Make an API key.", "https://mandrillapp.com/settings"},
		},
		Limits:         Limits{Note: "The quota of an hour grows with the account's reputation. Mail above it waits at Mandrill.", Source: "https://mailchimp.com/developer/transactional/docs/reputation-rejections/"},
		Quota:          Quota{Reopens: time.Hour, Text: "The Mandrill account's quota of the hour is used up: it opens again with the next hour."},
		SigningProfile: "default", SignsItself: true, ReturnPath: "from",
		Failures: []Failure{
			{Sample: "535 5.7.8 Error: authentication failed: authentication failure", Stage: reply.StageAuth, Code: 535, Judgement: reply.Judgement{Reason: reply.ReasonAuthFailed},
				Remedy: "Mandrill did not accept the login: the password is an API key that is active and not a test key; the user name does not matter."},
			{Sample: "550 5.7.1 unsigned domain: the sending domain is not authenticated", Texts: []string{"unsigned domain", "sending domain"}, Judgement: reply.Judgement{Reason: reply.ReasonSenderRejected},
				Remedy: "Mandrill does not send for this domain: verify and authenticate it in its settings."},
			{Sample: "550 5.7.1 account is suspended or has a negative balance", Texts: []string{"suspended", "negative balance"}, Judgement: reply.Judgement{Reason: reply.ReasonBlocked, Fault: reply.FaultAccount, Action: reply.ActionStopRelay},
				Remedy: "The Mandrill account is suspended or not paid for: look for the notice in the account."},
			{Sample: "452 4.5.3 hourly quota exceeded", Texts: []string{"hourly quota"}, Wait: time.Hour, Judgement: reply.Judgement{Reason: reply.ReasonQuotaExhausted}},
		},
	}
}
