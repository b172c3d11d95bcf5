package sender

import (
	"slices"
	"strings"
)

// spfRecords picks the SPF records (RFC 7208 §4.5).
func spfRecords(txts []string) []string {
	found := []string{}
	for _, txt := range txts {
		version, _, _ := strings.Cut(txt, " ")
		if strings.EqualFold(version, "v=spf1") {
			found = append(found, txt)
		}
	}
	return found
}

// joinSPF gives one record that says what all the given ones say, with terms added. It ends softly (~all) when they let everybody send, or say nothing
// about others.
func joinSPF(records, add []string) string {
	var terms, redirects []string
	all := ""
	for _, record := range records {
		for _, term := range strings.Fields(record)[1:] {
			lower := strings.ToLower(term)
			switch {
			case strings.TrimLeft(lower, "+-~?") == "all":
				all = stricter(all, lower)
			case strings.HasPrefix(lower, "redirect="):
				redirects = append(redirects, term)
			case !slices.ContainsFunc(terms, func(t string) bool { return strings.EqualFold(t, term) }):
				terms = append(terms, term)
			}
		}
	}
	for _, term := range add {
		if !slices.Contains(terms, term) {
			terms = append(terms, term)
		}
	}
	switch {
	case len(redirects) == 1 && len(records) == 1 && all == "":
		terms = append(terms, redirects[0]) // it already says how the record ends
	case len(redirects) > 0 && all == "":
		for _, r := range redirects {
			terms = append(terms, "include:"+r[len("redirect="):])
		}
		terms = append(terms, "~all")
	case all == "":
		terms = append(terms, "~all")
	default:
		terms = append(terms, all)
	}
	return "v=spf1 " + strings.Join(terms, " ")
}

// stricter gives the one of two "all" terms that lets fewer send. One that lets everybody send is in no order, so that it is left out.
func stricter(a, b string) string {
	order := []string{"", "?all", "~all", "-all"}
	if slices.Index(order, b) > slices.Index(order, a) {
		return b
	}
	return a
}
