package presets

import (
	"time"

	"postrider/sender/reply"
)

// mailboxes are the other mailbox providers.
func mailboxes() []Company {
	return []Company{
		{Name: "Zoho", AsOf: AsOf, Servers: []string{"zoho.com", "zoho.eu", "zoho.in", "zoho.com.au", "zohomail.com"},
			SPF: []string{"zohomail.com", "zoho.com", "zoho.eu", "zohomail.eu", "zoho.in", "zoho.com.au", "zoho.jp", "one.zoho.com"},
			Site: &Site{ID: "zoho", Name: "Zoho", AsOf: AsOf, MX: []string{"zoho.com", "zoho.eu", "zoho.in", "zoho.com.au"}, Mailboxes: []string{"zoho.com", "zohomail.com"},
				PerMinute: 120, PerHour: 5000, InFlight: 10},
			Providers: []Provider{zoho()}},
		{Name: "Fastmail", AsOf: AsOf, Servers: []string{"fastmail.com", "messagingengine.com"}, SPF: []string{"spf.messagingengine.com"},
			Site: &Site{ID: "fastmail", Name: "Fastmail", AsOf: AsOf, MX: []string{"messagingengine.com"}, Mailboxes: []string{"fastmail.com"},
				PerMinute: 120, PerHour: 5000, InFlight: 10},
			Providers: []Provider{fastmail()}},
		{Name: "Apple", AsOf: AsOf, Servers: []string{"me.com", "icloud.com"}, SPF: []string{"icloud.com"},
			Site: &Site{ID: "apple", Name: "Apple", AsOf: AsOf, MX: []string{"icloud.com", "apple.com"}, Mailboxes: []string{"icloud.com", "me.com", "mac.com"},
				PerMinute: 240, PerHour: 10000, InFlight: 20},
			Providers: []Provider{icloud()}},
		{Name: "Yahoo and AOL", AsOf: AsOf, Servers: []string{"yahoo.com", "aol.com"},
			Site: &Site{ID: "yahoo", Name: "Yahoo and AOL", AsOf: AsOf, MX: []string{"yahoodns.net", "yahoo.co.jp"},
				Mailboxes: []string{"yahoo.com", "ymail.com", "rocketmail.com", "aol.com"}, CountryBrands: []string{"yahoo"},
				PerMinute: 240, PerHour: 10000, InFlight: 20},
			Providers: []Provider{yahoo()}},
		{Name: "GMX and web.de", AsOf: AsOf, Servers: []string{"gmx.net", "gmx.com", "web.de"},
			Site: &Site{ID: "gmx", Name: "GMX and web.de", AsOf: AsOf, MX: []string{"gmx.net", "web.de"},
				Mailboxes: []string{"gmx.de", "gmx.net", "gmx.com", "gmx.at", "gmx.ch", "web.de"}, Brands: []string{"gmx"},
				PerMinute: 120, PerHour: 5000, InFlight: 8},
			Providers: []Provider{gmx()}},
	}
}

func zoho() Provider {
	const docs = "https://www.zoho.com/mail/help/zoho-smtp.html"
	regions := []struct{ domain, name string }{
		{"zoho.com", "United States"}, {"zoho.eu", "Europe"}, {"zoho.in", "India"}, {"zoho.com.au", "Australia"}, {"zoho.jp", "Japan"},
		{"zoho.com.cn", "China"}, {"zoho.sa", "Saudi Arabia"}, {"zohocloud.ca", "Canada"},
	}
	var hosts []Host
	for _, plan := range []struct{ prefix, name string }{{"smtp.", ""}, {"smtppro.", ", own domain"}} {
		for _, r := range regions {
			hosts = append(hosts, Host{Name: plan.prefix + r.domain, Region: r.name + plan.name})
		}
	}
	return Provider{
		ID: "zoho", Name: "Zoho Mail", Reading: zohoReading(), Kind: Mailbox, AsOf: AsOf, Docs: docs,
		Hosts: hosts, Endpoints: []Endpoint{{465, implicit}, {587, starttls}}, Auth: []string{plain, login},
		Username: Username{Hint: "The whole address"},
		Password: "An app password when two-factor login is on, else the account's password",
		Needs: []Need{
			{"See at which address the mailbox opens in the browser (mail.zoho.com, .eu, .in …): that is the region.", "https://mail.zoho.com"},
			{"Make an app password.", "https://accounts.zoho.com/home#security/app_password"},
		},
		Limits: Limits{Note: "Depends on plan, age and reputation; small accounts have some hundred a day.", Source: "https://www.zoho.com/mail/help/usage-policy.html"},
		Quota: Quota{Reopens: 24 * time.Hour,
			Text: "Zoho takes no more from this account today. Wait a day, and set the relay's daily limit lower: going on gets the account blocked."},
		SigningProfile: "default", SignsItself: true, ReturnPath: "from",
		Failures: []Failure{
			{Sample: "535 Authentication Failed", Stage: reply.StageAuth, Code: 535, Judgement: reply.Judgement{Reason: reply.ReasonAuthFailed},
				Remedy: "Zoho did not accept the login. First see that the host is that of the account's region (a wrong region looks like a wrong password; own domains use smtppro), then make an app password."},
			{Sample: "550 5.4.6 Unusual sending activity detected. Please try after sometime", Status: "5.4.6", Texts: []string{"unusual sending activity"}, Wait: 24 * time.Hour,
				Judgement: reply.Judgement{Reason: reply.ReasonBlocked, Fault: reply.FaultAccount, Action: reply.ActionStopRelay},
				Remedy:    "Zoho has blocked sending from this account: stop, open https://mail.zoho.com/UnblockMe, and ask its support if it stays blocked."},
			{Sample: "554 5.1.8 Sender Address Blocked", Texts: []string{"sender address blocked"}, Judgement: reply.Judgement{Reason: reply.ReasonBlocked, Fault: reply.FaultAccount, Action: reply.ActionStopRelay},
				Remedy: "Zoho has blocked this address for sending: open https://mail.zoho.com/UnblockMe or ask its support."},
			{Sample: "554 5.2.3 MailPolicy violation Error delivering to mailboxes", Texts: []string{"mailpolicy violation", "email policy violation"}, Judgement: reply.Judgement{Reason: reply.ReasonPolicy, Fault: reply.FaultAccount, Action: reply.ActionFail},
				Remedy: "A policy of the Zoho organisation, or Zoho's own for what goes out, refused the message: its administrator finds the rule in the admin console under Email policy; check links and attachments too."},
			{Sample: "553 Relaying disallowed as a@example.com", Texts: []string{"relaying disallowed"}, Judgement: reply.Judgement{Reason: reply.ReasonSenderRejected},
				Remedy: "This Zoho account may not send as that address: use its own address or an alias as From."},
		},
	}
}

func fastmail() Provider {
	const limits = "https://www.fastmail.help/hc/en-us/articles/1500000277382"
	return Provider{
		ID: "fastmail", Name: "Fastmail", Reading: fastmailReading(), Kind: Mailbox, AsOf: AsOf, Docs: "https://www.fastmail.help/hc/en-us/articles/1500000278342",
		Hosts: []Host{{Name: "smtp.fastmail.com"}}, Patterns: []string{"smtp.messagingengine.*"}, Endpoints: []Endpoint{{465, implicit}, {587, starttls}}, Auth: []string{plain, login},
		Username:       Username{Hint: "The account's login address, not an alias"},
		Password:       "An app password for mail",
		Needs:          []Need{{"Make an app password with access to SMTP. Basic plans have none.", "https://app.fastmail.com/settings/security/integrations"}},
		Limits:         Limits{Note: "The daily limit depends on the plan.", Source: limits},
		Quota:          Quota{Reopens: 24 * time.Hour, Text: "The Fastmail account has used up its day's limit: wait a day. Fastmail is not made for mailings; see its limits at " + limits + "."},
		SigningProfile: "default", SignsItself: true, ReturnPath: "from",
		Failures: []Failure{
			{Sample: "535 5.7.0 Incorrect username or password, or your plan does not include SMTP", Stage: reply.StageAuth, Code: 535, Judgement: reply.Judgement{Reason: reply.ReasonAuthFailed},
				Remedy: "Fastmail did not accept the login: use the account's login address (not an alias) and an app password with access to SMTP."},
			{Sample: "551 5.7.1 Not authorised to send from this header address", Texts: []string{"not authorised to send from"}, Judgement: reply.Judgement{Reason: reply.ReasonSenderRejected},
				Remedy: "This Fastmail account may not send as that address: add it as a sending identity, or use the account's address as From."},
			{Sample: "550 5.7.1 You have reached your daily sending limit", Texts: []string{"daily sending limit", "daily limit"}, Wait: 24 * time.Hour, Judgement: reply.Judgement{Reason: reply.ReasonQuotaExhausted}},
			{Sample: "451 4.7.1 You have exceeded the rate limit, messages this hour", Texts: []string{"rate limit", "sending limit"}, Wait: time.Hour, Judgement: reply.Judgement{Reason: reply.ReasonRateLimited, Fault: reply.FaultAccount},
				Remedy: "Fastmail wants fewer messages: set the relay's limit per hour lower."},
		},
	}
}

func icloud() Provider {
	return Provider{
		ID: "icloud", Name: "iCloud Mail", Reading: icloudReading(), Kind: Mailbox, AsOf: AsOf, Docs: "https://support.apple.com/en-us/102525",
		Hosts: []Host{{Name: "smtp.mail.me.com"}}, Patterns: []string{"smtp.mail.icloud.*"}, Endpoints: []Endpoint{{587, starttls}}, Auth: []string{plain, login},
		Username: Username{Hint: "The whole iCloud address, also when an own domain is used"},
		Password: "An app-specific password",
		Needs:    []Need{{"Make an app-specific password.", "https://support.apple.com/en-us/102654"}},
		Limits: Limits{PerDay: 1000, RecipientsPerMessage: 500, Note: "Bulk mail is forbidden; for a handful of people only.",
			Source: "https://support.apple.com/en-us/102198"},
		Quota:          Quota{Reopens: 24 * time.Hour, Text: "The iCloud account has sent all that Apple allows in a day: wait a day."},
		SigningProfile: "default", SignsItself: true, ReturnPath: "from",
		Failures: []Failure{
			{Sample: "535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6", Stage: reply.StageAuth, Code: 535, Judgement: reply.Judgement{Reason: reply.ReasonAuthFailed},
				Remedy: "Apple did not accept the login: use the iCloud address (not one of an own domain) and an app-specific password."},
			{Sample: "550 5.7.0 From address is not one of your addresses", Texts: []string{"not one of your addresses"}, Judgement: reply.Judgement{Reason: reply.ReasonSenderRejected},
				Remedy: "This iCloud account may not send as that address: use the iCloud address, one of its aliases, or an own domain set up in iCloud+."},
			{Sample: "550 5.7.1 name@icloud.com: You have exceeded your daily sending limit. Please try again later.", Texts: []string{"sending limit", "daily message limit"}, Wait: 24 * time.Hour,
				Judgement: reply.Judgement{Reason: reply.ReasonQuotaExhausted}},
			{Sample: "550 5.7.1 message content rejected", Texts: []string{"content rejected", "local policy"}, Judgement: reply.Judgement{Reason: reply.ReasonSpamContent},
				Remedy: "Apple takes the message for spam: check its wording and links."},
		},
	}
}

func yahoo() Provider {
	return Provider{
		ID: "yahoo", Name: "Yahoo Mail and AOL", Reading: yahooReading(), Kind: Mailbox, AsOf: AsOf, Docs: "https://help.yahoo.com/kb/SLN4724.html",
		Hosts:     []Host{{Name: "smtp.mail.yahoo.com"}, {Name: "smtp.aol.com", Region: "AOL"}},
		Patterns:  []string{"smtp.mail.yahoo.*", "smtp.bizmail.yahoo.*"},
		Endpoints: []Endpoint{{465, implicit}, {587, starttls}}, Auth: []string{plain, login, xoauth2},
		Username:       Username{Hint: "The whole address"},
		Password:       "An app password",
		Needs:          []Need{{"Make an app password.", "https://help.yahoo.com/kb/SLN15241.html"}},
		OAuth:          &OAuth{TokenURL: "https://api.login.yahoo.com/oauth2/get_token", Scope: "mail-w", Docs: "https://developer.yahoo.com/oauth2/guide/"},
		Limits:         Limits{PerDay: 500, Note: "From Yahoo's page for businesses; free accounts may have less.", Source: "https://help.yahoo.com/kb/SLN3353.html"},
		Quota:          Quota{Reopens: 24 * time.Hour, Text: "The Yahoo account has used up its limit: wait a day. An account for people is not made for mailings."},
		SigningProfile: "default", SignsItself: true, ReturnPath: "from",
		Failures: []Failure{
			{Sample: "535 5.7.0 (#AUTH005) Too many bad auth attempts.", Stage: reply.StageAuth, Texts: []string{"#auth005", "too many bad auth"}, Wait: 10 * time.Minute, Judgement: reply.Judgement{Reason: reply.ReasonAuthFailed, Action: reply.ActionStopRelay},
				Remedy: "Yahoo says this for a normal password too: make an app password, enter it here, and wait ten minutes before the next test."},
			{Sample: "535 5.7.0 (#MBR1212) Incorrect username or password", Stage: reply.StageAuth, Code: 535, Judgement: reply.Judgement{Reason: reply.ReasonAuthFailed},
				Remedy: "Yahoo did not accept the login: use the whole address and an app password."},
			{Sample: "553 From address is not verified by Yahoo, see link", Texts: []string{"from address not verified", "from: address not verified", "from address is not verified"}, Judgement: reply.Judgement{Reason: reply.ReasonSenderRejected},
				Remedy: "Yahoo lets an account send only from its own addresses: use the account's address as From."},
			{Sample: "554 Message not allowed - [PH01] Email not accepted for policy reasons.", Texts: []string{"[ph01]", "message not allowed"}, Judgement: reply.Judgement{Reason: reply.ReasonSpamContent},
				Remedy: "Yahoo takes the message for fraud or spam: check its links above all, and do not go on sending it through this account."},
			{Sample: "554 Account sending limit exceeded", Texts: []string{"sending limit", "sent too many messages"}, Wait: 24 * time.Hour, Judgement: reply.Judgement{Reason: reply.ReasonQuotaExhausted}},
			{Sample: "550 Request failed; Mailbox unavailable", Stage: reply.StageDot, Texts: []string{"request failed; mailbox unavailable"}, Judgement: reply.Judgement{Reason: reply.ReasonSenderRejected},
				Remedy: "Yahoo said this after the whole message, so it is not about the recipient: use the account's own address as From, log in once in a browser, and see that the account is not blocked."},
			{Sample: "550 Request failed; Mailbox unavailable", Stage: reply.StageMail, Texts: []string{"mailbox unavailable"}, Judgement: reply.Judgement{Reason: reply.ReasonSenderRejected},
				Remedy: "Yahoo does not take this sender: use the account's own address as From and as the return path."},
		},
	}
}

func gmx() Provider {
	const allow = "https://hilfe.gmx.net/pop-imap/einschalten.html"
	return Provider{
		ID: "gmx", Name: "GMX and WEB.DE", Reading: gmxReading(), Kind: Mailbox, AsOf: AsOf, Docs: "https://hilfe.gmx.net/pop-imap/imap/imap-serverdaten.html",
		Hosts:     []Host{{Name: "mail.gmx.net", Region: "GMX"}, {Name: "mail.gmx.com", Region: "GMX International"}, {Name: "smtp.web.de", Region: "WEB.DE"}},
		Endpoints: []Endpoint{{465, implicit}, {587, starttls}}, Auth: []string{plain, login},
		Username: Username{Hint: "The whole address"},
		Password: "The account's password; an application password when two-factor login is on",
		Needs: []Need{
			{"Allow POP3 and IMAP in the settings of the mailbox: without that SMTP refuses the login too.", allow},
		},
		Limits:         Limits{Note: "Not published; free accounts have little.", Source: "https://postmaster.gmx.net/de/faq"},
		Quota:          Quota{Reopens: time.Hour, Text: "GMX and WEB.DE take no more from this account for now: wait, and set the relay's limit per hour lower."},
		SigningProfile: "default", SignsItself: true, ReturnPath: "from",
		Failures: []Failure{
			{Sample: "535 Authentication credentials invalid", Stage: reply.StageAuth, Code: 535, Judgement: reply.Judgement{Reason: reply.ReasonAuthFailed},
				Remedy: "The login was not accepted. Allow POP3 and IMAP in the settings of the mailbox (" + allow + "), and check address and password."},
			{Sample: "550 Sender address is not allowed.", Texts: []string{"sender address is not allowed", "sender address"}, Judgement: reply.Judgement{Reason: reply.ReasonSenderRejected},
				Remedy: "This account may not send as that address: use its own address, or one set up as a sender in the mailbox."},
			{Sample: "554 Transaction failed Reject due to policy restrictions. For explanation visit https://postmaster.gmx.net/", Texts: []string{"policy restrictions"}, Judgement: reply.Judgement{Reason: reply.ReasonContent},
				Remedy: "The header or content breaks their rules: open the link in the reply; its code says which."},
			{Sample: "450 Requested mail action not taken: mailbox unavailable Mail send limit exceeded.", Texts: []string{"mail send limit exceeded"}, Wait: time.Hour, Judgement: reply.Judgement{Reason: reply.ReasonQuotaExhausted}},
		},
	}
}
