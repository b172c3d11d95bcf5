package confirm

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"postrider/internal/errs"
	"postrider/sender"
)

// route chooses the relay: the list's own, else the first that takes the mail and can be used now. held says why it cannot be used yet. A window of a relay holds
// back campaigns, not this: somebody waits for it. It is errs.Conflict when no relay may send this mail.
func (s *Service) route(ctx context.Context, m confirmation) (sender.Relay, sender.FromDomain, *sender.Holdup, error) {
	_, from := m.from()
	if from == "" {
		return sender.Relay{}, sender.FromDomain{}, nil, errs.New(errs.Conflict, "there is no From address: set one for the list, or the default one in the settings")
	}
	relays, err := s.candidates(ctx, m)
	if err != nil {
		return sender.Relay{}, sender.FromDomain{}, nil, err
	}
	ids := make([]int64, len(relays))
	for i, r := range relays {
		ids[i] = r.ID
	}
	relays, domain, err := s.d.Sender.RelaysFor(ctx, ids, sender.DomainOf(from))
	if err != nil {
		return sender.Relay{}, domain, nil, err
	}
	var first *sender.Holdup
	var firstRelay sender.Relay
	for _, r := range relays {
		held, err := s.d.Sender.Holdup(ctx, r)
		if err != nil {
			return r, domain, nil, err
		}
		if held == nil || held.Code == sender.HoldupOutsideWindow {
			return r, domain, nil, checkLink(m.set.PublicURL, r)
		}
		if first == nil {
			first, firstRelay = held, r
		}
	}
	if first == nil {
		return sender.Relay{}, domain, nil, errs.New(errs.Conflict, "there is no relay any more")
	}
	return firstRelay, domain, first, nil
}

// checkLink refuses a mail whose link would lead nowhere, as campaigns do.
func checkLink(publicURL string, relay sender.Relay) error {
	if relay.Linkable(publicURL) {
		return nil
	}
	return errs.New(errs.Conflict, "the public URL in the settings is %q, and the link to confirm cannot lead there: set an https address that reaches this service "+
		"(an address of this machine is good only for mail that stays on it, as with the built-in inbox)", publicURL)
}

// candidates gives the relays that may be asked, in the order in which they are; at least one, else an errs.Conflict says why there is none. The built-in inbox delivers to
// nobody: where there is any other relay it is not among them, so that mail waits for that one and is not lost in the inbox.
func (s *Service) candidates(ctx context.Context, m confirmation) ([]sender.Relay, error) {
	_, address := m.from()
	from := sender.DomainOf(address)
	if m.optIn.RelayID != nil {
		r, err := s.d.Sender.GetRelay(ctx, *m.optIn.RelayID)
		if err == nil && !r.TakesFrom(from) {
			err = errs.New(errs.Conflict, "relay %q only takes mail From %s, and this message is From %s: choose another relay or From address for the list, or change the relay",
				r.Name, strings.Join(r.FromDomains, ", "), from)
		}
		return []sender.Relay{r}, err
	}
	relays, err := s.d.Sender.ListRelays(ctx)
	if err != nil {
		return nil, err
	}
	inbox := func(r sender.Relay) bool { return r.Kind == sender.RelayInbox }
	if slices.ContainsFunc(relays, func(r sender.Relay) bool { return !inbox(r) }) {
		relays = slices.DeleteFunc(relays, inbox)
	}
	to := sender.DomainOf(m.to)
	site := s.d.Sender.Site(to)
	relays = slices.DeleteFunc(relays, func(r sender.Relay) bool { return !r.TakesRecipient(to, site) || !r.TakesFrom(from) })
	if len(relays) == 0 {
		return nil, errs.New(errs.Conflict, "there is no relay that takes mail to this recipient From %s: add one, or let one take it", from)
	}
	backup := func(r sender.Relay) int {
		if r.Backup() {
			return 1
		}
		return 0
	}
	slices.SortFunc(relays, func(a, b sender.Relay) int { return cmp.Or(backup(a)-backup(b), cmp.Compare(a.ID, b.ID)) })
	return relays, nil
}
