package auth

import (
	"slices"

	"postrider/internal/errs"
)

// The scopes of API keys. A person's session has all of them.
const (
	AudienceRead   = "audience:read"
	AudienceWrite  = "audience:write"
	CampaignsRead  = "campaigns:read"
	CampaignsWrite = "campaigns:write"
	CampaignsSend  = "campaigns:send"
	// MessagesSend is all that a program needs that sends single messages: receipts, passwords.
	MessagesSend  = "messages:send"
	SendingRead   = "sending:read"
	SendingWrite  = "sending:write"
	SettingsRead  = "settings:read"
	SettingsWrite = "settings:write"
	// What webhooks send has people in it, so they are no part of the settings.
	WebhooksRead  = "webhooks:read"
	WebhooksWrite = "webhooks:write"
)

// Scopes lists every scope there is, in the order in which people should see them.
func Scopes() []string {
	return []string{
		AudienceRead, AudienceWrite, CampaignsRead, CampaignsWrite, CampaignsSend, MessagesSend,
		SendingRead, SendingWrite, SettingsRead, SettingsWrite, WebhooksRead, WebhooksWrite,
	}
}

// Principal is the caller of one request.
type Principal struct {
	Name   string // for people: the address or the key's name
	UserID int64  // 0 when the person who made the key is gone
	KeyID  int64  // 0 for a browser session
	Scopes []string
}

// Has says whether the caller may do what the scope stands for.
func (p Principal) Has(scope string) bool { return slices.Contains(p.Scopes, scope) }

func checkScopes(scopes []string) error {
	var wrong errs.Fields
	if len(scopes) == 0 {
		wrong.Add("scopes", "choose at least one scope")
	}
	known := Scopes()
	for _, s := range scopes {
		if !slices.Contains(known, s) {
			wrong.Add("scopes", "there is no scope %q", s)
		}
	}
	return wrong.Err("the API key needs valid scopes")
}
