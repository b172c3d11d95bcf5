package templates

import (
	"regexp"
	"strings"

	nethtml "golang.org/x/net/html"
)

var schemeFeature = regexp.MustCompile(`(?i)\(\s*prefers-color-scheme\s*:\s*(dark|light)\s*\)`)

// forceScheme makes the media queries of <style> elements and of media attributes answer as a screen of the scheme would: the feature
// prefers-color-scheme becomes one that is always, or never, true. The rest of the page stays byte for byte.
func forceScheme(page string, scheme Scheme) string {
	if scheme != Dark && scheme != Light || !schemeFeature.MatchString(page) {
		return page
	}
	var b strings.Builder
	z := nethtml.NewTokenizer(strings.NewReader(page))
	style := false
	for pos := 0; ; {
		typ := z.Next()
		raw := page[pos : pos+len(z.Raw())]
		pos += len(raw)
		switch typ {
		case nethtml.ErrorToken:
			b.WriteString(raw)
			return b.String()
		case nethtml.TextToken:
			if style {
				raw = forcePreludes(raw, scheme)
			}
		case nethtml.StartTagToken, nethtml.SelfClosingTagToken:
			if a := find(scanAttrs([]byte(raw)), "media"); a != nil {
				raw = raw[:a.start] + forceQuery(raw[a.start:a.end], scheme) + raw[a.end:]
			}
			name, _ := z.TagName()
			style = string(name) == "style"
		case nethtml.EndTagToken:
			style = false
		}
		b.WriteString(raw)
	}
}

// forcePreludes rewrites what stands between @media and its {. Comments and strings are passed over.
func forcePreludes(css string, scheme Scheme) string {
	var b strings.Builder
	for css != "" {
		n := cssToken(css)
		if len(css) >= 6 && strings.EqualFold(css[:6], "@media") {
			n = preludeEnd(css)
			b.WriteString(forceQuery(css[:n], scheme))
		} else {
			b.WriteString(css[:n])
		}
		css = css[n:]
	}
	return b.String()
}

// cssToken gives the length of a comment or string at the start of css, 1 for anything else.
func cssToken(css string) int {
	if strings.HasPrefix(css, "/*") {
		if i := strings.Index(css[2:], "*/"); i >= 0 {
			return i + 4
		}
		return len(css)
	}
	if css[0] != '"' && css[0] != '\'' {
		return 1
	}
	for i := 1; i < len(css); i++ {
		switch css[i] {
		case '\\':
			i++
		case css[0], '\n': // a string ends at the latest with its line (CSS Syntax §4.3.5)
			return i + 1
		}
	}
	return len(css)
}

func preludeEnd(css string) int {
	for i := 6; i < len(css); i += cssToken(css[i:]) {
		if css[i] == '{' || css[i] == ';' || css[i] == '}' {
			return i
		}
	}
	return len(css)
}

func forceQuery(query string, scheme Scheme) string {
	return schemeFeature.ReplaceAllStringFunc(query, func(feature string) string {
		if strings.EqualFold(schemeFeature.FindStringSubmatch(feature)[1], string(scheme)) {
			return "(min-width:0)"
		}
		return "(max-width:0)"
	})
}

var (
	cssImage   = regexp.MustCompile(`(?i)url\(\s*(?:"[^"]*"|'[^']*'|[^)"']*)\s*\)`)
	imageAttrs = map[string]bool{"src": true, "srcset": true, "background": true, "poster": true}
)

// WithoutImages is the preview as a mail program shows it that loads no images: their alternative texts are what is left.
func (r PreviewResult) WithoutImages() PreviewResult {
	var b strings.Builder
	z := nethtml.NewTokenizer(strings.NewReader(r.HTML))
	style := false
	for pos := 0; ; {
		typ := z.Next()
		raw := r.HTML[pos : pos+len(z.Raw())]
		pos += len(raw)
		switch typ {
		case nethtml.ErrorToken:
			b.WriteString(raw)
			r.HTML = b.String()
			return r
		case nethtml.TextToken:
			if style {
				raw = cssImage.ReplaceAllString(raw, "none")
			}
		case nethtml.StartTagToken, nethtml.SelfClosingTagToken:
			raw = imageless(raw)
			name, _ := z.TagName()
			style = string(name) == "style"
		case nethtml.EndTagToken:
			style = false
		}
		b.WriteString(raw)
	}
}

func imageless(tag string) string {
	var b strings.Builder
	pos := 0
	for _, a := range scanAttrs([]byte(tag)) {
		value := tag[a.start:a.end]
		switch {
		case imageAttrs[a.name]:
			value = ""
		case a.name == "style":
			value = cssImage.ReplaceAllString(nethtml.UnescapeString(value), "none")
			value = nethtml.EscapeString(value)
		default:
			continue
		}
		if a.quote == 0 {
			value = `"` + value + `"`
		}
		if a.end > 0 {
			b.WriteString(tag[pos:a.start] + value)
			pos = a.end
		}
	}
	return b.String() + tag[pos:]
}
