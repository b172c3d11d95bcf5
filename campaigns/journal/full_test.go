package journal

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// inChild marks the process in which a test may set limits for all that happens in it.
const inChild = "JOURNAL_TEST_CHILD"

// aloneInAProcess runs the test once more in a process of its own and says whether this is the one.
func aloneInAProcess(t *testing.T) bool {
	t.Helper()
	if os.Getenv(inChild) != "" {
		return true
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), inChild+"=1")
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

// limitFiles makes writes past a size fail, the first one that crosses it after a part of it, as a full disk does.
func limitFiles(t *testing.T, size uint64) {
	t.Helper()
	var lim unix.Rlimit
	must(t, unix.Getrlimit(unix.RLIMIT_FSIZE, &lim))
	lim.Cur = min(size, lim.Max)
	must(t, unix.Setrlimit(unix.RLIMIT_FSIZE, &lim))
}

// TestNothingIsLostToAFullDisk fills the file up line by line at every offset of a line, makes room, and goes on: what Dot let through is in the
// records, and what it refused is not.
func TestNothingIsLostToAFullDisk(t *testing.T) {
	// Not in parallel: a child that is being forked has our locks for a moment.
	if !aloneInAProcess(t) {
		return
	}
	dir := t.TempDir()
	j := open(t, dir, nodeA)
	want := map[Key]Record{}
	seq := int32(1000)
	for limit := uint64(500); limit < 2000; limit += 37 {
		limitFiles(t, limit)
		refused := 0
		for refused < 3 {
			seq++
			if _, err := j.Dot(Entry{1, seq, 1}); err == nil {
				want[Key{1, seq}] = Record{Attempt: 1, Reply: &Reply{Code: 250}}
				must(t, j.Reply(Entry{1, seq, 1}, Reply{Code: 250}, true)) // goes out when there is room
			} else if refused++; !errors.Is(err, unix.EFBIG) {
				t.Fatal(err)
			}
		}
		if j.Probe() == nil {
			t.Fatal("there is room, says the probe, when there is none")
		}
	}
	limitFiles(t, 1<<30)
	if err := j.Probe(); err != nil {
		t.Fatal(err)
	}
	dot(t, j, Entry{1, 1, 1})
	want[Key{1, 1}] = Record{Attempt: 1}
	abandon(j)
	sameRecords(t, want, orphan(t, dir))
}

func TestARefusedLineCountsForNothing(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir(), nodeA)
	_ = j.current.file.Close()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	must(t, err)
	j.current.file = full
	if _, err := j.Dot(Entry{1, 1, 1}); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("a dot that could not be noted: %v", err)
	}
	if err := j.Reply(Entry{1, 1, 1}, Reply{Code: 250}, false); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("a reply that could not be noted: %v", err)
	}
	if j.current.open != 0 || j.current.size != 0 {
		t.Errorf("%d open, %d bytes", j.current.open, j.current.size)
	}
}

// TestALineAfterAPieceIsWhole writes to a pipe, which takes a part of a long line and cannot be cut off.
func TestALineAfterAPieceIsWhole(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir(), nodeA)
	r, w, err := os.Pipe()
	must(t, err)
	size, err := unix.FcntlInt(w.Fd(), unix.F_GETPIPE_SZ, 0)
	must(t, err)
	must(t, unix.SetNonblock(int(w.Fd()), true)) // Fd made it blocking
	_ = j.current.file.Close()
	j.current.file = w
	dot(t, j, Entry{1, 1, 1})
	// A deadline that is over before the write begins tears nothing.
	for wait := 20 * time.Millisecond; !j.current.torn; wait *= 2 {
		must(t, w.SetWriteDeadline(time.Now().Add(wait)))
		if err := j.Reply(Entry{1, 1, 1}, Reply{Code: 250, Text: strings.Repeat("x", 2*size)}, false); err == nil || wait > 10*time.Second {
			t.Fatalf("nothing was torn: %v", err)
		}
	}
	var got bytes.Buffer
	read := make(chan error, 1)
	go func() {
		_, err := io.Copy(&got, r)
		read <- err
	}()
	must(t, w.SetWriteDeadline(time.Time{}))
	dot(t, j, Entry{1, 2, 1})
	dot(t, j, Entry{1, 3, 1})
	must(t, w.Close())
	must(t, <-read)
	if j.current.size != int64(got.Len()) {
		t.Errorf("%d bytes are said to be in the file, there are %d", j.current.size, got.Len())
	}
	records := map[Key]Record{}
	must(t, readSegment(&got, records))
	sameRecords(t, map[Key]Record{{1, 1}: {Attempt: 1}, {1, 2}: {Attempt: 1}, {1, 3}: {Attempt: 1}}, records)
}

func TestAFileThatCannotBeChangedForANewOneGoesOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir, nodeA)
	next := filepath.Join(dir, nodeA+".2.journal")
	must(t, os.Mkdir(next, 0o700))
	j.current.full = 0
	dot(t, j, Entry{1, 1, 1})
	if j.n != 1 || j.current.full < segmentBytes/8 {
		t.Fatalf("segment %d, the next one at %d bytes", j.n, j.current.full)
	}
	must(t, os.Remove(next))
	j.current.full = 0
	second := dot(t, j, Entry{1, 2, 1})
	if j.n != 2 || second.seg != j.current {
		t.Error("no new segment although one can be made")
	}
	abandon(j)
	sameRecords(t, map[Key]Record{{1, 1}: {Attempt: 1}, {1, 2}: {Attempt: 1}}, orphan(t, dir))
}
