package abtest

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Bounds of a test.
const (
	MinVariants = 2
	MaxVariants = 5
)

// Defaults of Rules.
const (
	DefaultConfidence = 0.95
	DefaultMinSample  = 100
)

// Variant is what came of one variant: of Sent people, Successes did it (opened or clicked, whatever is counted; each person once).
type Variant struct{ Sent, Successes int }

// Rules say when a winner may be named. The zero value is DefaultMinSample, DefaultConfidence and one look.
type Rules struct {
	MinSample  int     // people of each variant below which nothing is said; 0 is DefaultMinSample
	Confidence float64 // 0 is DefaultConfidence; at least 0.5 and below 1
	// Looks is how often the test is looked at before it ends, all told; 0 is 1. The doubt that is allowed is split evenly between the looks (Bonferroni), so that looking
	// early is never more likely to name a false winner, and takes a larger difference.
	Looks int
}

// Why there is no winner.
const (
	TooFew  = "too_few"   // a variant has reached fewer people than Rules.MinSample
	Nobody  = "nobody"    // no variant has a success
	NoClear = "no_clear"  // the difference may well be chance
	Tied    = "best_tied" // two variants are best and equal
)

// Standing is a variant with the figures that people see.
type Standing struct {
	Variant
	Rate      float64 // 0 to 1
	Low, High float64 // Wilson's interval of the rate at the confidence, for this variant alone
	// P is the doubt that is left that the best variant is better than this one: the p-value of that comparison (Fisher). It is 1 for the best itself.
	P float64
}

// Result is what a test says. Winner is the index of a variant, or -1 with Why and Text.
type Result struct {
	Winner    int
	Why       string
	Text      string // one sentence for people
	Best      int    // the index of the highest rate, the first of equals
	Standings []Standing
	// P is the doubt about the winner: the largest P of the others. It is compared with Allowed.
	P       float64
	Allowed float64
}

// Decide looks for a winner: the variant with the highest rate, when it is better than each of the others beyond chance by Fisher's exact test.
//
// That the best is picked by the same figures that it is tested with costs nothing more, however many variants there are, because it has to beat the runner-up as well: false
// winners are most likely when two variants are equally good and the others far behind, and then it is a test of two (Gutmann and Maymin, "Is the selected population the
// best?", Annals of Statistics 15, 1987, for equal samples; the simulations beside this hold unequal ones to it). With Fisher's test the chance is at most (1-confidence)/2 for
// each of those two.
func Decide(variants []Variant, rules Rules) (Result, error) {
	rules, err := rules.clean()
	if err != nil {
		return Result{}, err
	}
	if err := check(variants); err != nil {
		return Result{}, err
	}
	r := stand(variants, rules)
	r.Why, r.Text = r.judge(rules)
	if r.Why == "" {
		r.Winner = r.Best
	}
	return r, nil
}

func (r Rules) clean() (Rules, error) {
	if r.MinSample == 0 {
		r.MinSample = DefaultMinSample
	}
	if r.Confidence == 0 {
		r.Confidence = DefaultConfidence
	}
	if r.Looks == 0 {
		r.Looks = 1
	}
	if r.MinSample < 1 || r.Looks < 1 || !(r.Confidence >= 0.5 && r.Confidence < 1) {
		return r, fmt.Errorf("the rules of an A/B test need a sample and looks of 1 or more and a confidence from 0.5 to below 1; they are %+v", r)
	}
	return r, nil
}

func check(variants []Variant) error {
	if len(variants) < MinVariants || len(variants) > MaxVariants {
		return fmt.Errorf("an A/B test has %d to %d variants, not %d", MinVariants, MaxVariants, len(variants))
	}
	for i, v := range variants {
		if v.Successes < 0 || v.Successes > v.Sent {
			return fmt.Errorf("variant %d has %d successes of %d", i+1, v.Successes, v.Sent)
		}
	}
	return nil
}

// stand works the figures out.
func stand(variants []Variant, rules Rules) Result {
	r := Result{Winner: -1, Allowed: (1 - rules.Confidence) / float64(rules.Looks), Standings: make([]Standing, len(variants))}
	for i, v := range variants {
		low, high := Wilson(v, rules.Confidence)
		r.Standings[i] = Standing{Variant: v, Rate: rate(v), Low: low, High: high, P: 1}
		if better(v, variants[r.Best]) > 0 {
			r.Best = i
		}
	}
	for i, v := range variants {
		if i != r.Best {
			r.Standings[i].P = Fisher(variants[r.Best], v)
			r.P = max(r.P, r.Standings[i].P)
		}
	}
	return r
}

// Ahead is the index of the one variant above all others, if only by chance; -1 while nobody has done what is counted, or the best are equal.
func (r Result) Ahead() int {
	if r.Standings[r.Best].Successes == 0 || r.equals() > 1 {
		return -1
	}
	return r.Best
}

// equals is how many variants have the highest rate.
func (r Result) equals() (n int) {
	for _, s := range r.Standings {
		if better(s.Variant, r.Standings[r.Best].Variant) == 0 {
			n++
		}
	}
	return n
}

func (r Result) judge(rules Rules) (why, text string) {
	best := r.Standings[r.Best].Variant
	smallest := slices.MinFunc(r.Standings, func(a, b Standing) int { return cmp.Compare(a.Sent, b.Sent) }).Sent
	equal := r.equals()
	switch {
	case smallest < rules.MinSample:
		return TooFew, fmt.Sprintf("a variant has reached %d people, and a winner needs at least %d of each", smallest, rules.MinSample)
	case best.Successes == 0:
		return Nobody, "nobody has done what is counted"
	case equal > 1:
		return Tied, fmt.Sprintf("%d variants are best and equal", equal)
	case r.P > r.Allowed:
		return NoClear, fmt.Sprintf("differences like this come by chance in %s of tests, and at most %s is allowed", percent(r.P), percent(r.Allowed))
	}
	return "", ""
}

func percent(p float64) string {
	switch {
	case p >= 0.1:
		return fmt.Sprintf("%.0f%%", 100*p)
	case p < 0.001:
		return "less than 0.1%"
	}
	return fmt.Sprintf("%.1f%%", 100*p)
}

func rate(v Variant) float64 {
	if v.Sent == 0 {
		return 0
	}
	return float64(v.Successes) / float64(v.Sent)
}

// better compares rates exactly: +1 when a's is higher. One that has reached nobody is below all others.
func better(a, b Variant) int {
	if a.Sent == 0 || b.Sent == 0 {
		return cmp.Compare(min(a.Sent, 1), min(b.Sent, 1))
	}
	return cmp.Compare(int64(a.Successes)*int64(b.Sent), int64(b.Successes)*int64(a.Sent))
}

// Wilson is the score interval of a rate (Wilson 1927): unlike the usual one it stays between 0 and 1 and is right for few people and rare successes.
func Wilson(v Variant, confidence float64) (low, high float64) {
	if v.Sent == 0 {
		return 0, 1
	}
	n, p, z := float64(v.Sent), rate(v), normalQuantile((1+confidence)/2)
	middle, half := p+z*z/(2*n), z*math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	scale := 1 + z*z/n
	low, high = max(0, (middle-half)/scale), min(1, (middle+half)/scale)
	if v.Successes == 0 {
		low = 0
	}
	if v.Successes == v.Sent {
		high = 1
	}
	return low, high
}

// normalQuantile is the point of the standard normal distribution below which a share p lies.
func normalQuantile(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }
