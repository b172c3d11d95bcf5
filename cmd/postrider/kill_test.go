package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestKilledAgainAndAgain is bench kill, with Postgres killed along every second time.
func TestKilledAgainAndAgain(t *testing.T) {
	t.Parallel()
	tmp := scratch(t)
	cmd := exec.Command(os.Args[0], "bench", "kill", "--messages", "4000", "--kills", "5", "--connections", "10", "--postgres", "--seed", "5", "--json")
	cmd.Env = append(os.Environ(), runAsProgram+"=1", "TMPDIR="+tmp)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	var r killResult
	must(t, json.Unmarshal([]byte(lines[len(lines)-1]), &r))
	t.Logf("%+v", r)
	if r.Kills != 5 || r.Messages != 4000 || r.Connections != 10 || r.Lost != 0 || r.Duplicates != 0 || r.MaxUnconfirmedPerKill > 10 || r.Unconfirmed > 50 {
		t.Errorf("got %+v", r)
	}
	if left, _ := filepath.Glob(filepath.Join(tmp, "*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestResultOfBenchKillFailsOnWhatMayNotBe(t *testing.T) {
	t.Parallel()
	for _, bad := range []killResult{{Lost: 1, Connections: 10}, {Duplicates: 1, Connections: 10}, {MaxUnconfirmedPerKill: 11, Connections: 10}} {
		if bad.err() == nil {
			t.Errorf("%+v passed", bad)
		}
	}
	if err := (killResult{Unconfirmed: 30, MaxUnconfirmedPerKill: 10, Connections: 10}).err(); err != nil {
		t.Error(err)
	}
	lost, duplicates := judgeLedger(map[string]int{benchAddress(0): 1, benchAddress(1): 2, benchAddress(3): 1}, 5, []string{benchAddress(3), benchAddress(4)})
	if lost != 1 || duplicates != 1 {
		t.Errorf("lost %d, duplicates %d; want one of each", lost, duplicates)
	}
}

func TestDeployInTheMiddleOfACampaign(t *testing.T) {
	t.Parallel()
	r := newRun(t, 4000, 10)
	p := r.program("serve")
	r.start(0.3)
	must(t, p.end(syscall.SIGTERM))
	r.underWay()
	if doubt := r.judge(r.program("serve")); doubt != 0 {
		t.Errorf("%d unconfirmed after a clean stop", doubt)
	}
}

func TestPostgresKilledInTheMiddleOfACampaign(t *testing.T) {
	t.Parallel()
	r := newRun(t, 4000, 10)
	db := r.postgres()
	p := r.program("serve")
	r.start(0.3)
	must(t, syscall.Kill(db.PID(), syscall.SIGKILL))
	<-db.Done()
	_ = db.Stop(t.Context()) // frees the folder
	r.underWay()
	r.postgres()
	if doubt := r.judge(p); doubt != 0 {
		t.Errorf("%d unconfirmed although the program never lost sight of its messages", doubt)
	}
}
