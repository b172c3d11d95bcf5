package api

import (
	"bytes"
	"cmp"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"net/url"
	"time"

	"postrider/campaigns/feed"
	"postrider/internal/page"
)

// atomFeed is RFC 4287.
type atomFeed struct {
	XMLName  xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	Language string      `xml:"http://www.w3.org/XML/1998/namespace lang,attr,omitempty"`
	ID       string      `xml:"id"`
	Title    string      `xml:"title"`
	Subtitle string      `xml:"subtitle,omitempty"`
	Updated  string      `xml:"updated"`
	Author   atomPerson  `xml:"author"`
	Links    []atomLink  `xml:"link"`
	Entries  []atomEntry `xml:"entry"`
}

type atomPerson struct {
	Name string `xml:"name"`
}

type atomLink struct {
	Rel  string `xml:"rel,attr"`
	Type string `xml:"type,attr"`
	Href string `xml:"href,attr"`
}

type atomEntry struct {
	ID        string   `xml:"id"`
	Title     string   `xml:"title"`
	Link      atomLink `xml:"link"`
	Published string   `xml:"published"`
	Updated   string   `xml:"updated"`
	Summary   string   `xml:"summary,omitempty"`
	Content   atomText `xml:"content"`
}

type atomText struct {
	Type string `xml:"type,attr"`
	Text string `xml:",chardata"`
}

// jsonFeedDoc is JSON Feed 1.1.
type jsonFeedDoc struct {
	Version     string           `json:"version"`
	Title       string           `json:"title"`
	HomePageURL string           `json:"home_page_url"`
	FeedURL     string           `json:"feed_url"`
	Description string           `json:"description,omitempty"`
	Language    string           `json:"language,omitempty"`
	Authors     []jsonFeedAuthor `json:"authors"`
	Items       []jsonFeedItem   `json:"items"`
}

type jsonFeedAuthor struct {
	Name string `json:"name"`
}

type jsonFeedItem struct {
	ID            string `json:"id"`
	URL           string `json:"url"`
	Title         string `json:"title"`
	ContentHTML   string `json:"content_html"`
	Summary       string `json:"summary,omitempty"`
	Image         string `json:"image,omitempty"`
	DatePublished string `json:"date_published"`
	DateModified  string `json:"date_modified"`
}

// fedIssue is an issue in a feed.
type fedIssue struct {
	ArchiveIssue
	url, title, html string
}

// fed gives the newest issues with their content, made safe as that of any feed. It is false when the answer is given already.
func (a *archive) fed(w http.ResponseWriter, r *http.Request) (archiveView, []fedIssue, bool) {
	v, ok := a.begin(w, r)
	if !ok {
		return v, nil, false
	}
	issues, err := a.source.ArchiveIssues(r.Context(), v.Slug, page.Query{Limit: issuesPerPage})
	out := make([]fedIssue, 0, len(issues.Items))
	for _, i := range issues.Items {
		if err != nil {
			break
		}
		var c ArchiveContent
		var m renderedIssue
		if c, err = a.source.ArchiveIssue(r.Context(), v.Slug, i.Slug); err == nil {
			m, err = a.render(v, c)
		}
		out = append(out, fedIssue{i, v.Base + "/" + url.PathEscape(i.Slug), cmp.Or(m.subject, i.Title), feed.Sanitize(m.html, v.Base)})
	}
	if err != nil {
		a.fail(w, r, err)
		return v, nil, false
	}
	if !v.Indexed {
		w.Header().Set("X-Robots-Tag", "noindex")
	}
	// Feeds are public: pages of others may read them.
	w.Header().Set("Access-Control-Allow-Origin", "*")
	return v, out, true
}

// changed is when a feed last did.
func changed(v archiveView, issues []fedIssue) time.Time {
	last := v.UpdatedAt
	for _, i := range issues {
		for _, t := range []time.Time{i.SentAt, i.UpdatedAt} {
			if t.After(last) {
				last = t
			}
		}
	}
	return last
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// atom gives the newest issues as Atom.
func (a *archive) atom(w http.ResponseWriter, r *http.Request) {
	v, issues, ok := a.fed(w, r)
	if !ok {
		return
	}
	doc := atomFeed{
		Language: v.Language, ID: v.Base, Title: v.Title, Subtitle: cmp.Or(v.Note, v.Description), Updated: stamp(changed(v, issues)), Author: atomPerson{cmp.Or(v.Organization, v.Title)},
		Links: []atomLink{{"self", "application/atom+xml", v.Base + "/feed.xml"}, {"alternate", "text/html", v.Base}},
	}
	for _, i := range issues {
		doc.Entries = append(doc.Entries, atomEntry{
			ID: i.url, Title: i.title, Link: atomLink{"alternate", "text/html", i.url}, Published: stamp(i.SentAt), Updated: stamp(i.UpdatedAt), Summary: i.Summary, Content: atomText{"html", i.html},
		})
	}
	body, err := xml.Marshal(doc)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	a.answer(w, r, "application/atom+xml; charset=utf-8", append([]byte(xml.Header), body...), changed(v, issues))
}

// jsonFeed gives the newest issues as JSON Feed.
func (a *archive) jsonFeed(w http.ResponseWriter, r *http.Request) {
	v, issues, ok := a.fed(w, r)
	if !ok {
		return
	}
	doc := jsonFeedDoc{
		Version: "https://jsonfeed.org/version/1.1", Title: v.Title, HomePageURL: v.Base, FeedURL: v.Base + "/feed.json", Description: cmp.Or(v.Note, v.Description), Language: v.Language,
		Authors: []jsonFeedAuthor{{cmp.Or(v.Organization, v.Title)}}, Items: []jsonFeedItem{},
	}
	for _, i := range issues {
		doc.Items = append(doc.Items, jsonFeedItem{
			ID: i.url, URL: i.url, Title: i.title, ContentHTML: i.html, Summary: i.Summary, Image: webAddress(i.Image), DatePublished: stamp(i.SentAt), DateModified: stamp(i.UpdatedAt),
		})
	}
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(doc); err != nil {
		a.fail(w, r, err)
		return
	}
	a.answer(w, r, "application/feed+json; charset=utf-8", b.Bytes(), changed(v, issues))
}
