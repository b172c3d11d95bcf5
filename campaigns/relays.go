package campaigns

import (
	"context"
	"strings"
	"sync"
	"time"

	"postrider/internal/errs"
	"postrider/sender"
)

// relayIDsSQL gives the relays of campaign c, the first one first. A version that knows of one relay only writes relay_id alone.
const relayIDsSQL = `
	CASE WHEN c.relay_id IS NULL OR EXISTS (SELECT FROM campaign_relays m WHERE m.campaign_id = c.id AND m.relay_id = c.relay_id)
		THEN ARRAY(SELECT m.relay_id FROM campaign_relays m WHERE m.campaign_id = c.id ORDER BY m.relay_id IS DISTINCT FROM c.relay_id, m.position)
		ELSE ARRAY[c.relay_id] END`

// firstRelay is what versions that know of one relay only are told.
func (in Input) firstRelay() *int64 {
	if len(in.RelayIDs) == 0 {
		return nil
	}
	return &in.RelayIDs[0]
}

// relayField is the field of the API that a complaint about the relays is for: relay_id as long as there is no more than one.
func (in Input) relayField() string {
	if len(in.RelayIDs) > 1 {
		return "relay_ids"
	}
	return "relay_id"
}

// checkRelays finds what keeps the campaign's relays from sending it, and gives those that exist.
func (s *Service) checkRelays(ctx context.Context, f *errs.Fields, in Input, validFrom bool) ([]sender.Relay, error) {
	relays, err := s.d.Sender.GetRelays(ctx, in.RelayIDs)
	if err != nil {
		return nil, err
	}
	if len(relays) == 0 {
		f.Add(in.relayField(), "choose the relay to send through")
		return nil, nil
	}
	everybody := false
	for _, r := range relays {
		everybody = everybody || len(r.RecipientSites) == 0
		if !validFrom {
			continue
		}
		if err := s.checkRelay(ctx, f, in, r); err != nil {
			return nil, err
		}
	}
	if !everybody {
		f.Add(in.relayField(), "every relay of this campaign takes only certain recipients, so nobody would send to the others; add one that takes all, "+
			"or let one of these take all")
	}
	return relays, nil
}

func (s *Service) checkRelay(ctx context.Context, f *errs.Fields, in Input, r sender.Relay) error {
	if from := sender.DomainOf(in.FromEmail); !r.TakesFrom(from) {
		f.Add(in.relayField(), "relay %q only takes mail From %s, and this campaign is From %s; leave the relay out, or change it or the From address",
			r.Name, strings.Join(r.FromDomains, ", "), from)
		return nil
	}
	err := s.d.Sender.CheckFrom(ctx, r, in.FromEmail)
	e, ok := err.(*errs.E)
	if !ok || e.Kind != errs.Invalid {
		return err
	}
	for _, field := range e.Fields {
		if len(in.RelayIDs) > 1 {
			field.Message = "relay \"" + r.Name + "\": " + field.Message
		}
		*f = append(*f, field)
	}
	return nil
}

// nonePaused refuses to start with a relay that somebody, or the program itself, has taken out of service.
func nonePaused(in Input, relays []sender.Relay) error {
	var f errs.Fields
	for _, r := range relays {
		if r.Status == sender.RelayPaused {
			f.Add(in.relayField(), "relay %q is paused; resume it or choose another one", r.Name)
		}
	}
	return f.Err("the campaign cannot start yet")
}

// relayOf gives the relay that a delivery was claimed for: the one that its row names, else the campaign's first, which alone does not write its name. The zero
// Relay when there is none any more.
func relayOf(relays []sender.Relay, id *int64) sender.Relay {
	for _, r := range relays {
		if id != nil && r.ID == *id {
			return r
		}
	}
	if len(relays) == 0 {
		return sender.Relay{}
	}
	return relays[0]
}

// rests are the relays that could not be used a moment ago, as this process found out: the database does not know of a server that cannot be reached from
// here. They only steer mail to another relay meanwhile.
type rests struct {
	mu    sync.Mutex
	until map[int64]rest
}

type rest struct {
	until    time.Time
	settings time.Time // of the relay as it was used; a change makes a new beginning
	busy     bool      // it sends as fast as its rate allows
}

// restMost bounds a rest: what lasts longer is in the database.
const restMost = time.Minute

func (r *rests) note(relay sender.Relay, u *sender.Unavailable, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.until == nil {
		r.until = map[int64]rest{}
	}
	until := now.Add(min(max(u.Until.Sub(now), time.Second), restMost))
	r.until[relay.ID] = rest{until: until, settings: relay.UpdatedAt, busy: u.Busy}
}

// of gives the rest of the relay, the zero one when it does not rest.
func (r *rests) of(relay sender.Relay, now time.Time) rest {
	r.mu.Lock()
	defer r.mu.Unlock()
	found := r.until[relay.ID]
	if !found.until.After(now) || relay.UpdatedAt.After(found.settings) {
		return rest{}
	}
	return found
}

// notBefore is until when nothing may be claimed for the relay, zero when something may. busy says that it works and has enough to do until then.
func (s *Service) notBefore(r sender.Relay, now time.Time) (at time.Time, busy bool) {
	at = r.NotBefore(now)
	if rest := s.rests.of(r, now); rest.until.After(at) {
		return rest.until, rest.busy && at.IsZero()
	}
	return at, false
}
