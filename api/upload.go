package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"postrider/audience"
	"postrider/internal/errs"
)

const (
	formBytes    = 1 << 20     // what a form needs around the file
	uploadPause  = time.Minute // without a byte, after which an upload counts as broken
	maxFormField = 64
)

// uploadInput gives the handler the request itself: huma would put the form into temporary files first.
type uploadInput struct {
	request *http.Request
	writer  http.ResponseWriter
}

// Resolve is called by huma before the handler.
func (in *uploadInput) Resolve(ctx huma.Context) []error {
	in.request, in.writer = humachi.Unwrap(ctx)
	return nil
}

// uploadForm documents the form that uploadImport takes.
func uploadForm() *huma.RequestBody {
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"multipart/form-data": {Schema: &huma.Schema{
		Type: huma.TypeObject, Required: []string{"list_id", "file"},
		Properties: map[string]*huma.Schema{
			"list_id": {Type: huma.TypeInteger, Description: "The list that the people join; comes before the file"},
			"file":    {Type: huma.TypeString, Format: "binary", Description: "CSV, TSV or XLSX, each also as a gzip file"},
		},
	}}}}
}

// uploadImport streams the file of the form into the import, so that its size does not matter to our memory.
func (s *server) uploadImport(ctx context.Context, in *uploadInput) (*answer[importJSON], error) {
	in.request.Body = http.MaxBytesReader(in.writer, &patientBody{ReadCloser: in.request.Body, control: requestOf(ctx).control}, s.deps.Audience.UploadLimits().Stored+formBytes)
	form, err := in.request.MultipartReader()
	if err != nil {
		return nil, errs.Because(errs.Invalid, err, "send a multipart form with the field list_id and the part file")
	}
	listID, file, err := readUploadForm(form)
	if err != nil {
		return nil, uploadError(err)
	}
	v, err := s.deps.Audience.CreateImport(ctx, audience.Upload{ListID: listID, Filename: file.FileName(), Source: sourceOf(ctx), Content: wholePart{file}})
	return reply(v, uploadError(err), encodeImport)
}

// readUploadForm reads up to the file and leaves its content to be read.
func readUploadForm(form *multipart.Reader) (listID int64, file *multipart.Part, err error) {
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return 0, nil, errs.InvalidField("file", "the form has no file")
		}
		if err != nil {
			return 0, nil, err
		}
		switch part.FormName() {
		case "list_id":
			text, err := io.ReadAll(io.LimitReader(part, maxFormField))
			if err != nil {
				return 0, nil, err
			}
			if listID, err = strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err != nil || listID < 1 {
				return 0, nil, errs.InvalidField("list_id", "this must be the number of a list")
			}
		case "file":
			if listID == 0 {
				return 0, nil, errs.InvalidField("list_id", "say which list the people join, before the file")
			}
			return listID, part, nil
		}
	}
}

// uploadError tells what broke an upload, where it was the upload and not what is in it.
func uploadError(err error) error {
	var tooLarge *http.MaxBytesError
	var public *errs.E
	switch {
	case err == nil, errors.As(err, &public):
		return err
	case errors.As(err, &tooLarge):
		return errs.Because(errs.TooLarge, err, "the file is larger than is allowed here: split it, or have the limit raised (POSTRIDER_MAX_UPLOAD)")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return brokenUpload()
	}
	return err
}

// brokenUpload has no cause: whoever looks for io.ErrUnexpectedEOF would find it there.
func brokenUpload() error {
	return errs.New(errs.Invalid, "the upload broke off before its end: send the file again")
}

// wholePart tells a part that broke off from one that ended. To readers of chunks, io.ErrUnexpectedEOF means no more than a last chunk that is short.
type wholePart struct{ io.Reader }

func (p wholePart) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = brokenUpload()
	}
	return n, err
}

// patientBody lets an upload take as long as it needs, as long as bytes arrive.
type patientBody struct {
	io.ReadCloser
	control *http.ResponseController
}

func (b *patientBody) Read(p []byte) (int, error) {
	// Not every connection has deadlines; those of the network do.
	_ = b.control.SetReadDeadline(time.Now().Add(uploadPause))
	return b.ReadCloser.Read(p)
}

// downloadImportErrors gives the rows that were left out, as a file to mend and upload again.
func (s *server) downloadImportErrors(ctx context.Context, in *byID) (*csvDownload, error) {
	if _, err := s.deps.Audience.GetImport(ctx, in.ID); err != nil {
		return nil, err
	}
	return &csvDownload{
		ContentType: "text/csv; charset=utf-8", Disposition: fmt.Sprintf("attachment; filename=\"import-%d-errors.csv\"", in.ID),
		Body: func(hc huma.Context) {
			if err := s.deps.Audience.WriteImportErrorsCSV(hc.Context(), in.ID, hc.BodyWriter()); err != nil && hc.Context().Err() == nil {
				s.log.LogAttrs(hc.Context(), slog.LevelError, "error file broke off", slog.String("request_id", requestOf(hc.Context()).id), slog.String("error", err.Error()))
				panic(http.ErrAbortHandler) // or half a file would pass for a whole one
			}
		},
	}, nil
}

// formatInputJSON corrects the form of a file; what is left out stays as it is.
type formatInputJSON struct {
	Delimiter string `json:"delimiter,omitempty" doc:"One character, for CSV"`
	Encoding  string `json:"encoding,omitempty" doc:"A name of GET /imports/encodings, for CSV"`
	Sheet     string `json:"sheet,omitempty" doc:"A name of format.sheets, for workbooks"`
	HasHeader *bool  `json:"has_header,omitempty" doc:"Whether the first row holds the names of the columns"`
}

// formatImport has an uploaded file read in another way.
func (s *server) formatImport(ctx context.Context, in *onID[formatInputJSON]) (*answer[importJSON], error) {
	v, err := s.deps.Audience.SetImportFormat(ctx, in.ID, audience.FormatChange(in.Body))
	return reply(v, err, encodeImport)
}

type encodingJSON struct {
	Name  string `json:"name"`
	Label string `json:"label"`
}

type encodingsJSON struct {
	Items []encodingJSON `json:"items"`
}

// listEncodings gives the encodings that a file can be read in.
func (s *server) listEncodings(context.Context, *struct{}) (*answer[encodingsJSON], error) {
	return reply(audience.ImportEncodings(), nil, func(all []audience.Encoding) encodingsJSON {
		return encodingsJSON{Items: each(all, func(e audience.Encoding) encodingJSON { return encodingJSON(e) })}
	})
}

func encodeFormat(f audience.Format) formatJSON {
	out := formatJSON(f)
	if out.Kind == "" {
		out.Kind = "csv" // of before there were workbooks
	}
	out.Sheets = append([]string{}, f.Sheets...)
	return out
}

func encodeColumn(c audience.Column) columnJSON {
	out := columnJSON{Index: c.Index, Header: c.Header, Samples: append([]string{}, c.Samples...)}
	if c.Suggested != "" {
		out.Suggested = &suggestionJSON{Target: c.Suggested, Attribute: c.Attribute, Type: string(c.Type), DateOrder: string(c.DateOrder), Remembered: c.Remembered}
	}
	return out
}

func encodeMapping(m audience.Mapping) *mappingJSON {
	return &mappingJSON{
		Status: m.Status, FlagTypos: m.FlagTypos, FlagRoles: m.FlagRoles, FlagDisposable: m.FlagDisposable, CheckMX: m.CheckMX,
		RejectFlagged: each(m.RejectFlagged, func(k audience.FlagKind) string { return string(k) }),
		Columns: each(m.Columns, func(c audience.ColumnMapping) columnMappingJSON {
			return columnMappingJSON{Index: c.Index, Target: c.Target, Attribute: c.Attribute, Type: string(c.Type), DateOrder: string(c.DateOrder)}
		}),
	}
}

func (m mappingJSON) mapping() audience.Mapping {
	return audience.Mapping{
		Status: m.Status, FlagTypos: m.FlagTypos, FlagRoles: m.FlagRoles, FlagDisposable: m.FlagDisposable, CheckMX: m.CheckMX,
		RejectFlagged: each(m.RejectFlagged, func(k string) audience.FlagKind { return audience.FlagKind(k) }),
		Columns: each(m.Columns, func(c columnMappingJSON) audience.ColumnMapping {
			return audience.ColumnMapping{Index: c.Index, Target: c.Target, Attribute: c.Attribute, Type: audience.FieldType(c.Type), DateOrder: audience.DateOrder(c.DateOrder)}
		}),
	}
}
