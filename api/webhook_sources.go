package api

import (
	"context"
	"time"

	"postrider/events/hooks"
	"postrider/events/hooksource"
	"postrider/internal/auth"
)

// WebhookSourceInput is what a person sets on a webhook of a mail provider.
type WebhookSourceInput struct {
	Name       string  `json:"name" required:"false" doc:"Empty: the provider's"`
	Provider   string  `json:"provider" required:"false" enum:"ses,sendgrid,mailgun,postmark,brevo,mandrill,sparkpost,resend" doc:"Cannot be changed later"`
	SigningKey *string `json:"signing_key,omitempty" doc:"What the provider signs with, copied from there. Most providers show it only once they know the address, so it can be set later. Left out in an update: the stored one stays. Empty: it is taken away"`
}

type webhookSourceJSON struct {
	ID             int64              `json:"id"`
	Name           string             `json:"name"`
	Provider       string             `json:"provider" enum:"ses,sendgrid,mailgun,postmark,brevo,mandrill,sparkpost,resend"`
	URL            *string            `json:"url" doc:"The address to give to the provider. It holds a secret, so only callers with sending:write see it; null for others, and while no public URL is set"`
	NeedsKey       bool               `json:"needs_key" doc:"The provider signs, and nothing is taken before its key was entered"`
	HasKey         bool               `json:"has_key"`
	Received       int64              `json:"received" doc:"Requests that were taken"`
	Reports        int64              `json:"reports" doc:"What was said in them"`
	Refused        int64              `json:"refused" doc:"Requests that were not taken"`
	LastReceivedAt *time.Time         `json:"last_received_at"`
	LastError      *string            `json:"last_error" doc:"Why a request was last not taken"`
	LastErrorAt    *time.Time         `json:"last_error_at"`
	Topics         []webhookTopicJSON `json:"topics" doc:"Of ses: the topics of Amazon SNS that want to send here"`
	CreatedAt      time.Time          `json:"created_at"`
	UpdatedAt      time.Time          `json:"updated_at"`
}

type webhookTopicJSON struct {
	ARN         string     `json:"arn"`
	AskedAt     time.Time  `json:"asked_at"`
	AcceptedAt  *time.Time `json:"accepted_at" doc:"null: it waits for somebody to accept it"`
	ConfirmedAt *time.Time `json:"confirmed_at" doc:"null: it sends nothing"`
	Problem     *string    `json:"problem"`
}

type webhookTopicInput struct {
	ARN string `json:"arn" minLength:"1" maxLength:"400"`
}

// encodeWebhookSource shows the address to those who may set webhooks up: whoever has it can speak for the provider, where that signs nothing.
func (s *server) encodeWebhookSource(ctx context.Context, v hooksource.Source) (webhookSourceJSON, error) {
	out := webhookSourceJSON{
		ID: v.ID, Name: v.Name, Provider: string(v.Provider), NeedsKey: v.Provider.Signs(), HasKey: v.HasKey, Received: v.Received, Reports: v.Reports,
		Refused: v.Refused, LastReceivedAt: utc(v.LastReceivedAt), LastError: v.LastError, LastErrorAt: utc(v.LastErrorAt), CreatedAt: v.CreatedAt.UTC(), UpdatedAt: v.UpdatedAt.UTC(),
		Topics: each(v.Topics, func(t hooksource.Topic) webhookTopicJSON {
			return webhookTopicJSON{ARN: t.ARN, AskedAt: t.AskedAt.UTC(), AcceptedAt: utc(t.AcceptedAt), ConfirmedAt: utc(t.ConfirmedAt), Problem: t.Problem}
		}),
	}
	if !caller(ctx).Has(auth.SendingWrite) {
		return out, nil
	}
	url, err := s.deps.Hooks.URL(ctx, v)
	if url != "" {
		out.URL = &url
	}
	return out, err
}

func (s *server) webhookSource(ctx context.Context, v hooksource.Source, err error) (*answer[webhookSourceJSON], error) {
	if err != nil {
		return nil, err
	}
	out, err := s.encodeWebhookSource(ctx, v)
	return reply(out, err, func(out webhookSourceJSON) webhookSourceJSON { return out })
}

func (in WebhookSourceInput) input() hooksource.Input {
	return hooksource.Input{Name: in.Name, Provider: hooks.Provider(in.Provider), SigningKey: in.SigningKey}
}

func (s *server) listWebhookSources(ctx context.Context, _ *nothing) (*answer[pageJSON[webhookSourceJSON]], error) {
	sources, err := s.deps.Hooks.List(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]webhookSourceJSON, 0, len(sources))
	for _, v := range sources {
		out, err := s.encodeWebhookSource(ctx, v)
		if err != nil {
			return nil, err
		}
		all = append(all, out)
	}
	return replyAll(all, nil, func(out webhookSourceJSON) webhookSourceJSON { return out })
}

func (s *server) getWebhookSource(ctx context.Context, in *byID) (*answer[webhookSourceJSON], error) {
	v, err := s.deps.Hooks.Get(ctx, in.ID)
	return s.webhookSource(ctx, v, err)
}

func (s *server) createWebhookSource(ctx context.Context, in *with[WebhookSourceInput]) (*answer[webhookSourceJSON], error) {
	v, err := s.deps.Hooks.Create(ctx, in.Body.input())
	return s.webhookSource(ctx, v, err)
}

func (s *server) updateWebhookSource(ctx context.Context, in *onID[WebhookSourceInput]) (*answer[webhookSourceJSON], error) {
	v, err := s.deps.Hooks.Update(ctx, in.ID, in.Body.input())
	return s.webhookSource(ctx, v, err)
}

func (s *server) renewWebhookSource(ctx context.Context, in *byID) (*answer[webhookSourceJSON], error) {
	v, err := s.deps.Hooks.RenewPath(ctx, in.ID)
	return s.webhookSource(ctx, v, err)
}

func (s *server) deleteWebhookSource(ctx context.Context, in *byID) (*nothing, error) {
	return done(s.deps.Hooks.Delete(ctx, in.ID))
}

func (s *server) acceptWebhookTopic(ctx context.Context, in *onID[webhookTopicInput]) (*answer[webhookSourceJSON], error) {
	v, err := s.deps.Hooks.AcceptTopic(ctx, in.ID, in.Body.ARN)
	return s.webhookSource(ctx, v, err)
}

func (s *server) removeWebhookTopic(ctx context.Context, in *onID[webhookTopicInput]) (*answer[webhookSourceJSON], error) {
	v, err := s.deps.Hooks.RemoveTopic(ctx, in.ID, in.Body.ARN)
	return s.webhookSource(ctx, v, err)
}
