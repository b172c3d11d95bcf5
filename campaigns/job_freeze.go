package campaigns

import (
	"context"
	"time"

	"github.com/riverqueue/river"
)

// FreezeArgs name a campaign whose audience is to be written into the ledger to its end.
type FreezeArgs struct {
	CampaignID int64 `json:"campaign_id"`
}

// Kind is River's name of the job.
func (FreezeArgs) Kind() string { return "freeze_audience" }

type freezeWorker struct {
	river.WorkerDefaults[FreezeArgs]
	service *Service
}

func freezeJob(id int64) river.InsertManyParams {
	return river.InsertManyParams{Args: FreezeArgs{CampaignID: id}, InsertOpts: &river.InsertOpts{MaxAttempts: 1000}}
}

// Timeout is finite: River never takes a job without one back from a dead process.
func (*freezeWorker) Timeout(*river.Job[FreezeArgs]) time.Duration { return jobTimeout }

// NextRetry comes soon: people wait for their mail.
func (w *freezeWorker) NextRetry(job *river.Job[FreezeArgs]) time.Time {
	return w.service.nextRetry(job.Attempt)
}

// Work writes part after part.
func (w *freezeWorker) Work(ctx context.Context, job *river.Job[FreezeArgs]) error {
	done, err := w.service.freeze(ctx, job.Args.CampaignID)
	if err == nil && !done {
		return river.JobSnooze(time.Second) // the process ends; another one goes on
	}
	return err
}
