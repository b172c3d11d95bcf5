package templates

import (
	"context"
	"strings"

	"postrider/internal/errs"
)

// Build makes what Compile takes: the layout and snippets put in, MJML and Markdown translated, stylesheets inlined. It is the one way there, for previews, tests and sending alike.
// What is wrong comes back as Compile's errors do. The same source and the same stored layouts give the same bytes.
func (s *Service) Build(ctx context.Context, src Source) (Content, error) {
	whole, err := s.Assemble(ctx, src)
	if err != nil {
		return Content{}, err
	}
	return build(whole)
}

// build is Build for a source that is assembled.
func build(src Source) (Content, error) {
	if err := src.Kind.Check(); err != nil {
		return Content{}, err
	}
	out := Content{Subject: src.Subject, Preheader: src.Preheader, Text: src.Text}
	switch kind := src.Kind.OrHTML(); {
	case kind == KindText && strings.TrimSpace(src.HTML) != "":
		return Content{}, errs.InvalidField("html", "a mail of kind text has no HTML; leave it empty, or choose another kind")
	case kind == KindText || strings.TrimSpace(src.HTML) == "":
		return out, nil
	}
	page, serr := translate(src.Kind, src.HTML)
	if serr == nil && !src.KeepCSS && src.Kind != KindMJML {
		page, serr = inlineLiquid(page)
	}
	if serr == nil && len(page) > maxSource {
		serr = badLine(0, "as HTML it would have %d kB; %d kB is the limit", len(page)>>10, maxSource>>10)
	}
	if serr != nil {
		return Content{}, inField("html", serr)
	}
	out.HTML = page
	return out, nil
}

// translate makes HTML of a body. What is wrong with the Liquid is said here, by the lines that the author knows.
func translate(kind Kind, body string) (string, *sourceError) {
	tokens, serr := scan(body)
	if serr != nil {
		return "", serr
	}
	if kind != KindMJML && kind != KindMarkdown {
		return body, nil
	}
	if _, serr := checkPart(newEngine(true), body, tokens); serr != nil {
		return "", serr
	}
	if kind == KindMJML {
		return mjmlToHTML(body, tokens)
	}
	page, serr := markdownToHTML(body, tokens)
	if serr != nil || isPage(page) {
		return page, serr
	}
	return inMarkdownPage(page), nil
}

// isPage reports whether Markdown brought a page of its own, as HTML.
func isPage(page string) bool {
	start := strings.ToLower(strings.TrimLeft(page, " \t\r\n"))
	return strings.HasPrefix(start, "<!doctype") || strings.HasPrefix(start, "<html")
}

// inlineLiquid is inlineCSS for a page with its Liquid in it.
func inlineLiquid(page string) (string, *sourceError) {
	if !strings.Contains(strings.ToLower(page), "<style") {
		return page, nil
	}
	tokens, serr := scan(page)
	if serr != nil {
		return "", serr
	}
	s := newShield(page)
	out, serr := inlineCSS(s.hideLiquid(page, tokens), s)
	return s.restore(out), serr
}
