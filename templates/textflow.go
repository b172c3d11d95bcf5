package templates

import "strings"

// blank is the white space that stands before the next text: line ends (2 at most matter), and a space.
type blank struct {
	lines int
	space bool
}

// least is what stands there on either of two ways.
func least(a, b blank) blank {
	return blank{min(a.lines, b.lines), a.space && b.space || a.space && b.lines > 0 || b.space && a.lines > 0}
}

// frame is a Liquid block that is open: the state in which each of its branches begins, and what its branches so far ended with.
type frame struct {
	open, ends blank
	// whole: one branch is taken for sure.
	whole bool
	first bool
}

// tag keeps a Liquid tag. White space that is due goes before it, so that it belongs to the branch where it arose, and a branch that is not
// taken leaves none behind.
func (w *textWriter) tag(t token) {
	if t.name == "cycle" && w.mute == 0 {
		w.gap()
	}
	clause := t.name == "else" || t.name == "elsif" || t.name == "when"
	ends := strings.HasPrefix(t.name, "end") && blockTags[t.name[3:]]
	if blockTags[t.name] || clause || ends {
		w.flush()
	}
	switch n := len(w.frames); {
	case blockTags[t.name]:
		w.frames = append(w.frames, frame{open: w.done, first: true})
	case clause && n > 0:
		w.frames[n-1].branch(w.done)
		w.frames[n-1].whole = t.name == "else"
		w.done = w.frames[n-1].open
	case ends && n > 0:
		f := &w.frames[n-1]
		f.branch(w.done)
		w.done = f.ends
		if !f.whole {
			w.done = least(f.ends, f.open)
		}
		w.frames = w.frames[:n-1]
	}
	w.put(piece{kind: tagPiece, tok: t})
}

func (f *frame) branch(end blank) {
	if f.first {
		f.ends, f.first = end, false
		return
	}
	f.ends = least(f.ends, end)
}
