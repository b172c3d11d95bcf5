package oauth

import (
	"context"
	"testing"
	"time"

	"postrider/internal/errs"
)

func TestWaitingForATokenEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	source := New("client", "", "http://127.0.0.1:1/", "r", time.Now)
	source.turn <- struct{}{} // somebody is asking
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := source.Token(ctx); err != context.Canceled {
		t.Errorf("%v", err)
	}
}

func TestInputIsChecked(t *testing.T) {
	t.Parallel()
	refresh, empty := "r", ""
	for name, tc := range map[string]struct {
		in     Input
		stored bool
		wrong  string
	}{
		"good":             {Input{ClientID: "c", TokenURL: "https://t.example/token", RefreshToken: &refresh}, false, ""},
		"kept":             {Input{ClientID: "c", TokenURL: "https://t.example/token"}, true, ""},
		"nothing kept":     {Input{ClientID: "c", TokenURL: "https://t.example/token"}, false, "oauth_refresh_token"},
		"taken away":       {Input{ClientID: "c", TokenURL: "https://t.example/token", RefreshToken: &empty}, true, "oauth_refresh_token"},
		"not encrypted":    {Input{ClientID: "c", TokenURL: "http://t.example/token", RefreshToken: &refresh}, false, "oauth_token_url"},
		"on this machine":  {Input{ClientID: "c", TokenURL: "http://127.0.0.1:1/token", RefreshToken: &refresh}, false, ""},
		"no client":        {Input{TokenURL: "https://t.example/token", RefreshToken: &refresh}, false, "oauth_client_id"},
		"line in a client": {Input{ClientID: "c\r\nx", TokenURL: "https://t.example/token", RefreshToken: &refresh}, false, "oauth_client_id"},
	} {
		var wrong errs.Fields
		tc.in.Check(&wrong, tc.stored)
		got := ""
		for _, f := range wrong {
			got += f.Name
		}
		if got != tc.wrong {
			t.Errorf("%s: %q is wrong, want %q", name, got, tc.wrong)
		}
	}
}
