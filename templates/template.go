package templates

import (
	"strings"
	"time"
	"unicode/utf8"

	"postrider/internal/errs"
)

// Template is a stored source to start campaigns from. Campaigns copy it: changing it changes no campaign.
type Template struct {
	ID                  int64
	Name                string
	Subject, HTML, Text string
	CreatedAt           time.Time
	UpdatedAt           time.Time
}

// Input is what a caller says about a template.
type Input struct {
	Name                string
	Subject, HTML, Text string
}

const maxName = 200

// clean trims and checks an input. A template may be unfinished, but its Liquid must be sound.
func (in Input) clean() (Input, error) {
	var f errs.Fields
	in.Name = strings.TrimSpace(in.Name)
	switch {
	case in.Name == "":
		f.Add("name", "give the template a name")
	case utf8.RuneCountInString(in.Name) > maxName:
		f.Add("name", "the name is longer than %d characters", maxName)
	}
	for _, s := range []struct{ field, text string }{{"name", in.Name}, {"subject", in.Subject}, {"html", in.HTML}, {"text", in.Text}} {
		if !utf8.ValidString(s.text) || strings.ContainsRune(s.text, 0) {
			f.Add(s.field, "this is not text in UTF-8")
		}
	}
	if err := f.Err("the template cannot be saved"); err != nil {
		return in, err
	}
	_, err := Compile(Content{Subject: in.Subject, HTML: in.HTML, Text: in.Text}, Options{})
	return in, err
}
