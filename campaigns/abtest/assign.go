package abtest

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
)

// Shares is how a test divides people: Sample of them are in it, from 0 to 1, and divided evenly between Variants.
type Shares struct {
	Sample   float64
	Variants int
}

// Check refuses shares that make no test.
func (s Shares) Check() error {
	if s.Variants < MinVariants || s.Variants > MaxVariants || !(s.Sample > 0 && s.Sample <= 1) {
		return fmt.Errorf("an A/B test has %d to %d variants and a sample above 0 and up to 1; these are %d and %g", MinVariants, MaxVariants, s.Variants, s.Sample)
	}
	return nil
}

// Assign says whether a person is in the sample of a test, and which variant they get, from 0. It depends on the seed of the test and the person alone: it comes out the same each
// time and in any order, whoever joins or leaves moves nobody else, and with another seed it is as if thrown anew. With a larger sample those who were in it stay in it.
// Shares must be such that Check passes.
//
// Two halves of one SHA-256 decide: one whether, the other which. They are independent and uniform to within 2^-61, so that no pattern in ids (all even, dense, by age) shows in
// the sample.
func Assign(seed uint64, subscriberID int64, s Shares) (variant int, inSample bool) {
	var key [16]byte
	binary.BigEndian.PutUint64(key[:8], seed)
	binary.BigEndian.PutUint64(key[8:], uint64(subscriberID))
	sum := sha256.Sum256(append([]byte("postrider abtest v1\x00"), key[:]...))
	whether, which := binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16])
	if s.Sample < 1 && whether >= uint64(math.Ldexp(s.Sample, 64)) {
		return 0, false
	}
	return int(which % uint64(s.Variants)), true // the rest of 2^64 is 4 at most
}
