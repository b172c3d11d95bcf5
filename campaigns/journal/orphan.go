package journal

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
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

// Orphans finds the journals in dir that no living process holds. A missing dir has none.
func Orphans(dir string) ([]*Orphan, error) {
	locks, err := filepath.Glob(filepath.Join(dir, "*.lock"))
	if err != nil {
		return nil, err
	}
	sort.Strings(locks)
	var found []*Orphan
	for _, path := range locks {
		lock, err := tryLock(path, false)
		if errors.Is(err, unix.EWOULDBLOCK) || errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return found, fmt.Errorf("locking %s: %w", filepath.Base(path), err)
		}
		o := &Orphan{Node: strings.TrimSuffix(filepath.Base(path), ".lock"), Records: map[Key]Record{}, dir: dir, lock: lock}
		if err := o.read(); err != nil {
			_ = lock.Close()
			return found, err
		}
		found = append(found, o)
	}
	return found, nil
}

// Remove deletes the orphan's files: everything in it is in the ledger now.
func (o *Orphan) Remove() error {
	for _, path := range o.segments() {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	if err := os.Remove(lockPath(o.dir, o.Node)); err != nil {
		return err
	}
	return o.lock.Close()
}

// Release gives the orphan up without deleting it; the next start finds it again.
func (o *Orphan) Release() { _ = o.lock.Close() }

// segments in the order in which they were written.
func (o *Orphan) segments() []string {
	paths, _ := filepath.Glob(filepath.Join(o.dir, o.Node+".*.journal"))
	number := func(p string) int {
		parts := strings.Split(filepath.Base(p), ".")
		n, _ := strconv.Atoi(parts[len(parts)-2])
		return n
	}
	sort.Slice(paths, func(a, b int) bool { return number(paths[a]) < number(paths[b]) })
	return paths
}

func (o *Orphan) read() error {
	for _, path := range o.segments() {
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

// readSegment adds the lines of one segment to the records. A line that was cut off by the crash, and anything that is no line of ours, is passed
// over: the entry it would have named keeps what the whole lines say of it.
func readSegment(r io.Reader, into map[Key]Record) error {
	br := bufio.NewReaderSize(r, 1<<16)
	for {
		line, err := br.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		apply(strings.TrimSuffix(line, "\n"), into)
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
	if err1 != nil || err2 != nil || err3 != nil {
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
	if !ok || err != nil {
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
