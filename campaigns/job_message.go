package campaigns

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/riverqueue/river"
)

// MessageArgs name messages of a stream: those from Lo to Hi that wait, or of them Only some.
type MessageArgs struct {
	CampaignID int64   `json:"campaign_id"`
	Lo         int32   `json:"lo"`
	Hi         int32   `json:"hi"`
	Only       []int32 `json:"only,omitempty"`
}

// Kind is River's name of the job.
func (MessageArgs) Kind() string { return "deliver_messages" }

// QueueMessages is the queue of messages to single people.
const QueueMessages = "messages"

// messageReach is how far behind its own messages a job looks for others that wait: of many that come at once a few jobs take all, and the rest find nothing.
const messageReach = 200

func messageJob(args MessageArgs) river.InsertManyParams {
	args.Hi = max(args.Hi, args.Lo)
	if len(args.Only) == 0 {
		args.Hi = int32(min(int64(args.Hi)+messageReach, math.MaxInt32))
	}
	return river.InsertManyParams{Args: args, InsertOpts: &river.InsertOpts{Queue: QueueMessages, MaxAttempts: 1000}}
}

type messageWorker struct {
	river.WorkerDefaults[MessageArgs]
	service *Service
}

// Timeout is finite: River never takes a job without one back from a dead process.
func (*messageWorker) Timeout(*river.Job[MessageArgs]) time.Duration { return jobTimeout }

// NextRetry comes soon: somebody waits for the message.
func (w *messageWorker) NextRetry(job *river.Job[MessageArgs]) time.Time {
	return w.service.nextRetry(job.Attempt)
}

// Work delivers what waits of the messages.
func (w *messageWorker) Work(ctx context.Context, job *river.Job[MessageArgs]) error {
	return w.service.deliverMessages(ctx, job.Args)
}

// deliverMessages claims and sends until nothing is left that can be sent now. For what is left the stream says when it is looked at again, so that however many wait, they
// need one job.
func (s *Service) deliverMessages(ctx context.Context, a MessageArgs) error {
	began := s.d.Now()
	args := DeliverArgs{CampaignID: a.CampaignID, Lo: a.Lo, Hi: a.Hi, Only: a.Only}
	lo := a.Lo
	var over, others left // others: what other jobs have left to this one
	for {
		if s.d.Now().Sub(began) > jobBudget || s.draining.Load() {
			return s.lookAgain(ctx, a.CampaignID, over.from(lo), s.d.Now())
		}
		l, got, err := s.claimMessages(ctx, args, lo)
		if got.all {
			others.add(got.from, began)
			lo, args = got.from, args.widened()
		}
		if err != nil {
			return s.failed(ctx, a, others, err)
		}
		if l.last == 0 {
			return s.endLooking(ctx, a.CampaignID, l, got, lo, over)
		}
		before := lo
		lo = l.last + 1
		over.join(l.left)
		end, err := s.sendLook(ctx, l)
		if err != nil {
			return s.failed(ctx, a, others, err)
		}
		if end.wait > 0 {
			return s.lookAgain(ctx, a.CampaignID, over.from(before), s.d.Now().Add(min(end.wait, s.cfg.Snooze)))
		}
		lo = end.back.from(lo)
	}
}

// endLooking ends with a look that gave nothing, from lo on, with what no relay took before.
func (s *Service) endLooking(ctx context.Context, id int64, l look, got berth, lo int32, over left) error {
	switch now := s.d.Now(); {
	case got.left:
		return s.lookAt(ctx, id, over.from(lo), now.Add(lookAgain))
	case l.full:
		return s.lookAgain(ctx, id, over.from(lo), now.Add(lookAgain))
	case l.stale:
		return nil
	case !l.wait.IsZero():
		return s.lookAgain(ctx, id, over.from(lo), s.soon(l.wait))
	case l.unnotable:
		return s.lookAgain(ctx, id, over.from(lo), now.Add(unnotableSnooze))
	case over.low > 0:
		return s.lookAgain(ctx, id, over.low, s.soon(over.again))
	}
	return nil
}

// failed lets what other jobs have left to this one be looked at again: they are over, and this one comes back for its own only.
func (s *Service) failed(ctx context.Context, a MessageArgs, others left, err error) error {
	if others.low == 0 {
		return err
	}
	return errors.Join(err, s.lookAt(context.WithoutCancel(ctx), a.CampaignID, others.low, s.d.Now().Add(lookAgain)))
}

// soon bounds how long a stream rests before somebody looks whether its relays may be used, since a person may have changed something.
func (s *Service) soon(at time.Time) time.Time {
	now := s.d.Now()
	return now.Add(min(max(at.Sub(now), time.Second), s.cfg.Snooze))
}
