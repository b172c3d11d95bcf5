package audience

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/internal/pg"
)

// Bounds of a file of suppressions: bytes of a line, rows written in one transaction, rows that are named when they were not taken.
const (
	maxSuppressionLine  = 64 << 10
	suppressionBatch    = 5000
	maxSuppressionNamed = 200
)

// SuppressionImport is what a file of suppressions did. Rows is the sum of Added, Known and Rejected; Problems names the first rows that were not taken.
type SuppressionImport struct {
	Rows     int64
	Added    int64
	Known    int64 // were suppressed before, and keep their evidence
	Rejected int64
	Problems []SuppressionProblem
}

// SuppressionProblem is a row that was not taken.
type SuppressionProblem struct {
	Line   int64
	Value  string
	Reason string
}

// NewSuppressions says what is to be known of the suppressions of a file whose rows do not say it themselves.
type NewSuppressions struct {
	Reason string // "" is manual
	Detail string
	By     Actor
}

// ImportSuppressions reads a file: an address or "@domain" on each line, or CSV with a header that names email and perhaps reason and detail, such as an export of
// ours. It is read as it comes and written in batches, each in its own transaction, so that a file may be of any size; a file that breaks off has been taken up to there.
// Whoever is suppressed stays as they are, so that the same file may come again.
func (s *Service) ImportSuppressions(ctx context.Context, file io.Reader, n NewSuppressions) (SuppressionImport, error) {
	out := SuppressionImport{Problems: []SuppressionProblem{}}
	if n.Reason == "" {
		n.Reason = ReasonManual
	}
	if err := checkReason(n.Reason); err != nil {
		return out, err
	}
	n.Detail = clip(n.Detail)
	r := newSuppressionReader(file)
	batch := make([]suppressionRow, 0, suppressionBatch)
	for {
		row, err := r.next()
		end := errors.Is(err, io.EOF)
		var public *errs.E
		switch {
		case end:
		case errors.As(err, &public) && row.line > 0:
			out.reject(row, public.Public)
		case err != nil:
			return out, err
		default:
			batch = append(batch, row.withDefaults(n))
		}
		if len(batch) == suppressionBatch || end && len(batch) > 0 {
			if err := s.storeSuppressions(ctx, batch, n.By, &out); err != nil {
				return out, err
			}
			batch = batch[:0]
		}
		if end {
			return out, nil
		}
	}
}

func (o *SuppressionImport) reject(row suppressionRow, reason string) {
	o.Rows++
	o.Rejected++
	if len(o.Problems) < maxSuppressionNamed {
		o.Problems = append(o.Problems, SuppressionProblem{Line: row.line, Value: excerpt(storable(row.typed)), Reason: reason})
	}
}

func (s *Service) storeSuppressions(ctx context.Context, batch []suppressionRow, by Actor, out *SuppressionImport) error {
	keys, reasons, details := make([]string, len(batch)), make([]string, len(batch)), make([]string, len(batch))
	for i, r := range batch {
		keys[i], reasons[i], details[i] = r.key, r.reason, r.detail
	}
	return pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		gone, err := s.erased(ctx, tx, keys)
		if err != nil {
			return err
		}
		for i := range keys {
			if gone[keys[i]] {
				keys[i] = "" // counted as known: they are not mailed, and the address is to be kept nowhere
			}
		}
		if err := actBy(ctx, tx, by, ""); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `SELECT FROM subscribers WHERE email_key = ANY ($1) ORDER BY id FOR KEY SHARE`, keys); err != nil {
			return fmt.Errorf("importing suppressions: %w", err)
		}
		if err := keepSuppressed(ctx, tx, `SELECT unnest($1::text[])`, keys); err != nil {
			return err
		}
		// In the order of the keys, so that two files at the same time do not wait for each other.
		tag, err := tx.Exec(ctx, `INSERT INTO suppressions (email_key, reason, source, detail, created_at)
			SELECT DISTINCT ON (key) key, reason, $4, detail, $5 FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS f (key, reason, detail, n)
			WHERE key <> '' ORDER BY key, n ON CONFLICT (email_key) DO NOTHING`, keys, reasons, details, SourceImport, s.clock())
		if err != nil {
			return fmt.Errorf("importing suppressions: %w", err)
		}
		out.Rows += int64(len(batch))
		out.Added += tag.RowsAffected()
		out.Known += int64(len(batch)) - tag.RowsAffected()
		return nil
	})
}

// suppressionRow is one row of a file.
type suppressionRow struct {
	line                       int64
	typed, key, reason, detail string
}

func (r suppressionRow) withDefaults(n NewSuppressions) suppressionRow {
	if r.reason == "" {
		r.reason = n.Reason
	}
	if r.detail = clip(r.detail); r.detail == "" {
		r.detail = n.Detail
	}
	return r
}

// suppressionReader reads rows of a file, each line by itself: a quote that is never closed spoils one line and not the rest.
type suppressionReader struct {
	in     *bufio.Reader
	line   int64
	comma  rune
	column map[string]int // nil for a file without a header
}

func newSuppressionReader(file io.Reader) *suppressionReader {
	return &suppressionReader{in: bufio.NewReaderSize(file, maxSuppressionLine), comma: ','}
}

// next gives the next row that is not empty; io.EOF is the end. With an errs.Invalid the row has what can be said of it.
func (r *suppressionReader) next() (suppressionRow, error) {
	for {
		text, err := r.readLine()
		if err != nil {
			return suppressionRow{line: r.line, typed: text}, err
		}
		if r.line == 1 {
			text = strings.TrimPrefix(text, "\ufeff")
			if r.header(text) {
				continue
			}
		}
		if strings.TrimSpace(text) == "" || strings.HasPrefix(text, "#") {
			continue
		}
		return r.row(text)
	}
}

// readLine gives a line without its end. One that is too long is read to its end and refused.
func (r *suppressionReader) readLine() (string, error) {
	line, err := r.in.ReadSlice('\n')
	if len(line) > 0 || err == nil {
		r.line++
	}
	text := string(bytes.TrimRight(line, "\r\n"))
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = r.in.ReadSlice('\n')
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("reading suppressions: %w", err)
		}
		return text, errs.New(errs.Invalid, "the line is longer than %d bytes", maxSuppressionLine)
	case errors.Is(err, io.EOF) && len(line) == 0:
		return "", io.EOF
	case err != nil && !errors.Is(err, io.EOF):
		return "", fmt.Errorf("reading suppressions: %w", err)
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return text, errs.New(errs.Invalid, "the line is not UTF-8: save the file as UTF-8")
	}
	return text, nil
}

// header takes the first line as the names of columns when one of them is that of the address.
func (r *suppressionReader) header(text string) bool {
	r.comma = ','
	for _, c := range []rune{',', ';', '\t'} {
		if strings.ContainsRune(text, c) {
			r.comma = c
			break
		}
	}
	fields, err := r.split(text)
	if err != nil {
		return false
	}
	column := map[string]int{}
	for i, name := range fields {
		switch name = strings.ToLower(strings.TrimSpace(name)); name {
		case "email", "e-mail", "email address", "address", "domain", "email_address":
			column["email"] = i
		case "reason", "detail":
			column[name] = i
		case "note", "comment":
			column["detail"] = i
		}
	}
	if _, ok := column["email"]; !ok {
		return false
	}
	r.column = column
	return true
}

func (r *suppressionReader) split(text string) ([]string, error) {
	c := csv.NewReader(strings.NewReader(text))
	c.Comma = r.comma
	c.FieldsPerRecord = -1
	return c.Read()
}

func (r *suppressionReader) row(text string) (suppressionRow, error) {
	row := suppressionRow{line: r.line, typed: text}
	fields := []string{text}
	if r.column != nil || strings.ContainsRune(text, r.comma) {
		var err error
		if fields, err = r.split(text); err != nil {
			return row, errs.New(errs.Invalid, "the line is not CSV: a quote is missing or in a wrong place")
		}
	}
	at := func(name string) string {
		i, ok := r.column[name]
		if !ok || i >= len(fields) {
			return ""
		}
		return strings.TrimSpace(fields[i])
	}
	row.typed = strings.TrimSpace(fields[0])
	if r.column != nil {
		row.typed = at("email")
		row.reason, row.detail = strings.ToLower(at("reason")), at("detail")
	}
	if rest, ok := strings.CutPrefix(row.typed, "'"); ok && strings.IndexAny(rest, "=+-@|%") == 0 { // as our export writes what a spreadsheet would take for a formula
		row.typed = rest
	}
	var err error
	if row.key, err = suppressionKey(row.typed); err != nil {
		return row, errs.New(errs.Invalid, "%s", publicText(err))
	}
	if row.reason != "" {
		if err := checkReason(row.reason); err != nil {
			return row, err
		}
	}
	return row, nil
}

// ExportSuppressions calls write with each suppression, newest first, read page by page.
func (s *Service) ExportSuppressions(ctx context.Context, f SuppressionFilter, write func(Suppression) error) error {
	for q := (page.Query{Limit: page.MaxLimit}); ; {
		p, err := s.ListSuppressions(ctx, f, q)
		if err != nil {
			return err
		}
		for _, x := range p.Items {
			x.CreatedAt = x.CreatedAt.UTC().Truncate(time.Second)
			if err := write(x); err != nil {
				return err
			}
		}
		if p.NextCursor == "" {
			return nil
		}
		q.Cursor = p.NextCursor
	}
}
