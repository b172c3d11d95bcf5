package newsletters

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/campaigns"
	"postrider/campaigns/feed"
	"postrider/campaigns/sources"
)

// Item is one entry of a feed. HTML is sanitised by whoever reads the feed.
type Item struct {
	ID         string    `json:"id"`
	URL        string    `json:"url"`
	Title      string    `json:"title"`
	Author     string    `json:"author"`
	Summary    string    `json:"summary"`
	HTML       string    `json:"html"`
	Image      string    `json:"image"`
	Published  time.Time `json:"published"`
	Updated    time.Time `json:"updated"`
	Categories []string  `json:"categories"`
}

// key tells items apart: by their id, else by where they lead, else by what they are called.
func (i Item) key() []byte {
	name := i.ID
	if name == "" {
		name = i.URL
	}
	if name == "" {
		name = i.Title
	}
	sum := sha256.Sum256([]byte(name))
	return sum[:]
}

// dated is when it was published, else changed, the zero time when the feed does not say.
func (i Item) dated() time.Time {
	if i.Published.IsZero() {
		return i.Updated
	}
	return i.Published
}

// when is its time among others: one without a date counts from when it was first seen.
func (i Item) when(seen time.Time) time.Time {
	if at := i.dated(); !at.IsZero() {
		return at
	}
	return seen
}

// Fetched is what a source holds: a feed with its items, or the values of a JSON document. Trouble says why it is only the last good copy, "" when it is not.
type Fetched struct {
	Feed     feed.Feed // without Items
	Items    []Item
	Document map[string]any
	Trouble  string
}

// Fetcher reads sources. maxAge says how old a copy may be; 0 asks the server. It bounds time and size, goes to no private address, and its errors are for people to read.
type Fetcher interface {
	Fetch(ctx context.Context, s Source, maxAge time.Duration) (Fetched, error)
}

// Gathered is what an issue is filled with: the values of the roots feed, data and issue.
type Gathered struct {
	Fetched
	Number int
	Date   string // of the issue, 2026-12-24
	Name   string // of the newsletter
	// ArchiveURL is where everybody can read the issue once it has gone out, "" when nobody can.
	ArchiveURL string
}

// Filler puts what belongs to the issue into the template, and leaves what belongs to the person as it is. Its errors are for people to read.
type Filler interface {
	Fill(ctx context.Context, c Content, g Gathered) (Content, error)
}

// Campaigns is what an issue needs of campaigns.
type Campaigns interface {
	LockTx(ctx context.Context, tx pgx.Tx, id int64) (campaigns.Campaign, error)
	CreateTx(ctx context.Context, tx pgx.Tx, in campaigns.Input) (campaigns.Campaign, error)
	UpdateTx(ctx context.Context, tx pgx.Tx, id int64, in campaigns.Input) error
	StartAlso(ctx context.Context, id int64, also func(tx pgx.Tx, was campaigns.Campaign) error) (campaigns.Campaign, error)
	SendNotice(ctx context.Context, n campaigns.Notice) ([]campaigns.TestResult, error)
}

// Documents reads feeds and JSON documents of the web. It is a Fetcher.
type Documents struct{ Sources *sources.Service }

// Fetch reads a source, or its last good copy.
func (d Documents) Fetch(ctx context.Context, s Source, maxAge time.Duration) (Fetched, error) {
	doc, err := d.Sources.Fetch(ctx, sources.Kind(s.Kind), s.URL, maxAge)
	if err != nil {
		return Fetched{}, err
	}
	got := Fetched{}
	if doc.Stale {
		got.Trouble = doc.Trouble
	}
	if s.Kind == SourceJSON {
		if got.Document, err = feed.ParseJSON(doc.Body); err != nil {
			return got, fmt.Errorf("reading %s: %w", s.URL, err)
		}
		return got, nil
	}
	if got.Feed, err = feed.Parse(doc.Body, doc.ContentType, doc.FinalURL); err != nil {
		return got, fmt.Errorf("reading %s: %w", s.URL, err)
	}
	for _, x := range got.Feed.Items {
		got.Items = append(got.Items, Item(x))
	}
	got.Feed.Items = nil
	return got, nil
}
