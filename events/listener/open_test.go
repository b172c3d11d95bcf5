package listener

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLMTPOverASocket(t *testing.T) {
	t.Parallel()
	k := &taker{}
	socket := filepath.Join(t.TempDir(), "lmtp")
	b := start(t, k, func(c *Config) { c.SMTP, c.LMTP = "", "unix:"+socket })
	if b.Addr() != nil {
		t.Error("SMTP is on")
	}
	if st, err := os.Stat(socket); err != nil || st.Mode().Perm() != 0o666 {
		t.Errorf("the mail server may not write to it: %v, %v", st.Mode(), err)
	}
	p := dialAddr(t, b.LMTPAddr())
	p.want("220 mx.example.org LMTP")
	p.say("EHLO peer.example", "500 5.5.1")
	p.say("LHLO peer.example", "250-mx.example.org")
	p.say("MAIL FROM:<>", "250")
	p.say("RCPT TO:<"+bounceTo()+"@bounces.example.org>", "250")
	p.say("RCPT TO:<nobody@bounces.example.org>", "550 5.1.1")
	p.say("RCPT TO:<postmaster@bounces.example.org>", "250")
	p.say("DATA", "354")
	p.say(report+".", "250 2.6.0")
	p.want("250 2.6.0") // one for each recipient that was taken
	p.say("QUIT", "221")
	if got := k.messages(); len(got) != 1 || len(got[0].To) != 2 {
		t.Errorf("got %+v", got)
	}
}

func config(change func(*Config)) Config {
	c := Config{Hostname: "mx.example.org", Taker: &taker{}, Tokens: tokens, Domains: ourDomains}
	change(&c)
	return c
}

// TestListenSaysWhatIsWrong: each error names the flag and the way out.
func TestListenSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	used, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer used.Close()
	usedSocket, err := net.Listen("unix", filepath.Join(dir, "used"))
	must(t, err)
	defer usedSocket.Close()
	file := filepath.Join(dir, "file")
	must(t, os.WriteFile(file, nil, 0o600))
	for name, tt := range map[string]struct {
		change func(*Config)
		want   []string
	}{
		"nothing":        {func(c *Config) {}, []string{"--bounce-listen", "--bounce-lmtp"}},
		"no name":        {func(c *Config) { c.SMTP, c.Hostname = ":25", "" }, []string{"--bounce-hostname"}},
		"a wrong name":   {func(c *Config) { c.SMTP, c.Hostname = ":25", "a\r\nb" }, []string{"--bounce-hostname"}},
		"no port":        {func(c *Config) { c.SMTP = "127.0.0.1" }, []string{"--bounce-listen", ":25"}},
		"half TLS":       {func(c *Config) { c.SMTP, c.CertFile = "127.0.0.1:0", "x" }, []string{"needs both", "--bounce-tls-cert", "--bounce-tls-key"}},
		"no certificate": {func(c *Config) { c.SMTP, c.CertFile, c.KeyFile = "127.0.0.1:0", file, file }, []string{"--bounce-tls-cert"}},
		"port in use":    {func(c *Config) { c.SMTP = used.Addr().String() }, []string{"--bounce-listen", "another program", "--bounce-lmtp"}},
		"not ours":       {func(c *Config) { c.SMTP = "192.0.2.1:2525" }, []string{"--bounce-listen", "address of this machine"}},
		"LMTP in use":    {func(c *Config) { c.SMTP, c.LMTP = "127.0.0.1:0", used.Addr().String() }, []string{"--bounce-lmtp", "another program"}},
		"LMTP on 25":     {func(c *Config) { c.LMTP = "127.0.0.1:25" }, []string{"--bounce-lmtp", "RFC 2033"}},
		"LMTP nowhere":   {func(c *Config) { c.LMTP = "here" }, []string{"--bounce-lmtp", "unix:"}},
		"relative":       {func(c *Config) { c.LMTP = "unix:lmtp" }, []string{"--bounce-lmtp", "full path"}},
		"long":           {func(c *Config) { c.LMTP = "unix:/" + strings.Repeat("x", 107) }, []string{"--bounce-lmtp", "107"}},
		"socket in use":  {func(c *Config) { c.LMTP = "unix:" + usedSocket.Addr().String() }, []string{"--bounce-lmtp", "another program"}},
		"a file":         {func(c *Config) { c.LMTP = "unix:" + file }, []string{"--bounce-lmtp", "not a socket"}},
		"no folder":      {func(c *Config) { c.LMTP = "unix:" + filepath.Join(dir, "no", "lmtp") }, []string{"--bounce-lmtp", "folder"}},
		"no taker":       {func(c *Config) { c.SMTP, c.Taker = "127.0.0.1:0", nil }, []string{"nobody"}},
	} {
		s, err := Listen(t.Context(), config(tt.change))
		if err == nil {
			t.Errorf("%s: accepted", name)
			_ = s.Close()
			continue
		}
		for _, want := range tt.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q does not say %q", name, err, want)
			}
		}
	}
	if _, err := os.Stat(file); err != nil {
		t.Errorf("a file was removed: %v", err)
	}
}

// TestALeftSocketIsNotInTheWay: a crash leaves its socket behind.
func TestALeftSocketIsNotInTheWay(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "lmtp")
	left, err := net.Listen("unix", socket)
	must(t, err)
	left.(*net.UnixListener).SetUnlinkOnClose(false)
	must(t, left.Close())
	s, err := Listen(context.Background(), config(func(c *Config) { c.LMTP = "unix:" + socket }))
	must(t, err)
	must(t, s.Close())
}
