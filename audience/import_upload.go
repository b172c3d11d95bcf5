package audience

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/audience/csvfile"
	"postrider/internal/errs"
	"postrider/internal/pg"
)

const (
	// chunkBytes is the size of the pieces in which a file is stored, and how much of it is looked at to guess its form.
	chunkBytes = 1 << 20
	// maxFileBytes bounds a file.
	maxFileBytes = 1 << 30
	// staleUpload is how old an upload must be to count as dead.
	staleUpload = 24 * time.Hour
)

// CreateImport takes a file in, piece by piece, and finds out how it is written. The import is then to be started. When the stream breaks, or the file is not
// CSV in UTF-8 or over 1 GiB, nothing of it is left behind.
func (s *Service) CreateImport(ctx context.Context, listID int64, filename string, r io.Reader) (Import, error) {
	chunk := make([]byte, chunkBytes)
	n, whole, err := readChunk(r, chunk)
	if err != nil {
		return Import{}, err
	}
	found, err := sniff(chunk[:n], whole)
	if err != nil {
		return Import{}, err
	}
	id, err := s.insertImport(ctx, listID, filename, found)
	if err != nil {
		return Import{}, err
	}
	if err := s.store(ctx, id, r, chunk, n); err != nil {
		// The caller's context may be what ended the upload.
		tidy, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		if _, e := s.pool.Exec(tidy, `DELETE FROM imports WHERE id = $1`, id); e != nil {
			err = errors.Join(err, fmt.Errorf("deleting the broken upload %d: %w", id, e))
		}
		return Import{}, err
	}
	return s.GetImport(ctx, id)
}

// readChunk fills buf from the stream; last says that the stream ended.
func readChunk(r io.Reader, buf []byte) (n int, last bool, err error) {
	n, err = io.ReadFull(r, buf)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return n, true, nil
	}
	if err != nil {
		return n, false, fmt.Errorf("reading the uploaded file: %w", err)
	}
	return n, false, nil
}

func (s *Service) insertImport(ctx context.Context, listID int64, filename string, found sniffed) (int64, error) {
	now := s.clock()
	if _, err := s.pool.Exec(ctx, `DELETE FROM imports WHERE status = 'uploading' AND created_at < $1`, now.Add(-staleUpload)); err != nil {
		return 0, fmt.Errorf("deleting dead uploads: %w", err)
	}
	var id int64
	err := s.pool.QueryRow(ctx, `INSERT INTO imports (list_id, filename, status, format, columns, created_at) VALUES ($1, $2, 'uploading', $3, $4, $5) RETURNING id`,
		listID, cleanFilename(filename), found.format, found.columns, now).Scan(&id)
	if pg.Violation(err) == "imports_list_id_fkey" {
		return 0, errs.InvalidField("list_id", "there is no list %d", listID)
	}
	if err != nil {
		return 0, fmt.Errorf("recording an upload: %w", err)
	}
	return id, nil
}

// cleanFilename keeps the last part of what a browser sent as the file's name; it is only shown.
func cleanFilename(name string) string {
	name = oneLine(strings.ToValidUTF8(name, "\uFFFD"))
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	if name == "." || name == "/" {
		return "upload.csv"
	}
	r := []rune(name)
	return string(r[max(0, len(r)-255):])
}

// store writes the chunk that is read already, of n bytes, and all that follow. Each is committed by itself, so that a slow upload holds no transaction open.
func (s *Service) store(ctx context.Context, id int64, r io.Reader, chunk []byte, n int) error {
	var size int64
	for i := 0; ; i++ {
		if size += int64(n); size > maxFileBytes {
			return errs.New(errs.TooLarge, "the file is larger than 1 GiB: split it and upload the parts one after another")
		}
		if n > 0 {
			if _, err := s.pool.Exec(ctx, `INSERT INTO import_chunks (import_id, n, data) VALUES ($1, $2, $3)`, id, i, chunk[:n]); err != nil {
				return fmt.Errorf("storing an upload: %w", err)
			}
		}
		if n < len(chunk) {
			break
		}
		var err error
		if n, _, err = readChunk(r, chunk); err != nil {
			return err
		}
	}
	tag, err := s.pool.Exec(ctx, `UPDATE imports SET status = 'uploaded', size_bytes = $2 WHERE id = $1`, id, size)
	if err != nil {
		return fmt.Errorf("recording an upload: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return errs.New(errs.Conflict, "the list was deleted while the file was being uploaded")
	}
	return nil
}

// errFileGone: the stored file ended before its size, because the import was cancelled or its list deleted.
var errFileGone = errors.New("the stored file is gone")

// chunks reads a stored file.
type chunks struct {
	fetch func(n int) ([]byte, error)
	left  int64 // bytes not yet fetched
	next  int
	cur   bytes.Reader
}

// openFile gives the stored file of an import from its start, for the life of ctx.
func (s *Service) openFile(ctx context.Context, imp Import) io.Reader {
	fetch := func(n int) (data []byte, err error) {
		err = s.pool.QueryRow(ctx, `SELECT data FROM import_chunks WHERE import_id = $1 AND n = $2`, imp.ID, n).Scan(&data)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil, errFileGone
		}
		if err != nil {
			return nil, fmt.Errorf("reading the stored file of import %d: %w", imp.ID, err)
		}
		return data, nil
	}
	return &chunks{fetch: fetch, left: imp.SizeBytes}
}

// Read fetches the next chunk when the one at hand is used up.
func (c *chunks) Read(p []byte) (int, error) {
	if c.cur.Len() == 0 {
		if c.left == 0 {
			return 0, io.EOF
		}
		data, err := c.fetch(c.next)
		if err != nil {
			return 0, err
		}
		c.next++
		c.left -= int64(len(data))
		c.cur.Reset(data)
	}
	return c.cur.Read(p)
}

// openRecords gives the data records of a stored file: the header is passed over.
func (s *Service) openRecords(ctx context.Context, imp Import) (*csvfile.Reader, error) {
	r := csvfile.NewReader(s.openFile(ctx, imp), imp.Format.Delimiter[0])
	if imp.Format.HasHeader {
		if _, err := r.Next(); err != nil {
			return nil, fmt.Errorf("reading the header of import %d: %w", imp.ID, err)
		}
	}
	return r, nil
}
