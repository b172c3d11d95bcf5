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

	"postrider/internal/errs"
)

const (
	maxUpload    = 1<<30 + 1<<20 // the file, and what the form needs around it
	uploadPause  = time.Minute   // without a byte, after which an upload counts as broken
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
			"file":    {Type: huma.TypeString, Format: "binary", Description: "CSV in UTF-8, at most 1 GiB"},
		},
	}}}}
}

// uploadImport streams the file of the form into the import, so that its size does not matter to our memory.
func (s *server) uploadImport(ctx context.Context, in *uploadInput) (*answer[importJSON], error) {
	in.request.Body = http.MaxBytesReader(in.writer, &patientBody{ReadCloser: in.request.Body, control: requestOf(ctx).control}, maxUpload)
	form, err := in.request.MultipartReader()
	if err != nil {
		return nil, errs.Because(errs.Invalid, err, "send a multipart form with the field list_id and the part file")
	}
	listID, file, err := readUploadForm(form)
	if err != nil {
		return nil, uploadError(err)
	}
	v, err := s.deps.Audience.CreateImport(ctx, listID, file.FileName(), wholePart{file})
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
		return errs.Because(errs.TooLarge, err, "the file is larger than 1 GiB: split it")
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
