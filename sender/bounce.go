package sender

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"golang.org/x/net/idna"
)

// BounceDomain gives where the bounces of mail from a domain go: the bounce domain of that sending domain, "" when none is set or the domain is not ours.
func (s *Service) BounceDomain(ctx context.Context, fromDomain string) (string, error) {
	if ascii, err := idna.Lookup.ToASCII(fromDomain); err == nil {
		fromDomain = ascii
	}
	var bounce string
	err := s.pool.QueryRow(ctx, `SELECT COALESCE(bounce_domain, '') FROM sending_domains WHERE domain = $1`, fromDomain).Scan(&bounce)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("looking up the bounce domain: %w", err)
	}
	return bounce, nil
}
