package media

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/singleflight"

	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/internal/pg"
	"postrider/internal/secret"
)

// Config is what the library needs to know about its surroundings.
type Config struct {
	// Folder is where the storage of kind folder is. Processes that serve must share it.
	Folder string
	// Transport is for requests to S3; nil is the usual one.
	Transport http.RoundTripper
}

// Service is the media library. It is safe for concurrent use.
type Service struct {
	pool      *pgxpool.Pool
	box       *secret.Box
	folder    folder
	transport http.RoundTripper
	log       *slog.Logger
	now       func() time.Time

	decoding chan struct{} // one image at a time is decoded: it takes much memory for a moment
	fetching singleflight.Group
	fetches  chan struct{} // and this many objects are fetched at a time
	cache    *cache

	mu      sync.Mutex
	buckets map[int64]openBucket
}

// openBucket is a client for a storage as it was at a time.
type openBucket struct {
	of time.Time
	bucket
}

// New makes a Service.
func New(pool *pgxpool.Pool, box *secret.Box, cfg Config, log *slog.Logger, now func() time.Time) *Service {
	s := &Service{
		pool: pool, box: box, folder: folder{cfg.Folder}, transport: cfg.Transport, log: log, now: now,
		decoding: make(chan struct{}, 1), fetches: make(chan struct{}, 8), cache: newCache(cacheBytes), buckets: map[int64]openBucket{},
	}
	if s.transport == nil {
		s.transport = newTransport()
	}
	return s
}

// clock is the time as Postgres keeps it.
func (s *Service) clock() time.Time { return s.now().UTC().Truncate(time.Microsecond) }

// Query asks for files. Search is a part of name or alternative text; Documents and Images ask for one of the two.
type Query struct {
	page.Query
	Search            string
	Images, Documents bool
}

// List gives files, the newest first.
func (s *Service) List(ctx context.Context, q Query) (page.Page[File], error) {
	return listFiles(ctx, s.pool, q)
}

// Get gives one file or NotFound.
func (s *Service) Get(ctx context.Context, id int64) (File, error) { return getFile(ctx, s.pool, id) }

// Update changes what is said about a file. Its address in mails stays good, for the name in it is not looked at.
func (s *Service) Update(ctx context.Context, id int64, d Details) (File, error) {
	d, err := d.clean()
	if err != nil {
		return File{}, err
	}
	return updateFile(ctx, s.pool, id, d, s.clock())
}

// Thumbnail gives a small image of a file, or NotFound for documents.
func (s *Service) Thumbnail(ctx context.Context, id int64) (body []byte, contentType string, err error) {
	return getThumbnail(ctx, s.pool, id)
}

// Uses lists what shows or links to a file: what is still to be sent first, then what is out.
func (s *Service) Uses(ctx context.Context, id int64) ([]Use, error) {
	f, err := s.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	return listUses(ctx, s.pool, f)
}

// Delete removes a file. What is still to be sent must not lose it, which is a Conflict that names it. Mails that are out lose it only when brokenMails says that this is known.
func (s *Service) Delete(ctx context.Context, id int64, brokenMails bool) error {
	var f File
	err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
		if f, err = lockFile(ctx, tx, id); err != nil {
			return err
		}
		uses, err := listUses(ctx, tx, f)
		if err != nil {
			return err
		}
		if err := mayDelete(f, uses, brokenMails); err != nil {
			return err
		}
		return deleteFile(ctx, tx, f, s.clock())
	})
	if err != nil {
		return err
	}
	s.cache.forget(f.Object)
	s.removeLeftover(ctx, leftover{StorageID: f.StorageID, Object: f.Object})
	return nil
}

func mayDelete(f File, uses []Use, brokenMails bool) error {
	var live, sent []Use
	for _, u := range uses {
		if u.Sent {
			sent = append(sent, u)
		} else {
			live = append(live, u)
		}
	}
	switch {
	case len(live) > 0:
		return errs.New(errs.Conflict, "%q is used by %s: take it out there first", f.Name, named(live))
	case len(sent) > 0 && !brokenMails:
		return errs.New(errs.Conflict, "%q is in mails that are out (%s), which would show a gap: delete it with broken_mails=true if that is meant", f.Name, named(sent))
	}
	return nil
}
