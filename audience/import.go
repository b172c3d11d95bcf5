package audience

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"postrider/audience/addrcheck"
	"postrider/audience/cell"
	"postrider/audience/tablefile"
	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/internal/pg"
)

// States of an import. Beside them, "uploading" is an upload that has not ended; nobody sees it.
const (
	ImportUploaded  = "uploaded"
	ImportChecking  = "checking" // a dry run; then it is uploaded again
	ImportQueued    = "queued"
	ImportRunning   = "running"
	ImportDone      = "done"
	ImportFailed    = "failed"
	ImportCancelled = "cancelled"
	ImportUndoing   = "undoing"
	ImportUndone    = "undone"
)

// Import is one file on its way into a list.
//
// Invariant: Rows = Created + Updated + Unchanged + Rejected, at any moment. Each row counts as what it did at its turn: Created, a new person; Updated, a
// person known before whose name, attributes or membership of the list it changed; Unchanged, a person about whom it said nothing new; Rejected, nothing,
// see ImportError. An address that comes again later in the file is known by then, so its later rows are Updated or Unchanged, and the last one's data
// stays. Suppressed counts those rows of the first three kinds whose address or domain is on the suppression list: kept, never mailed. Unsubscribed counts the others
// whose person had left the list, and stays off it.
//
// SizeBytes and ReadBytes are of the file. Error is the text for people when Status is ImportFailed.
type Import struct {
	ID         int64
	ListID     int64
	ListName   string
	Filename   string
	Status     string
	Error      *string
	Format     Format
	Columns    []Column
	Mapping    *Mapping
	SizeBytes  int64
	ReadBytes  int64
	Rows       int64
	Created    int64
	Updated    int64
	Unchanged  int64
	Rejected   int64
	Suppressed int64

	Unsubscribed int64
	Flagged      Flagged
	// CreatedBy is who uploaded the file, SourceAdmin or SourceAPI, and Consent what they said about how these people agreed.
	CreatedBy  string
	Consent    string
	Checked    *Check // what the last dry run found; nil before
	Undo       *Undo  // how far the undoing is; nil when nobody asked for it
	CreatedAt  time.Time
	StartedAt  *time.Time
	FinishedAt *time.Time
}

// Flagged counts rows that were taken although the address looks wrong, by why (package addrcheck). A row can count more than once.
type Flagged struct {
	Typo       int64 `json:"typo"`
	Role       int64 `json:"role"`
	Disposable int64 `json:"disposable"`
	NoMX       int64 `json:"no_mx"`
}

func (f *Flagged) add(rows map[FlagKind]int64) {
	f.Typo += rows[addrcheck.Typo]
	f.Role += rows[addrcheck.Role]
	f.Disposable += rows[addrcheck.Disposable]
	f.NoMX += rows[addrcheck.NoMX]
}

// Final reports whether nothing changes any more by itself, and the file is gone.
func (i Import) Final() bool {
	return i.Status == ImportDone || i.Status == ImportFailed || i.Status == ImportCancelled || i.Status == ImportUndone
}

// Progress is the share of the file that is done, 0 to 1.
func (i Import) Progress() float64 {
	switch {
	case i.Status == ImportDone || i.Status == ImportUndone:
		return 1
	case i.SizeBytes == 0:
		return 0
	case i.Status == ImportChecking && i.Checked != nil:
		return min(1, float64(i.Checked.ReadBytes)/float64(i.SizeBytes))
	case i.Status == ImportUndoing && i.Undo != nil:
		// Everybody of the import is gone through about twice: by subscription, and as a person or a change.
		return min(0.99, float64(i.Undo.Unsubscribed+i.Undo.Restored+i.Undo.Removed+i.Undo.Kept)/float64(2*max(1, i.Created+i.Updated)))
	}
	return min(1, float64(i.ReadBytes)/float64(i.SizeBytes))
}

// Format is how a file is written. Kind is tablefile.KindCSV, which "" also is, or tablefile.KindXLSX. Delimiter and Encoding (a name of tablefile.Encodings) are of CSV; Sheet
// and Sheets, the names of all sheets, are of workbooks. Compression is "" or tablefile.CompressionGzip; a workbook is stored unpacked.
type Format struct {
	Kind        string   `json:"kind"`
	Compression string   `json:"compression"`
	Delimiter   string   `json:"delimiter"`
	Encoding    string   `json:"encoding"`
	HasHeader   bool     `json:"has_header"`
	Sheet       string   `json:"sheet"`
	Sheets      []string `json:"sheets"`
}

// Encodings of most files.
const (
	EncodingUTF8    = tablefile.UTF8
	EncodingUTF8BOM = tablefile.UTF8BOM
)

// Column is a column of the file as it was found, Index from 0. Header is "" in a file without one. Suggested is a target of a mapping or ""; with TargetAttribute the other
// three are what ColumnMapping calls so.
type Column struct {
	Index     int        `json:"index"`
	Header    string     `json:"header"`
	Samples   []string   `json:"samples"`
	Suggested string     `json:"suggested"`
	Attribute string     `json:"attribute,omitempty"`
	Type      FieldType  `json:"type,omitempty"`
	DateOrder cell.Order `json:"date_order,omitempty"`
	// Remembered says that the suggestion is what somebody chose for such a column before.
	Remembered bool `json:"remembered,omitempty"`
}

// ImportError says why a row was left out. Row is the line of the file on which it starts, from 1; Column the header of the column at fault, "" when it is the
// row as a whole.
type ImportError struct {
	Row    int64
	Column string
	Value  string
	Reason string
}

const selectImports = `SELECT i.id, i.list_id, l.name AS list_name, i.filename, i.status, i.error, i.format, i.columns, i.mapping, i.size_bytes, i.read_bytes,
	i.rows, i.created, i.updated, i.unchanged, i.rejected, i.suppressed, i.unsubscribed, i.flagged, i.created_by, i.consent, i.checked, i.undo, i.created_at, i.started_at, i.finished_at
	FROM imports i JOIN lists l ON l.id = i.list_id WHERE i.status <> 'uploading'`

// GetImport gives one import.
func (s *Service) GetImport(ctx context.Context, id int64) (Import, error) {
	return pg.One[Import](ctx, s.pool, fmt.Sprintf("import %d", id), selectImports+` AND i.id = $1`, id)
}

// ListImports gives all imports, newest first.
func (s *Service) ListImports(ctx context.Context, q page.Query) (page.Page[Import], error) {
	var (
		none page.Page[Import]
		last int64
	)
	if q.Cursor != "" {
		if err := page.Decode(q.Cursor, &last); err != nil {
			return none, err
		}
	}
	rows, err := pg.Many[Import](ctx, s.pool, "imports", selectImports+` AND ($1 OR i.id < $2) ORDER BY i.id DESC LIMIT $3`, q.Cursor == "", last, q.Size()+1)
	if err != nil {
		return none, err
	}
	return page.Cut(rows, q, func(i Import) string { return page.Encode(i.ID) }), nil
}

// StartImport begins an uploaded import: the mapping is checked and kept, and a job queued, in one transaction. consent says how these people agreed, and is kept as
// evidence. A second start is a Conflict.
func (s *Service) StartImport(ctx context.Context, id int64, m Mapping, consent string) (Import, error) {
	if s.jobs == nil {
		return Import{}, errs.New(errs.Unavailable, "imports cannot run here: this process has no job queue")
	}
	imp, err := s.GetImport(ctx, id)
	if err != nil {
		return Import{}, err
	}
	if m, err = s.checkMapping(ctx, m, imp.Columns); err != nil {
		return Import{}, err
	}
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE imports SET status = 'queued', mapping = $2, consent = $3 WHERE id = $1 AND status = 'uploaded'`, id, m, clip(consent))
		if err != nil {
			return fmt.Errorf("starting import %d: %w", id, err)
		}
		if tag.RowsAffected() == 0 && imp.Status == ImportChecking {
			return errs.New(errs.Conflict, "import %d is being checked: wait for the end of the dry run, or stop it", id)
		}
		if tag.RowsAffected() == 0 {
			return errs.New(errs.Conflict, "import %d was started already", id)
		}
		if err := s.createFieldsTx(ctx, tx, imp, m); err != nil {
			return err
		}
		// What a dry run found is replaced by what the import finds.
		if _, err := tx.Exec(ctx, `DELETE FROM import_errors WHERE import_id = $1`, id); err != nil {
			return fmt.Errorf("starting import %d: %w", id, err)
		}
		if _, err := s.jobs.InsertTx(ctx, tx, ImportArgs{ImportID: id}, &river.InsertOpts{MaxAttempts: maxImportAttempts}); err != nil {
			return fmt.Errorf("queueing import %d: %w", id, err)
		}
		return nil
	})
	if err != nil {
		return Import{}, err
	}
	return s.GetImport(ctx, id)
}

// createFieldsTx makes the fields that a mapping names and that do not exist yet. Should one have been made meanwhile with another type, its type stays and the import is
// refused, because its values would not be of that type.
func (s *Service) createFieldsTx(ctx context.Context, tx pgx.Tx, imp Import, m Mapping) error {
	for _, c := range m.Columns {
		if c.Target != TargetAttribute {
			continue
		}
		var kind FieldType
		err := tx.QueryRow(ctx, `INSERT INTO fields (name, label, type, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)
			ON CONFLICT (name) DO UPDATE SET updated_at = fields.updated_at RETURNING type`, c.Attribute, fieldLabel(c.Attribute, imp.Columns[c.Index].Header), c.Type, s.clock()).Scan(&kind)
		if err != nil {
			return fmt.Errorf("making the field %s: %w", c.Attribute, err)
		}
		if kind != c.Type {
			return errs.InvalidField("mapping.columns", "the field %q was made meanwhile, of type %s: look at the mapping again", c.Attribute, kind)
		}
	}
	return nil
}

// fieldLabel is the header that a field was made from, where it says more than the field's name.
func fieldLabel(name, header string) string {
	if attributeName(header, 0) != name || header == name {
		return ""
	}
	return header
}

// CancelImport ends an import that has not ended: what was imported stays, the rest of the file is forgotten. A running one stops before its next batch.
func (s *Service) CancelImport(ctx context.Context, id int64) (Import, error) {
	err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE imports SET status = 'cancelled', finished_at = $2 WHERE id = $1 AND status IN ('uploaded', 'checking', 'queued', 'running')`, id, s.clock())
		if err != nil {
			return fmt.Errorf("cancelling import %d: %w", id, err)
		}
		if tag.RowsAffected() == 1 {
			return deleteChunks(ctx, tx, id)
		}
		return nil
	})
	if err != nil {
		return Import{}, err
	}
	imp, err := s.GetImport(ctx, id)
	if err == nil && imp.Status != ImportCancelled {
		return imp, errs.New(errs.Conflict, "import %d has ended already", id)
	}
	return imp, err
}

// endImport gives a running import its final state. It changes nothing when somebody else ended it before.
func (s *Service) endImport(ctx context.Context, id int64, status string, reason *string) error {
	return pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE imports SET status = $2, error = $3, finished_at = $4, read_bytes = CASE WHEN $2 = 'done' THEN size_bytes ELSE read_bytes END
			WHERE id = $1 AND status IN ('queued', 'running')`, id, status, reason, s.clock())
		if err != nil {
			return fmt.Errorf("ending import %d: %w", id, err)
		}
		if tag.RowsAffected() == 0 {
			return nil
		}
		return deleteChunks(ctx, tx, id)
	})
}

func deleteChunks(ctx context.Context, db pg.DB, id int64) error {
	if _, err := db.Exec(ctx, `DELETE FROM import_chunks WHERE import_id = $1`, id); err != nil {
		return fmt.Errorf("deleting the file of import %d: %w", id, err)
	}
	return nil
}

// importStatus is the state an import is in; "" when it is gone, as when its list was deleted.
func importStatus(ctx context.Context, db pg.DB, id int64) (string, error) {
	var status string
	err := db.QueryRow(ctx, `SELECT status FROM imports WHERE id = $1`, id).Scan(&status)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading the state of import %d: %w", id, err)
	}
	return status, nil
}
