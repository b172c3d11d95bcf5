package api

import (
	"context"
	"time"

	"postrider/audience"
)

type fieldJSON struct {
	Name      string    `json:"name" doc:"The key in attributes, and the name in templates"`
	Label     string    `json:"label" doc:"For people; empty to show the name"`
	Type      string    `json:"type" enum:"text,number,boolean,date,datetime,list" doc:"What values are, in JSON: text is a string, date a string such as 2026-03-31, datetime RFC 3339, list an array of strings"`
	Pending   *string   `json:"pending" enum:"converting,deleting" doc:"What is being done with the values that people have; null for nothing"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

type newFieldJSON struct {
	Name  string `json:"name"`
	Label string `json:"label" required:"false"`
	Type  string `json:"type" enum:"text,number,boolean,date,datetime,list"`
}

type fieldInputJSON struct {
	Label string `json:"label"`
	Type  string `json:"type" enum:"text,number,boolean,date,datetime,list"`
}

type fieldUseJSON struct {
	People int64 `json:"people" doc:"Who have a value in it"`
}

type byFieldName struct {
	Name string `path:"name" maxLength:"320"`
}

type fieldChange struct {
	Name string `path:"name" maxLength:"320"`
	Body fieldInputJSON
}

type fieldDeletion struct {
	Name  string `path:"name" maxLength:"320"`
	Count int64  `query:"count" required:"true" minimum:"0" doc:"How many people have a value in it, which is lost; with more than that by now it is a conflict"`
}

func encodeField(v audience.Field) fieldJSON {
	return fieldJSON{Name: v.Name, Label: v.Label, Type: string(v.Type), Pending: orNull(v.Pending), CreatedAt: v.CreatedAt.UTC(), UpdatedAt: v.UpdatedAt.UTC()}
}

func (s *server) listFields(ctx context.Context, _ *nothing) (*answer[itemsJSON[fieldJSON]], error) {
	v, err := s.deps.Audience.ListFields(ctx)
	return replyItems(v, err, encodeField)
}

func (s *server) createField(ctx context.Context, in *with[newFieldJSON]) (*answer[fieldJSON], error) {
	v, err := s.deps.Audience.CreateField(ctx, in.Body.Name, in.Body.Label, audience.FieldType(in.Body.Type))
	return reply(v, err, encodeField)
}

func (s *server) updateField(ctx context.Context, in *fieldChange) (*answer[fieldJSON], error) {
	v, err := s.deps.Audience.UpdateField(ctx, in.Name, in.Body.Label, audience.FieldType(in.Body.Type))
	return reply(v, err, encodeField)
}

func (s *server) countField(ctx context.Context, in *byFieldName) (*answer[fieldUseJSON], error) {
	v, err := s.deps.Audience.CountField(ctx, in.Name)
	return reply(v, err, func(u audience.FieldUse) fieldUseJSON { return fieldUseJSON(u) })
}

func (s *server) deleteField(ctx context.Context, in *fieldDeletion) (*nothing, error) {
	return done(s.deps.Audience.DeleteField(ctx, in.Name, in.Count))
}
