package events

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// flushEvery bounds what a crash loses.
	flushEvery = 500 * time.Millisecond
	// flushAt is the number of events that are written without waiting for the tick.
	flushAt = 2000
	// bufferSize is how many events wait in memory at most: some 10 MB.
	bufferSize = 20_000
	// writeTimeout bounds one write, at the end also the last one.
	writeTimeout = 10 * time.Second
)

// Service records and counts events. It is safe for concurrent use.
type Service struct {
	pool *pgxpool.Pool
	log  *slog.Logger
	now  func() time.Time

	mu     sync.Mutex
	buf    []Event
	closed bool // Run has ended: nobody will flush any more
	full   chan struct{}
	// flushing is held by the one who writes the buffer, so that Flush returns when everything before it is written.
	flushing sync.Mutex
	capacity int
}

// New makes a Service. Run must be going for buffered events to be written.
func New(pool *pgxpool.Pool, logger *slog.Logger, now func() time.Time) *Service {
	return &Service{pool: pool, log: logger, now: now, full: make(chan struct{}, 1), capacity: bufferSize}
}

// Record takes an event of a request that does not wait for the database. Only when the buffer is full, or Run has ended, does the caller write the
// event through, which holds a flood back to the speed of the database. An event is lost when the process is killed within a second, or when such a
// write fails, which is logged.
func (s *Service) Record(e Event) {
	e = s.clean(e)
	if s.enqueue(e) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
	defer cancel()
	if err := s.write(ctx, []Event{e}); err != nil {
		s.log.Error("an event is lost", "kind", e.Kind, "campaign_id", e.CampaignID, "seq", e.Seq, "error", err)
	}
}

func (s *Service) enqueue(e Event) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.buf) >= s.capacity {
		return false
	}
	s.buf = append(s.buf, e)
	if len(s.buf) == min(flushAt, s.capacity) {
		select {
		case s.full <- struct{}{}:
		default:
		}
	}
	return true
}

func (s *Service) clean(e Event) Event {
	if e.At.IsZero() {
		e.At = s.now()
	}
	e.At = e.At.UTC().Truncate(time.Microsecond)
	e.UserAgent = cleanText(e.UserAgent, maxUserAgent)
	e.Detail = cleanText(e.Detail, maxDetail)
	return e
}

// cleanText makes a text storable: Postgres takes no NUL and no broken UTF-8.
func cleanText(s string, limit int) string {
	if len(s) > limit {
		s = s[:limit]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", "")
}

// Run writes the buffer at least every half second until ctx ends, then once more, and returns nil. After it events are written through.
func (s *Service) Run(ctx context.Context) error {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return s.close()
		case <-tick.C:
		case <-s.full:
		}
		// Not under ctx: a COPY that is cut off may have been stored, and would be stored again.
		if err := s.Flush(context.WithoutCancel(ctx)); err != nil {
			s.log.Warn("events could not be written; they are kept and tried again", "error", err)
		}
	}
}

func (s *Service) close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	return s.Flush(context.Background())
}

// Flush writes what was recorded before the call. After an error the events are kept for the next try; when the error is that ctx or the connection
// ended in the middle, they can have been stored and come twice.
func (s *Service) Flush(ctx context.Context) error {
	s.flushing.Lock()
	defer s.flushing.Unlock()
	s.mu.Lock()
	batch := s.buf
	s.buf = nil
	s.mu.Unlock()
	if len(batch) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	err := s.write(ctx, batch)
	if err != nil {
		s.mu.Lock()
		// They go back in front. The buffer can be over its size until they are written; meanwhile it takes no new ones.
		s.buf = append(batch, s.buf...)
		s.mu.Unlock()
	}
	return err
}
