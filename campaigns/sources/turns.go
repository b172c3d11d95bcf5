package sources

import (
	"context"
	"sync"
)

// perHost is how many documents of one host are asked for at the same time.
const perHost = 2

// turns bounds how many ask a host at once.
type turns struct {
	mu    sync.Mutex
	hosts map[string]*host // those that somebody asks, or waits for
}

type host struct {
	asking chan struct{}
	users  int
}

// take waits until a host may be asked. end is called when it has answered. Error: that of ctx.
func (t *turns) take(ctx context.Context, name string) (end func(), err error) {
	h := t.enter(name)
	select {
	case h.asking <- struct{}{}:
		return func() { <-h.asking; t.leave(name, h) }, nil
	case <-ctx.Done():
		t.leave(name, h)
		return nil, ctx.Err()
	}
}

func (t *turns) enter(name string) *host {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.hosts[name]
	if h == nil {
		h = &host{asking: make(chan struct{}, perHost)}
		t.hosts[name] = h
	}
	h.users++
	return h
}

// leave forgets a host that nobody uses any more.
func (t *turns) leave(name string, h *host) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if h.users--; h.users == 0 {
		delete(t.hosts, name)
	}
}
