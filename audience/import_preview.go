package audience

import (
	"context"
	"errors"
	"io"

	"postrider/internal/errs"
)

// previewRows is how many rows a preview shows.
const previewRows = 20

// Preview is the first rows of a file as they would be imported.
type Preview struct {
	Rows     []PreviewRow
	OK       int
	Rejected int
}

// PreviewRow is one row as it was understood. Row is the line of the file on which it starts. With Problems it would be rejected.
type PreviewRow struct {
	Row        int64
	Email      string
	Name       string
	Attributes map[string]any
	Problems   []Problem
}

// Problem is what is wrong with a row at a column, "" for the row as a whole.
type Problem struct {
	Column  string
	Message string
}

// PreviewImport reads the first rows of an uploaded file with a mapping, and changes nothing.
func (s *Service) PreviewImport(ctx context.Context, id int64, m Mapping) (Preview, error) {
	p := Preview{Rows: []PreviewRow{}}
	imp, err := s.GetImport(ctx, id)
	if err != nil {
		return p, err
	}
	if m, err = s.checkMapping(ctx, m, imp.Columns); err != nil {
		return p, err
	}
	if imp.Final() {
		return p, errs.New(errs.Conflict, "import %d has ended and its file is gone: upload the file again", id)
	}
	records, err := s.openRecords(ctx, imp)
	if errors.Is(err, errFileGone) {
		return p, errs.New(errs.Conflict, "import %d has just ended and its file is gone: upload the file again", id)
	}
	if err != nil {
		return p, err
	}
	defer records.Close()
	mapper := newRowMapper(imp.Columns, m)
	for len(p.Rows) < previewRows {
		rec, err := records.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return p, err
		}
		row, problems := mapper.row(rec)
		out := PreviewRow{Row: row.line, Email: row.address.Display, Name: row.name, Attributes: mapper.attributesOf(row.values), Problems: []Problem{}}
		for _, x := range problems {
			out.Problems = append(out.Problems, Problem{Column: mapper.columnOf(x), Message: x.reason})
			if x.column == mapper.email {
				out.Email = shorten(storable(x.value))
			}
		}
		if len(problems) == 0 {
			p.OK++
		} else {
			p.Rejected++
		}
		p.Rows = append(p.Rows, out)
	}
	return p, nil
}
