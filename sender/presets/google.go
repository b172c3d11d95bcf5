package presets

import (
	"time"

	"postrider/sender/reply"
)

const (
	gmailLimits     = "https://support.google.com/mail/answer/22839"
	workspaceLimits = "https://support.google.com/a/answer/166852"
	relayLimits     = "https://support.google.com/a/answer/2956491"
	appPasswords    = "https://myaccount.google.com/apppasswords"
)

func google() Company {
	return Company{
		Name: "Google", AsOf: AsOf, Servers: []string{"gmail.com", "google.com", "googlemail.com"}, SPF: []string{"_spf.google.com"},
		Site: &Site{ID: "google", Name: "Google", AsOf: AsOf, MX: []string{"google.com", "googlemail.com"}, Mailboxes: []string{"gmail.com", "googlemail.com"},
			PerMinute: 300, PerHour: 12000, InFlight: 20},
		Providers: googleProviders(),
	}
}

func googleProviders() []Provider {
	oauth := &OAuth{
		TokenURL: "https://oauth2.googleapis.com/token", Scope: "https://mail.google.com/", Docs: "https://developers.google.com/workspace/gmail/imap/xoauth2-protocol",
	}
	mailbox := Provider{
		ID: "gmail", Name: "Gmail", Kind: Mailbox, AsOf: AsOf, Docs: "https://support.google.com/mail/answer/7126229",
		Hosts:     []Host{{Name: "smtp.gmail.com"}},
		Patterns:  []string{"smtp.googlemail.*"},
		Endpoints: []Endpoint{{465, implicit}, {587, starttls}},
		Auth:      []string{plain, login, xoauth2},
		Username:  Username{Hint: "The whole address, such as name@gmail.com"},
		Password:  "An app password of 16 letters; the account's normal password is not accepted",
		Needs: []Need{
			{"Turn on 2-Step Verification for the Google account.", "https://myaccount.google.com/signinoptions/two-step-verification"},
			{"Make an app password and enter it as the password.", appPasswords},
		},
		OAuth: oauth,
		Limits: Limits{PerDay: 500, RecipientsPerMessage: 100, Note: "Counted over any 24 hours, together with what is sent in the browser.",
			Source: gmailLimits},
		Quota: Quota{Reopens: 24 * time.Hour,
			Text: "The account has sent all that Gmail allows in 24 hours. Wait a day: the window rolls, so leave the relay alone until then, and set its daily limit to Gmail's number."},
		SigningProfile: "default", SignsItself: true, ReturnPath: "from",
		Failures: googleFailures(), Reading: googleReading(),
	}
	workspace := mailbox
	workspace.ID, workspace.Name, workspace.Docs = "google-workspace", "Google Workspace", "https://support.google.com/a/answer/176600"
	workspace.Patterns = nil
	workspace.Username = Username{Hint: "The whole address of the Workspace account"}
	workspace.Limits = Limits{PerDay: 2000, RecipientsPerMessage: 100, Source: workspaceLimits,
		Note: "2,000 messages a day, at most 10,000 recipients of which 3,000 outside; a trial account has 500."}
	return []Provider{mailbox, workspace, googleRelay(oauth)}
}

func googleRelay(oauth *OAuth) Provider {
	return Provider{
		ID: "google-relay", Name: "Google Workspace SMTP relay", Kind: Service, AsOf: AsOf, Docs: relayLimits,
		Hosts:     []Host{{Name: "smtp-relay.gmail.com"}},
		Endpoints: []Endpoint{{587, starttls}, {465, implicit}, {25, starttls}},
		Auth:      []string{noAuth, plain, login, xoauth2},
		Username:  Username{Hint: "None when the relay knows this server by its IP address, else a Workspace address"},
		Password:  "None by IP address, else an app password",
		Needs: []Need{
			{"In the Admin console, under Gmail → Routing → SMTP relay service, allow this server's IP address or require SMTP authentication.", "https://admin.google.com/ac/apps/gmail/routing"},
			{"Set the name in EHLO to one of your Workspace domains.", "https://support.google.com/a/answer/6140680"},
		},
		OAuth: oauth,
		Limits: Limits{PerDay: 10000, RecipientsPerMessage: 100, Source: relayLimits,
			Note: "10,000 recipients a day for each user; the whole customer has a limit that grows with its licences."},
		Quota: Quota{Reopens: 24 * time.Hour,
			Text: "The Workspace relay has sent all that it may in 24 hours. Wait until the window has rolled on, or spread the mailing over several days by a daily limit."},
		SigningProfile: "default", SignsItself: true, ReturnPath: "per_recipient",
		Failures: googleFailures(),
	}
}

func googleFailures() []Failure {
	badLogin := reply.Judgement{Reason: reply.ReasonAuthFailed}
	return []Failure{
		{Sample: "535 5.7.8 Username and Password not accepted. For more information, go to https://support.google.com/mail/?p=BadCredentials", Stage: reply.StageAuth,
			Texts: []string{"username and password not accepted", "badcredentials"}, Judgement: badLogin,
			Remedy: "Google did not accept the login. Enter the whole address and an app password (" + appPasswords + "); the normal password does not work over SMTP. With XOAUTH2, connect the account again."},
		{Sample: "534 5.7.9 Application-specific password required.", Stage: reply.StageAuth, Texts: []string{"application-specific password"}, Judgement: badLogin,
			Remedy: "Google wants an app password: make one at " + appPasswords + " (2-Step Verification must be on) and enter it here."},
		{Sample: "534 5.7.14 Please log in through your web browser and then try again.", Stage: reply.StageAuth, Texts: []string{"web browser"}, Judgement: badLogin,
			Remedy: "Google wants to see the owner: log in once in a browser, at best from this network, confirm that it was you, and test again."},
		{Sample: "454 4.7.0 Too many login attempts, please try again later.", Stage: reply.StageAuth, Texts: []string{"too many login attempts"}, Wait: 10 * time.Minute,
			Judgement: reply.Judgement{Reason: reply.ReasonAuthFailed, Fault: reply.FaultUs, Action: reply.ActionSlowDown},
			Remedy:    "Google saw too many logins. Sending rests for ten minutes; then use fewer connections and more messages on each."},
		{Sample: "550 5.4.5 Daily user sending limit exceeded. For more information on Gmail sending limits go to x", Status: "5.4.5", Wait: 24 * time.Hour,
			Judgement: reply.Judgement{Reason: reply.ReasonQuotaExhausted}},
		{Sample: "550 5.7.1 Daily SMTP relay sending limit exceeded for this customer.", Texts: []string{"daily smtp relay"}, Wait: 24 * time.Hour,
			Judgement: reply.Judgement{Reason: reply.ReasonQuotaExhausted}},
		{Sample: "450 4.2.1 Peak SMTP relay limit exceeded for customer. This is a temporary error.", Texts: []string{"peak smtp relay limit"}, Wait: 10 * time.Minute,
			Judgement: reply.Judgement{Reason: reply.ReasonRateLimited, Fault: reply.FaultAccount},
			Remedy:    "The Workspace relay got too much at once. Sending goes on slowly; lower the relay's rate per second."},
		{Sample: "550 5.7.0 Mail relay denied [192.0.2.1]. Invalid credentials for relay for one of the domains in: example.org", Texts: []string{"relay denied", "invalid credentials for relay", "mail sending denied"},
			Judgement: reply.Judgement{Reason: reply.ReasonRelayDenied},
			Remedy:    "The Workspace relay does not know this server: allow its IP address under Gmail → Routing → SMTP relay service in the Admin console, and send from a domain of the Workspace account."},
		{Sample: "530 5.7.0 Authentication Required. For more information, go to x", Code: 530, Texts: []string{"authentication required"}, Judgement: badLogin,
			Remedy: "Google wants a login here: choose a way to log in for this relay, with the whole address and an app password."},
		{Sample: "421 4.7.0 Try again later, closing connection.", Status: "4.7.0", Texts: []string{"try again later, closing connection"}, Wait: 10 * time.Minute,
			Judgement: reply.Judgement{Reason: reply.ReasonTooManyConnections},
			Remedy:    "Google takes no more from this server at the moment. Use fewer connections; on the Workspace relay also set the name in EHLO to your domain."},
	}
}
