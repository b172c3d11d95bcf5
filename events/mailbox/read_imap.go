package mailbox

import (
	"context"
	"errors"
	"math"
	"slices"
	"strconv"
	"time"
)

const (
	batchSize = 25                  // messages between two notes of how far reading has come
	lookBack  = 30 * 24 * time.Hour // older mail is passed by: a mailbox may hold years of it
)

// sessionIMAP reads what is new, and stays for what comes as long as the server tells of it.
func (r *reading) sessionIMAP(ctx context.Context, t target) error {
	s, err := opened(ctx, t, openIMAP)
	if err != nil {
		return err
	}
	r.loggedIn, r.wire = true, s.w
	defer s.logout()
	began := time.Now()
	for {
		messages, err := r.scanIMAP(ctx, s)
		if err != nil {
			return err
		}
		if !s.idles() {
			return checked(ctx, r.s.pool, r.fence, ModePoll, messages, r.warning)
		}
		if err := checked(ctx, r.s.pool, r.fence, ModeIdle, messages, r.warning); err != nil {
			return err
		}
		longest := r.s.cfg.IdleRenew
		if wait, some, err := nextRetry(ctx, r.s.pool, r.m.ID); err != nil {
			return err
		} else if some {
			longest = min(longest, max(wait, time.Second))
		}
		if err := s.idle(ctx, longest, r.wake); err != nil {
			r.stayed = time.Since(began)
			return ctx.Err() // the server has ended it, as it may
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// scanIMAP looks at all messages that are new or due.
func (r *reading) scanIMAP(ctx context.Context, s *imapSession) (messages int64, err error) {
	r.warning = nil
	// SELECT each time: it says whether the UIDs are still the same, and which is next.
	f, err := s.selectFolder(r.m.Folder, false)
	if err != nil {
		return 0, err
	}
	if f.uidValidity != r.m.uidValidity {
		if err := beginFolder(ctx, r.s.pool, r.fence, f.uidValidity); err != nil {
			return 0, err
		}
		r.m.uidValidity, r.m.lastUID = f.uidValidity, 0
	}
	known, err := notedMessages(ctx, r.s.pool, r.m.ID)
	if err != nil {
		return 0, err
	}
	if err := r.retryIMAP(ctx, s, known); err != nil {
		return 0, err
	}
	last := f.uidNext - 1
	if f.uidNext == 0 {
		last = math.MaxUint32
	}
	since := r.s.now().Add(-lookBack)
	for lo := r.m.lastUID + 1; lo <= last && f.messages > 0; {
		hi := min(lo+searchWindow-1, last)
		if f.uidNext == 0 || f.messages <= searchWindow/2 {
			hi = last // nobody knows where the end is, or there are so few that they can all be asked for
		}
		if err := r.windowIMAP(ctx, s, lo, hi, since, known); err != nil {
			return 0, err
		}
		if f.uidNext == 0 {
			return f.messages, nil // the last message found is how far we are
		}
		if err := r.reached(ctx, hi, nil, count{}); err != nil {
			return 0, err
		}
		lo = hi + 1
	}
	return f.messages, nil
}

// reached notes that all messages up to uid have been dealt with.
func (r *reading) reached(ctx context.Context, uid int64, forget []string, c count) error {
	if err := advance(ctx, r.s.pool, r.fence, progress{lastUID: uid, forget: forget, count: r.unbooked(c)}); err != nil {
		return err
	}
	r.m.lastUID = max(r.m.lastUID, uid)
	return nil
}

// retryIMAP tries what was set aside and is due.
func (r *reading) retryIMAP(ctx context.Context, s *imapSession, known map[string]noted) error {
	var due []int64
	for uid, n := range known {
		if n.State == "retry" && n.Due {
			v, err := strconv.ParseInt(uid, 10, 64)
			if err != nil {
				return err
			}
			due = append(due, v)
		}
	}
	slices.Sort(due)
	for batch := range slices.Chunk(due, batchSize) {
		if err := r.batchIMAP(ctx, s, batch, 0); err != nil {
			return err
		}
	}
	return nil
}

// windowIMAP deals with the messages from lo to hi that are not set aside.
func (r *reading) windowIMAP(ctx context.Context, s *imapSession, lo, hi int64, since time.Time, known map[string]noted) error {
	uids, err := s.search(lo, hi, since)
	if err != nil {
		return err
	}
	uids = slices.DeleteFunc(uids, func(uid int64) bool {
		_, aside := known[strconv.FormatInt(uid, 10)]
		return aside
	})
	for batch := range slices.Chunk(uids, batchSize) {
		if err := r.batchIMAP(ctx, s, batch, batch[len(batch)-1]); err != nil {
			return err
		}
	}
	return nil
}

// batchIMAP hands a few messages over, then clears away those that are to be, then notes that it is done. Invariant: in this order, so that a crash anywhere has them
// taken again. upTo is how far reading has come with them, 0 for messages that were set aside before.
func (r *reading) batchIMAP(ctx context.Context, s *imapSession, uids []int64, upTo int64) error {
	letters, err := s.look(uids)
	if err != nil {
		return err
	}
	var c count
	var clear []int64
	done := map[int64]bool{}
	for _, uid := range uids {
		done[uid] = true // those that are gone too
	}
	var full error
	for i, l := range letters {
		if full = r.room(min(l.size, maxWhole)); full != nil {
			// What is done so far counts.
			for _, rest := range letters[i:] {
				done[rest.uid] = false
			}
			upTo = min(upTo, l.uid-1)
			break
		}
		clearIt, err := r.letterIMAP(ctx, s, l, &c)
		if err != nil {
			return err
		}
		switch clearIt {
		case setAsideNow:
			done[l.uid] = false
		case clearNow:
			clear = append(clear, l.uid)
		}
	}
	if len(clear) > 0 {
		if err := r.clearIMAP(ctx, s, clear, done); err != nil {
			return err
		}
	}
	var forget []string
	for uid, ok := range done {
		if ok {
			forget = append(forget, strconv.FormatInt(uid, 10))
		}
	}
	return errors.Join(r.reached(ctx, upTo, forget, c), full)
}

// outcome is what is to be done with a message.
type outcome int

const (
	leaveNow    outcome = iota // it stays, and is dealt with
	clearNow                   // it is taken, and is to be moved or deleted
	setAsideNow                // it was set aside
)

// letterIMAP hands one message over. A message that cannot be taken, or at which the connection breaks, is set aside, so that it does not hold up the others for ever.
func (r *reading) letterIMAP(ctx context.Context, s *imapSession, l letter, c *count) (outcome, error) {
	limit := int64(maxWhole)
	if l.size > maxWhole {
		limit = firstPart
	}
	uid := strconv.FormatInt(l.uid, 10)
	raw, err := s.fetch(l.uid, limit)
	var no refused
	switch {
	case ctx.Err() != nil:
		return 0, ctx.Err()
	case err != nil:
		if aside := setAside(ctx, r.s.pool, r.fence, []string{uid}, explain(r.m, err).Text, r.unbooked(count{})); aside != nil {
			return 0, aside
		}
		if errors.As(err, &no) {
			return setAsideNow, nil
		}
		return 0, err
	case raw == nil:
		return leaveNow, nil // gone in the meantime
	}
	verdict, err := r.hand(ctx, raw, l.received)
	if err != nil {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		return setAsideNow, setAside(ctx, r.s.pool, r.fence, []string{uid}, r.notTaken(err), r.unbooked(count{}))
	}
	c.add(verdict)
	if r.clears(verdict) {
		return clearNow, nil
	}
	return leaveNow, nil
}

// clearIMAP moves or deletes what was taken. When the server does not let us, the messages are set aside: they are taken again later, which changes nothing, and
// cleared away then.
func (r *reading) clearIMAP(ctx context.Context, s *imapSession, uids []int64, done map[int64]bool) error {
	var err error
	if r.m.AfterTaken == AfterMove {
		err = s.move(uids, r.m.MoveTo)
	} else {
		err = s.remove(uids)
	}
	var no refused
	if err == nil || !errors.As(err, &no) {
		return err
	}
	e := explain(r.m, err)
	e.At = r.s.now()
	r.warning = &e.Problem
	var names []string
	for _, uid := range uids {
		done[uid] = false
		names = append(names, strconv.FormatInt(uid, 10))
	}
	return setAside(ctx, r.s.pool, r.fence, names, e.Text, r.unbooked(count{}))
}
