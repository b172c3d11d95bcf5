package peers

import (
	"crypto/tls"
	"encoding/json"
	"net/textproto"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postrider/internal/daemon"
	"postrider/sender/dkim"
	"postrider/sender/message"
	"postrider/sender/smtpconn"
)

// letters are what a campaign may hold, by the local part of the Message-ID.
func letters() map[string]message.Message {
	long := strings.Repeat("длинная строка без единого перевода ", 60)
	base := message.Message{
		FromName: "Acme Zürich", FromEmail: "news@acme.example", ToName: "Анна Ридер", ToEmail: reader, ReplyTo: "reply@acme.example",
		Subject: "Новости недели: Äpfel, 林檎 и скидки 20 %", ListUnsubscribeURL: "https://mail.acme.example/u/" + strings.Repeat("t", 150),
		ListUnsubscribeMailto: "u@acme.example", ListID: "news.acme.example", FeedbackID: "a:b:c:acme", Date: time.Now(), Precedence: true,
		Text: []byte("Здравствуйте, Анна!\n\nВ этом письме новости недели и скидки на яблоки.\n\n.точка в начале\n..\n.\nFrom здесь\n"),
		HTML: []byte("<!DOCTYPE html><html lang=\"ru\"><head><title>Новости</title></head><body><h1>Новости недели</h1><p>Здравствуйте, Анна!</p>" +
			"<p>В этом письме новости недели и <a href=\"https://acme.example/apples\">скидки на яблоки</a>. Мы рады, что вы с нами, и ждём вас в магазине.</p></body></html>"),
	}
	edit := func(change func(*message.Message)) message.Message {
		m := base
		change(&m)
		return m
	}
	return map[string]message.Message{
		"newsletter": base,
		"text":       edit(func(m *message.Message) { m.HTML = nil }),
		"ascii": edit(func(m *message.Message) {
			m.Subject, m.HTML, m.Text = "Weekly news", nil, []byte("Hello Ann,\n\nthe news.\n.dot\n")
		}),
		"long lines": edit(func(m *message.Message) { m.Text, m.HTML = []byte(long), []byte("<p>"+long+"</p>") }),
		"long words": edit(func(m *message.Message) {
			m.Subject, m.Text = strings.Repeat("Üb", 200), []byte(strings.Repeat("x", 3000)+"\n")
		}),
		"large": edit(func(m *message.Message) { m.Text = []byte(strings.Repeat("строка письма\n.\n", 20_000)) }),
	}
}

// compose gives the signed messages by Message-ID and the DNS that publishes the keys.
func compose(t *testing.T) (letter map[string][]byte, records map[string]string) {
	t.Helper()
	records, letter = map[string]string{}, map[string][]byte{}
	var keys []dkim.Key
	for _, a := range []string{dkim.RSA2048, dkim.Ed25519} {
		der, txt, err := dkim.Generate(a)
		if err != nil {
			t.Fatal(err)
		}
		k, err := dkim.ParseKey("acme.example", "pr-"+a, der)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
		records[dkim.RecordName(k.Selector, k.Domain)] = txt
	}
	signer, err := dkim.New(keys, dkim.ProfileDefault, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for name, m := range letters() {
		for way := range ways {
			m.MessageID = string(way) + "." + strings.ReplaceAll(name, " ", ".") + "@acme.example"
			raw, err := new(message.Composer).Append(nil, &m)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			signature, err := signer.Sign(nil, raw)
			if err != nil {
				t.Fatal(err)
			}
			letter[m.MessageID] = append(signature, raw...)
		}
	}
	return letter, records
}

// ways to a server, with the port of each.
var ways = map[smtpconn.TLSMode]func(*peer) int{
	smtpconn.TLSStart:    func(p *peer) int { return p.startTLS },
	smtpconn.TLSImplicit: func(p *peer) int { return p.implicit },
}

// TestPeersTakeOurMail: over STARTTLS and over implicit TLS, logged in, all messages on
// one connection; the same bytes come out, and their signatures verify.
func TestPeersTakeOurMail(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*testing.T) *peer{"Postfix": startPostfix, "Exim": startExim} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t)
			letter, records := compose(t)
			for way := range ways {
				p.send(t, way, letter)
			}
			got := p.delivered(t, len(letter))
			for id, raw := range letter {
				got[id] = withoutTrace(t, got[id])
				if diff := cmp.Diff(string(raw), got[id]); diff != "" {
					t.Errorf("%s has changed on its way: %.2000s", id, diff)
				}
			}
			got["tampered"] = strings.Replace(got["starttls.ascii@acme.example"], "the news", "no news", 1)
			verify(t, got, records)
		})
	}
}

// send sends what goes one way over one connection, and one message to somebody the
// server does not take.
func (p *peer) send(t *testing.T, way smtpconn.TLSMode, letter map[string][]byte) {
	t.Helper()
	d := smtpconn.Dialer{Host: "127.0.0.1", Port: ways[way](p), TLS: way, TLSConfig: &tls.Config{RootCAs: p.authorities}, HELO: "client.example",
		Auth: smtpconn.AuthAuto, Username: login + "@" + realm, Password: password, CommandTimeout: patience, DataTimeout: patience, DotTimeout: patience}
	c, err := d.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Quit()
	for _, keyword := range []string{"PIPELINING", "CHUNKING", "SIZE", "8BITMIME"} {
		if _, ok := c.Extension(keyword); !ok {
			t.Errorf("%s: no %s is offered, so this shows less than it should", way, keyword)
		}
	}
	for id, raw := range letter {
		if !strings.HasPrefix(id, string(way)+".") {
			continue
		}
		out := c.Send(t.Context(), smtpconn.Envelope{From: "b+1@acme.example", To: reader, Body: raw}, smtpconn.Hooks{})
		if out.State != smtpconn.Accepted || !out.Reusable || out.Reply.Code != 250 {
			t.Errorf("%s: %+v", id, out)
		}
	}
	d.Password = "wrong"
	if _, err := d.Dial(t.Context()); err == nil || !strings.Contains(err.Error(), "535") {
		t.Errorf("a wrong password: %v", err)
	}
}

// withoutTrace takes off what servers put in front of a message.
func withoutTrace(t *testing.T, text string) string {
	t.Helper()
	at := strings.Index("\r\n"+text, "\r\nDKIM-Signature:")
	if at < 0 {
		t.Fatalf("no signature in %.500s", text)
	}
	for _, name := range fields(text[:at]) {
		switch name {
		case "Return-Path", "X-Original-To", "Delivered-To", "Envelope-To", "Delivery-Date", "Received":
		default:
			t.Errorf("%s is put in front", name)
		}
	}
	return text[at:]
}

// fields are the names of header fields in canonical form.
func fields(header string) []string {
	var names []string
	for line := range strings.Lines(header) {
		if name, _, ok := strings.Cut(line, ":"); ok && line[0] != ' ' && line[0] != '\t' {
			names = append(names, textproto.CanonicalMIMEHeaderKey(name))
		}
	}
	return names
}

// verify has dkimpy judge both signatures of each message. The one called tampered must
// not pass.
func verify(t *testing.T, messages, records map[string]string) {
	t.Helper()
	const script = `
import dkim, json, sys
job = json.load(sys.stdin)
def txt(name, timeout=5):
    return job["records"].get(name.decode().rstrip("."), "").encode()
def good(raw, i):
    try:
        return dkim.DKIM(raw.encode()).verify(idx=i, dnsfunc=txt)
    except dkim.ValidationError:
        return False
out = {id: [good(raw, i) for i in range(2)] for id, raw in job["messages"].items()}
json.dump(out, sys.stdout)`
	job, err := json.Marshal(map[string]any{"records": records, "messages": messages})
	if err != nil {
		t.Fatal(err)
	}
	var got map[string][]bool
	if err := json.Unmarshal(daemon.Run(t, job, "/usr/bin/python3", "-c", script), &got); err != nil {
		t.Fatal(err)
	}
	for id := range messages {
		good := id != "tampered"
		if diff := cmp.Diff([]bool{good, good}, got[id]); diff != "" {
			t.Errorf("%s: signatures %v", id, got[id])
		}
	}
}

// rules of SpamAssassin that hit.
var testsHit = regexp.MustCompile(`(?s)X-Spam-Status:.*?tests=(.*?)(?:\s+autolearn=|\s+version=)`)

// complaint is a rule of SpamAssassin on the form of a message: header fields that are
// missing, malformed or written as only spam programs do, MIME structure and coding,
// markup. What remains is about words, reputation and the network.
var complaint = regexp.MustCompile(`^(MISSING|MIME|HTML|INVALID|BASE64|RCVD|HEAD|BAD|MALF|UNPARSEABLE|SUBJ|DATE|MSGID|FROM|TO_|REPTO|REPLYTO|FORGED|FAKE|` +
	`CHARSET|CTYPE|CTE|MULTIPART|OBFU|WEIRD|TVD|UPPERCASE|EMPTY|EXTRA|DUP|PP_MIME|X_MAIL|RATWARE|BOUNDARY|NO_HEADERS|HK_|T_)`)

// fine are rules that say what a message is and count nothing or next to it.
var fine = map[string]bool{
	"HTML_MESSAGE": true, // there is HTML
}

// TestFormPleasesSpamAssassin judges a plain newsletter by the local rules, and letters
// that it must complain about.
func TestFormPleasesSpamAssassin(t *testing.T) {
	t.Parallel()
	letter, _ := compose(t)
	plain := string(letter["starttls.newsletter@acme.example"])
	tests := map[string]struct {
		raw  string
		want string // a complaint among others, or none
	}{
		"newsletter":  {plain, ""},
		"text":        {string(letter["starttls.text@acme.example"]), ""},
		"ascii":       {string(letter["starttls.ascii@acme.example"]), ""},
		"no date":     {strings.Replace(plain, "\r\nDate:", "\r\nX-Was:", 1), "MISSING_DATE"},
		"no subject":  {strings.Replace(plain, "\r\nSubject:", "\r\nX-Was:", 1), "MISSING_SUBJECT"},
		"no boundary": {strings.Replace(plain, " boundary=", " x=", 1), "MIME_"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := complaints(t, tc.raw)
			if tc.want == "" && len(got) > 0 || tc.want != "" && !strings.Contains(strings.Join(got, " "), tc.want) {
				t.Errorf("complaints %q, want %q", got, tc.want)
			}
		})
	}
}

// complaints are the rules on form that a delivered message hits.
func complaints(t *testing.T, raw string) []string {
	t.Helper()
	delivered := "Return-Path: <b+1@acme.example>\r\nReceived: from mail.acme.example (mail.acme.example [198.41.0.4])\r\n\tby mx.reader.example (Postfix) with ESMTPS id 4Z1234\r\n" +
		"\tfor <" + reader + ">; " + time.Now().Format(time.RFC1123Z) + "\r\n" + raw
	in := []byte(strings.ReplaceAll(delivered, "\r\n", "\n"))
	out := daemon.Run(t, in, "spamassassin", "-L", "-t", "-x", "--cf", "use_bayes 0", "--cf", "use_auto_welcomelist 0")
	m := testsHit.FindSubmatch(out)
	if m == nil {
		t.Fatalf("no verdict in %.2000s", out)
	}
	var found []string
	for _, rule := range strings.FieldsFunc(string(m[1]), func(r rune) bool { return strings.ContainsRune(", \t\n", r) }) {
		if complaint.MatchString(rule) && !fine[rule] {
			found = append(found, rule)
		}
	}
	return found
}
