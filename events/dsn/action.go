package dsn

import "postrider/sender/reply"

// What follows from a report. The weightiest of its recipients decides.
const (
	ActionUnsubscribe = "unsubscribe_and_suppress" // a complaint: the person gets no more
	ActionSuppress    = "suppress"                 // the address is no good: it is not mailed again
	ActionStopRelay   = "stop_relay"               // the account at the relay is refused: the relay stops until somebody has looked
	ActionSlowDown    = "slow_down"                // receivers distrust us: send less
	ActionWarn        = "warn"                     // our message or set-up was refused: shown to the sender
	ActionCount       = "count"                    // a soft bounce: enough of them suppress
	ActionNone        = "none"
)

// actionOrder is from the weightiest to the lightest.
var actionOrder = []string{ActionUnsubscribe, ActionSuppress, ActionStopRelay, ActionSlowDown, ActionWarn, ActionCount}

func action(r Report) string {
	for _, a := range actionOrder {
		for _, one := range r.Recipients {
			if one.Follows() == a {
				return a
			}
		}
	}
	return ActionNone
}

// Follows is what follows for the program from what is said of one recipient: one of the Action words.
// Invariant: only a hard bounce and a complaint suppress.
func (r Recipient) Follows() string {
	switch r.Kind {
	case KindComplaint:
		return ActionUnsubscribe
	case KindBounce:
	default:
		return ActionNone
	}
	if r.Hard {
		return ActionSuppress
	}
	switch reply.Fault(r.Fault) {
	case reply.FaultAccount:
		return ActionStopRelay
	case reply.FaultReputation:
		return ActionSlowDown
	case reply.FaultUs, reply.FaultContent:
		return ActionWarn
	}
	return ActionCount
}
