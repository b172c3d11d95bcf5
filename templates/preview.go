package templates

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Warning is something an author should look at. Line is from 1 in the part, 0 when it is about the whole.
type Warning struct {
	// Code is one of empty_subject, long_subject, no_content, no_unsubscribe, no_alt, relative_link, http_link, script, large, unknown_field.
	Code, Message string
	Part          string // "subject", "preheader", "html" or "text"
	Line          int
}

// Scheme is how the reader's screen is set.
type Scheme string

// The schemes of a preview.
const (
	Light Scheme = "light"
	Dark  Scheme = "dark"
)

// PreviewResult is a mail as one person would see it, without tracking, and what an author should know about it.
type PreviewResult struct {
	Subject, HTML, Text string
	TextGenerated       bool
	SizeBytes           int      // of the HTML
	Links               []string // targets as this person would get them; the Liquid source of one that cannot be filled in
	Warnings            []Warning
	Fields              []string
}

// Preview compiles and fills in a content for one person. With scheme Dark the styles for dark screens apply, with Light those for light ones,
// whatever the screen of the admin is.
func Preview(content Content, v Vars, scheme Scheme) (PreviewResult, error) {
	c, err := Compile(content, Options{})
	if err != nil {
		return PreviewResult{}, err
	}
	if v.UnsubscribeURL == "" {
		v.UnsubscribeURL = "#"
	}
	if v.PreferencesURL == "" {
		v.PreferencesURL = "#"
	}
	var r Rendered
	if err := c.Render(&r, v, noURLs{}); err != nil {
		return PreviewResult{}, err
	}
	out := PreviewResult{
		Subject: r.Subject, HTML: forceScheme(string(r.HTML), scheme), Text: string(r.Text), TextGenerated: c.textGenerated,
		SizeBytes: len(r.HTML), Links: []string{}, Warnings: c.check(content, r), Fields: c.Fields(),
	}
	for _, l := range c.links {
		url, err := c.RenderLink(l.N, v)
		if err != nil {
			url = l.URL
		}
		out.Links = append(out.Links, url)
	}
	return out, nil
}

// check gathers the warnings of the sources and of one filled-in mail.
func (c *Compiled) check(content Content, r Rendered) []Warning {
	out := []Warning{}
	add := func(code, part, format string, args ...any) {
		out = append(out, Warning{Code: code, Part: part, Message: fmt.Sprintf(format, args...)})
	}
	switch n := utf8.RuneCountInString(r.Subject); {
	case n == 0:
		add("empty_subject", "subject", "the subject is empty")
	case n > 70:
		add("long_subject", "subject", "the subject has %d characters; most mail programs show about 70", n)
	}
	if c.html == nil && c.text == nil {
		add("no_content", "html", "the mail is empty")
	}
	if !c.unsubscribes {
		add("no_unsubscribe", "html", "there is no {{ unsubscribe_url }}, so a footer with your organisation and an unsubscribe link is added")
	}
	if len(r.HTML) > gmailClipsAfter {
		add("large", "html", "the HTML has %d kB; Gmail cuts a mail off after 102 kB", len(r.HTML)>>10)
	}
	if strings.TrimSpace(content.HTML) == "" && strings.TrimSpace(content.Preheader) != "" {
		add("no_content", "preheader", "a preheader is only used with HTML")
	}
	return append(out, c.warnings...)
}
