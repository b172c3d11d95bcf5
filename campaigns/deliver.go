package campaigns

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"postrider/campaigns/journal"
	"postrider/internal/errs"
	"postrider/sender"
	"postrider/sender/reply"
	"postrider/sender/smtpconn"
)

// rangeEnd says how the work on a range ended.
type rangeEnd struct {
	stale  bool          // the campaign is not running any more, or runs anew
	rest   int32         // the budget is used up; go on here
	snooze time.Duration // the relay cannot be used; come back later
	left   left          // no relay took these; somebody must come back for them
}

// deliverRange claims and sends until the range has nothing queued left that a relay takes.
func (s *Service) deliverRange(ctx context.Context, a DeliverArgs) (rangeEnd, error) {
	began := s.d.Now()
	lo, progress := a.Lo, false
	var over left
	for {
		if s.d.Now().Sub(began) > jobBudget || s.draining.Load() {
			return rangeEnd{rest: over.from(lo)}, nil
		}
		var l look
		if lo <= a.Hi {
			var err error
			if l, err = s.claim(ctx, a, lo); err != nil {
				return rangeEnd{}, err
			}
		}
		switch {
		case l.stale:
			return rangeEnd{stale: true}, nil
		case !l.wait.IsZero():
			return rangeEnd{snooze: min(max(l.wait.Sub(s.d.Now()), time.Second), s.cfg.Snooze)}, nil
		case l.unnotable:
			return rangeEnd{snooze: unnotableSnooze}, nil
		case l.last == 0 && over.low > 0 && !a.Chain && progress:
			lo, over, progress = over.low, left{}, false
			continue
		case l.last == 0:
			return s.ended(a, over), nil
		}
		lo, progress = l.last+1, progress || len(l.claims) > 0
		over.join(l.left)
		end, err := s.sendLook(ctx, l)
		if err != nil {
			return rangeEnd{}, err
		}
		if end.wait > 0 {
			return rangeEnd{snooze: min(end.wait, s.cfg.Snooze)}, nil
		}
		lo = end.back.from(lo)
	}
}

// ended says how a range ends that has been looked through: what no relay took must not keep the ranges after it from their turn.
func (s *Service) ended(a DeliverArgs, over left) rangeEnd {
	switch {
	case over.low == 0:
		return rangeEnd{}
	case a.Chain:
		return rangeEnd{left: over}
	}
	return rangeEnd{snooze: min(max(over.again.Sub(s.d.Now()), s.cfg.Snooze), 4*s.cfg.Snooze)}
}

// attempt is one claimed delivery on its way.
type attempt struct {
	claimed
	outcome smtpconn.Outcome
	// failure is set when the message could not be made; it will not get better by trying again.
	failure error
	// unsent is set when nothing was tried: the delivery goes back to the queue.
	unsent error
	mark   journal.Mark
	dotted bool
}

// batchEnd says what is left to do after a batch.
type batchEnd struct {
	wait time.Duration // leave the relay alone for so long
	back left          // what went back to the queue and may go to another relay now
}

// sendLook sends what was claimed, to all relays at the same time: a slow one does not keep the others waiting for its results to be recorded.
func (s *Service) sendLook(ctx context.Context, l look) (batchEnd, error) {
	if len(l.claims) == 1 {
		return s.sendBatch(ctx, l, 0)
	}
	ends, failed := make([]batchEnd, len(l.claims)), make([]error, len(l.claims))
	var wg sync.WaitGroup
	for i := range l.claims {
		wg.Go(func() { ends[i], failed[i] = s.sendBatch(ctx, l, i) })
	}
	wg.Wait()
	var all batchEnd
	for _, end := range ends {
		all.wait = max(all.wait, end.wait)
		all.back.join(end.back)
	}
	return all, errors.Join(failed...)
}

// sendBatch sends what was claimed for one relay, as much at once as it has connections, and records what came of it.
func (s *Service) sendBatch(ctx context.Context, l look, i int) (batchEnd, error) {
	c := l.claims[i]
	if l.sent != nil {
		defer l.sent(c.relay.ID)
	}
	content, err := s.content(ctx, c.campaignID)
	if err != nil {
		s.release(c, err)
		return batchEnd{}, err
	}
	began := time.Now()
	attempts := s.sendRows(ctx, content, c)
	s.tempo.took(c.relay.ID, countReached(attempts), time.Since(began), s.inHand(c.relay), s.cfg.ClaimSize)
	if err := s.record(c, attempts); err != nil {
		return batchEnd{}, err
	}
	if err := s.pauseWithoutKey(ctx, c.campaignID, attempts); err != nil {
		return batchEnd{}, err
	}
	if l.routed {
		return s.elsewhere(c.relay, attempts), ctx.Err()
	}
	return batchEnd{wait: s.pause(attempts)}, ctx.Err()
}

// elsewhere sees to it that what a relay could not be given goes to another one, which takes it at the next look.
func (s *Service) elsewhere(relay sender.Relay, attempts []attempt) batchEnd {
	var end batchEnd
	for i := range attempts {
		var u *sender.Unavailable
		switch err := attempts[i].unsent; {
		case err == nil:
		case errors.As(err, &u):
			s.rests.note(relay, u, s.d.Now())
			end.back.add(attempts[i].Seq, s.d.Now())
		default:
			end.wait = max(end.wait, time.Second)
		}
	}
	return end
}

// inHand is how many messages of a batch are made and on their way at once: enough for all connections together with those of the other ranges, and few
// enough that memory does not grow with what is claimed.
func (s *Service) inHand(r sender.Relay) int {
	return min(max(2*r.MaxConnections/s.cfg.Window*2, 8), 250)
}

// sendRows sends what was claimed and gives what came of each.
func (s *Service) sendRows(ctx context.Context, content *prepared, c claim) []attempt {
	attempts := make([]attempt, len(c.rows))
	var next atomic.Int32
	var gone atomic.Pointer[error] // why nothing can be sent; the rest of the batch is not tried
	var wg sync.WaitGroup
	for range min(len(c.rows), s.inHand(c.relay)) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(c.rows) {
					return
				}
				a := &attempts[i]
				a.claimed = c.rows[i]
				if err := gone.Load(); err != nil {
					a.unsent = *err
					continue
				}
				s.send(ctx, content, c.relay, a)
				var u *sender.Unavailable
				if errors.As(a.unsent, &u) || errors.Is(a.unsent, errUnnotable) {
					gone.Store(&a.unsent)
				}
			}
		})
	}
	wg.Wait()
	return attempts
}

// pauseWithoutKey pauses a campaign whose key is gone for good, and says which: going on without a signature is for a person to decide.
func (s *Service) pauseWithoutKey(ctx context.Context, id int64, attempts []attempt) error {
	for i := range attempts {
		var key *unsignable
		if !errors.As(attempts[i].unsent, &key) {
			continue
		}
		var e *errs.E
		if !errors.As(key.err, &e) || e.Kind == errs.Internal {
			continue
		}
		_, err := s.Pause(ctx, id, e.Public)
		if errs.Is(err, errs.Conflict) {
			return nil // somebody else has, or it was ended
		}
		return err
	}
	return nil
}

// pause gives how long the relay should be left alone: the longest that any message was told.
func (s *Service) pause(attempts []attempt) (wait time.Duration) {
	for i := range attempts {
		var u *sender.Unavailable
		switch err := attempts[i].unsent; {
		case err == nil:
		case errors.As(err, &u):
			wait = max(wait, u.Until.Sub(s.d.Now()), time.Second)
		default:
			wait = max(wait, time.Second)
		}
	}
	return wait
}

// send makes the message and hands it to the relay.
func (s *Service) send(ctx context.Context, content *prepared, relay sender.Relay, a *attempt) {
	buf := getBuffer()
	defer putBuffer(buf)
	msg, err := s.build(ctx, content, relay, a.claimed, buf)
	var key *unsignable
	switch {
	case ctx.Err() != nil:
		a.unsent = ctx.Err()
		return
	case errors.As(err, &key):
		a.unsent = key
		return
	case err != nil:
		a.failure = err
		return
	}
	entry := journal.Entry{CampaignID: a.campaignID, Seq: a.Seq, Attempt: a.Attempts}
	msg.BeforeDot = func() error {
		mark, err := s.d.Journal.Dot(entry)
		if err != nil {
			return s.noting.refuse(err)
		}
		a.mark, a.dotted = mark, true
		return nil
	}
	// In the connection's own line of work: noted later, the connection would be at its next message, and there would be two in doubt.
	msg.AfterReply = func(r reply.Reply, more bool) { s.noteReply(a.dotted, entry, r, more) }
	a.outcome, a.unsent = s.d.Pools.Send(ctx, relay, msg)
}

// noteReply writes the reply down, which may wait when the connection has its next message in hand. A message that was refused before its dot leaves no
// line, but the one before it on the connection may have counted on it.
func (s *Service) noteReply(dotted bool, e journal.Entry, r reply.Reply, more bool) {
	var err error
	switch {
	case dotted:
		err = s.d.Journal.Reply(e, journal.Reply{Code: r.Code, Status: r.Status, Text: r.Text}, more)
	case !more:
		err = s.d.Journal.Flush()
	}
	if err != nil {
		s.d.Logger.Warn("a reply could not be written to the journal; a crash before the next record would leave it in doubt", "error", err)
	}
}

// release gives claimed deliveries back to the queue untouched, after something went wrong before any of them was tried.
func (s *Service) release(c claim, cause error) {
	attempts := make([]attempt, len(c.rows))
	for i := range c.rows {
		attempts[i].claimed, attempts[i].unsent = c.rows[i], cause
	}
	if err := s.record(c, attempts); err != nil {
		s.d.Logger.Error("claimed deliveries could not be given back; they are settled when this process ends", "campaign", c.campaignID, "error", err)
	}
}
