package dsn

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// hostile are messages of about n bytes that are made to be slow, deep or many.
func hostile(n int) map[string]string {
	repeat := func(s string) string { return strings.Repeat(s, n/len(s)+1) }
	mail := "From: MAILER-DAEMON@relay.example\nTo: b@example.org\nSubject: failure notice\n"
	report := mail + "Content-Type: multipart/report; boundary=x\n\n"
	status := report + "--x\nContent-Type: message/delivery-status\n\n"
	var groups strings.Builder
	for i := 0; groups.Len() < n; i++ {
		fmt.Fprintf(&groups, "Final-Recipient: rfc822; u%d@example.org\nAction: failed\nDiagnostic-Code: smtp; 550 something\n\n", i)
	}
	var named strings.Builder
	for i := 0; named.Len() < n; i++ {
		fmt.Fprintf(&named, "<u%d@example.org>: it did not work\n", i)
	}
	return map[string]string{
		"nested":            report + repeat("--x\nContent-Type: multipart/mixed; boundary=x\n\n"),
		"many parts":        report + repeat("--x\n\nhello\n"),
		"many boundaries":   mail + "Content-Type: multipart/mixed; boundary=" + strings.Repeat("b", 60) + "\n\n" + repeat("--"),
		"many groups":       status + groups.String(),
		"groups and text":   report + "--x\n\n" + named.String() + "\n--x\nContent-Type: message/delivery-status\n\n" + groups.String(),
		"no end of field":   mail + "X: " + repeat("a"),
		"many fields":       repeat("X: a\n") + mail + "\nhello",
		"folded":            mail + "X: a\n" + repeat(" a\n") + "\nhello",
		"one line":          mail + "\n" + repeat("a@example.org "),
		"at signs":          mail + "\nDelivery failed:\n" + repeat("@"),
		"dots":              mail + "\nDelivery failed:\n<" + repeat("a.") + "@example.org>",
		"domain":            mail + "\nDelivery failed:\n<a@" + repeat("a-") + ">",
		"named":             mail + "\nDelivery failed:\n" + named.String(),
		"transcript":        mail + "\n   ----- Transcript of session follows -----\n" + repeat(">>> RCPT To:<a@example.org>\n<<< 550 no\n550 <a@example.org>... no\n"),
		"codes":             mail + "\nDelivery failed:\n<a@example.org>:\n" + repeat("550 5.1.1 "),
		"empty lines":       repeat("\n") + mail,
		"quoted":            mail + "\n" + repeat("> > > From: a\n"),
		"html":              mail + "Content-Type: text/html\n\n" + repeat("<style><!-- <a <"),
		"entities":          mail + "Content-Type: text/html\n\n" + repeat("&lt;a@b.c&gt;"),
		"encoded words":     mail + "Subject: " + repeat("=?utf-8?q?=41?= ") + "\n\nhello",
		"base64":            mail + "Content-Transfer-Encoding: base64\n\n" + repeat("QUJD\n"),
		"quoted-printable":  mail + "Content-Transfer-Encoding: quoted-printable\n\n" + repeat("=4"),
		"feedback":          mail + "Content-Type: multipart/report; boundary=x\n\n--x\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\n" + repeat("Original-Rcpt-To: a@example.org\n"),
		"json":              mail + "\n{\"notificationType\":" + repeat("[") + "}",
		"failed recipients": mail + "X-Failed-Recipients: " + repeat("a@example.org, ") + "\n\nhello",
		"zeros":             repeat("\x00"),
		"carriage returns":  repeat("\r"),
		"escapes":           status + "Final-Recipient: utf-8; " + repeat(`\x{41}`) + "@example.org\nAction: failed\n\n",
	}
}

// TestHostileMessagesAreBounded: what a report says stays within its limits, whatever the message is.
func TestHostileMessagesAreBounded(t *testing.T) {
	t.Parallel()
	for name, text := range hostile(128 << 10) {
		checkBounds(t, name, Parse([]byte(text)))
	}
}

// checkBounds checks what holds for every report.
func checkBounds(t *testing.T, name string, r Report) {
	t.Helper()
	if len(r.Recipients) > MaxRecipients {
		t.Errorf("%s: %d recipients", name, len(r.Recipients))
	}
	for _, list := range [][]string{r.ReturnPaths, r.MessageIDs, r.UnsubscribeURLs, r.QueueIDs} {
		if len(list) > maxIDs {
			t.Errorf("%s: %d ids", name, len(list))
		}
	}
	if !slices.Contains([]Kind{KindBounce, KindComplaint, KindAutoReply, KindDelay, KindDelivered, KindNone}, r.Kind) {
		t.Errorf("%s: kind %q", name, r.Kind)
	}
	if !slices.Contains(append(actionOrder, ActionNone), r.Action) {
		t.Errorf("%s: action %q", name, r.Action)
	}
	for _, p := range r.Recipients {
		checkRecipient(t, name, p)
	}
}

func checkRecipient(t *testing.T, name string, p Recipient) {
	t.Helper()
	switch {
	case len(p.Address) > maxAddress+1 || strings.ContainsAny(p.Address, "\r\n\x00"):
		t.Errorf("%s: address %q", name, p.Address)
	case !utf8.ValidString(p.Diagnostic) || strings.ContainsAny(p.Diagnostic, "\r\n") || len(p.Diagnostic) > 2000:
		t.Errorf("%s: diagnostic %q", name, p.Diagnostic)
	case p.Hard && (p.Kind != KindBounce || p.Fault != "recipient" || p.Reason != "user_unknown" && p.Reason != "domain_not_found"):
		t.Errorf("%s: hard without reason: %+v", name, p)
	case p.Follows() == ActionSuppress && !p.Hard:
		t.Errorf("%s: suppressed although soft: %+v", name, p)
	}
}

// seeds are the messages of testdata and some hostile ones.
func seeds(tb testing.TB) [][]byte {
	tb.Helper()
	found, err := filepath.Glob("testdata/*.eml")
	if err != nil || len(found) == 0 {
		tb.Fatalf("no testdata, %v", err)
	}
	var out [][]byte
	for _, path := range found {
		out = append(out, readSample(tb, path))
	}
	for _, text := range hostile(500) {
		out = append(out, []byte(text))
	}
	return out
}

// TestCutAndDamagedMessages parses every message cut off at many places and with bytes turned over.
func TestCutAndDamagedMessages(t *testing.T) {
	t.Parallel()
	for i, raw := range seeds(t) {
		name := fmt.Sprintf("seed %d", i)
		for n := 0; n < len(raw); n += 97 {
			checkBounds(t, name, Parse(raw[:n]))
			damaged := bytes.Clone(raw)
			damaged[n] ^= 0x40
			checkBounds(t, name, Parse(damaged))
		}
	}
}

// TestLettersOfPeopleAreNotReports: the words of a bounce in a letter make it none.
func TestLettersOfPeopleAreNotReports(t *testing.T) {
	t.Parallel()
	for _, subject := range []string{"Lunch", "Re: failure notice", "Fwd: Returned mail: User unknown", "What does undeliverable mean?"} {
		body := "Hello,\n\nwhat is this?\n\n"
		if subject == "Lunch" {
			body += "<ann@example.org>:\nRemote host said: 550 5.1.1 could not be delivered\n"
		}
		r := Parse([]byte("From: Bob <bob@example.net>\nTo: news@sender.example\nSubject: " + subject + "\n\n" + body))
		if r.Kind != KindNone || len(r.Recipients) > 0 {
			t.Errorf("%s: %+v", subject, r)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, raw := range seeds(f) {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		start := time.Now()
		r := Parse(raw)
		if took, limit := time.Since(start), 20*time.Second+time.Duration(len(raw))*50*time.Microsecond; took > limit {
			t.Errorf("%d bytes took %v", len(raw), took)
		}
		checkBounds(t, "fuzz", r)
		lf := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(raw))
		if a, b := read(Parse([]byte(lf))), read(Parse([]byte(strings.ReplaceAll(lf, "\n", "\r\n")))); len(lf) < MaxMessage/2 && fmt.Sprint(a) != fmt.Sprint(b) {
			t.Errorf("LF %v, CRLF %v", a, b)
		}
	})
}

// BenchmarkParse parses the messages of testdata, or those of the corpus when BENCH_CORPUS is set.
func BenchmarkParse(b *testing.B) {
	pattern := "testdata/*.eml"
	if os.Getenv("BENCH_CORPUS") != "" {
		pattern = filepath.Join(bounceCorpus(b), "samples", "*.eml")
	}
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) == 0 {
		b.Fatalf("no messages, %v", err)
	}
	var all [][]byte
	size := 0
	for _, path := range found {
		raw := readSample(b, path)
		all, size = append(all, raw), size+len(raw)
	}
	b.ReportAllocs()
	b.SetBytes(int64(size / len(all)))
	for i := 0; b.Loop(); i++ {
		Parse(all[i%len(all)])
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}
