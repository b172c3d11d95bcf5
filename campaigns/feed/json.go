package feed

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"postrider/internal/errs"
)

// Limits of a JSON document.
const (
	maxJSONDepth = 32
	maxJSONNodes = 50_000 // values and keys
	maxJSONText  = 256 << 10
	maxJSONKey   = 200
)

// ParseJSON reads a JSON document for templates ({{ data.price }}). What is not an object is found under "items" (an array) or "value". Numbers are exact: whole ones int64,
// others the text that the document has (json.Number), which templates print as it is. Texts are as they came, and not safe as HTML. Errors: Invalid, TooLarge.
func ParseJSON(body []byte) (map[string]any, error) {
	if len(body) > MaxBody {
		return nil, errs.New(errs.TooLarge, "the document is larger than %d MB", MaxBody>>20)
	}
	text, err := decode(body, "")
	if err != nil {
		return nil, err
	}
	d := jsonReader{dec: json.NewDecoder(bytes.NewReader(text))}
	d.dec.UseNumber()
	v, err := d.value(0)
	if err == nil {
		if _, more := d.dec.Token(); !errors.Is(more, io.EOF) {
			err = errs.New(errs.Invalid, "the document goes on after its end: it is not one piece of JSON")
		}
	}
	if err != nil {
		return nil, d.explain(err)
	}
	switch v := v.(type) {
	case map[string]any:
		return v, nil
	case []any:
		return map[string]any{"items": v}, nil
	}
	return map[string]any{"value": v}, nil
}

// jsonReader reads JSON token by token, so that depth and number are bounded before anything is built.
type jsonReader struct {
	dec   *json.Decoder
	nodes int
}

func (d *jsonReader) explain(err error) error {
	var ours *errs.E
	if errors.As(err, &ours) {
		return err
	}
	return errs.Because(errs.Invalid, err, "the document is not JSON, or breaks off, at byte %d", d.dec.InputOffset())
}

func (d *jsonReader) value(depth int) (any, error) {
	tok, err := d.dec.Token()
	if err != nil {
		return nil, err
	}
	if d.nodes++; d.nodes > maxJSONNodes {
		return nil, errs.New(errs.TooLarge, "the document has more than %d values", maxJSONNodes)
	}
	switch t := tok.(type) {
	case json.Delim:
		if depth >= maxJSONDepth {
			return nil, errs.New(errs.Invalid, "the document is nested more than %d deep", maxJSONDepth)
		}
		if t == '{' {
			return d.object(depth + 1)
		}
		return d.array(depth + 1)
	case json.Number:
		if n, err := t.Int64(); err == nil {
			return n, nil
		}
		if len(t) > 400 {
			return nil, errs.New(errs.Invalid, "the document has a number of %d digits", len(t))
		}
		return t, nil
	case string:
		if len(t) > maxJSONText {
			return nil, errs.New(errs.TooLarge, "the document has a text of more than %d kB", maxJSONText>>10)
		}
		return strings.ReplaceAll(t, "\x00", "\uFFFD"), nil
	}
	return tok, nil
}

func (d *jsonReader) object(depth int) (any, error) {
	out := map[string]any{}
	for d.dec.More() {
		tok, err := d.dec.Token()
		if err != nil {
			return nil, err
		}
		key, ok := tok.(string)
		if !ok {
			return nil, fmt.Errorf("a key is %T", tok)
		}
		v, err := d.value(depth)
		if err != nil {
			return nil, err
		}
		if key = strings.ToValidUTF8(strings.ReplaceAll(key, "\x00", ""), ""); key != "" && len(key) <= maxJSONKey {
			out[key] = v
		}
	}
	_, err := d.dec.Token()
	return out, err
}

func (d *jsonReader) array(depth int) (any, error) {
	out := []any{}
	for d.dec.More() {
		v, err := d.value(depth)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	_, err := d.dec.Token()
	return out, err
}

// parseJSONFeed reads JSON Feed 1.0 and 1.1 (https://www.jsonfeed.org/version/1.1/).
func parseJSONFeed(text []byte, base *url.URL) (Feed, []draft, error) {
	doc, err := ParseJSON(text)
	if err != nil {
		return Feed{}, nil, err
	}
	if !strings.Contains(str(doc, "version"), "jsonfeed.org/version/1") {
		return Feed{}, nil, errs.New(errs.Invalid, "the document is JSON, but not a JSON Feed: use it as a JSON document instead")
	}
	f := Feed{Format: "JSON Feed", Title: str(doc, "title"), URL: webURL(base, str(doc, "home_page_url")), Description: str(doc, "description"), Language: str(doc, "language")}
	items, _ := doc["items"].([]any)
	var drafts []draft
	for _, v := range items[:min(len(items), maxRead)] {
		if m, ok := v.(map[string]any); ok {
			drafts = append(drafts, jsonItem(m, cmp.Or(jsonAuthor(m), jsonAuthor(doc)), base))
		}
	}
	return f, drafts, nil
}

func jsonItem(m map[string]any, author string, base *url.URL) draft {
	d := draft{Item: Item{
		ID: str(m, "id"), Title: str(m, "title"), Author: author, URL: cmp.Or(webURL(base, str(m, "url")), webURL(base, str(m, "external_url"))),
		Image: cmp.Or(webURL(base, str(m, "image")), webURL(base, str(m, "banner_image"))), Published: parseDate(str(m, "date_published")), Updated: parseDate(str(m, "date_modified")),
	}, html: str(m, "content_html"), base: base.String()}
	if summary := str(m, "summary"); summary != "" {
		d.summary = paragraphs(summary)
	}
	if d.html == "" {
		d.html = paragraphs(str(m, "content_text"))
	}
	tags, _ := m["tags"].([]any)
	for _, t := range tags {
		if s, ok := t.(string); ok {
			d.Categories = append(d.Categories, s)
		}
	}
	d.base = cmp.Or(d.URL, d.base)
	return d
}

func jsonAuthor(m map[string]any) string {
	authors, _ := m["authors"].([]any)
	if len(authors) == 0 {
		authors = []any{m["author"]} // 1.0
	}
	names := []string{}
	for _, a := range authors {
		if a, ok := a.(map[string]any); ok && str(a, "name") != "" {
			names = append(names, str(a, "name"))
		}
	}
	return strings.Join(names, ", ")
}

// str is a text of an object; a number is the text of it, as some feeds number their items.
func str(m map[string]any, key string) string {
	switch v := m[key].(type) {
	case string:
		return v
	case int64, json.Number:
		return fmt.Sprint(v)
	}
	return ""
}
