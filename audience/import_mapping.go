package audience

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"postrider/audience/addrcheck"
	"postrider/audience/cell"
	"postrider/internal/errs"
)

// Targets of a column.
const (
	TargetEmail     = "email"
	TargetName      = "name"
	TargetAttribute = "attribute"
	TargetSkip      = "skip"
)

// FlagKind is a reason for which an address is flagged, and DateOrder the order of day, month and year.
type (
	FlagKind  = addrcheck.Kind
	DateOrder = cell.Order
)

// Mapping says what the columns of a file become. Columns that are not named are skipped. Several columns may be the name: their values are joined by
// spaces in the order of the file. Status is that of new subscriptions, StatusSubscribed or StatusUnconfirmed; "" is subscribed. With StatusSubscribed the
// file confirms subscriptions that are unconfirmed; nothing makes an unsubscribed person subscribed again.
//
// The flags say what addresses are looked at for beside their syntax (package addrcheck); nil is true. CheckMX asks DNS whether the domains take mail. Rows with a flag are taken
// and counted, except those of the kinds in RejectFlagged.
type Mapping struct {
	Columns        []ColumnMapping  `json:"columns"`
	Status         string           `json:"status"`
	FlagTypos      *bool            `json:"flag_typos,omitempty"`
	FlagRoles      *bool            `json:"flag_roles,omitempty"`
	FlagDisposable *bool            `json:"flag_disposable,omitempty"`
	CheckMX        bool             `json:"check_mx,omitempty"`
	RejectFlagged  []addrcheck.Kind `json:"reject_flagged,omitempty"`
}

// ColumnMapping is the target of one column. For TargetAttribute: Attribute is the name of the field, "" is made from the column's header; Type is that of a field that
// does not exist yet, "" is text, and a field that exists keeps its own; DateOrder is how dates in numbers are written, for dates and times.
type ColumnMapping struct {
	Index     int        `json:"index"`
	Target    string     `json:"target"`
	Attribute string     `json:"attribute,omitempty"`
	Type      FieldType  `json:"type,omitempty"`
	DateOrder cell.Order `json:"date_order,omitempty"`
}

// AddressLists add to the lists of addrcheck. Its zero value adds nothing.
type AddressLists struct {
	Disposable []string // further domains of throw-away mail
	Fine       []string // domains that are never flagged
}

// ReadAddressLists reads domains, one a line: of throw-away mail, or, with "!" in front, never to be flagged. "#" begins a comment.
func ReadAddressLists(r io.Reader) (AddressLists, error) {
	var l AddressLists
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line, _, _ := strings.Cut(lines.Text(), "#")
		line = strings.TrimSpace(line)
		if fine, ok := strings.CutPrefix(line, "!"); ok {
			l.Fine = append(l.Fine, strings.TrimSpace(fine))
		} else if line != "" {
			l.Disposable = append(l.Disposable, line)
		}
	}
	if err := lines.Err(); err != nil {
		return l, fmt.Errorf("reading the list of domains: %w", err)
	}
	return l, nil
}

// SetAddressLists sets the lists. It is called before the service is used.
func (s *Service) SetAddressLists(l AddressLists) { s.addresses = l }

// AddressChecker finds the flags that a checked mapping asks for, except NoMX.
func (s *Service) AddressChecker(m Mapping) *addrcheck.Checker {
	on := func(b *bool) bool { return b == nil || *b }
	return addrcheck.New(addrcheck.Options{
		Typos: on(m.FlagTypos), Roles: on(m.FlagRoles), Disposable: on(m.FlagDisposable), ExtraDisposable: s.addresses.Disposable, Fine: s.addresses.Fine,
	})
}

// checkMapping is Mapping.check with the fields that exist.
func (s *Service) checkMapping(ctx context.Context, m Mapping, columns []Column) (Mapping, error) {
	fields, err := s.ListFields(ctx)
	if err != nil {
		return m, err
	}
	return m.check(columns, fields)
}

// check completes a mapping of a file with these columns, in the order of the file, or says all that is wrong with it. fields are those that exist.
func (m Mapping) check(columns []Column, fields []Field) (Mapping, error) {
	var f errs.Fields
	switch m.Status {
	case "":
		m.Status = StatusSubscribed
	case StatusSubscribed, StatusUnconfirmed:
	default:
		f.Add("mapping.status", "%q is not possible: an import can make people subscribed or unconfirmed", m.Status)
	}
	for _, kind := range m.RejectFlagged {
		if !kind.Valid() {
			f.Add("mapping.reject_flagged", "%q is no flag: use typo, role, disposable or no_mx", kind)
		}
	}
	m.Columns = slices.Clone(m.Columns)
	slices.SortStableFunc(m.Columns, func(a, b ColumnMapping) int { return a.Index - b.Index })
	used := map[string]int{}
	emails := 0
	for i := range m.Columns {
		c := &m.Columns[i]
		switch {
		case c.Index < 0 || c.Index >= len(columns):
			f.Add("mapping.columns", "there is no column %d: the file has %d columns, counted from 0", c.Index, len(columns))
			continue
		case i > 0 && m.Columns[i-1].Index == c.Index:
			f.Add("mapping.columns", "column %s is mapped twice", columnName(columns, c.Index))
		}
		switch c.Target {
		case TargetEmail:
			emails++
		case TargetAttribute:
			c.nameAttribute(&f, columns, used)
			c.settleType(&f, columns, fields)
			continue
		case TargetName, TargetSkip:
		default:
			f.Add("mapping.columns", "%q is not a target: use email, name, attribute or skip", c.Target)
		}
		c.Attribute, c.Type, c.DateOrder = "", "", cell.Unknown
	}
	switch {
	case emails == 0:
		f.Add("mapping.columns", "no column is mapped to the e-mail address: choose the one that holds the addresses")
	case emails > 1:
		f.Add("mapping.columns", "%d columns are mapped to the e-mail address: choose one", emails)
	}
	return m, f.Err("the mapping is not complete")
}

// nameAttribute settles and checks the name of an attribute; used holds the columns that have one already.
func (c *ColumnMapping) nameAttribute(f *errs.Fields, columns []Column, used map[string]int) {
	if c.Attribute = strings.TrimSpace(c.Attribute); c.Attribute == "" {
		c.Attribute = attributeName(columns[c.Index].Header, c.Index)
	}
	if problem := attributeNameProblem(c.Attribute); problem != "" {
		f.Add("mapping.columns", "the attribute %q of column %s %s", c.Attribute, columnName(columns, c.Index), problem)
	}
	if other, ok := used[c.Attribute]; ok {
		f.Add("mapping.columns", "columns %s and %s are both mapped to the attribute %q", columnName(columns, other), columnName(columns, c.Index), c.Attribute)
	}
	used[c.Attribute] = c.Index
}

// settleType settles the type of an attribute: that of its field when it exists.
func (c *ColumnMapping) settleType(f *errs.Fields, columns []Column, fields []Field) {
	switch {
	case c.Type == "":
		c.Type = FieldText
	case !cell.Type(c.Type).Valid():
		f.Add("mapping.columns", "%q of column %s is no type: use text, number, boolean, date, datetime or list", c.Type, columnName(columns, c.Index))
	}
	if !c.DateOrder.Valid() {
		f.Add("mapping.columns", "%q of column %s is no order of dates: use dmy, mdy or ymd", c.DateOrder, columnName(columns, c.Index))
	}
	for _, field := range fields {
		if field.Name == c.Attribute {
			c.Type = field.Type
		}
	}
	if c.Type != FieldDate && c.Type != FieldDateTime {
		c.DateOrder = cell.Unknown
	}
}

// attributeName makes the name of an attribute from a header: "Date of birth" is "date_of_birth".
func attributeName(header string, index int) string {
	parts := strings.FieldsFunc(strings.ToLower(header), func(r rune) bool { return r == '-' || !attributeRune(r) })
	name := strings.Join(parts, "_")
	for utf8.RuneCountInString(name) > maxAttributeName {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	if name == "" {
		return fmt.Sprintf("column_%d", index+1)
	}
	return name
}

// columnName is how a column is called to people.
func columnName(columns []Column, index int) string {
	if h := columns[index].Header; h != "" {
		return h
	}
	return fmt.Sprintf("column %d", index+1)
}
