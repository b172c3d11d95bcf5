package sender

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"postrider/internal/errs"
	"postrider/internal/oauth"
	"postrider/sender/reply"
	"postrider/sender/smtptest"
)

// tokenService is a token endpoint that answers with what it is told.
type tokenService struct {
	*httptest.Server
	mu      sync.Mutex
	answer  func(w http.ResponseWriter, n int)
	asked   int
	refresh []string // the refresh tokens that came
}

func startTokens(t *testing.T, answer func(w http.ResponseWriter, n int)) *tokenService {
	t.Helper()
	s := &tokenService{answer: answer}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asked++
		if err := r.ParseForm(); err != nil || r.Form.Get("grant_type") != "refresh_token" || r.Form.Get("client_id") != "client" || r.Form.Get("client_secret") != "cl1ent-s3cret" {
			t.Errorf("the token service was asked for %q: %v", r.Form.Get("grant_type"), err)
		}
		s.refresh = append(s.refresh, r.Form.Get("refresh_token"))
		s.answer(w, s.asked)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *tokenService) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

func gives(access string, seconds int, more string) func(http.ResponseWriter, int) {
	return func(w http.ResponseWriter, n int) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token":%q,"token_type":"Bearer","expires_in":%d%s}`, strings.ReplaceAll(access, "N", fmt.Sprint(n)), seconds, more)
	}
}

// withOAuth is an input for a server that takes the access token "t0ken".
func withOAuth(srv *smtptest.Server, tokenURL string) RelayInput {
	refresh, secret := "r3fresh-1", "cl1ent-s3cret"
	in := toServer(srv, TLSStartTLS, AuthXOAUTH2)
	in.Password, in.OAuth = nil, OAuthInput{ClientID: "client", TokenURL: tokenURL, ClientSecret: &secret, RefreshToken: &refresh}
	return in
}

func oauthServer(t *testing.T, token string) *smtptest.Server {
	return smtptest.Start(t, smtptest.WithTLS(smtptest.StartTLS), smtptest.WithUser("news@example.org", token))
}

func (b *bundle) dial(t *testing.T, r Relay) error {
	t.Helper()
	d, err := b.DialerFor(t.Context(), r)
	if err != nil {
		return err
	}
	conn, err := d.Dial(t.Context())
	if err == nil {
		conn.Quit()
	}
	return err
}

func TestAccessTokenIsKeptUntilShortlyBeforeItsEnd(t *testing.T) {
	t.Parallel()
	b := setup(t)
	srv := oauthServer(t, "t0ken")
	b.cfg.RootCAs = srv.CertPool()
	service := startTokens(t, gives("t0ken", 3600, ""))
	relay := b.create(t, withOAuth(srv, service.URL))
	if relay.HasPassword || !relay.HasClientSecret || !relay.HasRefreshToken || relay.OAuthClientID != "client" {
		t.Fatalf("%+v", relay)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := b.dial(t, relay); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := service.count(); n != 1 {
		t.Errorf("eight connections asked for %d tokens", n)
	}
	b.clock.advance(59 * time.Minute)
	if err := b.dial(t, relay); err != nil || service.count() != 2 {
		t.Errorf("shortly before its end: %v, %d tokens", err, service.count())
	}
	report, err := b.TestRelay(t.Context(), relay.ID, "", "")
	if err != nil || !report.OK || steps(report) != "connect greeting tls auth mail" || service.count() != 2 {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestRevokedAccessTokenIsRenewedAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	srv := oauthServer(t, "t0ken-2")
	b.cfg.RootCAs = srv.CertPool()
	service := startTokens(t, gives("t0ken-N", 3600, ""))
	relay := b.create(t, withOAuth(srv, service.URL))
	// The first token is new and refused: asking again would be of no use. Then it counts as gone.
	if err := b.dial(t, relay); err == nil || service.count() != 1 {
		t.Fatalf("%v, %d tokens", err, service.count())
	}
	if err := b.dial(t, relay); err != nil || service.count() != 2 {
		t.Errorf("%v, %d tokens", err, service.count())
	}
}

func TestRotatedRefreshTokenIsStored(t *testing.T) {
	t.Parallel()
	b := setup(t)
	srv := oauthServer(t, "t0ken")
	b.cfg.RootCAs = srv.CertPool()
	service := startTokens(t, func(w http.ResponseWriter, n int) {
		gives("t0ken", 3600, fmt.Sprintf(`,"refresh_token":"r3fresh-%d"`, n+1))(w, n)
	})
	read := b.create(t, withOAuth(srv, service.URL))
	for range 3 { // with the relay as it was read before the first rotation, as pools have it
		if err := b.dial(t, read); err != nil {
			t.Fatal(err)
		}
		b.clock.advance(time.Hour)
	}
	if got := strings.Join(service.refresh, " "); got != "r3fresh-1 r3fresh-2 r3fresh-3" {
		t.Errorf("refresh tokens %q", got)
	}
	now, err := b.GetRelay(t.Context(), read.ID)
	if err != nil || !now.UpdatedAt.Equal(read.UpdatedAt) {
		t.Errorf("the settings count as changed: %v", err)
	}
	if stored, err := b.open(now, secretRefreshToken, "refresh token", now.sealedRefreshToken); err != nil || stored != "r3fresh-4" {
		t.Errorf("stored %q, %v", stored, err)
	}
	// A person enters another one: it is used at once.
	in := withOAuth(srv, service.URL)
	other := "r3fresh-of-a-person"
	in.OAuth.RefreshToken = &other
	changed, err := b.UpdateRelay(t.Context(), read.ID, in)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.dial(t, changed); err != nil || service.refresh[3] != other {
		t.Errorf("%v, %q", err, service.refresh)
	}
}

func TestTokenServiceThatMisbehaves(t *testing.T) {
	t.Parallel()
	answers := func(status int, body string) func(http.ResponseWriter, int) {
		return func(w http.ResponseWriter, _ int) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	elsewhere := startTokens(t, gives("t0ken", 3600, ""))
	for name, tc := range map[string]struct {
		answer func(http.ResponseWriter, int)
		shown  string
		remedy string
	}{
		"invalid_grant":  {answers(400, `{"error":"invalid_grant","error_description":"Token has been expired or revoked. r3fresh-1"}`), "400: invalid_grant", "connect the account again"},
		"invalid_client": {answers(401, `{"error":"invalid_client"}`), "401: invalid_client", "client id"},
		"a page":         {answers(500, "<html>secret r3fresh-1 of somebody</html>"), "500: no reason that is known", "token URL"},
		"evil error":     {answers(400, `{"error":"<script>alert(1)</script> r3fresh-1"}`), "400: no reason", "token URL"},
		"no token":       {answers(200, `{"token_type":"Bearer"}`), "access token", "token URL"},
		"no JSON":        {answers(200, `r3fresh-1`), "access token", "token URL"},
		"a huge token":   {answers(200, `{"access_token":"`+strings.Repeat("x", 20<<10)+`"}`), "no access token", "token URL"},
		"a huge answer":  {answers(200, strings.Repeat(" ", 3<<20)+`{"access_token":"x"}`), "access token", "token URL"},
		"line breaks":    {answers(200, `{"access_token":"a\r\nMAIL FROM:<>"}`), "no access token", "token URL"},
		"a redirect":     {func(w http.ResponseWriter, _ int) { w.Header().Set("Location", elsewhere.URL); w.WriteHeader(307) }, "sends us elsewhere", "token URL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := oauthServer(t, "t0ken")
			service := startTokens(t, tc.answer)
			report, err := trusting(srv).TestRelayInput(t.Context(), withOAuth(srv, service.URL), "", "")
			if err != nil || report.OK || steps(report) != "connect greeting tls auth!" {
				t.Fatalf("%+v, %v", report, err)
			}
			detail := report.Steps[3].Detail
			if !strings.Contains(detail, tc.shown) || !strings.Contains(report.Remedy, tc.remedy) || len(detail) > reply.MaxText {
				t.Errorf("%q, %q", detail, report.Remedy)
			}
			for _, secret := range []string{"r3fresh", "cl1ent", "script"} {
				if strings.Contains(fmt.Sprintf("%+v", report), secret) {
					t.Errorf("%q is shown: %+v", secret, report)
				}
			}
		})
	}
	t.Cleanup(func() {
		if elsewhere.count() > 0 {
			t.Error("secrets followed a redirect")
		}
	})
}

// TestAwayTokenServiceDoesNotStopTheRelay: it may be back in a minute, unlike a permission that was withdrawn.
func TestAwayTokenServiceDoesNotStopTheRelay(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]reply.Action{
		"the token service did not answer: dial tcp 127.0.0.1:1: connect: connection refused": reply.ActionRetry,
		"the token service answered 503: no reason that is known":                             reply.ActionRetry,
		"the token service answered 400: invalid_grant":                                       reply.ActionStopRelay,
		"the token service gave something that is no access token":                            reply.ActionStopRelay,
	} {
		if c := reply.Classify(reply.Parse(0, text, reply.StageAuth)); c.Action != want {
			t.Errorf("%s: %+v", text, c)
		}
	}
	source := oauth.New("client", "", "http://127.0.0.1:1/", "r", time.Now)
	if _, err := source.Token(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "the token service did not answer: ") {
		t.Errorf("%v", err)
	}
}

func TestOAuthSecretsStayHome(t *testing.T) {
	t.Parallel()
	b := setup(t)
	srv := oauthServer(t, "t0ken")
	relay := b.create(t, withOAuth(srv, "https://tokens.example.org/token"))
	kept := withOAuth(srv, "https://tokens.example.org/token")
	kept.OAuth.ClientSecret, kept.OAuth.RefreshToken = nil, nil
	if r, err := b.UpdateRelay(t.Context(), relay.ID, kept); err != nil || !r.HasRefreshToken || !r.HasClientSecret {
		t.Errorf("not kept: %+v, %v", r, err)
	}
	moved := kept
	moved.OAuth.TokenURL = "https://evil.example/token"
	if _, err := b.UpdateRelay(t.Context(), relay.ID, moved); names(wrongFields(t, err)) != "oauth_client_secret oauth_refresh_token" {
		t.Errorf("taken to another service: %v", err)
	}
	moved = kept
	moved.Host = "smtp.evil.example"
	if _, err := b.UpdateRelay(t.Context(), relay.ID, moved); names(wrongFields(t, err)) != "oauth_refresh_token" {
		t.Errorf("taken to another server: %v", err)
	}
	plain := toServer(srv, TLSStartTLS, AuthPlain)
	if r, err := b.UpdateRelay(t.Context(), relay.ID, plain); err != nil || r.HasRefreshToken || r.HasClientSecret || r.OAuthClientID != "" {
		t.Errorf("left behind: %+v, %v", r, err)
	}
	if shown := fmt.Sprintf("%v %+v %#v", kept, withOAuth(srv, "https://x.example/"), kept); strings.Contains(shown, "r3fresh") {
		t.Errorf("shown: %s", shown)
	}
	row := relay
	row.ID++
	if _, err := b.DialerFor(t.Context(), row); !errs.Is(err, errs.Unavailable) {
		t.Errorf("a moved refresh token opens: %v", err)
	}
}

func TestRemedyIsTheProvidersOwn(t *testing.T) {
	t.Parallel()
	srv := smtptest.Start(t, smtptest.WithTLS(smtptest.StartTLS), smtptest.WithUser("news@example.org", "x"), smtptest.WithReply("", smtptest.AtAuth, "535 Authentication Failed"))
	in := toServer(srv, TLSStartTLS, AuthPlain)
	in.Provider = "zoho"
	report, err := trusting(srv).TestRelayInput(t.Context(), in, "", "")
	if err != nil || report.Provider != "Zoho Mail" || !strings.Contains(report.Remedy, "smtppro") {
		t.Errorf("%+v, %v", report, err)
	}
}
