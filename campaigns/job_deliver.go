package campaigns

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"postrider/internal/pg"
)

// DeliverArgs name a range of a campaign's deliveries. Chain says that the job hands out the next range when it is done; ranges of deferred deliveries do
// not. Such a range may span the whole campaign: Only names those whom it is for. With several relays others in it may have to wait for days, and would
// keep the job.
type DeliverArgs struct {
	CampaignID int64   `json:"campaign_id"`
	Run        int     `json:"run"`
	Lo         int32   `json:"lo"`
	Hi         int32   `json:"hi"`
	Chain      bool    `json:"chain"`
	Only       []int32 `json:"only,omitempty"`
}

// Kind is River's name of the job.
func (DeliverArgs) Kind() string { return "deliver_range" }

type deliverWorker struct {
	river.WorkerDefaults[DeliverArgs]
	service *Service
}

// Queues are the queues of the jobs that deliver, with as many workers as the configuration says. Messages to single people have workers of their own, so that they never
// wait for campaigns.
func (s *Service) Queues(cooldown time.Duration) map[string]river.QueueConfig {
	return map[string]river.QueueConfig{
		QueueDeliver:  {MaxWorkers: s.cfg.Workers, FetchCooldown: cooldown},
		QueueMessages: {MaxWorkers: s.cfg.MessageWorkers * messageRelays, FetchCooldown: cooldown},
	}
}

// Workers registers the package's jobs.
func (s *Service) Workers(w *river.Workers) {
	river.AddWorker(w, &deliverWorker{service: s})
	river.AddWorker(w, &freezeWorker{service: s})
	river.AddWorker(w, &messageWorker{service: s})
}

// Timeout is finite: River never takes a job without one back from a dead process.
func (*deliverWorker) Timeout(*river.Job[DeliverArgs]) time.Duration { return jobTimeout }

// NextRetry keeps a range from resting for an hour because the database was away a few times.
func (w *deliverWorker) NextRetry(job *river.Job[DeliverArgs]) time.Time {
	return w.service.nextRetry(job.Attempt)
}

// nextRetry is when a job that failed comes again. River's own waits grow with the fourth power.
func (s *Service) nextRetry(attempt int) time.Time {
	return s.d.Now().Add(min(time.Duration(attempt)*2*time.Second, 30*time.Second))
}

// Work delivers the range, or as much of it as fits in jobBudget.
func (w *deliverWorker) Work(ctx context.Context, job *river.Job[DeliverArgs]) error {
	end, err := w.service.deliverRange(ctx, job.Args)
	if err != nil {
		return err
	}
	if end.snooze > 0 {
		return river.JobSnooze(end.snooze)
	}
	return w.service.finishJob(ctx, job, end)
}

// finishJob completes the job and queues what follows it, in one transaction: the chain of ranges neither breaks nor branches when the process dies here.
func (s *Service) finishJob(ctx context.Context, job *river.Job[DeliverArgs], end rangeEnd) error {
	return pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error {
		if _, err := river.JobCompleteTx[*riverpgxv5.Driver](ctx, tx, job); err != nil {
			return err
		}
		switch {
		case end.stale:
			return nil
		case end.rest > 0:
			args := job.Args
			args.Lo = end.rest
			_, err := s.jobs.InsertManyTx(ctx, tx, []river.InsertManyParams{deliverJob(args)})
			return err
		case end.left.low > 0:
			if err := s.comeBackTx(ctx, tx, job.Args, end.left); err != nil {
				return err
			}
		}
		if job.Args.Chain {
			return s.dispatchTx(ctx, tx, job.Args.CampaignID, one)
		}
		return nil
	})
}

// comeBackTx queues a job for what no relay took of a range; the chain goes on meanwhile.
func (s *Service) comeBackTx(ctx context.Context, tx pgx.Tx, args DeliverArgs, l left) error {
	args.Lo, args.Chain = l.low, false
	job := deliverJob(args)
	job.InsertOpts.ScheduledAt = s.d.Now().Add(min(max(l.again.Sub(s.d.Now()), time.Second), 4*s.cfg.Snooze))
	if _, err := s.jobs.InsertManyTx(ctx, tx, []river.InsertManyParams{job}); err != nil {
		return fmt.Errorf("queueing the rest of a range of campaign %d: %w", args.CampaignID, err)
	}
	return nil
}
