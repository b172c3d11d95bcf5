package listener

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
)

func TestProbe(t *testing.T) {
	t.Parallel()
	k := &taker{}
	socket := "unix:" + filepath.Join(t.TempDir(), "lmtp")
	b := start(t, k, func(c *Config) { c.SMTP, c.LMTP = "127.0.0.1:0", socket })
	to := bounceTo() + "@bounces.example.org"
	must(t, Probe(t.Context(), b.Addr().String(), false, to))
	must(t, Probe(t.Context(), fmt.Sprintf("0.0.0.0:%d", b.Addr().(*net.TCPAddr).Port), false, to))
	must(t, Probe(t.Context(), socket, true, to))
	if err := Probe(t.Context(), socket, true, "x@bounces.example.org"); err == nil || !strings.Contains(err.Error(), "no such address") {
		t.Errorf("a stranger: %v", err)
	}
	if err := Probe(t.Context(), "unix:/nowhere/lmtp", true, to); err == nil || !strings.Contains(err.Error(), "nothing answers") {
		t.Errorf("nobody there: %v", err)
	}
	must(t, b.stop())
	if got := k.messages(); len(got) != 0 {
		t.Errorf("taken: %q", got)
	}
}
