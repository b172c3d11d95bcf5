// Package journal remembers, on the local disk, which messages were between their final dot and the recorded result when a process died.
//
// The ledger in Postgres is written in batches. Between two batches a crash would leave every claimed message in doubt. So each process appends
// two short lines to a file of its own: "D", before the final dot is sent, and "R", when the reply has come, as Exim's -J journal does; an "R" may
// share one write(2) with the "D" of the message after it on the same connection, which comes before that one is in doubt. After kill -9 the lines are in the page cache or on the disk, and the next start reads them. A claimed delivery without D was never
// accepted by anyone; one with R has its reply; only D without R is in doubt.
//
// A journal consists of segments. A segment is removed when every message it holds has its result committed in Postgres.
package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
)

// segmentBytes is where a new segment begins: about 200,000 lines.
const segmentBytes = 8 << 20

var errClosed = errors.New("the journal is closed")

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
	// torn says that the file ends in a piece of a line, which could not be cut off.
	torn bool
	// full is the size at which a new segment begins.
	full int64
}

// Journal is the file of one node. It is safe for concurrent use.
type Journal struct {
	dir, node string
	lock      *os.File

	mu      sync.Mutex
	n       int
	current *segment
	old     []*segment
	// out is what goes out with the next write: replies that could wait, and the line in hand.
	out []byte
}

// Open makes the journal of a node in dir, which is created with mode 0700 when missing. A node is named by a UUID. Its lock file is held until Close, so
// that no other process takes a living node's journal for an orphan.
func Open(dir, node string) (*Journal, error) {
	if !nodeName.MatchString(node) {
		return nil, fmt.Errorf("%q is not the name of a node", node)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the journal's folder: %w", err)
	}
	lock, err := makeLock(dir, node)
	if err != nil {
		return nil, fmt.Errorf("locking the journal of node %s: %w", node, err)
	}
	j := &Journal{dir: dir, node: node, lock: lock}
	if err := j.rotate(); err != nil {
		_ = os.Remove(lockPath(dir, node))
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
		return Mark{}, errClosed
	}
	if j.current.size >= j.current.full && j.rotate() != nil {
		// As long as the file in hand takes lines nothing is in danger; a new one is tried for again a good deal later.
		j.current.full = j.current.size + segmentBytes/8
	}
	if err := j.write(appendEntry(append(j.out, 'D'), e)); err != nil {
		return Mark{}, err
	}
	j.current.open++
	return Mark{seg: j.current}, nil
}

// maxHeld bounds the replies that wait.
const maxHeld = 32 << 10

// Reply notes the server's answer to the final dot. With more the line may wait for the next Dot or Reply of anybody and go out in one write(2) with it: the
// caller's connection has its next message in hand, whose Dot comes before that message can be in doubt, so that there is still at most one of each
// connection. An error means that a crash now would leave the entry in doubt although it is not: worth a log line, not worth losing the answer.
func (j *Journal) Reply(e Entry, r Reply, more bool) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.current == nil {
		return errClosed
	}
	b := appendEntry(append(j.out, 'R'), e)
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(r.Code), 10)
	b = append(b, ' ')
	b = strconv.AppendQuote(b, r.Status)
	b = append(b, ' ')
	b = strconv.AppendQuote(b, r.Text)
	if more && len(b) < maxHeld {
		j.out = append(b, '\n')
		return nil
	}
	return j.write(b)
}

// Flush writes the replies that wait for another line.
func (j *Journal) Flush() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.current == nil {
		return errClosed
	}
	return j.flush()
}

func (j *Journal) flush() error {
	if len(j.out) == 0 {
		return nil
	}
	return j.write(j.out[:len(j.out)-1])
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
	flushed := j.flush()
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
		flushed = nil // nobody needs them any more
	}
	return errors.Join(flushed, j.lock.Close())
}

// Probe tries whether there is room for another line, by writing an empty one, which readers pass over. It is for those who were refused by Dot and want to
// know whether to go on.
func (j *Journal) Probe() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.current == nil {
		return errClosed
	}
	// As long as a line with a long reply: room for one byte is none.
	return j.write(append(j.out, probe...))
}

// probe is a line that means nothing.
var probe = bytes.Repeat([]byte{'-'}, 1023)

// write appends b, which is j.out and a line, and a newline with one write(2). Of a short write the piece is cut off again or, when that fails too, ended by
// the next line: a whole line must never run on from a piece, or it would be passed over as well. What fails leaves j.out as it was.
func (j *Journal) write(b []byte) error {
	held := len(j.out)
	b = append(b, '\n')
	seg := j.current
	if seg.torn {
		b = slices.Insert(b, 0, '\n')
	}
	n, err := seg.file.Write(b)
	if err == nil {
		seg.torn = false
		seg.size += int64(n)
		j.out = b[:0]
		return nil
	}
	if seg.torn {
		b = b[1:]
	}
	j.out = b[:held]
	if n > 0 && seg.file.Truncate(seg.size) != nil {
		seg.torn = true
		seg.size += int64(n)
	}
	return fmt.Errorf("writing the journal: %w", err)
}

func (j *Journal) rotate() error {
	path := segmentPath(j.dir, j.node, j.n+1)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("making a journal file: %w", err)
	}
	j.n++
	if j.current != nil {
		j.old = append(j.old, j.current)
	}
	j.current = &segment{file: f, path: path, full: segmentBytes}
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
