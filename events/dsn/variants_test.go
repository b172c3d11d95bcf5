package dsn

import (
	"fmt"
	"strings"
	"testing"
)

// TestVariants reads the messages of variants.txt: what systems send in other cases than those of the single files. Each begins with a line
// "=== name | kind | address verdict reason / …", in which verdict is hard, soft or the kind.
func TestVariants(t *testing.T) {
	t.Parallel()
	all := strings.Split("\n"+string(readSample(t, "testdata/variants.txt")), "\n=== ")[1:]
	if len(all) < 90 {
		t.Fatalf("there are %d messages only", len(all))
	}
	for _, one := range all {
		head, message, _ := strings.Cut(one, "\n")
		fields := strings.Split(head, " | ")
		if len(fields) != 3 {
			t.Fatalf("%q is not name, kind and recipients", head)
		}
		t.Run(fields[0], func(t *testing.T) {
			t.Parallel()
			if got, want := shortly(Parse([]byte(message))), fields[1]+" | "+fields[2]; got != want {
				t.Errorf("it is read as\n%s, not as\n%s", got, want)
			}
			sameForAnyLineEnds(t, fields[0], []byte(message))
		})
	}
}

func shortly(r Report) string {
	out := make([]string, 0, len(r.Recipients))
	for _, p := range r.Recipients {
		verdict := string(p.Kind)
		switch {
		case p.Hard:
			verdict = "hard"
		case p.Kind == KindBounce:
			verdict = "soft"
		}
		out = append(out, strings.TrimSpace(p.Address+" "+verdict+" "+p.Reason))
	}
	return string(r.Kind) + " | " + strings.Join(out, " / ")
}

// said is a report in which the server at host said something of ann@example.org.
func said(host, diagnostic string) Recipient {
	r := Parse([]byte("From: MAILER-DAEMON@relay.example\nSubject: Returned mail\nContent-Type: multipart/report; boundary=x\n\n--x\n" +
		"Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822; ann@example.org\nAction: failed\nStatus: " + diagnostic[:1] + ".0.0\nRemote-MTA: dns; " + host +
		"\nDiagnostic-Code: smtp; " + diagnostic + "\n\n--x--\n"))
	return r.Recipients[0]
}

// TestCodesOfProviders: what a code means follows from whose server said it.
func TestCodesOfProviders(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		host, said, want string
	}{
		{"mx0.charter.net", "550 5.1.0 <b@sender.example> sender rejected. AUP#Out-1380", "soft rate_limited"},
		{"mx0.charter.net", "550 5.1.0 <b@sender.example> sender rejected. AUP#In-1310", "soft too_many_connections"},
		{"mx0.charter.net", "550 5.1.0 sorry AUP#1530", "soft size"},
		{"mx.cox.net", "554 no CXBL", "soft blocked"},
		{"mx.example.org", "554 no CXBL", "soft unknown"},
		{"mx.cox.net", "554 no CXDNS", "soft authentication"},
		{"smtp-in.orange.fr", "550 5.1.1 non OFR_416 [416]", "hard user_unknown"},
		{"smtp-in.orange.fr", "552 5.1.1 non OFR_417 [417]", "soft mailbox_full"},
		{"smtp-in.orange.fr", "421 4.2.0 Service refuse. OFR005_505 [505]", "soft system"},
		{"smtpz4.laposte.net", "554 5.7.1 non LPN000_630", "soft policy"},
		{"smtp.secureserver.net", "550 5.1.1 <ann@example.org> no IB607", "soft rate_limited"},
		{"smtp.secureserver.net", "554 no IB103", "soft blocked"},
		{"mx3.qq.com", "550 Mail content denied.", "soft spam_content"},
		{"mx3.qq.com", "550 Suspected bounce attacks", "soft blocked"},
		{"mx01.mail.icloud.com", "554 5.7.1 [CS01] Message rejected", "soft policy"},
		{"mx01.mail.icloud.com", "554 5.7.1 [HM07] Message rejected", "soft spam_content"},
		{"mx2.email.ua", "550 See http://mail.i.ua/err/2/", "hard user_unknown"},
		{"mx.facebook.com", "550 5.1.1 RCP-P1 no", "hard user_unknown"},
		{"mx.facebook.com", "550 5.1.1 RCP-P2 no", "soft user_unknown"},
		{"mx.facebook.com", "550 5.7.1 POL-P6 no", "soft spam_content"},
		{"a.protection.outlook.com", "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)", "hard user_unknown"},
		{"a.protection.outlook.com", "550 5.4.1 Recipient address rejected: Access denied.", "soft user_unknown"},
		{"a.protection.outlook.com", "550 5.7.64 TenantAttribution", "soft relay_denied"},
		{"a.protection.outlook.com", "550 5.7.503 no", "soft sender_rejected"},
		{"a.protection.outlook.com", "550 5.7.708 Access denied, traffic not accepted from this IP", "soft blocked"},
		{"a.protection.outlook.com", "550 5.7.124 sender not in allowed-senders list", "soft policy"},
		{"mta5.am0.yahoodns.net", "553 5.7.2 [TSS09] All messages from 192.0.2.1 will be permanently deferred", "soft sender_rejected"},
		{"msmx.au.com", "550 <ann@example.org>: User unknown", "hard user_unknown"},
		{"msmx.au.com", "550 : User unknown", "soft user_unknown"},
		{"mx.example.org", "550 <ann@example.org>: User unknown", "soft user_unknown"},
		{"mx.example.org", "550 5.4.4", "hard domain_not_found"},
		{"mx.example.org", "550 5.2.2", "soft mailbox_full"},
		{"mx.example.org", "550 5.7.1", "soft policy"},
		{"mx.example.org", "550 5.1.1", "hard user_unknown"},
		{"eu.mimecast.com", "550 envelope blocked - user entry", "soft sender_rejected"},
		{"mail.example.org", "550 MSEXCH:IMS:A:B:C 0 (000C05A6) no", "hard user_unknown"},
		{"mail.example.org", "550 MSEXCH:IMS:A:B:C 0 (000C0595) no", "soft user_unknown"},
	} {
		if got := strings.TrimPrefix(shortly(Report{Kind: KindBounce, Recipients: []Recipient{said(c.host, c.said)}}), "bounce | ann@example.org "); got != c.want {
			t.Errorf("%s: %s is %s, want %s", c.host, c.said, got, c.want)
		}
	}
}

// TestSystemsAreBlameless: no code of a provider that is about us, or about our mail, may suppress.
func TestSystemsAreBlameless(t *testing.T) {
	t.Parallel()
	for _, s := range systems {
		for _, say := range s.sayings {
			if got := said(s.hosts[0], "550 5.1.1 no "+say.text); got.Hard && say.reason != "user_unknown" && say.reason != "domain_not_found" {
				t.Errorf("%s of %s suppresses for %s", say.text, s.hosts[0], say.reason)
			}
		}
		for status, reason := range s.statuses {
			if got := said(s.hosts[0], fmt.Sprintf("550 %s no such user", status)); got.Hard && reason != "user_unknown" && reason != "domain_not_found" {
				t.Errorf("%s of %s suppresses for %s", status, s.hosts[0], reason)
			}
		}
	}
}
