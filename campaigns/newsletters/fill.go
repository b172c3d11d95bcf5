package newsletters

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"postrider/campaigns/feed"
	"postrider/internal/errs"
	"postrider/templates"
)

// Templates fills issues by templates. It is a Filler.
type Templates struct{ Service *templates.Service }

// Fill puts layout and snippets in, and then the issue.
func (t Templates) Fill(ctx context.Context, c Content, g Gathered) (Content, error) {
	src := templates.Source{Kind: c.Kind, LayoutID: c.LayoutID, Subject: c.Subject, Preheader: c.Preheader, HTML: c.HTML, Text: c.Text, KeepCSS: c.KeepCSS}
	src, err := t.Service.Assemble(ctx, src)
	if err != nil {
		return c, err
	}
	whole := src
	if src, err = templates.Expand(whole, g.data()); err != nil {
		return c, err
	}
	if g.Document != nil {
		if err := showsDocument(whole, src, g); err != nil {
			return c, err
		}
	}
	return Content{Kind: src.Kind, LayoutID: src.LayoutID, Subject: src.Subject, Preheader: src.Preheader, HTML: src.HTML, Text: src.Text, KeepCSS: src.KeepCSS}, nil
}

// showsDocument refuses a mail that would be the same without the document: a field that is not there shows nothing, and people would get a mail that is all but empty.
func showsDocument(whole, filled templates.Source, g Gathered) error {
	fields := strings.Join(slices.Sorted(maps.Keys(g.Document)), ", ")
	g.Document = map[string]any{}
	without, err := templates.Expand(whole, g.data())
	if err != nil || without != filled {
		return nil // what cannot be without it shows it
	}
	if len(fields) > mostNamed {
		fields = strings.ToValidUTF8(fields[:mostNamed], "") + "…"
	}
	return errs.InvalidField("html", "nothing of the document stands in the mail. Show its fields, as {{ data.name }}: it has %s", cmp.Or(fields, "none"))
}

// mostNamed bounds the names of fields in an error, in bytes.
const mostNamed = 300

// data is what templates see: feed with its items, data, and issue with number, date, newsletter, the count of items and archive_url.
func (g Gathered) data() map[string]any {
	f := g.Feed
	f.Items = make([]feed.Item, len(g.Items))
	for i, x := range g.Items {
		f.Items[i] = feed.Item(x)
	}
	data := map[string]any{"feed": f.Data(), "issue": map[string]any{"number": g.Number, "date": g.Date, "newsletter": g.Name, "items": len(g.Items), "archive_url": g.ArchiveURL}}
	if g.Document != nil {
		data["data"] = g.Document
	}
	return data
}
