package peers

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"postrider/campaigns/preflight"
	"postrider/internal/daemon"
)

// TestSpamAssassinsDaemonJudgesAPreflight asks the real daemon as a preflight does.
func TestSpamAssassinsDaemonJudgesAPreflight(t *testing.T) {
	t.Parallel()
	dir := daemon.Folder(t)
	port, _ := daemon.FreePorts(t)
	args := []string{"--listen", "127.0.0.1", "--port", strconv.Itoa(port), "--local", "--nouser-config", "--max-children", "1", "--helper-home-dir", dir, "--syslog", "stderr", "--pidfile", dir + "/pid"}
	for _, line := range []string{
		"use_bayes 0", "use_auto_welcomelist 0", "required_score 5", "body POSTRIDER_TEST /buy the philosopher's stone/", "describe POSTRIDER_TEST Sells what nobody has", "score POSTRIDER_TEST 7.5",
	} {
		args = append(args, "--cf", line)
	}
	daemon.Serve(t, dir+"/log", "/usr/sbin/spamd", args...)
	daemon.Listening(t, port)
	letter, _ := compose(t)
	plain := letter["starttls.newsletter@acme.example"]
	if len(plain) == 0 {
		t.Fatal("there is no newsletter to show")
	}
	address := fmt.Sprintf("spamd://127.0.0.1:%d", port)
	good := preflight.AskSpamFilter(t.Context(), address, plain)
	if good.Trouble != "" || good.Threshold != 5 || good.Score >= 5 || len(good.Rules) == 0 {
		t.Errorf("a newsletter: %+v", good)
	}
	raw := "From: a@acme.example\r\nSubject: Offer\r\nDate: Tue, 03 Nov 2026 09:00:00 +0000\r\nMessage-ID: <1@acme.example>\r\n\r\nNow buy the philosopher's stone.\r\n"
	bad := preflight.AskSpamFilter(t.Context(), address, []byte(raw))
	if bad.Trouble != "" || bad.Score < 7.5 || bad.Rules[0].Name != "POSTRIDER_TEST" || bad.Rules[0].Score != 7.5 || !strings.Contains(bad.Rules[0].Description, "Sells what nobody has") {
		t.Errorf("an offer: %+v", bad)
	}
}
