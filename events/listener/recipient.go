package listener

import (
	"context"

	"postrider/events"
	"postrider/internal/errs"
)

// accept says whether mail for a recipient is taken.
func (s *Server) accept(ctx context.Context, p path) answer {
	r, ok := p.recipient()
	switch {
	case p.domain == "" && !r.role:
		return noAddress
	case p.domain == "":
		return okRcpt // <postmaster>, RFC 5321 §4.5.1
	case !ok:
		return foreign
	}
	ctx, cancel := context.WithTimeout(ctx, s.limits.TakeTimeout)
	defer cancel()
	ours, bounce, err := s.domains.find(ctx, r.domain)
	if err != nil {
		s.cfg.Logger.Error("the bounce listener cannot tell which domains are ours", "error", err)
		return later
	}
	if r.role && bounce {
		return okRcpt
	}
	ref, err := s.cfg.Tokens.Parse(r.kind, r.token)
	switch {
	case err == nil && ours:
		return okRcpt
	case err == nil && r.kind == events.ConfirmReturn:
		return foreign // such a mail is of no campaign, and not so old that its domain could have changed hands
	case err == nil:
		return s.acceptFormer(ctx, r.domain, ref)
	case ours:
		return unknown
	}
	return foreign
}

// acceptFormer looks whether the campaign went out with a domain that is ours no longer.
func (s *Server) acceptFormer(ctx context.Context, domain string, ref events.Ref) answer {
	if s.cfg.SentFrom == nil {
		return foreign
	}
	sent, err := s.cfg.SentFrom(ctx, ref.CampaignID)
	if err != nil && !errs.Is(err, errs.NotFound) {
		s.cfg.Logger.Error("the bounce listener cannot tell what a campaign was sent from", "campaign_id", ref.CampaignID, "error", err)
		return later
	}
	if name, ok := domainName(sent); err != nil || !ok || name != domain {
		return foreign
	}
	return okRcpt
}
