package audience

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"

	"postrider/audience/tablefile"
	"postrider/internal/page"
	"postrider/internal/pg"
)

// Headers of the columns that the error file has beside those of the upload.
const (
	errorRowHeader    = "row"
	errorReasonHeader = "reason"
)

// errorBatch is how many rejected rows are read at a time for the error file.
const errorBatch = 1000

// ListImportErrors gives the rejected rows in the order of the file.
func (s *Service) ListImportErrors(ctx context.Context, id int64, q page.Query) (page.Page[ImportError], error) {
	var (
		none page.Page[ImportError]
		last int64
	)
	if q.Cursor != "" {
		if err := page.Decode(q.Cursor, &last); err != nil {
			return none, err
		}
	}
	imp, err := s.GetImport(ctx, id)
	if err != nil {
		return none, err
	}
	rows, err := pg.Many[ImportError](ctx, s.pool, "import errors", `SELECT row, column_name AS "column", value, reason FROM import_errors
		WHERE import_id = $1 AND row > $2 ORDER BY row LIMIT $3`, id, last, q.Size()+1)
	if err != nil {
		return none, err
	}
	p := page.Cut(rows, q, func(e ImportError) string { return page.Encode(e.Row) })
	p.Total, p.TotalExact = &imp.Rejected, true
	return p, nil
}

// WriteImportErrorsCSV writes the rejected rows as they were in the file, with their line and what is wrong, in the file's own form: to be mended and uploaded
// again. Values are not altered; one that starts with "=" does so because it did in the upload. Bytes that were not UTF-8 are U+FFFD.
func (s *Service) WriteImportErrorsCSV(ctx context.Context, id int64, w io.Writer) error {
	imp, err := s.GetImport(ctx, id)
	if err != nil {
		return err
	}
	if imp.Format.Encoding == EncodingUTF8BOM {
		if _, err := io.WriteString(w, tablefile.BOM); err != nil {
			return fmt.Errorf("writing the error file: %w", err)
		}
	}
	out := csv.NewWriter(w)
	out.Comma = imp.Format.comma()
	header := make([]string, len(imp.Columns))
	for i := range imp.Columns {
		header[i] = columnName(imp.Columns, i)
	}
	if err := out.Write(append(header, errorRowHeader, errorReasonHeader)); err != nil {
		return fmt.Errorf("writing the error file: %w", err)
	}
	for last, n := int64(0), errorBatch; n == errorBatch; {
		rows, err := pg.Many[errorRow](ctx, s.pool, "import errors", `SELECT row, column_name, reason, record FROM import_errors
			WHERE import_id = $1 AND row > $2 ORDER BY row LIMIT $3`, id, last, errorBatch)
		if err != nil {
			return err
		}
		n = len(rows)
		for _, r := range rows {
			last = r.Row
			if err := out.Write(r.record(len(imp.Columns))); err != nil {
				return fmt.Errorf("writing the error file: %w", err)
			}
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("writing the error file: %w", err)
	}
	return nil
}

type errorRow struct {
	Row        int64
	ColumnName string
	Reason     string
	Record     []string
}

// record is the row of the error file: the fields, filled up to the width of the file, then line and reason.
func (r errorRow) record(width int) []string {
	out := append([]string{}, r.Record...)
	for len(out) < width {
		out = append(out, "")
	}
	reason := r.Reason
	if r.ColumnName != "" {
		reason = r.ColumnName + ": " + reason
	}
	return append(out, strconv.FormatInt(r.Row, 10), reason)
}
