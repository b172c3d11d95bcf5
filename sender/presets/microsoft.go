package presets

import (
	"time"

	"postrider/sender/reply"
)

const (
	exchangeLimits = "https://learn.microsoft.com/en-us/office365/servicedescriptions/exchange-online-service-description/exchange-online-limits#sending-limits-1"
	submissionDocs = "https://learn.microsoft.com/en-us/exchange/clients-and-mobile-in-exchange-online/authenticated-client-smtp-submission"
)

func microsoft() Company {
	return Company{
		Name: "Microsoft", AsOf: AsOf, Servers: []string{"office365.com", "outlook.com", "hotmail.com", "live.com"}, SPF: []string{"spf.protection.outlook.com"},
		Site: &Site{ID: "microsoft", Name: "Microsoft", AsOf: AsOf, MX: []string{"protection.outlook.com", "mx.microsoft", "hotmail.com"},
			Mailboxes: []string{"outlook.com", "outlook.de", "outlook.es", "outlook.fr", "outlook.it", "outlook.com.br", "hotmail.com", "msn.com",
				"live.com", "live.nl", "live.fr", "live.de", "live.it", "live.co.uk", "live.com.au"},
			Brands: []string{"outlook", "live"}, CountryBrands: []string{"hotmail"},
			PerMinute: 300, PerHour: 12000, InFlight: 20},
		Providers: microsoftProviders(),
	}
}

func microsoftProviders() []Provider {
	business := Provider{
		ID: "microsoft365", Name: "Microsoft 365", Reading: microsoftReading(false), Kind: Mailbox, AsOf: AsOf, Docs: submissionDocs,
		Hosts:     []Host{{Name: "smtp.office365.com"}},
		Patterns:  []string{"smtp.*.office365.com", "smtp.office365.*"},
		Endpoints: []Endpoint{{587, starttls}, {25, starttls}},
		Auth:      []string{xoauth2, login},
		Username:  Username{Hint: "The whole address of the mailbox"},
		Password:  "The mailbox's password, as long as the organisation still allows passwords; else XOAUTH2",
		Needs: []Need{
			{"In the Microsoft 365 admin center, switch on \"Authenticated SMTP\" for this mailbox.", submissionDocs},
			{"Register an app in Entra with the permission SMTP.Send, and connect the mailbox once to get a refresh token.", "https://learn.microsoft.com/en-us/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth"},
		},
		OAuth: &OAuth{TokenURL: "https://login.microsoftonline.com/organizations/oauth2/v2.0/token", Scope: "https://outlook.office.com/SMTP.Send offline_access",
			Docs: "https://learn.microsoft.com/en-us/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth"},
		Limits: Limits{Connections: 3, PerMinute: 30, PerDay: 10000, RecipientsPerMessage: 500, Source: exchangeLimits,
			Note: "For each mailbox; the whole organisation has a limit for outside recipients too. Copies fill the mailbox's Sent Items."},
		Quota: Quota{Reopens: 24 * time.Hour,
			Text: "The mailbox has sent all that Microsoft 365 allows in 24 hours. Wait a day, or spread the mailing over several days by a daily limit."},
		SigningProfile: "default", SignsItself: true, ReturnPath: "from",
		Failures: microsoftFailures(),
	}
	consumer := business
	consumer.ID, consumer.Name, consumer.Reading = "outlook", "Outlook.com", microsoftReading(true)
	consumer.Docs = "https://support.microsoft.com/office/pop-imap-and-smtp-settings-for-outlook-com-d088b986-291d-42b8-9564-9c414e2aa040"
	consumer.Hosts, consumer.Patterns = []Host{{Name: "smtp-mail.outlook.com"}}, []string{"smtp.live.*"}
	consumer.Endpoints = []Endpoint{{587, starttls}}
	consumer.Auth, consumer.Username = []string{xoauth2}, Username{Hint: "The whole address, at outlook.com, hotmail.com or live.com"}
	consumer.Password = "None: passwords and app passwords are not accepted"
	consumer.Needs = []Need{{"Register an app for personal accounts with the permission SMTP.Send, and connect the account once to get a refresh token.", consumer.OAuth.Docs}}
	consumer.OAuth = &OAuth{TokenURL: "https://login.microsoftonline.com/consumers/oauth2/v2.0/token", Scope: business.OAuth.Scope, Docs: business.OAuth.Docs}
	consumer.Limits = Limits{Note: "Low and not published; new accounts have less.", Source: "https://support.microsoft.com/office/sending-limits-in-outlook-com-279ee200-594c-40f0-9ec8-bb6af7735c2e"}
	consumer.Quota = Quota{Reopens: 24 * time.Hour, Text: "The account has sent all that Outlook.com allows in a day. Wait a day; an account for people is not made for mailings."}
	return []Provider{consumer, business}
}

func microsoftFailures() []Failure {
	badLogin := reply.Judgement{Reason: reply.ReasonAuthFailed}
	account := reply.Judgement{Reason: reply.ReasonBlocked, Fault: reply.FaultAccount, Action: reply.ActionStopRelay}
	const useOAuth = "Microsoft no longer takes passwords here: choose XOAUTH2, and enter the client and the refresh token of an app that was allowed to send from this account."
	return []Failure{
		{Sample: "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.", Status: "5.7.139", Texts: []string{"smtpclientauthentication is disabled"}, Judgement: badLogin,
			Remedy: "Sending over SMTP is switched off for this mailbox or its organisation: an administrator has to switch on \"Authenticated SMTP\" in the admin center (" + submissionDocs + ")."},
		{Sample: "535 5.7.139 Authentication unsuccessful, basic authentication is disabled.", Status: "5.7.139", Texts: []string{"basic authentication"}, Judgement: badLogin, Remedy: useOAuth},
		{Sample: "550 5.7.30 Basic authentication is not supported for Client Submission.", Status: "5.7.30", Texts: []string{"basic authentication"}, Judgement: badLogin, Remedy: useOAuth},
		{Sample: "535 5.7.139 Authentication unsuccessful, the user credentials were incorrect.", Status: "5.7.139", Judgement: badLogin,
			Remedy: "Microsoft did not accept the login: check address and password; with two-step sign-in, or where the organisation forbids passwords, use XOAUTH2."},
		{Sample: "535 5.7.3 Authentication unsuccessful [AM0PR0000CA0001.EURPRD00.PROD.OUTLOOK.COM]", Stage: reply.StageAuth, Texts: []string{"authentication unsuccessful"}, Judgement: badLogin,
			Remedy: "Microsoft did not accept the login. With XOAUTH2: the user name must be the mailbox that gave the permission, the permission must cover SMTP.Send, and Authenticated SMTP must be on for it."},
		{Sample: "504 5.7.4 Unrecognized authentication type", Texts: []string{"unrecognized authentication type"}, Judgement: reply.Judgement{Reason: reply.ReasonAuthFailed, Action: reply.ActionStopRelay}, Remedy: useOAuth},
		{Sample: "530 5.7.57 Client not authenticated to send mail.", Status: "5.7.57", Judgement: badLogin,
			Remedy: "Microsoft wants a login here: choose XOAUTH2 for this relay."},
		{Sample: "432 4.3.2 Concurrent connections limit exceeded.", Code: 432, Wait: time.Minute, Judgement: reply.Judgement{Reason: reply.ReasonTooManyConnections},
			Remedy: "Microsoft allows three connections for each mailbox: set the relay's connections to 3 or fewer."},
		{Sample: "451 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded", Texts: []string{"sender thread limit"}, Wait: time.Minute, Judgement: reply.Judgement{Reason: reply.ReasonTooManyConnections},
			Remedy: "Microsoft allows three connections for each mailbox: set the relay's connections to 3 or fewer."},
		{Sample: "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed to process message", Texts: []string{"submissionquotaexceeded"}, Wait: 24 * time.Hour,
			Judgement: reply.Judgement{Reason: reply.ReasonQuotaExhausted}},
		{Sample: "550 5.1.90 Your message can't be sent because you've reached your daily limit for message recipients", Status: "5.1.90", Wait: 24 * time.Hour,
			Judgement: reply.Judgement{Reason: reply.ReasonQuotaExhausted}},
		{Sample: "550 5.7.60 SMTP; Client does not have permissions to send as this sender", Status: "5.7.60", Judgement: reply.Judgement{Reason: reply.ReasonSenderRejected},
			Remedy: "This mailbox may not send as that address: use its own address as From, or let an administrator give it \"Send as\" for the other one."},
		{Sample: "554 5.2.252 SendAsDenied; name@example.org not allowed to send as other@example.org", Texts: []string{"sendasdenied"}, Judgement: reply.Judgement{Reason: reply.ReasonSenderRejected},
			Remedy: "This mailbox may not send as that address: use its own address as From, or let an administrator give it \"Send as\" for the other one."},
		{Sample: "550 5.7.233 Your message can't be sent because your tenant exceeded its daily limit for sending email to external recipients", Texts: []string{"tenant exceeded its daily limit", "tenant has exceeded its daily limit", "tenant external recipient"}, Wait: 24 * time.Hour,
			Judgement: reply.Judgement{Reason: reply.ReasonQuotaExhausted},
			Remedy:    "The whole organisation has sent all that it may to outside recipients in 24 hours; that limit grows with its licences. Wait a day, and spread the mailing by a daily limit."},
		{Sample: "550 5.2.0 Sender throttled due to continuous invalid recipients errors; STOREDRV.Submission.Exception", Texts: []string{"sender throttled"}, Wait: time.Hour,
			Judgement: reply.Judgement{Reason: reply.ReasonRateLimited, Fault: reply.FaultAccount},
			Remedy:    "Microsoft slows this mailbox down, because too many of its recipients do not exist: clean the list before you go on."},
		{Sample: "554 5.2.0 STOREDRV.Submission.Exception:OutboundSpamException; Failed to process message due to a permanent exception", Texts: []string{"outboundspam"}, Judgement: reply.Judgement{Reason: reply.ReasonSpamContent},
			Remedy: "Microsoft takes the message for spam: check wording and links, and do not go on sending it, or the mailbox gets blocked."},
		{Sample: "421 4.4.2 Message submission rate for this client has exceeded the configured limit", Texts: []string{"submission rate"}, Wait: time.Minute, Judgement: reply.Judgement{Reason: reply.ReasonRateLimited, Fault: reply.FaultAccount},
			Remedy: "Microsoft takes 30 messages a minute from a mailbox: set the relay's limit per minute to 30 or less."},
		{Sample: "550 5.7.750 Service unavailable. Client blocked from sending from unregistered domains", Texts: []string{"unregistered domain"}, Judgement: reply.Judgement{Reason: reply.ReasonSenderRejected},
			Remedy: "The From domain is not one of the organisation's: an administrator has to add and verify it in the Microsoft 365 admin center, and to ask Microsoft's support if mail stays blocked."},
		{Sample: "554 5.2.2 mailbox full; STOREDRV.Submission.Exception:QuotaExceededException", Status: "5.2.2", Texts: []string{"storedrv"}, Judgement: reply.Judgement{Reason: reply.ReasonQuotaExhausted},
			Remedy: "The sending mailbox itself is full: Microsoft keeps a copy of each message in Sent Items. Empty that folder, then resume the relay."},
		{Sample: "550 5.7.501 Access denied, spam abuse detected from this account", Texts: []string{"spam abuse detected", "banned sender"}, Judgement: account,
			Remedy: "Microsoft has stopped sending from this account, because it took its mail for spam: an administrator has to ask Microsoft's support."},
		{Sample: "550 5.1.8 Access denied, bad outbound sender", Texts: []string{"bad outbound sender"}, Judgement: account,
			Remedy: "Microsoft has stopped sending from this mailbox, because it took its mail for spam: an administrator can free it in the security portal under Restricted entities."},
		{Sample: "550 5.7.705 Access denied, tenant has exceeded threshold", Status: "5.7.705", Judgement: account,
			Remedy: "Microsoft has stopped outside mail of the whole organisation after a burst: an administrator has to ask Microsoft's support."},
		{Sample: "550 5.7.708 Access denied, traffic not accepted from this IP", Status: "5.7.708", Judgement: account,
			Remedy: "Microsoft takes no outside mail from this new organisation yet: an administrator has to ask Microsoft's support."},
	}
}
