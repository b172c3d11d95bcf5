package sources

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"postrider/campaigns/feed"
	"postrider/internal/errs"
	"postrider/internal/safehttp"
)

// How long a source that fails is left alone: twice as long each time, within these. Who wants a copy younger than hurryRest needs it now, such as an issue at its time or a person
// who has mended the source, and waits no longer than that.
const (
	firstRest = 2 * time.Minute
	mostRest  = 6 * time.Hour
	hurryRest = 5 * time.Minute
)

// keepUnused is how long a copy is kept that nobody asks for.
const keepUnused = 90 * 24 * time.Hour

// ahead is by how much the clocks of processes may differ. A time that lies further in the future was written by a clock that was wrong, and does not count.
const ahead = 10 * time.Minute

// maxTrouble bounds what is kept of an error, in bytes.
const maxTrouble = 500

// Kind is what a document is read as.
type Kind string

// A document of the web is a feed (RSS, Atom, JSON Feed) or any JSON. What is good as the one need not be good as the other.
const (
	Feed Kind = "feed"
	JSON Kind = "json"
)

// Document is a copy of what is at an address.
type Document struct {
	Body        []byte
	ContentType string
	FinalURL    string // where it was in the end: what addresses in it are relative to
	FetchedAt   time.Time
	// Stale says that the copy is older than was asked for, because there is no newer one to be had.
	Stale bool
	// Trouble is what is wrong with the source, "" when nothing is: "since 4 May 2026, 09:12 UTC: example.org answered 503 …; this copy is from 4 May 2026, 08:00 UTC".
	Trouble string
}

// State is how a source stands.
type State struct {
	FetchedAt    *time.Time // of the last good copy, nil when there is none
	TriedAt      time.Time
	Error        string // what is wrong, "" when nothing is
	FailingSince *time.Time
	Failures     int
	NextTryAt    *time.Time // the source is left alone until then
	MovedTo      string     // where the source has moved for good, "" when it has not
}

// Getter asks servers; a *safehttp.Getter.
type Getter interface {
	CheckURL(address string) (*url.URL, error)
	Get(ctx context.Context, address string, v safehttp.Validators) (safehttp.Answer, error)
}

// Service has the use cases of sources. It is safe for concurrent use.
type Service struct {
	pool  *pgxpool.Pool
	get   Getter
	now   func() time.Time
	turns turns
}

// New makes a Service.
func New(pool *pgxpool.Pool, get Getter, now func() time.Time) *Service {
	return &Service{pool: pool, get: get, now: now, turns: turns{hosts: map[string]*host{}}}
}

// Fetch gives the document of a kind at an address, no older than maxAge when that can be had; 0 asks the server in any case, unless that is left alone: it has failed
// in the last minutes, or wants to be. What is wrong with a
// source of which there is a copy is no error but Document.Trouble. Error: what safehttp.Getter.Get gives, or Unavailable while a source that never worked is left alone.
func (s *Service) Fetch(ctx context.Context, kind Kind, address string, maxAge time.Duration) (Document, error) {
	u, err := s.get.CheckURL(address)
	if err != nil {
		return Document{}, err
	}
	now := s.clock()
	if _, d, done, err := s.kept(ctx, kind, u.String(), now, maxAge); done {
		return d, err
	}
	end, err := s.turns.take(ctx, strings.ToLower(u.Host))
	if err != nil {
		return Document{}, err
	}
	defer end()
	r, d, done, err := s.kept(ctx, kind, u.String(), now, maxAge) // others may have asked meanwhile
	if done {
		return d, err
	}
	return s.ask(ctx, r)
}

// kept gives what there is without asking: a copy that is fresh enough, or what stands in while the source is left alone. done is false when the source is to be asked.
func (s *Service) kept(ctx context.Context, kind Kind, url string, now time.Time, maxAge time.Duration) (r row, d Document, done bool, err error) {
	r, err = s.load(ctx, kind, url, now)
	switch {
	case err != nil:
		return r, d, true, err
	case r.fresh(now, maxAge):
		return r, r.document(false), true, nil
	case now.Before(r.restsUntil(maxAge)) && r.TriedAt.Before(now.Add(ahead)):
		d, err = r.standIn(maxAge)
		return r, d, true, err
	}
	return r, d, false, nil
}

// ask asks the server, and keeps what it says.
func (s *Service) ask(ctx context.Context, r row) (Document, error) {
	answer, err := s.get.Get(ctx, r.URL, r.validators())
	if err == nil && !answer.NotModified {
		err = readable(r.Kind, answer)
	}
	if err != nil {
		return s.failed(ctx, r, err)
	}
	if answer.NotModified {
		answer.Body, answer.ContentType = r.Body, r.ContentType
	}
	r = good(r.Kind, r.URL, answer, s.clock())
	return r.document(false), s.saveGood(ctx, r)
}

// State says how the source of a kind at an address stands. Error: NotFound when it was never fetched.
func (s *Service) State(ctx context.Context, kind Kind, address string) (State, error) {
	u, err := s.get.CheckURL(address)
	if err != nil {
		return State{}, err
	}
	r, err := s.find(ctx, kind, u.String())
	if err != nil {
		return State{}, err
	}
	if r.TriedAt.IsZero() {
		return State{}, errs.New(errs.NotFound, "%s was never fetched", r.URL)
	}
	st := State{TriedAt: r.TriedAt, FetchedAt: r.FetchedAt, Error: r.Trouble, FailingSince: r.FailingSince, Failures: r.Failures, NextTryAt: r.NextTryAt}
	if r.Moved {
		st.MovedTo = r.FinalURL
	}
	return st, nil
}

// readable is an error for what cannot be read as its kind, such as a page of maintenance, or an error in JSON that comes as a feed.
func readable(kind Kind, a safehttp.Answer) (err error) {
	switch kind {
	case Feed:
		_, err = feed.Parse(a.Body, a.ContentType, a.FinalURL)
	case JSON:
		_, err = feed.ParseJSON(a.Body)
	default:
		err = fmt.Errorf("there is no source of the kind %q", kind)
	}
	return err
}

// failed notes what is wrong, and gives the last good copy when there is one.
func (s *Service) failed(ctx context.Context, r row, cause error) (Document, error) {
	var e *errs.E
	if ctx.Err() != nil || !errors.As(cause, &e) {
		return Document{}, cause // that we were stopped says nothing about the source
	}
	now := s.clock()
	r.Trouble, r.TriedAt = safehttp.Clean(e.Public, maxTrouble), now
	if r.FailingSince == nil || r.FailingSince.After(now) {
		r.FailingSince = &now
	}
	r.Failures++
	asked := safehttp.RetryAfterOf(cause)
	next, until := now.Add(max(rest(r.Failures), asked)), now.Add(asked)
	r.NextTryAt, r.AskedRest = &next, &until
	if err := s.saveFailure(ctx, r); err != nil {
		return Document{}, err
	}
	if r.FetchedAt == nil {
		return Document{}, cause
	}
	return r.document(true), nil
}

// rest is how long a source is left alone after so many failures.
func rest(failures int) time.Duration {
	return min(firstRest<<min(failures-1, 10), mostRest)
}

// clock is the time as Postgres keeps it.
func (s *Service) clock() time.Time { return s.now().UTC().Truncate(time.Microsecond) }

// moment is a time in words for people. It is UTC, which it says: whoever reads it may be anywhere.
func moment(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") }

func (r row) fresh(now time.Time, maxAge time.Duration) bool {
	return r.FetchedAt != nil && maxAge > 0 && now.Sub(*r.FetchedAt) < maxAge && r.FetchedAt.Before(now.Add(ahead))
}

// restsUntil is until when a source that fails is left alone by whoever wants a copy of this age; the zero time when it is not.
func (r row) restsUntil(maxAge time.Duration) time.Time {
	switch {
	case r.NextTryAt == nil:
		return time.Time{}
	case maxAge >= hurryRest:
		return *r.NextTryAt
	}
	until := r.TriedAt.Add(hurryRest)
	if until.After(*r.NextTryAt) {
		until = *r.NextTryAt
	}
	if r.AskedRest != nil && r.AskedRest.After(until) {
		until = *r.AskedRest
	}
	return until
}

func (r row) validators() safehttp.Validators {
	if r.FetchedAt == nil {
		return safehttp.Validators{}
	}
	return safehttp.Validators{ETag: r.ETag, LastModified: r.LastModified}
}

// standIn is what there is while a source is left alone.
func (r row) standIn(maxAge time.Duration) (Document, error) {
	if r.FetchedAt == nil {
		return Document{}, errs.New(errs.Unavailable, "%s (since %s; it is asked again from %s on)", r.Trouble, moment(*r.FailingSince), moment(r.restsUntil(maxAge)))
	}
	return r.document(true), nil
}

func (r row) document(stale bool) Document {
	d := Document{Body: r.Body, ContentType: r.ContentType, FinalURL: r.FinalURL, FetchedAt: *r.FetchedAt, Stale: stale}
	if r.FailingSince != nil {
		d.Trouble = fmt.Sprintf("since %s: %s; this copy is from %s", moment(*r.FailingSince), r.Trouble, moment(*r.FetchedAt))
	}
	return d
}
