package templates

import (
	"slices"
	"strings"
)

// didYouMean is the end of a message about a name that does not exist: the closest ones that do.
func didYouMean(name string, known []string) string {
	type near struct {
		name string
		far  int
	}
	var found []near
	for _, k := range known {
		if d := distance(strings.ToLower(name), strings.ToLower(k)); k != "" && d <= 1+len(k)/3 {
			found = append(found, near{k, d})
		}
	}
	if len(found) == 0 {
		return ""
	}
	slices.SortStableFunc(found, func(a, b near) int { return a.far - b.far })
	names := []string{}
	for _, f := range found[:min(3, len(found))] {
		names = append(names, f.name)
	}
	return "; did you mean " + strings.Join(names, ", ") + "?"
}

// distance is how many letters must change (Levenshtein). Long names are as far apart as they are long.
func distance(a, b string) int {
	if len(a) > 200 || len(b) > 200 {
		return max(len(a), len(b))
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
