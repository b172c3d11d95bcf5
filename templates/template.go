package templates

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"postrider/internal/errs"
)

// Role is what a template is for.
type Role string

// The roles. "" is RoleContent.
const (
	// RoleContent is what campaigns start from. They copy it: changing it changes no campaign.
	RoleContent Role = "content"
	// RoleLayout is around contents, which fill its blocks. It is looked up whenever a mail is built.
	RoleLayout Role = "layout"
	// RoleSnippet is put into others by its name. It too is looked up whenever a mail is built.
	RoleSnippet Role = "snippet"
)

// Template is a stored source.
type Template struct {
	ID       int64
	Name     string
	Role     Role
	Kind     Kind
	LayoutID *int64
	// InlineCSS: stylesheets become style attributes. See Source.KeepCSS.
	InlineCSS                      bool
	Subject, Preheader, HTML, Text string
	// Version counts the saves, from 1.
	Version   int
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Source is the template as Build takes it.
func (t Template) Source() Source {
	return Source{Kind: t.Kind, LayoutID: t.LayoutID, Subject: t.Subject, Preheader: t.Preheader, HTML: t.HTML, Text: t.Text, KeepCSS: !t.InlineCSS}
}

// Input is what a caller says about a template.
type Input struct {
	Name string
	// Role "" is that of the template, or RoleContent for a new one. A template keeps its role.
	Role                           Role
	Kind                           Kind
	LayoutID                       *int64
	KeepCSS                        bool
	Subject, Preheader, HTML, Text string
	// Author and Note are kept with the version. A version with a note is kept longest.
	Author, Note string
	// Version is the one that the caller has seen, 0 when that is not known: an Update of another one is a Conflict.
	Version int
}

const (
	maxName = 200
	maxNote = 500
)

// clean trims and checks an input as far as that goes without looking anything up.
func (in Input) clean() (Input, error) {
	var f errs.Fields
	in.Name, in.Note, in.Kind = strings.TrimSpace(in.Name), strings.TrimSpace(in.Note), in.Kind.OrHTML()
	switch {
	case in.Name == "":
		f.Add("name", "give the template a name")
	case utf8.RuneCountInString(in.Name) > maxName:
		f.Add("name", "the name is longer than %d characters", maxName)
	case in.Role == RoleSnippet && strings.ContainsAny(in.Name, "\"'\\\r\n"):
		f.Add("name", "the name of a snippet stands in quotes in other templates; leave quotes, backslashes and line breaks out of it")
	}
	if utf8.RuneCountInString(in.Note) > maxNote {
		f.Add("note", "the note is longer than %d characters", maxNote)
	}
	for _, s := range []struct{ field, text string }{{"name", in.Name}, {"subject", in.Subject}, {"preheader", in.Preheader}, {"html", in.HTML}, {"text", in.Text}, {"note", in.Note}} {
		if !utf8.ValidString(s.text) || strings.ContainsRune(s.text, 0) {
			f.Add(s.field, "this is not text in UTF-8")
		}
	}
	if in.Role == RoleSnippet && in.LayoutID != nil {
		f.Add("layout_id", "a snippet has no layout: it stands in what has one")
	}
	if in.Role == RoleLayout && (in.Subject != "" || in.Preheader != "") {
		f.Add("subject", "a layout has no subject and no preheader: those come from what goes into it")
	}
	if err := in.Kind.Check(); err != nil {
		return in, err
	}
	switch in.Role {
	case RoleContent, RoleLayout, RoleSnippet:
	default:
		f.Add("role", "must be content, layout or snippet")
	}
	return in, f.Err("the template cannot be saved")
}

func (in Input) source() Source {
	return Source{Kind: in.Kind, LayoutID: in.LayoutID, Subject: in.Subject, Preheader: in.Preheader, HTML: in.HTML, Text: in.Text, KeepCSS: in.KeepCSS}
}

// sound makes sure that a mail can be built of it. A content may be unfinished, but what there is must be right. self is the template that is changed, 0 for a new one.
func (in Input) sound(ctx context.Context, lib library, self int64) error {
	if in.Role == RoleLayout {
		if err := in.hasMain(); err != nil {
			return err
		}
	}
	whole, err := assembleFrom(ctx, lib, in.source(), self)
	if err != nil {
		return err
	}
	if in.Role == RoleSnippet {
		return soundParts(whole)
	}
	content, err := build(whole)
	if err == nil {
		_, err = Compile(content, Options{})
	}
	return err
}

// hasMain makes sure that a layout has a place for what goes into it.
func (in Input) hasMain() error {
	for _, p := range []struct{ field, src string }{{"html", in.HTML}, {"text", in.Text}} {
		nodes, serr := parseStored(p.src)
		if serr != nil {
			return inField(p.field, serr)
		}
		needed := strings.TrimSpace(p.src) != "" || p.field == "html" && in.Kind != KindText || p.field == "text" && in.Kind == KindText
		if needed && !slices.Contains(blockNames(nodes), mainBlock) {
			return inField(p.field, badLine(0, `a layout says where its content goes: write {%% block "main" %%}{%% endblock %%} there`))
		}
	}
	return nil
}

// soundParts checks the Liquid of what is no whole mail.
func soundParts(src Source) error {
	for _, p := range []struct {
		field, text string
		html        bool
	}{{"html", src.HTML, true}, {"text", src.Text, false}} {
		tokens, serr := scan(p.text)
		if serr == nil {
			_, serr = checkPart(newEngine(p.html), p.text, tokens)
		}
		if serr != nil {
			return inField(p.field, serr)
		}
	}
	return nil
}
