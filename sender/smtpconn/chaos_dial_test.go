package smtpconn

import (
	"crypto/tls"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"postrider/sender/reply"
	"postrider/sender/smtptest"
)

// TestTLSFaults: nobody is spoken to whose TLS is not in order, whatever is wrong.
func TestTLSFaults(t *testing.T) {
	t.Parallel()
	modes := map[TLSMode]smtptest.TLSMode{TLSStart: smtptest.StartTLS, TLSImplicit: smtptest.ImplicitTLS}
	for mode, server := range modes {
		for _, fault := range []smtptest.TLSFault{smtptest.TLSNotTLS, smtptest.TLSExpired, smtptest.TLSSelfSigned, smtptest.TLSWrongName, smtptest.TLSOld} {
			t.Run(string(mode)+" "+string(fault), func(t *testing.T) {
				t.Parallel()
				s := smtptest.Start(t, smtptest.WithTLSFault(server, fault), smtptest.WithUser("ann", "s3cret"))
				refusesToLogIn(t, s, mode, reply.StageTLS)
			})
		}
	}
}

// TestStrippedSTARTTLS: somebody in between takes the offer out.
func TestStrippedSTARTTLS(t *testing.T) {
	t.Parallel()
	s := smtptest.Start(t, smtptest.WithTLS(smtptest.StartTLS), smtptest.WithoutExtensions("STARTTLS"), smtptest.WithUser("ann", "s3cret"))
	refusesToLogIn(t, s, TLSStart, reply.StageStartTLS)
}

func refusesToLogIn(t *testing.T, s *smtptest.Server, mode TLSMode, stage reply.Stage) {
	t.Helper()
	d := dialer(s)
	d.TLS, d.TLSConfig = mode, &tls.Config{RootCAs: s.CertPool()}
	d.Auth, d.Username, d.Password = AuthAuto, "ann", "s3cret"
	c, err := d.Dial(t.Context())
	var e *Error
	if c != nil || !errors.As(err, &e) {
		t.Fatalf("%v, %v", c, err)
	}
	if e.Stage != stage || e.Reply.Code != 0 {
		t.Errorf("%s, code %d: %v", e.Stage, e.Reply.Code, err)
	}
	if s.Commands("AUTH")+s.Commands("MAIL") > 0 {
		t.Error("the session went on")
	}
}

// TestPlaintextInjectedIntoSTARTTLS: replies that came in clear text together with the
// 220 must not be taken for replies under TLS.
func TestPlaintextInjectedIntoSTARTTLS(t *testing.T) {
	t.Parallel()
	const forged = "220 go ahead\r\n250-forged\r\n250-AUTH LOGIN\r\n250 REQUIRETLS\r\n235 2.7.0 welcome"
	s := smtptest.Start(t, smtptest.WithTLS(smtptest.StartTLS), smtptest.WithUser("ann", "s3cret"), smtptest.WithReply("", smtptest.AtStartTLS, forged))
	d := dialer(s)
	d.TLS, d.TLSConfig = TLSStart, &tls.Config{RootCAs: s.CertPool()}
	d.Auth, d.Username, d.Password = AuthAuto, "ann", "s3cret"
	c, err := d.Dial(t.Context())
	if err != nil {
		return // giving up is right as well
	}
	defer c.Close()
	if _, ok := c.Extension("REQUIRETLS"); ok {
		t.Error("the forged EHLO reply was believed")
	}
	if mechs, _ := c.Extension("AUTH"); !strings.Contains(mechs, "PLAIN") {
		t.Errorf("AUTH %q is not what the server says under TLS", mechs)
	}
	if out := send(t, c, good); out.State != Accepted || out.Reply.Text != "ok queued" {
		t.Errorf("replies are out of step: %+v", out)
	}
}

// TestFaultsWhileOpening: every step before the first MAIL.
func TestFaultsWhileOpening(t *testing.T) {
	t.Parallel()
	never := make(chan struct{})
	tests := map[string]struct {
		script smtptest.Script
		stage  reply.Stage
		code   int
	}{
		"421 at the banner":  {smtptest.Script{At: smtptest.AtGreeting, Reply: "421 4.3.2 too busy"}, reply.StageGreeting, 421},
		"dropped after 220":  {smtptest.Script{At: smtptest.AtGreeting, Reply: "220 hi", Drop: true}, reply.StageHelo, 0},
		"silent banner":      {smtptest.Script{At: smtptest.AtGreeting, Wait: never}, reply.StageGreeting, 0},
		"tarpit banner":      {smtptest.Script{At: smtptest.AtGreeting, Dribble: dash}, reply.StageGreeting, 0},
		"banner cut off":     {smtptest.Script{At: smtptest.AtGreeting, Reply: "220", Dribble: short / 4}, reply.StageGreeting, 0},
		"garbage banner":     {smtptest.Script{At: smtptest.AtGreeting, Reply: "SSH-2.0-OpenSSH_9.2"}, reply.StageGreeting, 0},
		"8-bit banner":       {smtptest.Script{At: smtptest.AtGreeting, Reply: "\xff\xfb\x01"}, reply.StageGreeting, 0},
		"421 to EHLO":        {smtptest.Script{At: smtptest.AtHelo, Reply: closes}, reply.StageHelo, 421},
		"tarpit EHLO":        {smtptest.Script{At: smtptest.AtHelo, Dribble: dash}, reply.StageHelo, 0},
		"garbage to EHLO":    {smtptest.Script{At: smtptest.AtHelo, Reply: "?"}, reply.StageAuth, 0}, // HELO passes, which offers no AUTH
		"endless banner":     {smtptest.Script{At: smtptest.AtGreeting, Endless: true}, reply.StageGreeting, 0},
		"endless EHLO":       {smtptest.Script{At: smtptest.AtHelo, Endless: true}, reply.StageHelo, 0},
		"endless AUTH":       {smtptest.Script{At: smtptest.AtAuth, Endless: true}, reply.StageAuth, 0},
		"dropped at AUTH":    {smtptest.Script{At: smtptest.AtAuth, Drop: true}, reply.StageAuth, 0},
		"hangs at AUTH":      {smtptest.Script{At: smtptest.AtAuth, Wait: never}, reply.StageAuth, 0},
		"421 to AUTH":        {smtptest.Script{At: smtptest.AtAuth, Reply: closes}, reply.StageAuth, 421},
		"garbage to AUTH":    {smtptest.Script{At: smtptest.AtAuth, Reply: "yes"}, reply.StageAuth, 0},
		"several lines AUTH": {smtptest.Script{At: smtptest.AtAuth, Reply: "535-5.7.8 one\r\n535 5.7.8 two"}, reply.StageAuth, 535},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.script.Times = 1
			s := smtptest.Start(t, smtptest.WithScript(tc.script), smtptest.WithUser("ann", "s3cret"))
			d := dialer(s)
			d.CommandTimeout = short
			d.Auth, d.Username, d.Password = AuthPlain, "ann", "s3cret"
			c, err := d.Dial(t.Context())
			var e *Error
			if c != nil || !errors.As(err, &e) || e.Stage != tc.stage || e.Reply.Code != tc.code || !utf8.ValidString(e.Reply.Text) {
				t.Errorf("%v, %v", c, err)
			}
			d.CommandTimeout = 10 * time.Second
			if out := send(t, open(t, d), good); out.State != Accepted || s.Count(good) != 1 {
				t.Errorf("the next connection: %+v", out)
			}
		})
	}
}

// TestWordsOfRefusedLogins: what providers answer to AUTH arrives word for word, so
// that a person can be told what to do.
func TestWordsOfRefusedLogins(t *testing.T) {
	t.Parallel()
	tests := []struct {
		said   string
		status string
		text   string
		reason reply.Reason
		action reply.Action
	}{
		{"535-5.7.8 Username and Password not accepted. For more information, go to\r\n535 5.7.8  https://support.google.com/mail/?p=BadCredentials", "5.7.8",
			"Username and Password not accepted. For more information, go to https://support.google.com/mail/?p=BadCredentials", reply.ReasonAuthFailed, reply.ActionStopRelay},
		{"534 5.7.9 Application-specific password required", "5.7.9", "Application-specific password required", reply.ReasonAuthFailed, reply.ActionStopRelay},
		{"534-5.7.14 Please log in through your web browser\r\n534 5.7.14 and then try again", "5.7.14", "Please log in through your web browser and then try again",
			reply.ReasonAuthFailed, reply.ActionStopRelay},
		{"454 4.7.0 Too many login attempts, please try again later", "4.7.0", "Too many login attempts, please try again later", reply.ReasonAuthFailed, reply.ActionSlowDown},
		{"535 5.7.8 Error: authentication failed: This user does not have access rights to this service", "5.7.8",
			"Error: authentication failed: This user does not have access rights to this service", reply.ReasonAuthFailed, reply.ActionStopRelay},
		{"535 5.7.8 Error: authentication failed: Invalid format", "5.7.8", "Error: authentication failed: Invalid format", reply.ReasonAuthFailed, reply.ActionStopRelay},
		{"535 5.7.0 NEOBHODIM parol prilozheniya https://help.mail.ru/mail/security/protection/external / Application password is REQUIRED", "5.7.0",
			"NEOBHODIM parol prilozheniya https://help.mail.ru/mail/security/protection/external / Application password is REQUIRED", reply.ReasonAuthFailed, reply.ActionStopRelay},
		{"535 5.7.139 Authentication unsuccessful, basic authentication is disabled", "5.7.139", "Authentication unsuccessful, basic authentication is disabled",
			reply.ReasonAuthFailed, reply.ActionStopRelay},
		{"550 5.7.30 Basic authentication is not supported for Client Submission", "5.7.30", "Basic authentication is not supported for Client Submission",
			reply.ReasonAuthFailed, reply.ActionStopRelay},
		{"535 Authentication Credentials Invalid", "", "Authentication Credentials Invalid", reply.ReasonAuthFailed, reply.ActionStopRelay},
		{"451 Authentication failed: Maximum credits exceeded", "", "Authentication failed: Maximum credits exceeded", reply.ReasonQuotaExhausted, reply.ActionStopRelay},
		{"535 5.7.0 Invalid login or password", "5.7.0", "Invalid login or password", reply.ReasonAuthFailed, reply.ActionStopRelay},
		{"525 5.7.1 Unauthorized IP address", "5.7.1", "Unauthorized IP address", reply.ReasonAuthFailed, reply.ActionStopRelay},
		{"535 Authentication Failed", "", "Authentication Failed", reply.ReasonAuthFailed, reply.ActionStopRelay},
		{"530 5.7.7 Email sending without SSL/TLS encryption is not allowed", "5.7.7", "Email sending without SSL/TLS encryption is not allowed",
			reply.ReasonTLSRequired, reply.ActionStopRelay},
	}
	for _, tc := range tests {
		t.Run(tc.said[:min(30, len(tc.said))], func(t *testing.T) {
			t.Parallel()
			s := smtptest.Start(t, smtptest.WithTLS(smtptest.StartTLS), smtptest.WithUser("ann", "s3cret"), smtptest.WithReply("", smtptest.AtAuth, tc.said))
			d := dialer(s)
			d.TLS, d.TLSConfig = TLSStart, &tls.Config{RootCAs: s.CertPool()}
			d.Auth, d.Username, d.Password = AuthPlain, "ann", "s3cret"
			_, err := d.Dial(t.Context())
			var e *Error
			if !errors.As(err, &e) || e.Stage != reply.StageAuth {
				t.Fatalf("%v", err)
			}
			if e.Reply.Status != tc.status || e.Reply.Text != tc.text {
				t.Errorf("%q %q", e.Reply.Status, e.Reply.Text)
			}
			if c := reply.Classify(e.Reply); c.Reason != tc.reason || c.Action != tc.action {
				t.Errorf("%s, %s", c.Reason, c.Action)
			}
		})
	}
}
