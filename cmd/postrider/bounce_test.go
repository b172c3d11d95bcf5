package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const goneMail = `From: MAILER-DAEMON@mail.example.net
To: bounce@example.com
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.net

Final-Recipient: rfc822; gone@example.org
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <gone@example.org>: no such user & goodbye

--b--
`

func TestBouncesArePrintedAsLines(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	gone, letter := filepath.Join(dir, "gone.eml"), filepath.Join(dir, "letter.eml")
	for path, text := range map[string]string{gone: goneMail, letter: "From: ann@example.org\nSubject: Lunch\n\nToday?\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	missing := filepath.Join(dir, "missing.eml")
	err := parseBounces(&out, strings.NewReader(goneMail), []string{gone, missing, dir, letter, "-"})
	if err == nil || !strings.Contains(err.Error(), missing+": no such file") || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("%v", err)
	}
	said := `"kind":"bounce","recipients":[{"address":"gone@example.org","reason":"user_unknown","hard":true,"status":"5.1.1","reply_code":550,` +
		`"diagnostic":"550 5.1.1 <gone@example.org>: no such user & goodbye","action":"failed","feedback_type":""}],"action":"suppress"}` + "\n"
	want := `{"file":"` + gone + `",` + said + `{"file":"` + letter + `","kind":"none","recipients":[],"action":"none"}` + "\n" + `{"file":"-",` + said
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &out, want)
	}
}

func TestMailThatArrivedIsNoBounce(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	text := strings.NewReplacer("Action: failed", "Action: delivered", "Status: 5.1.1", "Status: 2.1.5").Replace(goneMail)
	if err := parseBounces(&out, strings.NewReader(text), []string{"-"}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"kind":"none"`, `"reason":"delivered","hard":false`, `"action":"delivered"`, `"action":"none"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s is missing in %s", want, &out)
		}
	}
}
