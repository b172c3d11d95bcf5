package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sys/unix"
)

// nodes gives how many nodes there are that meet the condition.
func (r *run) nodes(condition string) (n int) {
	r.t.Helper()
	db, err := pgx.Connect(r.t.Context(), r.databaseURL)
	must(r.t, err)
	defer func() { _ = db.Close(context.Background()) }()
	must(r.t, db.QueryRow(r.t.Context(), `SELECT count(*) FROM nodes n WHERE `+condition).Scan(&n))
	return n
}

// TestAWorkerThatWasFrozenPastItsLease stops one of two processes in the middle of its work, long enough for the other one to take it over, and lets it go
// on.
func TestAWorkerThatWasFrozenPastItsLease(t *testing.T) {
	t.Parallel()
	r := newRun(t, 4000, 40)
	r.postgres()
	// One range at once cannot use all connections, so that the worker gets its share.
	p := r.program("serve", "--workers", "1", "--lease", "2s")
	worker := r.program("worker", "--lease", "2s")
	r.start(0.1)
	pid := worker.cmd.Process.Pid
	r.await(func() bool {
		return r.nodes(fmt.Sprintf(`pid = %d AND EXISTS (SELECT FROM relay_slots s WHERE s.node_id = n.id)
			AND EXISTS (SELECT FROM deliveries d WHERE d.node_id = n.id AND d.state = 1)`, pid)) == 1
	})
	must(t, worker.cmd.Process.Signal(syscall.SIGSTOP))
	r.underWay()
	r.await(func() bool { return r.nodes(`settled_at IS NOT NULL`) == 1 })
	inDoubt := len(r.unconfirmed())
	must(t, worker.cmd.Process.Signal(syscall.SIGCONT))
	<-worker.done
	if !strings.Contains(worker.log.String(), "its work was taken over") || worker.cmd.ProcessState.ExitCode() == 0 {
		t.Errorf("the worker went on:\n%s", &worker.log)
	}
	doubt := r.judge(p)
	t.Logf("%d were in doubt while the worker was frozen", inDoubt)
	if inDoubt == 0 || inDoubt > 8*200 {
		t.Errorf("%d in doubt; at least one and at most 8 claims of 200 can be", inDoubt)
	}
	// The worker knew what it had not sent, unless the database cut a claim of its off in the middle.
	if doubt > inDoubt {
		t.Errorf("%d in doubt at the end", doubt)
	}
}

// journalRoom is what the tests leave a journal: enough for a part of the campaign.
const journalRoom = 40_000

// fullJournal starts a campaign in whose middle the program can write no more to its journal.
func fullJournal(t *testing.T) (*run, *child) {
	t.Helper()
	r := newRun(t, 4000, 10)
	r.postgres() // a private one would have the same limit
	p := r.program("serve")
	r.prepare()
	limitFiles(t, p, journalRoom)
	r.startOnly()
	return r, p
}

func (r *run) saysWhy() bool {
	return strings.Contains(r.pauseReason(), "the journal cannot be written")
}

func TestAFullJournalHoldsTheCampaignUntilThereIsRoom(t *testing.T) {
	t.Parallel()
	r, p := fullJournal(t)
	r.await(r.saysWhy)
	r.await(func() bool { return p.log.count("make room on its disk") == 1 })
	r.await(func() bool {
		return r.nodes(`EXISTS (SELECT FROM deliveries d WHERE d.node_id = n.id AND d.state = 1)`) == 0
	})
	r.underWay()
	held := len(r.server.Counts())
	limitFiles(t, p, unix.RLIM_INFINITY)
	r.await(func() bool { return len(r.server.Counts()) > held })
	r.await(func() bool { return r.pauseReason() == "" })
	if doubt := r.judge(p); doubt != 0 {
		t.Errorf("%d unconfirmed although nothing was cut off", doubt)
	}
}

// TestKilledWithAFullJournal finds out whether anything was sent without a note: it would be sent again.
func TestKilledWithAFullJournal(t *testing.T) {
	t.Parallel()
	r, p := fullJournal(t)
	const line = len("D 1 1000 1\n")
	must(t, pollFor(t.Context(), time.Minute, time.Millisecond, func() (bool, error) {
		files, err := filepath.Glob(filepath.Join(r.dir, "serve", "journal", "*.journal"))
		if err != nil || len(files) == 0 {
			return false, err
		}
		st, err := os.Stat(files[0])
		return err == nil && st.Size() > int64(journalRoom-line), err
	}))
	sent := len(r.server.Counts())
	// Either it goes on sending, and is killed in the middle of that, or it stops and says why.
	r.await(func() bool { return len(r.server.Counts()) > sent+3*r.connections || r.saysWhy() })
	must(t, p.end(syscall.SIGKILL))
	r.underWay()
	if doubt := r.judge(r.program("serve")); doubt > r.connections {
		t.Errorf("%d unconfirmed, more than the %d connections", doubt, r.connections)
	}
}

// limitFiles keeps the program from writing files past a size, as a full disk does: the write that crosses it is cut short.
func limitFiles(t *testing.T, p *child, size uint64) {
	t.Helper()
	var now unix.Rlimit
	must(t, unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_FSIZE, nil, &now))
	must(t, unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: min(size, now.Max), Max: now.Max}, nil))
}
