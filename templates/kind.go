package templates

import "postrider/internal/errs"

// Kind is the language in which the body of a mail is written. Liquid is in all of them.
type Kind string

// The kinds. "" is KindHTML.
const (
	KindHTML     Kind = "html"
	KindMJML     Kind = "mjml"
	KindMarkdown Kind = "markdown"
	// KindText has no HTML part.
	KindText Kind = "text"
)

// Source is a mail as an author wrote it: what Build makes a Content of.
type Source struct {
	Kind Kind
	// LayoutID is the stored layout around it.
	LayoutID *int64
	// HTML is the body in the language of Kind. With KindText it is empty and Text is the body; with the others an empty Text is made from the HTML.
	Subject, Preheader, HTML, Text string
	// KeepCSS leaves stylesheets where they are. MJML brings its own styles where they belong, whatever this says.
	KeepCSS bool
}

// OrHTML is the kind, or the usual one.
func (k Kind) OrHTML() Kind {
	if k == "" {
		return KindHTML
	}
	return k
}

// Check refuses what is no kind.
func (k Kind) Check() error {
	switch k.OrHTML() {
	case KindHTML, KindMJML, KindMarkdown, KindText:
		return nil
	}
	return errs.InvalidField("kind", "must be html, mjml, markdown or text")
}
