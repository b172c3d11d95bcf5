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
}

type listCountsJSON struct {
	Subscribed   int64 `json:"subscribed"`
	Unconfirmed  int64 `json:"unconfirmed"`
	Unsubscribed int64 `json:"unsubscribed"`
	Suppressed   int64 `json:"suppressed" doc:"Of the subscribed: those on the suppression list, who get no mail"`
}

type listInputJSON struct {
	Name        string `json:"name"`
	Description string `json:"description" required:"false"`
}

type publishListJSON struct {
	Public bool `json:"public"`
}

func encodeList(l audience.List) listJSON {
	return listJSON{ID: l.ID, Name: l.Name, Description: l.Description, Public: l.Public, CreatedAt: l.CreatedAt.UTC(), UpdatedAt: l.UpdatedAt.UTC(),
		Counts: listCountsJSON(l.Counts)}
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
	l, err := s.deps.Audience.CreateList(ctx, in.Body.Name, in.Body.Description)
	return reply(l, err, encodeList)
}

func (s *server) updateList(ctx context.Context, in *onID[listInputJSON]) (*answer[listJSON], error) {
	l, err := s.deps.Audience.UpdateList(ctx, in.ID, in.Body.Name, in.Body.Description)
	return reply(l, err, encodeList)
}

func (s *server) publishList(ctx context.Context, in *onID[publishListJSON]) (*answer[listJSON], error) {
	l, err := s.deps.Audience.PublishList(ctx, in.ID, in.Body.Public)
	return reply(l, err, encodeList)
}

func (s *server) deleteList(ctx context.Context, in *byID) (*nothing, error) {
	return done(s.deps.Audience.DeleteList(ctx, in.ID))
}
