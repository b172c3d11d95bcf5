package events

import (
	"slices"
	"time"
)

// trace is one stored open or click, as it is judged in the company of others.
type trace struct {
	ID         int64
	CampaignID int64
	Seq        int32
	At         time.Time
	Kind       EventKind
	Link       int32 // 0 is the hidden one
	UserAgent  string
	Actor      Actor
}

// span is the rows from lo on, up to and without hi.
type span struct{ lo, hi int }

// judgeTogether looks at the opens and clicks of one delivery, in the order of time, and gives those that are a machine's although each for itself was not: clicks in a burst or
// near a click on the hidden link, and opens by the same user agent around them. What it gives depends on the times alone, so that it can be asked again at any time.
//
// It takes time in proportion to the rows: whoever has a link can make as many as they like.
func judgeTogether(rows []trace) map[int64]Rule {
	clicks := make([]int, 0, len(rows))
	for i, r := range rows {
		if r.Kind == KindClick {
			clicks = append(clicks, i)
		}
	}
	rules := make([]Rule, len(rows))
	markBursts(rows, clicks, rules)
	markCanaries(rows, clicks, rules)
	markOpens(rows, rules)
	found := map[int64]Rule{}
	for i, r := range rows {
		if rules[i] != "" && r.Actor != Machine {
			found[r.ID] = rules[i]
		}
	}
	return found
}

func markBursts(rows []trace, clicks []int, rules []Rule) {
	for _, kind := range []struct {
		links  int
		within time.Duration
	}{{2, burstTwo}, {3, burstThree}} {
		seen := map[int32]int{}
		marked := 0 // clicks before it need no second look
		lo := 0
		for hi, i := range clicks {
			seen[rows[i].Link]++
			for rows[i].At.Sub(rows[clicks[lo]].At) > kind.within {
				link := rows[clicks[lo]].Link
				if seen[link]--; seen[link] == 0 {
					delete(seen, link)
				}
				lo++
			}
			if len(seen) < kind.links {
				continue
			}
			for k := max(lo, marked); k <= hi; k++ {
				rules[clicks[k]] = RuleBurst
			}
			marked = hi + 1
		}
	}
}

func markCanaries(rows []trace, clicks []int, rules []Rule) {
	marked := 0
	for _, i := range clicks {
		if rows[i].Link != canaryLink {
			continue
		}
		near := nearby(rows, rows[i].At, CanaryWindow)
		for k := max(near.lo, marked); k < near.hi; k++ {
			if rows[k].Kind == KindClick {
				rules[k] = RuleCanary
			}
		}
		marked = max(marked, near.hi)
	}
}

// markOpens goes over the opens that stand near a marked click of the same user agent.
func markOpens(rows []trace, rules []Rule) {
	type mark struct {
		at   time.Time
		rule Rule
	}
	byAgent := map[string][]mark{}
	for i, r := range rows {
		if r.Kind == KindClick && rules[i] != "" {
			byAgent[r.UserAgent] = append(byAgent[r.UserAgent], mark{r.At, rules[i]})
		}
	}
	for i, r := range rows {
		marks := byAgent[r.UserAgent]
		if r.Kind != KindOpen || len(marks) == 0 {
			continue
		}
		at, _ := slices.BinarySearchFunc(marks, r.At.Add(-burstThree), func(m mark, t time.Time) int { return m.at.Compare(t) })
		if at < len(marks) && marks[at].at.Sub(r.At) <= burstThree {
			rules[i] = marks[at].rule
		}
	}
}

// nearby gives the rows at most d before or after a time.
func nearby(rows []trace, at time.Time, d time.Duration) span {
	lo, _ := slices.BinarySearchFunc(rows, at.Add(-d), func(r trace, t time.Time) int { return r.At.Compare(t) })
	hi, _ := slices.BinarySearchFunc(rows, at.Add(d+1), func(r trace, t time.Time) int { return r.At.Compare(t) })
	return span{lo, hi}
}
