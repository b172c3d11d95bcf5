package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"postrider/audience"
	"postrider/internal/errs"
)

type suppressionJSON struct {
	Email     string    `json:"email" doc:"The address, or @example.org for everybody there"`
	Reason    string    `json:"reason" enum:"bounce,complaint,unsubscribe,manual"`
	Source    string    `json:"source"`
	Detail    string    `json:"detail" doc:"The evidence: the server's own words, or what a person wrote"`
	CreatedAt time.Time `json:"created_at"`
}

type suppressionInputJSON struct {
	Email  string `json:"email" doc:"An address, or @example.org for everybody there"`
	Reason string `json:"reason" required:"false" enum:"bounce,complaint,unsubscribe,manual" doc:"Left out: manual"`
	Detail string `json:"detail" required:"false"`
}

// SuppressionsWanted is the part of the input that picks suppressions. It is exported because huma passes over what is embedded otherwise.
type SuppressionsWanted struct {
	Search  string `query:"q" doc:"Part of the address"`
	Reason  string `query:"reason" enum:"bounce,complaint,unsubscribe,manual"`
	Domains bool   `query:"domains" doc:"Only whole domains"`
}

type suppressionQuery struct {
	PagingBoth
	SuppressionsWanted
}

type suppressionLift struct {
	Email string `path:"email" maxLength:"320"`
	Note  string `query:"note" required:"true" minLength:"1" maxLength:"500" doc:"Why it may be mailed again; kept in the log"`
}

type suppressionLogQuery struct {
	Paging
	Email  string `query:"email" maxLength:"320" doc:"Only what was about this address, or its domain"`
	Action string `query:"action" enum:"added,lifted"`
}

type suppressionLogJSON struct {
	ID           int64     `json:"id"`
	At           time.Time `json:"at"`
	Action       string    `json:"action" enum:"added,lifted"`
	Email        string    `json:"email"`
	Reason       string    `json:"reason" enum:"bounce,complaint,unsubscribe,manual"`
	Source       string    `json:"source"`
	Detail       string    `json:"detail" doc:"The evidence of the suppression"`
	SuppressedAt time.Time `json:"suppressed_at"`
	Actor        string    `json:"actor" doc:"Who added or lifted it; empty when Postrider did by itself"`
	Note         string    `json:"note"`
}

type suppressionImportJSON struct {
	Rows     int64                    `json:"rows" doc:"The sum of added, known and rejected"`
	Added    int64                    `json:"added"`
	Known    int64                    `json:"known" doc:"Were suppressed before, and keep their evidence"`
	Rejected int64                    `json:"rejected"`
	Problems []suppressionProblemJSON `json:"problems" doc:"The first rows that were not taken, at most 200"`
}

type suppressionProblemJSON struct {
	Line   int64  `json:"line"`
	Value  string `json:"value"`
	Reason string `json:"reason"`
}

func encodeSuppression(v audience.Suppression) suppressionJSON {
	return suppressionJSON{Email: v.Email, Reason: v.Reason, Source: v.Source, Detail: v.Detail, CreatedAt: v.CreatedAt.UTC()}
}

func (q SuppressionsWanted) filter() audience.SuppressionFilter {
	return audience.SuppressionFilter{Search: q.Search, Reason: q.Reason, Domains: q.Domains}
}

func (s *server) listSuppressions(ctx context.Context, in *suppressionQuery) (*answer[pageJSON[suppressionJSON]], error) {
	p, err := s.deps.Audience.ListSuppressions(ctx, in.filter(), in.query())
	return replyPage(p, err, encodeSuppression)
}

func (s *server) createSuppression(ctx context.Context, in *with[suppressionInputJSON]) (*answer[suppressionJSON], error) {
	reason := in.Body.Reason
	if reason == "" {
		reason = audience.ReasonManual
	}
	v, err := s.deps.Audience.SuppressBy(ctx, in.Body.Email, reason, actor(ctx), in.Body.Detail)
	return reply(v, err, encodeSuppression)
}

func (s *server) deleteSuppression(ctx context.Context, in *suppressionLift) (*nothing, error) {
	return done(s.deps.Audience.Unsuppress(ctx, in.Email, actor(ctx), in.Note))
}

func (s *server) suppressionLog(ctx context.Context, in *suppressionLogQuery) (*answer[pageJSON[suppressionLogJSON]], error) {
	p, err := s.deps.Audience.SuppressionLog(ctx, in.Email, in.Action, in.query())
	return replyPage(p, err, func(e audience.SuppressionLogEntry) suppressionLogJSON {
		e.At, e.SuppressedAt = e.At.UTC(), e.SuppressedAt.UTC()
		return suppressionLogJSON(e)
	})
}

func (s *server) downloadSuppressions(ctx context.Context, in *SuppressionsWanted) (*csvDownload, error) {
	return s.csvFile("suppressions", table{columns: []string{"email", "reason", "source", "detail", "created_at"}, rows: func(write func(...any) error) error {
		return s.deps.Audience.ExportSuppressions(ctx, in.filter(), func(x audience.Suppression) error {
			return write(x.Email, x.Reason, x.Source, x.Detail, x.CreatedAt)
		})
	}}), nil
}

// suppressionForm documents the form that importSuppressions takes.
func suppressionForm() *huma.RequestBody {
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"multipart/form-data": {Schema: &huma.Schema{
		Type: huma.TypeObject, Required: []string{"file"},
		Properties: map[string]*huma.Schema{
			"reason": {Type: huma.TypeString, Description: "Of rows that do not say it: bounce, complaint, unsubscribe or manual, which is the default; comes before the file"},
			"detail": {Type: huma.TypeString, Description: "Of rows that do not say it: where the file is from; comes before the file"},
			"file":   {Type: huma.TypeString, Format: "binary", Description: "UTF-8 text with an address or @domain on each line, or CSV with a header that names email and perhaps reason and detail"},
		},
	}}}}
}

// importSuppressions streams the file of the form into the suppressions.
func (s *server) importSuppressions(ctx context.Context, in *uploadInput) (*answer[suppressionImportJSON], error) {
	in.request.Body = http.MaxBytesReader(in.writer, &patientBody{ReadCloser: in.request.Body, control: requestOf(ctx).control}, s.deps.Audience.UploadLimits().Stored+formBytes)
	form, err := in.request.MultipartReader()
	if err != nil {
		return nil, errs.Because(errs.Invalid, err, "send a multipart form with the part file")
	}
	n := audience.NewSuppressions{By: actor(ctx)}
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return nil, errs.InvalidField("file", "the form has no file")
		}
		if err != nil {
			return nil, uploadError(err)
		}
		switch part.FormName() {
		case "reason", "detail":
			text, err := io.ReadAll(io.LimitReader(part, 4<<10))
			if err != nil {
				return nil, uploadError(err)
			}
			if part.FormName() == "reason" {
				n.Reason = string(text)
			} else {
				n.Detail = string(text)
			}
		case "file":
			v, err := s.deps.Audience.ImportSuppressions(ctx, wholePart{part}, n)
			return reply(v, uploadError(err), func(v audience.SuppressionImport) suppressionImportJSON {
				return suppressionImportJSON{Rows: v.Rows, Added: v.Added, Known: v.Known, Rejected: v.Rejected,
					Problems: each(v.Problems, func(p audience.SuppressionProblem) suppressionProblemJSON { return suppressionProblemJSON(p) })}
			})
		}
	}
}

// sourceOf says where a change came from, for the evidence of a consent.
func sourceOf(ctx context.Context) string {
	if caller(ctx).KeyID != 0 {
		return audience.SourceAPI
	}
	return audience.SourceAdmin
}
