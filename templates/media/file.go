package media

import (
	"encoding/hex"
	"path"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"postrider/internal/errs"
)

const (
	maxName = 200
	maxAlt  = 500
	maxSlug = 60
)

// URLPath is where files are found: URLPath + hash + "/" + any name. It is in mail that is out in the world: never change it.
const URLPath = "/m/"

// File is one file of the library.
type File struct {
	ID          int64
	Hash        []byte // SHA-256 of the content
	Name        string
	Alt         string // what is shown in place of the image, and read aloud
	ContentType string
	SizeBytes   int
	Width       int // pixels; 0 for documents
	Height      int
	Animated    bool
	StorageID   int64
	StorageName string
	Object      string // its name in the storage
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// HashText is the hash as it stands in addresses.
func (f File) HashText() string { return hex.EncodeToString(f.Hash) }

// Path is the address on any host of ours. Its last part is for people and for saving; the file is found by its hash alone.
func (f File) Path() string { return URLPath + f.HashText() + "/" + f.Slug() }

// Slug is the name as it stands in addresses: letters and digits of ASCII with hyphens between, and the ending that fits the content.
func (f File) Slug() string {
	base := strings.ToLower(strings.TrimSuffix(f.Name, path.Ext(f.Name)))
	words := strings.FieldsFunc(base, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	slug := strings.Join(words, "-")
	slug = strings.Trim(slug[:min(len(slug), maxSlug)], "-")
	if slug == "" {
		slug = "file"
	}
	return slug + extensions[f.ContentType]
}

// Details are what a person says about a file.
type Details struct{ Name, Alt string }

func (d Details) clean() (Details, error) {
	var f errs.Fields
	d.Name, d.Alt = strings.TrimSpace(d.Name), strings.TrimSpace(d.Alt)
	switch {
	case d.Name == "":
		f.Add("name", "give the file a name")
	case utf8.RuneCountInString(d.Name) > maxName:
		f.Add("name", "the name is longer than %d characters", maxName)
	}
	if utf8.RuneCountInString(d.Alt) > maxAlt {
		f.Add("alt", "the text is longer than %d characters: say what matters about the image in a sentence", maxAlt)
	}
	for _, s := range []struct{ field, text string }{{"name", d.Name}, {"alt", d.Alt}} {
		if !utf8.ValidString(s.text) || strings.ContainsFunc(s.text, unicode.IsControl) {
			f.Add(s.field, "this must be one line of text in UTF-8")
		}
	}
	return d, f.Err("the file cannot be saved like this")
}

// nameOf makes a name of what a browser says a file is called, which may be a path and anything else.
func nameOf(filename string) string {
	filename = strings.ToValidUTF8(filename, "")
	filename = filename[strings.LastIndexAny(filename, `/\`)+1:]
	filename = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, filename))
	if runes := []rune(filename); len(runes) > maxName {
		ext := []rune(path.Ext(filename))
		if len(ext) > 10 {
			ext = nil
		}
		filename = string(runes[:maxName-len(ext)]) + string(ext)
	}
	if filename == "" {
		return "file"
	}
	return filename
}

// Use is something that shows or links to a file.
type Use struct {
	Kind   string // template, campaign, newsletter or confirmation
	ID     int64
	Name   string
	Status string // of a campaign or newsletter
	Sent   bool   // the mails are out: they go on asking for the file
}
