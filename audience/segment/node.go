package segment

import (
	"encoding/json"
	"fmt"
)

// Limits of a definition: bytes of JSON, groups within groups, groups and conditions altogether (also those of other segments that it names), values of a condition,
// characters of each, and digits of a number when it is written out.
const (
	MaxBytes    = 64 << 10
	MaxDepth    = 8
	MaxNodes    = 200
	MaxExpanded = 500
	MaxValues   = 100
	MaxText     = 500
	maxDigits   = 40
	maxDays     = 36_500
	maxCount    = 1000
)

// Node is a group or a condition. A group has exactly one of All, Any and None, and nothing else; a condition has a Type and what that asks for. Its JSON, with the fields
// in this order, is the canonical form.
type Node struct {
	All  []Node `json:"all,omitempty"`  // everything in it holds
	Any  []Node `json:"any,omitempty"`  // at least one holds
	None []Node `json:"none,omitempty"` // nothing in it holds

	Type  string `json:"type,omitempty"`
	Field string `json:"field,omitempty"` // name of a custom field
	// Event is what happened: sent, opened, clicked or not_opened.
	Event string `json:"event,omitempty"`
	Op    string `json:"op,omitempty"`
	// Value is a string, a json.Number or a bool; Values has several of these. Days are 24 hours each for moments, days of the calendar for dates.
	Value  any   `json:"value,omitempty"`
	Values []any `json:"values,omitempty"`
	Days   *int  `json:"days,omitempty"`
	// AtLeast is how many mails it must have been; 0 is one.
	AtLeast    int    `json:"at_least,omitempty"`
	ListID     int64  `json:"list_id,omitempty"`
	CampaignID int64  `json:"campaign_id,omitempty"`
	Link       int64  `json:"link,omitempty"` // the number of a link in the campaign, from 1
	ImportID   int64  `json:"import_id,omitempty"`
	FormID     int64  `json:"form_id,omitempty"`
	SegmentID  int64  `json:"segment_id,omitempty"`
	Status     string `json:"status,omitempty"`
	Source     string `json:"source,omitempty"`
	Reason     string `json:"reason,omitempty"`
	Wish       string `json:"wish,omitempty"`
	How        string `json:"how,omitempty"`
}

// Types of conditions.
const (
	TypeEmail      = "email"
	TypeName       = "name"
	TypeField      = "field"
	TypeList       = "list"
	TypeConsent    = "consent"
	TypeCreated    = "created"
	TypeActivity   = "activity"
	TypeBounce     = "bounce"
	TypeSuppressed = "suppressed"
	TypeWish       = "wish"
	TypeImport     = "import"
	TypeSegment    = "segment"
)

// operand is what an operator takes.
type operand int

const (
	noOperand operand = iota
	oneValue
	manyValues
	twoValues
	someDays
)

var operands = map[string]operand{
	"is": oneValue, "is_not": oneValue, "contains": oneValue, "not_contains": oneValue, "starts_with": oneValue, "ends_with": oneValue, "domain": oneValue,
	"lt": oneValue, "le": oneValue, "gt": oneValue, "ge": oneValue, "before": oneValue, "after": oneValue, "on": oneValue,
	"is_any": manyValues, "contains_any": manyValues, "contains_all": manyValues, "contains_none": manyValues, "between": twoValues,
	"in_last": someDays, "in_next": someDays, "anniversary": someDays, "is_empty": noOperand, "is_not_empty": noOperand,
}

var (
	textOps    = []string{"is", "is_not", "is_any", "contains", "not_contains", "starts_with", "ends_with", "is_empty", "is_not_empty"}
	emailOps   = []string{"is", "is_not", "is_any", "contains", "not_contains", "starts_with", "ends_with", "domain"}
	momentOps  = []string{"on", "before", "after", "between", "in_last"}
	listOps    = []string{"is", "is_not"}
	opsOfField = map[string][]string{
		"text":     textOps,
		"number":   {"is", "is_not", "lt", "le", "gt", "ge", "between", "is_empty", "is_not_empty"},
		"boolean":  {"is", "is_not", "is_empty", "is_not_empty"},
		"date":     {"on", "before", "after", "between", "in_last", "in_next", "anniversary", "is_empty", "is_not_empty"},
		"datetime": {"on", "before", "after", "between", "in_last", "in_next", "is_empty", "is_not_empty"},
		"list":     {"contains_any", "contains_all", "contains_none", "is_empty", "is_not_empty"},
	}
	events   = []string{"sent", "opened", "clicked", "not_opened"}
	statuses = []string{"subscribed", "unconfirmed", "unsubscribed", "any"}
	reasons  = []string{"bounce", "complaint", "unsubscribe", "manual"}
	wishes   = []string{"paused", "weekly", "monthly", "no_tracking"}
	hows     = []string{"brought", "touched"}
)

// keysOf says which keys a condition of a type may have beside type.
var keysOf = map[string][]string{
	TypeEmail:      {"op", "value", "values"},
	TypeName:       {"op", "value", "values"},
	TypeField:      {"field", "op", "value", "values", "days"},
	TypeList:       {"op", "list_id", "status"},
	TypeConsent:    {"op", "value", "values", "days", "list_id", "source", "import_id", "form_id"},
	TypeCreated:    {"op", "value", "values", "days"},
	TypeActivity:   {"event", "days", "at_least", "campaign_id", "link"},
	TypeBounce:     {"days"},
	TypeSuppressed: {"reason"},
	TypeWish:       {"wish"},
	TypeImport:     {"import_id", "how"},
	TypeSegment:    {"segment_id"},
}

// group gives the kind of a group and what is in it; kind is "" for a condition.
func (n Node) group() (kind string, children []Node) {
	switch {
	case len(n.All) > 0:
		return "all", n.All
	case len(n.Any) > 0:
		return "any", n.Any
	case len(n.None) > 0:
		return "none", n.None
	}
	return "", nil
}

// withChildren is the group with other children.
func (n Node) withChildren(children []Node) Node {
	switch {
	case len(n.All) > 0:
		n.All = children
	case len(n.Any) > 0:
		n.Any = children
	default:
		n.None = children
	}
	return n
}

// Conditions gives the conditions of a definition in their order.
func (n Node) Conditions() []Node {
	kind, children := n.group()
	if kind == "" {
		return []Node{n}
	}
	var out []Node
	for _, c := range children {
		out = append(out, c.Conditions()...)
	}
	return out
}

// What conditions name beside themselves.
const (
	RefField    = "field"
	RefList     = "list"
	RefCampaign = "campaign"
	RefImport   = "import"
	RefForm     = "form"
	RefSegment  = "segment"
)

// Ref is a thing that a condition names: by its id, a field by its name. At is the JSON pointer of the place.
type Ref struct {
	What string
	ID   int64
	Name string
	At   string
}

// Refs gives all that a definition names, in its order.
func (n Node) Refs() []Ref { return n.refs("") }

func (n Node) refs(at string) []Ref {
	var out []Ref
	kind, children := n.group()
	for i, c := range children {
		out = append(out, c.refs(fmt.Sprintf("%s/%s/%d", at, kind, i))...)
	}
	if n.Field != "" {
		out = append(out, Ref{What: RefField, Name: n.Field, At: at + "/field"})
	}
	for _, r := range []Ref{{What: RefList, ID: n.ListID}, {What: RefCampaign, ID: n.CampaignID}, {What: RefImport, ID: n.ImportID}, {What: RefForm, ID: n.FormID}, {What: RefSegment, ID: n.SegmentID}} {
		if r.ID != 0 {
			r.At = at + "/" + r.What + "_id"
			out = append(out, r)
		}
	}
	return out
}

// JSON gives the canonical form.
func (n Node) JSON() []byte {
	b, err := json.Marshal(n)
	if err != nil {
		panic("a definition that was parsed is always JSON: " + err.Error())
	}
	return b
}
