package main

import (
	"context"
	"fmt"
	"os"
	"slices"

	"postrider/events/listener"
	"postrider/sender"
)

// off says that no bounces are taken by SMTP or LMTP.
func (c bounceConfig) off() bool { return c.BounceListen == "" && c.BounceLMTP == "" }

// listenForBounces starts the mail server of the bounce domains, when it is configured.
func (a *app) listenForBounces(ctx context.Context, c bounceConfig) error {
	if c.off() {
		return nil
	}
	name := c.BounceHostname
	if name == "" {
		var err error
		if name, err = os.Hostname(); err != nil {
			return fmt.Errorf("asking for the name of this machine: %w; give one with --bounce-hostname", err)
		}
	}
	l, err := listener.Listen(ctx, listener.Config{
		SMTP: c.BounceListen, LMTP: c.BounceLMTP, Hostname: name, CertFile: c.BounceTLSCert, KeyFile: c.BounceTLSKey, Taker: a.campaigns, Tokens: a.tokens,
		Domains:  func(ctx context.Context) (listener.Domains, error) { return bounceDomains(ctx, a.sender) },
		SentFrom: a.campaigns.ReturnDomain, Logger: a.logger,
	})
	if err != nil {
		return err
	}
	a.spawn(l.Run)
	var where []any
	if addr := l.Addr(); addr != nil {
		where = append(where, "smtp", addr.String())
	}
	if addr := l.LMTPAddr(); addr != nil {
		where = append(where, "lmtp", addr.String())
	}
	a.logger.Info("bounces are taken", where...)
	return nil
}

// bounceDomains are the domains that the listener takes mail for.
func bounceDomains(ctx context.Context, send *sender.Service) (d listener.Domains, err error) {
	domains, err := send.ListDomains(ctx)
	if err != nil {
		return d, err
	}
	for _, one := range domains {
		d.Sending = append(d.Sending, one.Domain)
		if one.BounceDomain != nil && !slices.Contains(d.Bounce, *one.BounceDomain) {
			d.Bounce = append(d.Bounce, *one.BounceDomain)
		}
	}
	return d, nil
}
