package main

import (
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

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
	r := newRun(t, 0, 1)
	r.program("serve")
	cmd := exec.Command(os.Args[0], "serve", "--listen", "127.0.0.1:0", "--data-dir", filepath.Join(r.dir, "serve"))
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
