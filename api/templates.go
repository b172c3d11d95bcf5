package api

import (
	"context"
	"time"

	"postrider/templates"
	"postrider/templates/mailchimp"
)

type templateJSON struct {
	ID        int64     `json:"id"`
	Name      string    `json:"name"`
	Role      string    `json:"role" enum:"content,layout,snippet" doc:"What it is for: campaigns start from contents; layouts are around them; snippets are put in by their names"`
	Kind      string    `json:"kind" enum:"html,mjml,markdown,text"`
	LayoutID  *int64    `json:"layout_id"`
	InlineCSS bool      `json:"inline_css" doc:"Stylesheets become style attributes"`
	Subject   string    `json:"subject"`
	Preheader string    `json:"preheader"`
	HTML      string    `json:"html"`
	Text      string    `json:"text"`
	Version   int       `json:"version" doc:"Counts the saves, from 1"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

type templateInputJSON struct {
	Name      string `json:"name"`
	Role      string `json:"role" required:"false" enum:"content,layout,snippet" doc:"Left out: content for a new template, what it is for another; it cannot change"`
	Kind      string `json:"kind" required:"false" enum:"html,mjml,markdown,text" doc:"Left out: html"`
	LayoutID  *int64 `json:"layout_id" required:"false"`
	InlineCSS *bool  `json:"inline_css" required:"false" doc:"Left out: true"`
	Subject   string `json:"subject" required:"false"`
	Preheader string `json:"preheader" required:"false"`
	HTML      string `json:"html" required:"false" doc:"The body, in the language of kind with Liquid in it; empty for text"`
	Text      string `json:"text" required:"false" doc:"Liquid source; left out: made from the HTML"`
	Note      string `json:"note" required:"false" maxLength:"500" doc:"Kept with this version, which is kept longest then"`
	Version   int    `json:"version" required:"false" minimum:"0" doc:"The version that you began with; when somebody has saved another one since, it is a conflict. Left out or 0: whatever is there is replaced"`
}

type templateQuery struct {
	Paging
	Role string `query:"role" enum:"content,layout,snippet"`
}

type templateVersionRef struct {
	ID      int64 `path:"id" minimum:"1"`
	Version int   `path:"version" minimum:"1"`
}

type templateDiffRef struct {
	ID      int64 `path:"id" minimum:"1"`
	Version int   `path:"version" minimum:"1"`
	From    int   `query:"from" minimum:"0" doc:"Left out: the version before"`
}

type templateUnsaved struct {
	ID      int64 `path:"id" minimum:"1"`
	Version int   `path:"version" minimum:"1"`
	Body    templateInputJSON
}

type templatePage struct {
	ID int64 `path:"id" minimum:"1"`
	Paging
}

// TemplateVersionFields are what lists and single versions have in common.
type TemplateVersionFields struct {
	Version   int       `json:"version"`
	Name      string    `json:"name"`
	Kind      string    `json:"kind" enum:"html,mjml,markdown,text"`
	LayoutID  *int64    `json:"layout_id"`
	InlineCSS bool      `json:"inline_css"`
	Subject   string    `json:"subject"`
	Author    string    `json:"author" doc:"Who saved it; empty when that is not known"`
	Note      string    `json:"note"`
	At        time.Time `json:"at"`
}

type templateVersionJSON struct {
	TemplateVersionFields
	Preheader string `json:"preheader"`
	HTML      string `json:"html"`
	Text      string `json:"text"`
}

type templateDiffJSON struct {
	From  int                `json:"from" doc:"0: there was nothing before"`
	To    int                `json:"to" doc:"0: what was sent, which is not saved"`
	Parts []templatePartJSON `json:"parts" doc:"Those that changed"`
}

type templatePartJSON struct {
	Part  string     `json:"part" enum:"name,kind,subject,preheader,html,text"`
	Hunks []hunkJSON `json:"hunks"`
}

type hunkJSON struct {
	FromStart int            `json:"from_start" doc:"Line, from 1"`
	ToStart   int            `json:"to_start" doc:"Line, from 1"`
	Lines     []diffLineJSON `json:"lines"`
}

type diffLineJSON struct {
	Op   string `json:"op" enum:" ,-,+" doc:"Stayed, went, came"`
	Text string `json:"text"`
}

type mailchimpInputJSON struct {
	Subject   string `json:"subject" required:"false"`
	Preheader string `json:"preheader" required:"false"`
	HTML      string `json:"html" required:"false" maxLength:"1048576"`
	Text      string `json:"text" required:"false" maxLength:"1048576"`
}

type mailchimpOutputJSON struct {
	Subject   string              `json:"subject"`
	Preheader string              `json:"preheader"`
	HTML      string              `json:"html"`
	Text      string              `json:"text"`
	Report    []mailchimpNoteJSON `json:"report"`
}

type mailchimpNoteJSON struct {
	Part       string `json:"part" enum:"subject,preheader,html,text"`
	Line       int    `json:"line"`
	Source     string `json:"source" doc:"What stood there"`
	Result     string `json:"result" doc:"What stands there now; empty when it was taken out"`
	Translated bool   `json:"translated" doc:"false: it needs you, and the note says what to do"`
	Note       string `json:"note"`
}

type mergeTagJSON struct {
	Tag     string `json:"tag" example:"subscriber.name"`
	Label   string `json:"label"`
	Example string `json:"example"`
}

func encodeTemplate(v templates.Template) templateJSON {
	return templateJSON{
		ID: v.ID, Name: v.Name, Role: string(v.Role), Kind: string(v.Kind), LayoutID: v.LayoutID, InlineCSS: v.InlineCSS, Subject: v.Subject, Preheader: v.Preheader, HTML: v.HTML,
		Text: v.Text, Version: v.Version, CreatedAt: v.CreatedAt.UTC(), UpdatedAt: v.UpdatedAt.UTC(),
	}
}

func (in templateInputJSON) input(author string) templates.Input {
	return templates.Input{
		Name: in.Name, Role: templates.Role(in.Role), Kind: templates.Kind(in.Kind), LayoutID: in.LayoutID, KeepCSS: !orTrue(in.InlineCSS), Subject: in.Subject,
		Preheader: in.Preheader, HTML: in.HTML, Text: in.Text, Author: author, Note: in.Note, Version: in.Version,
	}
}

func encodeVersionFields(v templates.Version) TemplateVersionFields {
	return TemplateVersionFields{v.Number, v.Name, string(v.Kind), v.LayoutID, v.InlineCSS, v.Subject, v.Author, v.Note, v.At.UTC()}
}

func encodeVersion(v templates.Version) templateVersionJSON {
	return templateVersionJSON{encodeVersionFields(v), v.Preheader, v.HTML, v.Text}
}

func encodeTemplateDiff(d templates.Difference) templateDiffJSON {
	return templateDiffJSON{d.From, d.To, each(d.Parts, func(p templates.PartDifference) templatePartJSON {
		return templatePartJSON{p.Part, each(p.Hunks, func(h templates.Hunk) hunkJSON {
			return hunkJSON{h.FromStart, h.ToStart, each(h.Lines, func(l templates.DiffLine) diffLineJSON { return diffLineJSON(l) })}
		})}
	})}
}

func (s *server) listTemplates(ctx context.Context, in *templateQuery) (*answer[pageJSON[templateJSON]], error) {
	p, err := s.deps.Templates.List(ctx, templates.Role(in.Role), in.query())
	return replyPage(p, err, encodeTemplate)
}

func (s *server) getTemplate(ctx context.Context, in *byID) (*answer[templateJSON], error) {
	v, err := s.deps.Templates.Get(ctx, in.ID)
	return reply(v, err, encodeTemplate)
}

func (s *server) createTemplate(ctx context.Context, in *with[templateInputJSON]) (*answer[templateJSON], error) {
	v, err := s.deps.Templates.Create(ctx, in.Body.input(caller(ctx).Name))
	return reply(v, err, encodeTemplate)
}

func (s *server) updateTemplate(ctx context.Context, in *onID[templateInputJSON]) (*answer[templateJSON], error) {
	v, err := s.deps.Templates.Update(ctx, in.ID, in.Body.input(caller(ctx).Name))
	return reply(v, err, encodeTemplate)
}

func (s *server) deleteTemplate(ctx context.Context, in *byID) (*nothing, error) {
	return done(s.deps.Templates.Delete(ctx, in.ID))
}

func (s *server) listTemplateVersions(ctx context.Context, in *templatePage) (*answer[pageJSON[TemplateVersionFields]], error) {
	p, err := s.deps.Templates.Versions(ctx, in.ID, in.query())
	return replyPage(p, err, encodeVersionFields)
}

func (s *server) getTemplateVersion(ctx context.Context, in *templateVersionRef) (*answer[templateVersionJSON], error) {
	v, err := s.deps.Templates.GetVersion(ctx, in.ID, in.Version)
	return reply(v, err, encodeVersion)
}

func (s *server) diffTemplateVersion(ctx context.Context, in *templateDiffRef) (*answer[templateDiffJSON], error) {
	d, err := s.deps.Templates.Diff(ctx, in.ID, in.From, in.Version)
	return reply(d, err, encodeTemplateDiff)
}

func (s *server) diffTemplateUnsaved(ctx context.Context, in *templateUnsaved) (*answer[templateDiffJSON], error) {
	d, err := s.deps.Templates.DiffUnsaved(ctx, in.ID, in.Version, in.Body.input(""))
	return reply(d, err, encodeTemplateDiff)
}

func (s *server) restoreTemplateVersion(ctx context.Context, in *templateVersionRef) (*answer[templateJSON], error) {
	v, err := s.deps.Templates.Restore(ctx, in.ID, in.Version, caller(ctx).Name)
	return reply(v, err, encodeTemplate)
}

func (s *server) importMailchimp(ctx context.Context, in *with[mailchimpInputJSON]) (*answer[mailchimpOutputJSON], error) {
	tags, err := s.deps.Templates.MergeTags(ctx)
	if err != nil {
		return nil, err
	}
	known := make([]string, len(tags))
	for i, t := range tags {
		known[i] = t.Tag
	}
	out := mailchimp.Translate(mailchimp.Mail(in.Body), known)
	return reply(out, nil, func(r mailchimp.Result) mailchimpOutputJSON {
		return mailchimpOutputJSON{r.Mail.Subject, r.Mail.Preheader, r.Mail.HTML, r.Mail.Text, each(r.Report, func(n mailchimp.Note) mailchimpNoteJSON {
			return mailchimpNoteJSON{Part: n.Part, Line: n.Line, Source: n.Source, Result: n.Result, Translated: n.Translated, Note: n.Text}
		})}
	})
}

func (s *server) listMergeTags(ctx context.Context, _ *nothing) (*answer[itemsJSON[mergeTagJSON]], error) {
	tags, err := s.deps.Templates.MergeTags(ctx)
	return replyItems(tags, err, func(t templates.MergeTag) mergeTagJSON { return mergeTagJSON(t) })
}
