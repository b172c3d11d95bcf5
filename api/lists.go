package api

import (
	"context"
	"time"

	"postrider/audience"
)

type listJSON struct {
	ID          int64          `json:"id"`
	Name        string         `json:"name"`
	Description string         `json:"description"`
	Public      bool           `json:"public" doc:"People on it see its name and description on their preference page, and may leave it or come back there"`
	CreatedAt   time.Time      `json:"created_at"`
	UpdatedAt   time.Time      `json:"updated_at"`
	Counts      listCountsJSON `json:"counts"`
	NoTracking  bool           `json:"no_tracking" doc:"Mail to this list carries neither pixel nor counted links"`
	OptIn       string         `json:"opt_in" enum:"single,double" doc:"double: who signs up by a form is on the list only after confirming it by a mail"`
	TimeZone    *string        `json:"time_zone" doc:"The IANA time zone in which its people are, as far as they do not say otherwise; null: that of the settings"`
}

type listCountsJSON struct {
	Subscribed   int64 `json:"subscribed"`
	Unconfirmed  int64 `json:"unconfirmed"`
	Unsubscribed int64 `json:"unsubscribed"`
	Suppressed   int64 `json:"suppressed" doc:"Of the subscribed: those on the suppression list, who get no mail"`
}

type listInputJSON struct {
	Name        string  `json:"name"`
	Description string  `json:"description" required:"false"`
	NoTracking  *bool   `json:"no_tracking" required:"false" doc:"Left out: false for a new list, else as it was"`
	TimeZone    *string `json:"time_zone" required:"false" doc:"Left out: as it was; \"\": that of the settings"`
}

type publishListJSON struct {
	Public bool `json:"public"`
}

func encodeList(l audience.List) listJSON {
	return listJSON{ID: l.ID, Name: l.Name, Description: l.Description, Public: l.Public, CreatedAt: l.CreatedAt.UTC(), UpdatedAt: l.UpdatedAt.UTC(),
		Counts: listCountsJSON(l.Counts), NoTracking: l.NoTracking, OptIn: l.OptIn, TimeZone: l.TimeZone}
}

func (s *server) listLists(ctx context.Context, in *Paging) (*answer[pageJSON[listJSON]], error) {
	p, err := s.deps.Audience.ListLists(ctx, in.query())
	return replyPage(p, err, encodeList)
}

func (s *server) getList(ctx context.Context, in *byID) (*answer[listJSON], error) {
	l, err := s.deps.Audience.GetList(ctx, in.ID)
	return reply(l, err, encodeList)
}

func (s *server) createList(ctx context.Context, in *with[listInputJSON]) (*answer[listJSON], error) {
	if err := in.Body.check(); err != nil {
		return nil, err
	}
	l, err := s.deps.Audience.CreateList(ctx, in.Body.Name, in.Body.Description)
	return s.replyList(ctx, l, err, in.Body)
}

func (s *server) updateList(ctx context.Context, in *onID[listInputJSON]) (*answer[listJSON], error) {
	if err := in.Body.check(); err != nil {
		return nil, err
	}
	l, err := s.deps.Audience.UpdateList(ctx, in.ID, in.Body.Name, in.Body.Description)
	return s.replyList(ctx, l, err, in.Body)
}

// check finds what is wrong before anything is written.
func (in listInputJSON) check() error {
	if in.TimeZone == nil {
		return nil
	}
	return audience.CheckListZone(*in.TimeZone)
}

// replyList answers with a list that was written, after setting what the body says of tracking and the time zone.
func (s *server) replyList(ctx context.Context, l audience.List, err error, in listInputJSON) (*answer[listJSON], error) {
	if err == nil && in.NoTracking != nil && *in.NoTracking != l.NoTracking {
		l, err = s.deps.Audience.SetListTracking(ctx, l.ID, !*in.NoTracking)
	}
	if err == nil && in.TimeZone != nil {
		l, err = s.deps.Audience.SetListZone(ctx, l.ID, *in.TimeZone)
	}
	return reply(l, err, encodeList)
}

func (s *server) publishList(ctx context.Context, in *onID[publishListJSON]) (*answer[listJSON], error) {
	l, err := s.deps.Audience.PublishList(ctx, in.ID, in.Body.Public)
	return reply(l, err, encodeList)
}

func (s *server) deleteList(ctx context.Context, in *byID) (*nothing, error) {
	return done(s.deps.Audience.DeleteList(ctx, in.ID))
}
