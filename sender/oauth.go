package sender

import (
	"context"
	"strings"
	"sync"
	"time"

	"postrider/internal/errs"
	"postrider/internal/oauth"
	"postrider/sender/presets"
	"postrider/sender/smtpconn"
)

// OAuthInput is how access tokens for XOAUTH2 are got. An empty TokenURL is the provider's.
type OAuthInput = oauth.Input

func (in *RelayInput) checkOAuth(wrong *errs.Fields, old Relay) {
	if strings.TrimSpace(in.OAuth.TokenURL) == "" {
		in.OAuth.TokenURL = presetTokenURL(in.Provider, in.Host)
	}
	in.OAuth.Check(wrong, old.HasRefreshToken)
}

func presetTokenURL(provider, host string) string {
	p, ok := presets.ByID(provider)
	if !ok {
		p, ok = presets.ForHost(host)
	}
	if !ok || p.OAuth == nil {
		return ""
	}
	return p.OAuth.TokenURL
}

var _ smtpconn.Tokens = (*oauth.Source)(nil)

// tokenCache keeps access tokens of stored relays. Each entry has a lock of its own, so that one process asks for one token at a time.
type tokenCache struct {
	mu      sync.Mutex
	entries map[int64]*oauth.Source
}

// tokensFor gives the source of a stored relay's access tokens, the same one for each dialer as long as the settings are the same.
func (s *Service) tokensFor(r Relay) (*oauth.Source, error) {
	clientSecret, err := s.open(r, secretClientSecret, "client secret", r.sealedClientSecret)
	if err != nil {
		return nil, err
	}
	refresh, err := s.open(r, secretRefreshToken, "refresh token", r.sealedRefreshToken)
	if err != nil {
		return nil, err
	}
	s.tokens.mu.Lock()
	defer s.tokens.mu.Unlock()
	if source := s.tokens.entries[r.ID]; source != nil && source.Serves(r.OAuthClientID, clientSecret, r.OAuthTokenURL, refresh) {
		return source, nil
	}
	source := oauth.New(r.OAuthClientID, clientSecret, r.OAuthTokenURL, refresh, s.now)
	sealed := r.sealedRefreshToken
	source.Rotated = func(ctx context.Context, _, next string) error {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		replacement := s.seal(r.ID, secretRefreshToken, next)
		if err := replaceRefreshToken(ctx, s.pool, r.ID, sealed, replacement); err != nil {
			return err
		}
		sealed = replacement
		return nil
	}
	if s.tokens.entries == nil {
		s.tokens.entries = map[int64]*oauth.Source{}
	}
	s.tokens.entries[r.ID] = source
	return source, nil
}
