package audience

import (
	"context"

	"postrider/audience/segment"
)

// filterSegment is a segment that people are looked for in. When they are few, ids are all of them, newest first.
type filterSegment struct {
	resolved
	ids []int64
	all bool
}

// filterSegment reads a saved segment and looks for its people by the indexes, for a bounded time. One that does not exist or cannot be used is Invalid.
func (s *Service) filterSegment(ctx context.Context, id int64) (*filterSegment, error) {
	_, r, err := usableSegment(ctx, s.pool, "segment_id", id)
	if err != nil {
		return nil, err
	}
	r.context.At = s.clock()
	f := &filterSegment{resolved: r}
	ids, err := s.indexedIDs(ctx, r, s.limits.few+1)
	if outOfTime(err) {
		return f, nil
	}
	if err != nil {
		return nil, err
	}
	f.ids, f.all = newestFirst(ids), int64(len(ids)) <= s.limits.few
	return f, nil
}

// sql is the condition that the person u is in the segment.
func (f *filterSegment) sql(s *statement) string {
	q, err := segment.Compile(f.node, f.context, segment.ByKey, len(s.args)+1)
	if err != nil {
		panic("a segment that was resolved can be compiled: " + err.Error())
	}
	s.args = append(s.args, q.Args...)
	return q.SQL
}
