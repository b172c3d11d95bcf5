package templates

import (
	"bytes"
	stdhtml "html"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
)

// markdownToHTML translates Markdown with Liquid in it: CommonMark with tables, strikethrough, autolinks and task lists. HTML in it stays: its authors are authors of mail.
//
// A Liquid tag or raw block that has its line for itself stands between blocks, as an HTML comment would, so that {% if %} can be around paragraphs, lists and headings.
func markdownToHTML(src string, tokens []token) (string, *sourceError) {
	s := newShield(src)
	var b strings.Builder
	for line := range strings.Lines(s.hideLiquid(src, tokens)) {
		if word := strings.TrimSpace(line); s.standsAlone(word) && len(line)-len(strings.TrimLeft(line, " ")) < 4 {
			line = "<!--" + word + "-->\n"
		}
		b.WriteString(line)
	}
	if serr := markdownDepth(b.String()); serr != nil {
		return "", serr
	}
	md := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(html.WithUnsafe()))
	source := []byte(b.String())
	doc := md.Parser().Parse(text.NewReader(source))
	if err := s.escapeInCode(doc, source); err != nil {
		return "", badLine(0, "this Markdown cannot be translated: %v", err)
	}
	var out bytes.Buffer
	if err := md.Renderer().Render(&out, source, doc); err != nil {
		return "", badLine(0, "this Markdown cannot be translated: %v", err)
	}
	return s.restore(s.uncomment(out.String())), nil
}

// escapeInCode makes raw blocks in code show their signs, as code does.
func (s *shield) escapeInCode(doc ast.Node, source []byte) error {
	return ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		kind := n.Kind()
		if !entering || kind != ast.KindCodeSpan && kind != ast.KindCodeBlock && kind != ast.KindFencedCodeBlock {
			return ast.WalkContinue, nil
		}
		var code []byte
		if kind == ast.KindCodeSpan {
			for c := n.FirstChild(); c != nil; c = c.NextSibling() {
				if t, ok := c.(*ast.Text); ok {
					code = append(code, t.Segment.Value(source)...)
				}
			}
		} else {
			code = n.Lines().Value(source)
		}
		s.each(string(code), func(_ string, word int) {
			if word >= 0 && s.name(word) == "raw" {
				piece := s.hidden[word]
				from, to := strings.Index(piece, "%}")+2, strings.LastIndex(piece, "{%")
				s.hidden[word] = piece[:from] + stdhtml.EscapeString(piece[from:to]) + piece[to:]
			}
		})
		return ast.WalkSkipChildren, nil
	})
}

// standsAlone: the line is hidden tags and raw blocks and nothing else.
func (s *shield) standsAlone(line string) bool {
	alone, any := true, false
	s.each(line, func(between string, n int) {
		any = any || n >= 0
		alone = alone && strings.TrimSpace(between) == "" && (n < 0 || strings.HasPrefix(s.hidden[n], "{%"))
	})
	return any && alone
}

// uncomment takes the comments off that standing alone was written with. In code they came out as text.
func (s *shield) uncomment(page string) string {
	for _, c := range [][2]string{{"<!--", "-->"}, {"&lt;!--", "--&gt;"}} {
		var b strings.Builder
		for {
			at := strings.Index(page, c[0]+s.prefix)
			end := -1
			if at >= 0 {
				end = strings.Index(page[at:], c[1])
			}
			if end < 0 {
				break
			}
			b.WriteString(page[:at] + page[at+len(c[0]):at+end])
			page = page[at+end+len(c[1]):]
		}
		page = b.String() + page
	}
	return page
}

// maxQuotes bounds how deep quotes and lists are nested: the library's time grows with it.
const maxQuotes = 50

func markdownDepth(src string) *sourceError {
	n := 0
	for line := range strings.Lines(src) {
		n++
		depth := 0
		for _, c := range line {
			if c == '>' || c == '-' || c == '+' || c == '*' {
				depth++
			} else if c != ' ' && c != '\t' {
				break
			}
		}
		if depth > maxQuotes && strings.Trim(line, "-*+ \t\r\n") != "" {
			return badLine(n, "quotes and lists are nested more than %d deep", maxQuotes)
		}
	}
	return nil
}

// markdownPage is around Markdown that has no layout: one column of at most 600 pixels, which is as wide as the screen on a telephone, readable in light and dark.
const markdownPage = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark"><style>
body{margin:0;padding:0;background:#f4f5f7}
.page{padding:24px 12px}
.column{max-width:600px;margin:0 auto;padding:32px;background:#ffffff;color:#1f2328;font-family:-apple-system,BlinkMacSystemFont,"Segoe UI",Helvetica,Arial,sans-serif;font-size:16px;line-height:1.6;text-align:left}
h1{margin:0 0 16px;font-size:28px;line-height:1.25}
h2{margin:28px 0 12px;font-size:22px;line-height:1.3}
h3{margin:24px 0 8px;font-size:18px;line-height:1.35}
p{margin:0 0 16px}
ul,ol{margin:0 0 16px;padding:0 0 0 24px}
blockquote{margin:0 0 16px;padding:0 0 0 16px;border-left:4px solid #d0d7de;color:#59636e}
a{color:#0b5cad}
img{max-width:100%;height:auto;border:0}
hr{border:0;border-top:1px solid #d0d7de;margin:24px 0}
pre{margin:0 0 16px;padding:12px;background:#f4f5f7;font-size:14px;white-space:pre-wrap}
code{font-family:ui-monospace,SFMono-Regular,Consolas,monospace}
th,td{padding:6px 12px;border:1px solid #d0d7de}
@media (max-width:480px){.page{padding:0}.column{padding:24px 16px}}
@media (prefers-color-scheme:dark){body{background:#0d1117}.column{background:#161b22;color:#e6edf3}a{color:#6cb0ff}blockquote{color:#9aa4af}pre{background:#0d1117}}
</style></head><body><div class="page"><div class="column">
` + markdownHole + `
</div></div></body></html>
`

const markdownHole = "<!--markdown-->"

// inMarkdownPage puts translated Markdown into the usual page.
func inMarkdownPage(fragment string) string {
	return strings.Replace(markdownPage, markdownHole, fragment, 1)
}
