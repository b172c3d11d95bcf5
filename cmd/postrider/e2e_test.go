package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"postrider/internal/pg/pgboot"
	"postrider/sender/smtptest"
)

// runAsProgram makes the test binary behave as postrider itself, so that the tests start and kill the real program.
const runAsProgram = "POSTRIDER_TEST_RUN"

func TestMain(m *testing.M) {
	if os.Getenv(runAsProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// program is a running postrider serve.
type program struct {
	cmd *exec.Cmd
	api *client
	err *lastLines
}

// lastLines keeps the end of what the program logs, for the message of a failed test.
type lastLines struct {
	mu    sync.Mutex
	lines []string
}

// String gives the lines.
func (l *lastLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

func (l *lastLines) add(s string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lines = append(l.lines, s); len(l.lines) > 40 {
		l.lines = l.lines[1:]
	}
}

// scratch is a data folder that the private Postgres's user can reach.
func scratch(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "postrider-e2e-")
	must(t, err)
	must(t, os.Chmod(dir, 0o711))
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// serveProgram starts the program on a data folder and waits until it is up. databaseURL "" is a private Postgres.
func serveProgram(t *testing.T, dir, databaseURL string) *program {
	t.Helper()
	cmd := exec.Command(os.Args[0], "serve", "--listen", "127.0.0.1:0", "--data-dir", dir, "--log-format", "json")
	cmd.Env = append(os.Environ(), runAsProgram+"=1", "DATABASE_URL="+databaseURL, "POSTRIDER_PUBLIC_URL=")
	stderr, err := cmd.StderrPipe()
	must(t, err)
	must(t, cmd.Start())
	p := &program{cmd: cmd, err: &lastLines{}}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	urls := make(chan string, 1)
	go func() {
		scanner := bufio.NewScanner(stderr)
		scanner.Buffer(nil, 1<<20)
		for scanner.Scan() {
			p.err.add(scanner.Text())
			var line struct{ Msg, URL string }
			if json.Unmarshal(scanner.Bytes(), &line) == nil && line.Msg == "postrider is up" {
				urls <- line.URL
			}
		}
		close(urls)
	}()
	select {
	case url, ok := <-urls:
		if !ok {
			t.Fatalf("the program ended before it was up:\n%s", p.err)
		}
		p.api = newClient(url)
	case <-time.After(2 * time.Minute):
		t.Fatal("the program did not come up")
	}
	return p
}

// end sends the signal and waits for the program to be gone.
func (p *program) end(t *testing.T, sig syscall.Signal) {
	t.Helper()
	must(t, p.cmd.Process.Signal(sig))
	done := make(chan error, 1)
	go func() { done <- p.cmd.Wait() }()
	select {
	case <-done:
	case <-time.After(2 * time.Minute):
		t.Fatalf("the program did not end on %s", sig)
	}
}

const (
	e2eRecipients  = 20_000
	e2eConnections = 10
)

// prepareCampaign sets the program up with a list of people and a campaign through the SMTP server.
func prepareCampaign(t *testing.T, p *program, server *smtptest.Server) int64 {
	t.Helper()
	ctx := t.Context()
	must(t, p.api.call(ctx, http.MethodPost, "/setup", object{"organization": "E2E", "name": "E2E", "email": "e2e@example.org", "password": "a long password"}, nil))
	must(t, p.api.call(ctx, http.MethodPut, "/settings", object{"organization": "E2E", "public_url": "https://news.example.org", "postal_address": "", "default_from_name": "",
		"default_from_email": "", "time_zone": "UTC"}, nil))
	var list created
	must(t, p.api.call(ctx, http.MethodPost, "/lists", object{"name": "Everybody"}, &list))
	var file strings.Builder
	file.WriteString("email,name\n")
	for i := range e2eRecipients {
		fmt.Fprintf(&file, "person%05d@example.org,Person %d\n", i, i)
	}
	var imp demoImport
	must(t, p.api.upload(ctx, "/imports", map[string]string{"list_id": fmt.Sprint(list.ID)}, "people.csv", []byte(file.String()), &imp))
	mapping := object{"mapping": object{"columns": []object{{"index": 0, "target": "email"}, {"index": 1, "target": "name"}}, "status": "subscribed"}}
	must(t, p.api.call(ctx, http.MethodPost, fmt.Sprintf("/imports/%d/start", imp.ID), mapping, nil))
	must(t, poll(ctx, func() (bool, error) {
		err := p.api.call(ctx, http.MethodGet, fmt.Sprintf("/imports/%d", imp.ID), nil, &imp)
		return imp.Status == "done", err
	}))
	if imp.Created != e2eRecipients {
		t.Fatalf("imported %d", imp.Created)
	}
	var relay, campaign created
	must(t, p.api.call(ctx, http.MethodPost, "/relays", object{"name": "Ledger", "kind": "smtp", "host": server.Host(), "port": server.Port(), "tls": "none", "auth": "none",
		"max_connections": e2eConnections, "dkim": "off"}, &relay))
	must(t, p.api.call(ctx, http.MethodPost, "/campaigns", object{"name": "To everybody", "subject": "Hello {{ subscriber.name }}", "html": demoHTML,
		"from_email": "e2e@example.org", "relay_id": relay.ID, "list_ids": []int64{list.ID}}, &campaign))
	return campaign.ID
}

// startAndInterrupt starts the campaign, ends the program in the middle, starts it again and waits for the campaign to end.
func startAndInterrupt(t *testing.T, sig syscall.Signal) (counts map[string]int, st demoStats, listed []string) {
	t.Helper()
	dir := scratch(t)
	ledger := filepath.Join(t.TempDir(), "ledger")
	server := smtptest.Start(t, smtptest.WithLedger(ledger), smtptest.WithDiscardRaw())
	p := serveProgram(t, dir, "")
	id := prepareCampaign(t, p, server)
	must(t, p.api.call(t.Context(), http.MethodPost, fmt.Sprintf("/campaigns/%d/start", id), nil, nil))
	wait, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	must(t, server.Wait(wait, e2eRecipients*2/5))
	p.end(t, sig)
	interrupted := len(server.Counts())
	if interrupted >= e2eRecipients {
		t.Fatal("the campaign was over before the program was interrupted: this run shows nothing")
	}
	t.Logf("interrupted after %d of %d", interrupted, e2eRecipients)

	p = serveProgram(t, dir, "")
	must(t, p.api.call(t.Context(), http.MethodPost, "/session", object{"email": "e2e@example.org", "password": "a long password"}, nil))
	st, listed = p.follow(t, id)
	p.end(t, syscall.SIGTERM)
	counts, err := smtptest.ReadLedger(ledger)
	must(t, err)
	return counts, st, listed
}

// follow waits for the end of a campaign and gives its figures and who is listed as unconfirmed.
func (p *program) follow(t *testing.T, id int64) (st demoStats, listed []string) {
	t.Helper()
	var campaign struct{ Status string }
	must(t, poll(t.Context(), func() (bool, error) {
		err := p.api.call(t.Context(), http.MethodGet, fmt.Sprintf("/campaigns/%d", id), nil, &campaign)
		return campaign.Status == "finished", err
	}))
	must(t, p.api.call(t.Context(), http.MethodGet, fmt.Sprintf("/campaigns/%d/stats", id), nil, &st))
	var page struct{ Items []struct{ Email string } }
	must(t, p.api.call(t.Context(), http.MethodGet, fmt.Sprintf("/campaigns/%d/deliveries?state=unconfirmed&limit=200", id), nil, &page))
	for _, d := range page.Items {
		listed = append(listed, d.Email)
	}
	return st, listed
}

// judge counts at the server's own ledger. Whoever is listed as unconfirmed may have the message or not; everybody else has it exactly once.
func judge(t *testing.T, counts map[string]int, st demoStats, listed []string) {
	t.Helper()
	doubt := map[string]bool{}
	for _, e := range listed {
		doubt[e] = true
	}
	lost, duplicated := 0, 0
	for i := range e2eRecipients {
		to := fmt.Sprintf("person%05d@example.org", i)
		switch n := counts[to]; {
		case n > 1:
			duplicated++
		case n == 0 && !doubt[to]:
			lost++
		}
	}
	t.Logf("lost %d, duplicated %d, unconfirmed %d (listed %d), connections %d", lost, duplicated, st.Unconfirmed, len(listed), e2eConnections)
	if lost != 0 || duplicated != 0 {
		t.Errorf("lost %d, duplicated %d", lost, duplicated)
	}
	if int(st.Unconfirmed) != len(listed) {
		t.Errorf("%d unconfirmed, but %d are listed", st.Unconfirmed, len(listed))
	}
	if st.Sent+st.Unconfirmed != e2eRecipients {
		t.Errorf("sent %d + unconfirmed %d is not %d", st.Sent, st.Unconfirmed, e2eRecipients)
	}
}

func TestKilledInTheMiddleOfACampaign(t *testing.T) {
	t.Parallel()
	counts, st, listed := startAndInterrupt(t, syscall.SIGKILL)
	judge(t, counts, st, listed)
	if st.Unconfirmed > e2eConnections {
		t.Errorf("%d unconfirmed, more than the %d connections", st.Unconfirmed, e2eConnections)
	}
}

func TestStoppedInTheMiddleOfACampaign(t *testing.T) {
	t.Parallel()
	counts, st, listed := startAndInterrupt(t, syscall.SIGTERM)
	judge(t, counts, st, listed)
	if st.Unconfirmed != 0 {
		t.Errorf("%d unconfirmed after a clean stop", st.Unconfirmed)
	}
}

func TestPostgresKilledInTheMiddleOfACampaign(t *testing.T) {
	t.Parallel()
	dir := scratch(t)
	start := func() *pgboot.Server {
		db, err := pgboot.Start(t.Context(), pgboot.Config{DataDir: filepath.Join(dir, "database")})
		must(t, err)
		return db
	}
	db := start()
	t.Cleanup(func() { _ = db.Stop(context.Background()) })
	ledger := filepath.Join(t.TempDir(), "ledger")
	server := smtptest.Start(t, smtptest.WithLedger(ledger), smtptest.WithDiscardRaw())
	p := serveProgram(t, dir, db.URL())
	id := prepareCampaign(t, p, server)
	must(t, p.api.call(t.Context(), http.MethodPost, fmt.Sprintf("/campaigns/%d/start", id), nil, nil))
	wait, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	must(t, server.Wait(wait, e2eRecipients*2/5))
	must(t, syscall.Kill(db.PID(), syscall.SIGKILL))
	<-db.Done()
	_ = db.Stop(t.Context()) // frees the folder
	if n := len(server.Counts()); n >= e2eRecipients {
		t.Fatal("the campaign was over before Postgres was killed: this run shows nothing")
	}
	db = start()

	var st demoStats
	var listed []string
	must(t, poll(t.Context(), func() (bool, error) {
		var campaign struct{ Status string }
		// The first requests may still find broken connections.
		_ = p.api.call(t.Context(), http.MethodGet, fmt.Sprintf("/campaigns/%d", id), nil, &campaign)
		return campaign.Status == "finished", nil
	}))
	st, listed = p.follow(t, id)
	p.end(t, syscall.SIGTERM)
	counts, err := smtptest.ReadLedger(ledger)
	must(t, err)
	judge(t, counts, st, listed)
	if st.Unconfirmed != 0 {
		t.Errorf("%d unconfirmed although the program never lost sight of its messages", st.Unconfirmed)
	}
}

func TestDemoOnce(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(os.Args[0], "demo", "--once", "--json")
	cmd.Env = append(os.Environ(), runAsProgram+"=1", "DATABASE_URL=")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	var r demoResult
	must(t, json.Unmarshal([]byte(lines[len(lines)-1]), &r))
	if r.Imported+r.Rejected != 1000 || r.Rejected == 0 {
		t.Errorf("imported %d + rejected %d is not the file's 1000 rows", r.Imported, r.Rejected)
	}
	if r.Sent+r.Bounced+r.Deferred+r.Unconfirmed != r.Recipients || r.Bounced == 0 || r.Deferred == 0 || r.Excluded == 0 {
		t.Errorf("the recipients do not add up: %+v", r)
	}
	if r.Duplicates != 0 || r.DKIMVerified != r.Sent || r.Unconfirmed != 0 {
		t.Errorf("duplicates %d, verified %d of %d captured, unconfirmed %d", r.Duplicates, r.DKIMVerified, r.Sent, r.Unconfirmed)
	}
	if r.Opens == 0 || r.Clicks == 0 || r.Unsubscribes == 0 {
		t.Errorf("nobody reacted: %+v", r)
	}
}

func TestSecondProgramOnTheSameFolderSaysWho(t *testing.T) {
	t.Parallel()
	dir := scratch(t)
	serveProgram(t, dir, "")
	cmd := exec.Command(os.Args[0], "serve", "--listen", "127.0.0.1:0", "--data-dir", dir)
	cmd.Env = append(os.Environ(), runAsProgram+"=1", "DATABASE_URL=")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "in use by process") {
		t.Errorf("got %v: %s", err, out)
	}
}

func TestListenAddressInUseSaysSo(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer ln.Close()
	cmd := exec.Command(os.Args[0], "serve", "--listen", ln.Addr().String(), "--data-dir", scratch(t))
	cmd.Env = append(os.Environ(), runAsProgram+"=1", "DATABASE_URL=")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "choose another address with --listen") {
		t.Errorf("got %v: %s", err, out)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
