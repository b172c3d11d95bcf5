package api

import (
	"context"
	"time"

	"postrider/templates"
)

type templateJSON struct {
	ID        int64     `json:"id"`
	Name      string    `json:"name"`
	Subject   string    `json:"subject"`
	HTML      string    `json:"html"`
	Text      string    `json:"text"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

type templateInputJSON struct {
	Name    string `json:"name"`
	Subject string `json:"subject" required:"false"`
	HTML    string `json:"html" required:"false" doc:"Liquid source"`
	Text    string `json:"text" required:"false" doc:"Liquid source; left out: made from the HTML"`
}

type mergeTagJSON struct {
	Tag     string `json:"tag" example:"subscriber.name"`
	Label   string `json:"label"`
	Example string `json:"example"`
}

func encodeTemplate(v templates.Template) templateJSON {
	return templateJSON{ID: v.ID, Name: v.Name, Subject: v.Subject, HTML: v.HTML, Text: v.Text, CreatedAt: v.CreatedAt.UTC(), UpdatedAt: v.UpdatedAt.UTC()}
}

func (s *server) listTemplates(ctx context.Context, in *Paging) (*answer[pageJSON[templateJSON]], error) {
	p, err := s.deps.Templates.List(ctx, in.query())
	return replyPage(p, err, encodeTemplate)
}

func (s *server) getTemplate(ctx context.Context, in *byID) (*answer[templateJSON], error) {
	v, err := s.deps.Templates.Get(ctx, in.ID)
	return reply(v, err, encodeTemplate)
}

func (s *server) createTemplate(ctx context.Context, in *with[templateInputJSON]) (*answer[templateJSON], error) {
	v, err := s.deps.Templates.Create(ctx, templates.Input(in.Body))
	return reply(v, err, encodeTemplate)
}

func (s *server) updateTemplate(ctx context.Context, in *onID[templateInputJSON]) (*answer[templateJSON], error) {
	v, err := s.deps.Templates.Update(ctx, in.ID, templates.Input(in.Body))
	return reply(v, err, encodeTemplate)
}

func (s *server) deleteTemplate(ctx context.Context, in *byID) (*nothing, error) {
	return done(s.deps.Templates.Delete(ctx, in.ID))
}

func (s *server) listMergeTags(ctx context.Context, _ *nothing) (*answer[itemsJSON[mergeTagJSON]], error) {
	tags, err := s.deps.Templates.MergeTags(ctx)
	return replyItems(tags, err, func(t templates.MergeTag) mergeTagJSON { return mergeTagJSON(t) })
}
