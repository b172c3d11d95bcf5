package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"postrider/audience"
)

type subscriberJSON struct {
	ID            int64              `json:"id"`
	Email         string             `json:"email"`
	Name          string             `json:"name"`
	Attributes    map[string]any     `json:"attributes"`
	CreatedAt     time.Time          `json:"created_at"`
	UpdatedAt     time.Time          `json:"updated_at"`
	Suppressed    *suppressedJSON    `json:"suppressed" doc:"null for people who may be mailed"`
	Pause         *pauseJSON         `json:"pause" doc:"A time without mail that the person chose; null when there is none"`
	Frequency     *frequencyJSON     `json:"frequency" doc:"How often the person wants mail at most; null for everything"`
	Subscriptions []subscriptionJSON `json:"subscriptions"`
	NoTracking    bool               `json:"no_tracking" doc:"Mail to this person carries neither pixel nor counted links"`
}

type suppressedJSON struct {
	Email     string    `json:"email" doc:"What is suppressed: the address, or its domain as @example.org"`
	Reason    string    `json:"reason" enum:"bounce,complaint,unsubscribe,manual"`
	Source    string    `json:"source"`
	Detail    string    `json:"detail"`
	CreatedAt time.Time `json:"created_at"`
}

type pauseJSON struct {
	Until  time.Time `json:"until" doc:"Mail starts again by itself then"`
	Since  time.Time `json:"since"`
	Source string    `json:"source"`
}

type frequencyJSON struct {
	Limit  string    `json:"limit" enum:"weekly,monthly"`
	Since  time.Time `json:"since"`
	Source string    `json:"source"`
}

type subscriptionJSON struct {
	ListID    int64     `json:"list_id"`
	ListName  string    `json:"list_name"`
	Status    string    `json:"status" enum:"subscribed,unconfirmed,unsubscribed"`
	Source    string    `json:"source"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

type newSubscriberJSON struct {
	Email      string         `json:"email"`
	Name       string         `json:"name" required:"false"`
	Attributes map[string]any `json:"attributes" required:"false"`
	ListIDs    []int64        `json:"list_ids" required:"false"`
	Status     string         `json:"status" required:"false" enum:"subscribed,unconfirmed,unsubscribed" doc:"On these lists; left out: subscribed"`
	NoTracking bool           `json:"no_tracking" required:"false" doc:"Left out: false"`

	SendConfirmation bool `json:"send_confirmation" required:"false" doc:"With the status unconfirmed: ask the person by mail to confirm these lists"`
}

type subscriberInputJSON struct {
	Email      string         `json:"email"`
	Name       string         `json:"name"`
	Attributes map[string]any `json:"attributes"`
	NoTracking *bool          `json:"no_tracking" required:"false" doc:"Left out: as it was"`
}

type subscriptionInputJSON struct {
	Status           string `json:"status" enum:"subscribed,unconfirmed,unsubscribed"`
	SendConfirmation bool   `json:"send_confirmation" required:"false" doc:"With the status unconfirmed: ask the person by mail to confirm. A conflict says why no mail may be sent"`
}

type subscriberQuery struct {
	PagingBoth
	Search string `query:"q" doc:"Part of the address or the name, and field:value or field:\"a value\" for custom fields"`
	ListID int64  `query:"list_id"`
	Status string `query:"status" enum:"subscribed,unconfirmed,unsubscribed,suppressed"`
	Field  string `query:"field" doc:"Name of a custom field that has the value"`
	Value  string `query:"value" doc:"The whole value, in the same case; one element of a list"`

	SegmentID int64 `query:"segment_id" doc:"People who are in this segment"`
}

type bySubscription struct {
	ID     int64 `path:"id" minimum:"1"`
	ListID int64 `path:"list_id" minimum:"1"`
}

type subscriptionChange struct {
	ID     int64 `path:"id" minimum:"1"`
	ListID int64 `path:"list_id" minimum:"1"`
	Body   subscriptionInputJSON
}

// TransformSchema says in the OpenAPI document what can be null.
func (subscriberJSON) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return nullable(nullable(nullable(s, "suppressed"), "pause"), "frequency")
}

func encodeSubscriber(v audience.Subscriber) subscriberJSON {
	out := subscriberJSON{ID: v.ID, Email: v.Email, Name: v.Name, Attributes: v.Attributes, CreatedAt: v.CreatedAt.UTC(), UpdatedAt: v.UpdatedAt.UTC(),
		Subscriptions: each(v.Subscriptions, encodeSubscription), NoTracking: v.NoTracking}
	if out.Attributes == nil {
		out.Attributes = map[string]any{}
	}
	if x := v.Suppression; x != nil {
		out.Suppressed = &suppressedJSON{Email: x.Email, Reason: x.Reason, Source: x.Source, Detail: x.Detail, CreatedAt: x.CreatedAt.UTC()}
	}
	if x := v.Pause; x != nil {
		out.Pause = &pauseJSON{Until: x.Until.UTC(), Since: x.Since.UTC(), Source: x.Source}
	}
	if x := v.Frequency; x != nil {
		out.Frequency = &frequencyJSON{Limit: x.Limit, Since: x.Since.UTC(), Source: x.Source}
	}
	return out
}

func encodeSubscription(v audience.Subscription) subscriptionJSON {
	return subscriptionJSON{ListID: v.ListID, ListName: v.ListName, Status: v.Status, Source: v.Source, CreatedAt: v.CreatedAt.UTC(), UpdatedAt: v.UpdatedAt.UTC()}
}

func (s *server) listSubscribers(ctx context.Context, in *subscriberQuery) (*answer[pageJSON[subscriberJSON]], error) {
	p, err := s.deps.Audience.ListSubscribers(ctx, audience.SubscriberFilter{
		Search: in.Search, ListID: in.ListID, Status: in.Status, Field: in.Field, Value: in.Value, SegmentID: in.SegmentID,
	}, in.query())
	return replyPage(p, err, encodeSubscriber)
}

func (s *server) getSubscriber(ctx context.Context, in *byID) (*answer[subscriberJSON], error) {
	v, err := s.deps.Audience.GetSubscriber(ctx, in.ID)
	return reply(v, err, encodeSubscriber)
}

func (s *server) createSubscriber(ctx context.Context, in *with[newSubscriberJSON]) (*answer[subscriberJSON], error) {
	b := in.Body
	v, err := s.deps.Audience.CreateSubscriber(ctx, audience.NewSubscriber{
		Email: b.Email, Name: b.Name, Attributes: b.Attributes, ListIDs: b.ListIDs, Status: b.Status, Source: sourceOf(ctx), NoTracking: b.NoTracking,
		SendConfirmation: b.SendConfirmation,
	})
	return reply(v, err, encodeSubscriber)
}

func (s *server) updateSubscriber(ctx context.Context, in *onID[subscriberInputJSON]) (*answer[subscriberJSON], error) {
	v, err := s.deps.Audience.UpdateSubscriber(ctx, in.ID, audience.SubscriberUpdate(in.Body))
	return reply(v, err, encodeSubscriber)
}

func (s *server) deleteSubscriber(ctx context.Context, in *byID) (*nothing, error) {
	return done(s.deps.Audience.DeleteSubscriber(ctx, in.ID))
}

func (s *server) setSubscription(ctx context.Context, in *subscriptionChange) (*answer[subscriberJSON], error) {
	set := s.deps.Audience.SetSubscription
	if in.Body.SendConfirmation {
		set = s.deps.Audience.AskSubscription
	}
	v, err := set(ctx, in.ID, in.ListID, in.Body.Status, sourceOf(ctx))
	return reply(v, err, encodeSubscriber)
}

func (s *server) deleteSubscription(ctx context.Context, in *bySubscription) (*answer[subscriberJSON], error) {
	v, err := s.deps.Audience.DeleteSubscription(ctx, in.ID, in.ListID)
	return reply(v, err, encodeSubscriber)
}

func (s *server) liftPause(ctx context.Context, in *byID) (*answer[subscriberJSON], error) {
	v, err := s.deps.Audience.LiftPause(ctx, in.ID)
	return reply(v, err, encodeSubscriber)
}

func (s *server) listSubscriberDeliveries(ctx context.Context, in *PageOf) (*answer[pageJSON[DeliveryJSON]], error) {
	p, err := s.deps.Campaigns.ListSubscriberDeliveries(ctx, in.ID, in.query())
	return replyPage(p, err, encodeDelivery)
}
