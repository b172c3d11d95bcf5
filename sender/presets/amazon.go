package presets

import (
	"time"

	"postrider/sender/reply"
)

const (
	sesQuotas     = "https://docs.aws.amazon.com/ses/latest/dg/quotas.html"
	sesThrottling = "https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas-errors.html"
)

func amazon() Company {
	return Company{Name: "Amazon SES", AsOf: AsOf, Servers: []string{"amazonaws.com"}, SPF: []string{"amazonses.com"}, OwnReturnPath: true, Providers: []Provider{ses()}}
}

// ses is one provider with many regions. A login belongs to one region.
func ses() Provider {
	return Provider{
		ID: "ses", Name: "Amazon SES", Kind: Service, AsOf: AsOf, Docs: "https://docs.aws.amazon.com/ses/latest/dg/smtp-connect.html",
		Hosts: sesHosts(), Patterns: []string{"email-smtp.*.amazonaws.com", "email-smtp-fips.*.amazonaws.com", "email-smtp.*.amazonaws.com.cn"},
		Endpoints: []Endpoint{{587, starttls}, {465, implicit}, {2587, starttls}, {2465, implicit}, {25, starttls}},
		Auth:      []string{plain, login},
		Username:  Username{Hint: "The SMTP user name of the region, 20 capital letters and digits"},
		Password:  "The SMTP password made with it; not the secret key of an IAM user",
		Needs: []Need{
			{"Verify the sending domain in the same region.", "https://docs.aws.amazon.com/ses/latest/dg/creating-identities.html"},
			{"Make SMTP credentials in the same region.", "https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html"},
			{"Ask for production access: in the sandbox only verified addresses can be mailed.", "https://docs.aws.amazon.com/ses/latest/dg/request-production-access.html"},
		},
		Limits: Limits{RecipientsPerMessage: 50, Source: sesQuotas,
			Note: "Rate and daily quota belong to the account and are shown in its console; the sandbox has 200 a day and 1 a second."},
		Quota: Quota{Reopens: time.Hour,
			Text: "The account has used up its SES quota of the last 24 hours. The window rolls: some of it opens again with each hour. Set the relay's daily limit to the quota shown in the console, or ask for a higher one."},
		SigningProfile: "ses", SignsItself: true, ReturnPath: "per_recipient",
		Failures: sesFailures(),
	}
}

func sesHosts() []Host {
	var hosts []Host
	for _, r := range []struct{ id, name string }{
		{"us-east-1", "US East (N. Virginia)"}, {"us-east-2", "US East (Ohio)"}, {"us-west-1", "US West (N. California)"}, {"us-west-2", "US West (Oregon)"},
		{"eu-central-1", "Europe (Frankfurt)"}, {"eu-west-1", "Europe (Ireland)"}, {"eu-west-2", "Europe (London)"}, {"eu-west-3", "Europe (Paris)"},
		{"eu-north-1", "Europe (Stockholm)"}, {"eu-south-1", "Europe (Milan)"}, {"eu-central-2", "Europe (Zurich)"},
		{"ap-south-1", "Asia Pacific (Mumbai)"}, {"ap-southeast-1", "Asia Pacific (Singapore)"}, {"ap-southeast-2", "Asia Pacific (Sydney)"},
		{"ap-southeast-3", "Asia Pacific (Jakarta)"}, {"ap-northeast-1", "Asia Pacific (Tokyo)"}, {"ap-northeast-2", "Asia Pacific (Seoul)"},
		{"ap-northeast-3", "Asia Pacific (Osaka)"}, {"ca-central-1", "Canada (Central)"}, {"sa-east-1", "South America (São Paulo)"},
		{"af-south-1", "Africa (Cape Town)"}, {"me-south-1", "Middle East (Bahrain)"}, {"il-central-1", "Israel (Tel Aviv)"},
	} {
		hosts = append(hosts, Host{Name: "email-smtp." + r.id + ".amazonaws.com", Region: r.name})
	}
	return hosts
}

func sesFailures() []Failure {
	return []Failure{
		{Sample: "535 Authentication Credentials Invalid", Stage: reply.StageAuth, Code: 535, Judgement: reply.Judgement{Reason: reply.ReasonAuthFailed},
			Remedy: "SES did not accept the login: use SMTP credentials made in the SES console (not IAM keys), made in the same region as this host."},
		{Sample: "530 Authentication required", Code: 530, Texts: []string{"authentication required"}, Judgement: reply.Judgement{Reason: reply.ReasonAuthFailed},
			Remedy: "SES wants a login: enter SMTP credentials of this region."},
		{Sample: "454 Throttling failure: Maximum sending rate exceeded.", Texts: []string{"maximum sending rate"}, Judgement: reply.Judgement{Reason: reply.ReasonRateLimited, Fault: reply.FaultAccount},
			Remedy: "The messages come faster than the account may send: set the relay's limit per second to the rate in the SES console (" + sesThrottling + ")."},
		{Sample: "454 Throttling failure: Daily message quota exceeded.", Texts: []string{"daily message quota"}, Wait: time.Hour, Judgement: reply.Judgement{Reason: reply.ReasonQuotaExhausted}},
		{Sample: "421 Too many concurrent SMTP connections", Texts: []string{"too many concurrent"}, Judgement: reply.Judgement{Reason: reply.ReasonTooManyConnections},
			Remedy: "SES wants fewer connections at once: lower the relay's connections."},
		{Sample: "554 Message rejected: Email address is not verified. The following identities failed the check in region EU-WEST-1: a@example.com", Texts: []string{"address is not verified"},
			Judgement: reply.Judgement{Reason: reply.ReasonSenderRejected},
			Remedy:    "An address in this message is not verified in the region that the reply names. Verify the From domain there, and the return path's domain too; when the reply names a recipient, the account is still in the sandbox: ask for production access."},
		{Sample: "554 Message rejected: Sending suspended for this account. For more information, please check the inbox of the email address", Texts: []string{"sending suspended", "account is paused", "sending paused"},
			Judgement: reply.Judgement{Reason: reply.ReasonBlocked, Fault: reply.FaultAccount, Action: reply.ActionStopRelay},
			Remedy:    "Amazon has stopped sending from this account, usually for bounces or complaints: read its mail to the account's owner and answer in the support case."},
		{Sample: "554 Message rejected: Configuration set does not exist: news", Texts: []string{"configuration set"}, Judgement: reply.Judgement{Reason: reply.ReasonBlocked, Fault: reply.FaultAccount, Action: reply.ActionStopRelay},
			Remedy: "The configuration set that the identity or the account uses does not exist in this region, or sending is off in it: mend that in the SES console."},
		{Sample: "501 Invalid MAIL FROM address provided", Code: 501, Texts: []string{"mail from"}, Judgement: reply.Judgement{Reason: reply.ReasonSenderRejected},
			Remedy: "SES cannot read the return path: check the relay's return path and the bounce domain."},
		{Sample: "554 Access denied: User `arn:aws:iam::1:user/x' is not authorized to perform `ses:SendRawEmail'", Texts: []string{"not authorized to perform"},
			Judgement: reply.Judgement{Reason: reply.ReasonAuthFailed, Action: reply.ActionStopRelay},
			Remedy:    "The user of these SMTP credentials may not send: give it the permission ses:SendRawEmail for this identity."},
		{Sample: "554 Transaction failed: Expected '=', got null", Texts: []string{"transaction failed: expected", "duplicate header"}, Judgement: reply.Judgement{Reason: reply.ReasonContent},
			Remedy: "SES could not read a header field: choose the signed headers \"Amazon SES\" for this relay, or let SES sign."},
	}
}
