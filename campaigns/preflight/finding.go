package preflight

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Severity says what a finding means for the start of a campaign.
type Severity string

// Blocking findings keep a campaign from starting, warnings want to be looked at, infos are there to be known.
const (
	Blocking Severity = "blocking"
	Warning  Severity = "warning"
	Info     Severity = "info"
)

// Finding is something about a mail that its author should know. There is one for each code, with all the places where it was seen.
type Finding struct {
	Code     string   `json:"code"`
	Severity Severity `json:"severity"`
	Title    string   `json:"title"`
	Detail   string   `json:"detail"` // what it is about here, and why it matters
	Remedy   string   `json:"remedy"` // "" where there is nothing to do
	// Where are the first places; Count is how many there are in all, or how many people it concerns.
	Where []Where `json:"where"`
	Count int     `json:"count"`
	// People are some of those whom it concerns, by their ids.
	People []int64 `json:"people"`
}

// Where is a place in a mail. Line is from 1 in the part as it is sent, 0 when it is about the whole.
type Where struct {
	Part     string `json:"part"` // html, text, subject, preheader, headers, from_email …
	Line     int    `json:"line"`
	Selector string `json:"selector"` // the element, the URL, the CSS declaration
	Note     string `json:"note"`
}

// The most places and people that are named for one finding.
const (
	mostPlaces = 20
	mostPeople = 10
	mostText   = 300 // characters of a selector or a note
)

// findings gathers them, by code.
type findings struct {
	byCode map[string]*Finding
	order  []string
}

func (f *findings) get(code string) *Finding {
	if found, ok := f.byCode[code]; ok {
		return found
	}
	p := policyOf(code)
	found := &Finding{Code: code, Severity: p.severity, Title: p.title, Detail: p.why, Remedy: p.remedy, Where: []Where{}, People: []int64{}}
	if f.byCode == nil {
		f.byCode = map[string]*Finding{}
	}
	f.byCode[code] = found
	f.order = append(f.order, code)
	return found
}

// at notes one place more. A place that is noted already counts once: sample messages of several people are mostly the same.
func (f *findings) at(code string, w Where) {
	w.Selector, w.Note = short(w.Selector), short(w.Note)
	found := f.get(code)
	if slices.Contains(found.Where, w) {
		return
	}
	found.Count++
	if len(found.Where) < mostPlaces {
		found.Where = append(found.Where, w)
	}
}

// say notes something about the whole, in words of its own. The first words stay.
func (f *findings) say(code, part, format string, args ...any) *Finding {
	_, known := f.byCode[code]
	found := f.get(code)
	if known {
		return found
	}
	found.Detail = fmt.Sprintf(format, args...)
	found.Count = 1
	if part != "" {
		found.Where = append(found.Where, Where{Part: part})
	}
	return found
}

// people says whom a finding concerns.
func (f *Finding) people(ids ...int64) {
	for _, id := range ids {
		if id != 0 && len(f.People) < mostPeople && !slices.Contains(f.People, id) {
			f.People = append(f.People, id)
		}
	}
}

// sorted gives the worst first, and among equals the order of policy.go, which is that in which a person works through them.
func (f *findings) sorted() []Finding {
	out := make([]Finding, 0, len(f.order))
	for _, code := range f.order {
		out = append(out, *f.byCode[code])
	}
	slices.SortStableFunc(out, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(rank(a.Severity), rank(b.Severity)), cmp.Compare(policyOf(a.Code).at, policyOf(b.Code).at))
	})
	return out
}

func rank(s Severity) int { return slices.Index([]Severity{Blocking, Warning, Info}, s) }

// short bounds what is quoted of a mail, and makes one line of it that can be stored anywhere.
func short(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0xfffd {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if runes := []rune(s); len(runes) > mostText {
		return string(runes[:mostText-1]) + "…"
	}
	return s
}

// Summary counts findings by severity.
type Summary struct{ Blocking, Warning, Info int }

// Summarise counts.
func Summarise(list []Finding) Summary {
	var s Summary
	for _, f := range list {
		switch f.Severity {
		case Blocking:
			s.Blocking++
		case Warning:
			s.Warning++
		default:
			s.Info++
		}
	}
	return s
}
