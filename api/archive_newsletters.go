package api

import (
	"cmp"
	"context"
	"net/url"

	"postrider/campaigns/newsletters"
	"postrider/internal/page"
	"postrider/templates"
)

// NewsletterArchive gives what is public of newsletters.
func NewsletterArchive(s *newsletters.Service) ArchiveSource { return newsletterArchive{s} }

type newsletterArchive struct{ newsletters *newsletters.Service }

func (a newsletterArchive) ArchiveNewsletter(ctx context.Context, slug string) (ArchiveNewsletter, error) {
	n, err := a.newsletters.Public(ctx, slug)
	if err != nil {
		return ArchiveNewsletter{}, err
	}
	out := ArchiveNewsletter{
		Slug: n.Slug, Title: n.Title, Description: n.Description, Language: n.Language, Note: n.Note, SignUpURL: n.SignUpURL, Indexed: n.Indexed, UpdatedAt: n.UpdatedAt,
	}
	if out.SignUpURL == "" && n.Form != "" {
		out.SignUpURL = formPath + url.PathEscape(n.Form)
	}
	return out, nil
}

func (a newsletterArchive) ArchiveIssues(ctx context.Context, slug string, q page.Query) (page.Page[ArchiveIssue], error) {
	n, err := a.newsletters.Public(ctx, slug)
	if err != nil {
		return page.Page[ArchiveIssue]{}, err
	}
	p, err := a.newsletters.PublicIssues(ctx, slug, q)
	out := page.Page[ArchiveIssue]{NextCursor: p.NextCursor}
	for _, i := range p.Items {
		out.Items = append(out.Items, archived(n, i))
	}
	return out, err
}

func (a newsletterArchive) ArchiveIssue(ctx context.Context, slug, issue string) (ArchiveContent, error) {
	n, err := a.newsletters.Public(ctx, slug)
	if err != nil {
		return ArchiveContent{}, err
	}
	i, newer, older, err := a.newsletters.PublicIssue(ctx, slug, issue)
	if err != nil {
		return ArchiveContent{}, err
	}
	out := ArchiveContent{ArchiveIssue: archived(n, i), Content: i.Content}
	for _, x := range []struct {
		from *newsletters.PublicIssue
		to   **ArchiveIssue
	}{{newer, &out.Newer}, {older, &out.Older}} {
		if x.from != nil {
			one := archived(n, *x.from)
			*x.to = &one
		}
	}
	return out, nil
}

// archived is an issue in a list. Subject and preheader are filled in for nobody; what cannot be is left to the name of the newsletter.
func archived(n newsletters.Public, i newsletters.PublicIssue) ArchiveIssue {
	return ArchiveIssue{
		Slug: i.Date.String(), Title: cmp.Or(forNobody(n, i.Content.Subject), n.Title), Summary: forNobody(n, i.Content.Preheader), Image: i.Image, SentAt: i.SentAt, UpdatedAt: i.UpdatedAt,
	}
}

func forNobody(n newsletters.Public, line string) string {
	p, err := templates.Preview(templates.Content{Subject: line, Text: "-"}, templates.Vars{Campaign: templates.CampaignVars{Name: n.Title}}, "")
	if err != nil {
		return ""
	}
	return p.Subject
}
