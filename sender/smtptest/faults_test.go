package smtptest

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/smtp"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// raw speaks to a server without any client: it sends and gives all that comes back
// until the server closes.
func raw(t *testing.T, s *Server, lines string) string {
	t.Helper()
	c, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := io.WriteString(c, lines); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

const group = "MAIL FROM:<f@x.example>\r\nRCPT TO:<a@x.example>\r\nDATA\r\n"

// TestGrouping is RFC 2920 §3.1: the commands of the next message may come with the
// body of this one, and nothing may come after DATA.
func TestGrouping(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		opts []Option
		want string // in the violations; "" is none
	}{
		"allowed":              {nil, ""},
		"in pieces":            {[]Option{WithFragments()}, ""},
		"not offered":          {[]Option{WithoutPipelining()}, "after the final dot without PIPELINING"},
		"hidden from the line": {[]Option{WithoutExtensions("PIPELINING")}, "after the final dot without PIPELINING"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := Start(t, tc.opts...)
			c := dial(t, s)
			say := func(lines string, codes ...int) {
				t.Helper()
				if _, err := io.WriteString(c.Text.W, lines); err != nil {
					t.Fatal(err)
				}
				if err := c.Text.W.Flush(); err != nil {
					t.Fatal(err)
				}
				for _, code := range codes {
					if _, _, err := c.Text.ReadResponse(code); err != nil {
						t.Fatal(err)
					}
				}
			}
			say("EHLO x\r\n", 250)
			say(group, 250, 250, 354)
			say("one\r\n.\r\n"+group, 250, 250, 250, 354)
			say("two\r\n.\r\nQUIT\r\n", 250, 221)
			if v := strings.Join(s.Violations(), "; "); tc.want == "" && v != "" || !strings.Contains(v, tc.want) {
				t.Errorf("%q", v)
			}
			if n := s.Count("a@x.example"); n != 2 {
				t.Errorf("%d messages", n)
			}
		})
	}
	s := Start(t)
	raw(t, s, "EHLO x\r\n"+group+"too early\r\n.\r\nQUIT\r\n")
	if v := strings.Join(s.Violations(), "; "); !strings.Contains(v, "after EHLO") || !strings.Contains(v, "after DATA") {
		t.Errorf("a body before the 354 is not seen: %q", v)
	}
}

func TestParametersNeedTheirExtension(t *testing.T) {
	t.Parallel()
	s := Start(t, WithoutExtensions("8BITMIME"), WithPlainReplies())
	got := raw(t, s, "EHLO x\r\nMAIL FROM:<f@x.example> BODY=8BITMIME\r\nMAIL FROM:<f@x.example> SMTPUTF8\r\nMAIL FROM:<f@x.example> SIZE=99999999\r\nQUIT\r\n")
	if strings.Contains(got, "5.5.4") || strings.Count(got, "\r\n555 ") != 2 || strings.Count(got, "\r\n552 ") != 1 {
		t.Errorf("%q", got)
	}
	if v := strings.Join(s.Violations(), "; "); !strings.Contains(v, "BODY=8BITMIME") || !strings.Contains(v, "SMTPUTF8") {
		t.Error(v)
	}
}

func TestEightBit(t *testing.T) {
	t.Parallel()
	s := Start(t, WithoutExtensions("8BITMIME")) // the client asks for it by itself
	for i, want := range []int{0, 1, 2} {
		body := strings.Repeat("x", 20)
		if i > 0 {
			body = body[:9*i] + "\xe9" + body[9*i:]
		}
		if err := send(dial(t, s), "f@x.example", "a@x.example", body+"\r\n"); err != nil {
			t.Fatal(err)
		}
		if v := s.Violations(); len(v) != want {
			t.Errorf("%q: %q", body, v)
		}
	}
}

func TestLastWordsArrive(t *testing.T) {
	t.Parallel()
	s := Start(t, WithReply("a@x.example", AtRcpt, "421 4.3.2 closing"))
	// More is on its way than the server reads.
	got := raw(t, s, "EHLO x\r\n"+group+strings.Repeat("NOOP\r\n", 20_000))
	if !strings.HasSuffix(got, "421 4.3.2 closing\r\n") {
		t.Errorf("the last reply is lost: %q", got)
	}
}

func TestTLSFaults(t *testing.T) {
	t.Parallel()
	for fault, want := range map[TLSFault]string{TLSNotTLS: "does not look like", TLSExpired: "expired", TLSSelfSigned: "unknown authority",
		TLSWrongName: "127.0.0.1", TLSOld: "protocol version"} {
		s := Start(t, WithTLSFault(ImplicitTLS, fault))
		c, err := tls.Dial("tcp", s.Addr(), &tls.Config{RootCAs: s.CertPool()})
		if err == nil {
			_ = c.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", fault, err)
		}
	}
}

// TestProviderOverTheWire: a client that hangs up and dials again at once is no
// second connection, one that keeps two is.
func TestProviderOverTheWire(t *testing.T) {
	t.Parallel()
	s := Start(t, WithProvider(Provider{Connections: 1, Rates: []Rate{{Messages: 1, Per: time.Hour, Reply: "454 slower"}}}))
	for range 20 {
		c, err := net.Dial("tcp", s.Addr())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, "QUIT\r\n"); err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	c := dial(t, s)
	if v := s.LimitViolations(); len(v) > 0 {
		t.Error(v)
	}
	if second, err := smtp.Dial(s.Addr()); err == nil {
		_ = second.Close()
		t.Error("two at once")
	}
	if err := send(c, "f@x.example", "a@x.example", "x\r\n"); err != nil {
		t.Error(err)
	}
	if err := c.Mail("f@x.example"); err == nil || !strings.HasPrefix(err.Error(), "454") {
		t.Error(err)
	}
	v := s.LimitViolations()
	if len(v) != 2 || v[0].String() != "connections: 2 at once, 1 allowed" || v[1].Limit != "rate" || v[1].At.IsZero() {
		t.Error(v)
	}
}

// TestSyncedLedger: what is counted in memory is on the disk, once, whoever wrote it.
func TestSyncedLedger(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger")
	s := Start(t, WithLedgerSync(path), WithDiscardRaw())
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			c, err := smtp.Dial(s.Addr())
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = c.Close() }()
			for j := range 20 {
				to := fmt.Sprintf("r%d.%d@x.example", i, j)
				if err := send(c, "f@x.example", to, "Message-ID: <1>\r\n\r\nx\r\n"); err != nil {
					t.Error(err)
					return
				}
				if counts, err := ReadLedger(path); err != nil || counts[to] != 1 {
					t.Errorf("%s is answered but not in the file: %v", to, err)
				}
			}
		})
	}
	wg.Wait()
	counts, err := ReadLedger(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s.Counts(), counts); diff != "" || len(counts) != 160 {
		t.Error(diff)
	}
}
