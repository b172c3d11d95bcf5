package templates

import (
	"html"
	"maps"
	"slices"
	"strings"

	"github.com/osteele/liquid"
)

// Compiled is a mail that is ready to be filled in. It is immutable and safe for concurrent use.
type Compiled struct {
	subject, html, text *part
	links               []compiledLink
	textGenerated       bool
	unsubscribes        bool // somewhere in the sources
	fields              []string
	data                []string // that must be given
	warnings            []Warning
	htmlEngine, plain   *engine
}

type compiledLink struct {
	Link
	target *part
}

// part is one compiled part: ops when that is enough, else the engine's template. A part without either is empty.
type part struct {
	engine *engine
	ops    []op
	tmpl   *liquid.Template
	// texts are what tmpl has by number.
	texts []string
}

// linkSet numbers link targets.
type linkSet struct {
	urls []string
	nums map[string]int
}

// add gives the number of a target, 0 when there are too many to count clicks on.
func (l *linkSet) add(url string) int {
	if n, ok := l.nums[url]; ok {
		return n
	}
	if url == "" || len(l.urls) >= maxLinks {
		return 0
	}
	l.urls = append(l.urls, url)
	l.nums[url] = len(l.urls)
	return len(l.urls)
}

// compiler holds what Compile builds up.
type compiler struct {
	c      *Compiled
	opt    Options
	links  linkSet
	fields map[string]bool
	data   []dataUse
}

// source is a part after scan and check.
type source struct {
	field  string
	src    string
	tokens []token
	info   *partInfo
}

// Compile checks a content and prepares it for many recipients. What is wrong comes back as an errs.Invalid on the field html, subject, text or
// preheader, with the line. A content that compiles can still fail for one person (a value of 300 KB, a division by that person's zero).
func Compile(content Content, opt Options) (*Compiled, error) {
	b := &compiler{
		c:   &Compiled{htmlEngine: newEngine(true), plain: newEngine(false)},
		opt: opt, links: linkSet{nums: map[string]int{}}, fields: map[string]bool{},
	}
	if err := b.build(content); err != nil {
		return nil, err
	}
	if err := b.c.tryOut(); err != nil {
		return nil, err
	}
	return b.c, nil
}

func (b *compiler) build(content Content) error {
	subject, err := b.read("subject", content.Subject, b.c.plain)
	if err != nil {
		return err
	}
	if err := staticSubject(subject); err != nil {
		return err
	}
	if b.c.subject, err = b.plan(subject, b.c.plain, cut(subject.tokens, nil), subject.info.plain); err != nil {
		return err
	}
	body, err := b.read("html", content.HTML, b.c.htmlEngine)
	if err != nil {
		return err
	}
	preheader, err := b.read("preheader", content.Preheader, b.c.htmlEngine)
	if err != nil {
		return err
	}
	if err := b.buildHTML(body, preheader); err != nil {
		return err
	}
	if err := b.buildText(content.Text, body); err != nil {
		return err
	}
	return b.finish()
}

// read scans and checks one source.
func (b *compiler) read(field, src string, e *engine) (source, error) {
	tokens, serr := scan(src)
	if serr != nil {
		return source{}, inField(field, serr)
	}
	info, serr := checkPart(e, src, tokens)
	if serr != nil {
		return source{}, inField(field, serr)
	}
	maps.Copy(b.fields, info.fields)
	b.c.unsubscribes = b.c.unsubscribes || info.unsubscribes
	b.data = append(b.data, info.data...)
	if len(info.data) > 0 && !b.opt.Data {
		b.c.warnings = append(b.c.warnings, Warning{Code: "unknown_field", Part: field, Line: info.data[0].line,
			Message: "data is filled in messages to single people and in newsletters made of a JSON document; in a campaign it stays empty"})
	}
	for _, w := range info.unknown {
		w.Part = field
		b.c.warnings = append(b.c.warnings, w)
	}
	return source{field, src, tokens, info}, nil
}

// plan turns pieces into a part: ops when each output stands for itself.
func (b *compiler) plan(s source, e *engine, pieces []piece, plain bool) (*part, error) {
	p := &part{engine: e}
	var serr *sourceError
	if plain {
		p.ops, serr = e.fastPlan(pieces)
	}
	if p.ops == nil && serr == nil {
		var src string
		src, p.texts = engineSource(pieces)
		p.tmpl, serr = e.parse(src)
	}
	if serr != nil {
		return nil, inField(s.field, serr)
	}
	return p, nil
}

func staticSubject(s source) error {
	n := 0
	for _, t := range s.tokens {
		if t.kind == textToken && t.depth == 0 && !t.hidden {
			n += len(t.src)
		}
	}
	if n > maxSubject {
		return inField("subject", badLine(1, "it is %d bytes long; %d is the limit, and most mail programs show about 70 characters", n, maxSubject))
	}
	return nil
}

func (b *compiler) buildHTML(body, preheader source) error {
	if strings.TrimSpace(body.src) == "" {
		return nil
	}
	found, serr := scanHTML(body.src, body.tokens, body.info, &b.links, b.opt.TrackClicks)
	if serr != nil {
		return inField("html", serr)
	}
	for _, w := range found.warnings {
		w.Part = "html"
		b.c.warnings = append(b.c.warnings, w)
	}
	end := []piece{{kind: specialPiece, n: specialFooter}}
	if b.opt.TrackClicks && len(b.links.urls) > 0 {
		end = append(end, piece{kind: specialPiece, n: specialCanary})
	}
	if b.opt.TrackOpens {
		end = append(end, piece{kind: specialPiece, n: specialPixel})
	}
	edits := append(found.edits, edit{found.bodyEnd, found.bodyEnd, end})
	if strings.TrimSpace(preheader.src) != "" {
		at := min(found.bodyStart, found.bodyEnd)
		edits = append(edits, edit{at, at, preheaderPieces(preheader)})
	}
	slices.SortStableFunc(edits, func(x, y edit) int { return x.from - y.from })
	var err error
	b.c.html, err = b.plan(body, b.c.htmlEngine, cut(body.tokens, edits), body.info.plain && preheader.info.plain)
	return err
}

// preheaderPieces hide a text at the top of the mail: the inbox list shows it after the subject. The blanks behind it keep the list from going
// on with the words of the body.
func preheaderPieces(preheader source) []piece {
	out := []piece{{kind: textPiece, text: `<div style="display:none;font-size:1px;line-height:1px;max-height:0;max-width:0;opacity:0;overflow:hidden;mso-hide:all">`}}
	for _, p := range cut(preheader.tokens, nil) {
		if p.kind == textPiece {
			p.text = html.EscapeString(p.text)
		}
		out = append(out, p)
	}
	return append(out, piece{kind: textPiece, text: strings.Repeat("&#847;&zwnj;&nbsp;", 40) + "</div>"})
}

func (b *compiler) buildText(src string, body source) error {
	if strings.TrimSpace(src) == "" {
		if b.c.html == nil {
			return nil
		}
		b.c.textGenerated = true
		pieces := textFromHTML(body.src, body.tokens, body.info, &b.links, b.opt.TrackClicks)
		var err error
		b.c.text, err = b.plan(body, b.c.plain, pieces, body.info.plain)
		if err == nil && len(b.c.text.ops) > 0 {
			if last := &b.c.text.ops[len(b.c.text.ops)-1]; last.kind == litOp {
				last.lit = strings.TrimRight(last.lit, " \n") + "\n"
			}
		}
		return err
	}
	text, err := b.read("text", src, b.c.plain)
	if err != nil {
		return err
	}
	edits := bareLinks(text, &b.links, b.opt.TrackClicks)
	b.c.text, err = b.plan(text, b.c.plain, cut(text.tokens, edits), text.info.plain)
	return err
}

func (b *compiler) finish() error {
	b.c.fields = slices.Sorted(maps.Keys(b.fields))
	b.c.data = requiredData(b.data)
	for i, url := range b.links.urls {
		tokens, serr := scan(url)
		if serr != nil {
			return inField("html", serr)
		}
		s := source{"html", url, tokens, nil}
		target, err := b.plan(s, b.c.plain, cut(tokens, nil), true)
		if err != nil {
			return err
		}
		b.c.links = append(b.c.links, compiledLink{Link{i + 1, url}, target})
	}
	return nil
}

// tryOut fills the mail in for a person of whom nothing is known: what fails for such a one would fail for many.
func (c *Compiled) tryOut() error {
	r := &renderer{c: c, vars: Vars{UnsubscribeURL: "https://example.org/", PreferencesURL: "https://example.org/"}}
	r.st = renderState{urls: noURLs{}, vars: &r.vars, unsub: r.vars.UnsubscribeURL}
	for _, p := range []struct {
		field string
		part  *part
	}{{"subject", c.subject}, {"text", c.text}, {"html", c.html}} {
		if _, err := r.part(nil, p.part, nil); err != nil {
			field := p.field
			if field == "text" && c.textGenerated {
				continue // the HTML says it with the right line
			}
			return inField(field, err)
		}
	}
	return nil
}

type noURLs struct{}

func (noURLs) Open() string        { return "" }
func (noURLs) Click(int) string    { return "" }
func (noURLs) Unsubscribe() string { return "" }
func (noURLs) Preferences() string { return "" }

// Links gives the links that clicks are counted for, also when they are not tracked.
func (c *Compiled) Links() []Link {
	out := make([]Link, len(c.links))
	for i, l := range c.links {
		out[i] = l.Link
	}
	return out
}

// Fields lists the fields of the subscriber that the mail uses, sorted: built-in ones by their name, attributes too ("city"), and
// "attributes.email" for an attribute named like a built-in field.
func (c *Compiled) Fields() []string { return slices.Clone(c.fields) }

// TextGenerated reports whether the text part was made from the HTML.
func (c *Compiled) TextGenerated() bool { return c.textGenerated }
