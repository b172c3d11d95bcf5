package mailbox

import (
	"context"
	"errors"
	"slices"
	"time"
)

// sessionPOP3 reads what is new. Deletions count only when the session ends with QUIT (RFC 1939 §6); what was taken is noted before, so that it is deleted without being
// read again when the session breaks.
func (r *reading) sessionPOP3(ctx context.Context, t target) error {
	s, err := opened(ctx, t, openPOP3)
	if err != nil {
		return err
	}
	defer s.close()
	r.loggedIn, r.wire = true, s.w
	letters, err := s.list()
	if err != nil {
		return err
	}
	known, err := r.prune(ctx, letters)
	if err != nil {
		return err
	}
	read := 0
	for _, l := range letters {
		n, noted := known[l.uid]
		switch {
		case noted && n.State == "taken":
			if err := s.remove(l); err != nil {
				return err
			}
			continue
		case noted && !(n.State == "retry" && n.Due):
			continue
		case read == popMessages:
			r.moreToCome = true
		}
		if r.moreToCome {
			break
		}
		read++
		if err := r.room(min(l.size, maxWhole)); err != nil {
			// What is done so far counts.
			return errors.Join(err, s.quit())
		}
		if err := r.letterPOP3(ctx, s, l); err != nil {
			return err
		}
	}
	if err := s.quit(); err != nil {
		return err
	}
	return checked(ctx, r.s.pool, r.fence, ModePoll, int64(len(letters)), r.warning)
}

// prune forgets messages that are gone from the server, and gives the others that are remembered.
func (r *reading) prune(ctx context.Context, letters []popLetter) (map[string]noted, error) {
	known, err := notedMessages(ctx, r.s.pool, r.m.ID)
	if err != nil {
		return nil, err
	}
	there := make(map[string]bool, len(letters))
	for _, l := range letters {
		there[l.uid] = true
	}
	var gone []string
	for uid := range known {
		if !there[uid] {
			gone = append(gone, uid)
		}
	}
	slices.Sort(gone)
	if len(gone) == 0 {
		return known, nil
	}
	return known, advance(ctx, r.s.pool, r.fence, progress{forget: gone})
}

// letterPOP3 hands one message over and has it deleted if it is to be.
func (r *reading) letterPOP3(ctx context.Context, s *popSession, l popLetter) error {
	raw, err := s.fetch(l, maxWhole)
	var no refused
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		if aside := setAside(ctx, r.s.pool, r.fence, []string{l.uid}, explain(r.m, err).Text, r.unbooked(count{})); aside != nil {
			return aside
		}
		if errors.As(err, &no) {
			return nil
		}
		return err
	}
	verdict, err := r.hand(ctx, raw, time.Time{})
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return setAside(ctx, r.s.pool, r.fence, []string{l.uid}, r.notTaken(err), r.unbooked(count{}))
	}
	var c count
	c.add(verdict)
	if !r.clears(verdict) {
		return note(ctx, r.s.pool, r.fence, l.uid, "left", r.unbooked(c))
	}
	if err := note(ctx, r.s.pool, r.fence, l.uid, "taken", r.unbooked(c)); err != nil {
		return err
	}
	return s.remove(l)
}
