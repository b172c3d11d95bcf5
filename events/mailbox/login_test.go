package mailbox

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"postrider/internal/errs"
	"postrider/internal/oauth"
)

// tokenService gives access tokens "t1", "t2", … with the first refresh token replaced by another one.
func tokenService(t *testing.T) (url string, asked *atomic.Int64) {
	t.Helper()
	asked = &atomic.Int64{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := asked.Add(1)
		if got := r.FormValue("refresh_token"); got != fmt.Sprint("r", n) {
			t.Errorf("question %d comes with %q", n, got)
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token":"t%d","token_type":"Bearer","expires_in":3600,"refresh_token":"r%d"}`, n, n+1)
	}))
	t.Cleanup(s.Close)
	return s.URL, asked
}

// takesToken is an answer to a token: yes to the one that is good, else what servers have against it (RFC 6749 §5.2 in base64), and no once that is acknowledged.
func takesToken(c *conversation, response, good, yes, no string) bool {
	raw, _ := base64.StdEncoding.DecodeString(response)
	if string(raw) == "user=u\x01auth=Bearer "+good+"\x01\x01" {
		c.say(yes)
		return true
	}
	c.say("+ " + base64.StdEncoding.EncodeToString([]byte(`{"status":"400","schemes":"Bearer"}`)))
	c.line()
	c.say(no)
	return true
}

func TestXOAUTH2(t *testing.T) {
	t.Parallel()
	for _, protocol := range []string{IMAP, POP3} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			var good atomic.Value
			good.Store("t1")
			play := imapServer{caps: "IMAP4rev1 UIDPLUS SASL-IR AUTH=XOAUTH2", answers: map[string]func(*conversation, string, string) bool{
				"AUTHENTICATE": func(c *conversation, tag, command string) bool {
					return takesToken(c, strings.TrimPrefix(command, "AUTHENTICATE XOAUTH2 "), good.Load().(string), tag+" OK in", tag+" NO [AUTHENTICATIONFAILED] no")
				},
			}}.play
			if protocol == POP3 {
				play = popServer{answers: map[string]func(*conversation, string) bool{
					"CAPA": func(c *conversation, _ string) bool { c.say("+OK", "SASL XOAUTH2", "."); return true },
					"AUTH": func(c *conversation, _ string) bool {
						c.say("+ ")
						return takesToken(c, c.line(), good.Load().(string), "+OK in", "-ERR [AUTH] no")
					},
				}}.play
			}
			b := setup(t)
			in := input(protocol, fake(t, play))
			url, asked := tokenService(t)
			refresh := "r1"
			in.Auth, in.Password, in.OAuth = AuthXOAUTH2, nil, oauth.Input{ClientID: "c", TokenURL: url, RefreshToken: &refresh}
			m := b.create(t, in)
			for i := range 2 {
				if report, err := b.Test(t.Context(), m.ID); err != nil || !report.OK {
					t.Fatalf("try %d: %+v, %v", i, report, err)
				}
			}
			if asked.Load() != 1 {
				t.Errorf("%d tokens were asked for", asked.Load())
			}
			// The token is taken back before its time: a new one is got, with the refresh token that came with the last.
			good.Store("t2")
			if report, err := b.Test(t.Context(), m.ID); err != nil || !report.OK || asked.Load() != 2 {
				t.Errorf("with a new token: %+v, %v, %d asked for", report, err, asked.Load())
			}
			// None is good any more.
			good.Store("none")
			report, err := b.Test(t.Context(), m.ID)
			if err != nil || report.OK || report.Kind != "bad_login" || strings.Contains(fmt.Sprint(report), "t2") {
				t.Errorf("with no good token: %+v, %v", report, err)
			}
			// The refresh token that came last is stored, sealed.
			stored, err := b.Get(t.Context(), m.ID)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := b.open(stored, secretRefreshToken, "refresh token", stored.sealedRefreshToken); err != nil || got != fmt.Sprint("r", asked.Load()+1) {
				t.Errorf("stored is %q, %v", got, err)
			}
		})
	}
}

// TestSASLPlainIsPreferred: the password goes by SASL where it is offered.
func TestSASLPlainIsPreferred(t *testing.T) {
	t.Parallel()
	want := base64.StdEncoding.EncodeToString([]byte("\x00u\x00s3cret-p4ss"))
	b := setup(t)
	heard := make(chan string, 2)
	in := input(IMAP, fake(t, imapServer{caps: "IMAP4rev1 AUTH=PLAIN", answers: map[string]func(*conversation, string, string) bool{
		"AUTHENTICATE": func(c *conversation, tag, _ string) bool {
			c.say("+ ")
			heard <- c.line()
			c.say(tag + " OK in")
			return true
		},
	}}.play))
	if report, err := b.TestInput(t.Context(), in); err != nil || !report.OK {
		t.Errorf("%+v, %v", report, err)
	}
	in = input(POP3, fake(t, popServer{answers: map[string]func(*conversation, string) bool{
		"CAPA": func(c *conversation, _ string) bool { c.say("+OK", "SASL LOGIN PLAIN", "."); return true },
		"AUTH": func(c *conversation, _ string) bool {
			c.say("+ ")
			heard <- c.line()
			c.say("+OK in")
			return true
		},
	}}.play))
	if report, err := b.TestInput(t.Context(), in); err != nil || !report.OK {
		t.Errorf("%+v, %v", report, err)
	}
	for range 2 {
		if got := <-heard; got != want {
			t.Errorf("heard %q", got)
		}
	}
}

// TestSecretsStayHome: a stored secret goes to no other server, and not where it is no longer encrypted.
func TestSecretsStayHome(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := input(IMAP, 993)
	in.TLS = TLSImplicit
	m := b.create(t, in)
	in.Password = nil
	if _, err := b.Update(t.Context(), m.ID, in); err != nil {
		t.Errorf("kept for the same server: %v", err)
	}
	for name, change := range map[string]func(*Input){
		"another host": func(in *Input) { in.Host = "imap.evil.example" },
		"no TLS":       func(in *Input) { in.TLS = TLSNone },
	} {
		moved := in
		change(&moved)
		if _, err := b.Update(t.Context(), m.ID, moved); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "enter the password again") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, printed := range []string{fmt.Sprintf("%v %+v %#v", in, in, in), fmt.Sprintf("%v %+v %#v", b.target(m, "s3cret"), b.target(m, "s3cret"), b.target(m, "s3cret"))} {
		if strings.Contains(printed, "s3cret") {
			t.Errorf("a secret is printed: %s", printed)
		}
	}
}

// TestAnotherAccountIsReadFromItsBeginning, and nothing of the former one is left.
func TestAnotherAccountIsReadFromItsBeginning(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := input(IMAP, fake(t, imapServer{}.play))
	in.AfterTaken = AfterLeave
	m := b.create(t, in)
	b.run(t)
	if m = b.tried(t, m.ID); m.lastUID != 1 || m.uidValidity != 7 || b.count() != 1 {
		t.Fatalf("%+v, trouble %+v", m, m.Problem)
	}
	in.PollMinutes = 20
	m, err := b.Update(t.Context(), m.ID, in)
	if err != nil || m.lastUID != 1 {
		t.Errorf("read up to %d after a small change, %v", m.lastUID, err)
	}
	in.Folder = "Bounces"
	if m, err = b.Update(t.Context(), m.ID, in); err != nil || m.uidValidity != 0 || m.CheckedAt != nil {
		t.Errorf("%+v, %v", m, err)
	}
	until(t, "the other folder", func() bool { return b.count() == 2 })
}
