package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"postrider/audience"
	"postrider/internal/errs"
)

type importJSON struct {
	ID         int64        `json:"id"`
	ListID     int64        `json:"list_id"`
	ListName   string       `json:"list_name"`
	Filename   string       `json:"filename"`
	Status     string       `json:"status" enum:"uploaded,queued,running,done,failed,cancelled"`
	Error      *string      `json:"error"`
	Format     formatJSON   `json:"format"`
	Columns    []columnJSON `json:"columns"`
	Mapping    *mappingJSON `json:"mapping" doc:"null until the start"`
	SizeBytes  int64        `json:"size_bytes"`
	ReadBytes  int64        `json:"read_bytes"`
	Rows       int64        `json:"rows" doc:"The sum of created, updated, unchanged and rejected"`
	Created    int64        `json:"created"`
	Updated    int64        `json:"updated"`
	Unchanged  int64        `json:"unchanged"`
	Rejected   int64        `json:"rejected"`
	Suppressed int64        `json:"suppressed" doc:"Of those who were taken: on the suppression list, so they get no mail"`
	Progress   float64      `json:"progress" doc:"0 to 1"`
	CreatedAt  time.Time    `json:"created_at"`
	StartedAt  *time.Time   `json:"started_at"`
	FinishedAt *time.Time   `json:"finished_at"`
}

type formatJSON struct {
	Kind        string   `json:"kind" enum:"csv,xlsx"`
	Compression string   `json:"compression" enum:",gzip" doc:"A workbook is stored unpacked, so that it has none"`
	Delimiter   string   `json:"delimiter" doc:"Of CSV; empty for workbooks"`
	Encoding    string   `json:"encoding" doc:"Of CSV, one of GET /imports/encodings; empty for workbooks"`
	HasHeader   bool     `json:"has_header"`
	Sheet       string   `json:"sheet" doc:"The sheet of a workbook that is read"`
	Sheets      []string `json:"sheets" doc:"All sheets of the workbook, the hidden ones too"`
}

type columnJSON struct {
	Index     int             `json:"index"`
	Header    string          `json:"header"`
	Samples   []string        `json:"samples"`
	Suggested *suggestionJSON `json:"suggested" doc:"null: skip it"`
}

type suggestionJSON struct {
	Target    string `json:"target" enum:"email,name,attribute"`
	Attribute string `json:"attribute"`
	Type      string `json:"type" enum:",text,number,boolean,date,datetime,list" doc:"For target attribute: that of the field, or of the values if the field is new"`
	DateOrder string `json:"date_order" enum:",dmy,mdy,ymd" doc:"For dates in numbers; empty when they need none, or when it cannot be told"`
}

type mappingJSON struct {
	Columns        []columnMappingJSON `json:"columns"`
	Status         string              `json:"status" enum:"subscribed,unconfirmed" required:"false" doc:"What the people become; left out: subscribed"`
	FlagTypos      *bool               `json:"flag_typos,omitempty" doc:"Flag misspelt domains of large providers; left out: true"`
	FlagRoles      *bool               `json:"flag_roles,omitempty" doc:"Flag addresses of roles, such as info@; left out: true"`
	FlagDisposable *bool               `json:"flag_disposable,omitempty" doc:"Flag throw-away addresses; left out: true"`
	CheckMX        bool                `json:"check_mx,omitempty" doc:"Ask DNS whether the domains take mail"`
	RejectFlagged  []string            `json:"reject_flagged,omitempty" doc:"Flags with which a row is left out: typo, role, disposable, no_mx"`
}

type columnMappingJSON struct {
	Index     int    `json:"index"`
	Target    string `json:"target" enum:"email,name,attribute,skip"`
	Attribute string `json:"attribute,omitempty" doc:"For target attribute; left out: made from the header"`
	Type      string `json:"type,omitempty" enum:",text,number,boolean,date,datetime,list" doc:"For target attribute, of a field that does not exist yet; left out: text"`
	DateOrder string `json:"date_order,omitempty" enum:",dmy,mdy,ymd" doc:"In which order day, month and year stand"`
}

type mappingInputJSON struct {
	Mapping mappingJSON `json:"mapping"`
}

type previewInputJSON struct {
	Mapping mappingJSON `json:"mapping"`
	Format  *formatJSON `json:"format,omitempty" doc:"May be sent back as it came; another one is refused, since the file is read as it is written"`
}

type previewJSON struct {
	Rows     []previewRowJSON `json:"rows"`
	OK       int              `json:"ok"`
	Rejected int              `json:"rejected"`
}

type previewRowJSON struct {
	Row        int64            `json:"row"`
	Email      string           `json:"email"`
	Name       string           `json:"name"`
	Attributes map[string]any   `json:"attributes"`
	Problems   []rowProblemJSON `json:"problems"`
}

type rowProblemJSON struct {
	Column  string `json:"column"`
	Message string `json:"message"`
}

type importErrorJSON struct {
	Row    int64  `json:"row"`
	Column string `json:"column"`
	Value  string `json:"value"`
	Reason string `json:"reason"`
}

// TransformSchema says in the OpenAPI document that mapping can be null.
func (importJSON) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return nullable(s, "mapping")
}

// TransformSchema says that suggested can be null.
func (columnJSON) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return nullable(s, "suggested")
}

func encodeImport(v audience.Import) importJSON {
	out := importJSON{
		ID: v.ID, ListID: v.ListID, ListName: v.ListName, Filename: v.Filename, Status: v.Status, Error: v.Error, Format: encodeFormat(v.Format),
		Columns: each(v.Columns, encodeColumn), SizeBytes: v.SizeBytes, ReadBytes: v.ReadBytes, Rows: v.Rows, Created: v.Created, Updated: v.Updated,
		Unchanged: v.Unchanged, Rejected: v.Rejected, Suppressed: v.Suppressed, Progress: v.Progress(), CreatedAt: v.CreatedAt.UTC(),
		StartedAt: utc(v.StartedAt), FinishedAt: utc(v.FinishedAt),
	}
	if m := v.Mapping; m != nil {
		out.Mapping = encodeMapping(*m)
	}
	return out
}

func encodePreview(v audience.Preview) previewJSON {
	return previewJSON{OK: v.OK, Rejected: v.Rejected, Rows: each(v.Rows, func(r audience.PreviewRow) previewRowJSON {
		out := previewRowJSON{Row: r.Row, Email: r.Email, Name: r.Name, Attributes: r.Attributes,
			Problems: each(r.Problems, func(p audience.Problem) rowProblemJSON { return rowProblemJSON(p) })}
		if out.Attributes == nil {
			out.Attributes = map[string]any{}
		}
		return out
	})}
}

func (s *server) listImports(ctx context.Context, in *Paging) (*answer[pageJSON[importJSON]], error) {
	p, err := s.deps.Audience.ListImports(ctx, in.query())
	return replyPage(p, err, encodeImport)
}

func (s *server) getImport(ctx context.Context, in *byID) (*answer[importJSON], error) {
	v, err := s.deps.Audience.GetImport(ctx, in.ID)
	return reply(v, err, encodeImport)
}

func (s *server) previewImport(ctx context.Context, in *onID[previewInputJSON]) (*answer[previewJSON], error) {
	if f := in.Body.Format; f != nil {
		imp, err := s.deps.Audience.GetImport(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		if now := encodeFormat(imp.Format); now.Delimiter != f.Delimiter || now.Encoding != f.Encoding || now.HasHeader != f.HasHeader || now.Sheet != f.Sheet {
			return nil, errs.InvalidField("format", "the file is read in another way: to change that, send the format to PUT /imports/{id}/format")
		}
	}
	v, err := s.deps.Audience.PreviewImport(ctx, in.ID, in.Body.Mapping.mapping())
	return reply(v, err, encodePreview)
}

func (s *server) startImport(ctx context.Context, in *onID[mappingInputJSON]) (*answer[importJSON], error) {
	v, err := s.deps.Audience.StartImport(ctx, in.ID, in.Body.Mapping.mapping())
	return reply(v, err, encodeImport)
}

func (s *server) cancelImport(ctx context.Context, in *byID) (*answer[importJSON], error) {
	v, err := s.deps.Audience.CancelImport(ctx, in.ID)
	return reply(v, err, encodeImport)
}

func (s *server) listImportErrors(ctx context.Context, in *PageOf) (*answer[pageJSON[importErrorJSON]], error) {
	p, err := s.deps.Audience.ListImportErrors(ctx, in.ID, in.query())
	return replyPage(p, err, func(e audience.ImportError) importErrorJSON { return importErrorJSON(e) })
}

// csvDownload is the output of a handler that answers with a CSV file.
type csvDownload struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        func(huma.Context)
}

func (s *server) importProgress(ctx context.Context, in *byID) (*stream, error) {
	return s.progress(ctx, func(ctx context.Context) (snapshot, error) {
		v, err := s.deps.Audience.GetImport(ctx, in.ID)
		if err != nil {
			return snapshot{}, err
		}
		state := encodeImport(v)
		return snapshot{state: state, mark: state, final: v.Final()}, nil
	})
}
