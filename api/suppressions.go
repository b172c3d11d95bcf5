package api

import (
	"context"
	"time"

	"postrider/audience"
)

type suppressionJSON struct {
	Email     string    `json:"email"`
	Reason    string    `json:"reason" enum:"bounce,complaint,unsubscribe,manual"`
	Source    string    `json:"source"`
	Detail    string    `json:"detail" doc:"The evidence: the server's own words, or what a person wrote"`
	CreatedAt time.Time `json:"created_at"`
}

type suppressionInputJSON struct {
	Email  string `json:"email"`
	Detail string `json:"detail" required:"false"`
}

type suppressionQuery struct {
	PagingBoth
	Search string `query:"q" doc:"Part of the address"`
}

type byEmail struct {
	Email string `path:"email" maxLength:"320"`
}

func encodeSuppression(v audience.Suppression) suppressionJSON {
	return suppressionJSON{Email: v.Email, Reason: v.Reason, Source: v.Source, Detail: v.Detail, CreatedAt: v.CreatedAt.UTC()}
}

func (s *server) listSuppressions(ctx context.Context, in *suppressionQuery) (*answer[pageJSON[suppressionJSON]], error) {
	p, err := s.deps.Audience.ListSuppressions(ctx, in.Search, in.query())
	return replyPage(p, err, encodeSuppression)
}

func (s *server) createSuppression(ctx context.Context, in *with[suppressionInputJSON]) (*answer[suppressionJSON], error) {
	v, err := s.deps.Audience.Suppress(ctx, in.Body.Email, "manual", sourceOf(ctx), in.Body.Detail)
	return reply(v, err, encodeSuppression)
}

func (s *server) deleteSuppression(ctx context.Context, in *byEmail) (*nothing, error) {
	return done(s.deps.Audience.Unsuppress(ctx, in.Email))
}

// sourceOf says where a change came from, for the evidence of a consent.
func sourceOf(ctx context.Context) string {
	if caller(ctx).KeyID != 0 {
		return audience.SourceAPI
	}
	return audience.SourceAdmin
}
