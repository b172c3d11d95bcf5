package media

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"postrider/internal/errs"
)

// testTimeout bounds a whole test: a person is waiting for it.
const testTimeout = 30 * time.Second

// TestStep is how far one step came: write, read or delete.
type TestStep struct {
	Step   string
	OK     bool
	Detail string // the service's own words where it has said something
	Took   time.Duration
}

// TestReport is what a test of a storage found. A storage that refuses is a result and no error.
type TestReport struct {
	OK     bool
	Steps  []TestStep
	Remedy string // what a person can do about the step that failed
}

// TestStorage writes a small object, reads it back and removes it.
func (s *Service) TestStorage(ctx context.Context, id int64) (TestReport, error) {
	st, err := getStorage(ctx, s.pool, id)
	if err != nil {
		return TestReport{}, err
	}
	p, err := s.place(st)
	if err != nil {
		return TestReport{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, testTimeout)
	defer cancel()
	return s.probe(ctx, p), nil
}

func (s *Service) probe(ctx context.Context, p place) TestReport {
	object := "probe-" + strings.ToLower(rand.Text())
	body := []byte("Postrider looks whether this storage works. This can be deleted.\n")
	report := TestReport{OK: true}
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"write", func() error { return p.put(ctx, object, "text/plain; charset=utf-8", body) }},
		{"read", func() error { return readsBack(ctx, p, object, body) }},
		{"delete", func() error { return removes(ctx, p, object) }},
	} {
		began := s.now()
		err := step.do()
		t := TestStep{Step: step.name, OK: err == nil, Took: s.now().Sub(began)}
		if err != nil {
			t.Detail, report.OK, report.Remedy = said(err), false, remedy(p, err)
		}
		report.Steps = append(report.Steps, t)
		if err != nil {
			break
		}
	}
	return report
}

func readsBack(ctx context.Context, p place, object string, want []byte) error {
	r, err := p.open(ctx, object)
	if err != nil {
		return err
	}
	defer r.Close()
	got, err := io.ReadAll(io.LimitReader(r, MaxBytes))
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return errors.New("what is read is not what was written")
	}
	return nil
}

func removes(ctx context.Context, p place, object string) error {
	if err := p.remove(ctx, object); err != nil {
		return err
	}
	r, err := p.open(ctx, object)
	if err == nil {
		_ = r.Close()
		return errors.New("what was deleted is still there")
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// said gives an error to a person who set the storage up.
func said(err error) string {
	var public *errs.E
	if errors.As(err, &public) {
		return strings.TrimPrefix(public.Public, "the storage did not do it: ")
	}
	return err.Error()
}

func remedy(p place, err error) string {
	if f, ok := p.(folder); ok {
		return fmt.Sprintf("See that the program may write to %s and that there is room.", f.dir)
	}
	return s3Remedy(err)
}

// Missing reads the files in the folder that were added last, at most n, and gives the names of those that are not there: a folder that not all processes share shows by that.
func (s *Service) Missing(ctx context.Context, n int) ([]string, error) {
	files, err := folderFiles(ctx, s.pool, n)
	if err != nil {
		return nil, err
	}
	var missing []string
	for _, f := range files {
		r, err := s.folder.open(ctx, f.Object)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			missing = append(missing, f.Name)
		case err != nil:
			return nil, err
		default:
			_ = r.Close()
		}
	}
	return missing, nil
}
