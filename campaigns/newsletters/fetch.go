package newsletters

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
	"postrider/internal/pg"
)

// pollEvery is how often a source is asked between issues, so that items are seen that do not stay until the next one. retryEvery is how soon what failed is tried again.
const (
	pollEvery  = time.Hour
	retryEvery = 5 * time.Minute
)

// mostShared is how long the answer of a source is good for all issues whose time came before it: one that is prepared and sent at its time, or many of one source, ask once.
const mostShared = 2 * time.Minute

// maxAge is how old the copy of its source may be that an issue is made of. At its time it is no older than that time; ahead of it the source is asked in any case.
func (i Issue) maxAge(now time.Time) time.Duration { return min(max(now.Sub(i.RunAt), 0), mostShared) }

// mostFetched bounds the items that are taken of one answer: the newest.
const mostFetched = 500

// fetch asks a source, outside of any transaction. Items come newest first; those of the same time, or of none, as the feed has them.
func (s *Service) fetch(ctx context.Context, src Source, maxAge time.Duration) (Fetched, error) {
	if s.d.Fetch == nil {
		return Fetched{}, errs.New(errs.Unavailable, "this installation cannot fetch feeds")
	}
	got, err := s.d.Fetch.Fetch(ctx, src, maxAge)
	if err != nil {
		return got, err
	}
	for i := range got.Items {
		got.Items[i].clean()
	}
	now := s.d.Now()
	slices.SortStableFunc(got.Items, func(a, b Item) int { return b.when(now).Compare(a.when(now)) })
	if len(got.Items) > mostFetched {
		got.Items = got.Items[:mostFetched]
	}
	return got, nil
}

// clean takes out what no text in the database has.
func (i *Item) clean() {
	for _, text := range []*string{&i.ID, &i.URL, &i.Title, &i.Author, &i.Summary, &i.HTML, &i.Image} {
		*text = strings.ReplaceAll(strings.ToValidUTF8(*text, "\uFFFD"), "\x00", "")
	}
	for k, c := range i.Categories {
		i.Categories[k] = strings.ReplaceAll(strings.ToValidUTF8(c, "\uFFFD"), "\x00", "")
	}
}

// takeTx keeps what a source answered, and how it stands.
func (s *Service) takeTx(ctx context.Context, tx pgx.Tx, n Newsletter, got Fetched, baseline bool) error {
	now := s.d.Now()
	err := exec(ctx, tx, `
		UPDATE newsletters SET fetch_at = $2, fetched_at = CASE WHEN $4 = '' THEN $3::timestamptz ELSE fetched_at END, fetch_error = NULLIF($4, ''),
			failing_since = CASE WHEN $4 = '' THEN NULL ELSE COALESCE(failing_since, $3::timestamptz) END
		WHERE id = $1`, n.ID, now.Add(pollEvery), now, got.Trouble)
	if err != nil {
		return err
	}
	return ingestTx(ctx, tx, n, got.Items, baseline, now)
}

// refetch asks the source of a newsletter and keeps what it says. An error is kept too, and given back.
func (s *Service) refetch(ctx context.Context, n Newsletter, maxAge time.Duration) (Fetched, error) {
	got, err := s.fetch(ctx, n.Source, maxAge)
	if err != nil {
		return got, s.failed(ctx, n, err)
	}
	return got, pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error {
		locked, err := lockNewsletter(ctx, tx, n.ID)
		if err != nil || locked.Source != n.Source {
			return err // somebody gave it another source meanwhile
		}
		return s.takeTx(ctx, tx, locked, got, false)
	})
}

// sourceError is what a source failed with, in words for people.
type sourceError struct{ text string }

func (e *sourceError) Error() string { return e.text }

func (s *Service) failed(ctx context.Context, n Newsletter, cause error) error {
	if ctx.Err() != nil {
		return cause
	}
	text := words(cause)
	err := exec(ctx, s.d.Pool, `UPDATE newsletters SET fetch_error = $2, failing_since = COALESCE(failing_since, $3), fetch_at = $4 WHERE id = $1`, n.ID, text, s.d.Now(), s.d.Now().Add(retryEvery))
	if err != nil {
		return err
	}
	return &sourceError{text}
}

// words gives what a person may read of an error.
func words(err error) string {
	if errs.KindOf(err) != errs.Internal {
		return strings.ToValidUTF8(strings.ReplaceAll(errs.Words(err), "\x00", ""), "\uFFFD")
	}
	return "it failed for a reason that is in the log"
}

// Check is what a source holds now.
type Check struct {
	Error string
	Items []CheckedItem
	New   int // how many items would be in the next issue
	// Document is that of a JSON source.
	Document map[string]any
}

// CheckedItem is an item of a source. Status is new, sent or old.
type CheckedItem struct {
	Item
	Status string
}

// CheckSource shows what would come now, and changes nothing.
func (s *Service) CheckSource(ctx context.Context, id int64) (Check, error) {
	n, err := s.Get(ctx, id)
	if err != nil {
		return Check{}, err
	}
	if n.Source.Kind == SourceDraft {
		return Check{}, errs.New(errs.Conflict, "the issues of the newsletter %q are written by a person; there is no source to check", n.Name)
	}
	got, err := s.fetch(ctx, n.Source, 0)
	if err != nil {
		if ctx.Err() != nil {
			return Check{}, err
		}
		return Check{Error: words(err)}, nil
	}
	c := Check{Document: got.Document, Error: got.Trouble}
	for k, x := range got.Items {
		status := "new"
		err := s.d.Pool.QueryRow(ctx, `SELECT CASE WHEN sent_at IS NOT NULL THEN 'sent' WHEN old THEN 'old' ELSE 'new' END FROM newsletter_items WHERE newsletter_id = $1 AND key = $2`, id, x.key()).Scan(&status)
		if err != nil && err != pgx.ErrNoRows {
			return c, fmt.Errorf("checking the source of newsletter %d: %w", id, err)
		}
		if err != nil && n.ActivatedAt == nil && k >= n.Rules.FirstItems {
			status = "old"
		}
		if status == "new" {
			c.New++
		}
		c.Items = append(c.Items, CheckedItem{x, status})
	}
	c.New = min(c.New, n.Rules.MaxItems)
	return c, nil
}
