package journal

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	nodeA = "aaaaaaaa-0000-4000-8000-000000000001"
	nodeB = "bbbbbbbb-0000-4000-8000-000000000002"
)

func open(t *testing.T, dir, node string) *Journal {
	t.Helper()
	j, err := Open(dir, node)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func dot(t *testing.T, j *Journal, e Entry) Mark {
	t.Helper()
	m, err := j.Dot(e)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// abandon drops the journal as a killed process does: the files stay, the lock goes.
func abandon(j *Journal) { _ = j.lock.Close() }

func orphans(t *testing.T, dir string) []*Orphan {
	t.Helper()
	found, err := Orphans(dir)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestReadsWhatADeadNodeLeft(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir, nodeA)
	dot(t, j, Entry{1, 1, 1})
	dot(t, j, Entry{1, 2, 1})
	if err := j.Reply(Entry{1, 2, 1}, Reply{250, "2.0.0", "queued as \"x\"\nnext"}, false); err != nil {
		t.Fatal(err)
	}
	dot(t, j, Entry{1, 3, 1})
	_ = j.Reply(Entry{1, 3, 1}, Reply{451, "", "later"}, false)
	dot(t, j, Entry{1, 3, 2}) // a second attempt makes the first reply void
	if got := orphans(t, dir); len(got) != 0 {
		t.Fatalf("a living node's journal was taken for an orphan: %v", got[0].Node)
	}
	abandon(j)

	got := orphans(t, dir)
	if len(got) != 1 || got[0].Node != nodeA {
		t.Fatalf("got %d orphans, want node A", len(got))
	}
	want := map[Key]Record{
		{1, 1}: {Attempt: 1},
		{1, 2}: {Attempt: 1, Reply: &Reply{250, "2.0.0", "queued as \"x\"\nnext"}},
		{1, 3}: {Attempt: 2},
	}
	if diff := cmp.Diff(want, got[0].Records); diff != "" {
		t.Error(diff)
	}
	if err := got[0].Remove(); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("%d files left after Remove", len(left))
	}
}

func TestAReplyWaitsForTheNextLineAtMost(t *testing.T) {
	t.Parallel()
	reply := Reply{250, "2.0.0", "ok"}
	read := Record{Attempt: 1, Reply: &reply}
	held := func(t *testing.T, dir string) *Journal {
		j := open(t, dir, nodeA)
		dot(t, j, Entry{1, 1, 1})
		must(t, j.Reply(Entry{1, 1, 1}, reply, true))
		return j
	}
	for name, test := range map[string]struct {
		then func(*Journal)
		want map[Key]Record
	}{
		"nothing comes":  {func(*Journal) {}, map[Key]Record{{1, 1}: {Attempt: 1}}},
		"the next dot":   {func(j *Journal) { dot(t, j, Entry{1, 2, 1}) }, map[Key]Record{{1, 1}: read, {1, 2}: {Attempt: 1}}},
		"another reply":  {func(j *Journal) { must(t, j.Reply(Entry{1, 1, 1}, reply, false)) }, map[Key]Record{{1, 1}: read}},
		"nothing to add": {func(j *Journal) { must(t, j.Flush()) }, map[Key]Record{{1, 1}: read}},
		"the end":        {func(j *Journal) { must(t, j.Close()) }, map[Key]Record{{1, 1}: read}},
		"a long wait": {func(j *Journal) {
			for range maxHeld / 20 {
				must(t, j.Reply(Entry{1, 1, 1}, reply, true))
			}
		}, map[Key]Record{{1, 1}: read}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			j := held(t, dir)
			test.then(j)
			abandon(j)
			if diff := cmp.Diff(test.want, orphans(t, dir)[0].Records); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPassesOverATornLastLine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir, nodeA)
	dot(t, j, Entry{7, 1, 1})
	path := j.current.path
	abandon(j)
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = f.WriteString("R 7 1 1 250 \"2.0.0\" \"cut o")
	_ = f.Close()
	got := orphans(t, dir)[0]
	if diff := cmp.Diff(map[Key]Record{{7, 1}: {Attempt: 1}}, got.Records); diff != "" {
		t.Error(diff)
	}
	got.Release()
}

func TestCleanCloseLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir, nodeA)
	m := dot(t, j, Entry{1, 1, 1})
	j.Settle([]Mark{m})
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("%d files left", len(left))
	}
}

func TestCloseWithOpenEntriesKeepsThem(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir, nodeA)
	dot(t, j, Entry{1, 1, 1})
	_ = j.Close()
	got := orphans(t, dir)
	if len(got) != 1 || len(got[0].Records) != 1 {
		t.Fatal("the open entry is gone")
	}
	got[0].Release()
}

func TestSegmentsAreRemovedOnlyWhenSettled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir, nodeA)
	first := dot(t, j, Entry{1, 1, 1})
	j.current.full = 0
	second := dot(t, j, Entry{1, 2, 1})
	files := func() int {
		m, _ := filepath.Glob(filepath.Join(dir, "*.journal"))
		return len(m)
	}
	if files() != 2 {
		t.Fatalf("%d segments, want 2", files())
	}
	j.Settle([]Mark{second})
	if files() != 2 {
		t.Fatal("a segment with an open entry was removed")
	}
	j.Settle([]Mark{first})
	if files() != 1 {
		t.Fatalf("%d segments, want the current one only", files())
	}
}

func TestAReplyInALaterSegmentOutlivesItsNeighbours(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir, nodeA)
	slow := Entry{1, 1, 1}
	dot(t, j, slow)
	j.current.full = 0
	second := dot(t, j, Entry{1, 2, 1})
	if err := j.Reply(slow, Reply{Code: 250}, false); err != nil {
		t.Fatal(err)
	}
	j.current.full = 0
	dot(t, j, Entry{1, 3, 1})
	j.Settle([]Mark{second})
	abandon(j)
	got := orphans(t, dir)[0]
	if rec := got.Records[Key{1, 1}]; rec.Reply == nil || rec.Reply.Code != 250 {
		t.Errorf("the reply to the open entry is gone: %+v", got.Records)
	}
	got.Release()
}
