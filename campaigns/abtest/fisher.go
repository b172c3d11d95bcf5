package abtest

import "math"

// Fisher is the doubt that is left that a is better than b: given all successes of both, twice the chance that at least as many fall to a as did, were there no difference
// (Fisher's exact test; doubled, as either of the two could have come out ahead). Whatever the counts, it is below some x in at most a share x/2 of cases without a difference.
func Fisher(a, b Variant) float64 {
	successes, all := a.Successes+b.Successes, a.Sent+b.Sent
	low, high := max(0, successes-b.Sent), min(successes, a.Sent)
	if low >= high || a.Successes <= low {
		return 1
	}
	total := lnChoose(all, successes)
	mode := float64(successes+1) * float64(a.Sent+1) / float64(all+2)
	sum := 0.0
	for k := a.Successes; k <= high; k++ {
		p := math.Exp(lnChoose(a.Sent, k) + lnChoose(b.Sent, successes-k) - total)
		if sum += p; 2*sum >= 1 || float64(k) > mode && p <= sum*1e-17 {
			break // nothing comes after it that counts
		}
	}
	return min(1, 2*sum)
}

func lnChoose(n, k int) float64 { return lnFactorial(n) - lnFactorial(k) - lnFactorial(n-k) }

func lnFactorial(n int) float64 {
	v, _ := math.Lgamma(float64(n) + 1)
	return v
}
