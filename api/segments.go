package api

import (
	"context"
	"encoding/json"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"postrider/audience"
)

// definitionJSON is a definition as it came: the audience reads it strictly, and says by JSON pointer what is wrong.
type definitionJSON json.RawMessage

// MarshalJSON gives it as it is.
func (d definitionJSON) MarshalJSON() ([]byte, error) { return json.RawMessage(d).MarshalJSON() }

// UnmarshalJSON takes it as it is.
func (d *definitionJSON) UnmarshalJSON(b []byte) error {
	return (*json.RawMessage)(d).UnmarshalJSON(b)
}

// Schema says only that it is an object.
func (definitionJSON) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true, Description: "A group ({\"all\": […]}, {\"any\": […]} or {\"none\": […]}) or a condition " +
		"({\"type\": …}); docs/segments.md has all of them. Errors point into it by JSON pointer"}
}

type segmentJSON struct {
	ID         int64            `json:"id"`
	Name       string           `json:"name"`
	Definition definitionJSON   `json:"definition"`
	Sentence   string           `json:"sentence" doc:"The definition in English"`
	LastCount  *SegmentSizeJSON `json:"last_count" doc:"How many people it meant when somebody last counted; null for never"`
	CreatedAt  time.Time        `json:"created_at"`
	UpdatedAt  time.Time        `json:"updated_at"`
}

// SegmentSizeJSON is how many people a segment meant at a moment.
type SegmentSizeJSON struct {
	Count int64     `json:"count"`
	Exact bool      `json:"exact"`
	At    time.Time `json:"at"`
}

// TransformSchema makes last_count an object or null.
func (segmentJSON) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return nullable(s, "last_count")
}

type segmentInputJSON struct {
	Name       string         `json:"name"`
	Definition definitionJSON `json:"definition"`
}

type segmentQuestionJSON struct {
	Definition definitionJSON `json:"definition"`
}

type segmentSampleJSON struct {
	Definition definitionJSON `json:"definition"`
	Limit      int            `json:"limit" required:"false" minimum:"1" maximum:"50" doc:"Left out: 10"`
}

type segmentCountJSON struct {
	Count    int64     `json:"count"`
	Exact    bool      `json:"exact" doc:"false when counting would have taken too long: count is then an estimate from a sample"`
	Low      int64     `json:"low" doc:"With high: where the true number is in 19 of 20 cases"`
	High     int64     `json:"high"`
	Of       int64     `json:"of" doc:"How many people there are"`
	Sentence string    `json:"sentence"`
	At       time.Time `json:"at"`
}

type segmentPersonJSON struct {
	ID         int64          `json:"id"`
	Email      string         `json:"email"`
	Name       string         `json:"name"`
	Attributes map[string]any `json:"attributes"`
}

type vocabularyJSON struct {
	Fields []wordJSON `json:"fields" doc:"The custom fields that conditions can be about"`
}

type wordJSON struct {
	Name  string `json:"name"`
	Label string `json:"label"`
	Type  string `json:"type" enum:"text,number,boolean,date,datetime,list"`
}

func encodeSegment(v audience.Segment) segmentJSON {
	out := segmentJSON{ID: v.ID, Name: v.Name, Definition: definitionJSON(v.Definition), Sentence: v.Sentence, CreatedAt: v.CreatedAt, UpdatedAt: v.UpdatedAt}
	if v.LastCount != nil {
		size := SegmentSizeJSON(*v.LastCount)
		out.LastCount = &size
	}
	return out
}

func encodeSegmentCount(c audience.SegmentCount) segmentCountJSON {
	return segmentCountJSON{Count: c.Count, Exact: c.Exact, Low: c.Low, High: c.High, Of: c.Of, Sentence: c.Sentence, At: c.At.UTC()}
}

func (s *server) listSegments(ctx context.Context, in *Paging) (*answer[pageJSON[segmentJSON]], error) {
	p, err := s.deps.Audience.ListSegments(ctx, in.query())
	return replyPage(p, err, encodeSegment)
}

func (s *server) getVocabulary(ctx context.Context, _ *nothing) (*answer[vocabularyJSON], error) {
	fields, err := s.deps.Audience.ListFields(ctx)
	return reply(fields, err, func(fields []audience.Field) vocabularyJSON {
		return vocabularyJSON{Fields: each(fields, func(f audience.Field) wordJSON { return wordJSON{Name: f.Name, Label: f.Label, Type: string(f.Type)} })}
	})
}

func (s *server) getSegment(ctx context.Context, in *byID) (*answer[segmentJSON], error) {
	v, err := s.deps.Audience.GetSegment(ctx, in.ID)
	return reply(v, err, encodeSegment)
}

func (s *server) createSegment(ctx context.Context, in *with[segmentInputJSON]) (*answer[segmentJSON], error) {
	v, err := s.deps.Audience.CreateSegment(ctx, in.Body.Name, in.Body.Definition)
	return reply(v, err, encodeSegment)
}

func (s *server) updateSegment(ctx context.Context, in *onID[segmentInputJSON]) (*answer[segmentJSON], error) {
	v, err := s.deps.Audience.UpdateSegment(ctx, in.ID, in.Body.Name, in.Body.Definition)
	return reply(v, err, encodeSegment)
}

func (s *server) deleteSegment(ctx context.Context, in *byID) (*nothing, error) {
	return done(s.deps.Audience.DeleteSegment(ctx, in.ID))
}

func (s *server) countSegment(ctx context.Context, in *with[segmentQuestionJSON]) (*answer[segmentCountJSON], error) {
	c, err := s.deps.Audience.CountSegment(ctx, in.Body.Definition)
	return reply(c, err, encodeSegmentCount)
}

func (s *server) countSavedSegment(ctx context.Context, in *byID) (*answer[segmentCountJSON], error) {
	c, err := s.deps.Audience.CountSavedSegment(ctx, in.ID)
	return reply(c, err, encodeSegmentCount)
}

func (s *server) sampleSegment(ctx context.Context, in *with[segmentSampleJSON]) (*answer[itemsJSON[segmentPersonJSON]], error) {
	limit := in.Body.Limit
	if limit == 0 {
		limit = 10
	}
	people, err := s.deps.Audience.SampleSegment(ctx, in.Body.Definition, limit)
	return replyItems(people, err, func(p audience.Subscriber) segmentPersonJSON {
		return segmentPersonJSON{ID: p.ID, Email: p.Email, Name: p.Name, Attributes: p.Attributes}
	})
}
