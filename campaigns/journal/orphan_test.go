package journal

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// orphan gives the records of the one journal that lies there.
func orphan(t *testing.T, dir string) map[Key]Record {
	t.Helper()
	found := orphans(t, dir)
	if len(found) != 1 {
		t.Fatalf("%d orphans", len(found))
	}
	t.Cleanup(found[0].Release)
	return found[0].Records
}

func sameRecords(t *testing.T, want, got map[Key]Record) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestForeignFilesAreLeftAlone(t *testing.T) {
	t.Parallel()
	// A name with signs that mean something in patterns.
	dir := filepath.Join(t.TempDir(), "mail[1]*?")
	j := open(t, dir, nodeA)
	dot(t, j, Entry{1, 1, 1})
	abandon(j)
	foreign := []string{"dpkg.lock", "notes.journal", nodeA + ".x.journal", nodeA + ".0.journal", nodeA + ".-1.journal", nodeA + ".1.journal.bak",
		nodeB + ".1.journal", "AAAAAAAA-0000-4000-8000-000000000001.lock", nodeB + ".new"}
	for _, name := range foreign {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte("D 9 9 1\n"), 0o600))
	}
	must(t, os.Mkdir(filepath.Join(dir, nodeB+".lock"), 0o700))
	must(t, unix.Mkfifo(filepath.Join(dir, nodeA+".7.journal"), 0o600))
	must(t, os.Symlink("/dev/zero", filepath.Join(dir, nodeA+".8.journal")))

	found := orphans(t, dir)
	if len(found) != 1 || found[0].Node != nodeA {
		t.Fatalf("got %d orphans, want node A alone", len(found))
	}
	sameRecords(t, map[Key]Record{{1, 1}: {Attempt: 1}}, found[0].Records)
	must(t, found[0].Remove())
	left, err := os.ReadDir(dir)
	must(t, err)
	if len(left) != len(foreign)+3 {
		t.Errorf("%d files left, want the %d that are not ours", len(left), len(foreign)+3)
	}
}

func TestAMissingFolderHasNoJournals(t *testing.T) {
	t.Parallel()
	if got := orphans(t, filepath.Join(t.TempDir(), "none")); len(got) != 0 {
		t.Error(got)
	}
}

func TestAFolderThatCannotBeReadIsNoEmptyOne(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o600))
	if _, err := Orphans(file); err == nil {
		t.Error("no journals are said to be there")
	}
	if !Left(file, nodeA) {
		t.Error("the journal is said to be accounted for")
	}
}

func TestOnlyOneProcessHasAJournal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir, nodeA)
	if _, err := Open(dir, nodeA); !errors.Is(err, errHeld) {
		t.Errorf("opened twice: %v", err)
	}
	dot(t, j, Entry{1, 1, 1})
	abandon(j)
	held := orphans(t, dir)
	if len(held) != 1 || len(orphans(t, dir)) != 0 {
		t.Fatal("two processes account for the same node")
	}
	held[0].Release()
	if !Left(dir, nodeA) {
		t.Error("a journal that was given up is said to be gone")
	}
	again := orphans(t, dir)[0]
	must(t, again.Remove())
	if Left(dir, nodeA) {
		t.Error("a journal that was removed is said to be there")
	}
	for _, name := range []string{"", "node", "../" + nodeA, nodeA + "/x"} {
		if _, err := Open(dir, name); err == nil {
			t.Errorf("%q passed for a node", name)
		}
	}
}

// TestALockThatWasRemovedMeanwhileIsNoOrphan opens the file before the process that has it removes it, and locks it afterwards.
func TestALockThatWasRemovedMeanwhileIsNoOrphan(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir, nodeA)
	path := lockPath(dir, nodeA)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	defer f.Close()
	must(t, j.Close())
	must(t, flock(f))
	if err := stillThere(f, path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a removed lock: %v", err)
	}
	must(t, os.WriteFile(path, nil, 0o600))
	if err := stillThere(f, path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("another lock of the same name: %v", err)
	}
}

// TestALivingNodeIsNeverAnOrphan looks for orphans while nodes come and go.
func TestALivingNodeIsNeverAnOrphan(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stop := make(chan struct{})
	var looking sync.WaitGroup
	looking.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			found, err := Orphans(dir)
			if err != nil || len(found) != 0 {
				t.Errorf("%d orphans, %v", len(found), err)
				return
			}
		}
	})
	for range 200 {
		j, err := Open(dir, nodeA)
		if err != nil {
			t.Error(err)
			break
		}
		must(t, j.Close())
	}
	close(stop)
	looking.Wait()
}

func FuzzReadSegment(f *testing.F) {
	f.Add("D 1 2 1\nR 1 2 1 250 \"2.0.0\" \"ok\"\n")
	f.Add("D 9223372036854775808 2 1\nR x\nD 1 1\n")
	f.Add("D 1 2 1\nR 1 2 1 99999 \"\" \"\"\nR 1 2 1 -250 `a` 'b'\n")
	f.Add("D -1 2 1\nD 1 -2 1\nD 1 2 0\n\x00\xff\n\n\nD 1 2D 1 3 1\n")
	f.Add(strings.Repeat("D", longestLine) + "\nD 1 2 1\n")
	f.Fuzz(func(t *testing.T, s string) {
		got := map[Key]Record{}
		if err := readSegment(strings.NewReader(s), got); err != nil {
			t.Fatal(err)
		}
		if len(got) > strings.Count(s, "D") {
			t.Fatal("more records than dots")
		}
		for k, rec := range got {
			if k.CampaignID < 1 || k.Seq < 1 || rec.Attempt < 1 {
				t.Fatalf("%v has attempt %d", k, rec.Attempt)
			}
			if rec.Reply != nil && (rec.Reply.Code < 200 || rec.Reply.Code > 599) {
				t.Fatalf("%v has the reply %d", k, rec.Reply.Code)
			}
		}
		// Whole lines after the worst there can be are understood, when a line end is between them.
		const more = "\nD 77 78 9\nR 77 78 9 451 \"4.3.0\" \"later\"\n"
		must(t, readSegment(strings.NewReader(s+more), got))
		if rec := got[Key{77, 78}]; rec.Attempt != 9 || rec.Reply == nil || rec.Reply.Code != 451 {
			t.Fatalf("got %+v", rec)
		}
	})
}

// FuzzRoundTrip reads back what was written, whatever the server said.
func FuzzRoundTrip(f *testing.F) {
	f.Add(250, "2.0.0", "ok\nline two \x00\xff \" `")
	f.Fuzz(func(t *testing.T, code int, status, text string) {
		if code < 200 || code > 599 || len(text)+len(status) > 32<<10 {
			t.Skip()
		}
		dir := t.TempDir()
		j := open(t, dir, nodeA)
		e := Entry{1, 2, 3}
		dot(t, j, e)
		must(t, j.Reply(e, Reply{code, status, text}, false))
		abandon(j)
		sameRecords(t, map[Key]Record{{1, 2}: {Attempt: 3, Reply: &Reply{code, status, text}}}, orphan(t, dir))
	})
}
