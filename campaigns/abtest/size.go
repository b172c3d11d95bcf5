package abtest

import "math"

// Power is the chance with which a difference of the size that Detectable and SampleSize speak of is found.
const Power = 0.8

// Detectable is the smallest rate above base that a test of k variants with n people each tells from base with a chance of Power, +Inf when not even a rate of 1 is. It is an
// approximation by the normal distribution, with the continuity correction that stands for the caution of the exact test.
func Detectable(base float64, n, k int, rules Rules) float64 {
	if SampleSize(base, 1, k, rules) > n {
		return math.Inf(1)
	}
	low, high := base, 1.0
	for range 60 {
		middle := (low + high) / 2
		if SampleSize(base, middle, k, rules) <= n {
			high = middle
		} else {
			low = middle
		}
	}
	return high
}

// SampleSize is how many people each of k variants needs so that a variant with the rate better wins over others with the rate base with a chance of Power (Fleiss, Levin and
// Paik, Statistical Methods for Rates and Proportions, §4.2). It is math.MaxInt where there is no difference.
func SampleSize(base, better float64, k int, rules Rules) int {
	rules, err := rules.clean()
	if err != nil || !(better > base) || base < 0 || better > 1 || k < MinVariants {
		return math.MaxInt
	}
	za := normalQuantile(1 - (1-rules.Confidence)/float64(rules.Looks)/2)
	// The winner must beat each of the others.
	zb := normalQuantile(1 - (1-Power)/float64(k-1))
	d, mean := better-base, (better+base)/2
	root := za*math.Sqrt(2*mean*(1-mean)) + zb*math.Sqrt(base*(1-base)+better*(1-better))
	n := root * root / (d * d)
	n = n / 4 * math.Pow(1+math.Sqrt(1+4/(n*d)), 2)
	if n > 1e12 {
		return math.MaxInt
	}
	return max(int(math.Ceil(n)), rules.MinSample)
}
