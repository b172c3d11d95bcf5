package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"postrider/audience"
)

type bulkSelectionJSON struct {
	IDs    []int64         `json:"ids" required:"false" doc:"People chosen one by one; left out: everybody whom the filter finds"`
	Filter *bulkFilterJSON `json:"filter" required:"false"`
}

type bulkFilterJSON struct {
	Search string `json:"q" required:"false" doc:"Part of the address or the name"`
	ListID int64  `json:"list_id" required:"false"`
	Status string `json:"status" required:"false" enum:"subscribed,unconfirmed,unsubscribed,suppressed"`
	Field  string `json:"field" required:"false" doc:"A custom field; with value"`
	Value  string `json:"value" required:"false"`

	SegmentID int64 `json:"segment_id" required:"false" doc:"People who are in this segment"`
}

// TransformSchema says in the OpenAPI document that a filter can be null.
func (bulkFilterJSON) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return nullableType(s)
}

type bulkOrderJSON struct {
	Action string `json:"action" enum:"subscribe,unsubscribe,remove,delete,set_field,clear_field,suppress"`
	ListID int64  `json:"list_id" required:"false" doc:"With subscribe, unsubscribe and remove"`
	Field  string `json:"field" required:"false" doc:"With set_field and clear_field"`
	Value  any    `json:"value" required:"false" doc:"With set_field, of the field's type"`
	Note   string `json:"note" required:"false" doc:"With suppress: kept as the evidence"`
}

type bulkPreviewInputJSON struct {
	Selection bulkSelectionJSON `json:"selection"`
	Action    bulkOrderJSON     `json:"action"`
}

type bulkInputJSON struct {
	Selection bulkSelectionJSON `json:"selection"`
	Action    bulkOrderJSON     `json:"action"`
	Count     int64             `json:"count" minimum:"1" doc:"How many people the preview named; when it is another number by now, by more than a hundredth, it is a conflict"`
}

type bulkPreviewJSON struct {
	Count  int64            `json:"count"`
	Sample []bulkPersonJSON `json:"sample" doc:"The newest of them"`
}

type bulkPersonJSON struct {
	ID    int64  `json:"id"`
	Email string `json:"email"`
	Name  string `json:"name"`
}

type bulkJSON struct {
	ID         int64            `json:"id"`
	Action     string           `json:"action" enum:"subscribe,unsubscribe,remove,delete,set_field,clear_field,suppress"`
	ListID     *int64           `json:"list_id"`
	ListName   string           `json:"list_name" doc:"As it was then"`
	Field      string           `json:"field"`
	Value      any              `json:"value"`
	Note       string           `json:"note"`
	Selection  bulkSelectedJSON `json:"selection"`
	Status     string           `json:"status" enum:"queued,running,done,failed,cancelled,undoing,undone"`
	Error      *string          `json:"error"`
	CreatedBy  string           `json:"created_by"`
	Total      int64            `json:"total" doc:"People whom it is about"`
	Changed    int64            `json:"changed"`
	Unchanged  int64            `json:"unchanged" doc:"Were as wanted before"`
	Skipped    int64            `json:"skipped" doc:"Were passed over, such as people who had left: see kept"`
	Restored   int64            `json:"restored" doc:"Taken back by the undoing"`
	Kept       int64            `json:"kept" doc:"Left as they were by the undoing, since they had changed or left since"`
	Progress   float64          `json:"progress" doc:"0 to 1"`
	CanUndo    bool             `json:"can_undo"`
	CreatedAt  time.Time        `json:"created_at"`
	StartedAt  *time.Time       `json:"started_at"`
	FinishedAt *time.Time       `json:"finished_at"`
	UndoUntil  *time.Time       `json:"undo_until"`
	UndoneAt   *time.Time       `json:"undone_at"`
}

type bulkSelectedJSON struct {
	Selected int    `json:"selected" doc:"How many were chosen one by one; 0: by the filter"`
	Search   string `json:"q"`
	ListID   *int64 `json:"list_id"`
	Status   string `json:"status"`
	Field    string `json:"field"`
	Value    string `json:"value"`
	Segment  string `json:"segment" doc:"What the segment was called; empty: by none"`
}

type bulkKeptJSON struct {
	SubscriberID int64  `json:"subscriber_id"`
	Email        string `json:"email" doc:"Empty when they are gone"`
	Reason       string `json:"reason" enum:"unsubscribed,suppressed,unconfirmed,gone,changed_since,left_since,known_again"`
}

type bulkKeptQuery struct {
	PageOf
	Undo bool `query:"undo" doc:"Whom the undoing left as they were, and not whom the action passed over"`
}

func (v bulkSelectionJSON) selection() audience.BulkSelection {
	out := audience.BulkSelection{IDs: v.IDs}
	if f := v.Filter; f != nil && v.IDs == nil {
		out.Filter = audience.SubscriberFilter{Search: f.Search, ListID: f.ListID, Status: f.Status, Field: f.Field, Value: f.Value, SegmentID: f.SegmentID}
	}
	return out
}

func (s *server) encodeBulk(v audience.BulkAction) bulkJSON {
	return bulkJSON{ID: v.ID, Action: v.Action, ListID: idOrNull(v.ListID), ListName: v.ListName, Field: v.Field, Value: v.Value, Note: v.Note,
		Selection: bulkSelectedJSON{Selected: v.Selection.Selected, Search: v.Selection.Search, ListID: idOrNull(v.Selection.ListID), Status: v.Selection.Status,
			Field: v.Selection.Field, Value: v.Selection.Value, Segment: v.Selection.Segment},
		Status: v.Status, Error: v.Error, CreatedBy: v.CreatedBy, Total: v.Total, Changed: v.Changed, Unchanged: v.Unchanged, Skipped: v.Skipped, Restored: v.Restored,
		Kept: v.Kept, Progress: v.Progress(), CanUndo: v.Undoable(s.now()), CreatedAt: v.CreatedAt, StartedAt: v.StartedAt, FinishedAt: v.FinishedAt,
		UndoUntil: v.UndoUntil, UndoneAt: v.UndoneAt}
}

// idOrNull makes null of an id that is not there.
func idOrNull(id int64) *int64 {
	if id == 0 {
		return nil
	}
	return &id
}

// actor says who asks, for the logs that people read.
func actor(ctx context.Context) audience.Actor {
	return audience.Actor{Name: caller(ctx).Name, Source: sourceOf(ctx)}
}

func (s *server) previewBulk(ctx context.Context, in *with[bulkPreviewInputJSON]) (*answer[bulkPreviewJSON], error) {
	v, err := s.deps.Audience.PreviewBulk(ctx, in.Body.Selection.selection(), audience.BulkOrder(in.Body.Action))
	return reply(v, err, func(p audience.BulkPreview) bulkPreviewJSON {
		return bulkPreviewJSON{Count: p.Count, Sample: each(p.Sample, func(u audience.Subscriber) bulkPersonJSON { return bulkPersonJSON{u.ID, u.Email, u.Name} })}
	})
}

func (s *server) startBulk(ctx context.Context, in *with[bulkInputJSON]) (*answer[bulkJSON], error) {
	v, err := s.deps.Audience.StartBulk(ctx, in.Body.Selection.selection(), audience.BulkOrder(in.Body.Action), in.Body.Count, actor(ctx))
	return reply(v, err, s.encodeBulk)
}

func (s *server) listBulk(ctx context.Context, in *Paging) (*answer[pageJSON[bulkJSON]], error) {
	p, err := s.deps.Audience.ListBulk(ctx, in.query())
	return replyPage(p, err, s.encodeBulk)
}

func (s *server) getBulk(ctx context.Context, in *byID) (*answer[bulkJSON], error) {
	v, err := s.deps.Audience.GetBulk(ctx, in.ID)
	return reply(v, err, s.encodeBulk)
}

func (s *server) cancelBulk(ctx context.Context, in *byID) (*answer[bulkJSON], error) {
	v, err := s.deps.Audience.CancelBulk(ctx, in.ID)
	return reply(v, err, s.encodeBulk)
}

func (s *server) undoBulk(ctx context.Context, in *byID) (*answer[bulkJSON], error) {
	v, err := s.deps.Audience.UndoBulk(ctx, in.ID)
	return reply(v, err, s.encodeBulk)
}

func (s *server) listBulkKept(ctx context.Context, in *bulkKeptQuery) (*answer[pageJSON[bulkKeptJSON]], error) {
	p, err := s.deps.Audience.ListBulkKept(ctx, in.ID, in.Undo, in.query())
	return replyPage(p, err, func(k audience.BulkKept) bulkKeptJSON { return bulkKeptJSON(k) })
}

func (s *server) bulkProgress(ctx context.Context, in *byID) (*stream, error) {
	return s.progress(ctx, func(ctx context.Context) (snapshot, error) {
		v, err := s.deps.Audience.GetBulk(ctx, in.ID)
		if err != nil {
			return snapshot{}, err
		}
		state := s.encodeBulk(v)
		return snapshot{state: state, mark: state, final: v.Final()}, nil
	})
}
