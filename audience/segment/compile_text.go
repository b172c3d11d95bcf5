package segment

import (
	"slices"
	"strings"

	"postrider/internal/addr"
)

func (b *builder) email(n Node) term {
	if n.Op == "domain" {
		domain := strings.ToLower(strings.TrimPrefix(n.Value.(string), "@"))
		if ascii, err := addr.Domain(domain); err == nil {
			domain = ascii
		}
		return term{expr: "starts_with(reverse(u.email_key), reverse(" + b.arg("@"+domain, "text") + "))"}
	}
	n.Value = emailKey(n.Value)
	n.Values = slices.Clone(n.Values)
	for i, v := range n.Values {
		n.Values[i] = emailKey(v)
	}
	return term{expr: b.text("u.email_key", n)}
}

// emailKey is the form in which addresses are compared; what is none is only put into lower case.
func emailKey(v any) any {
	s, ok := v.(string)
	if !ok {
		return v
	}
	if a, err := addr.Normalize(s); err == nil {
		return a.Key
	}
	return strings.ToLower(s)
}

// text compares a text that is never NULL. Equality is exact, so that an index finds it; all else is asked without regard to capitals.
func (b *builder) text(expr string, n Node) string {
	switch n.Op {
	case "is":
		return "(" + expr + " = " + b.arg(n.Value, "text") + ")"
	case "is_not":
		return "(" + expr + " <> " + b.arg(n.Value, "text") + ")"
	case "is_any":
		return "(" + expr + " = ANY (" + b.arg(texts(n.Values), "text[]") + "))"
	case "contains":
		return "(strpos(lower(" + expr + "), lower(" + b.arg(n.Value, "text") + ")) > 0)"
	case "not_contains":
		return "(strpos(lower(" + expr + "), lower(" + b.arg(n.Value, "text") + ")) = 0)"
	case "starts_with":
		return "starts_with(lower(" + expr + "), lower(" + b.arg(n.Value, "text") + "))"
	case "ends_with":
		return "starts_with(reverse(lower(" + expr + ")), reverse(lower(" + b.arg(n.Value, "text") + ")))"
	case "is_empty":
		return "(" + expr + " = '')"
	}
	return "(" + expr + " <> '')"
}

func texts(values []any) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i], _ = v.(string)
	}
	return out
}
