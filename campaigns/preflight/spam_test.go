package preflight

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const spamdReport = "SPAMD/1.1 0 EX_OK\r\nContent-length: 400\r\nSpam: True ; 6.4 / 5.0\r\n\r\n" +
	"Spam detection software, running on the system \"host\",\nhas identified this incoming email as possible spam.\n\n" +
	"Content analysis details:   (6.4 points, 5.0 required)\n\n" +
	" pts rule name              description\n---- ---------------------- --------------------------------------------------\n" +
	" 0.0 HTML_MESSAGE           BODY: HTML included in message\n" +
	" 3.2 URIBL_TEST             Contains an URL listed\n                            in a blocklist\n" +
	"-0.1 DKIM_VALID             Message has a valid signature\n" +
	" 3.3 FUZZY                  BODY: Looks like others\n"

// spamd answers one request as SpamAssassin's daemon does, and keeps what it was shown.
func spamd(t *testing.T, answer string) (address string, shown <-chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	got := make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		r := bufio.NewReader(conn)
		command, _ := r.ReadString('\n')
		length := 0
		for {
			line, err := r.ReadString('\n')
			if err != nil || strings.TrimSpace(line) == "" {
				break
			}
			if v, ok := strings.CutPrefix(strings.ToLower(line), "content-length:"); ok {
				length, _ = strconv.Atoi(strings.TrimSpace(v))
			}
		}
		body := make([]byte, length)
		_, _ = io.ReadFull(r, body)
		got <- command + string(body)
		_, _ = io.WriteString(conn, answer)
	}()
	return "spamd://" + l.Addr().String(), got
}

func TestSpamdIsShownTheMailAndReadWhole(t *testing.T) {
	t.Parallel()
	address, shown := spamd(t, spamdReport)
	r := AskSpamFilter(t.Context(), address, []byte("Subject: x\r\n\r\nHello"))
	want := &SpamResult{Engine: "SpamAssassin", Score: 6.4, Threshold: 5, Rules: []SpamRule{
		{"FUZZY", 3.3, "BODY: Looks like others"}, {"URIBL_TEST", 3.2, "Contains an URL listed in a blocklist"}, {"HTML_MESSAGE", 0, "BODY: HTML included in message"},
		{"DKIM_VALID", -0.1, "Message has a valid signature"},
	}}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Error(diff)
	}
	if got := <-shown; got != "REPORT SPAMC/1.5\r\nSubject: x\r\n\r\nHello" {
		t.Errorf("it was shown %q", got)
	}
}

// rspamd answers /checkv2 as docs.rspamd.com has it.
func rspamd(t *testing.T, status int, answer string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Method != http.MethodPost || r.URL.Path != "/checkv2" || !strings.Contains(string(body), "Hello") {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestRspamdIsReadWhole(t *testing.T) {
	t.Parallel()
	address := rspamd(t, 200, `{"is_skipped":false,"score":4.5,"required_score":15.0,"action":"no action","thresholds":{"reject":15.0},
		"symbols":{"R_BAD":{"name":"R_BAD","score":4.0,"metric_score":4.0,"description":"bad"},"MIME_GOOD":{"name":"MIME_GOOD","score":-0.1},"A":{"name":"A","score":0.6,"options":["x"]}},
		"message-id":"x","time_real":0.01,"milter":{"remove_headers":{"X-Spam":0}}}`)
	want := &SpamResult{Engine: "rspamd", Score: 4.5, Threshold: 15, Rules: []SpamRule{{"R_BAD", 4, "bad"}, {"A", 0.6, ""}, {"MIME_GOOD", -0.1, ""}}}
	if diff := cmp.Diff(want, AskSpamFilter(t.Context(), address, []byte("Subject: x\r\n\r\nHello"))); diff != "" {
		t.Error(diff)
	}
}

func TestASpamFilterThatCannotBeAskedBlocksNothing(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	_ = l.Close()
	broken, _ := spamd(t, "SPAMD/1.0 76 Bad header line\r\n")
	scoreless, _ := spamd(t, "SPAMD/1.1 0 EX_OK\r\n\r\nnothing\r\n")
	silent, _ := spamd(t, "")
	for name, address := range map[string]string{
		"nobody listens for spamd": "spamd://" + closed, "nobody listens for rspamd": "http://" + closed, "an error of spamd": broken, "no score": scoreless, "no answer": silent,
		"an error of rspamd": rspamd(t, 500, ""), "no JSON": rspamd(t, 200, "<html>"),
	} {
		r := AskSpamFilter(t.Context(), address, []byte("Subject: x\r\n\r\nHello"))
		if r.Trouble == "" {
			t.Errorf("%s: %+v", name, r)
		}
		report := Check(Input{Spam: r})
		if f := codes(report); f["spam_unavailable"] != Info || f["spam_high"] != "" {
			t.Errorf("%s: %v", name, f)
		}
	}
}

// codes gives the findings by their codes.
func codes(r Report) map[string]Severity {
	out := map[string]Severity{}
	for _, f := range r.Findings {
		out[f.Code] = f.Severity
	}
	return out
}

func TestAHighSpamScoreIsAWarningWithItsRules(t *testing.T) {
	t.Parallel()
	r := Check(Input{Spam: &SpamResult{Engine: "rspamd", Score: 15, Threshold: 15, Rules: []SpamRule{{"R_BAD", 15, "bad"}, {"ZERO", 0, ""}}}})
	i := r.Findings[0]
	if i.Code != "spam_high" || i.Severity != Warning || len(i.Where) != 1 || i.Where[0].Selector != "R_BAD" {
		t.Errorf("%+v", i)
	}
	if f := codes(Check(Input{Spam: &SpamResult{Engine: "rspamd", Score: 14.9, Threshold: 15}})); f["spam_score"] != Info || f["spam_high"] != "" {
		t.Errorf("%v", f)
	}
}
