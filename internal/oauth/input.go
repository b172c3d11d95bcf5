package oauth

import (
	"net/url"
	"strings"
	"unicode"

	"postrider/internal/addr"
	"postrider/internal/errs"
)

// Input is how access tokens are got: with a refresh token (RFC 6749 §6), by a client that the provider knows.
type Input struct {
	ClientID     string
	TokenURL     string
	ClientSecret *string // nil keeps the stored one in an update
	RefreshToken *string // nil keeps the stored one in an update
}

// None takes everything away.
func None() Input {
	none := ""
	return Input{ClientSecret: &none, RefreshToken: &none}
}

// Check notes what is wrong with the input under the names that the API has for it. stored says that there is a refresh token already, so that none has to come.
func (in *Input) Check(wrong *errs.Fields, stored bool) {
	in.ClientID, in.TokenURL = strings.TrimSpace(in.ClientID), strings.TrimSpace(in.TokenURL)
	if problem := checkTokenURL(in.TokenURL); problem != "" {
		wrong.Add("oauth_token_url", "%s", problem)
	}
	if in.ClientID == "" || len(in.ClientID) > 500 || hasControl(in.ClientID) {
		wrong.Add("oauth_client_id", "give the client id that the provider's console shows for your app")
	}
	if in.ClientSecret != nil && (len(*in.ClientSecret) > 4096 || hasControl(*in.ClientSecret)) {
		wrong.Add("oauth_client_secret", "the client secret must be one line of at most 4096 bytes")
	}
	switch t := in.RefreshToken; {
	case t == nil && !stored, t != nil && *t == "":
		wrong.Add("oauth_refresh_token", "XOAUTH2 needs a refresh token: allow your app to use the account once, and enter the token that you get")
	case t != nil && (len(*t) > 16<<10 || hasControl(*t)):
		wrong.Add("oauth_refresh_token", "the refresh token must be one line of at most 16,384 bytes")
	}
}

func hasControl(s string) bool { return strings.ContainsFunc(s, unicode.IsControl) }

// checkTokenURL says what is wrong with the address of a token service. Secrets go there, so that it must be https, but for a service on this machine.
func checkTokenURL(raw string) string {
	if raw == "" {
		return "give the token URL of your provider, for example https://oauth2.googleapis.com/token"
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || len(raw) > 1000:
		return "this is not a URL of a token service"
	case u.Scheme != "https" && (u.Scheme != "http" || !addr.IsLoopback(u.Hostname())):
		return "the token URL must begin with https://, because secrets are sent there"
	}
	return ""
}
