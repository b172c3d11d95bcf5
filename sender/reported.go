package sender

import (
	"context"
	"time"

	"postrider/sender/reply"
)

// reportsApart is how far reports about the same trouble may be apart: all messages of some minutes come back with the same words, which is one step down and not many.
const reportsApart = 10 * time.Minute

// Reported draws from a message that came back what concerns the relay: a used-up quota blocks it, an account that may not send pauses it, a rate or a reputation that
// receivers complain of slows it down. What is about content alone changes nothing here.
func (s *Service) Reported(ctx context.Context, relayID int64, class reply.Class, words string) error {
	r, err := s.GetRelay(ctx, relayID)
	if err != nil {
		return err
	}
	words = "a message came back: " + words
	switch {
	case class.Reason == reply.ReasonQuotaExhausted && class.Fault == reply.FaultAccount:
		_, err = s.BlockRelay(ctx, r, class, words)
	case class.Fault == reply.FaultAccount:
		_, err = s.PauseRelay(ctx, r.ID, words)
	case class.Fault == reply.FaultReputation || class.Reason == reply.ReasonTooManyConnections:
		_, _, err = slowDown(ctx, s.pool, slower{relay: r, class: class, reply: words, begun: reportsApart})
	}
	return err
}
