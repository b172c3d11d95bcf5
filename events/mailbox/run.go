package mailbox

import (
	"context"
	"sync"
	"time"
)

// Run reads the mailboxes that are due until ctx ends. Several processes may run it: each mailbox is read by one of them.
func (s *Service) Run(ctx context.Context) error {
	all := &readers{s: s, running: map[int64]*running{}}
	defer all.wait()
	tick := time.NewTicker(s.cfg.Tick)
	defer tick.Stop()
	for {
		all.tend(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// readers are the mailboxes that this process reads.
type readers struct {
	s       *Service
	group   sync.WaitGroup
	renewed time.Time // when the leases were last renewed, by our clock

	mu      sync.Mutex
	running map[int64]*running
}

type running struct {
	version int64
	cancel  context.CancelFunc
	wake    chan struct{}
}

// tend renews the leases, ends what is not ours any more, and begins what is due. A database that is away is no error: leases end by themselves.
func (a *readers) tend(ctx context.Context) {
	asked := time.Now()
	ours, err := renewLeases(ctx, a.s.pool, a.s.owner, a.s.cfg.Lease)
	switch {
	case err != nil && ctx.Err() == nil:
		a.s.logger.Warn("the leases of mailboxes could not be renewed", "error", err)
		if asked.Sub(a.renewed) > a.s.cfg.Lease/2 {
			a.endAll()
		}
		return
	case err != nil:
		return
	}
	a.renewed = asked
	for _, id := range a.compare(ours) {
		a.s.askAgain(id)
	}
	due, err := dueMailboxes(ctx, a.s.pool)
	if err != nil {
		if ctx.Err() == nil {
			a.s.logger.Warn("the mailboxes that are due could not be read", "error", err)
		}
		return
	}
	for _, id := range due {
		if err := a.begin(ctx, id); err != nil && ctx.Err() == nil {
			a.s.logger.Warn("a mailbox could not be begun", "mailbox", id, "error", err)
		}
	}
}

// compare ends readers whose mailbox was changed or lost, and wakes those that somebody wants checked. It gives the mailboxes that somebody wants checked and whose reader has
// just ended.
func (a *readers) compare(ours []held) (missed []int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	still := map[int64]held{}
	for _, h := range ours {
		still[h.ID] = h
	}
	for id, r := range a.running {
		h, ok := still[id]
		switch {
		case !ok || h.Version != r.version:
			r.cancel()
		case h.Asked:
			select {
			case r.wake <- struct{}{}:
			default:
			}
		}
	}
	for _, h := range ours {
		if h.Asked && a.running[h.ID] == nil {
			missed = append(missed, h.ID)
		}
	}
	return missed
}

func (a *readers) endAll() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range a.running {
		r.cancel()
	}
}

func (a *readers) begin(ctx context.Context, id int64) error {
	a.mu.Lock()
	_, busy := a.running[id]
	a.mu.Unlock()
	if busy {
		return nil // it is just giving the mailbox back
	}
	if got, err := takeLease(ctx, a.s.pool, id, a.s.owner, a.s.cfg.Lease); err != nil || !got {
		return err
	}
	m, err := a.s.Get(ctx, id)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	r := &running{version: m.version, cancel: cancel, wake: make(chan struct{}, 1)}
	a.mu.Lock()
	a.running[id] = r
	a.mu.Unlock()
	a.group.Go(func() {
		defer cancel()
		a.s.read(ctx, m, r.wake)
		a.mu.Lock()
		delete(a.running, id)
		missed := len(r.wake) > 0
		a.mu.Unlock()
		if missed {
			a.s.askAgain(id)
		}
	})
	return nil
}

// askAgain puts back the wish for a check that came to a reader when it had looked at everything already.
func (s *Service) askAgain(id int64) {
	ctx, cancel := context.WithTimeout(context.Background(), s.cfg.Timeout)
	defer cancel()
	if err := wantCheck(ctx, s.pool, id); err != nil {
		s.logger.Warn("a mailbox that somebody wants checked waits for its time", "mailbox", id, "error", err)
	}
}

func (a *readers) wait() { a.group.Wait() }
