package campaigns

import (
	"context"
	"strings"
)

// ReturnDomain gives the domain of the return paths that a campaign went out with, whatever has been set since. NotFound: it has not started.
func (s *Service) ReturnDomain(ctx context.Context, campaignID int64) (string, error) {
	p, err := s.content(ctx, campaignID)
	if err != nil {
		return "", err
	}
	if p.frozen.BounceDomain != "" {
		return p.frozen.BounceDomain, nil
	}
	return p.frozen.FromEmail[strings.LastIndexByte(p.frozen.FromEmail, '@')+1:], nil
}
