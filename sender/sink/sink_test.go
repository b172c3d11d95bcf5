package sink

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func start(t *testing.T, cfg Config) *Server {
	t.Helper()
	s, err := Start(cfg)
	must(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// talker is a client that says what it is told to, piece by piece.
type talker struct {
	t  *testing.T
	nc net.Conn
	r  *bufio.Reader
}

func dial(t *testing.T, s *Server) *talker {
	t.Helper()
	nc, err := net.Dial("tcp", s.Addr())
	must(t, err)
	t.Cleanup(func() { _ = nc.Close() })
	must(t, nc.SetDeadline(time.Now().Add(20*time.Second)))
	c := &talker{t, nc, bufio.NewReader(nc)}
	c.expect("220")
	return c
}

func (c *talker) say(s string) {
	c.t.Helper()
	_, err := c.nc.Write([]byte(s))
	must(c.t, err)
}

// expect reads a reply for each code.
func (c *talker) expect(codes ...string) {
	c.t.Helper()
	for _, code := range codes {
		line, err := c.r.ReadString('\n')
		for err == nil && len(line) > 3 && line[3] == '-' {
			line, err = c.r.ReadString('\n')
		}
		must(c.t, err)
		if !strings.HasPrefix(line, code+" ") {
			c.t.Fatalf("the sink said %q, want %s", line, code)
		}
	}
}

const envelope = "MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n"

func TestAnswers(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	c := dial(t, s)
	for _, step := range []struct{ say, code string }{
		{"EHLO me\r\n", "250"},
		{"noop\r\n", "250"},
		{"VRFY x\r\n", "502"},
		{"X\r\n", "500"},
		{"MAIL FROM:<a@example.org>\r\n", "250"},
		{"DATA\r\n", "554"},
		{"RCPT TO:<b@example.org>\r\n", "250"},
		{"RSET\r\n", "250"},
		{"DATA\r\n", "554"},
		{envelope[:27], "250"},
		{envelope[27 : len(envelope)-6], "250"},
		{"data\r\n", "354"},
		{"Subject: x\r\n\r\n..\r\n.\r\n", "250"},
		{"DATA\r\n", "554"}, // a message has its own recipient
		{"QUIT\r\n", "221"},
	} {
		c.say(step.say)
		c.expect(step.code)
	}
	if n := s.Accepted(); n != 1 {
		t.Errorf("took %d messages, want 1", n)
	}
}

func TestGroupedCommandsAreAnsweredInTheirOrder(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	c := dial(t, s)
	c.say(envelope)
	c.expect("250", "250", "354")
	for range 3 {
		c.say("x\r\n.\r\n" + envelope)
		c.expect("250", "250", "250", "354")
	}
	c.say(".\r\nQUIT\r\n") // an empty message
	c.expect("250", "221")
	if n := s.Accepted(); n != 4 {
		t.Errorf("took %d messages, want 4", n)
	}
}

// pieces is a connection that gives what was written to it in the pieces it was told.
type pieces struct {
	net.Conn
	next []string
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.next) == 0 {
		return 0, net.ErrClosed
	}
	n := copy(b, p.next[0])
	if p.next[0] = p.next[0][n:]; p.next[0] == "" {
		p.next = p.next[1:]
	}
	return n, nil
}

// TestEndOfTheMessageAcrossReads cuts messages at every place, and at every two places.
func TestEndOfTheMessageAcrossReads(t *testing.T) {
	t.Parallel()
	for _, body := range []string{".\r\n", "x\r\n.\r\n", "\r\n\r\n.\r\n", "..\r\n.\r\n", ".\r\r\n.\r\n", "a.\r\n.\r\n", "\n.\n\r\n.\r\n", "\r\n.x\r\n.\r.\r\n\r\n.\r\n"} {
		const rest = "QUIT\r\n"
		whole := body + rest
		for i := 1; i < len(whole); i++ {
			for k := i; k < len(whole); k++ {
				cut := []string{whole[:i]}
				if k > i {
					cut = append(cut, whole[i:k])
				}
				c := newConn(&Server{}, &pieces{next: append(cut, whole[k:])})
				if err := c.body(); err != nil {
					t.Fatalf("%q cut at %d and %d: %v", whole, i, k, err)
				}
				c.out = nil
				if line, err := c.line(); err != nil || string(line) != rest {
					t.Fatalf("%q cut at %d and %d: went on with %q, %v", whole, i, k, line, err)
				}
			}
		}
	}
}

func TestABodyLongerThanTheBuffer(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	c := dial(t, s)
	for size := readBuffer - 8; size < readBuffer+8; size++ {
		c.say(envelope)
		c.expect("250", "250", "354")
		c.say(strings.Repeat("x", size) + "\r\n.\r\n")
		c.expect("250")
	}
}

func TestLedgerHasWhatWasAnswered(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger")
	s := start(t, Config{Ledger: path})
	const clients, messages = 8, 20
	want := map[string]int{"twice@example.org": clients}
	var wg sync.WaitGroup
	for i := range clients {
		c := dial(t, s)
		for k := range messages {
			want[fmt.Sprintf("p%d-%d@example.org", i, k)] = 1
		}
		wg.Go(func() {
			for k := range messages + 1 {
				to := fmt.Sprintf("p%d-%d@example.org", i, k)
				if k == messages {
					to = "twice@example.org"
				}
				if _, err := fmt.Fprintf(c.nc, "MAIL FROM:<>\r\nRCPT TO:<%s>\r\nDATA\r\nx\r\n.\r\n", to); err != nil {
					t.Error(err)
					return
				}
				for range 4 {
					if _, err := c.r.ReadString('\n'); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	// While it runs: what was answered is on the disk.
	got, err := ReadLedger(path)
	must(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if s.Accepted() != clients*(messages+1) {
		t.Errorf("%d accepted", s.Accepted())
	}
	must(t, s.Close())
	again := start(t, Config{Ledger: path})
	c := dial(t, again)
	c.say(envelope + ".\r\n")
	c.expect("250", "250", "354", "250")
	if got, err = ReadLedger(path); err != nil || got["b@example.org"] != 1 || len(got) != len(want)+1 {
		t.Errorf("after a restart there are %d, %v", len(got), err)
	}
}

func TestALedgerThatCannotBeWrittenIsNoYes(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("this system has no /dev/full")
	}
	s := start(t, Config{Ledger: "/dev/full"})
	c := dial(t, s)
	c.say(envelope + ".\r\n")
	c.expect("250", "250", "354", "451")
	if s.Accepted() != 0 {
		t.Error("counted as accepted")
	}
}

func TestAMessageThatIsCutOffIsNotTaken(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger")
	s := start(t, Config{Ledger: path})
	c := dial(t, s)
	c.say(envelope + "Subject: x\r\n\r\nx\r\n.")
	c.expect("250", "250", "354")
	must(t, c.nc.Close())
	must(t, s.Close())
	if got, err := ReadLedger(path); err != nil || len(got) != 0 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestRoundTripTimeIsPaidOncePerGroup(t *testing.T) {
	t.Parallel()
	const rtt = 50 * time.Millisecond
	s := start(t, Config{RTT: rtt})
	began := time.Now()
	c := dial(t, s)
	if got := time.Since(began); got < rtt {
		t.Errorf("the greeting came after %v", got)
	}
	began = time.Now()
	c.say("EHLO me\r\nNOOP\r\nRSET\r\nNOOP\r\n")
	c.expect("250", "250", "250", "250")
	if got := time.Since(began); got < rtt || got > 3*rtt {
		t.Errorf("four commands in one write took %v, want %v", got, rtt)
	}
}

func TestListensOnThisMachineOnly(t *testing.T) {
	t.Parallel()
	for addr, ok := range map[string]bool{
		"127.0.0.1:25": true, "127.9.9.9:25": true, "[::1]:25": true,
		"0.0.0.0:25": false, ":25": false, "[::]:25": false, "192.0.2.1:25": false, "example.org:25": false, "localhost:25": false, "127.0.0.1": false, "": false,
	} {
		if err := CheckLoopback(addr); (err == nil) != ok {
			t.Errorf("%q: %v", addr, err)
		}
	}
	if _, err := Start(Config{Addr: "0.0.0.0:0"}); err == nil {
		t.Error("it listens to the world")
	}
}
