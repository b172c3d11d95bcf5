package api

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"postrider/audience"
	"postrider/campaigns"
	"postrider/internal/errs"
	"postrider/templates"
)

type recipientJSON struct {
	Email        string `json:"email,omitempty" doc:"An address that nobody has becomes a subscriber on no list"`
	Name         string `json:"name,omitempty" doc:"As it stands in To; left out: the subscriber's"`
	SubscriberID int64  `json:"subscriber_id,omitempty" minimum:"1" doc:"Instead of email"`
}

type messageInputJSON struct {
	TemplateID          int64           `json:"template_id" minimum:"1"`
	To                  recipientJSON   `json:"to"`
	Data                json.RawMessage `json:"data,omitempty" doc:"What the template shows as {{ data.… }}; an object of at most 256 KB"`
	AllowMissing        bool            `json:"allow_missing,omitempty" doc:"Send it although the data lacks fields that the template shows without a default"`
	FromName            string          `json:"from_name,omitempty" doc:"Left out: the one in the settings"`
	FromEmail           string          `json:"from_email,omitempty" doc:"Left out: the one in the settings"`
	ReplyTo             string          `json:"reply_to,omitempty"`
	RelayIDs            []int64         `json:"relay_ids,omitempty" doc:"Left out: all relays that take mail from this address"`
	TrackOpens          bool            `json:"track_opens,omitempty"`
	TrackClicks         bool            `json:"track_clicks,omitempty"`
	ListUnsubscribe     bool            `json:"list_unsubscribe,omitempty" doc:"Let mail programs offer to unsubscribe; whoever has left everything does not get it"`
	UnconfirmedPolicy   string          `json:"unconfirmed_policy,omitempty" enum:"hold,resend,assume_delivered" doc:"Left out: hold"`
	Tags                []string        `json:"tags,omitempty" maxItems:"20"`
	SendAt              *time.Time      `json:"send_at,omitempty" doc:"At most 14 days ahead; left out or past: at once"`
	ExpiresAfterMinutes int             `json:"expires_after_minutes,omitempty" minimum:"1" maximum:"10080" doc:"From send_at, or now: what is not sent by then is given up. Left out: 1440"`
}

// TransformSchema says in the OpenAPI document what data is.
func (messageInputJSON) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Properties["data"] = &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true, Description: s.Properties["data"].Description}
	return s
}

func (in *messageInputJSON) decode() (campaigns.MessageInput, error) {
	data, err := templates.DecodeData(in.Data)
	return campaigns.MessageInput{
		TemplateID: in.TemplateID, Recipient: audience.Recipient{SubscriberID: in.To.SubscriberID, Email: in.To.Email, Name: in.To.Name}, Data: data,
		AllowMissing: in.AllowMissing, FromName: in.FromName, FromEmail: in.FromEmail, ReplyTo: in.ReplyTo, RelayIDs: in.RelayIDs, TrackOpens: in.TrackOpens, TrackClicks: in.TrackClicks,
		ListUnsubscribe: in.ListUnsubscribe, UnconfirmedPolicy: in.UnconfirmedPolicy, Tags: in.Tags, SendAt: in.SendAt,
		ExpiresAfter: time.Duration(in.ExpiresAfterMinutes) * time.Minute,
	}, err
}

type acceptedJSON struct {
	ID           int64  `json:"id"`
	Status       string `json:"status" enum:"queued,deferred,skipped" doc:"deferred: it waits for send_at. skipped: it is not sent, for the reason in skip_reason"`
	SkipReason   string `json:"skip_reason"`
	SubscriberID int64  `json:"subscriber_id"`
	CampaignID   int64  `json:"campaign_id" doc:"The stream that it belongs to, whose ledger has it as number seq"`
	Seq          int32  `json:"seq"`
}

func encodeAccepted(a campaigns.Accepted) acceptedJSON {
	return acceptedJSON{ID: a.ID, Status: a.State, SkipReason: a.SkipReason, SubscriberID: a.SubscriberID, CampaignID: a.CampaignID, Seq: a.Seq}
}

type messageBatchJSON struct {
	Messages []messageInputJSON `json:"messages" minItems:"1" maxItems:"500"`
}

type messageResultsJSON struct {
	Results []messageResultJSON `json:"results" doc:"In the order of the messages"`
}

type messageResultJSON struct {
	Message *acceptedJSON `json:"message,omitempty" doc:"When it was accepted"`
	Error   *Problem      `json:"error,omitempty" doc:"When it was refused; the others are sent all the same"`
}

// MessageFields are what lists and single messages have in common.
type MessageFields struct {
	ID         int64        `json:"id"`
	Status     string       `json:"status" enum:"queued,claimed,sent,deferred,bounced,failed,unconfirmed,skipped"`
	TemplateID *int64       `json:"template_id"`
	ToName     string       `json:"to_name"`
	Tags       []string     `json:"tags"`
	SendAt     *time.Time   `json:"send_at"`
	ExpiresAt  time.Time    `json:"expires_at"`
	CreatedAt  time.Time    `json:"created_at"`
	Delivery   DeliveryJSON `json:"delivery"`
}

type messageJSON struct{ MessageFields }

type messageStoryJSON struct {
	MessageFields
	Data          json.RawMessage `json:"data" doc:"As the program said it; null when there was none, or when it is not kept any more"`
	DataForgotten bool            `json:"data_forgotten" doc:"There was data, and it is not kept any more"`
	FirstTriedAt  *time.Time      `json:"first_tried_at"`
	AttemptsLog   []attemptJSON   `json:"attempts_log" doc:"The attempts that did not end in sent"`
	Reports       []ReportJSON    `json:"reports" doc:"What came back afterwards, the oldest first"`
	Events        []eventJSON     `json:"events"`
}

// TransformSchema says in the OpenAPI document what data is.
func (messageStoryJSON) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Properties["data"] = nullableType(&huma.Schema{Type: huma.TypeObject, AdditionalProperties: true, Description: s.Properties["data"].Description})
	return s
}

type messagePreviewJSON struct {
	Subject string `json:"subject"`
	HTML    string `json:"html"`
	Text    string `json:"text"`
}

func encodeMessageFields(m campaigns.Message) MessageFields {
	return MessageFields{ID: m.ID, Status: m.Delivery.State.String(), TemplateID: m.TemplateID, ToName: m.ToName, Tags: m.Tags, SendAt: utc(m.SendAt), ExpiresAt: m.ExpiresAt.UTC(),
		CreatedAt: m.CreatedAt.UTC(), Delivery: encodeDelivery(m.Delivery)}
}

func (s *server) replyMessage(ctx context.Context, m campaigns.MessageStory, err error) (*answer[messageStoryJSON], error) {
	if err != nil {
		return nil, err
	}
	events, err := s.encodeEvents(ctx, m.Story.Events)
	out := messageStoryJSON{MessageFields: encodeMessageFields(m.Message), Data: m.Data, DataForgotten: m.Forgotten, FirstTriedAt: utc(m.Story.FirstTriedAt),
		AttemptsLog: each(m.Story.Attempts, encodeAttempt), Reports: each(m.Story.Reports, encodeReport), Events: events}
	if out.Data == nil {
		out.Data = json.RawMessage("null")
	}
	return &answer[messageStoryJSON]{Body: out}, err
}

// keyed is the input of a request that keeps its own answers, with its messages.
type keyed[T any] struct {
	Key     string `header:"Idempotency-Key" doc:"Makes the request safe to repeat: a second one with the same key sends nothing and gets the first one's answer. Kept for 24 hours."`
	RawBody []byte
	Body    T
}

// replayable is an answer that may have been given before.
type replayable[T any] struct {
	Replayed string `header:"Idempotency-Replayed"`
	Body     T
}

func answered[T any](v T, replayed bool) *replayable[T] {
	out := &replayable[T]{Body: v}
	if replayed {
		out.Replayed = "true"
	}
	return out
}

func requestFor(ctx context.Context, path, key string, body []byte) (campaigns.Request, error) {
	sum := sha256.New()
	sum.Write([]byte(path + "\n"))
	sum.Write(body)
	return campaigns.Request{Principal: principalName(ctx), Key: key, Hash: sum.Sum(nil)}, checkIdempotencyKey(key)
}

func (s *server) sendMessage(ctx context.Context, in *keyed[messageInputJSON]) (*replayable[acceptedJSON], error) {
	by, err := requestFor(ctx, "message", in.Key, in.RawBody)
	if err != nil {
		return nil, err
	}
	m, err := in.Body.decode()
	if err != nil {
		return nil, err
	}
	a, replayed, err := s.deps.Campaigns.SendMessage(ctx, by, m)
	if err != nil {
		return nil, err
	}
	return answered(encodeAccepted(a), replayed), nil
}

func (s *server) sendMessages(ctx context.Context, in *keyed[messageBatchJSON]) (*replayable[messageResultsJSON], error) {
	by, err := requestFor(ctx, "messages", in.Key, in.RawBody)
	if err != nil {
		return nil, err
	}
	all := make([]campaigns.MessageInput, len(in.Body.Messages))
	for i := range all {
		var err error
		if all[i], err = in.Body.Messages[i].decode(); err != nil {
			all[i].Refused = err
		}
	}
	accepted, replayed, err := s.deps.Campaigns.SendMessages(ctx, by, all)
	if err != nil {
		return nil, err
	}
	return answered(messageResultsJSON{Results: each(accepted, s.encodeResult)}, replayed), nil
}

func (s *server) encodeResult(a campaigns.Accepted) messageResultJSON {
	if err := a.Err(); err != nil {
		return messageResultJSON{Error: publicProblem("message", err.(*errs.E))}
	}
	out := encodeAccepted(a)
	return messageResultJSON{Message: &out}
}

type messageQuery struct {
	Paging
	Email      string    `query:"email" doc:"The whole address of the recipient"`
	Status     string    `query:"status" enum:"queued,claimed,sent,deferred,bounced,failed,unconfirmed,skipped"`
	TemplateID int64     `query:"template_id" minimum:"1"`
	Tag        string    `query:"tag"`
	Since      time.Time `query:"since" doc:"Accepted at this moment or later"`
	Until      time.Time `query:"until" doc:"Accepted before this moment"`
}

func (s *server) listMessages(ctx context.Context, in *messageQuery) (*answer[pageJSON[messageJSON]], error) {
	f := campaigns.MessageFilter{Email: in.Email, TemplateID: in.TemplateID, Tag: in.Tag, Since: in.Since, Until: in.Until}
	if state, ok := campaigns.ParseState(in.Status); ok {
		f.State = &state
	}
	p, err := s.deps.Campaigns.ListMessages(ctx, f, in.query())
	return replyPage(p, err, func(m campaigns.Message) messageJSON { return messageJSON{encodeMessageFields(m)} })
}

func (s *server) getMessage(ctx context.Context, in *byID) (*answer[messageStoryJSON], error) {
	m, err := s.deps.Campaigns.GetMessage(ctx, in.ID)
	return s.replyMessage(ctx, m, err)
}

func (s *server) previewMessage(ctx context.Context, in *byID) (*answer[messagePreviewJSON], error) {
	p, err := s.deps.Campaigns.PreviewMessage(ctx, in.ID)
	return reply(p, err, func(p campaigns.Preview) messagePreviewJSON { return messagePreviewJSON(p) })
}

func (s *server) cancelMessage(ctx context.Context, in *byID) (*answer[messageStoryJSON], error) {
	m, err := s.deps.Campaigns.CancelMessage(ctx, in.ID)
	return s.replyMessage(ctx, m, err)
}
