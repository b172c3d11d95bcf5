package segment

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Names are what people call the things that a definition names by id, and the labels of fields. What is missing is shown by number.
type Names struct {
	Fields                              map[string]string
	Lists, Campaigns, Imports, Segments map[int64]string
	Forms                               map[int64]string
}

func (m Names) field(name string) string {
	if l := m.Fields[name]; l != "" {
		return l
	}
	return name
}

func named(what string, names map[int64]string, id int64) string {
	if n := names[id]; n != "" {
		return fmt.Sprintf("%s “%s”", what, n)
	}
	return fmt.Sprintf("%s %d", what, id)
}

// Sentence says in English whom a definition means: "City is Berlin, and opened a mail in the last 30 days".
func Sentence(n Node, names Names) string {
	s := names.sentence(n, true)
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[size:]
}

func (m Names) sentence(n Node, outer bool) string {
	kind, children := n.group()
	if kind == "" {
		return m.condition(n)
	}
	if len(children) == 1 && kind != "none" {
		return m.sentence(children[0], outer)
	}
	parts := make([]string, len(children))
	for i, c := range children {
		parts[i] = m.sentence(c, false)
	}
	switch kind {
	case "all":
		return braced(strings.Join(parts, ", and "), outer)
	case "any":
		return braced(strings.Join(parts, ", or "), outer)
	}
	if len(parts) == 1 {
		return "not (" + parts[0] + ")"
	}
	return "none of (" + strings.Join(parts, "; ") + ")"
}

func braced(s string, outer bool) string {
	if outer {
		return s
	}
	return "(" + s + ")"
}

func (m Names) condition(n Node) string {
	switch n.Type {
	case TypeEmail:
		if n.Op == "domain" {
			return "the address is at " + show(n.Value)
		}
		return "the address " + comparison(n)
	case TypeName:
		return "the name " + comparison(n)
	case TypeField:
		return m.field(n.Field) + " " + comparison(n)
	case TypeList:
		return m.list(n)
	case TypeConsent:
		return m.consent(n)
	case TypeCreated:
		return "known " + moment(n)
	case TypeActivity:
		return m.activity(n)
	case TypeBounce:
		return "mail bounced softly" + lately(n.Days)
	case TypeSuppressed:
		if n.Reason != "" {
			return "the address is suppressed (" + n.Reason + ")"
		}
		return "the address is suppressed"
	case TypeWish:
		return map[string]string{"paused": "has paused all mail", "weekly": "wants mail once a week at most", "monthly": "wants mail once a month at most",
			"no_tracking": "is not tracked"}[n.Wish]
	case TypeImport:
		if n.How == "brought" {
			return "came with the " + named("import", m.Imports, n.ImportID)
		}
		return "came with or was changed by the " + named("import", m.Imports, n.ImportID)
	}
	return "in the " + named("segment", m.Segments, n.SegmentID)
}

func (m Names) list(n Node) string {
	status := map[string]string{"": "subscribed to", "subscribed": "subscribed to", "unconfirmed": "not yet confirmed on", "unsubscribed": "unsubscribed from", "any": "on"}[n.Status]
	if n.Op == "is_not" {
		status = "not " + strings.TrimPrefix(status, "not ")
		if n.Status == "unconfirmed" {
			status = "not waiting for confirmation on"
		}
	}
	return status + " the " + named("list", m.Lists, n.ListID)
}

func (m Names) consent(n Node) string {
	s := "subscribed"
	if n.ListID != 0 {
		s += " to the " + named("list", m.Lists, n.ListID)
	}
	if n.Source != "" {
		s += " by " + show(n.Source)
	}
	if n.ImportID != 0 {
		s += " with the " + named("import", m.Imports, n.ImportID)
	}
	if n.FormID != 0 {
		s += " by the " + named("form", m.Forms, n.FormID)
	}
	if n.Op != "" {
		s += " " + moment(n)
	}
	return s
}

func (m Names) activity(n Node) string {
	what := map[string]string{"sent": "was sent", "opened": "opened", "clicked": "clicked in", "not_opened": "opened nothing"}[n.Event]
	mail := "a mail"
	switch {
	case n.CampaignID != 0:
		mail = "the " + named("campaign", m.Campaigns, n.CampaignID)
	case n.AtLeast > 1:
		mail = fmt.Sprintf("at least %d mails", n.AtLeast)
	}
	switch {
	case n.Event == "not_opened" && n.CampaignID != 0:
		return "was sent " + mail + lately(n.Days) + " and did not open it"
	case n.Event == "not_opened":
		return "was sent " + mail + lately(n.Days) + " and opened none"
	case n.Link != 0:
		return fmt.Sprintf("clicked link %d of %s%s", n.Link, mail, lately(n.Days))
	}
	return what + " " + mail + lately(n.Days)
}

func lately(days *int) string {
	if days == nil {
		return ""
	}
	return " in the last " + count(*days)
}

func count(days int) string {
	if days == 1 {
		return "day"
	}
	return fmt.Sprintf("%d days", days)
}

func moment(n Node) string {
	switch n.Op {
	case "on", "before", "after":
		return n.Op + " " + show(n.Value)
	case "between":
		return "from " + show(n.Values[0]) + " to " + show(n.Values[1])
	}
	return "in the last " + count(*n.Days)
}

var verbs = map[string]string{
	"is": "is", "is_not": "is not", "contains": "contains", "not_contains": "does not contain", "starts_with": "begins with", "ends_with": "ends with",
	"lt": "is less than", "le": "is at most", "gt": "is more than", "ge": "is at least", "before": "is before", "after": "is after", "on": "is on",
	"is_any": "is one of", "contains_any": "has any of", "contains_all": "has all of", "contains_none": "has none of", "is_empty": "is empty", "is_not_empty": "is filled in",
}

func comparison(n Node) string {
	switch operands[n.Op] {
	case oneValue:
		return verbs[n.Op] + " " + show(n.Value)
	case manyValues:
		return verbs[n.Op] + " " + showAll(n.Values, ", ")
	case twoValues:
		return "is from " + show(n.Values[0]) + " to " + show(n.Values[1])
	case someDays:
		return ahead(n)
	}
	return verbs[n.Op]
}

func ahead(n Node) string {
	switch {
	case n.Op == "in_last":
		return "is in the last " + count(*n.Days)
	case n.Op == "in_next":
		return "is in the next " + count(*n.Days)
	case *n.Days == 0:
		return "has its anniversary today"
	}
	return "has its anniversary within " + count(*n.Days)
}

const shown = 5 // values, of more

func showAll(values []any, sep string) string {
	parts := make([]string, 0, shown)
	for _, v := range values[:min(len(values), shown)] {
		parts = append(parts, show(v))
	}
	if more := len(values) - shown; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(parts, sep), more)
	}
	return strings.Join(parts, sep)
}

func show(v any) string {
	switch v := v.(type) {
	case json.Number:
		return v.String()
	case bool:
		return map[bool]string{true: "yes", false: "no"}[v]
	}
	return fmt.Sprint(v)
}
