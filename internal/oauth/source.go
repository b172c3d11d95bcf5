package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"sync"
	"time"

	"golang.org/x/oauth2"
)

const (
	tokenTimeout  = 20 * time.Second // one question to a token service
	tokenMargin   = 2 * time.Minute  // a token is renewed this long before it runs out
	tokenDefault  = 10 * time.Minute // how long a token counts as good when the service does not say
	maxTokenLife  = 24 * time.Hour
	maxTokenBytes = 16 << 10 // Microsoft's have a few thousand
)

// Source gives the access tokens of one account. It is safe for concurrent use. Make one with New.
type Source struct {
	// Rotated stores a refresh token that the service gave in exchange for the last one; nil for accounts that are not stored. It is set before the first use.
	Rotated func(ctx context.Context, old, next string) error

	config oauth2.Config
	now    func() time.Time
	client *http.Client

	turn   chan struct{} // one question at a time; a channel, so that waiting ends with its caller
	mu     sync.Mutex
	known  map[string]bool // the refresh tokens that this source has had, so that settings read before a rotation find their source
	last   string          // the refresh token to use
	access string
	until  time.Time
	handed bool // access has been given out before
}

// New makes a source from what a client needs to ask for tokens (RFC 6749 §6). clientSecret is "" for clients that have none.
func New(clientID, clientSecret, tokenURL, refresh string, now func() time.Time) *Source {
	return &Source{
		config: oauth2.Config{ClientID: clientID, ClientSecret: clientSecret, Endpoint: oauth2.Endpoint{TokenURL: tokenURL, AuthStyle: oauth2.AuthStyleInParams}},
		now:    now, turn: make(chan struct{}, 1), known: map[string]bool{refresh: true}, last: refresh,
		client: &http.Client{Timeout: tokenTimeout, CheckRedirect: func(*http.Request, []*http.Request) error {
			return errors.New("it sends us elsewhere, and secrets are not taken along")
		}},
	}
}

// Serves reports whether the source belongs to these settings.
func (t *Source) Serves(clientID, clientSecret, tokenURL, refresh string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.config.ClientID == clientID && t.config.ClientSecret == clientSecret && t.config.Endpoint.TokenURL == tokenURL && t.known[refresh]
}

// Token gives an access token that is good for a while yet, a new one when there is none.
func (t *Source) Token(ctx context.Context) (string, error) {
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	t.mu.Lock()
	access, refresh, good := t.access, t.last, t.access != "" && t.now().Before(t.until)
	t.handed = t.handed || good
	t.mu.Unlock()
	if good {
		return access, nil
	}
	return t.renew(ctx, refresh)
}

// Refused takes back a token that a server did not accept. It reports whether another try makes sense, because a new one may be accepted.
func (t *Source) Refused(token string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.access != token {
		return true // somebody has got a new one already
	}
	t.access = ""
	return t.handed
}

func (t *Source) renew(ctx context.Context, refresh string) (string, error) {
	ctx = context.WithValue(ctx, oauth2.HTTPClient, t.client)
	token, err := t.config.TokenSource(ctx, &oauth2.Token{RefreshToken: refresh}).Token()
	if err != nil {
		return "", tokenError(err)
	}
	if token.AccessToken == "" || len(token.AccessToken) > maxTokenBytes || len(token.RefreshToken) > maxTokenBytes ||
		hasControl(token.AccessToken) || hasControl(token.RefreshToken) {
		return "", errors.New("the token service gave something that is no access token")
	}
	life := tokenDefault
	if !token.Expiry.IsZero() {
		life = min(time.Until(token.Expiry), maxTokenLife)
	}
	t.mu.Lock()
	t.access, t.until, t.handed = token.AccessToken, t.now().Add(life-min(tokenMargin, life/2)), false
	t.mu.Unlock()
	if token.RefreshToken != "" && token.RefreshToken != refresh {
		return token.AccessToken, t.rotate(ctx, refresh, token.RefreshToken)
	}
	return token.AccessToken, nil
}

// rotate goes on with a new refresh token. The old one may be worth nothing from now on, so that the new one has to be stored before anything else.
func (t *Source) rotate(ctx context.Context, old, next string) error {
	t.mu.Lock()
	t.known[next], t.last = true, next
	t.mu.Unlock()
	if t.Rotated == nil {
		return nil
	}
	return t.Rotated(context.WithoutCancel(ctx), old, next)
}

// errorWord is an error code of RFC 6749 §5.2. Anything else is not shown: it may be a page of some other server.
var errorWord = regexp.MustCompile(`^[a-z_]{1,40}$`)

// tokenError says why there is no token, without what was sent and without a foreign server's words.
func tokenError(err error) error {
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) {
		var network *url.Error
		if errors.As(err, &network) {
			return fmt.Errorf("the token service did not answer: %w", network.Err)
		}
		return fmt.Errorf("the token service gave no access token: %w", err)
	}
	word := refused.ErrorCode
	if !errorWord.MatchString(word) {
		word = "no reason that is known"
	}
	status := 0
	if refused.Response != nil {
		status = refused.Response.StatusCode
	}
	return fmt.Errorf("the token service answered %d: %s", status, word)
}
