package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"postrider/campaigns/feed"
	"postrider/internal/errs"
	"postrider/internal/safehttp"
)

type feedCmd struct {
	Source       string `arg:"" help:"Address of the feed, or a file; - is standard input." placeholder:"URL|FILE"`
	Base         string `help:"What addresses in a file are relative to: where the feed is found." placeholder:"URL"`
	Limit        int    `default:"20" help:"How many items to show; 0 is all."`
	JSON         bool   `name:"json" help:"Print one JSON object, with the content that goes into mail."`
	AllowPrivate bool   `name:"fetch-allow-private" env:"POSTRIDER_FETCH_ALLOW_PRIVATE" help:"Read from this machine and from private networks too."`
}

// feedReport is what --json prints.
type feedReport struct {
	Source   string         `json:"source"`
	FinalURL string         `json:"final_url,omitempty"`
	Moved    bool           `json:"moved,omitempty"`
	Kind     string         `json:"kind,omitempty"` // RSS, Atom, JSON Feed or JSON
	Feed     map[string]any `json:"feed,omitempty"`
	Data     map[string]any `json:"data,omitempty"` // of a JSON document that is no feed
	Error    string         `json:"error,omitempty"`
	parsed   *feed.Feed
	took     time.Duration
	answer   safehttp.Answer
}

// Run shows what Postrider makes of a feed. Nothing is stored, and no database is needed.
func (c feedCmd) Run(ctx context.Context) error {
	r, err := c.read(ctx)
	if err != nil {
		r.Error = publicText(err)
	}
	if c.JSON {
		enc := json.NewEncoder(os.Stdout)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(r); err != nil {
			return err
		}
	}
	switch {
	case r.Error != "":
		return errors.New(r.Error)
	case c.JSON:
		return nil
	}
	return r.print(os.Stdout)
}

// publicText is an error in words for people.
func publicText(err error) string {
	var e *errs.E
	if errors.As(err, &e) {
		return e.Public
	}
	return err.Error()
}

func (c feedCmd) read(ctx context.Context) (feedReport, error) {
	r := feedReport{Source: c.Source}
	began := time.Now()
	var err error
	if r.answer, err = c.get(ctx); err != nil {
		return r, err
	}
	r.took = time.Since(began)
	if isAddress(c.Source) {
		r.FinalURL, r.Moved = r.answer.FinalURL, r.answer.Moved
	}
	f, err := feed.Parse(r.answer.Body, r.answer.ContentType, r.answer.FinalURL)
	if err == nil {
		if c.Limit > 0 {
			f.Items = f.Items[:min(c.Limit, len(f.Items))]
		}
		r.Kind, r.Feed, r.parsed = f.Format, f.Data(), &f
		return r, nil
	}
	if data, jsonErr := feed.ParseJSON(r.answer.Body); jsonErr == nil {
		r.Kind, r.Data = "JSON", data
		return r, nil
	}
	return r, err
}

// printable keeps what a stranger wrote from steering the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

func isAddress(s string) bool {
	s = strings.ToLower(s)
	return strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://")
}

// get reads the document from where it is.
func (c feedCmd) get(ctx context.Context) (safehttp.Answer, error) {
	if isAddress(c.Source) {
		agent := func(context.Context) string { return "Postrider/" + version }
		return safehttp.NewGetter(safehttp.Config{AllowPrivate: c.AllowPrivate, Agent: agent}).Get(ctx, c.Source, safehttp.Validators{})
	}
	in := os.Stdin
	if c.Source != "-" {
		f, err := os.Open(c.Source)
		if err != nil {
			return safehttp.Answer{}, fmt.Errorf("reading the feed: %w", err)
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	body, err := io.ReadAll(io.LimitReader(in, feed.MaxBody+1))
	if err != nil {
		return safehttp.Answer{}, fmt.Errorf("reading the feed: %w", err)
	}
	return safehttp.Answer{Body: body, FinalURL: c.Base}, nil
}

func (r feedReport) print(w io.Writer) error {
	out := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintf(out, "Kind:\t%s, %d kB, read in %s\n", r.Kind, (len(r.answer.Body)+1023)/1024, r.took.Round(time.Millisecond))
	if r.FinalURL != "" && r.FinalURL != r.Source {
		fmt.Fprintf(out, "Found at:\t%s\n", r.FinalURL)
	}
	if r.Moved {
		fmt.Fprintf(out, "Moved:\tfor good; enter the address above\n")
	}
	if r.parsed == nil {
		fmt.Fprintf(out, "Fields:\t%d at the top; templates find them as data.NAME\n", len(r.Data))
		return out.Flush()
	}
	fmt.Fprintf(out, "Title:\t%s\nSite:\t%s\nItems:\t%d\n", printable(r.parsed.Title), r.parsed.URL, len(r.parsed.Items))
	if err := out.Flush(); err != nil {
		return err
	}
	for _, it := range r.parsed.Items {
		printItem(w, it)
	}
	return nil
}

func printItem(w io.Writer, it feed.Item) {
	when := "no date"
	if !it.Published.IsZero() {
		when = it.Published.Format("2006-01-02 15:04 UTC")
	} else if !it.Updated.IsZero() {
		when = it.Updated.Format("2006-01-02 15:04 UTC") + " (updated)"
	}
	fmt.Fprintf(w, "\n%s\n", printable(it.Title))
	for _, line := range [][2]string{{"", when}, {"by ", it.Author}, {"", it.URL}, {"image ", it.Image}, {"in ", strings.Join(it.Categories, ", ")}, {"id ", it.ID}, {"", it.Summary}} {
		if line[1] != "" {
			fmt.Fprintf(w, "    %s%s\n", line[0], printable(line[1]))
		}
	}
	fmt.Fprintf(w, "    %d bytes of HTML\n", len(it.HTML))
}
