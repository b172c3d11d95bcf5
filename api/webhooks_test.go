package api

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postrider/events/outgoing"
	"postrider/internal/auth"
)

const webhookKeys = "id url description event_types list_ids campaign_ids enabled disabled_reason disabled_at failing_since rest_until last_success_at old_secret_until pending " +
	"created_at updated_at"

func TestWebhooks(t *testing.T) {
	t.Parallel()
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("webhook-signature") == "" {
			t.Error("unsigned")
		}
		_, _ = w.Write([]byte("thanks"))
	}))
	t.Cleanup(hook.Close)
	b := setup(t)
	c := b.admin(t)
	c.get("/webhooks").want(200).keys("", "items")
	var made struct {
		Secret  string
		Webhook struct{ ID int64 }
	}
	c.post("/webhooks", `{"url":"`+hook.URL+`","event_types":["message.opened"]}`).want(201).keys("", "webhook secret").keys("webhook", webhookKeys).json(&made)
	if !strings.HasPrefix(made.Secret, "whsec_") || made.Webhook.ID != 1 {
		t.Fatalf("%+v", made)
	}
	c.get("/webhooks").want(200).keys("items.0", webhookKeys)
	c.get("/webhooks/1").want(200).keys("", webhookKeys)
	c.put("/webhooks/1", `{"url":"`+hook.URL+`","description":"shop"}`).want(200).keys("", webhookKeys)
	var shown struct{ Secret string }
	if c.get("/webhooks/1/secret").want(200).json(&shown); shown.Secret != made.Secret {
		t.Error("another secret is shown")
	}
	if c.post("/webhooks/1/rotate", "").want(200).keys("", "webhook secret").json(&shown); shown.Secret == made.Secret {
		t.Error("the secret stays")
	}
	const messageKeys = "id type test status attempts next_attempt_at last_status last_error created_at done_at"
	var sent struct{ ID, Status string }
	c.post("/webhooks/1/test", "").want(200).keys("", messageKeys+" attempt_list").keys("attempt_list.0", "attempt at duration_ms status_code error reply").json(&sent)
	if sent.Status != "delivered" {
		t.Errorf("%+v", sent)
	}
	c.post("/webhooks/1/test", `{"type":"delivery.bounced"}`).want(200)
	c.get("/webhooks/1/messages").want(200).keys("", "items next_cursor").keys("items.0", messageKeys)
	c.get("/webhooks/1/messages?status=failed&type=message.opened&limit=3").want(200)
	c.get("/webhooks/1/messages/"+sent.ID).want(200).keys("", messageKeys+" payload attempt_list")
	c.post("/webhooks/1/messages/"+sent.ID+"/replay", "").want(200).keys("", messageKeys)
	c.post("/webhooks/1/replay", `{"since":"2026-01-01T00:00:00Z"}`).want(200).keys("", "replayed")
	var types struct{ Items []struct{ Type string } }
	c.get("/webhook-event-types").want(200).keys("items.0", "type summary sample").json(&types)
	if len(types.Items) != len(outgoing.Types()) || types.Items[0].Type != outgoing.TypeBounced {
		t.Errorf("%+v", types)
	}
	c.put("/webhooks/1", `{"url":"`+hook.URL+`","enabled":false}`).want(200)
	c.post("/webhooks/1/messages/"+sent.ID+"/replay", "").problem(409)
	c.remove("/webhooks/1").want(204)
	c.get("/webhooks/1").problem(404)
	c.get("/webhooks/1/messages").problem(404)
	if strings.Contains(b.logs.String(), hook.URL) || strings.Contains(b.logs.String(), "whsec_") {
		t.Error("the log tells where messages go, or a secret")
	}
}

func TestWrongWebhooks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.admin(t)
	for body, want := range map[string]string{
		`{"url":"nowhere"}`: "body.url",
		`{"url":"https://example.org","event_types":["x"]}`:      "body.event_types",
		`{"url":"https://example.org","list_ids":[4]}`:           "body.list_ids",
		`{"url":"https://example.org","campaign_ids":[4]}`:       "body.campaign_ids",
		`{"url":"https://example.org","description":"\u0000"}`:   "body.description",
		`{"url":"https://example.org","secret":"whsec_ourown"}`:  "body.secret",
		`{"url":"https://example.org","event_types":[null]}`:     "body.event_types[0]",
		`{"url":"https://user:pass@example.org","enabled":true}`: "body.url",
	} {
		if got := c.post("/webhooks", body).problem(400).locations(); !slices.Contains(got, want) {
			t.Errorf("%s: %v", body, got)
		}
	}
	c.post("/webhooks", `{"url":"https://example.org"}`).want(201)
	if diff := cmp.Diff([]string{"body.type"}, c.post("/webhooks/1/test", `{"type":"x"}`).problem(400).locations()); diff != "" {
		t.Error(diff)
	}
	c.get("/webhooks/1/messages?status=lost").problem(400)
	c.get("/webhooks/1/messages?type=x").problem(400)
	c.get("/webhooks/1/messages?cursor=x").problem(400)
	c.get("/webhooks/1/messages/msg_none").problem(404)
	c.get("/webhooks/1/messages/%00").problem(404)
	c.post("/webhooks/1/replay", `{"since":"yesterday"}`).problem(400)
}

// Whoever may see where people's data goes may not send it elsewhere, and a program never gets the secret of what others made.
func TestScopesOfWebhooks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.admin(t)
	c.post("/webhooks", `{"url":"https://example.org"}`).want(201)
	reader := b.program(t, auth.WebhooksRead)
	reader.get("/webhooks").want(200)
	reader.post("/webhooks", `{"url":"https://example.org"}`).problem(403)
	reader.post("/webhooks/1/rotate", "").problem(403)
	reader.post("/webhooks/1/test", "").problem(403)
	b.program(t, auth.SettingsRead, auth.SettingsWrite, auth.AudienceRead).get("/webhooks/1/messages").problem(403)
	b.program(t, auth.WebhooksRead, auth.WebhooksWrite).get("/webhooks/1/secret").problem(403)
	b.program(t, auth.WebhooksWrite).remove("/webhooks/1").want(204)
}
