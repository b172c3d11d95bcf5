package campaigns

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"postrider/events"
)

// dsnOf is a report as Postfix writes it (RFC 3464), about a message with the given Message-ID.
func dsnOf(to, action, status, diagnostic, messageID string) string {
	return fmt.Sprintf(`From: MAILER-DAEMON@mx.example.net (Mail Delivery System)
To: news@example.org
Subject: Undelivered Mail Returned to Sender
Date: Thu, 26 Nov 2026 12:00:00 +0000
Message-ID: <20261126120000.4ABC@mx.example.net>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

--b1
Content-Type: text/plain

This is the mail system at host mx.example.net.

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; %[1]s
Action: %[2]s
Status: %[3]s
Remote-MTA: dns; mx.example.com
Diagnostic-Code: smtp; %[4]s

--b1
Content-Type: message/rfc822

From: News <news@example.org>
To: %[1]s
Subject: News
Message-ID: <%[5]s>

hello

--b1--
`, to, action, status, diagnostic, messageID)
}

func TestMessagesThatComeBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := sentTo(t, b, 4)
	id := func(seq int32) string { return b.d.Tokens.Delivery(events.MessageID, c.ID, seq) + "@example.org" }
	unknown := dsnOf(emailOf(b, c, 1), "failed", "5.1.1", "550 5.1.1 user unknown", id(1))
	plain := "From: a@example.net\nTo: news@example.org\nSubject: hello\n\nhow are you\n"
	for _, test := range []struct {
		name string
		in   events.Inbound
		want events.Verdict
	}{
		{"bounce", events.Inbound{Raw: []byte(unknown)}, events.VerdictTaken},
		{"the same by another way", events.Inbound{Raw: []byte("Return-Path: <>\r\nReceived: from x\r\n\tby y\r\n" + strings.ReplaceAll(unknown, "\n", "\r\n") + "\r\n")}, events.VerdictTaken},
		{"delay", events.Inbound{Raw: []byte(dsnOf(emailOf(b, c, 2), "delayed", "4.4.1", "connection timed out", id(2)))}, events.VerdictTaken},
		{"bounce of somebody's own mail", events.Inbound{Raw: []byte(dsnOf("x@example.net", "failed", "5.1.1", "550 5.1.1 user unknown", "private@example.org"))}, events.VerdictForeign},
		{"ordinary mail", events.Inbound{Raw: []byte(plain)}, events.VerdictForeign},
		{"holiday", events.Inbound{Raw: []byte("Auto-Submitted: auto-replied\n" + plain)}, events.VerdictIgnored},
		{"wish to leave, by envelope", events.Inbound{To: []string{"u-" + b.d.Tokens.Delivery(events.Unsubscribe, c.ID, 3) + "@bounce.example.org"}, Raw: []byte(plain)}, events.VerdictTaken},
		{"wish to leave, by header", events.Inbound{Raw: []byte(strings.Replace(plain, "news@", "news+u-"+b.d.Tokens.Delivery(events.Unsubscribe, c.ID, 4)+"@", 1))}, events.VerdictTaken},
		{"a forged wish", events.Inbound{To: []string{"u-aaaaaaaaaaaaaaaaaaaaaaaa@bounce.example.org"}, Raw: []byte(plain)}, events.VerdictForeign},
		{"something at a return path", events.Inbound{To: []string{"b-" + b.d.Tokens.Delivery(events.ReturnPath, c.ID, 2) + "@bounce.example.org"}, Raw: []byte(plain)}, events.VerdictTaken},
		{"nothing", events.Inbound{}, events.VerdictForeign},
	} {
		test.in.Source, test.in.ReceivedAt = "mailbox 1", time.Now()
		got, err := b.TakeMessage(t.Context(), test.in)
		if err != nil || got != test.want {
			t.Errorf("%s: %s, want %s (%v)", test.name, got, test.want, err)
		}
	}
	kinds := query[string](b, `SELECT string_agg(kind || ':' || action, ' ' ORDER BY id) FROM reports`)[0]
	if kinds != "bounce:suppressed delay:none bounce:unmatched other:none" {
		t.Errorf("reports: %s", kinds)
	}
	st, err := b.Stats(t.Context(), c.ID)
	if err != nil || st.Bounced != 1 || st.Sent != 3 || st.Unsubscribes != 2 {
		t.Errorf("%+v (%v)", st, err)
	}
}

func TestReportOfManyRecipients(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := sentTo(t, b, 1)
	raw := dsnOf(emailOf(b, c, 1), "failed", "5.1.1", "550 5.1.1 user unknown", b.d.Tokens.Delivery(events.MessageID, c.ID, 1)+"@example.org")
	raw = strings.Replace(raw, "\n--b1\nContent-Type: message/rfc822", "\nFinal-Recipient: rfc822; forwarded@example.com\nAction: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; 552 5.2.2 mailbox full\n\n--b1\nContent-Type: message/rfc822", 1)
	if v, err := b.TakeMessage(t.Context(), events.Inbound{Source: "listener", Raw: []byte(raw)}); err != nil || v != events.VerdictTaken {
		t.Fatalf("%s, %v", v, err)
	}
	if n := query[int](b, `SELECT count(*) FROM reports`)[0]; n != 2 {
		t.Errorf("%d reports", n)
	}
	if st, err := b.Stats(t.Context(), c.ID); err != nil || st.Bounced != 1 {
		t.Errorf("%+v (%v)", st, err)
	}
}
