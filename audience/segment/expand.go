package segment

import (
	"fmt"
	"strings"
)

// Saved is a segment that others can name.
type Saved struct {
	Name string
	Node Node
}

// Expand puts the definitions of other segments where they are named. lookup gives a saved segment, ok false when there is none. An error says which name is the trouble:
// there is no such segment, it leads back to itself, or it all becomes too large.
func Expand(n Node, lookup func(id int64) (s Saved, ok bool)) (Node, error) {
	e := expander{lookup: lookup}
	return e.expand(n, "", nil)
}

type expander struct {
	lookup func(id int64) (Saved, bool)
	nodes  int
}

type step struct {
	id   int64
	name string
}

func (e *expander) expand(n Node, at string, way []step) (Node, error) {
	if e.nodes++; e.nodes > MaxExpanded {
		return n, wrong(at, "together with the segments that it names this has more than %d groups and conditions", MaxExpanded)
	}
	kind, children := n.group()
	if kind != "" {
		out := make([]Node, len(children))
		for i, c := range children {
			place := at
			if len(way) == 0 {
				place = fmt.Sprintf("%s/%s/%d", at, kind, i)
			}
			var err error
			if out[i], err = e.expand(c, place, way); err != nil {
				return n, err
			}
		}
		return n.withChildren(out), nil
	}
	if n.Type != TypeSegment {
		return n, nil
	}
	if len(way) == 0 {
		at += "/segment_id"
	}
	for i, s := range way {
		if s.id == n.SegmentID {
			names := make([]string, 0, len(way))
			for _, s := range way[i:] {
				names = append(names, fmt.Sprintf("%q", s.name))
			}
			return n, wrong(at, "this leads round in a circle: %s, and to the first again", strings.Join(names, " uses "))
		}
	}
	s, ok := e.lookup(n.SegmentID)
	if !ok {
		return n, wrong(at, "there is no segment %d", n.SegmentID)
	}
	// Within it the place stays the one in the outer definition: that is what its writer sees.
	return e.expand(s.Node, at, append(way, step{n.SegmentID, s.Name}))
}
