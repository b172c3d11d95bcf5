package cell

import (
	"strings"
)

// Guesser finds the type that all values of a column have. Its zero value is ready.
type Guesser struct {
	values int
	not    map[Type]bool // types that some value is not of
	bits   [2]int        // how many are 0 and 1
	words  int           // booleans that are neither
	lists  int           // values with several items
	dates  [3]int        // how many could not be read with DMY, with MDY, and need an order
	times  int           // how many have a time of day
}

// Add takes one more value into account. Blank ones say nothing.
func (g *Guesser) Add(value string) {
	value = strings.TrimSpace(value)
	if value == "" || excelError(value) {
		return
	}
	if g.not == nil {
		g.not = map[Type]bool{}
	}
	g.values++
	var scratch [64]byte
	if !g.not[Boolean] {
		g.boolean(value)
	}
	if !g.not[Number] {
		_, problem := appendNumber(scratch[:0], value)
		g.not[Number] = problem != "" || likeCode(value)
	}
	if !g.not[Date] {
		g.date(value)
	}
	if strings.ContainsAny(value, ";|") || strings.HasPrefix(value, "[") {
		if items, problem := listItems(value); problem == "" && (len(items) > 1 || strings.HasPrefix(value, "[")) {
			g.lists++
		}
	}
}

func (g *Guesser) boolean(value string) {
	switch _, ok := truth(strings.ToLower(value)); {
	case !ok:
		g.not[Boolean] = true
	case value == "0":
		g.bits[0]++
	case value == "1":
		g.bits[1]++
	default:
		g.words++
	}
}

// likeCode finds digits that are no quantity: phone numbers, postal codes, numbers of customers.
func likeCode(value string) bool {
	digits := strings.TrimPrefix(value, "-")
	return value[0] == '+' || len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9' || len(value) > 10 && isPlain(value) && !strings.Contains(value, ".")
}

func (g *Guesser) date(value string) {
	if isPlain(value) && len(value) < 8 { // the numbers of days are numbers first
		g.not[Date] = true
		return
	}
	var problems [3]bool
	for i, order := range []Order{DMY, MDY, Unknown} {
		_, rest, problem := parseDate(order, value)
		if problems[i] = problem != ""; !problems[i] && rest != "" {
			clock, _, problem := parseClock(rest)
			problems[i] = problem != ""
			if i == 0 && problem == "" && clock != 0 {
				g.times++
			}
		}
	}
	if problems[0] && problems[1] && problems[2] {
		g.not[Date] = true
		return
	}
	for i, p := range problems {
		if p {
			g.dates[i]++
		}
	}
}

// Result gives the type of all values that were added, Text when they have no other in common, and for dates the order in which they are to be read. ambiguous says that
// the order cannot be told: the values are dates in both.
func (g *Guesser) Result() (t Type, order Order, ambiguous bool) {
	switch {
	case g.values == 0:
		return Text, Unknown, false
	case !g.not[Boolean] && (g.words > 0 || g.bits[0] > 0 && g.bits[1] > 0):
		return Boolean, Unknown, false
	case !g.not[Number]:
		return Number, Unknown, false
	case !g.not[Date] && (g.dates[0] == 0 || g.dates[1] == 0):
		return g.dateResult()
	case 2*g.lists >= g.values && g.lists > 0:
		return List, Unknown, false
	}
	return Text, Unknown, false
}

func (g *Guesser) dateResult() (t Type, order Order, ambiguous bool) {
	t = Date
	if g.times > 0 {
		t = DateTime
	}
	switch {
	case g.dates[0] == 0 && g.dates[1] == 0: // ambiguous, unless all can be read without an order
		return t, Unknown, g.dates[2] > 0
	case g.dates[0] == 0:
		return t, DMY, false
	}
	return t, MDY, false
}

// Guess is a Guesser for values at hand.
func Guess(values []string) (t Type, order Order, ambiguous bool) {
	var g Guesser
	for _, v := range values {
		g.Add(v)
	}
	return g.Result()
}
