package audience

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"postrider/audience/tablefile"
	"postrider/internal/errs"
	"postrider/internal/pg"
)

const (
	// chunkBytes is the size of the pieces in which a file is stored, and how much of it is looked at to guess its form.
	chunkBytes = 1 << 20
	// staleUpload is how old an upload must be to count as dead.
	staleUpload = 24 * time.Hour
)

// DefaultMaxUpload bounds an uploaded file, and what it unpacks to, when nothing else is set, in bytes.
const DefaultMaxUpload = 64 << 30

// UploadLimits bound the files that are taken in. Its zero value stands for DefaultMaxUpload and the system's folder for temporary files.
type UploadLimits struct {
	Stored   int64  // bytes of a file as it is uploaded
	Unpacked int64  // bytes of what a packed file unpacks to
	TempDir  string // for the texts of large workbooks
}

// SetUploadLimits sets the limits. It is called before the service is used.
func (s *Service) SetUploadLimits(l UploadLimits) { s.uploads = l }

// UploadLimits gives the limits that hold.
func (s *Service) UploadLimits() UploadLimits {
	l := s.uploads
	if l.Stored <= 0 {
		l.Stored = DefaultMaxUpload
	}
	if l.Unpacked <= 0 {
		l.Unpacked = DefaultMaxUpload
	}
	return l
}

// CreateImport takes a file in, piece by piece, and finds out how it is written. The import is then to be started. When the stream breaks, or the file is
// none that is read or over a limit, nothing of it is left behind.
func (s *Service) CreateImport(ctx context.Context, listID int64, filename string, r io.Reader) (Import, error) {
	chunk := make([]byte, chunkBytes)
	n, whole, err := readChunk(r, chunk)
	if err != nil {
		return Import{}, err
	}
	if r, n, whole, err = s.unwrap(r, chunk, n, whole); err != nil {
		return Import{}, err
	}
	found := sniffed{format: Format{Sheets: []string{}}, columns: []Column{}}
	workbook := isZIP(chunk[:n]) // its table of contents is at its end
	if !workbook {
		if found, err = sniff(bytes.NewReader(chunk[:n]), whole, FormatChange{}, s.UploadLimits()); err != nil {
			return Import{}, err
		}
		if err := s.suggestKnown(ctx, &found); err != nil {
			return Import{}, err
		}
	}
	id, err := s.insertImport(ctx, listID, filename, found)
	if err != nil {
		return Import{}, err
	}
	size, err := s.store(ctx, id, r, chunk, n)
	if err == nil {
		err = s.finishUpload(ctx, id, size, workbook)
	}
	if err != nil {
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

// unwrap unpacks a workbook that comes as a gzip file, because it is read from its end. chunk holds the first n bytes before and after; whole says that they are all.
func (s *Service) unwrap(r io.Reader, chunk []byte, n int, whole bool) (io.Reader, int, bool, error) {
	if !isGzip(chunk[:n]) {
		return r, n, whole, nil
	}
	if text, _, err := unpackHead(chunk[:n], s.UploadLimits()); err != nil || !isZIP(text) {
		return r, n, whole, err
	}
	head := bytes.NewReader(bytes.Clone(chunk[:n]))
	inner, err := tablefile.Unpack(io.MultiReader(head, r), tablefile.CompressionGzip, s.UploadLimits().Unpacked)
	if err != nil {
		return nil, 0, false, fileError(err)
	}
	n, whole, err = readChunk(inner, chunk)
	return inner, n, whole, fileError(err)
}

// finishUpload makes an upload visible once all of it is stored.
func (s *Service) finishUpload(ctx context.Context, id, size int64, workbook bool) error {
	if workbook {
		found, err := sniff(s.storedFile(ctx, id, size), true, FormatChange{}, s.UploadLimits())
		if err != nil {
			return err
		}
		if err := s.suggestKnown(ctx, &found); err != nil {
			return err
		}
		if _, err := s.pool.Exec(ctx, `UPDATE imports SET format = $2, columns = $3 WHERE id = $1`, id, found.format, found.columns); err != nil {
			return fmt.Errorf("recording the form of upload %d: %w", id, err)
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

// SetImportFormat corrects what was guessed of the form of an uploaded file that was not started, and reads its columns anew. A change that does not fit the file is an
// Invalid error about its field and changes nothing.
func (s *Service) SetImportFormat(ctx context.Context, id int64, change FormatChange) (Import, error) {
	imp, err := s.GetImport(ctx, id)
	if err != nil {
		return imp, err
	}
	if imp.Status != ImportUploaded {
		return imp, errs.New(errs.Conflict, "import %d is %s: only a file that was not started can be read in another way", id, imp.Status)
	}
	if problem := imp.Format.mismatch(change); problem != nil {
		return imp, problem
	}
	change.keep(imp.Format)
	found, err := sniff(s.storedFile(ctx, id, imp.SizeBytes), true, change, s.UploadLimits())
	if errors.Is(err, errFileGone) {
		return imp, errs.New(errs.Conflict, "import %d has just ended and its file is gone: upload the file again", id)
	}
	if err != nil {
		return imp, err
	}
	if err := s.suggestKnown(ctx, &found); err != nil {
		return imp, err
	}
	tag, err := s.pool.Exec(ctx, `UPDATE imports SET format = $2, columns = $3, mapping = NULL WHERE id = $1 AND status = 'uploaded'`, id, found.format, found.columns)
	if err != nil {
		return imp, fmt.Errorf("recording the form of import %d: %w", id, err)
	}
	if tag.RowsAffected() == 0 {
		return imp, errs.New(errs.Conflict, "import %d was started in the meantime", id)
	}
	return s.GetImport(ctx, id)
}

// mismatch finds changes that mean nothing for the kind of file.
func (f Format) mismatch(c FormatChange) error {
	switch workbook := f.Kind == tablefile.KindXLSX; {
	case workbook && c.Delimiter != "":
		return errs.InvalidField("delimiter", "a workbook has no delimiter")
	case workbook && c.Encoding != "":
		return errs.InvalidField("encoding", "a workbook has no encoding to choose")
	case !workbook && c.Sheet != "":
		return errs.InvalidField("sheet", "only workbooks have sheets")
	}
	return nil
}

// keep fills up a change with what stays as it is. With another sheet, whether there is a header is guessed anew.
func (c *FormatChange) keep(f Format) {
	if c.HasHeader == nil && (c.Sheet == "" || c.Sheet == f.Sheet) {
		c.HasHeader = &f.HasHeader
	}
	for _, v := range []struct {
		change  *string
		present string
	}{{&c.Delimiter, f.Delimiter}, {&c.Encoding, f.Encoding}, {&c.Sheet, f.Sheet}} {
		if *v.change == "" {
			*v.change = v.present
		}
	}
}

// Encoding is a way to write text as bytes.
type Encoding = tablefile.Encoding

// ImportEncodings are all encodings that can be chosen, those that are met most first.
func ImportEncodings() []Encoding { return tablefile.Encodings() }

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

// store writes the chunk that is read already, of n bytes, and all that follow, and gives their size. Each is committed by itself, so that a slow upload holds no transaction open.
func (s *Service) store(ctx context.Context, id int64, r io.Reader, chunk []byte, n int) (size int64, err error) {
	limit := s.UploadLimits().Stored
	for i := 0; ; i++ {
		if size += int64(n); size > limit {
			return 0, errs.New(errs.TooLarge, "the file is larger than %s: split it and upload the parts one after another, or have the limit raised (POSTRIDER_MAX_UPLOAD)", tablefile.Size(limit))
		}
		if n > 0 {
			if _, err := s.pool.Exec(ctx, `INSERT INTO import_chunks (import_id, n, data) VALUES ($1, $2, $3)`, id, i, chunk[:n]); err != nil {
				return 0, storingError(err)
			}
		}
		if n < len(chunk) {
			return size, nil
		}
		if n, _, err = readChunk(r, chunk); err != nil {
			return 0, fileError(err)
		}
	}
}

// storingError tells a full disk, about which somebody can do something.
func storingError(err error) error {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && pgErr.Code == diskFull {
		return errs.Because(errs.Unavailable, err, "the disk of the database is full, so that the file finds no place; nothing of it was kept. Make room, then upload it again")
	}
	return fmt.Errorf("storing an upload: %w", err)
}

// diskFull is the SQLSTATE of a full disk.
const diskFull = "53100"

// errFileGone: the stored file ended before its size, because the import was cancelled or its list deleted.
var errFileGone = errors.New("the stored file is gone")

// storedFile is a file in chunks, read at random. It keeps some chunks, since the parts of a workbook are read side by side. It is not safe for concurrent use.
type storedFile struct {
	fetch func(n int64) ([]byte, error)
	size  int64
	kept  []keptChunk // the latest used first
}

type keptChunk struct {
	n    int64
	data []byte
}

// keptChunks is how many chunks are kept in memory.
const keptChunks = 4

// storedFile gives the stored file of an import, for the life of ctx.
func (s *Service) storedFile(ctx context.Context, id, size int64) *storedFile {
	fetch := func(n int64) (data []byte, err error) {
		err = s.pool.QueryRow(ctx, `SELECT data FROM import_chunks WHERE import_id = $1 AND n = $2`, id, n).Scan(&data)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil, errFileGone
		}
		if err != nil {
			return nil, fmt.Errorf("reading the stored file of import %d: %w", id, err)
		}
		return data, nil
	}
	return &storedFile{fetch: fetch, size: size}
}

// Size is the size of the file in bytes.
func (f *storedFile) Size() int64 { return f.size }

// ReadAt is that of io.ReaderAt.
func (f *storedFile) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, errors.New("reading before the start of a stored file")
	}
	for n < len(p) {
		if off >= f.size {
			return n, io.EOF
		}
		data, err := f.chunk(off / chunkBytes)
		if err != nil {
			return n, err
		}
		if off%chunkBytes >= int64(len(data)) {
			return n, errFileGone
		}
		copied := copy(p[n:], data[off%chunkBytes:])
		n, off = n+copied, off+int64(copied)
	}
	return n, nil
}

// chunk gives a chunk, from those that are kept or from the database.
func (f *storedFile) chunk(n int64) ([]byte, error) {
	for i, k := range f.kept {
		if k.n == n {
			copy(f.kept[1:i+1], f.kept[:i])
			f.kept[0] = k
			return k.data, nil
		}
	}
	data, err := f.fetch(n)
	if err != nil {
		return nil, err
	}
	if len(f.kept) == keptChunks {
		f.kept = f.kept[:keptChunks-1]
	}
	f.kept = slices.Insert(f.kept, 0, keptChunk{n, data})
	return data, nil
}

// openRecords gives the data records of a stored file: the header is passed over. The reader is to be closed.
func (s *Service) openRecords(ctx context.Context, imp Import) (*tablefile.Reader, error) {
	r, err := tablefile.Open(s.storedFile(ctx, imp.ID, imp.SizeBytes), imp.options(s.UploadLimits()))
	if err != nil {
		return nil, fmt.Errorf("opening the file of import %d: %w", imp.ID, err)
	}
	if imp.Format.HasHeader {
		if err := r.Skip(1); err != nil {
			return nil, errors.Join(fmt.Errorf("reading the header of import %d: %w", imp.ID, err), r.Close())
		}
	}
	return r, nil
}
