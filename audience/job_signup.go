package audience

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
)

// QueueSignups is the queue of sign-ups and of the mails that ask to confirm: people wait for them, so they do not stand behind imports.
const QueueSignups = "signups"

// signupAttempts is as good as for ever: what stops a job is the state of its row.
const signupAttempts = 1000

// SignupArgs is the job that decides what becomes of a sign-up.
type SignupArgs struct {
	SignupID int64 `json:"signup_id"`
}

// Kind names the job in the queue.
func (SignupArgs) Kind() string { return "settle_signup" }

// ConfirmArgs is the job that sends the mail of a sign-up. Its worker is in another package, which can send.
type ConfirmArgs struct {
	SignupID int64 `json:"signup_id"`
}

// Kind names the job in the queue.
func (ConfirmArgs) Kind() string { return "send_confirmation" }

type signupWorker struct {
	river.WorkerDefaults[SignupArgs]
	s *Service
}

// SignupWorkers registers the job that settles sign-ups.
func (s *Service) SignupWorkers(w *river.Workers) { river.AddWorker(w, &signupWorker{s: s}) }

// Timeout is finite so that a job whose process died is rescued.
func (*signupWorker) Timeout(*river.Job[SignupArgs]) time.Duration { return time.Minute }

// NextRetry comes soon: somebody waits for a mail.
func (*signupWorker) NextRetry(job *river.Job[SignupArgs]) time.Time {
	return time.Now().Add(min(time.Second<<min(job.Attempt, 6), time.Minute))
}

// Work settles one sign-up.
func (w *signupWorker) Work(ctx context.Context, job *river.Job[SignupArgs]) error {
	return w.s.settleSignup(ctx, job.Args.SignupID)
}

func (s *Service) wakeSignup(ctx context.Context, tx pgx.Tx, id int64) error {
	return s.wake(ctx, tx, SignupArgs{SignupID: id})
}

func (s *Service) wakeConfirm(ctx context.Context, tx pgx.Tx, id int64) error {
	return s.wake(ctx, tx, ConfirmArgs{SignupID: id})
}

func (s *Service) wake(ctx context.Context, tx pgx.Tx, args river.JobArgs) error {
	if _, err := s.jobs.InsertTx(ctx, tx, args, &river.InsertOpts{Queue: QueueSignups, MaxAttempts: signupAttempts}); err != nil {
		return fmt.Errorf("putting a sign-up into the queue: %w", err)
	}
	return nil
}
