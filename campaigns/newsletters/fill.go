package newsletters

import (
	"context"

	"postrider/campaigns/feed"
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
	if src, err = templates.Expand(src, g.data()); err != nil {
		return c, err
	}
	return Content{Kind: src.Kind, LayoutID: src.LayoutID, Subject: src.Subject, Preheader: src.Preheader, HTML: src.HTML, Text: src.Text, KeepCSS: src.KeepCSS}, nil
}

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
