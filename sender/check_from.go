package sender

import (
	"context"
	"strings"
	"time"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"

	"postrider/internal/addr"
	"postrider/internal/errs"
	"postrider/sender/presets"
)

// startTimeout bounds what CheckFrom asks DNS: somebody has pressed Start and waits.
const startTimeout = 6 * time.Second

// CheckFrom says why mail from an address must not be sent through a relay, as an Invalid error about from_email: nobody could sign it so that receivers
// take it for genuine, or our signature could not be verified.
//
// Mail that stays here (the built-in inbox, a relay on this machine) only needs a key to sign with. Where a relay signs by itself it cannot be known
// how, and where DNS does not answer nothing is known: both are allowed.
func (s *Service) CheckFrom(ctx context.Context, relay Relay, fromEmail string) error {
	from := strings.ToLower(fromEmail[strings.LastIndexByte(fromEmail, '@')+1:])
	if ascii, ok := addr.ASCII(idna.Lookup, from); ok {
		from = ascii
	}
	here := relay.Kind == RelayInbox || addr.IsLoopback(relay.Host)
	if !here {
		if problem := cannotAlign(relay, from); problem != "" {
			return errs.InvalidField("from_email", "%s", problem)
		}
	}
	if relay.DKIM != DKIMSign {
		return nil
	}
	_, err := s.SignerFor(ctx, from, relay.SigningProfile)
	if errs.Is(err, errs.NotFound) {
		return errs.InvalidField("from_email", "%s", err.(*errs.E).Public)
	}
	if err != nil || here {
		return err
	}
	return s.checkPublished(ctx, from)
}

// cannotAlign finds the From domains that receivers take for forged whatever we do: those of mailbox providers through anybody else, and a domain of one's
// own through a personal mailbox that signs for its provider.
func cannotAlign(relay Relay, from string) string {
	registrable := registrableDomain(from)
	if presets.FreeMail(registrable) {
		switch {
		case ownRelay(relay.Host, registrable) && relay.DKIM == DKIMSign:
			return "mail from " + registrable + " is signed by " + shorten(relay.Host) + " itself, and nobody else has a key for it: set DKIM to off in this relay"
		case ownRelay(relay.Host, registrable):
			return ""
		}
		return "mail from " + registrable + " can only be sent through " + registrable + " itself: receivers take it for forged when it comes through " + shorten(relay.Host) +
			"; use an address in a domain of your own, or the relay of that provider with your account there"
	}
	_, account, isAddress := strings.Cut(strings.ToLower(relay.Username), "@")
	if relay.DKIM == DKIMSign || !isAddress || !presets.FreeMail(registrableDomain(account)) {
		return ""
	}
	return "the account " + shorten(relay.Username) + " signs mail for " + account + ", so mail from " + from + " is not aligned and receivers take it for forged; " +
		"let this relay's mail be signed here with a key of " + from + ", use an account in that domain, or send from " + shorten(relay.Username)
}

// ownRelay reports whether a host belongs to the provider of a mailbox domain.
func ownRelay(host, registrable string) bool {
	if registrableDomain(host) == registrable {
		return true
	}
	c := presets.CompanyOf(host)
	return c != nil && c.HasMailboxesIn(registrable)
}

func registrableDomain(domain string) string {
	registrable, err := publicsuffix.EffectiveTLDPlusOne(domain)
	if err != nil {
		return domain
	}
	return registrable
}

// checkPublished looks whether receivers can find the key that signs. What DNS says now decides; when it does not answer, what it said last.
func (s *Service) checkPublished(ctx context.Context, from string) error {
	d, err := domainByName(ctx, s.pool, from)
	if err != nil {
		return err
	}
	key, ok := d.signingRSA()
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	c := checkKey(ctx, newAsker(s.cfg.Resolver), d.Domain, key)
	if c.Status == CheckUnknown {
		if last := d.keyStatus(key); last != CheckMissing && last != CheckDifferent {
			return nil
		}
		c.Message = "the DKIM record was not as it should be when it was last looked at, and DNS does not answer now"
	}
	if c.Status == CheckOK {
		return nil
	}
	return errs.InvalidField("from_email", "mail from %s would be signed with a key that receivers cannot find: %s. See Sending domains for the record to publish", from, c.Message)
}

// signingRSA is the RSA key that signs: the active one, or for want of it the one that waits (see signingKeys).
func (d Domain) signingRSA() (Key, bool) {
	for _, status := range []string{KeyActive, KeyPending} {
		for _, k := range d.Keys {
			if k.Status == status && k.Algorithm == AlgorithmRSA2048 {
				return k, true
			}
		}
	}
	return Key{}, false
}
