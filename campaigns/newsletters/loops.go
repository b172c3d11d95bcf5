package newsletters

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// tickEvery is how often due things are looked for. Any number of processes may do so at once.
const tickEvery = time.Second

// mostOnce bounds what one step does in a tick, so that the others get their turn.
const mostOnce = 200

// What waits for others, for sources and relays, is done by several at once, so that a slow one does not hold up the rest: issues by workers, sources between issues by pollers.
// Of each host perHost sources are asked at a time at most, one of them between issues, so that neither the issues of one host take all workers, nor its polls the place of its issues.
const (
	workers      = 8
	pollers      = 4
	perHost      = 2
	pollsPerHost = 1
)

// Run sees to what is due until ctx ends. It returns when everything that it began has ended.
func (s *Service) Run(ctx context.Context) error {
	var g errgroup.Group
	g.Go(func() error { return s.loop(ctx, s.keepBooks) })
	g.Go(func() error { return s.loop(ctx, s.remindDue) })
	g.Go(func() error { return s.crew(ctx, workers, perHost, s.nextIssue) })
	g.Go(func() error { return s.crew(ctx, pollers, pollsPerHost, s.nextPoll) })
	return g.Wait()
}

// Tick does each step once, one thing after the other. One that fails does not keep the others from being done.
func (s *Service) Tick(ctx context.Context) error {
	return each(ctx, s.keepBooks, all(s.nextIssue), s.remindDue, all(s.nextPoll))
}

// keepBooks does what asks nobody but the database.
func (s *Service) keepBooks(ctx context.Context) error {
	return each(ctx, s.watchClock, s.follow, s.resumeDue, s.makeDue)
}

// each does steps one after the other, also after one that failed.
func each(ctx context.Context, steps ...func(context.Context) error) error {
	var failed error
	for _, step := range steps {
		if err := step(ctx); err != nil {
			if ctx.Err() != nil {
				return err
			}
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// again calls fn until there is nothing left for it to do.
func again(fn func() (done bool, err error)) error {
	for range mostOnce {
		if done, err := fn(); err != nil || done {
			return err
		}
	}
	return nil
}

// job is something to do: for the issue of a newsletter, or, without one, between issues. host is the one that it asks, "" when it asks none.
type job struct {
	newsletter int64
	host       string
	do         func(ctx context.Context) error
}

// busy is what is being worked on: no other job is to be taken for these newsletters, and none that asks these hosts.
type busy struct {
	newsletters []int64
	hosts       []string
}

// next takes the next job that is due; ok is false when there is none.
type next func(ctx context.Context, b busy) (j job, ok bool, err error)

// all is a step that does what is due, one job after the other. One that fails does not keep the others.
func all(take next) func(context.Context) error {
	return func(ctx context.Context) error {
		var failed error
		err := again(func() (done bool, err error) {
			j, ok, err := take(ctx, busy{})
			if err != nil || !ok {
				return true, err
			}
			if err = j.do(ctx); ctx.Err() != nil {
				return false, err
			}
			failed = errors.Join(failed, err)
			return false, nil
		})
		return errors.Join(failed, err)
	}
}

// loop does a step again and again.
func (s *Service) loop(ctx context.Context, step func(context.Context) error) error {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		s.complain(ctx, step(ctx))
	}
}

// complain logs what went wrong, unless that is the end.
func (s *Service) complain(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil {
		s.d.Logger.Warn("a part of the regular work for newsletters was not done; it is tried again in a moment", "error", err)
	}
}

// crew has jobs done as they are due, size at a time. A job is taken when somebody is free to do it, so that its lease does not run while it waits.
func (s *Service) crew(ctx context.Context, size, hostLimit int, take next) error {
	var g errgroup.Group
	free := make(chan struct{}, size)
	err := s.loop(ctx, func(ctx context.Context) error {
		for {
			select {
			case free <- struct{}{}:
			case <-ctx.Done():
				return nil
			}
			j, ok, err := s.hands.take(ctx, hostLimit, take)
			if err != nil || !ok {
				<-free
				return err
			}
			g.Go(func() error {
				defer func() { <-free }()
				defer s.hands.done(j)
				s.complain(ctx, j.do(ctx))
				return nil
			})
		}
	})
	return errors.Join(err, g.Wait())
}

// hands are the jobs that are being done in this process.
type hands struct {
	mu  sync.Mutex
	has []job
}

// take takes a job and keeps it in mind. The lock is held while the database is asked, so that two crews do not both see the last place of a host.
func (h *hands) take(ctx context.Context, hostLimit int, take next) (job, bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var b busy
	at := map[string]int{}
	for _, j := range h.has {
		b.newsletters = append(b.newsletters, j.newsletter)
		if at[j.host]++; j.host != "" && at[j.host] == hostLimit {
			b.hosts = append(b.hosts, j.host)
		}
	}
	j, ok, err := take(ctx, b)
	if err == nil && ok {
		h.has = append(h.has, j)
	}
	return j, ok, err
}

func (h *hands) done(j job) {
	h.mu.Lock()
	defer h.mu.Unlock()
	k := slices.IndexFunc(h.has, func(x job) bool { return x.newsletter == j.newsletter && x.host == j.host })
	h.has = slices.Delete(h.has, k, k+1)
}
