package audience

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"postrider/internal/addr"
)

// maxFormValue bounds what one field of a form takes, in characters.
const maxFormValue = 500

// FormValues is what somebody filled in, as it came: nothing of it has been looked at.
type FormValues struct {
	Email   string
	Values  map[string]string // by name of the field
	ListIDs []int64           // those that were chosen; looked at only when the form lets people choose
	Consent bool
}

// FormProblems of what was filled in, by the name of the field: "email", "lists", "consent", or that of a FormField.
type FormProblems map[string]FormProblem

// FormProblem says what is wrong with a field. It is a code, since pages say it in the form's language.
type FormProblem string

// The problems.
const (
	ProblemEmail   FormProblem = "email"   // no address that mail can be sent to
	ProblemMissing FormProblem = "missing" // has to be filled in, ticked or chosen
	ProblemLong    FormProblem = "long"
	ProblemText    FormProblem = "text" // characters that cannot be kept
	ProblemNumber  FormProblem = "number"
	ProblemDate    FormProblem = "date"
	ProblemChoice  FormProblem = "choice" // none of those offered
)

// signUpValues is what is kept of FormValues.
type signUpValues struct {
	address    addr.Address
	name       string
	attributes map[string]any
	listIDs    []int64
}

// read parses what was filled in by the form's own types. Fields that the form does not ask for are passed over.
func (f Form) read(in FormValues) (signUpValues, FormProblems) {
	out, bad := signUpValues{attributes: map[string]any{}, listIDs: f.ListIDs}, FormProblems{}
	var err error
	if out.address, err = addr.Normalize(in.Email); err != nil {
		bad["email"] = ProblemEmail
	}
	if f.ConsentRequired && !in.Consent {
		bad["consent"] = ProblemMissing
	}
	if f.Choose {
		out.listIDs = nil
		for _, id := range f.ListIDs { // in the form's order, each once
			for _, chosen := range in.ListIDs {
				if chosen == id {
					out.listIDs = append(out.listIDs, id)
					break
				}
			}
		}
		if len(out.listIDs) == 0 {
			bad["lists"] = ProblemMissing
		}
	}
	for _, field := range f.Fields {
		v, problem := field.read(in.Values[field.Name])
		switch {
		case problem != "":
			bad[field.Name] = problem
		case v == nil:
		case field.Name == FieldName:
			out.name, _ = v.(string)
		default:
			out.attributes[field.Name] = v
		}
	}
	return out, bad
}

// read gives the value as attributes hold it; nil is nothing filled in.
func (f FormField) read(raw string) (any, FormProblem) {
	switch {
	case !utf8.ValidString(raw):
		return nil, ProblemText
	case utf8.RuneCountInString(raw) > maxFormValue:
		return nil, ProblemLong
	}
	raw = oneLine(raw)
	if f.Type == FieldBoolean {
		yes := raw != "" && raw != "0" && !strings.EqualFold(raw, "false") && !strings.EqualFold(raw, "off") && !strings.EqualFold(raw, "no")
		if f.Required && !yes {
			return nil, ProblemMissing
		}
		return yes, ""
	}
	if raw == "" {
		if f.Required {
			return nil, ProblemMissing
		}
		return nil, ""
	}
	switch f.Type {
	case FieldNumber:
		n, err := strconv.ParseFloat(strings.ReplaceAll(raw, ",", "."), 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) || strings.ContainsAny(raw, "xXpP_") {
			return nil, ProblemNumber
		}
		return n, ""
	case FieldDate:
		day, err := time.Parse(time.DateOnly, raw)
		if err != nil || day.Year() < 1000 {
			return nil, ProblemDate
		}
		return day.Format(time.DateOnly), ""
	}
	return raw, ""
}
