package outgoing

import (
	"math/rand/v2"
	"time"
)

// schedule has the waits after the first, second, … failed attempt, as Standard Webhooks advises: the last of ten attempts is three days after the first.
var schedule = [...]time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

const (
	// disableAfter is how long every attempt fails until the endpoint is switched off. It is longer than the schedule, so that it has heard of each message ten times.
	disableAfter = 5 * 24 * time.Hour
	// patience is how many attempts in a row may fail before an endpoint rests: one message that it does not like is no reason.
	patience = 8
	// restFirst doubles with each further failure up to restMost.
	restFirst = 30 * time.Second
	restMost  = 15 * time.Minute
)

// backoff gives the wait after the attempt that failed as the tries-th, and false when it was the last. A tenth up or down keeps messages that failed together from
// coming back together. What the endpoint asks for is waited at least.
func backoff(tries int, asked time.Duration) (time.Duration, bool) {
	if tries > len(schedule) {
		return 0, false
	}
	wait := schedule[tries-1]
	spread := wait / 5
	return max(wait-spread/2+rand.N(spread+1), asked), true
}

// restFor gives how long an endpoint is left alone after so many failures in a row.
func restFor(failures int, asked time.Duration) time.Duration {
	if failures < patience {
		return asked
	}
	return max(min(restFirst<<min(failures-patience, 10), restMost), asked)
}
