package dsn

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// reading is what a message of testdata must mean. A recipient is written as: address, original address in brackets, hard, soft or its kind, reason, status, reply code, feedback type.
type reading struct {
	kind       Kind
	action     string
	recipients []string
}

// readings were written down by hand for each message of testdata; all of these are our own.
func readings() map[string]reading {
	return map[string]reading{
		"delayed-refusal":     {"delay", "none", []string{"ann@example.org delay user_unknown 5.1.1 550"}},
		"no-marker":           {"bounce", "suppress", []string{"gone@example.org hard user_unknown 5.1.1 550"}},
		"temporary-refusal":   {"bounce", "count", []string{"ann@example.org soft user_unknown 4.1.1 450"}},
		"after-data":          {"bounce", "count", []string{"ann@carrier.example soft user_unknown 5.0.0 550"}},
		"arf-abuse":           {"complaint", "unsubscribe_and_suppress", []string{"ann@example.org complaint 0 abuse", "bob@example.org complaint 0 abuse"}},
		"arf-auth-failure":    {"complaint", "none", []string{"ann@example.org none authentication 0 auth-failure"}},
		"arf-not-spam":        {"none", "none", []string{"ann@example.org none 0 not-spam"}},
		"arf-opt-out":         {"complaint", "unsubscribe_and_suppress", []string{"ann@example.org complaint 0 opt-out"}},
		"arf-redacted":        {"complaint", "unsubscribe_and_suppress", []string{"complaint 0 abuse"}},
		"arf-several":         {"complaint", "unsubscribe_and_suppress", []string{"ann@example.org complaint 0 abuse", "bob@example.org complaint 0 fraud"}},
		"base64-report":       {"bounce", "suppress", []string{"gone@example.org hard user_unknown 5.1.1 550"}},
		"courier":             {"bounce", "suppress", []string{"gone@example.org hard user_unknown 550"}},
		"domino":              {"bounce", "suppress", []string{"gone@example.org hard user_unknown 0"}},
		"exchange-2003":       {"bounce", "suppress", []string{"gone@example.org hard user_unknown 5.1.1 0"}},
		"exchange-online":     {"bounce", "suppress", []string{"gone@example.org hard user_unknown 5.1.10 550"}},
		"exim-delay":          {"delay", "none", []string{"late@example.net delay greylisted 4.7.1 451"}},
		"exim":                {"bounce", "suppress", []string{"gone@example.org hard user_unknown 5.1.1 550", "lost@missing.example hard domain_not_found 0", "late@example.net soft network 0"}},
		"forwarded":           {"bounce", "suppress", []string{"gone@example.org hard user_unknown 5.1.1 550"}},
		"gmail-old":           {"bounce", "suppress", []string{"gone@example.org hard user_unknown 5.1.1 550"}},
		"gmx":                 {"bounce", "count", []string{"full@example.org soft mailbox_full 5.2.2 0"}},
		"google-group":        {"bounce", "count", []string{"club@googlegroups.com soft sender_rejected 0"}},
		"imail":               {"bounce", "count", []string{"full@example.org soft mailbox_full 0"}},
		"interscan":           {"bounce", "suppress", []string{"gone@example.org hard user_unknown 5.1.1 550"}},
		"james":               {"bounce", "suppress", []string{"gone@example.org hard user_unknown 550"}},
		"letter":              {"none", "none", []string{}},
		"list-post":           {"none", "none", []string{}},
		"lost-structure":      {"bounce", "suppress", []string{"gone@example.org hard user_unknown 5.1.1 550"}},
		"lying-code":          {"bounce", "count", []string{"full@example.org soft mailbox_full 5.2.2 552"}},
		"lying-status":        {"bounce", "count", []string{"full@example.org soft mailbox_full 5.0.0 0"}},
		"mailmarshal":         {"bounce", "suppress", []string{"gone@example.org hard user_unknown 5.1.1 550"}},
		"mailru":              {"bounce", "suppress", []string{"gone@example.org hard user_unknown 5.1.1 550"}},
		"mfilter":             {"bounce", "suppress", []string{"gone@example.org hard user_unknown 5.1.1 550"}},
		"microsoft-complaint": {"complaint", "unsubscribe_and_suppress", []string{"ann@outlook.example complaint 0 abuse"}},
		"moved":               {"bounce", "suppress", []string{"ann@example.org hard user_unknown 5.1.6 550"}},
		"no-mail-here":        {"bounce", "suppress", []string{"ann@nomail.example hard domain_not_found 5.1.10 556"}},
		"notes":               {"bounce", "suppress", []string{"gone@example.org hard user_unknown 0"}},
		"opensmtpd":           {"bounce", "suppress", []string{"gone@example.org hard user_unknown 5.1.1 550", "full@example.net soft mailbox_full 5.2.2 552"}},
		"our-authentication":  {"bounce", "warn", []string{"ann@gmail.example soft authentication 5.7.26 550"}},
		"our-reputation":      {"bounce", "slow_down", []string{"ann@example.org soft blocked 5.7.1 550"}},
		"out-of-office":       {"auto_reply", "none", []string{"ann@example.org auto_reply 0"}},
		"postfix-text":        {"bounce", "suppress", []string{"gone@example.org hard user_unknown 5.1.1 550", "full@example.net soft mailbox_full 4.2.2 452"}},
		"qmail":               {"bounce", "suppress", []string{"gone@example.org hard user_unknown 5.1.1 550", "full@example.net soft mailbox_full 552", "nowhere@missing.example hard domain_not_found 5.1.2 0"}},
		"read-receipt":        {"auto_reply", "none", []string{"ann@example.org auto_reply 0"}},
		"rfc3464-several":     {"bounce", "suppress", []string{"person@elsewhere.example (list@example.org) hard user_unknown 5.1.1 550", "slow@example.net delay network 4.4.1 0", "fine@example.com delivered 2.0.0 0"}},
		"rfc6533-utf8":        {"bounce", "suppress", []string{"jörg@bücher.example hard user_unknown 5.1.1 550"}},
		"sender-refused":      {"bounce", "count", []string{"ann@example.org soft sender_rejected 5.1.8 553"}},
		"sendmail-old":        {"bounce", "suppress", []string{"gone@example.org hard user_unknown 550", "ann@missing.example hard domain_not_found 550"}},
		"sendmail-text":       {"bounce", "suppress", []string{"gone@example.org hard user_unknown 5.1.1 550"}},
		"sendmail-warning":    {"delay", "none", []string{"late@example.net delay network 0"}},
		"ses-complaint":       {"complaint", "unsubscribe_and_suppress", []string{"ann@example.org complaint 0 abuse"}},
		"ses-sns":             {"bounce", "suppress", []string{"gone@example.org hard user_unknown 5.1.1 550"}},
		"sun-messaging":       {"bounce", "suppress", []string{"gone@example.org hard user_unknown 5.1.1 550"}},
		"surfcontrol":         {"bounce", "suppress", []string{"gone@example.org hard user_unknown 5.1.1 550"}},
		"suspended":           {"bounce", "count", []string{"ann@example.org soft mailbox_disabled 5.2.1 550"}},
		"system-notice":       {"none", "none", []string{}},
		"vacation-old":        {"auto_reply", "none", []string{"ann@example.org auto_reply 0"}},
		"wrong-boundary":      {"bounce", "suppress", []string{"gone@example.org hard user_unknown 5.1.1 550"}},
		"xtext-original":      {"bounce", "suppress", []string{"ann@example.org (ann+news@example.org) hard user_unknown 5.1.1 550"}},
		"yahoo":               {"bounce", "suppress", []string{"gone@example.org hard user_unknown 554"}},
		"zoho":                {"bounce", "suppress", []string{"gone@example.org hard user_unknown 5.1.1 550"}},
	}
}

func read(r Report) reading {
	out := reading{r.Kind, r.Action, []string{}}
	for _, p := range r.Recipients {
		what := string(p.Kind)
		switch {
		case p.Hard:
			what = "hard"
		case p.Kind == KindBounce:
			what = "soft"
		}
		address := p.Address
		if p.Original != "" {
			address += " (" + p.Original + ")"
		}
		out.recipients = append(out.recipients, oneLine(fmt.Sprintf("%s %s %s %s %d %s", address, what, p.Reason, p.Status, p.ReplyCode, p.FeedbackType)))
	}
	return out
}

func TestParse(t *testing.T) {
	t.Parallel()
	found, err := filepath.Glob("testdata/*.eml")
	if err != nil || len(found) != len(readings()) {
		t.Fatalf("%d messages for %d readings, %v", len(found), len(readings()), err)
	}
	for _, path := range found {
		name := strings.TrimSuffix(filepath.Base(path), ".eml")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw := readSample(t, path)
			if diff := cmp.Diff(readings()[name], read(Parse(raw)), cmp.AllowUnexported(reading{})); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			sameForAnyLineEnds(t, name, raw)
		})
	}
}

// sameForAnyLineEnds checks that a message means the same with LF, CRLF and CR.
func sameForAnyLineEnds(t *testing.T, name string, raw []byte) {
	t.Helper()
	lf := bytes.ReplaceAll(bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n")), []byte("\r"), []byte("\n"))
	want := Parse(lf)
	for _, end := range []string{"\r\n", "\r"} {
		if diff := cmp.Diff(want, Parse(bytes.ReplaceAll(lf, []byte("\n"), []byte(end)))); diff != "" {
			t.Errorf("%s with %q differs (-LF +other):\n%s", name, end, diff)
		}
	}
}

func TestWhatNamesTheDelivery(t *testing.T) {
	t.Parallel()
	got := Parse(readSample(t, "testdata/rfc3464-several.eml"))
	want := Report{
		ReturnPaths:     []string{"b+t0k3n@bounce.sender.example"},
		MessageIDs:      []string{"c1.d2.t0k3n@sender.example"},
		UnsubscribeURLs: []string{"https://news.sender.example/u/t0k3n", "mailto:u+t0k3n@bounce.sender.example"},
		QueueIDs:        []string{"4XyZ12abcD", "7B3F00AA11"},
	}
	for _, f := range []struct{ got, want []string }{
		{got.ReturnPaths, want.ReturnPaths}, {got.MessageIDs, want.MessageIDs}, {got.UnsubscribeURLs, want.UnsubscribeURLs}, {got.QueueIDs, want.QueueIDs},
	} {
		if diff := cmp.Diff(f.want, f.got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
	if at := got.At.Format("15:04:05"); at != "10:00:04" {
		t.Errorf("it happened at %s; the last attempt was at 10:00:04", at)
	}
}

// TestIDsOfAnAnswer: whoever only answers says by In-Reply-To what the answer is to.
func TestIDsOfAnAnswer(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"out-of-office", "read-receipt", "arf-abuse", "qmail", "exim", "sun-messaging"} {
		got := Parse(readSample(t, "testdata/"+name+".eml"))
		if diff := cmp.Diff([]string{"c1.d2.t0k3n@sender.example"}, got.MessageIDs); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
	}
}

func TestTyped(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"rfc822; ann@example.org":                "ann@example.org",
		"RFC822;<ann@example.org>":               "ann@example.org",
		"<ann@example.org>":                      "ann@example.org",
		"rfc822; @relay.example:ann@example.org": "ann@example.org",
		"rfc822; ann@example.org (Ann)":          "ann@example.org",
		`rfc822; "a b"@example.org`:              `"a b"@example.org`,
		"rfc822; ann+2Bx@example.org":            "ann+x@example.org",
		"rfc822; ann+42@example.org":             "ann+42@example.org",
		`utf-8; \x{2D}\x{4E2D}@example.org`:      "-中@example.org",
		"utf-8; 中@例え.jp":                         "中@例え.jp",
		"rfc822; ann@[192.0.2.1]":                "ann@[192.0.2.1]",
		"x-unix; |/bin/cat":                      "",
		"":                                       "",
		"rfc822;":                                "",
		`utf-8; \x{110000}@`:                     "",
	} {
		if got := typed(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}

// TestTheSameWordsMeanTheSame: a refusal is judged alike however it is written down.
func TestTheSameWordsMeanTheSame(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		reply, reason string
		hard          bool
	}{
		{"550 5.1.1 No such user here", "user_unknown", true},
		{"552 5.2.2 Mailbox full", "mailbox_full", false},
		{"550 5.7.1 Your IP address 192.0.2.1 is listed in zen.spamhaus.org", "blocked", false},
		{"554 5.7.1 Message looks like spam", "spam_content", false},
		{"550 5.7.26 DMARC check failed", "authentication", false},
		{"552 5.3.4 Message too large", "size", false},
		{"550 5.1.2 Host unknown", "domain_not_found", true},
	} {
		report := Parse([]byte("From: MAILER-DAEMON@relay.example\nSubject: Returned mail\nContent-Type: multipart/report; boundary=x\n\n--x\n" +
			"Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822; ann@example.org\nAction: failed\nDiagnostic-Code: smtp; " + c.reply + "\n\n--x--\n"))
		text := Parse([]byte("From: MAILER-DAEMON@relay.example\nSubject: Returned mail\n\nDelivery failed:\n\n<ann@example.org>:\n" + c.reply + "\n"))
		for _, r := range []Report{report, text} {
			if len(r.Recipients) != 1 || r.Recipients[0].Reason != c.reason || r.Recipients[0].Hard != c.hard {
				t.Errorf("%s: %+v", c.reply, r.Recipients)
			}
		}
	}
}
