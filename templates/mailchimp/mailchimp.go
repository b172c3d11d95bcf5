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
	// Translated is false for what needs the author: it does nothing any more, or asks about a field that there is not. Text says what to do.
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
	inTag bool    // of HTML
	open  []block // what is not closed
}

// block is a condition, a loop over a feed, or what Liquid has nothing for.
type block struct {
	closing string // what closes it in Liquid, from the inside: "{% endif %}{% endunless %}"; nothing when Liquid has nothing for it
	feed    bool
}

func (b block) isIf() bool { return strings.HasPrefix(b.closing, "{% endif") }

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
		if t.open[i].closing != "" {
			t.put("", t.open[i].closing, false, "a condition or loop was never closed; it is now closed at the end: look where that should be")
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

// put writes what a tag became. Where one was that became nothing a comment of Liquid says so to the author; no mail shows it.
func (t *translator) put(source, result string, ok bool, text string) {
	if result == "" && !ok {
		t.add("{% comment %}" + unmarked.Replace(source) + "{% endcomment %}")
	}
	t.add(result)
	if len(t.notes) < maxNotes {
		t.notes = append(t.notes, Note{t.part, t.line, source, result, ok, text})
	}
}

var unmarked = strings.NewReplacer("{", "", "}", "", "%", "")

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
	case hasArg && (verb == "IF" || verb == "IFNOT"):
		t.condition(source, verb, arg)
	case hasArg && verb == "ELSEIF":
		t.branch(source, arg)
	case hasArg && verb == "ELSE":
		t.otherwise(source)
	case hasArg && verb == "END":
		t.end(source, strings.ToUpper(strings.TrimSpace(arg)))
	case hasArg && (verb == "TITLE" || verb == "UPPER" || verb == "LOWER") && fieldName.MatchString(arg):
		t.field(source, arg, map[string]string{"TITLE": " | capitalize", "UPPER": " | upcase", "LOWER": " | downcase"}[verb])
	case hasArg && (verb == "INTERESTED" || verb == "GROUP"):
		t.open = append(t.open, block{})
		t.put(source, "", false, "groups are lists, segments or fields here: write a condition about one of those; what was in it is shown to everybody")
	case strings.HasPrefix(verb, "RSS") || strings.HasPrefix(verb, "FEED"):
		t.feed(source, verb, strings.TrimSpace(arg))
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
	case "EMAIL", "MERGE0":
		return "subscriber.email"
	case "FNAME", "MERGE1":
		return "subscriber.first_name"
	case "LNAME", "MERGE2":
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
	note := t.fieldNote(p)
	t.put(source, "{{ "+p+filter+" }}", note == "", note)
}

var comparison = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_]{0,49})\s*(?:(>=|<=|!=|=|>|<)\s*(.*))?$`)

// test makes the condition of Liquid, with what there is to say about it; ok is false when it cannot be read.
func (t *translator) test(arg string) (cond, note string, ok bool) {
	m := comparison.FindStringSubmatch(strings.TrimSpace(unescape.Replace(arg)))
	if m == nil || strings.ContainsAny(m[3], "\"\\{}%") {
		return "", "", false
	}
	p := path(m[1])
	return compare(p, m[2], strings.Trim(strings.TrimSpace(m[3]), "'")), t.fieldNote(p), true
}

// compare writes a comparison as Mailchimp means it: a number is the same number in a text, and a missing value is an empty one.
func compare(p, op, value string) string {
	switch {
	case op == "", op == "!=" && value == "":
		return p + ` and ` + p + ` != ""`
	case op == "=" && value == "":
		return p + ` == nil or ` + p + ` == ""`
	case op == "=" && exact.MatchString(value):
		return p + ` == ` + value + ` or ` + p + ` == "` + value + `"`
	case op == "!=" && exact.MatchString(value):
		return p + ` != ` + value + ` and ` + p + ` != "` + value + `"`
	case op == "=":
		op = "=="
	case op != "!=" && number.MatchString(value):
		return p + " " + op + " " + value
	}
	return p + " " + op + ` "` + value + `"`
}

func (t *translator) condition(source, verb, arg string) {
	cond, note, ok := t.test(arg)
	if !ok {
		t.open = append(t.open, block{})
		t.put(source, "", false, "this condition cannot be read; what was in it, and in its other branches, is shown to everybody")
		return
	}
	tag := "if"
	if verb == "IFNOT" {
		tag = "unless"
	}
	t.open = append(t.open, block{closing: "{% end" + tag + " %}"})
	t.put(source, "{% "+tag+" "+cond+" %}", note == "", note)
}

var (
	number   = regexp.MustCompile(`^-?\d{1,9}(\.\d{1,9})?$`)
	exact    = regexp.MustCompile(`^-?(0|[1-9]\d{0,8})(\.\d{0,8}[1-9])?$`) // and no code with zeros before or behind
	unescape = strings.NewReplacer("&gt;", ">", "&lt;", "<", "&amp;", "&", "&quot;", "", "&#39;", "'")
)

// branch is another condition inside of one. In unless, which has none in Liquid, it is a condition of its own in the other case.
func (t *translator) branch(source, arg string) {
	n := len(t.open) - 1
	if !t.inCondition(source) {
		return
	}
	cond, note, ok := t.test(arg)
	if !ok {
		cond, note = "false", "this condition cannot be read: as it stands here, what is in this branch is shown to nobody; write a condition in place of false"
	}
	tag := "{% elsif " + cond + " %}"
	if !t.open[n].isIf() {
		t.open[n].closing = "{% endif %}" + t.open[n].closing
		tag = "{% else %}{% if " + cond + " %}"
	}
	t.put(source, tag, note == "", note)
}

func (t *translator) otherwise(source string) {
	if t.inCondition(source) {
		t.put(source, "{% else %}", true, "")
	}
}

// inCondition reports whether a condition is open, and says it when none is.
func (t *translator) inCondition(source string) bool {
	if n := len(t.open); n > 0 && t.open[n-1].closing != "" && !t.open[n-1].feed {
		return true
	}
	t.put(source, "", false, "it belongs to a condition that is not there, or could not be translated; what follows is shown to everybody")
	return false
}

func (t *translator) end(source, what string) {
	n := len(t.open) - 1
	if n < 0 || t.open[n].feed != isFeed(what) {
		t.put(source, "", false, "it closes nothing")
		return
	}
	last := t.open[n]
	t.open = t.open[:n]
	if last.closing == "" {
		t.put(source, "", false, "it closed what could not be translated")
		return
	}
	t.put(source, last.closing, true, "")
}

// phpDate are the letters of PHP's date() that strftime has.
var phpDate = map[rune]string{
	'd': "%d", 'j': "%-d", 'D': "%a", 'l': "%A", 'm': "%m", 'n': "%-m", 'M': "%b", 'F': "%B", 'Y': "%Y", 'y': "%y", 'H': "%H", 'G': "%-H", 'h': "%I", 'g': "%-I", 'i': "%M", 's': "%S", 'A': "%p", 'a': "%P", 'z': "%j",
}

func (t *translator) date(source, format string) {
	if f, ok := t.dateFormat(source, format); ok {
		t.put(source, `{{ "now" | date: "`+f+`" }}`, true, "")
	}
}

// dateFormat translates a format, or says why it cannot.
func (t *translator) dateFormat(source, format string) (string, bool) {
	var b strings.Builder
	for _, c := range strings.TrimSpace(format) {
		switch letter := phpDate[c]; {
		case letter != "":
			b.WriteString(letter)
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.ContainsRune("\"\\%{}", c):
			t.put(source, "", false, fmt.Sprintf("the letter %q of this date has nothing to stand for it; write {{ \"now\" | date: \"%%Y-%%m-%%d\" }} in the way you like", c))
			return "", false
		default:
			b.WriteRune(c)
		}
	}
	return b.String(), true
}
