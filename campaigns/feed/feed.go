package feed

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"html"
	"net/url"
	"slices"
	"strings"
	"time"

	"postrider/internal/errs"
	"postrider/templates"
)

// Limits of a feed.
const (
	MaxBody  = 5 << 20 // bytes, before and after decoding
	MaxItems = 500     // the newest of more

	maxRead       = 20_000 // items that are looked at to find the newest
	maxTitle      = 500    // characters
	maxSummary    = 400    // characters
	maxHTML       = 200 << 10
	maxURL        = 2000
	maxID         = 500
	maxCategories = 20
)

// Feed is a feed as Postrider understands it.
type Feed struct {
	Format      string // "RSS", "Atom" or "JSON Feed"
	Title       string
	URL         string // of the site that the feed is about, "" when it does not say
	Description string
	Language    string
	Items       []Item // as they came
}

// Item is one entry. Texts are plain, without markup; addresses are absolute, http or https, or empty; a time that is missing or cannot be read is zero.
type Item struct {
	// ID tells items apart over time: what the feed says, else the address, else a hash of the content.
	ID        string
	URL       string
	Title     string
	Author    string
	Summary   string // at most 400 characters
	HTML      string // safe to put into a mail
	Image     string
	Published time.Time
	Updated   time.Time
	// Categories are the item's own words, without repetition.
	Categories []string
}

// draft is an item as read, before the dear part: only what is kept gets its HTML made safe.
type draft struct {
	Item
	html    string // as the feed has it
	summary string // HTML or text, "" when the feed has none of its own
	plain   bool   // html is text
	base    string // what addresses in html are relative to
}

// Parse reads a feed. contentType is what the server said, baseURL where the feed was found.
func Parse(body []byte, contentType, baseURL string) (Feed, error) {
	if len(body) > MaxBody {
		return Feed{}, errs.New(errs.TooLarge, "the feed is larger than %d MB", MaxBody>>20)
	}
	text, err := decode(body, contentType)
	if err != nil {
		return Feed{}, err
	}
	text = bytes.TrimLeft(text, " \t\r\n\x00")
	if len(text) == 0 {
		return Feed{}, errs.New(errs.Invalid, "the document is empty")
	}
	base, err := url.Parse(baseURL)
	if err != nil {
		base = &url.URL{}
	}
	var f Feed
	var drafts []draft
	if text[0] == '{' || text[0] == '[' {
		f, drafts, err = parseJSONFeed(text, base)
	} else {
		f, drafts, err = parseXML(text, base)
	}
	if err != nil {
		return Feed{}, err
	}
	f.Title, f.Description, f.Language = line(f.Title, maxTitle), line(f.Description, maxSummary), line(f.Language, 35)
	f.Items = finish(drafts)
	return f, nil
}

// finish makes items of the newest drafts, each ID once, and none of a draft that has nothing to show.
func finish(drafts []draft) []Item {
	for i := range drafts {
		drafts[i].identify()
	}
	seen := map[string]bool{}
	drafts = slices.DeleteFunc(drafts, func(d draft) bool {
		if d.URL+strings.TrimSpace(d.Title+d.html+d.summary) == "" {
			return true
		}
		again := seen[d.ID]
		seen[d.ID] = true
		return again
	})
	items := make([]Item, 0, min(len(drafts), MaxItems))
	for _, d := range newest(drafts) {
		items = append(items, d.finish())
	}
	return items
}

// newest keeps the newest items in the order of the feed. Those without a time count as they stand: a feed begins with its newest.
func newest(drafts []draft) []draft {
	if len(drafts) <= MaxItems {
		return drafts
	}
	order := make([]int, len(drafts))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return drafts[b].when().Compare(drafts[a].when()) })
	order = order[:MaxItems]
	slices.Sort(order)
	out := make([]draft, len(order))
	for i, n := range order {
		out[i] = drafts[n]
	}
	return out
}

func (d *draft) when() time.Time {
	if d.Published.IsZero() {
		return d.Updated
	}
	return d.Published
}

// identify sets the ID.
func (d *draft) identify() {
	d.ID = strings.Join(strings.Fields(d.ID), " ")
	d.ID = cmp.Or(d.ID, d.URL)
	if d.ID != "" && len(d.ID) <= maxID {
		return
	}
	sum := sha256.New()
	for _, part := range []string{d.ID, d.Title, d.html, d.summary} {
		sum.Write([]byte(part))
		sum.Write([]byte{0})
	}
	d.ID = "sha256:" + hex.EncodeToString(sum.Sum(nil))
}

// finish makes the HTML safe and fills in what follows from it.
func (d draft) finish() Item {
	it := d.Item
	source := cut(cmp.Or(d.html, d.summary), maxHTML)
	if d.plain {
		source = paragraphs(source)
	}
	if it.HTML = Sanitize(source, d.base); !strings.Contains(it.HTML, "<") {
		it.HTML = paragraphs(html.UnescapeString(it.HTML)) // text, which most descriptions are
	}
	it.Title = line(it.Title, maxTitle)
	it.Author = line(it.Author, 200)
	it.Summary = line(plainText(cut(cmp.Or(d.summary, source), maxHTML)), maxSummary)
	if it.Title == "" {
		it.Title = line(it.Summary, 80)
	}
	if it.Image == "" {
		it.Image = firstImage(it.HTML)
	}
	it.Categories = categories(it.Categories)
	return it
}

func categories(all []string) []string {
	out := []string{}
	for _, c := range all {
		if c = line(c, 100); c != "" && !slices.Contains(out, c) && len(out) < maxCategories {
			out = append(out, c)
		}
	}
	return out
}

// webURL resolves an address that a feed names. "" is one that is not http or https, or too long.
func webURL(base *url.URL, ref string) string {
	ref = strings.TrimSpace(ref)
	if ref == "" || len(ref) > maxURL {
		return ""
	}
	u, err := base.Parse(ref)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return ""
	}
	if u.String() == ref || !strings.HasPrefix(strings.ToLower(ref), "http") {
		return limited(u.String())
	}
	// An absolute address stays as it was written, but for what cannot stand in one.
	return limited(strings.ReplaceAll(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, ref), " ", "%20"))
}

func limited(address string) string {
	if len(address) > maxURL {
		return ""
	}
	return address
}

// Data is the feed as templates see it: {{ feed.title }}, .url, .description, .language, and for each of feed.items: .id, .title, .url, .author, .summary, .html, .image,
// .published, .updated (times; nil when not known) and .categories. html is safe and is put in as it is; everything else is escaped like any text.
func (f Feed) Data() map[string]any {
	items := make([]any, len(f.Items))
	for i, it := range f.Items {
		items[i] = it.Data()
	}
	return map[string]any{"title": f.Title, "url": f.URL, "description": f.Description, "language": f.Language, "items": items}
}

// Data is one item of Feed.Data.
func (it Item) Data() map[string]any {
	words := make([]any, len(it.Categories))
	for i, c := range it.Categories {
		words[i] = c
	}
	return map[string]any{
		"id": it.ID, "title": it.Title, "url": it.URL, "author": it.Author, "summary": it.Summary, "html": templates.SafeHTML(it.HTML), "image": it.Image,
		"published": known(it.Published), "updated": known(it.Updated), "categories": words,
	}
}

// known is a time, nil when there is none: a template can ask for it with if.
func known(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}
