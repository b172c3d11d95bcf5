package mailbox

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"postrider/events"
	"postrider/sender/presets"
)

const (
	maxWhole  = 2 << 20   // a message up to this many bytes is read whole
	firstPart = 256 << 10 // of a larger one, only this: a report comes first, and what it returns last

	firstBackoff  = time.Minute
	loginBackoff  = 15 * time.Minute // for what only a person can mend: providers lock accounts that fail too often
	longestDelay  = 6 * time.Hour
	shortIdle     = 10 * time.Minute // a server that ends IDLE sooner than this is polled
	afterIdle     = time.Minute      // until we come back after a server has ended a longer one
	giveBackLimit = 10 * time.Second
)

// reading is one mailbox in hand.
type reading struct {
	s     *Service
	m     Mailbox
	fence fence
	wake  <-chan struct{}

	limits     presets.ReadingLimits
	dayIn      int64 // bytes of the last 24 hours, without this session's
	dayOut     int64
	dayUntil   time.Time
	booked     count    // of this session: what is in the database
	warning    *Problem // something went wrong that does not end the session
	loggedIn   bool
	wire       *wire
	stayed     time.Duration // how long the server kept a session that idled
	moreToCome bool          // POP3: the mailbox holds more than one session takes
}

// errDayLimit ends a session before the provider's daily limit is reached.
var errDayLimit = errors.New("the day's share is used up")

// read reads a mailbox until its session ends, and gives it back.
func (s *Service) read(ctx context.Context, m Mailbox, wake <-chan struct{}) {
	r := &reading{s: s, m: m, wake: wake, fence: fence{id: m.ID, owner: s.owner, version: m.version}}
	if known := presets.ReadingFor(m.PresetKey()); known != nil {
		r.limits = known.Limits
	}
	err := r.session(ctx)
	l := r.after(ctx, err)
	// Also when the program ends: the mailbox must be free for others at once.
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveBackLimit)
	defer cancel()
	if err := giveBack(end, s.pool, r.fence, l, r.unbooked(count{})); err != nil {
		s.logger.Warn("a mailbox could not be given back; its lease runs out by itself", "mailbox", m.ID, "error", err)
	}
}

func (r *reading) session(ctx context.Context) error {
	t, err := r.s.targetOf(r.m)
	if err != nil {
		return err
	}
	if r.dayIn, r.dayOut, r.dayUntil, err = used(ctx, r.s.pool, r.m.ID); err != nil {
		return err
	}
	if err := r.room(0); err != nil {
		return err
	}
	if r.m.Protocol == POP3 {
		return r.sessionPOP3(ctx, t)
	}
	return r.sessionIMAP(ctx, t)
}

// after decides when the mailbox is read next.
func (r *reading) after(ctx context.Context, err error) leave {
	poll := time.Duration(r.m.PollMinutes) * time.Minute
	switch {
	case ctx.Err() != nil, errors.Is(err, errLost):
		return leave{} // due at once, for whoever comes
	case errors.Is(err, errDayLimit):
		wait := max(time.Until(r.dayUntil), time.Minute)
		return leave{next: wait, wait: wait, problem: &Problem{Kind: KindDayLimit, Step: StepRead, At: r.s.now(),
			Text: fmt.Sprintf("%d MB were read in the last 24 hours, which is all that this program takes of the provider's daily limit", (r.dayIn+r.in())/1_000_000),
			Remedy: "Nothing has to be done: reading goes on at " + r.dayUntil.UTC().Format("2006-01-02 15:04 MST") +
				". If it happens often, give the bounces a mailbox of their own."}}
	case err != nil:
		return r.failed(err)
	case r.moreToCome, len(r.wake) > 0:
		return leave{}
	case r.stayed >= shortIdle:
		return leave{next: afterIdle}
	}
	return leave{next: poll, mode: ModePoll}
}

// failed is when to try again after an error: less and less often, at first soon, but with care where a person has to do something.
func (r *reading) failed(err error) leave {
	e := explain(r.m, err)
	e.At = r.s.now()
	first := firstBackoff
	switch e.Kind {
	case presets.BadLogin, presets.AppPassword, presets.AccessOff, presets.NeedsOAuth, presets.AskOwner, KindToken, KindCertificate, KindHost, KindFolder:
		first = loginBackoff
	}
	next := first << min(r.m.failures, 10)
	if r.loggedIn {
		next = max(next, time.Duration(r.m.PollMinutes)*time.Minute)
	}
	next = max(min(next, longestDelay), e.wait)
	args := []any{"mailbox", r.m.ID, "kind", e.Kind, "step", e.Step, "next", next}
	if e.Kind == KindOurs {
		args = append(args, "error", err)
	}
	r.s.logger.Warn("a mailbox could not be read", args...)
	return leave{next: next, wait: e.wait, problem: &e.Problem}
}

func (r *reading) in() int64 {
	if r.wire == nil {
		return 0
	}
	return r.wire.in.Load()
}

func (r *reading) out() int64 {
	if r.wire == nil {
		return 0
	}
	return r.wire.out.Load()
}

// unbooked adds to a count the bytes that are not in the database yet. The caller writes it.
func (r *reading) unbooked(c count) count {
	in, out := r.in(), r.out()
	c.bytesIn, c.bytesOut = in-r.booked.bytesIn, out-r.booked.bytesOut
	r.booked.bytesIn, r.booked.bytesOut = in, out
	return c
}

// ourShare is what of a provider's daily limit we take: the rest is for the programs of people.
func ourShare(limit int64) int64 { return limit / 10 * 8 }

// room says errDayLimit when reading so many bytes more would go over our share of the day.
func (r *reading) room(bytes int64) error {
	down, up := ourShare(r.limits.Down(r.m.Protocol)), ourShare(r.limits.Up)
	if down > 0 && r.dayIn+r.in()+bytes >= down || up > 0 && r.dayOut+r.out() >= up {
		return errDayLimit
	}
	return nil
}

// hand gives a message to the Taker. When it returns without an error, what the message says is committed.
func (r *reading) hand(ctx context.Context, raw []byte, received time.Time) (events.Verdict, error) {
	if received.IsZero() {
		received = r.s.now()
	}
	verdict, err := r.s.taker.TakeMessage(ctx, events.Inbound{Source: "mailbox " + strconv.FormatInt(r.m.ID, 10), Raw: raw, ReceivedAt: received})
	if err != nil {
		return "", err
	}
	switch verdict {
	case events.VerdictTaken, events.VerdictIgnored, events.VerdictForeign:
		return verdict, nil
	}
	return "", fmt.Errorf("a message was judged %q, which is not known", verdict)
}

// clears reports whether a message of this verdict is to be moved or deleted.
func (r *reading) clears(v events.Verdict) bool {
	return r.m.AfterTaken != AfterLeave && (v == events.VerdictTaken || v == events.VerdictIgnored && r.m.ClearIgnored)
}

func (c *count) add(v events.Verdict) {
	switch v {
	case events.VerdictTaken:
		c.taken++
	case events.VerdictIgnored:
		c.ignored++
	case events.VerdictForeign:
		c.foreign++
	}
}

// notTaken is what is shown of an error of the Taker: its public text, or that it is ours.
func (r *reading) notTaken(err error) string {
	r.s.logger.Warn("a message of a mailbox could not be taken", "mailbox", r.m.ID, "error", err)
	return explain(r.m, err).Text
}
