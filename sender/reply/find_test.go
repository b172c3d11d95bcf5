package reply

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestFind(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text string
		want Reply
	}{
		"one line":              {"550 5.1.1 User unknown", Reply{550, "5.1.1", "User unknown", ""}},
		"its first line alone":  {"550-5.7.26 This mail is unauthenticated", Reply{550, "5.7.26", "This mail is unauthenticated", ""}},
		"several lines":         {"550-5.7.26 This mail is\r\n550-5.7.26 unauthenticated\r\n550 5.7.26 for more see x", Reply{550, "5.7.26", "This mail is unauthenticated for more see x", ""}},
		"lines without a space": {"  452-4.2.2 over\n  452 4.2.2 quota\nNext thing", Reply{452, "4.2.2", "over quota", ""}},
		"code alone":            {"421", Reply{421, "", "", ""}},
		"no enhanced code":      {"554 Message rejected", Reply{554, "", "Message rejected", ""}},
		"enhanced code alone":   {"5.7.26 not authenticated", Reply{550, "5.7.26", "not authenticated", ""}},
		"a log of Postfix": {"Nov 26 10:01:02 mx1 postfix/smtp[2345]: 4F2A: to=<a@b.example>, relay=mx.b.example[192.0.2.250]:25, delay=550, dsn=5.7.26, status=bounced " +
			"(host mx.b.example[192.0.2.1] said: 550-5.7.26 This mail has been blocked 550 5.7.26 see help (in reply to end of DATA command))",
			Reply{550, "5.7.26", "This mail has been blocked see help", StageDot}},
		"a log of Exim": {"2026-11-26 10:00:00 1abc-0001-Xy ** a@b.example R=dnslookup T=remote_smtp H=mx.b.example [192.0.2.1]: SMTP error from remote mail server after RCPT TO:<a@b.example>: 550 5.1.1 no such user",
			Reply{550, "5.1.1", "no such user", StageRcpt}},
		"an error of a program": {"Error: Invalid login: 535-5.7.8 Username and Password not accepted. For more information", Reply{535, "5.7.8", "Username and Password not accepted. For more information", StageAuth}},
		"an exception":          {"smtplib.SMTPAuthenticationError: (535, b'5.7.139 Authentication unsuccessful')", Reply{550, "5.7.139", "Authentication unsuccessful", StageAuth}},
		"a diagnostic":          {"Diagnostic-Code: smtp; 550 5.2.1 <a@b.example>... Mailbox disabled", Reply{550, "5.2.1", "<a@b.example>... Mailbox disabled", ""}},
		"a JSON log":            {`{"level":"warn","reply":"421 4.7.0 Try again later"}`, Reply{421, "4.7.0", "Try again later", ""}},
		"our own log":           {"smtp rcpt: 450 4.2.1 too quickly", Reply{450, "4.2.1", "too quickly", StageRcpt}},
		"login by its code":     {"535 Authentication Credentials Invalid", Reply{535, "", "Authentication Credentials Invalid", StageAuth}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Find(tc.text)
			if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
				t.Error(err, diff)
			}
		})
	}
}

func TestFindRefusesGarbage(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "   ", "hello", "\x00\xff\xfe", "192.168.250.1", "2026-11-26 10:00:00", "the answer is 42", "999 nonsense", "1550 apples", "port 587",
		"5.1.1234", strings.Repeat("x", 1<<20)} {
		if r, err := Find(text); !errors.Is(err, ErrNoReply) {
			t.Errorf("%.40q: %+v, %v", text, r, err)
		}
	}
}

func FuzzFind(f *testing.F) {
	f.Add("550-5.7.26 a\r\n550 5.7.26 b")
	f.Add("said: 421 4.7.0 x (in reply to MAIL FROM command)")
	f.Add("5.1.1")
	f.Add("\xff 250-\n250")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := Find(text)
		if err != nil {
			return
		}
		if r.Code < 200 || r.Code > 599 || len(r.Text) > MaxText || !utf8.ValidString(r.Text) {
			t.Fatalf("%q: %+v", text, r)
		}
		if c := Classify(r); c.Reason == "" || c.Action == "" {
			t.Fatalf("%+v: %+v", r, c)
		}
	})
}
