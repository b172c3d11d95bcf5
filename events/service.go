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
	flushAt = 4000
	// bufferSize is how many events wait in memory at most: some 5 MB.
	bufferSize = 20_000
	// writeTimeout bounds one write, at the end also the last one.
	writeTimeout = 10 * time.Second
	// judgeEvery is how often what came lately is judged again.
	judgeEvery = 5 * time.Second
	// knownAgents is how many user agents are remembered with their class.
	knownAgents = 5000
)

// Config tunes a Service. Its zero value works.
type Config struct {
	// Windows are the spans of time by which machines are told from people.
	Windows Windows
}

// Service records, judges and counts events. It is safe for concurrent use.
type Service struct {
	cfg  Config
	pool *pgxpool.Pool
	log  *slog.Logger
	now  func() time.Time

	mu       sync.Mutex
	buf      []pending
	spare    []pending // the buffer before, to be filled again
	agents   map[string]agent
	closed   bool // Run has ended: nobody will flush any more
	full     chan struct{}
	room     chan struct{} // closed when the buffer was taken to be written
	capacity int
	// flushing is held by the one who writes the buffer, so that Flush returns when everything before it is written.
	flushing sync.Mutex
	late     late
}

// pending is an event that waits to be written.
type pending struct {
	Event
	class agentClass
}

// agent is a user agent as it is stored, and its class.
type agent struct {
	text  string
	class agentClass
}

// New makes a Service with the zero Config. Run must be going for buffered events to be written.
func New(pool *pgxpool.Pool, logger *slog.Logger, now func() time.Time) *Service {
	return NewWith(Config{}, pool, logger, now)
}

// NewWith is New with another Config.
func NewWith(cfg Config, pool *pgxpool.Pool, logger *slog.Logger, now func() time.Time) *Service {
	return &Service{
		cfg: cfg, pool: pool, log: logger, now: now, full: make(chan struct{}, 1), room: make(chan struct{}), capacity: bufferSize, agents: map[string]agent{},
	}
}

// Offer takes an event of a request that does not wait for the database. It is false when the buffer is full or Run has ended; Record then waits.
func (s *Service) Offer(e Event) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.offer(e)
}

func (s *Service) offer(e Event) bool {
	if s.closed || len(s.buf) >= s.capacity {
		return false
	}
	s.buf = append(s.buf, s.clean(e))
	if len(s.buf) == min(flushAt, s.capacity) {
		s.wake()
	}
	return true
}

func (s *Service) wake() {
	select {
	case s.full <- struct{}{}:
	default:
	}
}

// Record is Offer for a caller who can wait: a flood is held back to the speed of the database. After Run has ended the caller writes the event through. An
// event is lost when the process is killed within a second, or when the database takes none for ten seconds, which is logged.
func (s *Service) Record(e Event) {
	ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
	defer cancel()
	for {
		s.mu.Lock()
		taken, closed, room := s.offer(e), s.closed, s.room
		s.mu.Unlock()
		if taken {
			return
		}
		if closed {
			s.writeThrough(ctx, e)
			return
		}
		s.wake()
		select {
		case <-room:
		case <-ctx.Done():
			s.lost(e, ctx.Err())
			return
		}
	}
}

func (s *Service) writeThrough(ctx context.Context, e Event) {
	s.mu.Lock()
	p := s.clean(e)
	s.mu.Unlock()
	if err := s.write(ctx, []pending{p}); err != nil {
		s.lost(e, err)
	}
}

func (s *Service) lost(e Event, err error) {
	s.log.Error("an event is lost", "kind", e.Kind, "campaign_id", e.CampaignID, "seq", e.Seq, "error", err)
}

// clean makes an event storable. mu is held.
func (s *Service) clean(e Event) pending {
	if e.At.IsZero() {
		e.At = s.now()
	}
	e.At = e.At.UTC().Truncate(time.Microsecond)
	a := s.agent(e.UserAgent)
	e.UserAgent = a.text
	if e.Detail != "" {
		e.Detail = cleanText(e.Detail, maxDetail)
	}
	return pending{e, a.class}
}

// agent gives a user agent cleaned and classified. Those of today's readers are few, so that they are remembered; this also lets go of the request that the text came
// with. mu is held.
func (s *Service) agent(text string) agent {
	if a, ok := s.agents[text]; ok {
		return a
	}
	if len(s.agents) >= knownAgents {
		clear(s.agents)
	}
	a := agent{text: strings.Clone(cleanText(text, maxUserAgent))}
	a.class = classify(a.text)
	key := a.text
	if len(text) <= maxUserAgent {
		key = strings.Clone(text)
	}
	s.agents[key] = a
	return a
}

// cleanText makes a text storable: Postgres takes no NUL and no broken UTF-8.
func cleanText(s string, limit int) string {
	if len(s) > limit {
		s = s[:limit]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", "")
}

// Run writes the buffer at least every half second, and judges again what came lately, until ctx ends; then it writes once more, and returns nil. After it events are written
// through.
func (s *Service) Run(ctx context.Context) error {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	judge := time.NewTicker(judgeEvery)
	defer judge.Stop()
	for {
		// Not under ctx: a COPY that is cut off may have been stored, and would be stored again.
		whole := context.WithoutCancel(ctx)
		select {
		case <-ctx.Done():
			return s.close()
		case <-judge.C:
			if err := s.Judge(whole); err != nil {
				s.log.Warn("opens and clicks could not be judged; this is tried again", "error", err)
			}
		case <-tick.C:
		case <-s.full:
		}
		if err := s.Flush(whole); err != nil {
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
	s.buf, s.spare = s.spare[:0], nil
	close(s.room)
	s.room = make(chan struct{})
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	var err error
	if len(batch) > 0 {
		err = s.write(ctx, batch)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		// They go back in front. The buffer can be over its size until they are written; meanwhile it takes no new ones.
		s.buf = append(batch, s.buf...)
		return err
	}
	clear(batch)
	s.spare = batch[:0]
	return nil
}
