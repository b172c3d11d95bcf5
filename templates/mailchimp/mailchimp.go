// Package mailchimp translates templates of Mailchimp: its merge tags (*|FNAME|*) become Liquid, and the attributes of its editor go. It is pure.
package mailchimp

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Mail is the source of a mail, in either language.
type Mail struct{ Subject, Preheader, HTML, Text string }

// Note says what became of one tag or attribute.
type Note struct {
	Part           string // subject, preheader, html or text
	Line           int    // from 1
	Source, Result string
	// Translated is false for what does nothing any more; Text says what to do.
	Translated bool
	Text       string
}

// Result is a mail in Liquid with a report.
type Result struct {
	Mail   Mail
	Report []Note
}

// maxNotes bounds the report: what is beyond it is translated all the same.
const maxNotes = 1000

// Translate never fails. known are the merge tags that there are here ("subscriber.city"): a field that is none of them is translated, and the report says that it has to be made.
func Translate(m Mail, known []string) Result {
	r := Result{Report: []Note{}}
	for _, p := range []struct {
		name, src string
		into      *string
	}{{"subject", m.Subject, &r.Mail.Subject}, {"preheader", m.Preheader, &r.Mail.Preheader}, {"html", m.HTML, &r.Mail.HTML}, {"text", m.Text, &r.Mail.Text}} {
		t := translator{part: p.name, known: known, line: 1}
		*p.into = t.translate(p.src)
		r.Report = append(r.Report, t.notes...)
	}
	r.Report = r.Report[:min(len(r.Report), maxNotes)]
	return r
}

type translator struct {
	part  string
	known []string
	out   []byte
	notes []Note
	line  int
	inTag bool // of HTML
	// open are the blocks that are not closed: if or unless; "skip" is one that Liquid has nothing for.
	open []string
}

// found is whatever this package looks at: a merge tag, an attribute of the editor, or what Liquid would read as its own.
var found = regexp.MustCompile(`\*\|[^|*\r\n]{1,300}\|\*|\s+mc:[a-z_-]+(?:\s*=\s*(?:"[^"{]*"|'[^'{]*'|[^\s"'>{]+))?|\{\{|\{%`)

func (t *translator) translate(src string) string {
	pos := 0
	for _, at := range found.FindAllStringIndex(src, -1) {
		t.write(src[pos:at[0]])
		piece := src[at[0]:at[1]]
		switch {
		case strings.HasPrefix(piece, "{"):
			t.put(piece, `{{ "`+piece+`" }}`, true, "shown as it is: it is no merge tag of Mailchimp")
		case !strings.HasPrefix(piece, "*|"):
			t.attribute(piece)
		default:
			t.tag(piece)
		}
		t.line += strings.Count(piece, "\n")
		pos = at[1]
	}
	t.write(src[pos:])
	for i := len(t.open) - 1; i >= 0; i-- {
		if t.open[i] != "skip" {
			t.put("", "{% end"+t.open[i]+" %}", true, "a condition was never closed; it is now closed at the end: look where that should be")
		}
	}
	return string(t.out)
}

func (t *translator) write(text string) {
	t.add(text)
	t.line += strings.Count(text, "\n")
	if i := strings.LastIndexAny(text, "<>"); i >= 0 {
		t.inTag = text[i] == '<'
	}
}

// add keeps a brace at the end of what is there from becoming Liquid with what follows.
func (t *translator) add(text string) {
	if n := len(t.out); n > 0 && t.out[n-1] == '{' && (strings.HasPrefix(text, "{") || strings.HasPrefix(text, "%")) {
		t.out = append(t.out[:n-1], `{{ "{" }}`...)
	}
	t.out = append(t.out, text...)
}

// attribute takes one of the editor's out. Inside of a tag only: a text that looks like one stays.
func (t *translator) attribute(piece string) {
	if t.part != "html" || !t.inTag {
		t.add(piece)
		return
	}
	t.put(strings.TrimSpace(piece), "", true, "it was for Mailchimp's editor")
}

func (t *translator) put(source, result string, ok bool, text string) {
	t.add(result)
	if len(t.notes) < maxNotes {
		t.notes = append(t.notes, Note{t.part, t.line, source, result, ok, text})
	}
}

// simple are the tags that are one name here.
var simple = map[string]string{
	"EMAIL": "subscriber.email", "FNAME": "subscriber.first_name", "UNSUB": "unsubscribe_url", "UPDATE_PROFILE": "preferences_url",
	"LIST:ADDRESS": "postal_address", "LIST:ADDRESSLINE": "postal_address", "LIST_ADDRESS_HTML": "postal_address", "HTML:LIST_ADDRESS_HTML": "postal_address", "USER:ADDRESS": "postal_address",
	"LIST:COMPANY": "organization", "USER:COMPANY": "organization", "MC:SUBJECT": "campaign.subject", "CAMPAIGN_UID": "campaign.name", "MC:CAMPAIGN": "campaign.name",
	"UNIQID": "subscriber.id", "SUBSCRIBER_ID": "subscriber.id", "MC_UNIQID": "subscriber.id",
}

// nothing are the tags that have nothing to stand for them, and what to do instead.
var nothing = map[string]string{
	"ARCHIVE": "there is no copy of every mail on the web; take the link out, or link to the archive of a newsletter", "MC_PREVIEW_TEXT": "the preheader is a field of its own: write it there, and it is put at the top of the mail",
	"FORWARD": "there is no page for forwarding", "REWARDS": "it was Mailchimp's own badge", "REWARDS_TEXT": "it was Mailchimp's own badge", "ABUSE_EMAIL": "write an address of yours",
	"LIST:NAME": "write the name of the list", "LIST:DESCRIPTION": "write why people get this mail", "LIST:EMAIL": "write your address", "LIST:PHONE": "write your telephone number", "LIST:URL": "write the address of your site",
	"LIST:SUBSCRIBE": "write the address of your sign-up form", "MC:TOC": "write the list of contents", "MC:TRANSLATE": "there is no translation", "ABOUT_LIST": "write a link of yours", "SHARE": "write a link of yours",
}

func (t *translator) tag(source string) {
	inner := strings.TrimSpace(source[2 : len(source)-2])
	name := strings.ToUpper(inner)
	verb, arg, hasArg := strings.Cut(inner, ":")
	verb = strings.ToUpper(strings.TrimSpace(verb))
	switch {
	case simple[name] != "":
		t.put(source, "{{ "+simple[name]+" }}", true, "")
	case name == "CURRENT_YEAR":
		t.put(source, `{{ "now" | date: "%Y" }}`, true, "")
	case nothing[name] != "":
		t.put(source, "", false, nothing[name])
	case hasArg && verb == "DATE":
		t.date(source, arg)
	case hasArg && (verb == "IF" || verb == "IFNOT" || verb == "ELSEIF"):
		t.condition(source, verb, arg)
	case hasArg && verb == "ELSE":
		t.within(source, "{% else %}")
	case hasArg && verb == "END":
		t.end(source, strings.ToUpper(strings.TrimSpace(arg)))
	case hasArg && (verb == "TITLE" || verb == "UPPER" || verb == "LOWER") && fieldName.MatchString(arg):
		t.field(source, arg, map[string]string{"TITLE": " | capitalize", "UPPER": " | upcase", "LOWER": " | downcase"}[verb])
	case hasArg && (verb == "INTERESTED" || verb == "GROUP"):
		t.open = append(t.open, "skip")
		t.put(source, "", false, "groups are lists, segments or fields here: write a condition about one of those; what was in it is shown to everybody")
	case strings.HasPrefix(verb, "RSS") || strings.HasPrefix(verb, "FEED"):
		t.put(source, "", false, `feeds are filled in by newsletters: write {% for item in feed.items %}{{ item.title }}{% endfor %}`)
	case !hasArg && fieldName.MatchString(inner):
		t.field(source, inner, "")
	default:
		t.put(source, "", false, "there is nothing like this here")
	}
}

var fieldName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,49}$`)

// path names a field of the person.
func path(field string) string {
	switch f := strings.ToUpper(strings.TrimSpace(field)); f {
	case "EMAIL":
		return "subscriber.email"
	case "FNAME":
		return "subscriber.first_name"
	case "LNAME":
		return "subscriber.last_name"
	default:
		return "subscriber." + strings.ToLower(f)
	}
}

func (t *translator) fieldNote(p string) string {
	if slices.Contains(t.known, p) {
		return ""
	}
	return fmt.Sprintf("there is no field %s yet: import it, or name another one", strings.TrimPrefix(p, "subscriber."))
}

func (t *translator) field(source, name, filter string) {
	p := path(name)
	t.put(source, "{{ "+p+filter+" }}", true, t.fieldNote(p))
}

var comparison = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_]{0,49})\s*(?:(>=|<=|!=|=|>|<)\s*(.*))?$`)

func (t *translator) condition(source, verb, arg string) {
	m := comparison.FindStringSubmatch(strings.TrimSpace(unescape.Replace(arg)))
	tag := "if"
	if verb == "IFNOT" {
		tag = "unless"
	}
	if m == nil || strings.ContainsAny(m[3], "\"\\{}%") {
		t.put(source, "", false, "this condition cannot be read; what was in it is shown to everybody")
		if verb != "ELSEIF" {
			t.open = append(t.open, "skip")
		}
		return
	}
	p := path(m[1])
	cond := p
	if m[2] != "" {
		op := m[2]
		if op == "=" {
			op = "=="
		}
		value := strings.Trim(strings.TrimSpace(m[3]), "'")
		if strings.ContainsAny(op, "<>") && number.MatchString(value) {
			cond += " " + op + " " + value
		} else {
			cond += " " + op + ` "` + value + `"`
		}
	} else {
		cond += ` and ` + p + ` != ""`
	}
	if verb == "ELSEIF" {
		t.within(source, "{% elsif "+cond+" %}")
		return
	}
	t.open = append(t.open, tag)
	t.put(source, "{% "+tag+" "+cond+" %}", true, t.fieldNote(p))
}

var (
	number   = regexp.MustCompile(`^-?\d{1,9}(\.\d{1,9})?$`)
	unescape = strings.NewReplacer("&gt;", ">", "&lt;", "<", "&amp;", "&", "&quot;", "", "&#39;", "'")
)

// within writes what belongs into a condition.
func (t *translator) within(source, tag string) {
	if n := len(t.open); n == 0 || t.open[n-1] == "skip" || t.open[n-1] == "unless" && strings.Contains(tag, "elsif") {
		t.put(source, "", false, "it belongs to a condition that is not there, or could not be translated")
		return
	}
	t.put(source, tag, true, "")
}

func (t *translator) end(source, what string) {
	n := len(t.open) - 1
	if n < 0 || strings.HasPrefix(what, "RSS") || strings.HasPrefix(what, "FEED") {
		t.put(source, "", false, "it closes nothing")
		return
	}
	last := t.open[n]
	t.open = t.open[:n]
	if last == "skip" {
		t.put(source, "", false, "it closed what could not be translated")
		return
	}
	t.put(source, "{% end"+last+" %}", true, "")
}

// phpDate are the letters of PHP's date() that strftime has.
var phpDate = map[rune]string{
	'd': "%d", 'j': "%-d", 'D': "%a", 'l': "%A", 'm': "%m", 'n': "%-m", 'M': "%b", 'F': "%B", 'Y': "%Y", 'y': "%y", 'H': "%H", 'G': "%-H", 'h': "%I", 'g': "%-I", 'i': "%M", 's': "%S", 'A': "%p", 'a': "%P", 'z': "%j",
}

func (t *translator) date(source, format string) {
	var b strings.Builder
	for _, c := range strings.TrimSpace(format) {
		switch letter := phpDate[c]; {
		case letter != "":
			b.WriteString(letter)
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.ContainsRune("\"\\%{}", c):
			t.put(source, "", false, fmt.Sprintf("the letter %q of this date has nothing to stand for it; write {{ \"now\" | date: \"%%Y-%%m-%%d\" }} in the way you like", c))
			return
		default:
			b.WriteRune(c)
		}
	}
	t.put(source, `{{ "now" | date: "`+b.String()+`" }}`, true, "")
}
