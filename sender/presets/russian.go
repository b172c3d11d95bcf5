package presets

import (
	"time"

	"postrider/sender/reply"
)

const yandexLimits = "https://yandex.com/support/mail/web/letter/create/send-many-letters.html"

func yandex() Company {
	return Company{
		Name: "Yandex", AsOf: AsOf, Servers: []string{"yandex.ru", "yandex.com", "yandex.net", "ya.ru"}, SPF: []string{"_spf.yandex.net", "spf.yandex.net", "_spf.yandex.ru"},
		Site: &Site{ID: "yandex", Name: "Yandex", AsOf: AsOf, MX: []string{"yandex.ru", "yandex.net", "yandex.com"},
			Mailboxes: []string{"yandex.ru", "yandex.com", "yandex.by", "yandex.kz", "yandex.com.tr", "ya.ru", "narod.ru"}, Brands: []string{"yandex"},
			PerMinute: 240, PerHour: 10000, InFlight: 20},
		Providers: []Provider{yandexMail()},
	}
}

func yandexMail() Provider {
	return Provider{
		ID: "yandex", Name: "Yandex", Reading: yandexReading(), Kind: Mailbox, AsOf: AsOf, Docs: "https://yandex.com/support/mail/mail-clients/others.html",
		Hosts:     []Host{{Name: "smtp.yandex.ru"}, {Name: "smtp.yandex.com", Region: "International"}},
		Patterns:  []string{"smtp.yandex.*"},
		Endpoints: []Endpoint{{465, implicit}, {587, starttls}},
		Auth:      []string{plain, login, xoauth2},
		Username:  Username{Hint: "The whole address; for yandex.ru addresses the part before the @ does too"},
		Password:  "An app password for mail",
		Needs: []Need{
			{"In the settings of Yandex Mail, under mail programs, allow access over IMAP and by app passwords.", "https://mail.yandex.com/#setup/client"},
			{"Make an app password for mail and enter it as the password.", "https://id.yandex.com/security/app-passwords"},
		},
		OAuth: &OAuth{TokenURL: "https://oauth.yandex.com/token", Scope: "mail:smtp", Docs: "https://yandex.com/dev/id/doc/en/"},
		Limits: Limits{PerDay: 500, RecipientsPerMessage: 35, Source: yandexLimits,
			Note: "Recipients within 24 hours. Each further try while the account is blocked makes the block 24 hours longer."},
		Quota: Quota{Reopens: 24 * time.Hour, Extended: true,
			Text: "The account has used up Yandex's quota. Leave it alone for 24 hours: every further try makes the block 24 hours longer. Keep the relay paused until then, and set its daily limit below 500."},
		SigningProfile: "default", SignsItself: true, ReturnPath: "from",
		Failures: []Failure{
			{Sample: "535 5.7.8 Error: authentication failed: This user does not have access rights to this service", Stage: reply.StageAuth, Texts: []string{"does not have access rights"},
				Judgement: reply.Judgement{Reason: reply.ReasonAuthFailed},
				Remedy:    "Mail programs are not allowed in this account: in the settings of Yandex Mail allow access over IMAP and by app passwords, make an app password for mail and enter it here."},
			{Sample: "535 5.7.8 Error: authentication failed: Your message looks like spam", Stage: reply.StageAuth, Texts: []string{"looks like spam"}, Wait: 24 * time.Hour,
				Judgement: reply.Judgement{Reason: reply.ReasonBlocked, Fault: reply.FaultAccount, Action: reply.ActionStopRelay},
				Remedy:    "Yandex has stopped sending from this account, because it takes its mail for spam. Log in in a browser, look for its notice, and do not try again for 24 hours."},
			{Sample: "535 5.7.8 Error: authentication failed: Invalid user or password!", Stage: reply.StageAuth, Texts: []string{"authentication failed", "invalid user or password"},
				Judgement: reply.Judgement{Reason: reply.ReasonAuthFailed},
				Remedy:    "Yandex did not accept the login: use an app password for mail (not the normal password), and check the address."},
			{Sample: "530 5.7.7 Email sending without SSL/TLS encryption is not allowed.", Status: "5.7.7", Judgement: reply.Judgement{Reason: reply.ReasonTLSRequired},
				Remedy: "Yandex takes mail only over TLS: choose port 465 with TLS from the start, or 587 with STARTTLS."},
			{Sample: "553 5.7.1 Sender address rejected: not owned by auth user.", Texts: []string{"not owned by"}, Judgement: reply.Judgement{Reason: reply.ReasonSenderRejected},
				Remedy: "Yandex lets an account send only from its own addresses: use the account's address, or one of its aliases, as From."},
			{Sample: "550 5.7.1 Message rejected: sending limit exceeded, recipients limit", Texts: []string{"sending limit", "recipients limit", "too many messages from"}, Wait: 24 * time.Hour,
				Judgement: reply.Judgement{Reason: reply.ReasonQuotaExhausted}},
			{Sample: "554 5.7.1 [2] Message rejected under suspicion of SPAM", Texts: []string{"suspicion of spam"}, Judgement: reply.Judgement{Reason: reply.ReasonSpamContent},
				Remedy: "Yandex takes the message for spam: check wording and links, and do not go on sending it through this account, or the account gets blocked."},
		},
	}
}

func mailru() Company {
	return Company{
		Name: "Mail.ru", AsOf: AsOf, Servers: []string{"mail.ru"}, SPF: []string{"_spf.mail.ru"},
		Site: &Site{ID: "mailru", Name: "Mail.ru", AsOf: AsOf, MX: []string{"mail.ru"}, Mailboxes: []string{"mail.ru", "bk.ru", "list.ru", "inbox.ru", "internet.ru"},
			PerMinute: 240, PerHour: 10000, InFlight: 20},
		Providers: []Provider{mailruMail()},
	}
}

func mailruMail() Provider {
	return Provider{
		ID: "mailru", Name: "Mail.ru", Reading: mailruReading(), Kind: Mailbox, AsOf: AsOf, Docs: "https://help.mail.ru/mail/mailer/",
		Hosts:     []Host{{Name: "smtp.mail.ru"}},
		Patterns:  []string{"smtp.*.mail.ru"},
		Endpoints: []Endpoint{{465, implicit}, {587, starttls}},
		Auth:      []string{plain, login, xoauth2},
		Username:  Username{Hint: "The whole address, at mail.ru, bk.ru, list.ru, inbox.ru or your own domain"},
		Password:  "A password for external applications",
		Needs: []Need{
			{"Make a password for external applications with access to mail, and enter it as the password.", "https://help.mail.ru/mail/security/protection/external"},
		},
		OAuth:  &OAuth{TokenURL: "https://oauth.mail.ru/token", Scope: "mail.imap", Docs: "https://api.mail.ru/docs/guides/oauth/"},
		Limits: Limits{Note: "Mail.ru publishes no number. Begin with a few hundred a day and watch the replies.", Source: "https://help.mail.ru/mail/"},
		Quota: Quota{Reopens: 24 * time.Hour,
			Text: "Mail.ru takes no more from this account for now. Wait a day, send less, and look for a notice in the account."},
		SigningProfile: "default", SignsItself: true, ReturnPath: "from",
		Failures: []Failure{
			{Sample: "535 5.7.0 NEOBHODIM parol prilozheniya https://help.mail.ru/mail/security/protection/external / Application password is REQUIRED", Texts: []string{"parol prilozheniya", "application password"},
				Judgement: reply.Judgement{Reason: reply.ReasonAuthFailed},
				Remedy:    "Mail.ru wants a password for external applications: make one at https://help.mail.ru/mail/security/protection/external and enter it here; the normal password is not accepted."},
			{Sample: "535 Authentication failed. Restore access or change your password", Stage: reply.StageAuth, Texts: []string{"authentication failed"}, Judgement: reply.Judgement{Reason: reply.ReasonAuthFailed},
				Remedy: "Mail.ru did not accept the login: use a password for external applications and the whole address as user name."},
			{Sample: "503 SMTP authorization required", Code: 503, Texts: []string{"authorization required"}, Judgement: reply.Judgement{Reason: reply.ReasonAuthFailed},
				Remedy: "Mail.ru wants a login first: choose a way to log in for this relay."},
			{Sample: "550 message sending for this account is disabled", Texts: []string{"message sending for this account is disabled"},
				Judgement: reply.Judgement{Reason: reply.ReasonBlocked, Fault: reply.FaultAccount, Action: reply.ActionStopRelay},
				Remedy:    "Mail.ru has stopped sending from this account: log in in a browser, change the password, and follow its notice."},
			{Sample: "550 not local sender over smtp", Texts: []string{"not local sender"}, Judgement: reply.Judgement{Reason: reply.ReasonSenderRejected},
				Remedy: "Mail.ru lets an account send only from its own address: use the account's address as From."},
			{Sample: "451 Ratelimit exceeded for mailbox name@mail.ru. Try again later.", Texts: []string{"ratelimit exceeded", "rate limit"}, Wait: time.Hour,
				Judgement: reply.Judgement{Reason: reply.ReasonRateLimited, Fault: reply.FaultAccount},
				Remedy:    "Mail.ru wants fewer messages from this account: set the relay's limit per hour lower."},
			{Sample: "550 spam message rejected. Please visit https://help.mail.ru/notspam-support/", Texts: []string{"spam message"}, Judgement: reply.Judgement{Reason: reply.ReasonSpamContent},
				Remedy: "Mail.ru takes the message for spam: check wording and links; its form under the link in the reply asks for another look."},
		},
	}
}
