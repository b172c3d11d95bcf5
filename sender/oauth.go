package sender

import (
	"net/url"
	"strings"

	"postrider/internal/errs"
	"postrider/sender/presets"
)

// OAuthInput is how access tokens for XOAUTH2 are got: with a refresh token (RFC 6749 §6), by a client that the provider knows. An empty TokenURL is
// the provider's.
type OAuthInput struct {
	ClientID     string
	TokenURL     string
	ClientSecret *string // nil keeps the stored one in an update
	RefreshToken *string // nil keeps the stored one in an update
}

// noOAuth takes everything away.
func noOAuth() OAuthInput {
	none := ""
	return OAuthInput{ClientSecret: &none, RefreshToken: &none}
}

func (in *RelayInput) checkOAuth(wrong *errs.Fields, old Relay) {
	o := &in.OAuth
	o.ClientID, o.TokenURL = strings.TrimSpace(o.ClientID), strings.TrimSpace(o.TokenURL)
	if o.TokenURL == "" {
		o.TokenURL = presetTokenURL(in.Provider, in.Host)
	}
	if problem := checkTokenURL(o.TokenURL); problem != "" {
		wrong.Add("oauth_token_url", "%s", problem)
	}
	if o.ClientID == "" || len(o.ClientID) > 500 || hasControl(o.ClientID) {
		wrong.Add("oauth_client_id", "give the client id that the provider's console shows for your app")
	}
	if o.ClientSecret != nil && (len(*o.ClientSecret) > 4096 || hasControl(*o.ClientSecret)) {
		wrong.Add("oauth_client_secret", "the client secret must be one line of at most 4096 bytes")
	}
	switch t := o.RefreshToken; {
	case t == nil && !old.HasRefreshToken, t != nil && *t == "":
		wrong.Add("oauth_refresh_token", "XOAUTH2 needs a refresh token: allow your app to send from the account once, and enter the token that you get")
	case t != nil && (len(*t) > 16<<10 || hasControl(*t)):
		wrong.Add("oauth_refresh_token", "the refresh token must be one line of at most 16,384 bytes")
	}
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

// checkTokenURL says what is wrong with the address of a token service. Secrets go there, so that it must be https, but for a service on this machine.
func checkTokenURL(raw string) string {
	if raw == "" {
		return "give the token URL of your provider, for example https://oauth2.googleapis.com/token"
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || len(raw) > 1000:
		return "this is not a URL of a token service"
	case u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())):
		return "the token URL must begin with https://, because secrets are sent there"
	}
	return ""
}
