package sender

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postrider/internal/addr"
	"postrider/internal/errs"
	"postrider/internal/oauth"
)

func goodRelay() RelayInput {
	password := "s3cret-passw0rd"
	return RelayInput{Name: "Main", Host: "smtp.example.org", Port: 587, Username: "news@example.org", Password: &password}
}

// wrongFields gives the fields that an error points at.
func wrongFields(t *testing.T, err error) map[string]string {
	t.Helper()
	if err == nil {
		return map[string]string{}
	}
	var e *errs.E
	if !errors.As(err, &e) {
		t.Fatalf("want an *errs.E, got %v", err)
	}
	fields := map[string]string{}
	for _, f := range e.Fields {
		fields[f.Name] = f.Message
	}
	return fields
}

func names(fields map[string]string) string {
	var list []string
	for _, n := range []string{"name", "kind", "host", "port", "tls", "auth", "username", "password", "helo_name", "max_connections",
		"max_messages_per_connection", "per_second", "per_day", "return_path", "dkim", "signing_profile", "domain", "bounce_domain", "provider",
		"oauth_client_id", "oauth_token_url", "oauth_client_secret", "oauth_refresh_token",
		"warmup.start", "warmup.first", "warmup.percent", "warmup.zone", "window.days", "window.until", "window.zone"} {
		if _, ok := fields[n]; ok {
			list = append(list, n)
		}
	}
	if len(list) != len(fields) {
		return fmt.Sprintf("%v", fields)
	}
	return strings.Join(list, " ")
}

func TestRelayInputNamesEveryWrongField(t *testing.T) {
	t.Parallel()
	zero, empty := 0, ""
	tests := []struct {
		name   string
		change func(*RelayInput)
		want   string
	}{
		{"good", func(*RelayInput) {}, ""},
		{"everything", func(in *RelayInput) {
			*in = RelayInput{Kind: "smtp", Auth: AuthPlain, MaxConnections: 5000, MaxMessagesPerConnection: -1, Limits: Limits{PerSecond: &zero, PerDay: &zero},
				ReturnPath: "x", DKIM: "x", SigningProfile: "x", HELOName: "a b"}
		}, "name host port username password helo_name max_connections max_messages_per_connection per_second per_day return_path dkim signing_profile"},
		{"host with a space", func(in *RelayInput) { in.Host = "smtp example.org" }, "host"},
		{"host with CRLF", func(in *RelayInput) { in.Host = "smtp.example.org\r\nQUIT" }, "host"},
		{"host with a trailing line break", func(in *RelayInput) { in.Host = "smtp.example.org\n" }, "host"},
		{"host as URL", func(in *RelayInput) { in.Host = "smtps://smtp.example.org" }, "host"},
		{"host with port", func(in *RelayInput) { in.Host = "smtp.example.org:587" }, "host"},
		{"host is an address", func(in *RelayInput) { in.Host = "news@example.org" }, "host"},
		{"port too high", func(in *RelayInput) { in.Port = 65536 }, "port"},
		{"auth without user", func(in *RelayInput) { in.Auth, in.Username = AuthPlain, "" }, "username"},
		{"auth without password", func(in *RelayInput) { in.Password = nil }, "password"},
		{"auth with an empty password", func(in *RelayInput) { in.Password = &empty }, "password"},
		{"clear text far away", func(in *RelayInput) { in.TLS, in.Auth = TLSNone, AuthPlain }, "tls"},
		{"clear text far away, chosen by the server", func(in *RelayInput) { in.TLS = TLSNone }, "tls"},
		{"clear text, challenge", func(in *RelayInput) { in.TLS, in.Auth = TLSNone, AuthCRAMMD5 }, ""},
		{"clear text at home", func(in *RelayInput) { in.TLS, in.Auth, in.Host = TLSNone, AuthPlain, "127.0.0.1" }, ""},
		{"clear text at home, IPv6", func(in *RelayInput) { in.TLS, in.Auth, in.Host = TLSNone, AuthPlain, "[::1]" }, ""},
		{"container name", func(in *RelayInput) { in.Host = "mail_relay" }, ""},
		{"address literal as HELO", func(in *RelayInput) { in.HELOName = "[192.0.2.1]" }, ""},
		{"unknown kind", func(in *RelayInput) { in.Kind = "pigeon" }, "kind"},
		{"unknown tls and auth", func(in *RelayInput) { in.TLS, in.Auth = "ssl", "ntlm" }, "tls auth"},
		{"unknown provider", func(in *RelayInput) { in.Provider = "pigeon" }, "provider"},
		{"known provider", func(in *RelayInput) { in.Provider = "zoho" }, ""},
		{"xoauth2 without anything", func(in *RelayInput) { in.Auth = AuthXOAUTH2 }, "oauth_client_id oauth_token_url oauth_refresh_token"},
		{"xoauth2 of a provider", func(in *RelayInput) {
			in.Auth, in.Provider, in.OAuth = AuthXOAUTH2, "gmail", OAuthInput{ClientID: "c", RefreshToken: in.Password}
		}, ""},
		{"xoauth2 of a known host", func(in *RelayInput) {
			in.Auth, in.Host, in.OAuth = AuthXOAUTH2, "smtp.office365.com", OAuthInput{ClientID: "c", RefreshToken: in.Password}
		}, ""},
		{"xoauth2 in the clear", func(in *RelayInput) {
			in.Auth, in.OAuth = AuthXOAUTH2, OAuthInput{ClientID: "c", RefreshToken: in.Password, TokenURL: "http://example.org/token"}
		}, "oauth_token_url"},
		{"xoauth2 with two lines", func(in *RelayInput) {
			lines := "a\r\nb"
			in.Auth, in.OAuth = AuthXOAUTH2, OAuthInput{ClientID: lines, RefreshToken: &lines, ClientSecret: &lines, TokenURL: "https://user@example.org/token"}
		}, "oauth_client_id oauth_token_url oauth_client_secret oauth_refresh_token"},
		{"inbox ignores the server", func(in *RelayInput) {
			*in = RelayInput{Name: "x", Kind: RelayInbox, Host: "a b", Port: -1, Auth: "y", TLS: "z"}
		}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in := goodRelay()
			tt.change(&in)
			_, err := in.clean(Relay{})
			fields := wrongFields(t, err)
			if got := names(fields); got != tt.want {
				t.Errorf("wrong fields %q, want %q (%v)", got, tt.want, fields)
			}
			if err != nil && errs.KindOf(err) != errs.Invalid {
				t.Errorf("kind %v, want invalid", errs.KindOf(err))
			}
		})
	}
}

func TestRelayInputDefaultsAndForms(t *testing.T) {
	t.Parallel()
	in, err := RelayInput{Name: " Main ", Host: "SMTP.Bücher.example.", Port: 25, HELOName: "Mail.Example.ORG"}.clean(Relay{})
	if err != nil {
		t.Fatal(err)
	}
	none, one, no := "", 1, false
	want := RelayInput{Name: "Main", Weight: &one, FromDomains: []string{}, RecipientSites: []string{}, SiteLimits: &no, Kind: "smtp", Host: "smtp.xn--bcher-kva.example", Port: 25, TLS: "starttls", Auth: "none", Password: &none,
		HELOName: "mail.example.org", MaxConnections: 10, MaxMessagesPerConnection: 100, ReturnPath: "per_recipient",
		DKIM: "sign", SigningProfile: "default", OAuth: oauth.None()}
	if diff := cmp.Diff(want, in); diff != "" {
		t.Error(diff)
	}
	if in, err := (RelayInput{Name: "a", Host: "[2001:db8::1]", Port: 25}).clean(Relay{}); err != nil || in.Host != "2001:db8::1" {
		t.Errorf("IPv6 host became %q, %v", in.Host, err)
	}
	if _, err := goodRelay().clean(Relay{}); err != nil {
		t.Error(err)
	}
	kept := goodRelay()
	kept.Password = nil
	if _, err := kept.clean(Relay{HasPassword: true}); err != nil {
		t.Errorf("a stored password is kept: %v", err)
	}
}

func FuzzCleanHost(f *testing.F) {
	for _, s := range []string{"smtp.example.org", "[::1]", "a b", "x\r\ny", "smtp://x", "a:25", "ünï.example", ".", "..", "1.2.3.4", "fe80::1%eth0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		host, problem := addr.Host(raw, "smtp.example.org")
		if (host == "") == (problem == "") {
			t.Fatalf("%q: host %q and problem %q", raw, host, problem)
		}
		if strings.ContainsAny(host, " \t\r\n\x00/@[]") {
			t.Fatalf("%q became %q", raw, host)
		}
		if again, p := addr.Host(host, "smtp.example.org"); host != "" && (p != "" || again != host) {
			t.Fatalf("%q is not stable: %q, %q", host, again, p)
		}
	})
}
