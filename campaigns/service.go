package campaigns

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"golang.org/x/sync/semaphore"

	"postrider/audience"
	"postrider/campaigns/journal"
	"postrider/campaigns/preflight"
	"postrider/events"
	"postrider/internal/settings"
	"postrider/sender"
	"postrider/templates"
)

// Config tunes the delivery of campaigns. Its zero value works.
type Config struct {
	// Workers is how many ranges this process works on at once. Default 32.
	Workers int
	// MessageWorkers is how many batches of messages to single people this process has under way at once at each relay, beside the ranges. Default 8.
	MessageWorkers int
	// Window is how many ranges of one campaign may wait or run at once, so that others get their turn. Default 8.
	Window int
	// RangeSize is how many deliveries one job covers at most. Default 2000.
	RangeSize int
	// ClaimSize is how many deliveries are claimed at once at most; on a slow relay it is what that takes in about two seconds. It bounds what is in doubt when a node is lost together with its disk. Default 500.
	ClaimSize int
	// FirstPart is how many people of its audience Start itself writes into the ledger, about; few enough that the first message goes out at once. Default 10,000. Part is
	// how many a job writes at once after that: what takes a fraction of a second. Default 50,000.
	FirstPart, Part int
	// Snooze is the longest that a range rests before it looks again whether its relay may be used, since a person may have changed something. Default 15 s.
	Snooze time.Duration
}

func (c Config) withDefaults() Config {
	set := func(v *int, def int) {
		if *v <= 0 {
			*v = def
		}
	}
	set(&c.Workers, 32)
	set(&c.MessageWorkers, 8)
	set(&c.Window, 8)
	set(&c.RangeSize, 2000)
	set(&c.ClaimSize, 500)
	set(&c.FirstPart, 10_000)
	set(&c.Part, 50_000)
	if c.Snooze <= 0 {
		c.Snooze = 15 * time.Second
	}
	return c
}

// Deps are the parts that the service works with.
type Deps struct {
	Pool      *pgxpool.Pool
	Audience  *audience.Service
	Events    *events.Service
	Tokens    events.Tokens
	Sender    *sender.Service
	Settings  *settings.Service
	Templates *templates.Service
	// Node, Pools and Journal are this process as a sender.
	Node    *sender.Node
	Pools   *sender.Pools
	Journal *journal.Journal
	// Prober looks where links lead before a campaign starts; nil: nobody looks.
	Prober preflight.Prober
	Logger *slog.Logger
	Now    func() time.Time
}

// Service has the use cases of campaigns and runs their delivery. It is safe for concurrent use.
type Service struct {
	d    Deps
	cfg  Config
	jobs JobInserter
	// signing bounds the signatures that are made at once, to twice the number of processors: OpenSSL holds a thread for each.
	signing  *semaphore.Weighted
	contents contentCache
	targets  targetCache
	inflight inflight
	noting   noting
	draining atomic.Bool
	turns    turnBook
	tempo    *tempo
	lines    lineBook
	rests    rests
	outcomes outcomeCache
	streams  streamBook
	berths   berths
}

// JobInserter is what the service needs of River to wake workers up. *river.Client[pgx.Tx] has it.
type JobInserter interface {
	InsertManyTx(ctx context.Context, tx pgx.Tx, params []river.InsertManyParams) ([]*rivertype.JobInsertResult, error)
}

// New makes the service. Before a campaign can start, SetJobs must have been called.
func New(cfg Config, deps Deps) *Service {
	cfg = cfg.withDefaults()
	return &Service{
		d: deps, cfg: cfg, signing: semaphore.NewWeighted(int64(2 * runtime.GOMAXPROCS(0))),
		contents: contentCache{byID: map[int64]*prepared{}}, tempo: newTempo(), berths: berths{most: cfg.MessageWorkers},
	}
}

// SetJobs gives the service the queue, which is made after the workers are known.
func (s *Service) SetJobs(j JobInserter) { s.jobs = j }

// Drain makes the ranges that are being worked on end after what is claimed. It is the first step of a clean stop.
func (s *Service) Drain() {
	s.draining.Store(true)
	s.berths.close()
}

// Leave is the last step of a clean stop, after the jobs have ended and the journal is closed: the node accounts for itself.
func (s *Service) Leave(ctx context.Context, journalDir string) error {
	if _, err := s.SettleLocal(ctx, journalDir); err != nil {
		return err
	}
	if journal.Left(journalDir, s.d.Node.ID) {
		// Without the journal its dots would be taken for never sent.
		return errors.New("another process has this node's journal in hand and accounts for it")
	}
	_, err := s.settle(ctx, s.d.Node.ID, map[journal.Key]journal.Record{})
	return err
}
