package tablefile

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"postrider/internal/errs"
)

// inMemory is how many bytes of shared strings are kept in memory before they go to a file.
const inMemory = 8 << 20

// readAhead is how many strings are read beyond the one that is needed.
const readAhead = 4096

// sharedStrings is the table of texts that the cells of a workbook point into. It is read as far as it is needed, which for the first rows is not far.
type sharedStrings struct {
	xml *xmlScanner // nil when the table was read to its end, or there is none
	dir string
	// Small tables: string i is data[ends[i-1]:ends[i]].
	data []byte
	ends []uint32
	// Large ones, in two files: the texts one after another, and the place behind each as 8 bytes.
	file  *spill
	index *spill
	count int64
	text  []byte // scratch
}

// get gives string i, valid until the next call; ok is false when there is none. It was cut off if it is longer than MaxRecord.
func (s *sharedStrings) get(i int64) (text []byte, ok bool, err error) {
	if i >= s.count && i < 1<<40 {
		// Texts are mostly asked for in the order of the table: reading some ahead saves a write to the file for each of them.
		for want := i + readAhead; s.count <= want && s.xml != nil; {
			if err := s.read(); err != nil {
				return nil, false, err
			}
		}
	}
	if i < 0 || i >= s.count {
		return nil, false, nil
	}
	if s.file != nil {
		return s.fetch(i)
	}
	from := uint32(0)
	if i > 0 {
		from = s.ends[i-1]
	}
	return s.data[from:s.ends[i]], true, nil
}

// read takes in the next string of the table.
func (s *sharedStrings) read() error {
	for {
		t, err := s.xml.next()
		if errors.Is(err, io.EOF) {
			s.xml = nil
			return nil
		}
		if err != nil {
			return err
		}
		if t == tokenStart && string(s.xml.name) == "si" {
			break
		}
	}
	var err error
	if s.text, err = s.xml.richText(s.text[:0]); err != nil {
		return err
	}
	return s.add(s.text)
}

// richText reads the text of the element that has just begun, a string in pieces with formats, and appends it to dst, up to a little over MaxRecord. Readings (of
// Japanese) are no part of it.
func (x *xmlScanner) richText(dst []byte) ([]byte, error) {
	in := false
	for depth := x.depth; ; {
		t, err := x.next()
		if err != nil {
			return dst, err
		}
		switch {
		case t == tokenStart && string(x.name) == "rPh":
			if err := x.skip(); err != nil {
				return dst, err
			}
		case t == tokenStart:
			in = string(x.name) == "t"
		case t == tokenText && in && len(dst) <= MaxRecord:
			dst = append(dst, x.text...)
		case t == tokenEnd:
			if in = false; x.depth < depth {
				return unescapeExcel(dst), nil
			}
		}
	}
}

// add appends a string to the table.
func (s *sharedStrings) add(text []byte) error {
	if s.file == nil && len(s.data)+len(text)+4*len(s.ends) > inMemory {
		if err := s.spill(); err != nil {
			return err
		}
	}
	s.count++
	if s.file == nil {
		s.data = append(s.data, text...)
		s.ends = append(s.ends, uint32(len(s.data)))
		return nil
	}
	if err := s.file.append(text); err != nil {
		return err
	}
	var place [8]byte
	binary.LittleEndian.PutUint64(place[:], uint64(s.file.size))
	return s.index.append(place[:])
}

// spill moves what is in memory to the files.
func (s *sharedStrings) spill() (err error) {
	if s.file, err = newSpill(s.dir); err != nil {
		return err
	}
	if s.index, err = newSpill(s.dir); err != nil {
		return err
	}
	if err := s.file.append(s.data); err != nil {
		return err
	}
	for _, end := range s.ends {
		var place [8]byte
		binary.LittleEndian.PutUint64(place[:], uint64(end))
		if err := s.index.append(place[:]); err != nil {
			return err
		}
	}
	s.data, s.ends = nil, nil
	return nil
}

// fetch gives a string from the files.
func (s *sharedStrings) fetch(i int64) ([]byte, bool, error) {
	var from uint64
	var place [8]byte
	if i > 0 {
		if err := s.index.readAt(place[:], 8*(i-1)); err != nil {
			return nil, false, err
		}
		from = binary.LittleEndian.Uint64(place[:])
	}
	if err := s.index.readAt(place[:], 8*i); err != nil {
		return nil, false, err
	}
	n := int(binary.LittleEndian.Uint64(place[:]) - from)
	if cap(s.text) < n {
		s.text = make([]byte, n)
	}
	s.text = s.text[:n]
	return s.text, true, s.file.readAt(s.text, int64(from))
}

func (s *sharedStrings) close() error {
	var err error
	for _, f := range []*spill{s.file, s.index} {
		if f != nil {
			err = errors.Join(err, f.f.Close())
		}
	}
	return err
}

// Pages of a spill that are kept in memory.
const (
	pageSize  = 16 << 10
	pageCount = 64
)

// spill is a temporary file that is appended to, and read at random with a cache.
type spill struct {
	f     *os.File
	w     *bufio.Writer
	size  int64 // with what is still in w
	clean int64 // up to here the file can be read
	pages [pageCount]page
}

type page struct {
	no   int64 // from 1; 0 is unused
	data []byte
}

func newSpill(dir string) (*spill, error) {
	f, err := tempFile(dir)
	if err != nil {
		return nil, err
	}
	return &spill{f: f, w: bufio.NewWriterSize(f, 64<<10)}, nil
}

func (s *spill) append(b []byte) error {
	if _, err := s.w.Write(b); err != nil {
		return spillError(err)
	}
	s.size += int64(len(b))
	return nil
}

// spillError tells a full disk, about which somebody can do something.
func spillError(err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return errs.Because(errs.Unavailable, err, "the disk of the server is full, so that the texts of the workbook find no place: make room, or upload the sheet as CSV")
	}
	return fmt.Errorf("writing the texts of a workbook to a temporary file: %w", err)
}

// readAt fills p from an offset; all of it must be there.
func (s *spill) readAt(p []byte, at int64) error {
	if at+int64(len(p)) > s.clean {
		if err := s.w.Flush(); err != nil {
			return spillError(err)
		}
		s.clean = s.size
	}
	for len(p) > 0 {
		data, err := s.page(at/pageSize + 1)
		if err != nil {
			return err
		}
		n := copy(p, data[at%pageSize:])
		p, at = p[n:], at+int64(n)
	}
	return nil
}

// page gives a page of what is clean. The last one may have been kept when it was shorter.
func (s *spill) page(no int64) ([]byte, error) {
	slot := &s.pages[no%pageCount]
	want := int(min(pageSize, s.clean-(no-1)*pageSize))
	if slot.no == no && len(slot.data) >= want {
		return slot.data, nil
	}
	if slot.data == nil {
		slot.data = make([]byte, pageSize)
	}
	slot.no, slot.data = no, slot.data[:want]
	if _, err := s.f.ReadAt(slot.data, (no-1)*pageSize); err != nil {
		slot.no = 0
		return nil, fmt.Errorf("reading the texts of a workbook from a temporary file: %w", err)
	}
	return slot.data, nil
}
