package journal

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Record is what a dead node's journal says of one entry: its dot was sent (or about to be); Reply is nil when none was noted.
type Record struct {
	Attempt int16
	Reply   *Reply
}

// Key names a delivery.
type Key struct {
	CampaignID int64
	Seq        int32
}

// Orphan is the journal of a node whose process is gone. It stays locked until Remove or Release.
type Orphan struct {
	Node    string
	Records map[Key]Record
	dir     string
	lock    *os.File
}

// Orphans finds the journals in dir that no living process holds. A missing dir has none. When one cannot be read, those found before it are given up again.
func Orphans(dir string) ([]*Orphan, error) {
	files, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for journals: %w", err)
	}
	var found []*Orphan
	for _, f := range files {
		node, ok := lockedNode(f)
		if !ok {
			continue
		}
		o, err := adopt(dir, node)
		if errors.Is(err, errHeld) || errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			for _, o := range found {
				o.Release()
			}
			return nil, err
		}
		found = append(found, o)
	}
	return found, nil
}

// adopt locks a node's journal and reads it.
func adopt(dir, node string) (*Orphan, error) {
	lock, err := takeLock(lockPath(dir, node))
	if err != nil {
		return nil, fmt.Errorf("locking the journal of node %s: %w", node, err)
	}
	o := &Orphan{Node: node, Records: map[Key]Record{}, dir: dir, lock: lock}
	if err := o.read(); err != nil {
		_ = lock.Close()
		return nil, err
	}
	return o, nil
}

// Left reports whether a node's journal is still in dir: somebody has yet to account for it. When the folder cannot be looked at it may be.
func Left(dir, node string) bool {
	_, err := os.Lstat(lockPath(dir, node))
	return !errors.Is(err, os.ErrNotExist)
}

// Remove deletes the orphan's files: everything in it is in the ledger now.
func (o *Orphan) Remove() error {
	defer func() { _ = o.lock.Close() }()
	paths, err := o.segments()
	if err != nil {
		return err
	}
	for _, path := range append(paths, lockPath(o.dir, o.Node)) {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}

// Release gives the orphan up without deleting it; the next start finds it again.
func (o *Orphan) Release() { _ = o.lock.Close() }

// segments in the order in which they were written.
func (o *Orphan) segments() ([]string, error) {
	files, err := os.ReadDir(o.dir)
	if err != nil {
		return nil, fmt.Errorf("looking for the journal of node %s: %w", o.Node, err)
	}
	var numbers []int
	for _, f := range files {
		if n, ok := segmentOf(o.Node, f); ok {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	paths := make([]string, len(numbers))
	for i, n := range numbers {
		paths[i] = segmentPath(o.dir, o.Node, n)
	}
	return paths, nil
}

func (o *Orphan) read() error {
	paths, err := o.segments()
	if err != nil {
		return err
	}
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("opening a journal: %w", err)
		}
		err = readSegment(f, o.Records)
		_ = f.Close()
		if err != nil {
			return fmt.Errorf("reading journal %s: %w", filepath.Base(path), err)
		}
	}
	return nil
}

// longestLine is more than any line of ours: a reply has at most 32 KiB, which quoting makes four times as long.
const longestLine = 256 << 10

// readSegment adds the lines of one segment to the records. A line that was cut off by the crash, and anything that is no line of ours, is passed
// over: the entry it would have named keeps what the whole lines say of it.
func readSegment(r io.Reader, into map[Key]Record) error {
	br := bufio.NewReaderSize(r, longestLine)
	for rest := false; ; {
		line, err := br.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, bufio.ErrBufferFull):
			rest = true
			continue
		case err != nil:
			return err
		}
		if !rest {
			apply(string(line[:len(line)-1]), into)
		}
		rest = false
	}
}

func apply(line string, into map[Key]Record) {
	kind, e, rest, ok := parseEntry(line)
	if !ok {
		return
	}
	key := Key{e.CampaignID, e.Seq}
	switch kind {
	case "D":
		into[key] = Record{Attempt: e.Attempt}
	case "R":
		reply, ok := parseReply(rest)
		if rec, known := into[key]; ok && known && rec.Attempt == e.Attempt {
			rec.Reply = &reply
			into[key] = rec
		}
	}
}

func parseEntry(line string) (kind string, e Entry, rest string, ok bool) {
	parts := strings.SplitN(line, " ", 5)
	if len(parts) < 4 || (parts[0] != "D" && parts[0] != "R") {
		return "", e, "", false
	}
	campaign, err1 := strconv.ParseInt(parts[1], 10, 64)
	seq, err2 := strconv.ParseInt(parts[2], 10, 32)
	attempt, err3 := strconv.ParseInt(parts[3], 10, 16)
	if err1 != nil || err2 != nil || err3 != nil || campaign < 1 || seq < 1 || attempt < 1 {
		return "", e, "", false
	}
	if len(parts) == 5 {
		rest = parts[4]
	}
	return parts[0], Entry{campaign, int32(seq), int16(attempt)}, rest, true
}

func parseReply(s string) (Reply, bool) {
	code, rest, ok := strings.Cut(s, " ")
	n, err := strconv.Atoi(code)
	if !ok || err != nil || n < 200 || n > 599 {
		return Reply{}, false
	}
	quotedStatus, err := strconv.QuotedPrefix(rest)
	if err != nil {
		return Reply{}, false
	}
	status, err1 := strconv.Unquote(quotedStatus)
	text, err2 := strconv.Unquote(strings.TrimPrefix(rest[len(quotedStatus):], " "))
	if err1 != nil || err2 != nil {
		return Reply{}, false
	}
	return Reply{Code: n, Status: status, Text: text}, true
}
