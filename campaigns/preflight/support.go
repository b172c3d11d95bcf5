package preflight

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

//go:embed support.json
var supportJSON []byte

// supportTable is what large mail programs do with HTML and CSS, of public support tables (scripts/mail-support.mjs says how it is made).
type supportTable struct {
	Source, Updated string
	Families        map[string]string
	Features        []feature
	order           []string
}

type feature struct {
	Title, URL string
	Impact     string // breaks, or visible
	Match      matcher
	Clients    map[string]clientSupport // by family/platform; those that have it are left out
}

// clientSupport is n for no, a for in part; see the note.
type clientSupport struct{ S, Note string }

type matcher struct {
	Kind   string
	Names  []string
	Values []string
	Attr   map[string]string
}

// support is read once: the file is part of the program.
var support = func() supportTable {
	var t supportTable
	if err := json.Unmarshal(supportJSON, &t); err != nil {
		panic(fmt.Sprintf("support.json: %v", err)) // a test reads it
	}
	t.order = []string{"outlook", "gmail", "apple-mail", "thunderbird", "mail-ru"}
	return t
}()

// SupportSource says where the support tables come from, of when they are, and which mail program of the six is not in them.
func SupportSource() (source, updated string, without []string) {
	return support.Source, support.Updated, []string{"Yandex Mail"}
}

func codeOf(family string, breaks bool) string {
	code := strings.ReplaceAll(family, "-", "_")
	if breaks {
		return code + "_breaks"
	}
	return code + "_ignores"
}

var platforms = map[string]string{
	"outlook/windows": "Outlook for Windows", "outlook/macos": "Outlook for Mac", "outlook/outlook-com": "Outlook.com", "outlook/ios": "Outlook on iOS", "outlook/android": "Outlook on Android",
	"gmail/desktop-webmail": "Gmail", "gmail/mobile-webmail": "Gmail in a phone's browser", "gmail/ios": "Gmail on iOS", "gmail/android": "Gmail on Android",
	"apple-mail/macos": "Apple Mail on the Mac", "apple-mail/ios": "Apple Mail on iOS", "thunderbird/windows": "Thunderbird on Windows", "thunderbird/macos": "Thunderbird", "mail-ru/desktop-webmail": "Mail.ru",
}

// used is a place in which a feature is used.
type used struct {
	line        int
	what        string
	conditional bool // inside of @media: for some screens only
}

// checkSupport reports what mail programs make of the HTML.
func checkSupport(c *checker, d *document) {
	sheets := make([]sheet, len(d.styles))
	for i, b := range d.styles {
		sheets[i] = scanCSS(b.text, b.line, b.selector != "")
	}
	for _, f := range support.Features {
		places := f.Match.find(d, sheets)
		for _, p := range places[:min(len(places), mostPlaces)] {
			c.unsupported(f, p)
		}
	}
}

func (c *checker) unsupported(f feature, p used) {
	for _, family := range support.order {
		var no, part []string
		note := ""
		for client, s := range f.Clients {
			if !strings.HasPrefix(client, family+"/") {
				continue
			}
			if s.S == "n" {
				no = append(no, platforms[client])
			} else {
				part = append(part, platforms[client])
			}
			if s.Note != "" && (note == "" || s.Note < note) {
				note = s.Note
			}
		}
		slices.Sort(no)
		slices.Sort(part)
		breaks := f.Impact == "breaks" && len(no) > 0 && !p.conditional
		if len(no) == 0 && (f.Impact != "breaks" || len(part) == 0) {
			continue
		}
		c.out.at(codeOf(family, breaks), Where{Part: "html", Line: p.line, Selector: p.what, Note: supportNote(f.Title, no, part, note)})
	}
}

func supportNote(title string, no, part []string, note string) string {
	var says []string
	if len(no) > 0 {
		says = append(says, "no "+title+" in "+strings.Join(no, ", "))
	}
	if len(part) > 0 {
		says = append(says, title+" in part in "+strings.Join(part, ", "))
	}
	if note != "" {
		says = append(says, strings.TrimSuffix(note, "."))
	}
	return strings.Join(says, "; ")
}

// find gives where a feature is used.
func (m matcher) find(d *document, sheets []sheet) (out []used) {
	switch m.Kind {
	case "element":
		for _, e := range d.elements {
			if slices.Contains(m.Names, e.tag) && m.attrs(e) && e.attrs["type"] != "hidden" {
				out = append(out, used{line: e.line, what: "<" + e.tag + ">"})
			}
		}
	case "image":
		for _, i := range d.images {
			if slices.ContainsFunc(m.Names, func(ext string) bool { return hasFormat(i.src, ext) }) {
				out = append(out, used{line: i.line, what: i.src})
			}
		}
	case "at":
		for _, s := range sheets {
			for _, a := range s.atRules {
				if slices.Contains(m.Names, a.name) {
					out = append(out, used{line: a.line, what: "@" + a.name})
				}
			}
		}
	case "nesting", "pseudo":
		for _, s := range sheets {
			for _, sel := range s.selectors {
				if m.selects(sel) {
					out = append(out, used{line: sel.line, what: sel.text})
				}
			}
		}
	default:
		for _, s := range sheets {
			for _, decl := range s.declarations {
				if m.declares(decl) {
					out = append(out, used{line: decl.line, what: decl.property + ": " + decl.value, conditional: decl.conditional})
				}
			}
		}
	}
	return out
}

func (m matcher) attrs(e element) bool {
	for k, v := range m.Attr {
		if !strings.EqualFold(e.attrs[k], v) {
			return false
		}
	}
	return true
}

func (m matcher) selects(s selector) bool {
	if m.Kind == "nesting" {
		return s.nested
	}
	return slices.ContainsFunc(m.Names, func(name string) bool { return strings.Contains(s.text, ":"+name) })
}

func (m matcher) declares(d declaration) bool {
	switch m.Kind {
	case "property":
		if !slices.Contains(m.Names, d.property) {
			return false
		}
		value := strings.TrimSpace(strings.TrimSuffix(d.value, "!important"))
		return len(m.Values) == 0 || slices.ContainsFunc(m.Values, func(v string) bool {
			return value == v || strings.HasSuffix(v, "(") && strings.Contains(value, v)
		})
	case "function":
		return slices.ContainsFunc(m.Names, func(name string) bool { return hasFunction(d.value, name) })
	case "unit":
		return slices.ContainsFunc(m.Names, func(unit string) bool { return hasUnit(d.value, unit) })
	}
	return false
}

// hasFunction finds a function by its whole name: min( is not in linear-min(.
func hasFunction(value, name string) bool {
	for rest := value; ; {
		i := strings.Index(rest, name+"(")
		if i < 0 {
			return false
		}
		if i == 0 || !isNameByte(rest[i-1]) {
			return true
		}
		rest = rest[i+1:]
	}
}

// hasUnit finds a number with a unit.
func hasUnit(value, unit string) bool {
	for i := 0; i+len(unit) <= len(value); i++ {
		end := i + len(unit)
		if value[i:end] == unit && i > 0 && value[i-1] >= '0' && value[i-1] <= '9' && (end == len(value) || !isNameByte(value[end])) {
			return true
		}
	}
	return false
}

func isNameByte(c byte) bool {
	return c == '-' || c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// hasFormat reports whether an address is that of an image of a format, by its ending.
func hasFormat(src, ext string) bool {
	path, _, _ := strings.Cut(strings.ToLower(src), "?")
	path, _, _ = strings.Cut(path, "#")
	return strings.HasSuffix(path, "."+ext)
}
