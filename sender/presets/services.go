package presets

import (
	"time"

	"postrider/sender/reply"
)

// services send mailings as well as single messages.
func services() []Company {
	return []Company{
		{Name: "SendGrid", AsOf: AsOf, Servers: []string{"sendgrid.net"}, SPF: []string{"sendgrid.net"}, OwnReturnPath: true, Providers: []Provider{sendgrid()}},
		{Name: "Mailgun", AsOf: AsOf, Servers: []string{"mailgun.org"}, SPF: []string{"mailgun.org", "eu.mailgun.org"}, OwnReturnPath: true, Providers: []Provider{mailgun()}},
		{Name: "Brevo", AsOf: AsOf, Servers: []string{"brevo.com", "sendinblue.com"}, SPF: []string{"spf.brevo.com", "spf.sendinblue.com"}, OwnReturnPath: true,
			Providers: []Provider{brevo()}},
		{Name: "SparkPost", AsOf: AsOf, Servers: []string{"sparkpostmail.com"}, SPF: []string{"sparkpostmail.com", "_netblocks.sparkpostmail.com"}, OwnReturnPath: true,
			Providers: []Provider{sparkpost()}},
	}
}

func sendgrid() Provider {
	return Provider{
		ID: "sendgrid", Name: "SendGrid", Kind: Service, AsOf: AsOf, Docs: "https://www.twilio.com/docs/sendgrid/for-developers/sending-email/integrating-with-the-smtp-api",
		Hosts:     []Host{{Name: "smtp.sendgrid.net", Region: "Global"}, {Name: "smtp.eu.sendgrid.net", Region: "EU"}},
		Endpoints: []Endpoint{{587, starttls}, {465, implicit}, {2525, starttls}, {25, starttls}},
		Auth:      []string{plain, login},
		Username:  Username{Fixed: "apikey", Hint: "Always the word apikey, not the key"},
		Password:  "An API key that may send mail",
		Needs: []Need{
			{"Authenticate the sending domain.", "https://app.sendgrid.com/settings/sender_auth"},
			{"Make an API key with the permission Mail Send.", "https://app.sendgrid.com/settings/api_keys"},
		},
		Limits: Limits{Connections: 10000, MessagesPerConnection: 5000, RecipientsPerMessage: 1000, Note: "The number of messages depends on the plan.",
			Source: "https://www.twilio.com/docs/sendgrid/for-developers/sending-email/integrating-with-the-smtp-api"},
		Quota:          Quota{Text: "The credits of the SendGrid plan are used up: wait for the next period or change the plan."},
		SigningProfile: "default", SignsItself: true, ReturnPath: "from",
		Failures: []Failure{
			{Sample: "451 Authentication failed: Maximum credits exceeded", Texts: []string{"maximum credits exceeded"}, Wait: time.Hour, Judgement: reply.Judgement{Reason: reply.ReasonQuotaExhausted},
				Remedy: "The credits of the SendGrid plan are used up (the login is right): wait for the next period or change the plan."},
			{Sample: "451 You have exceeded your messaging limits", Texts: []string{"messaging limits"}, Wait: time.Hour, Judgement: reply.Judgement{Reason: reply.ReasonQuotaExhausted}},
			{Sample: "535 Authentication failed: The requestor's IP Address is not whitelisted", Texts: []string{"not whitelisted"}, Judgement: reply.Judgement{Reason: reply.ReasonAuthFailed, Action: reply.ActionStopRelay},
				Remedy: "SendGrid does not know this server's IP address: add it under Settings → IP Access Management, or switch that off."},
			{Sample: "535 Authentication failed: account disabled", Texts: []string{"account disabled"}, Judgement: reply.Judgement{Reason: reply.ReasonBlocked, Fault: reply.FaultAccount, Action: reply.ActionStopRelay},
				Remedy: "The SendGrid account is disabled: look for its notice in the account and ask its support."},
			{Sample: "535 Authentication failed: The provided authorization grant is invalid, expired, or revoked", Stage: reply.StageAuth, Texts: []string{"authentication failed", "bad username"}, Judgement: reply.Judgement{Reason: reply.ReasonAuthFailed},
				Remedy: "SendGrid did not accept the login: the user name is the word apikey, the password an API key with the permission Mail Send; an EU key works only at smtp.eu.sendgrid.net."},
			{Sample: "550 Unauthenticated senders not allowed", Texts: []string{"unauthenticated senders"}, Judgement: reply.Judgement{Reason: reply.ReasonAuthFailed},
				Remedy: "SendGrid wants a login: the user name is the word apikey, the password an API key."},
			{Sample: "550 The from address does not match a verified Sender Identity. Mail cannot be sent until this error is resolved.", Texts: []string{"verified sender identity", "not authorized to send from"},
				Judgement: reply.Judgement{Reason: reply.ReasonSenderRejected},
				Remedy:    "SendGrid does not know this From address: authenticate its domain, or verify the address as a single sender, in SendGrid's settings."},
			{Sample: "421 4.7.0 Too many connections from 192.0.2.1", Texts: []string{"too many connections"}, Judgement: reply.Judgement{Reason: reply.ReasonTooManyConnections},
				Remedy: "SendGrid wants fewer connections at once: lower the relay's connections."},
		},
	}
}

func mailgun() Provider {
	return Provider{
		ID: "mailgun", Name: "Mailgun", Kind: Service, AsOf: AsOf, Docs: "https://documentation.mailgun.com/docs/mailgun/user-manual/sending-messages/send-smtp",
		Hosts:     []Host{{Name: "smtp.mailgun.org", Region: "US"}, {Name: "smtp.eu.mailgun.org", Region: "EU"}},
		Endpoints: []Endpoint{{587, starttls}, {465, implicit}, {2525, starttls}, {25, starttls}},
		Auth:      []string{plain, login},
		Username:  Username{Hint: "The SMTP user of the sending domain, such as postmaster@mg.example.org"},
		Password:  "That user's SMTP password, made on the domain's page; not the API key",
		Needs: []Need{
			{"Add and verify the sending domain, and see in which region it is.", "https://app.mailgun.com/mg/sending/domains"},
			{"Make an SMTP user for that domain.", "https://help.mailgun.com/hc/en-us/articles/203380100"},
		},
		Limits:         Limits{RecipientsPerMessage: 1000, Note: "The number of messages depends on the plan; new accounts have 100 an hour.", Source: "https://help.mailgun.com/hc/en-us/articles/203068914"},
		Quota:          Quota{Reopens: time.Hour, Text: "The Mailgun account has used up its limit of the hour, the day or the plan: wait, or ask Mailgun to raise it."},
		SigningProfile: "default", SignsItself: true, ReturnPath: "from",
		Failures: []Failure{
			{Sample: "535 5.7.0 Mailgun is not loving your login or password", Stage: reply.StageAuth, Judgement: reply.Judgement{Reason: reply.ReasonAuthFailed}, Code: 535,
				Remedy: "Mailgun did not accept the login. Use the SMTP user of the sending domain and its SMTP password, and the host of the region in which the domain is: smtp.eu.mailgun.org for the EU, else smtp.mailgun.org."},
			{Sample: "421 Domain mg.example.org is not allowed to send: recipient limit exceeded. Try again after Tue, 12 Apr 2016 18:06:20 GMT", Texts: []string{"limit exceeded", "rate limit", "exceeded limit"}, Wait: time.Hour,
				Judgement: reply.Judgement{Reason: reply.ReasonQuotaExhausted}},
			{Sample: "550 Sandbox subdomains are for test purposes only. Please add your own domain or add the address to authorized recipients", Texts: []string{"sandbox subdomains", "authorized recipients"},
				Judgement: reply.Judgement{Reason: reply.ReasonSenderRejected},
				Remedy:    "A sandbox domain or a free account of Mailgun reaches only authorised recipients: add a domain of your own, or upgrade the account."},
			{Sample: "421 Domain sandbox1.mailgun.org is not allowed to send: Please activate your Mailgun account.", Texts: []string{"is not allowed to send"},
				Judgement: reply.Judgement{Reason: reply.ReasonBlocked, Fault: reply.FaultAccount, Action: reply.ActionStopRelay},
				Remedy:    "Mailgun does not let this domain send: activate the account, or look on the domain's page why it is disabled."},
			{Sample: "550 5.7.1 Relaying denied", Texts: []string{"relaying denied"}, Judgement: reply.Judgement{Reason: reply.ReasonRelayDenied},
				Remedy: "Mailgun wants a login: enter the SMTP user of the sending domain."},
		},
	}
}

func brevo() Provider {
	return Provider{
		ID: "brevo", Name: "Brevo", Kind: Service, AsOf: AsOf, Docs: "https://help.brevo.com/hc/en-us/articles/7924908994450",
		Hosts:     []Host{{Name: "smtp-relay.brevo.com"}},
		Patterns:  []string{"smtp-relay.sendinblue.*"},
		Endpoints: []Endpoint{{587, starttls}, {465, implicit}, {2525, starttls}},
		Auth:      []string{plain, login, cramMD5},
		Username:  Username{Hint: "The SMTP login shown under SMTP & API"},
		Password:  "An SMTP key; neither the account's password nor an API key",
		Needs: []Need{
			{"Authenticate the sending domain.", "https://app.brevo.com/senders/domain/list"},
			{"Make an SMTP key.", "https://app.brevo.com/settings/keys/smtp"},
		},
		Limits:         Limits{Note: "The number of messages depends on the plan; the free one has 300 a day.", Source: "https://www.brevo.com/pricing/"},
		Quota:          Quota{Reopens: 24 * time.Hour, Text: "The Brevo plan's messages are used up: wait for the next day or period, or change the plan."},
		SigningProfile: "default", SignsItself: true, ReturnPath: "from",
		Failures: []Failure{
			{Sample: "525 5.7.1 Unauthorized IP address", Texts: []string{"unauthorized ip"}, Judgement: reply.Judgement{Reason: reply.ReasonAuthFailed, Action: reply.ActionStopRelay},
				Remedy: "Brevo does not know this server's IP address: add it under Security → Authorized IPs, or switch that check off for SMTP."},
			{Sample: "535 5.7.0 Invalid login or password", Stage: reply.StageAuth, Code: 535, Judgement: reply.Judgement{Reason: reply.ReasonAuthFailed},
				Remedy: "Brevo did not accept the login: use the SMTP login and an SMTP key of the page SMTP & API; API keys do not work."},
			{Sample: "502 5.7.0 Please authenticate; your SMTP account is not yet activated", Texts: []string{"not yet activated"}, Judgement: reply.Judgement{Reason: reply.ReasonBlocked, Fault: reply.FaultAccount, Action: reply.ActionStopRelay},
				Remedy: "The SMTP account is not activated yet: ask Brevo's support."},
			{Sample: "550 5.7.1 Sender is not valid. Verify your sender or your domain", Texts: []string{"sender is not valid", "sender is invalid", "not been validated", "sender you used"}, Judgement: reply.Judgement{Reason: reply.ReasonSenderRejected},
				Remedy: "Brevo does not know this sender: verify the address or authenticate its domain under Senders, domains, IPs."},
			{Sample: "452 4.5.3 Your daily sending limit has been reached", Texts: []string{"sending limit", "credits", "quota"}, Wait: 24 * time.Hour, Judgement: reply.Judgement{Reason: reply.ReasonQuotaExhausted}},
		},
	}
}

func sparkpost() Provider {
	const docs = "https://developers.sparkpost.com/api/smtp/"
	return Provider{
		ID: "sparkpost", Name: "SparkPost", Kind: Service, AsOf: AsOf, Docs: docs,
		Hosts:     []Host{{Name: "smtp.sparkpostmail.com", Region: "US"}, {Name: "smtp.eu.sparkpostmail.com", Region: "EU"}},
		Endpoints: []Endpoint{{587, starttls}, {2525, starttls}},
		Auth:      []string{login, plain},
		Username:  Username{Fixed: "SMTP_Injection", Hint: "Always the word SMTP_Injection"},
		Password:  "An API key with \"Send via SMTP\"",
		Needs: []Need{
			{"Add and verify the sending domain.", "https://app.sparkpost.com/domains/list/sending"},
			{"Make an API key with the permission Send via SMTP.", "https://app.sparkpost.com/account/api-keys"},
		},
		Limits:         Limits{MessagesPerConnection: 100, Note: "100 messages on a connection are SparkPost's advice; the number of messages depends on the plan.", Source: docs},
		Quota:          Quota{Reopens: time.Hour, Text: "The SparkPost account has used up its limit of the hour, the day or the plan: wait, or change the plan."},
		SigningProfile: "default", SignsItself: true, ReturnPath: "from",
		Failures: []Failure{
			{Sample: "535 5.7.8 Sorry.", Stage: reply.StageAuth, Code: 535, Judgement: reply.Judgement{Reason: reply.ReasonAuthFailed},
				Remedy: "SparkPost did not accept the login: the user name is SMTP_Injection, the password an API key with Send via SMTP, made in the region of this host (US and EU are apart)."},
			{Sample: "550 5.7.1 Unconfigured Sending Domain <example.org>", Texts: []string{"unconfigured sending domain"}, Judgement: reply.Judgement{Reason: reply.ReasonSenderRejected},
				Remedy: "SparkPost does not know the From domain: add it as a sending domain in the same region and verify it."},
			{Sample: "550 5.7.1 relaying denied", Texts: []string{"relaying denied"}, Judgement: reply.Judgement{Reason: reply.ReasonRelayDenied},
				Remedy: "SparkPost wants a login: the user name is SMTP_Injection, the password an API key."},
			{Sample: "420 4.0.0 Exceed Sending Limit (daily)", Texts: []string{"exceed sending limit"}, Wait: time.Hour, Judgement: reply.Judgement{Reason: reply.ReasonQuotaExhausted}},
		},
	}
}
