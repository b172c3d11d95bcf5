package sender

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"postrider/internal/errs"
	"postrider/sender/smtptest"
)

// toServer is an input that points at a test server.
func toServer(srv *smtptest.Server, tlsMode, auth string) RelayInput {
	in := RelayInput{Name: "Test", Host: srv.Host(), Port: srv.Port(), TLS: tlsMode, Auth: auth}
	if auth != AuthNone {
		password := "s3cret-passw0rd"
		in.Username, in.Password = "news@example.org", &password
	}
	return in
}

// trusting is a service that trusts the test server's certificate. It needs no database to test relays that are not stored.
func trusting(srv *smtptest.Server) *Service {
	return New(nil, nil, Config{RootCAs: srv.CertPool()}, nil, time.Now)
}

func steps(r TestReport) string {
	var all []string
	for _, s := range r.Steps {
		state := ""
		if !s.OK {
			state = "!"
		}
		all = append(all, s.Step+state)
	}
	return strings.Join(all, " ")
}

func TestRelayTestGoesThroughAllSteps(t *testing.T) {
	t.Parallel()
	const user, password = "news@example.org", "s3cret-passw0rd"
	tests := []struct {
		name  string
		tls   string
		auth  string
		opts  []smtptest.Option
		steps string
		how   string
	}{
		{"clear text", TLSNone, AuthNone, nil, "connect greeting mail rcpt", ""},
		{"starttls, auto", TLSStartTLS, AuthAuto, []smtptest.Option{smtptest.WithTLS(smtptest.StartTLS), smtptest.WithUser(user, password)},
			"connect greeting tls auth mail rcpt", "PLAIN"},
		{"implicit, login", TLSImplicit, AuthLogin, []smtptest.Option{smtptest.WithTLS(smtptest.ImplicitTLS), smtptest.WithUser(user, password)},
			"connect tls greeting auth mail rcpt", "LOGIN"},
		{"cram-md5 in clear text", TLSNone, AuthCRAMMD5, []smtptest.Option{smtptest.WithUser(user, password)}, "connect greeting auth mail rcpt", "CRAM-MD5"},
		{"auto takes what there is", TLSStartTLS, AuthAuto, []smtptest.Option{smtptest.WithTLS(smtptest.StartTLS), smtptest.WithUser(user, password),
			smtptest.WithAuthMechs("LOGIN")}, "connect greeting tls auth mail rcpt", "LOGIN"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := smtptest.Start(t, tt.opts...)
			report, err := trusting(srv).TestRelayInput(t.Context(), toServer(srv, tt.tls, tt.auth), "News@example.org", "a@example.net")
			if err != nil {
				t.Fatal(err)
			}
			if !report.OK || steps(report) != tt.steps || report.Remedy != "" {
				t.Fatalf("%+v", report)
			}
			if (report.TLS != "") != (tt.tls != TLSNone) || (report.TLS != "" && !strings.HasPrefix(report.TLS, "TLS 1.3, certificate for ")) {
				t.Errorf("TLS %q", report.TLS)
			}
			if !slices.Contains(report.Extensions, "PIPELINING") || !slices.IsSorted(report.Extensions) {
				t.Errorf("extensions %q", report.Extensions)
			}
			if last := report.Steps[len(report.Steps)-1]; !strings.HasPrefix(last.Detail, "250 ") || last.Took <= 0 {
				t.Errorf("not the server's words: %+v", last)
			}
			if tt.how != "" && !strings.Contains(fmt.Sprint(report.Steps), "logged in with "+tt.how) {
				t.Errorf("not logged in with %s: %+v", tt.how, report.Steps)
			}
			if srv.Commands("DATA") != 0 || len(srv.Accepted()) != 0 {
				t.Error("a message was sent")
			}
		})
	}
}

func TestRelayTestNamesTheStepThatFails(t *testing.T) {
	t.Parallel()
	const user, password = "news@example.org", "s3cret-passw0rd"
	starttls := smtptest.WithTLS(smtptest.StartTLS)
	login := smtptest.WithUser(user, password)
	tests := []struct {
		name   string
		tls    string
		auth   string
		opts   []smtptest.Option
		steps  string
		detail string
	}{
		{"greeting", TLSNone, AuthNone, []smtptest.Option{smtptest.WithReply("", smtptest.AtGreeting, "554 5.7.1 not you")}, "connect greeting!", "554 5.7.1 not you"},
		{"hung up", TLSNone, AuthNone, []smtptest.Option{smtptest.WithScript(smtptest.Script{At: smtptest.AtGreeting, Drop: true})}, "connect greeting!", "EOF"},
		{"no starttls", TLSStartTLS, AuthNone, nil, "connect greeting tls!", "does not offer STARTTLS"},
		{"starttls refused", TLSStartTLS, AuthNone, []smtptest.Option{starttls, smtptest.WithReply("", smtptest.AtStartTLS, "454 4.7.0 not now")}, "connect greeting tls!", "454 4.7.0 not now"},
		{"tls to a clear port", TLSImplicit, AuthNone, nil, "connect tls!", "tls"},
		{"wrong password", TLSStartTLS, AuthPlain, []smtptest.Option{starttls, smtptest.WithUser(user, "other")}, "connect greeting tls auth!", "535"},
		{"app password", TLSStartTLS, AuthPlain, []smtptest.Option{starttls, login,
			smtptest.WithReply("", smtptest.AtAuth, "534 5.7.9 Application-specific password required")}, "connect greeting tls auth!", "534 5.7.9"},
		{"mechanism not offered", TLSStartTLS, AuthSCRAMSHA256, []smtptest.Option{starttls, login}, "connect greeting tls auth!", "does not offer"},
		{"sender refused", TLSNone, AuthNone, []smtptest.Option{smtptest.WithReply("news@example.org", smtptest.AtMail, "550 5.7.60 not your address")},
			"connect greeting mail!", "550 5.7.60 not your address"},
		{"recipient refused", TLSNone, AuthNone, []smtptest.Option{smtptest.WithReply("a@example.net", smtptest.AtRcpt, "550 5.1.1 nobody\r\n")},
			"connect greeting mail rcpt!", "550 5.1.1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := smtptest.Start(t, tt.opts...)
			report, err := trusting(srv).TestRelayInput(t.Context(), toServer(srv, tt.tls, tt.auth), "news@example.org", "a@example.net")
			if err != nil {
				t.Fatal(err)
			}
			if report.OK || steps(report) != tt.steps {
				t.Fatalf("%+v", report)
			}
			if last := report.Steps[len(report.Steps)-1]; !strings.Contains(last.Detail, tt.detail) {
				t.Errorf("detail %q, want …%s…", last.Detail, tt.detail)
			}
			if strings.Contains(tt.steps, "auth!") && report.Remedy == "" {
				t.Error("no remedy for a failed login")
			}
			if shown := fmt.Sprintf("%+v", report); strings.Contains(shown, password) {
				t.Errorf("the password is shown: %s", shown)
			}
		})
	}
}

func TestRelayTestChecksTheCertificate(t *testing.T) {
	t.Parallel()
	srv := smtptest.Start(t, smtptest.WithTLS(smtptest.StartTLS))
	stranger := New(nil, nil, Config{}, nil, time.Now)
	report, err := stranger.TestRelayInput(t.Context(), toServer(srv, TLSStartTLS, AuthNone), "", "")
	if err != nil || report.OK || steps(report) != "connect greeting tls!" || !strings.Contains(report.Remedy, "certificate") {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestRelayTestHidesAnEchoedPassword(t *testing.T) {
	t.Parallel()
	// "AG5ld3NAZXhhbXBsZS5vcmcAczNjcmV0LXBhc3N3MHJk" is what PLAIN sends.
	srv := smtptest.Start(t, smtptest.WithTLS(smtptest.StartTLS), smtptest.WithUser("news@example.org", "x"), smtptest.WithReply("", smtptest.AtAuth,
		"500 5.5.1 unrecognized: AUTH PLAIN AG5ld3NAZXhhbXBsZS5vcmcAczNjcmV0LXBhc3N3MHJk s3cret-passw0rd"))
	report, err := trusting(srv).TestRelayInput(t.Context(), toServer(srv, TLSStartTLS, AuthPlain), "", "")
	if err != nil {
		t.Fatal(err)
	}
	detail := report.Steps[len(report.Steps)-1].Detail
	if !strings.Contains(detail, "AUTH PLAIN *** ***") {
		t.Errorf("detail %q", detail)
	}
}

func TestRelayTestAddresses(t *testing.T) {
	t.Parallel()
	srv := smtptest.Start(t, smtptest.WithTLS(smtptest.StartTLS), smtptest.WithUser("news@example.org", "s3cret-passw0rd"))
	s := trusting(srv)
	in := toServer(srv, TLSStartTLS, AuthPlain)
	for name, tt := range map[string]struct{ from, to, wrong, steps string }{
		"from the user name":  {"", "", "", "connect greeting tls auth mail"},
		"bad addresses":       {"news", "a@b@c.org", "from to", ""},
		"line breaks":         {"a@example.org>\r\nRCPT TO:<x@example.org", "a@example.org\r\nDATA", "from to", ""},
		"international names": {"jörg@example.org", "a@bücher.example", "from", ""},
	} {
		report, err := s.TestRelayInput(t.Context(), in, tt.from, tt.to)
		fields := wrongFields(t, err)
		if len(fields) != len(strings.Fields(tt.wrong)) || steps(report) != tt.steps {
			t.Errorf("%s: %v, %+v", name, err, report)
		}
		for _, field := range strings.Fields(tt.wrong) {
			if fields[field] == "" {
				t.Errorf("%s: %s is not named", name, field)
			}
		}
	}
	open := smtptest.Start(t)
	in = toServer(open, TLSNone, AuthNone)
	if report, err := s.TestRelayInput(t.Context(), in, "", ""); err != nil || !report.OK || steps(report) != "connect greeting" {
		t.Errorf("without any address: %+v, %v", report, err)
	}
	if _, err := s.TestRelayInput(t.Context(), in, "", "a@example.net"); wrongFields(t, err)["from"] == "" {
		t.Errorf("a recipient without a sender: %v", err)
	}
	if _, err := s.TestRelayInput(t.Context(), RelayInput{Name: "x"}, "", ""); wrongFields(t, err)["host"] == "" {
		t.Errorf("bad input: %v", err)
	}
}

func TestRelayTestEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	forever := make(chan struct{})
	t.Cleanup(func() { close(forever) })
	srv := smtptest.Start(t, smtptest.WithScript(smtptest.Script{At: smtptest.AtGreeting, Wait: forever}))
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	report, err := trusting(srv).TestRelayInput(ctx, toServer(srv, TLSNone, AuthNone), "", "")
	if err != nil || report.OK || steps(report) != "connect greeting!" {
		t.Errorf("%+v, %v", report, err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestStoredRelayIsTestedAndDialed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	srv := smtptest.Start(t, smtptest.WithTLS(smtptest.StartTLS), smtptest.WithUser("news@example.org", "s3cret-passw0rd"))
	b.cfg.RootCAs = srv.CertPool()
	b.cfg.DefaultFrom = func(context.Context) string { return "hello@example.org" }
	relay := b.create(t, toServer(srv, TLSStartTLS, AuthAuto))
	report, err := b.TestRelay(t.Context(), relay.ID, "", "")
	if err != nil || !report.OK || steps(report) != "connect greeting tls auth mail" {
		t.Errorf("%+v, %v", report, err)
	}
	dialer, err := b.DialerFor(t.Context(), relay)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := dialer.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	conn.Quit()
	if _, err := b.TestRelay(t.Context(), 99, "", ""); !errs.Is(err, errs.NotFound) {
		t.Errorf("no such relay: %v", err)
	}
	// A password that belongs to another row does not open.
	moved := relay
	moved.ID++
	if _, err := b.DialerFor(t.Context(), moved); !errs.Is(err, errs.Unavailable) {
		t.Errorf("a moved password: %v", err)
	}
}

func TestInboxRelayGoesToTheInbox(t *testing.T) {
	t.Parallel()
	b := setup(t)
	relay := b.create(t, RelayInput{Name: "Inbox", Kind: RelayInbox})
	if _, err := b.DialerFor(t.Context(), relay); !errs.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "switched off") {
		t.Errorf("inbox off: %v", err)
	}
	srv := smtptest.Start(t)
	b.inbox = srv.Addr()
	report, err := b.TestRelay(t.Context(), relay.ID, "a@example.org", "b@example.org")
	if err != nil || !report.OK || steps(report) != "connect greeting mail rcpt" {
		t.Errorf("%+v, %v", report, err)
	}
}
