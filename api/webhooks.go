package api

import (
	"context"
	"encoding/json"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"postrider/events/outgoing"
)

// WebhookFields are what a person decides about a webhook.
type WebhookFields struct {
	URL         string   `json:"url" example:"https://example.org/hooks/mail" doc:"Takes the messages by POST: https, and in the public Internet, unless the server allows more"`
	Description string   `json:"description" required:"false"`
	EventTypes  []string `json:"event_types" required:"false" doc:"Of GET /webhook-event-types; empty: all, also future ones"`
	ListIDs     []int64  `json:"list_ids" required:"false" doc:"Only what concerns one of these lists; empty: everything"`
	CampaignIDs []int64  `json:"campaign_ids" required:"false" doc:"Only what concerns one of these campaigns; empty: everything"`
}

// WebhookInput is a webhook as it comes in.
type WebhookInput struct {
	WebhookFields
	Enabled *bool `json:"enabled,omitempty" doc:"Left out: it is switched on"`
}

type webhookJSON struct {
	ID int64 `json:"id"`
	WebhookFields
	Enabled        bool       `json:"enabled"`
	DisabledReason *string    `json:"disabled_reason" doc:"Why it was switched off by itself; null when a person did"`
	DisabledAt     *time.Time `json:"disabled_at"`
	FailingSince   *time.Time `json:"failing_since" doc:"Every attempt has failed since; null: the last one succeeded. After five days it is switched off"`
	RestUntil      *time.Time `json:"rest_until" doc:"Nothing is sent before, because attempts failed or it asked for that; null: not at rest"`
	LastSuccessAt  *time.Time `json:"last_success_at" doc:"To the minute"`
	OldSecretUntil *time.Time `json:"old_secret_until" doc:"Until then the secret before the last rotation signs too"`
	Pending        int64      `json:"pending" maximum:"10000" doc:"Messages that wait; more than 10000 are not counted"`
	CreatedAt      time.Time  `json:"created_at"`
	UpdatedAt      time.Time  `json:"updated_at"`
}

// WebhookSecret is a webhook with its secret.
type WebhookSecret struct {
	Webhook webhookJSON `json:"webhook"`
	Secret  string      `json:"secret" example:"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" doc:"What the receiver checks signatures with"`
}

type secretJSON struct {
	Secret string `json:"secret"`
}

type webhookTypeJSON struct {
	Type    string          `json:"type"`
	Summary string          `json:"summary"`
	Sample  json.RawMessage `json:"sample" doc:"The member data of a message of this type"`
}

// TransformSchema says in the OpenAPI document that a sample is an object.
func (webhookTypeJSON) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Properties["sample"] = &huma.Schema{Type: huma.TypeObject, Description: s.Properties["sample"].Description, AdditionalProperties: true}
	return s
}

// WebhookMessage is one message of the log.
type WebhookMessage struct {
	ID            string     `json:"id" doc:"The header field webhook-id, the same in every attempt"`
	Type          string     `json:"type"`
	Test          bool       `json:"test"`
	Status        string     `json:"status" enum:"pending,delivered,failed"`
	Attempts      int        `json:"attempts"`
	NextAttemptAt *time.Time `json:"next_attempt_at" doc:"null unless pending; while an attempt is under way, when that is taken for lost"`
	LastStatus    *int       `json:"last_status" doc:"Status code of the last attempt; null: none, or no answer"`
	LastError     *string    `json:"last_error" doc:"What was wrong with the last attempt; null: nothing"`
	CreatedAt     time.Time  `json:"created_at"`
	DoneAt        *time.Time `json:"done_at"`
}

type webhookAttemptJSON struct {
	Attempt    int       `json:"attempt"`
	At         time.Time `json:"at"`
	DurationMS int       `json:"duration_ms"`
	StatusCode *int      `json:"status_code" doc:"null: no answer"`
	Error      *string   `json:"error" doc:"null: delivered"`
	Reply      *string   `json:"reply" doc:"The first KB of the answer"`
}

type webhookMessageDetailJSON struct {
	WebhookMessage
	Payload     string               `json:"payload" doc:"The body, byte for byte as it is signed and sent"`
	AttemptList []webhookAttemptJSON `json:"attempt_list" doc:"The last one first"`
}

type webhookTestJSON struct {
	WebhookMessage
	AttemptList []webhookAttemptJSON `json:"attempt_list"`
}

type webhookTestInput struct {
	ID   int64                 `path:"id" minimum:"1"`
	Body *webhookTestInputJSON `required:"false"`
}

type webhookTestInputJSON struct {
	Type string `json:"type" required:"false" doc:"Whose sample to send. Left out: webhook.test"`
}

type webhookReplayJSON struct {
	Since time.Time `json:"since" doc:"Messages made before are left alone"`
}

type replayedJSON struct {
	Replayed int64 `json:"replayed"`
}

type webhookMessagesQuery struct {
	PageOf
	Status string `query:"status" enum:"pending,delivered,failed"`
	Type   string `query:"type"`
}

type byMessage struct {
	ID        int64  `path:"id" minimum:"1"`
	MessageID string `path:"message_id" maxLength:"100"`
}

func (in WebhookInput) input() outgoing.Input {
	return outgoing.Input{URL: in.URL, Description: in.Description, EventTypes: in.EventTypes, ListIDs: in.ListIDs, CampaignIDs: in.CampaignIDs,
		Enabled: in.Enabled == nil || *in.Enabled}
}

func encodeWebhook(e outgoing.Endpoint) webhookJSON {
	return webhookJSON{
		ID: e.ID, Enabled: e.Status == outgoing.StatusActive, DisabledReason: e.DisabledReason, DisabledAt: utc(e.DisabledAt), FailingSince: utc(e.FailingSince),
		RestUntil: utc(e.RestUntil), LastSuccessAt: utc(e.LastSuccessAt), OldSecretUntil: utc(e.OldSecretUntil), Pending: e.Pending, CreatedAt: e.CreatedAt.UTC(), UpdatedAt: e.UpdatedAt.UTC(),
		WebhookFields: WebhookFields{URL: e.URL, Description: e.Description, EventTypes: e.EventTypes, ListIDs: e.ListIDs, CampaignIDs: e.CampaignIDs},
	}
}

func encodeWebhookMessage(m outgoing.Message) WebhookMessage {
	return WebhookMessage{ID: m.MessageID, Type: m.Type, Test: m.Test, Status: m.Status, Attempts: m.Attempts, NextAttemptAt: utc(m.NextAttemptAt),
		LastStatus: m.LastStatus, LastError: m.LastError, CreatedAt: m.CreatedAt.UTC(), DoneAt: utc(m.DoneAt)}
}

func encodeWebhookAttempt(a outgoing.Attempt) webhookAttemptJSON {
	return webhookAttemptJSON{Attempt: a.Attempt, At: a.At.UTC(), DurationMS: a.DurationMS, StatusCode: a.StatusCode, Error: a.Error, Reply: a.Reply}
}

func (s *server) listWebhookEventTypes(context.Context, *nothing) (*answer[itemsJSON[webhookTypeJSON]], error) {
	var failed error
	out, err := replyItems(outgoing.Types(), nil, func(t outgoing.Type) webhookTypeJSON {
		sample, err := json.Marshal(t.Sample)
		if err != nil {
			failed = err
		}
		return webhookTypeJSON{Type: t.Name, Summary: t.Summary, Sample: sample}
	})
	if failed != nil {
		return nil, failed
	}
	return out, err
}

func (s *server) listWebhooks(ctx context.Context, _ *nothing) (*answer[itemsJSON[webhookJSON]], error) {
	all, err := s.deps.Webhooks.ListEndpoints(ctx)
	return replyItems(all, err, encodeWebhook)
}

func (s *server) createWebhook(ctx context.Context, in *with[WebhookInput]) (*answer[WebhookSecret], error) {
	e, secret, err := s.deps.Webhooks.CreateEndpoint(ctx, in.Body.input())
	return reply(e, err, func(e outgoing.Endpoint) WebhookSecret {
		return WebhookSecret{Webhook: encodeWebhook(e), Secret: secret}
	})
}

func (s *server) getWebhook(ctx context.Context, in *byID) (*answer[webhookJSON], error) {
	e, err := s.deps.Webhooks.GetEndpoint(ctx, in.ID)
	return reply(e, err, encodeWebhook)
}

func (s *server) updateWebhook(ctx context.Context, in *onID[WebhookInput]) (*answer[webhookJSON], error) {
	e, err := s.deps.Webhooks.UpdateEndpoint(ctx, in.ID, in.Body.input())
	return reply(e, err, encodeWebhook)
}

func (s *server) deleteWebhook(ctx context.Context, in *byID) (*nothing, error) {
	return done(s.deps.Webhooks.DeleteEndpoint(ctx, in.ID))
}

func (s *server) getWebhookSecret(ctx context.Context, in *byID) (*answer[secretJSON], error) {
	secret, err := s.deps.Webhooks.Secret(ctx, in.ID)
	return reply(secret, err, func(secret string) secretJSON { return secretJSON{Secret: secret} })
}

func (s *server) rotateWebhookSecret(ctx context.Context, in *byID) (*answer[WebhookSecret], error) {
	e, secret, err := s.deps.Webhooks.RotateSecret(ctx, in.ID)
	return reply(e, err, func(e outgoing.Endpoint) WebhookSecret {
		return WebhookSecret{Webhook: encodeWebhook(e), Secret: secret}
	})
}

func (s *server) testWebhook(ctx context.Context, in *webhookTestInput) (*answer[webhookTestJSON], error) {
	var typ string
	if in.Body != nil {
		typ = in.Body.Type
	}
	m, attempts, err := s.deps.Webhooks.Test(ctx, in.ID, typ)
	return reply(m, err, func(m outgoing.Message) webhookTestJSON {
		return webhookTestJSON{WebhookMessage: encodeWebhookMessage(m), AttemptList: each(attempts, encodeWebhookAttempt)}
	})
}

func (s *server) listWebhookMessages(ctx context.Context, in *webhookMessagesQuery) (*answer[pageJSON[WebhookMessage]], error) {
	p, err := s.deps.Webhooks.ListMessages(ctx, in.ID, outgoing.MessageFilter{Status: in.Status, Type: in.Type}, in.query())
	return replyPage(p, err, encodeWebhookMessage)
}

func (s *server) getWebhookMessage(ctx context.Context, in *byMessage) (*answer[webhookMessageDetailJSON], error) {
	m, payload, attempts, err := s.deps.Webhooks.GetMessage(ctx, in.ID, in.MessageID)
	return reply(m, err, func(m outgoing.Message) webhookMessageDetailJSON {
		return webhookMessageDetailJSON{WebhookMessage: encodeWebhookMessage(m), Payload: payload, AttemptList: each(attempts, encodeWebhookAttempt)}
	})
}

func (s *server) replayWebhookMessage(ctx context.Context, in *byMessage) (*answer[WebhookMessage], error) {
	m, err := s.deps.Webhooks.Replay(ctx, in.ID, in.MessageID)
	return reply(m, err, encodeWebhookMessage)
}

func (s *server) replayWebhook(ctx context.Context, in *onID[webhookReplayJSON]) (*answer[replayedJSON], error) {
	n, err := s.deps.Webhooks.ReplayFailed(ctx, in.ID, in.Body.Since)
	return reply(n, err, func(n int64) replayedJSON { return replayedJSON{Replayed: n} })
}
