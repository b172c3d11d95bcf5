package presets

import (
	"slices"
	"strings"
	"time"
)

// Protocols by which a mailbox is read.
const (
	imap = "imap"
	pop3 = "pop3"
)

// Reading is what is known of reading a provider's mailboxes, for bounces that come back there.
type Reading struct {
	Name     string          // "" is the provider's name
	Servers  []ReadingServer // the first one is recommended
	Auth     []string        // "password" and "xoauth2"; the first one is recommended
	Username string          // a hint; "" is the provider's
	Password string          // a hint; "" is the provider's
	Needs    []Need          // what a person has to do at the provider first
	Scope    string          // of OAuth; "" without
	Limits   ReadingLimits
	Refusals []Refusal // in the order in which they are tried

	PollEvery time.Duration // the shortest time between two looks, unless the server tells of new mail itself
}

// ReadingServer is one server for reading.
type ReadingServer struct {
	Protocol string // imap or pop3
	Host     string // "" is for the person to say
	Region   string // "" where there is only one
	Port     int
	TLS      string
}

// ReadingLimits are the published limits of one account; 0 is unpublished.
type ReadingLimits struct {
	Connections int   // at the same time, with those of the person's own programs
	IMAPDown    int64 // bytes in a day
	POP3Down    int64
	Up          int64
	Source      string // where they are published; "" when nothing is
}

// Down is how many bytes may be read in a day by a protocol, 0 for no published limit.
func (l ReadingLimits) Down(protocol string) int64 {
	if protocol == pop3 {
		return l.POP3Down
	}
	return l.IMAPDown
}

// RefusalKind says what sort of trouble keeps a mailbox from being read.
type RefusalKind string

// The kinds of trouble that providers have words of their own for.
const (
	BadLogin    RefusalKind = "bad_login"
	AppPassword RefusalKind = "app_password" // an app password is needed
	AccessOff   RefusalKind = "access_off"   // IMAP or POP3 is switched off in the account
	NeedsOAuth  RefusalKind = "needs_oauth"  // passwords are not accepted
	TooMany     RefusalKind = "too_many"     // connections or logins; no matter of the password
	QuotaUsed   RefusalKind = "quota"        // the day's amount is used up
	AskOwner    RefusalKind = "ask_owner"    // the provider wants the owner to look at it in a browser
)

// Refusal is one answer of a provider's mail server and what it means. The first line with one of its texts decides.
type Refusal struct {
	Sample string   // as the server sends it
	Texts  []string // lower case, any of them
	Kind   RefusalKind
	Wait   time.Duration // until the next try makes sense; 0 is the usual back-off
	Remedy string
}

// ReadingProvider is the provider of a mailbox that key names, by its id or by the name of its server; nil when it is nobody's we know.
func ReadingProvider(key string) *Provider {
	key = strings.ToLower(strings.TrimSuffix(key, "."))
	if key == "" {
		return nil
	}
	return find(func(p *Provider) bool {
		return p.Reading != nil && (p.ID == key || slices.ContainsFunc(p.Reading.Servers, func(s ReadingServer) bool { return s.Host == key }))
	})
}

// ReadingFor is what is known of reading at the provider that key names, nil for nothing. Nothing may write to it.
func ReadingFor(key string) *Reading {
	if p := ReadingProvider(key); p != nil {
		return p.Reading
	}
	return nil
}

// Refusal finds what the provider means by the words of its server.
func (r *Reading) Refusal(text string) (Refusal, bool) {
	text = strings.ToLower(text)
	for _, f := range r.Refusals {
		if slices.ContainsFunc(f.Texts, func(t string) bool { return strings.Contains(text, t) }) {
			return f, true
		}
	}
	return Refusal{}, false
}

const (
	passwordLogin = "password"
	politePoll    = 10 * time.Minute
	megabyte      = 1_000_000
)

// both gives the servers of a provider that has one name for each protocol, with TLS from the start.
func both(imapHost, popHost string) []ReadingServer {
	servers := []ReadingServer{{Protocol: imap, Host: imapHost, Port: 993, TLS: implicit}}
	if popHost != "" {
		servers = append(servers, ReadingServer{Protocol: pop3, Host: popHost, Port: 995, TLS: implicit})
	}
	return servers
}

func googleReading() *Reading {
	const switchOn = "https://mail.google.com/mail/u/0/#settings/fwdandpop"
	return &Reading{
		Servers: both("imap.gmail.com", "pop.gmail.com"), Auth: []string{passwordLogin, xoauth2}, PollEvery: politePoll, Scope: "https://mail.google.com/",
		Needs: []Need{
			{"Turn on 2-Step Verification for the Google account.", "https://myaccount.google.com/signinoptions/two-step-verification"},
			{"Make an app password and enter it as the password.", appPasswords},
			{"For POP3, and in Workspace for IMAP too, see that it is allowed in the settings.", switchOn},
		},
		Limits: ReadingLimits{Connections: 15, IMAPDown: 2500 * megabyte, POP3Down: 1250 * megabyte, Up: 500 * megabyte, Source: "https://support.google.com/a/answer/1071518"},
		Refusals: []Refusal{
			{Sample: "NO [ALERT] Application-specific password required: https://support.google.com/accounts/answer/185833 (Failure)", Texts: []string{"application-specific password required"}, Kind: AppPassword,
				Remedy: "Google wants an app password: make one at " + appPasswords + " (2-Step Verification must be on) and enter it here."},
			{Sample: "NO [ALERT] Your account is not enabled for IMAP use. Please visit your Gmail settings page and enable your account for IMAP access. (Failure)",
				Texts: []string{"not enabled for imap", "not enabled for pop", "imap access is disabled", "pop access is disabled"}, Kind: AccessOff,
				Remedy: "IMAP or POP is switched off in this account: switch it on in Gmail's settings under Forwarding and POP/IMAP (" + switchOn + "); in Workspace the administrator may have to allow it first."},
			{Sample: "NO [ALERT] Too many simultaneous connections. (Failure)", Texts: []string{"too many simultaneous connections"}, Kind: TooMany, Wait: 10 * time.Minute,
				Remedy: "The password is not the problem: Gmail allows 15 connections at a time for all programs together, and all are taken. It is tried again in ten minutes; close other mail programs of this account if it goes on."},
			{Sample: "NO [OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)", Texts: []string{"exceeded command or bandwidth limits", "exceeded bandwidth limits"}, Kind: QuotaUsed, Wait: 24 * time.Hour,
				Remedy: "The account has used up what Gmail lets programs read in a day (2,500 MB by IMAP, 1,250 MB by POP, for all programs together). Reading rests for up to 24 hours; see which other program reads so much."},
			{Sample: "NO [WEBALERT https://accounts.google.com/signin/continue] Web login required.", Texts: []string{"web login required", "log in via your web browser", "webalert"}, Kind: AskOwner,
				Remedy: "Google wants to see the owner: log in once in a browser, confirm that it was you, and check again."},
			{Sample: "NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)", Texts: []string{"invalid credentials", "username and password not accepted"}, Kind: BadLogin,
				Remedy: "Google did not accept the login. Enter the whole address and an app password (" + appPasswords + "); the normal password does not work here. With XOAUTH2, connect the account again."},
		},
	}
}

func yandexReading() *Reading {
	return &Reading{
		Servers: append(both("imap.yandex.ru", "pop.yandex.ru"),
			ReadingServer{Protocol: imap, Host: "imap.yandex.com", Region: "International", Port: 993, TLS: implicit}, ReadingServer{Protocol: pop3, Host: "pop.yandex.com", Region: "International", Port: 995, TLS: implicit}),
		Auth: []string{passwordLogin, xoauth2}, PollEvery: politePoll, Scope: "mail:imap_full",
		Needs: []Need{
			{"In the settings of Yandex Mail, under mail programs, allow access over IMAP (or POP3) and by app passwords.", "https://mail.yandex.com/#setup/client"},
			{"Make an app password for mail and enter it as the password.", "https://id.yandex.com/security/app-passwords"},
		},
		Refusals: []Refusal{
			{Sample: "NO [AUTHENTICATIONFAILED] LOGIN Invalid credentials or IMAP is disabled sc=abc", Texts: []string{"imap is disabled", "pop3 disabled", "pop3 is disabled", "does not have access rights"}, Kind: AccessOff,
				Remedy: "Yandex says one thing for two: IMAP (or POP3) is switched off in the account, or the password is wrong. In the settings of Yandex Mail, under mail programs, allow it and app passwords " +
					"(https://mail.yandex.com/#setup/client), then make an app password for mail (https://id.yandex.com/security/app-passwords) and enter it here."},
			{Sample: "NO [UNAVAILABLE] Too many connections", Texts: []string{"too many connections", "too many simultaneous"}, Kind: TooMany, Wait: 10 * time.Minute,
				Remedy: "The password is not the problem: too many programs are connected to this Yandex account. It is tried again in ten minutes."},
			{Sample: "NO [AUTHENTICATIONFAILED] AUTHENTICATE Invalid credentials", Texts: []string{"authenticationfailed", "invalid credentials", "login failure"}, Kind: BadLogin,
				Remedy: "Yandex did not accept the login: use an app password for mail (not the normal password), and check the address."},
		},
	}
}

func mailruReading() *Reading {
	const external = "https://help.mail.ru/mail/security/protection/external"
	return &Reading{
		Servers: both("imap.mail.ru", "pop.mail.ru"), Auth: []string{passwordLogin, xoauth2}, PollEvery: politePoll, Scope: "mail.imap",
		Needs: []Need{{"Make a password for external applications with access to mail, and enter it as the password.", external}},
		Refusals: []Refusal{
			{Sample: "NO [ALERT] NEOBHODIM parol prilozheniya https://help.mail.ru/mail/security/protection/external / Application password is REQUIRED", Texts: []string{"parol prilozheniya", "application password"}, Kind: AppPassword,
				Remedy: "Mail.ru wants a password for external applications: make one at " + external + " and enter it here; the normal password is not accepted."},
			{Sample: "NO [UNAVAILABLE] Too many connections", Texts: []string{"too many"}, Kind: TooMany, Wait: 10 * time.Minute,
				Remedy: "The password is not the problem: too many programs are connected to this account. It is tried again in ten minutes."},
			{Sample: "NO [AUTHENTICATIONFAILED] Authentication failed. Restore access or change your password", Texts: []string{"authentication failed", "authenticationfailed"}, Kind: BadLogin,
				Remedy: "Mail.ru did not accept the login: use a password for external applications (" + external + ") and the whole address as user name."},
		},
	}
}

func microsoftReading(consumer bool) *Reading {
	const docs = "https://learn.microsoft.com/en-us/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth"
	r := &Reading{
		Servers: both("outlook.office365.com", "outlook.office365.com"), Auth: []string{xoauth2}, PollEvery: politePoll,
		Password: "None: passwords and app passwords are not accepted",
		Scope:    "https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/POP.AccessAsUser.All offline_access",
		Needs: []Need{
			{"Register an app in Entra with the permission IMAP.AccessAsUser.All (or POP.AccessAsUser.All), and connect the mailbox once to get a refresh token.", docs},
			{"See that IMAP (or POP) is switched on for the mailbox.", "https://learn.microsoft.com/en-us/exchange/clients-and-mobile-in-exchange-online/pop3-and-imap4/enable-or-disable-pop3-or-imap4-access"},
		},
		Refusals: []Refusal{
			{Sample: "NO LOGIN failed: basic authentication is disabled.", Texts: []string{"basic authentication", "basicauthblocked", "login failed", "logon failure"}, Kind: NeedsOAuth,
				Remedy: "Microsoft no longer takes passwords here: choose XOAUTH2, and enter the client and the refresh token of an app that was allowed to read this mailbox."},
			{Sample: "BAD User is authenticated but not connected.", Texts: []string{"authenticated but not connected"}, Kind: AccessOff,
				Remedy: "The login is right, but the mailbox cannot be opened: IMAP (or POP) is switched off for it, or the user name is not the mailbox that gave the permission. An administrator switches it on in the admin center."},
			{Sample: "NO AUTHENTICATE failed.", Texts: []string{"authenticate failed", "authentication unsuccessful"}, Kind: BadLogin,
				Remedy: "Microsoft did not accept the access token: the user name must be the mailbox that gave the permission, and the permission must cover IMAP.AccessAsUser.All (for POP3: POP.AccessAsUser.All)."},
			{Sample: "BYE Connection is closed. 13: Too many connections", Texts: []string{"too many", "server busy", "throttled"}, Kind: TooMany, Wait: 10 * time.Minute,
				Remedy: "The login is not the problem: Microsoft slows this mailbox down for a while. It is tried again in ten minutes."},
		},
	}
	if consumer {
		r.Needs = []Need{
			{"Register an app for personal accounts with the permission IMAP.AccessAsUser.All, and connect the account once to get a refresh token.", docs},
			{"For POP3, let programs use it in the settings of Outlook.com under Mail, Sync email.", "https://outlook.live.com/mail/0/options/mail/accounts/popImap"},
		}
	}
	return r
}

func zohoReading() *Reading {
	var servers []ReadingServer
	for _, s := range []struct{ name, protocol, region string }{
		{"imap.zoho.com", imap, "United States"}, {"imap.zoho.eu", imap, "Europe"}, {"imap.zoho.in", imap, "India"}, {"imap.zoho.com.au", imap, "Australia"},
		{"imappro.zoho.com", imap, "United States, own domain"}, {"imappro.zoho.eu", imap, "Europe, own domain"}, {"imappro.zoho.in", imap, "India, own domain"},
		{"pop.zoho.com", pop3, "United States"}, {"pop.zoho.eu", pop3, "Europe"}, {"pop.zoho.in", pop3, "India"}, {"pop.zoho.com.au", pop3, "Australia"},
		{"poppro.zoho.com", pop3, "United States, own domain"}, {"poppro.zoho.eu", pop3, "Europe, own domain"}, {"poppro.zoho.in", pop3, "India, own domain"},
	} {
		port := 993
		if s.protocol == pop3 {
			port = 995
		}
		servers = append(servers, ReadingServer{Protocol: s.protocol, Host: s.name, Region: s.region, Port: port, TLS: implicit})
	}
	return &Reading{
		Servers: servers, Auth: []string{passwordLogin}, PollEvery: politePoll,
		Needs: []Need{
			{"In the settings of the mailbox, under Mail accounts, allow IMAP (or POP). Free plans have neither.", "https://www.zoho.com/mail/help/imap-access.html"},
			{"Make an app password when two-factor login is on.", "https://accounts.zoho.com/home#security/app_password"},
		},
		Refusals: []Refusal{
			{Sample: "NO [ALERT] You are yet to enable IMAP for your account. Please contact your administrator (Failure)", Texts: []string{"yet to enable imap", "yet to enable pop", "enable imap for your account"}, Kind: AccessOff,
				Remedy: "IMAP or POP is switched off in this Zoho account: switch it on in the settings of the mailbox under Mail accounts; free plans have neither."},
			{Sample: "NO [ALERT] Too many connections", Texts: []string{"too many"}, Kind: TooMany, Wait: 10 * time.Minute,
				Remedy: "The password is not the problem: too many programs are connected to this Zoho account. It is tried again in ten minutes."},
			{Sample: "NO [AUTHENTICATIONFAILED] Invalid credentials(Failure)", Texts: []string{"invalid credentials", "authenticationfailed", "authentication failed"}, Kind: BadLogin,
				Remedy: "Zoho did not accept the login. First see that the host is that of the account's region (a wrong region looks like a wrong password; own domains use imappro or poppro), then make an app password."},
		},
	}
}

func fastmailReading() *Reading {
	return &Reading{
		Servers: both("imap.fastmail.com", "pop.fastmail.com"), Auth: []string{passwordLogin}, PollEvery: politePoll, Password: "An app password for mail",
		Needs: []Need{{"Make an app password with access to IMAP (or POP). Basic plans have none.", "https://app.fastmail.com/settings/security/integrations"}},
		Refusals: []Refusal{
			{Sample: "NO [AUTHENTICATIONFAILED] Incorrect username, password or access token", Texts: []string{"authenticationfailed", "incorrect username", "authentication failed"}, Kind: BadLogin,
				Remedy: "Fastmail did not accept the login: use the account's login address (not an alias) and an app password with access to IMAP or POP."},
		},
	}
}

func icloudReading() *Reading {
	return &Reading{
		Servers: both("imap.mail.me.com", ""), Auth: []string{passwordLogin}, PollEvery: politePoll, Username: "The part of the iCloud address before the @",
		Needs: []Need{{"Make an app-specific password.", "https://support.apple.com/en-us/102654"}},
		Refusals: []Refusal{
			{Sample: "NO [AUTHENTICATIONFAILED] Authentication failed", Texts: []string{"authenticationfailed", "authentication failed"}, Kind: BadLogin,
				Remedy: "Apple did not accept the login: the user name is the part of the iCloud address before the @ (try the whole address if that fails), and the password an app-specific one."},
		},
	}
}

func yahooReading() *Reading {
	return &Reading{
		Servers: append(both("imap.mail.yahoo.com", "pop.mail.yahoo.com"),
			ReadingServer{Protocol: imap, Host: "imap.aol.com", Region: "AOL", Port: 993, TLS: implicit}, ReadingServer{Protocol: pop3, Host: "pop.aol.com", Region: "AOL", Port: 995, TLS: implicit}),
		Auth: []string{passwordLogin, xoauth2}, PollEvery: politePoll, Scope: "mail-w",
		Needs: []Need{{"Make an app password.", "https://help.yahoo.com/kb/SLN15241.html"}},
		Refusals: []Refusal{
			{Sample: "NO [LIMIT] LOGIN Rate limit hit.", Texts: []string{"rate limit hit", "[limit]", "too many"}, Kind: TooMany, Wait: 30 * time.Minute,
				Remedy: "The password is not the problem: Yahoo saw too many logins or connections. It is tried again in half an hour."},
			{Sample: "NO [AUTHENTICATIONFAILED] LOGIN Invalid credentials", Texts: []string{"authenticationfailed", "invalid credentials", "invalid username or password"}, Kind: BadLogin,
				Remedy: "Yahoo did not accept the login: use the whole address and an app password; the normal password is not accepted."},
		},
	}
}

func gmxReading() *Reading {
	const allow = "https://hilfe.gmx.net/pop-imap/einschalten.html"
	return &Reading{
		Servers: []ReadingServer{
			{imap, "imap.gmx.net", "GMX", 993, implicit}, {imap, "imap.gmx.com", "GMX International", 993, implicit}, {imap, "imap.web.de", "WEB.DE", 993, implicit},
			{pop3, "pop.gmx.net", "GMX", 995, implicit}, {pop3, "pop.gmx.com", "GMX International", 995, implicit}, {pop3, "pop3.web.de", "WEB.DE", 995, implicit},
		},
		Auth: []string{passwordLogin}, PollEvery: politePoll,
		Needs: []Need{{"Allow POP3 and IMAP in the settings of the mailbox: without that every login is refused.", allow}},
		Refusals: []Refusal{
			{Sample: "NO [AUTHENTICATIONFAILED] authentication failed", Texts: []string{"authenticationfailed", "authentication failed", "authentication credentials invalid", "not enabled", "wrong login"}, Kind: AccessOff,
				Remedy: "The login was not accepted. Allow POP3 and IMAP in the settings of the mailbox (" + allow + "), and check address and password; with two-factor login it must be an application password."},
		},
	}
}

// ownReading is a server of one's own, or one that nothing is known of.
func ownReading() *Reading {
	return &Reading{
		Name: "Own or another mail server",
		Servers: []ReadingServer{
			{Protocol: imap, Port: 993, TLS: implicit}, {Protocol: imap, Port: 143, TLS: starttls}, {Protocol: pop3, Port: 995, TLS: implicit}, {Protocol: pop3, Port: 110, TLS: starttls},
		},
		Auth: []string{passwordLogin, xoauth2}, PollEvery: time.Minute,
		Needs: []Need{{"Make a mailbox that takes nothing but returned mail, and let the bounce domain's mail be delivered there.", "https://doc.dovecot.org/"}},
	}
}
