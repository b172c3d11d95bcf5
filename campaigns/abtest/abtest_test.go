package abtest

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"testing"
)

// binomial draws exactly, from a table of its distribution.
type binomial []float64

func newBinomial(n int, p float64) binomial {
	b, sum := make(binomial, n+1), 0.0
	for k := range b {
		sum += math.Exp(lnChoose(n, k) + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
		b[k] = sum
	}
	return b
}

func (b binomial) draw(r *rand.Rand) int {
	u := r.Float64() * b[len(b)-1]
	return sort.SearchFloat64s(b, u)
}

// run is one test in which nothing is better than anything else, except the first variant by as much as lift says.
func run(t *testing.T, r *rand.Rand, others, first binomial, variants int, rules Rules) Result {
	t.Helper()
	v := make([]Variant, variants)
	for i := range v {
		v[i] = Variant{len(others) - 1, others.draw(r)}
	}
	v[0].Successes = first.draw(r)
	result, err := Decide(v, rules)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

type shape struct {
	variants, n int
	rate        float64
}

func shapes() (all []shape) {
	for k := MinVariants; k <= MaxVariants; k++ {
		for _, n := range []int{50, 200, 1000, 5000} {
			for _, rate := range []float64{0.01, 0.05, 0.2, 0.6} {
				all = append(all, shape{k, n, rate})
			}
		}
	}
	return all
}

// The largest sample is as good as none: the level has to come from the test itself.
var strict = Rules{MinSample: 1}

func TestNoDifferenceNamesAWinnerInAtMostFivePercent(t *testing.T) {
	t.Parallel()
	tests, winners := 0, 0
	for i, s := range shapes() {
		r, b := rand.New(rand.NewPCG(6, uint64(i))), newBinomial(s.n, s.rate)
		found := 0
		for range 200 {
			if run(t, r, b, b, s.variants, strict).Winner >= 0 {
				found++
			}
		}
		// One of 64 shapes may be unlucky: 21 of 200 is what comes by chance once in a thousand when the level is 5 %.
		if found > 21 {
			t.Errorf("%+v: a winner in %d of 200", s, found)
		}
		tests, winners = tests+200, winners+found
	}
	t.Logf("a winner in %d of %d tests, %.2f %%", winners, tests, 100*float64(winners)/float64(tests))
	if winners*20 > tests {
		t.Errorf("a winner in %d of %d tests", winners, tests)
	}
}

func TestLevelOverManyTests(t *testing.T) {
	t.Parallel()
	for _, k := range []int{2, 3, 5} {
		// The level is nearest to its bound where counts are large, and with two variants: of more, the best has to beat the runner-up as well.
		n := 5000
		if k > 2 {
			n = 1000
		}
		r, b := rand.New(rand.NewPCG(20_000, uint64(k))), newBinomial(n, 0.3)
		const tests = 20_000
		winners := 0
		for range tests {
			if run(t, r, b, b, k, strict).Winner >= 0 {
				winners++
			}
		}
		level := float64(winners) / tests
		doubt := math.Sqrt(level * (1 - level) / tests)
		t.Logf("%d variants: a winner in %.2f %% ± %.2f %%", k, 100*level, 100*doubt)
		if upper := level + 2.33*doubt; level > 0.05 || upper > 0.055 { // at 99 %
			t.Errorf("%d variants: the level is %.2f %% ± %.2f %%", k, 100*level, 100*doubt)
		}
		if k == 2 && level < 0.04 {
			t.Errorf("at %.2f %% it is so careful that it finds little", 100*level)
		}
	}
}

// False winners are most likely where two variants are equal and better than the others, and sizes differ.
func TestTheWorstCases(t *testing.T) {
	t.Parallel()
	for i, c := range []struct {
		sizes []int
		rates []float64
	}{
		{[]int{2000, 2000, 2000}, []float64{0.3, 0.3, 0.1}}, {[]int{2000, 200, 2000}, []float64{0.3, 0.3, 0.1}}, {[]int{100, 5000, 5000, 5000, 5000}, []float64{0.1, 0.1, 0.1, 0.1, 0.1}},
		{[]int{5000, 100, 100, 100, 100}, []float64{0.1, 0.1, 0.1, 0.1, 0.1}}, {[]int{50, 5000}, []float64{0.02, 0.02}}, {[]int{1000, 1000, 1000, 1000}, []float64{0.3, 0.3, 0.28, 0.28}},
		{[]int{200, 2000, 600}, []float64{0.05, 0.05, 0.05}},
	} {
		r, draws := rand.New(rand.NewPCG(1, uint64(i))), make([]binomial, len(c.sizes))
		for j := range draws {
			draws[j] = newBinomial(c.sizes[j], c.rates[j])
		}
		const tests = 5000
		winners := 0
		for range tests {
			v := make([]Variant, len(c.sizes))
			for j := range v {
				v[j] = Variant{c.sizes[j], draws[j].draw(r)}
			}
			got, err := Decide(v, strict)
			if err != nil {
				t.Fatal(err)
			}
			if got.Winner >= 0 {
				winners++
			}
		}
		t.Logf("%+v: a winner in %.2f %%", c, 100*float64(winners)/tests)
		if winners*20 > tests {
			t.Errorf("%+v: a winner in %d of %d", c, winners, tests)
		}
	}
}

// Looking at a test again and again finds false winners, unless Looks says how often.
func TestLooks(t *testing.T) {
	t.Parallel()
	const looks, tests, step = 10, 2000, 300
	r, b := rand.New(rand.NewPCG(3, 4)), newBinomial(step, 0.2)
	peeked, said := 0, 0
	for range tests {
		v := make([]Variant, 3)
		early, honest := false, false
		for range looks {
			for i := range v {
				v[i].Sent += step
				v[i].Successes += b.draw(r)
			}
			one, _ := Decide(v, strict)
			many, _ := Decide(v, Rules{MinSample: 1, Looks: looks})
			early, honest = early || one.Winner >= 0, honest || many.Winner >= 0
		}
		if early {
			peeked++
		}
		if honest {
			said++
		}
	}
	t.Logf("looking ten times: %.1f %%, saying so: %.1f %%", 100*float64(peeked)/tests, 100*float64(said)/tests)
	if said*20 > tests {
		t.Errorf("a false winner in %d of %d", said, tests)
	}
	if peeked*20 <= tests {
		t.Errorf("looking ten times does no harm, which cannot be: %d of %d", peeked, tests)
	}
}

func TestPower(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		shape
		better float64
		least  int // of 500
	}{
		{shape{2, 1000, 0.20}, 0.30, 480}, {shape{5, 1000, 0.20}, 0.30, 450}, {shape{2, 5000, 0.02}, 0.04, 480}, {shape{3, 200, 0.10}, 0.35, 480}, {shape{2, 100, 0.10}, 0.50, 480},
	} {
		r, b, first := rand.New(rand.NewPCG(7, uint64(c.n))), newBinomial(c.n, c.rate), newBinomial(c.n, c.better)
		found := 0
		for range 500 {
			switch got := run(t, r, b, first, c.variants, Rules{}); got.Winner {
			case 0:
				found++
			case -1:
			default:
				t.Errorf("%+v: variant %d won", c, got.Winner)
			}
		}
		if found < c.least {
			t.Errorf("%+v: found in %d of 500", c, found)
		}
	}
}

// exact is the same by whole numbers.
func exact(a, b Variant) float64 {
	successes := a.Successes + b.Successes
	ways := func(k int) *big.Int {
		x, y := new(big.Int).Binomial(int64(a.Sent), int64(k)), new(big.Int).Binomial(int64(b.Sent), int64(successes-k))
		return x.Mul(x, y)
	}
	sum := new(big.Int)
	for k := a.Successes; k <= min(successes, a.Sent); k++ {
		sum.Add(sum, ways(k))
	}
	p, _ := new(big.Rat).SetFrac(sum, new(big.Int).Binomial(int64(a.Sent+b.Sent), int64(successes))).Float64()
	return min(1, 2*p)
}

func TestFisher(t *testing.T) {
	t.Parallel()
	// Fisher's own example, the lady tasting tea; and two computed by R's fisher.test.
	for _, c := range []struct {
		a, b Variant
		want float64
	}{{Variant{4, 3}, Variant{4, 1}, 0.485714285714}, {Variant{12, 9}, Variant{12, 1}, 0.002759456185}, {Variant{5, 0}, Variant{7, 0}, 1}} {
		if got := Fisher(c.a, c.b); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%v %v: %.12f, want %.12f", c.a, c.b, got, c.want)
		}
	}
	for n := range 12 {
		for m := range 12 {
			for i := range n + 1 {
				for j := range m + 1 {
					a, b := Variant{n, i}, Variant{m, j}
					if got, want := Fisher(a, b), exact(a, b); math.Abs(got-want) > 1e-9 {
						t.Fatalf("%v %v: %g, want %g", a, b, got, want)
					}
				}
			}
		}
	}
	r := rand.New(rand.NewPCG(8, 9))
	for range 200 {
		a, b := Variant{Sent: 1 + r.IntN(600)}, Variant{Sent: 1 + r.IntN(600)}
		a.Successes, b.Successes = r.IntN(a.Sent+1), r.IntN(b.Sent+1)
		if got, want := Fisher(a, b), exact(a, b); math.Abs(got-want) > 1e-7*want+1e-12 {
			t.Fatalf("%v %v: %g, want %g", a, b, got, want)
		}
	}
	if p := Fisher(Variant{5_000_000, 1_010_000}, Variant{5_000_000, 1_000_000}); !(p > 0 && p < 1e-10) {
		t.Errorf("millions: %g", p)
	}
	if p := Fisher(Variant{5_000_000, 5_000_000}, Variant{5_000_000, 0}); p != 0 {
		t.Errorf("millions without a doubt: %g", p)
	}
}

func TestWilson(t *testing.T) {
	t.Parallel()
	// Newcombe 1998, table I, method 3.
	for _, c := range []struct {
		v         Variant
		low, high float64
	}{{Variant{263, 81}, 0.2553, 0.3662}, {Variant{148, 15}, 0.0624, 0.1605}, {Variant{20, 0}, 0, 0.1611}, {Variant{29, 1}, 0.0061, 0.1718}, {Variant{29, 29}, 0.8830, 1}} {
		if low, high := Wilson(c.v, 0.95); math.Abs(low-c.low) > 5e-5 || math.Abs(high-c.high) > 5e-5 {
			t.Errorf("%v: %.4f to %.4f, want %.4f to %.4f", c.v, low, high, c.low, c.high)
		}
	}
	if low, high := Wilson(Variant{}, 0.95); low != 0 || high != 1 {
		t.Errorf("nobody: %g to %g", low, high)
	}
}

func TestDecide(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		variants []Variant
		rules    Rules
		winner   int
		why      string
		word     string
	}{
		"a clear winner":           {[]Variant{{1000, 100}, {1000, 180}, {1000, 110}}, Rules{}, 1, "", ""},
		"different sizes":          {[]Variant{{2000, 200}, {500, 100}}, Rules{}, 1, "", ""},
		"too few people":           {[]Variant{{99, 10}, {1000, 800}}, Rules{}, -1, TooFew, "99"},
		"a rule for more":          {[]Variant{{1000, 100}, {1000, 180}}, Rules{MinSample: 1001}, -1, TooFew, "1001"},
		"nobody":                   {[]Variant{{1000, 0}, {1000, 0}}, Rules{}, -1, Nobody, "nobody"},
		"nobody was reached":       {[]Variant{{0, 0}, {0, 0}}, Rules{}, -1, TooFew, "0"},
		"two are equal":            {[]Variant{{1000, 180}, {1000, 100}, {500, 90}}, Rules{}, -1, Tied, "2"},
		"better than one only":     {[]Variant{{1000, 180}, {1000, 100}, {1000, 178}}, Rules{}, -1, NoClear, "chance"},
		"not as sure as was asked": {[]Variant{{1000, 100}, {1000, 140}}, Rules{Confidence: 0.995}, -1, NoClear, "0.5%"},
		"sure enough":              {[]Variant{{1000, 100}, {1000, 140}}, Rules{Confidence: 0.9}, 1, "", ""},
	} {
		r, err := Decide(c.variants, c.rules)
		if err != nil || r.Winner != c.winner || r.Why != c.why || !strings.Contains(r.Text, c.word) || (r.Why == "") != (r.Text == "") {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
		for i, s := range r.Standings {
			if s.Variant != c.variants[i] || !(s.Low <= s.Rate && s.Rate <= s.High) || s.P < 0 || s.P > 1 {
				t.Errorf("%s: %+v", name, s)
			}
		}
	}
	for name, bad := range map[string][]Variant{"one": {{1, 1}}, "six": make([]Variant, 6), "more than all": {{1, 2}, {1, 1}}, "less than none": {{1, -1}, {1, 1}}} {
		if _, err := Decide(bad, Rules{}); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	for _, bad := range []Rules{{Confidence: 1}, {Confidence: 0.4}, {Confidence: math.NaN()}, {MinSample: -1}, {Looks: -1}} {
		if _, err := Decide([]Variant{{1, 1}, {1, 1}}, bad); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}

// The order of the variants says nothing.
func TestAhead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		variants []Variant
		want     int
	}{
		"nothing is counted yet":           {[]Variant{{1000, 0}, {1000, 0}, {1000, 0}}, -1},
		"nobody is reached yet":            {[]Variant{{0, 0}, {0, 0}}, -1},
		"two are best and equal":           {[]Variant{{1000, 180}, {1000, 100}, {500, 90}}, -1},
		"one is above, if only by chance":  {[]Variant{{100, 4}, {100, 5}}, 1},
		"the others are equal among them":  {[]Variant{{100, 4}, {100, 4}, {100, 5}}, 2},
		"one has reached somebody, no one": {[]Variant{{0, 0}, {10, 0}}, -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Decide(c.variants, Rules{})
			if err != nil || got.Ahead() != c.want {
				t.Errorf("%d, %v", got.Ahead(), err)
			}
		})
	}
}

func TestOrderDoesNotMatter(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(10, 11))
	for range 500 {
		v := make([]Variant, 2+r.IntN(4))
		for i := range v {
			v[i] = Variant{Sent: 100 + r.IntN(400)}
			v[i].Successes = r.IntN(v[i].Sent)
		}
		a, _ := Decide(v, Rules{})
		back := slices.Clone(v)
		slices.Reverse(back)
		b, _ := Decide(back, Rules{})
		if a.Why != b.Why || a.Winner >= 0 && a.Winner != len(v)-1-b.Winner || math.Abs(a.P-b.P) > 1e-9 {
			t.Fatalf("%v: %+v and %+v", v, a, b)
		}
	}
}

func TestAssignIsUniform(t *testing.T) {
	t.Parallel()
	ids := map[string]func(i int) int64{"dense": func(i int) int64 { return int64(i) }, "even": func(i int) int64 { return 2 * int64(i) }, "sparse": func(i int) int64 { return int64(i) << 33 },
		"negative": func(i int) int64 { return -int64(i) }}
	for name, id := range ids {
		for k := MinVariants; k <= MaxVariants; k++ {
			s := Shares{Sample: 0.3, Variants: k}
			const people = 60_000
			counts := make([]int, k+1)
			for i := range people {
				v, in := Assign(uint64(k), id(i), s)
				if !in {
					v = k
				}
				counts[v]++
			}
			chi := 0.0
			for i, n := range counts {
				want := people * 0.3 / float64(k)
				if i == k {
					want = people * 0.7
				}
				chi += (float64(n) - want) * (float64(n) - want) / want
			}
			// The chi-square distribution has 1 in 10,000 above this, for 2 to 5 degrees of freedom.
			if limit := []float64{18.42, 21.11, 23.51, 25.74}[k-2]; chi > limit {
				t.Errorf("%s ids, %d variants: %v, chi-square %.1f", name, k, counts, chi)
			}
		}
	}
}

func TestTestsAreIndependent(t *testing.T) {
	t.Parallel()
	s := Shares{Sample: 0.5, Variants: 2}
	const people = 40_000
	var counts [16]float64
	for id := range int64(people) {
		cell := 0
		for _, seed := range []uint64{1, 2} { // seeds next to each other
			v, in := Assign(seed, id, s)
			cell = cell<<2 | v<<1
			if in {
				cell |= 1
			}
		}
		counts[cell]++
	}
	chi, cells := 0.0, 0
	for _, a := range []struct {
		state int
		share float64
	}{{0, 0.5}, {1, 0.25}, {3, 0.25}} {
		for _, b := range []struct {
			state int
			share float64
		}{{0, 0.5}, {1, 0.25}, {3, 0.25}} {
			want := people * a.share * b.share
			got := counts[a.state<<2|b.state]
			chi += (got - want) * (got - want) / want
			cells++
		}
	}
	if chi > 31.83 { // 1 in 10,000 at 8 degrees of freedom
		t.Errorf("%v in %d cells: chi-square %.1f", counts, cells, chi)
	}
}

func TestAssignStays(t *testing.T) {
	t.Parallel()
	// These are in databases of running tests: never change them.
	got := ""
	for id := range int64(24) {
		v, in := Assign(42, id, Shares{Sample: 0.5, Variants: 3})
		if !in {
			got += "-"
			continue
		}
		got += fmt.Sprint(v)
	}
	if want := "-1-1-01---2--0-----1--1-"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for id := range int64(5000) {
		small, in := Assign(9, id, Shares{Sample: 0.1, Variants: 4})
		large, inLarge := Assign(9, id, Shares{Sample: 0.2, Variants: 4})
		if in && (!inLarge || small != large) {
			t.Fatalf("person %d falls out of a larger sample", id)
		}
		if _, all := Assign(9, id, Shares{Sample: 1, Variants: 4}); !all {
			t.Fatalf("person %d is not in a sample of all", id)
		}
	}
	for _, bad := range []Shares{{}, {0.5, 1}, {0.5, 6}, {0, 2}, {1.1, 2}, {math.NaN(), 2}} {
		if bad.Check() == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}

// What SampleSize says has to be true of Decide.
func TestSampleSize(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		base, better float64
		k            int
	}{{0.2, 0.25, 2}, {0.02, 0.04, 2}, {0.2, 0.3, 4}, {0.05, 0.1, 5}} {
		n := SampleSize(c.base, c.better, c.k, Rules{})
		r, b, first := rand.New(rand.NewPCG(12, uint64(n))), newBinomial(n, c.base), newBinomial(n, c.better)
		found := 0
		for range 600 {
			if run(t, r, b, first, c.k, Rules{}).Winner == 0 {
				found++
			}
		}
		if found < 450 || found > 588 {
			t.Errorf("%+v: with %d people each it is found in %d of 600", c, n, found)
		}
		if d := Detectable(c.base, n, c.k, Rules{}); math.Abs(d-c.better) > 0.001 {
			t.Errorf("%+v: %d people tell %.4f", c, n, d)
		}
	}
	if SampleSize(0.2, 0.2, 2, Rules{}) != math.MaxInt || SampleSize(0.2, 0.1, 2, Rules{}) != math.MaxInt || SampleSize(0, 1, 2, Rules{}) != DefaultMinSample {
		t.Error("the ends are wrong")
	}
	if !math.IsInf(Detectable(0.5, 5, 2, Rules{}), 1) {
		t.Error("five people tell something")
	}
	if SampleSize(0.2, 0.25, 2, Rules{Looks: 5}) <= SampleSize(0.2, 0.25, 2, Rules{}) {
		t.Error("looking more often costs nothing")
	}
}
