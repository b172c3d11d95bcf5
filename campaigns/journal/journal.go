// Package journal remembers, on the local disk, which messages were between their final dot and the recorded result when a process died.
//
// The ledger in Postgres is written in batches. Between two batches a crash would leave every claimed message in doubt. So each process appends
// two short lines to a file of its own: "D", before the final dot is sent, and "R", when the reply has come; each with one write(2), as Exim's -J
// journal does. After kill -9 the lines are in the page cache or on the disk, and the next start reads them. A claimed delivery without D was never
// accepted by anyone; one with R has its reply; only D without R is in doubt.
//
// A journal consists of segments. A segment is removed when every message it holds has its result committed in Postgres.
package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// segmentBytes is where a new segment begins: about 200,000 lines.
const segmentBytes = 8 << 20

// Entry names one attempt to deliver one message.
type Entry struct {
	CampaignID int64
	Seq        int32
	Attempt    int16
}

// Reply is what the server said to the final dot.
type Reply struct {
	Code   int
	Status string
	Text   string
}

// Mark stands for one open entry. It is handed back to Settle when the entry's result is committed.
type Mark struct{ seg *segment }

type segment struct {
	file *os.File
	path string
	size int64
	open int // entries without a committed result
}

// Journal is the file of one node. It is safe for concurrent use.
type Journal struct {
	dir, node string
	lock      *os.File

	mu      sync.Mutex
	n       int
	current *segment
	old     []*segment
	line    []byte
}

// Open makes the journal of a node in dir, which is created with mode 0700 when missing. The node's lock file is held until Close, so that no other
// process takes a living node's journal for an orphan.
func Open(dir, node string) (*Journal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the journal's folder: %w", err)
	}
	lock, err := tryLock(lockPath(dir, node), true)
	if err != nil {
		return nil, fmt.Errorf("locking the journal of node %s: %w", node, err)
	}
	j := &Journal{dir: dir, node: node, lock: lock}
	if err := j.rotate(); err != nil {
		_ = lock.Close()
		return nil, err
	}
	return j, nil
}

// Dot notes that the final dot of the entry is about to be sent. When it fails (no space on the disk, say) the dot must not be sent.
func (j *Journal) Dot(e Entry) (Mark, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.current == nil {
		return Mark{}, errors.New("the journal is closed")
	}
	if j.current.size >= segmentBytes {
		if err := j.rotate(); err != nil {
			return Mark{}, err
		}
	}
	j.line = appendEntry(append(j.line[:0], 'D'), e)
	if err := j.write(); err != nil {
		return Mark{}, err
	}
	j.current.open++
	return Mark{seg: j.current}, nil
}

// Reply notes the server's answer to the final dot. An error means that a crash now would leave the entry in doubt although it is not: worth a
// log line, not worth losing the answer.
func (j *Journal) Reply(e Entry, r Reply) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.current == nil {
		return errors.New("the journal is closed")
	}
	j.line = appendEntry(append(j.line[:0], 'R'), e)
	j.line = append(j.line, ' ')
	j.line = strconv.AppendInt(j.line, int64(r.Code), 10)
	j.line = append(j.line, ' ')
	j.line = strconv.AppendQuote(j.line, r.Status)
	j.line = append(j.line, ' ')
	j.line = strconv.AppendQuote(j.line, r.Text)
	return j.write()
}

// Settle says that the results of the marked entries are committed. Full segments without an open entry are removed, the oldest first and never past one
// that has an open entry: the reply to that one may stand in any later segment.
func (j *Journal) Settle(marks []Mark) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, m := range marks {
		if m.seg != nil {
			m.seg.open--
		}
	}
	for len(j.old) > 0 && j.old[0].open == 0 {
		_ = j.old[0].file.Close()
		_ = os.Remove(j.old[0].path)
		j.old = j.old[1:]
	}
}

// Close ends the journal. When no entry is open its files are removed; otherwise they stay for the next start to read.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.current == nil {
		return nil
	}
	open := 0
	segs := append(j.old, j.current)
	for _, s := range segs {
		open += s.open
		_ = s.file.Close()
	}
	j.current, j.old = nil, nil
	if open == 0 {
		for _, s := range segs {
			_ = os.Remove(s.path)
		}
		_ = os.Remove(lockPath(j.dir, j.node))
	}
	return j.lock.Close()
}

// write appends j.line and a newline with one write(2). A short write is cut off again, so that a later line does not run on from it.
func (j *Journal) write() error {
	j.line = append(j.line, '\n')
	n, err := j.current.file.Write(j.line)
	if err != nil {
		if n > 0 {
			_ = j.current.file.Truncate(j.current.size)
		}
		return fmt.Errorf("writing the journal: %w", err)
	}
	j.current.size += int64(n)
	return nil
}

func (j *Journal) rotate() error {
	path := filepath.Join(j.dir, fmt.Sprintf("%s.%d.journal", j.node, j.n+1))
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("making a journal file: %w", err)
	}
	j.n++
	if j.current != nil {
		j.old = append(j.old, j.current)
	}
	j.current = &segment{file: f, path: path}
	return nil
}

func appendEntry(b []byte, e Entry) []byte {
	b = append(b, ' ')
	b = strconv.AppendInt(b, e.CampaignID, 10)
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(e.Seq), 10)
	b = append(b, ' ')
	return strconv.AppendInt(b, int64(e.Attempt), 10)
}

func lockPath(dir, node string) string { return filepath.Join(dir, node+".lock") }

// tryLock takes the lock file or fails at once when a living process holds it.
func tryLock(path string, create bool) (*os.File, error) {
	flags := os.O_RDWR
	if create {
		flags |= os.O_CREATE
	}
	f, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}
