package api

import (
	"context"
	"time"

	"postrider/sender"
)

// SendingJSON says whether anything is sent at all.
type SendingJSON struct {
	Stopped   bool       `json:"stopped" doc:"Nothing at all is sent, until somebody resumes it; scheduled campaigns wait"`
	StoppedAt *time.Time `json:"stopped_at" doc:"When it was stopped last; null: never"`
	StoppedBy *string    `json:"stopped_by"`
	Reason    *string    `json:"reason"`
	ResumedAt *time.Time `json:"resumed_at" doc:"null while it is stopped"`
	ResumedBy *string    `json:"resumed_by"`
}

type stopJSON struct {
	Reason string `json:"reason" required:"false" maxLength:"500" doc:"Shown wherever something waits for this"`
}

type stopInput struct {
	Body *stopJSON
}

func encodeStop(stop *sender.Stop) SendingJSON {
	if stop == nil {
		return SendingJSON{}
	}
	return SendingJSON{Stopped: stop.Holds(), StoppedAt: utc(&stop.StoppedAt), StoppedBy: &stop.StoppedBy, Reason: &stop.Reason, ResumedAt: utc(stop.ResumedAt), ResumedBy: stop.ResumedBy}
}

func (s *server) getSending(ctx context.Context, _ *nothing) (*answer[SendingJSON], error) {
	stop, err := s.deps.Sender.LastStop(ctx)
	return reply(stop, err, encodeStop)
}

func (s *server) stopSending(ctx context.Context, in *stopInput) (*answer[SendingJSON], error) {
	reason := ""
	if in.Body != nil {
		reason = in.Body.Reason
	}
	stop, err := s.deps.Sender.StopAll(ctx, caller(ctx).Name, reason)
	return reply(stop, err, encodeStop)
}

func (s *server) resumeSending(ctx context.Context, _ *nothing) (*answer[SendingJSON], error) {
	stop, err := s.deps.Sender.ResumeAll(ctx, caller(ctx).Name)
	return reply(stop, err, encodeStop)
}
