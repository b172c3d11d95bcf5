package reply

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		code  int
		lines string
		want  Reply
	}{
		"enhanced code is taken off":      {550, "5.1.1 User unknown", Reply{550, "5.1.1", "User unknown", StageRcpt}},
		"repeated on each line":           {550, "5.7.26 This mail is\n5.7.26 unauthenticated", Reply{550, "5.7.26", "This mail is unauthenticated", StageRcpt}},
		"line prefixes are taken off":     {550, "550-5.1.1 The email\r\n550 5.1.1 account", Reply{550, "5.1.1", "The email account", StageRcpt}},
		"hash before the code":            {550, "#5.1.0 Address rejected.", Reply{550, "5.1.0", "Address rejected.", StageRcpt}},
		"no enhanced code":                {450, "try later", Reply{450, "", "try later", StageRcpt}},
		"an IP address is not a code":     {550, "5.1.1.7 is listed", Reply{550, "", "5.1.1.7 is listed", StageRcpt}},
		"too many digits":                 {550, "5.1.1234 no", Reply{550, "", "5.1.1234 no", StageRcpt}},
		"class 3 does not exist":          {550, "3.1.1 no", Reply{550, "", "3.1.1 no", StageRcpt}},
		"bare status":                     {250, "2.0.0", Reply{250, "2.0.0", "", StageRcpt}},
		"second status is text":           {554, "5.7.1 one\n5.2.2 two", Reply{554, "5.7.1", "one 5.2.2 two", StageRcpt}},
		"control characters become space": {550, "a\x00b\x1b[31mc\td", Reply{550, "", "a b [31mc d", StageRcpt}},
		"invalid UTF-8":                   {550, "caf\xe9", Reply{550, "", "caf\ufffd", StageRcpt}},
		"bidi override removed":           {550, "a\u202eb", Reply{550, "", "a b", StageRcpt}},
		"nonsense code":                   {7, "hello", Reply{0, "", "hello", StageRcpt}},
		"code 0 keeps a local text":       {0, "5.1.1 is no reply", Reply{0, "", "5.1.1 is no reply", StageRcpt}},
		"code only":                       {550, "550", Reply{550, "", "", StageRcpt}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, Parse(tc.code, tc.lines, StageRcpt)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseBoundsText(t *testing.T) {
	t.Parallel()
	r := Parse(550, strings.Repeat("é", 5000), StageRcpt)
	if len(r.Text) > MaxText || !utf8.ValidString(r.Text) || len(r.Text) < MaxText-2 {
		t.Errorf("text has %d bytes, valid %v", len(r.Text), utf8.ValidString(r.Text))
	}
}

func TestString(t *testing.T) {
	t.Parallel()
	if got := Parse(550, "5.1.1 nobody", StageRcpt).String(); got != "550 5.1.1 nobody" {
		t.Error(got)
	}
	if got := (Reply{Text: "connection refused"}).String(); got != "connection refused" {
		t.Error(got)
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	tests := map[string]time.Duration{
		"4.7.1 Greylisted, please try again in 5 minutes":            5 * time.Minute,
		"greylisted for 300 seconds":                                 300 * time.Second,
		"4.7.1 Greylisting in action, please come back in 00:04:21":  4*time.Minute + 21*time.Second,
		"Try again in 1 hour":                                        time.Hour,
		"please retry after 90 s":                                    90 * time.Second,
		"try again in 999 hours":                                     24 * time.Hour,
		"try again later":                                            0,
		"mailbox full, 30 minutes of fame":                           0,
		"Message delayed, wait 20 min and try again":                 20 * time.Minute,
		"retry in 300 seconds":                                       300 * time.Second,
		"deferred, try again later (5 min)":                          5 * time.Minute,
		"please wait 5-10 minutes":                                   10 * time.Minute,
		"Your account is blocked for 1 day":                          24 * time.Hour,
		"try again at 10:30:00 UTC":                                  0,
		"try again after 10:30:00 GMT":                               0,
		"try again after 2026-11-26T10:30:00Z":                       0,
		"connection timed out after 30 seconds":                      0,
		"too many messages; limit is 20 per 1 minute, no retry hint": 0,
	}
	for text, want := range tests {
		if got := Classify(Parse(451, text, StageRcpt)).RetryAfter; got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	if got := Classify(Parse(550, "try again in 5 minutes", StageRcpt)).RetryAfter; got != 0 {
		t.Errorf("a permanent reply has a wait of %v", got)
	}
}

func FuzzParseClassify(f *testing.F) {
	f.Add(550, "550-5.1.1 no such\r\n550 5.1.1 user", "rcpt")
	f.Add(451, "4.7.1 greylisted, try again in 00:05:00", "rcpt")
	f.Add(0, "dial tcp: i/o timeout", "connect")
	f.Add(535, "5.7.8 \xff\x00", "auth")
	f.Fuzz(func(t *testing.T, code int, lines, stage string) {
		r := Parse(code, lines, Stage(stage))
		if len(r.Text) > MaxText || !utf8.ValidString(r.Text) {
			t.Fatalf("text of %d bytes, valid %v", len(r.Text), utf8.ValidString(r.Text))
		}
		for _, c := range r.Text {
			if unicode.IsControl(c) {
				t.Fatalf("control character %q in %q", c, r.Text)
			}
		}
		c := Classify(r)
		if c.Permanence == "" || c.Reason == "" || c.Fault == "" || c.Action == "" {
			t.Fatalf("incomplete class %+v", c)
		}
		if c.Action == ActionSuppress && (c.Fault != FaultRecipient || c.Permanence != Permanent || r.Stage.Session() || r.Stage == StageMail) {
			t.Fatalf("suppress with %+v at %q", c, r.Stage)
		}
		if (c.Action == ActionAccept) != r.Positive() {
			t.Fatalf("accept with code %d", r.Code)
		}
		if c.RetryAfter < 0 || c.RetryAfter > maxRetryAfter {
			t.Fatalf("wait of %v", c.RetryAfter)
		}
		Remedy(c, r)
	})
}
