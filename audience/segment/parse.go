package segment

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"postrider/internal/errs"
)

// Parse reads a definition that somebody wrote. Its errors are Invalid with one field, whose name is "definition" and the JSON pointer (RFC 6901) of what is wrong.
func Parse(raw []byte) (Node, error) {
	if len(raw) > MaxBytes {
		return Node{}, wrong("", "this has %d bytes; a definition may have %d at most", len(raw), MaxBytes)
	}
	return parse(raw, MaxNodes, MaxDepth)
}

// ParseStored reads a definition that passed Parse before it was stored, with the segments that it names written out perhaps (Expand). That makes it larger and deeper, and
// jsonb writes it with more bytes than it came with.
func ParseStored(raw []byte) (Node, error) { return parse(raw, MaxExpanded, MaxExpanded) }

func parse(raw []byte, maxNodes, maxDepth int) (Node, error) {
	if !json.Valid(raw) || !utf8.Valid(raw) {
		return Node{}, wrong("", "this is not JSON")
	}
	p := parser{maxNodes: maxNodes, maxDepth: maxDepth}
	n, err := p.node(raw, "", 1)
	if err != nil {
		return Node{}, err
	}
	return n, nil
}

type parser struct{ nodes, maxNodes, maxDepth int }

func wrong(pointer, format string, args ...any) error {
	return errs.InvalidField("definition"+pointer, format, args...)
}

var groupKinds = []string{"all", "any", "none"}

func (p *parser) node(raw json.RawMessage, at string, depth int) (Node, error) {
	if p.nodes++; p.nodes > p.maxNodes {
		return Node{}, wrong(at, "this has more than %d groups and conditions; put some of them into a segment of their own", p.maxNodes)
	}
	if depth > p.maxDepth {
		return Node{}, wrong(at, "groups can be nested %d deep at most", p.maxDepth)
	}
	keys, err := object(raw, at)
	if err != nil {
		return Node{}, err
	}
	for _, kind := range groupKinds {
		if _, ok := keys[kind]; ok {
			return p.group(keys, kind, at, depth)
		}
	}
	return condition(keys, at)
}

// object reads an object, in which a key may stand only once: of two, another reader might take the other.
func object(raw json.RawMessage, at string) (map[string]json.RawMessage, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		return nil, wrong(at, "this must be an object: a group (all, any, none) or a condition")
	}
	keys := map[string]json.RawMessage{}
	for dec.More() {
		tok, err := dec.Token()
		key, ok := tok.(string)
		var value json.RawMessage
		if err != nil || !ok || dec.Decode(&value) != nil {
			return nil, wrong(at, "this is not JSON")
		}
		if _, twice := keys[key]; twice {
			return nil, wrong(pointer(at, key), "this key stands here twice")
		}
		keys[key] = value
	}
	return keys, nil
}

// pointer adds a key to a JSON pointer.
func pointer(at, key string) string {
	return at + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
}

func (p *parser) group(keys map[string]json.RawMessage, kind, at string, depth int) (Node, error) {
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if key != kind {
			return Node{}, wrong(pointer(at, key), "a group has nothing beside %q", kind)
		}
	}
	at = pointer(at, kind)
	var raws []json.RawMessage
	if err := json.Unmarshal(keys[kind], &raws); err != nil || raws == nil {
		return Node{}, wrong(at, "this must be an array of groups and conditions")
	}
	if len(raws) == 0 {
		return Node{}, wrong(at, "this group is empty; add a condition or take it out")
	}
	var children []Node
	for i, raw := range raws {
		child, err := p.node(raw, at+"/"+strconv.Itoa(i), depth+1)
		if err != nil {
			return Node{}, err
		}
		children = append(children, child)
	}
	switch kind {
	case "all":
		return Node{All: children}, nil
	case "any":
		return Node{Any: children}, nil
	}
	return Node{None: children}, nil
}

func condition(keys map[string]json.RawMessage, at string) (Node, error) {
	var n Node
	if err := readString(keys, "type", at, &n.Type); err != nil {
		return n, err
	}
	allowed, ok := keysOf[n.Type]
	if !ok {
		if n.Type == "" {
			return n, wrong(at, "this is neither a group (all, any, none) nor a condition with a type")
		}
		return n, wrong(pointer(at, "type"), "%s is no type of condition; there are %s", quote(n.Type), strings.Join(slices.Sorted(maps.Keys(keysOf)), ", "))
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if key != "type" && !slices.Contains(allowed, key) {
			return n, wrong(pointer(at, key), "a condition of type %s has no %s; it has %s", n.Type, quote(key), strings.Join(allowed, ", "))
		}
	}
	if err := n.read(keys, at); err != nil {
		return n, err
	}
	return n, n.check(at)
}

func (n *Node) read(keys map[string]json.RawMessage, at string) error {
	for key, to := range map[string]*string{"field": &n.Field, "event": &n.Event, "op": &n.Op, "status": &n.Status, "source": &n.Source, "reason": &n.Reason, "wish": &n.Wish, "how": &n.How} {
		if err := readString(keys, key, at, to); err != nil {
			return err
		}
	}
	for key, to := range map[string]*int64{"list_id": &n.ListID, "campaign_id": &n.CampaignID, "link": &n.Link, "import_id": &n.ImportID, "form_id": &n.FormID, "segment_id": &n.SegmentID} {
		limit := int64(math.MaxInt64)
		if key == "link" {
			limit = math.MaxInt32
		}
		if err := readInt(keys, key, at, 1, limit, to); err != nil {
			return err
		}
	}
	var days, least int64 = -1, 0
	if err := readInt(keys, "days", at, 0, maxDays, &days); err != nil {
		return err
	}
	if days >= 0 {
		d := int(days)
		n.Days = &d
	}
	if err := readInt(keys, "at_least", at, 1, maxCount, &least); err != nil {
		return err
	}
	if least > 1 {
		n.AtLeast = int(least)
	}
	return n.readValues(keys, at)
}

func (n *Node) readValues(keys map[string]json.RawMessage, at string) (err error) {
	if raw, ok := keys["value"]; ok {
		if n.Value, err = scalar(raw, pointer(at, "value")); err != nil {
			return err
		}
	}
	raw, ok := keys["values"]
	if !ok {
		return nil
	}
	at = pointer(at, "values")
	var raws []json.RawMessage
	if err := json.Unmarshal(raw, &raws); err != nil || len(raws) == 0 {
		return wrong(at, "this must be an array with at least one value")
	}
	if len(raws) > MaxValues {
		return wrong(at, "these are %d values; %d are allowed", len(raws), MaxValues)
	}
	for i, raw := range raws {
		v, err := scalar(raw, at+"/"+strconv.Itoa(i))
		if err != nil {
			return err
		}
		n.Values = append(n.Values, v)
	}
	return nil
}

func readString(keys map[string]json.RawMessage, key, at string, to *string) error {
	raw, ok := keys[key]
	if !ok {
		return nil
	}
	v, err := scalar(raw, pointer(at, key))
	if err != nil {
		return err
	}
	s, ok := v.(string)
	if !ok || s == "" {
		return wrong(pointer(at, key), "this must be a text")
	}
	*to = s
	return nil
}

func readInt(keys map[string]json.RawMessage, key, at string, low, high int64, to *int64) error {
	raw, ok := keys[key]
	if !ok {
		return nil
	}
	v, err := strconv.ParseInt(string(bytes.TrimSpace(raw)), 10, 64)
	if err != nil || v < low || v > high {
		if high == math.MaxInt64 {
			return wrong(pointer(at, key), "this must be a whole number from %d", low)
		}
		return wrong(pointer(at, key), "this must be a whole number from %d to %d", low, high)
	}
	*to = v
	return nil
}

// scalar reads a text, a number or a truth value. Numbers are kept as they are written, since not all of them are floating-point numbers.
func scalar(raw json.RawMessage, at string) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, wrong(at, "this is not JSON")
	}
	switch v := v.(type) {
	case string:
		if utf8.RuneCountInString(v) > MaxText {
			return nil, wrong(at, "this has %d characters; %d are allowed", utf8.RuneCountInString(v), MaxText)
		}
		if strings.ContainsRune(v, 0) {
			return nil, wrong(at, "no text has this character (NUL) in it")
		}
		return v, nil
	case json.Number:
		if plainDigits(v) > maxDigits {
			return nil, wrong(at, "this number has more than %d digits when it is written out", maxDigits)
		}
		return v, nil
	case bool:
		return v, nil
	}
	return nil, wrong(at, "this must be a text, a number, true or false")
}

// plainDigits is how many digits a number has when it is written without an exponent, as jsonb does.
func plainDigits(n json.Number) int {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(n.String()), "e")
	shift := 0
	if exponent != "" {
		var err error
		if shift, err = strconv.Atoi(exponent); err != nil || shift > maxDigits || shift < -maxDigits {
			return math.MaxInt
		}
	}
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(mantissa, "-"), ".")
	return max(1, len(whole)+shift) + max(0, len(fraction)-shift)
}

func quote(s string) string {
	if utf8.RuneCountInString(s) > 60 {
		s = string([]rune(s)[:60]) + "…"
	}
	return strconv.Quote(s)
}

// check looks at a condition as a whole, as far as that is possible without knowing the types of fields.
func (n Node) check(at string) error {
	switch n.Type {
	case TypeEmail, TypeName, TypeCreated:
		return n.checkOp(at, map[string][]string{TypeEmail: emailOps, TypeName: textOps, TypeCreated: momentOps}[n.Type], true)
	case TypeField:
		if n.Field == "" {
			return wrong(at, "say which field this is about")
		}
		return n.checkOp(at, slices.Sorted(maps.Keys(operands)), true)
	case TypeList:
		if n.ListID == 0 {
			return wrong(at, "say which list this is about: list_id")
		}
		if err := oneOf(pointer(at, "status"), n.Status, statuses, false); err != nil {
			return err
		}
		return oneOf(pointer(at, "op"), n.Op, listOps, false)
	case TypeConsent:
		if n.ListID == 0 && n.ImportID == 0 && n.FormID == 0 && n.Source == "" && n.Op == "" {
			return wrong(at, "say what the consent must be: its date, list, source, import or form")
		}
		return n.checkOp(at, momentOps, false)
	case TypeActivity:
		return n.checkActivity(at)
	case TypeBounce:
		if n.Days != nil && *n.Days == 0 {
			return wrong(pointer(at, "days"), "this must be a whole number from 1 to %d", maxDays)
		}
		return nil
	case TypeSuppressed:
		return oneOf(pointer(at, "reason"), n.Reason, reasons, false)
	case TypeWish:
		return oneOf(pointer(at, "wish"), n.Wish, wishes, true)
	case TypeImport:
		if n.ImportID == 0 {
			return wrong(at, "say which import this is about: import_id")
		}
		return oneOf(pointer(at, "how"), n.How, hows, true)
	}
	if n.SegmentID == 0 {
		return wrong(at, "say which segment this is about: segment_id")
	}
	return nil
}

func (n Node) checkActivity(at string) error {
	if err := oneOf(pointer(at, "event"), n.Event, events, true); err != nil {
		return err
	}
	if n.Days != nil && *n.Days == 0 {
		return wrong(pointer(at, "days"), "this must be a whole number from 1 to %d", maxDays)
	}
	if n.Link != 0 && (n.Event != "clicked" || n.CampaignID == 0) {
		return wrong(pointer(at, "link"), "a link goes with clicks in one campaign: give campaign_id, and clicked as event")
	}
	if n.CampaignID != 0 && n.AtLeast > 1 {
		return wrong(pointer(at, "at_least"), "of one campaign nobody gets more than one mail; leave this or campaign_id out")
	}
	if n.Event == "not_opened" && n.Days == nil && n.CampaignID == 0 {
		return wrong(pointer(at, "days"), "say in how many days, or which campaign")
	}
	return nil
}

func oneOf(at, v string, of []string, required bool) error {
	if v == "" && !required || slices.Contains(of, v) {
		return nil
	}
	return wrong(at, "this must be one of %s", strings.Join(of, ", "))
}

// checkOp looks whether an operator is one of those and has what it takes.
func (n Node) checkOp(at string, ops []string, required bool) error {
	if n.Op == "" && !required {
		if n.Value != nil || n.Values != nil || n.Days != nil {
			return wrong(pointer(at, "op"), "say how to compare: %s", strings.Join(ops, ", "))
		}
		return nil
	}
	if err := oneOf(pointer(at, "op"), n.Op, ops, true); err != nil {
		return err
	}
	takes := operands[n.Op]
	for _, o := range []struct {
		key   string
		given bool
		takes bool
	}{
		{"value", n.Value != nil, takes == oneValue}, {"values", n.Values != nil, takes == manyValues || takes == twoValues}, {"days", n.Days != nil, takes == someDays},
	} {
		switch {
		case o.given && !o.takes:
			return wrong(pointer(at, o.key), "%s takes no %s", n.Op, o.key)
		case o.takes && !o.given:
			return wrong(pointer(at, o.key), "%s needs %s", n.Op, o.key)
		}
	}
	if takes == twoValues && len(n.Values) != 2 {
		return wrong(pointer(at, "values"), "between needs two values")
	}
	if takes == someDays && *n.Days == 0 && n.Op != "anniversary" {
		return wrong(pointer(at, "days"), "this must be a whole number from 1 to %d", maxDays)
	}
	if n.Op == "anniversary" && *n.Days > 365 {
		return wrong(pointer(at, "days"), "this must be a whole number from 0 to 365")
	}
	return n.checkValues(at, map[string]string{TypeEmail: "text", TypeName: "text", TypeCreated: "date", TypeConsent: "date"}[n.Type])
}

// checkValues looks whether the values are of a field's type; "" takes any.
func (n Node) checkValues(at, fieldType string) error {
	if n.Value != nil {
		if err := checkValue(pointer(at, "value"), fieldType, n.Value); err != nil {
			return err
		}
	}
	for i, v := range n.Values {
		if err := checkValue(fmt.Sprintf("%s/values/%d", at, i), fieldType, v); err != nil {
			return err
		}
	}
	return nil
}

func checkValue(at, fieldType string, v any) error {
	switch fieldType {
	case "text", "list":
		if s, ok := v.(string); !ok || s == "" {
			return wrong(at, "this must be a text; to look for nothing, use is_empty")
		}
	case "number":
		if _, ok := v.(json.Number); !ok {
			return wrong(at, "this must be a number")
		}
	case "boolean":
		if _, ok := v.(bool); !ok {
			return wrong(at, "this must be true or false")
		}
	case "date", "datetime":
		s, _ := v.(string)
		if _, err := time.Parse(time.DateOnly, s); err != nil {
			return wrong(at, "this must be a day, such as 2026-03-31")
		}
	}
	return nil
}
