package campaigns

import "slices"

// ranges covers the numbers with ranges [lo, hi] of at most most numbers each. A range may span numbers that are not asked for: working on it only
// finds what is queued.
func ranges(seqs []int32, most int) [][2]int32 {
	slices.Sort(seqs)
	var rs [][2]int32
	for chunk := range slices.Chunk(seqs, most) {
		rs = append(rs, [2]int32{chunk[0], chunk[len(chunk)-1]})
	}
	return rs
}
