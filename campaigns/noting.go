package campaigns

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"postrider/sender"
)

// errUnnotable is why a message was held back right before its final dot.
var errUnnotable = errors.New("the journal cannot be written, and nothing is sent that is not noted there")

// unnotableSnooze is how long a range waits before it looks whether the journal can be written again.
const unnotableSnooze = 2 * time.Second

// noting knows whether the journal takes lines: it does not when its disk is full.
type noting struct {
	mu      sync.Mutex
	refused error          // why it last did not; nil when it does
	told    map[int64]bool // the relays that say why nothing moves
}

func (n *noting) refuse(err error) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.refused = fmt.Errorf("%w: %w", errUnnotable, err)
	return n.refused
}

// canNote reports whether anything may be claimed for a campaign's relays as far as the journal is concerned. Once that has refused a line, nothing more is
// claimed until it takes one again: each message would only be begun and broken off. The relays tell meanwhile why nothing moves.
func (s *Service) canNote(ctx context.Context, relays []sender.Relay) bool {
	n := &s.noting
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.refused == nil {
		return true
	}
	if s.d.Journal.Probe() == nil {
		for id := range n.told {
			s.tell(ctx, id, "")
		}
		s.d.Logger.Info("the journal can be written again; sending goes on")
		n.refused, n.told = nil, nil
		return true
	}
	if n.told == nil {
		n.told = map[int64]bool{}
		s.d.Logger.Error("nothing is sent because the journal cannot be written; make room on its disk", "error", n.refused)
	}
	for _, r := range relays {
		if !n.told[r.ID] {
			n.told[r.ID] = true
			s.tell(ctx, r.ID, n.refused.Error())
		}
	}
	return false
}

func (s *Service) tell(ctx context.Context, relayID int64, trouble string) {
	if err := s.d.Sender.Trouble(ctx, relayID, s.d.Node.ID, trouble); err != nil {
		s.d.Logger.Warn("a relay's trouble could not be noted", "relay", relayID, "error", err)
	}
}
