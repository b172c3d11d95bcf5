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
	Status     string       `json:"status" enum:"uploaded,checking,queued,running,done,failed,cancelled,undoing,undone"`
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

	Unsubscribed int64       `json:"unsubscribed" doc:"Of those who were taken: had left this list, and stay off it"`
	Flagged      flaggedJSON `json:"flagged" doc:"Of those who were taken: rows whose address looks wrong, by why"`
	CreatedBy    string      `json:"created_by" enum:"admin,api," doc:"Who uploaded the file"`
	Consent      string      `json:"consent" doc:"What was said about how these people agreed"`
	Check        *dryRunJSON `json:"check" doc:"What the last dry run found; null before"`
	Undo         *undoJSON   `json:"undo" doc:"How far the undoing is; null when nobody asked for it"`
	Progress     float64     `json:"progress" doc:"0 to 1; of the dry run while there is one, of the undoing while there is one"`
	CreatedAt    time.Time   `json:"created_at"`
	StartedAt    *time.Time  `json:"started_at"`
	FinishedAt   *time.Time  `json:"finished_at"`
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
	Attribute string `json:"attribute,omitempty"`
	Type      string `json:"type,omitempty" enum:",text,number,boolean,date,datetime,list" doc:"For target attribute: that of the field, or of the values if the field is new"`
	DateOrder string `json:"date_order,omitempty" enum:",dmy,mdy,ymd" doc:"For dates in numbers; left out when they need none, or when it cannot be told"`

	Remembered bool `json:"remembered,omitempty" doc:"A column of this name became that in an earlier import"`
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

type flaggedJSON struct {
	Typo       int64 `json:"typo" doc:"The domain looks like a misspelt large one"`
	Role       int64 `json:"role" doc:"info@, sales@ and the like, which are no person's"`
	Disposable int64 `json:"disposable" doc:"A domain that gives out addresses to throw away"`
	NoMX       int64 `json:"no_mx" doc:"The domain takes no mail, where DNS was asked"`
}

type dryRunJSON struct {
	Status       string      `json:"status" enum:"running,done,failed"`
	Error        *string     `json:"error"`
	Mapping      mappingJSON `json:"mapping"`
	Rows         int64       `json:"rows"`
	Created      int64       `json:"created"`
	Updated      int64       `json:"updated"`
	Unchanged    int64       `json:"unchanged"`
	Rejected     int64       `json:"rejected"`
	Suppressed   int64       `json:"suppressed"`
	Unsubscribed int64       `json:"unsubscribed"`
	Flagged      flaggedJSON `json:"flagged"`
	FinishedAt   *time.Time  `json:"finished_at"`
}

type undoJSON struct {
	Removed      int64      `json:"removed" doc:"People who had come by the import and are gone"`
	Unsubscribed int64      `json:"unsubscribed" doc:"Subscriptions taken back"`
	Restored     int64      `json:"restored" doc:"People who have their data, or their state on the list, as before"`
	Kept         int64      `json:"kept" doc:"What was left as it is because it changed since; see the list of what was kept"`
	StartedAt    time.Time  `json:"started_at"`
	FinishedAt   *time.Time `json:"finished_at"`
}

type sampleJSON struct {
	Row    int64          `json:"row"`
	Email  string         `json:"email"`
	Before map[string]any `json:"before" doc:"What the import would change, as it is: name, list (the status on it), attributes.NAME; null is a part that is not there"`
	After  map[string]any `json:"after" doc:"The same parts after the import"`
	Reason string         `json:"reason" doc:"For suppressed: why; for flagged: what looks wrong"`
}

type keptJSON struct {
	SubscriberID int64  `json:"subscriber_id"`
	Email        string `json:"email"`
	What         string `json:"what" doc:"subscription, person, name or attributes.NAME"`
	Reason       string `json:"reason"`
}

type samplesOf struct {
	ID int64 `path:"id" minimum:"1"`
	Paging
	Kind string `query:"kind" required:"true" enum:"created,updated,suppressed,unsubscribed,flagged"`
}

type mappingInputJSON struct {
	Mapping mappingJSON `json:"mapping"`
}

type startImportJSON struct {
	Mapping mappingJSON `json:"mapping"`
	Consent string      `json:"consent" required:"false" maxLength:"2000" doc:"How these people agreed; kept as evidence"`
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
	return nullable(nullable(nullable(s, "mapping"), "check"), "undo")
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
		StartedAt: utc(v.StartedAt), FinishedAt: utc(v.FinishedAt), Unsubscribed: v.Unsubscribed, Flagged: flaggedJSON(v.Flagged), CreatedBy: v.CreatedBy, Consent: v.Consent,
	}
	if m := v.Mapping; m != nil {
		out.Mapping = encodeMapping(*m)
	}
	if c := v.Checked; c != nil {
		out.Check = &dryRunJSON{Status: c.Status, Mapping: *encodeMapping(c.Mapping), Rows: c.Rows, Created: c.Created, Updated: c.Updated, Unchanged: c.Unchanged,
			Rejected: c.Rejected, Suppressed: c.Suppressed, Unsubscribed: c.Unsubscribed, Flagged: flaggedJSON(c.Flagged), FinishedAt: utc(c.FinishedAt)}
		if c.Error != "" {
			out.Check.Error = &c.Error
		}
	}
	if u := v.Undo; u != nil {
		out.Undo = &undoJSON{Removed: u.Removed, Unsubscribed: u.Unsubscribed, Restored: u.Restored, Kept: u.Kept, StartedAt: u.StartedAt.UTC(), FinishedAt: utc(u.FinishedAt)}
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

func (s *server) checkImport(ctx context.Context, in *onID[mappingInputJSON]) (*answer[importJSON], error) {
	v, err := s.deps.Audience.StartCheck(ctx, in.ID, in.Body.Mapping.mapping())
	return reply(v, err, encodeImport)
}

func (s *server) stopImportCheck(ctx context.Context, in *byID) (*answer[importJSON], error) {
	v, err := s.deps.Audience.StopCheck(ctx, in.ID)
	return reply(v, err, encodeImport)
}

func (s *server) listImportSamples(ctx context.Context, in *samplesOf) (*answer[pageJSON[sampleJSON]], error) {
	p, err := s.deps.Audience.ListImportSamples(ctx, in.ID, in.Kind, in.query())
	return replyPage(p, err, func(x audience.Sample) sampleJSON { return sampleJSON(x) })
}

func (s *server) undoImport(ctx context.Context, in *byID) (*answer[importJSON], error) {
	v, err := s.deps.Audience.UndoImport(ctx, in.ID)
	return reply(v, err, encodeImport)
}

func (s *server) listKeptByUndo(ctx context.Context, in *PageOf) (*answer[pageJSON[keptJSON]], error) {
	p, err := s.deps.Audience.ListKeptByUndo(ctx, in.ID, in.query())
	return replyPage(p, err, func(k audience.KeptByUndo) keptJSON { return keptJSON(k) })
}

func (s *server) startImport(ctx context.Context, in *onID[startImportJSON]) (*answer[importJSON], error) {
	v, err := s.deps.Audience.StartImport(ctx, in.ID, in.Body.Mapping.mapping(), in.Body.Consent)
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
