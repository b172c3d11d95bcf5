package preflight

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// body looks whether there is a mail at all. An attachment alone can be one.
func (c *checker) body(m message) {
	shown := m.plain.attached
	for _, i := range m.doc.images {
		shown = shown || !i.hidden && !i.tiny && i.src != ""
	}
	if squeeze(m.doc.visible) == "" && squeeze(m.plain.text) == "" && !shown {
		c.out.get("empty_body").people(m.sample.Person)
		c.out.at("empty_body", Where{Part: "html"})
	}
}

// leftover are merge tags of other programs, and those of ours that were not filled in.
var leftovers = []struct {
	re   *regexp.Regexp
	from string
}{
	{regexp.MustCompile(`\{\{[^{}\n]{0,80}\}?\}?`), "a Liquid or Handlebars tag"},
	{regexp.MustCompile(`\{%[^{}\n]{0,80}%?\}?`), "a Liquid tag"},
	{regexp.MustCompile(`\*\|[A-Z0-9_:]{1,40}\|\*`), "a Mailchimp tag"},
	{regexp.MustCompile(`%%[A-Za-z_][A-Za-z0-9_ -]{1,40}%%`), "a tag of Salesforce and others"},
	{regexp.MustCompile(`%recipient\.[A-Za-z0-9_]{1,40}%|-%[A-Za-z0-9_]{1,40}%-|%[A-Z][A-Z0-9_]{2,40}%`), "a tag of a sending service"},
	{regexp.MustCompile(`\[(?:(?i:first|last|full|your)[_ ]?(?i:name)|FNAME|LNAME|NAME|EMAIL|UNSUBSCRIBE|COMPANY|(?i:insert|your|put|add) [^\]\n]{1,40}(?i:here|name|link|text|company|url))\]`), "a placeholder"},
	{regexp.MustCompile(`\$\{[A-Za-z_.]{1,40}\}|#\{[A-Za-z_.]{1,40}\}|<%=?[^%\n]{1,60}%>`), "a tag of a template"},
	{regexp.MustCompile(`\[\[[A-Za-z_:. -]{2,40}\]\]`), "a placeholder"},
}

var lorem = regexp.MustCompile(`(?i)lorem ipsum|dolor sit amet`)

// greeting finds greetings that are followed by nobody. Behind words that greet somebody in any case a blank and "!" say that a name is missing; "Hello !" and "Bonjour !" are whole, and in
// French the blank is right. Nan is a name, NaN is none.
var greeting = regexp.MustCompile(`(?:^|[.!?:>\n]\s*)((?i:(` + addressing + `)|hello|hi|hey|good (?:morning|day|evening)|hallo|guten (?:tag|morgen)|bonjour|hola|ciao|hej|cze[sś][cć]|здравствуйте|привет)(?i: (?:mr|mrs|ms|dr)\.?)?)` +
	`(?:\s+,|(\s+!)|,\s*,|\s*(?:(?i:null|undefined|none)|nan|NaN)\s*[,!])`)

// addressing are words before a name.
const addressing = `dear|liebe(?:r|\(r\)|/r)?|sehr geehrte(?:r)?(?: (?:frau|herr))?|ch[eè]re?|estimad[oa]|gentile|beste|уважаемый|дорогой`

// leftovers looks for what a reader should never see, in everything that a reader sees.
func (c *checker) leftovers(m message) {
	for _, p := range []struct{ part, text string }{
		{"subject", m.sent.get("Subject")}, {"preheader", m.doc.preheader}, {"html", m.doc.visible}, {"text", m.plain.text}, {"from_name", m.sent.get("From")},
	} {
		for _, l := range leftovers {
			for _, found := range l.re.FindAllString(p.text, mostPlaces) {
				c.out.at("leftover", Where{Part: p.part, Line: lineOf(m, p.part, found), Selector: found, Note: l.from})
			}
		}
		if found := lorem.FindString(p.text); found != "" {
			c.out.at("lorem_ipsum", Where{Part: p.part, Line: lineOf(m, p.part, found), Selector: found})
		}
		for _, found := range greeting.FindAllStringSubmatch(p.text, mostPlaces) {
			if found[3] != "" && found[2] == "" {
				continue
			}
			c.out.get("empty_greeting").people(m.sample.Person)
			c.out.at("empty_greeting", Where{Part: p.part, Selector: strings.TrimSpace(found[0])})
		}
	}
}

// lineOf finds the line of some words in the source of a part, 0 when markup parts them.
func lineOf(m message, part, words string) int {
	src := map[string]string{"html": m.plain.html, "text": m.plain.text}[part]
	if i := strings.Index(src, words); i >= 0 {
		return 1 + strings.Count(src[:i], "\n")
	}
	return 0
}

// postcode is what nearly every postal address has: digits of a post code, or a post office box.
var postcode = regexp.MustCompile(`(?i)\b\d{4,6}\b|\b\d{5}-\d{4}\b|\b[a-z]{1,2}\d[a-z0-9]? ?\d[a-z]{2}\b|\b[a-z]\d[a-z] ?\d[a-z]\d\b|p\.? ?o\.? box|postfach|\d{2}-\d{3}\b|\d{3} \d{2}\b`)

// postalAddress looks whether the mail says where its sender lives. Where that is not known it goes by how addresses look.
func (c *checker) postalAddress(m message) {
	shown := m.doc.visible
	if !m.plain.hasHTML {
		shown = m.plain.text
	}
	known := c.in.Facts.PostalAddress
	switch {
	case known != nil && strings.TrimSpace(*known) == "":
		c.out.say("no_postal_address", "settings", "The settings have no postal address. The law of many countries, CAN-SPAM among them, wants it in commercial mail.")
	case known != nil:
		line, _, _ := strings.Cut(strings.TrimSpace(*known), "\n")
		if !strings.Contains(words(shown), words(line)) {
			c.out.say("no_postal_address", "html", "The postal address of the settings is not in the mail: the content has an unsubscribe link of its own, and so gets no footer.")
		}
	default:
		tail := []rune(shown)
		if !postcode.MatchString(string(tail[max(0, len(tail)-1500):])) {
			c.out.say("no_postal_address", "html", "Nothing at the end of the mail looks like a postal address. The law of many countries, CAN-SPAM among them, wants it in commercial mail.")
		}
	}
}

// words makes text comparable: letters and digits in lower case, one blank between.
func words(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }), " ")
}

// fewWords is how many letters a mail of words has at least; a mail with fewer and with images is one of images.
const fewWords = 150

// textPart compares the two ways in which the mail says something.
func (c *checker) textPart(m message) {
	if !m.plain.hasHTML {
		return
	}
	if squeeze(m.plain.text) == "" {
		c.out.at("text_missing", Where{Part: "text"})
		return
	}
	if c.in.Facts.TextGenerated {
		return
	}
	inHTML, inText := wordSet(m.doc.visible), wordSet(m.plain.text)
	if len(inHTML) < 20 {
		return
	}
	same := 0
	for w := range inHTML {
		if inText[w] {
			same++
		}
	}
	if share := float64(same) / float64(len(inHTML)); share < 0.3 {
		c.out.say("text_differs", "text", "Of the words of the HTML the text part has only %.0f%%. Readers of text get another mail, and filters take it for a trick.", 100*share)
	}
}

// wordSet are the words of at least four letters.
func wordSet(s string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(words(s)) {
		if utf8.RuneCountInString(w) >= 4 {
			out[w] = true
		}
	}
	return out
}
