package templates

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/osteele/liquid/filters"
	"github.com/osteele/liquid/values"
	"github.com/osteele/tuesday"
)

// knownFilters are the filters an author can use.
var knownFilters = func() map[string]bool {
	m := map[string]bool{}
	for _, name := range strings.Fields(`abs append at_least at_most capitalize ceil compact concat date default divided_by downcase escape
		escape_once first floor handle handleize join json last lstrip map minus modulo newline_to_br pluralize plus prepend remove
		remove_first remove_last replace replace_first replace_last reverse round rstrip safe size slice sort sort_natural split strip
		strip_html strip_newlines sum times truncate truncatewords uniq upcase url_decode url_encode where`) {
		m[name] = true
	}
	return m
}()

// filterSet are filters by name.
type filterSet map[string]any

// AddFilter makes a filterSet what the engine puts its standard filters into.
func (s filterSet) AddFilter(name string, filter any) { s[name] = filter }

// boundedFilters are the filters for every engine: the standard ones and ours in their place, each held to what a value may be.
var boundedFilters = sync.OnceValue(func() filterSet {
	all := filterSet{}
	filters.AddStandardFilters(all)
	all.addForgiving()
	all.addGrowing()
	known := filterSet{}
	for name, filter := range all {
		if knownFilters[name] {
			known[name] = bounded(filter)
		}
	}
	return known
})

var (
	anyType   = reflect.TypeFor[any]()
	errorType = reflect.TypeFor[error]()
)

// bounded is a filter that fails when it makes something longer than a value may be: whatever a chain of filters does, each step begins with something short. What was longer before
// it (an article of a feed) may pass, or nothing could make it shorter. To a filter on texts, HTML that is safe is a text.
func bounded(filter any) any {
	f := reflect.ValueOf(filter)
	t := f.Type()
	in := make([]reflect.Type, t.NumIn())
	for i := range in {
		if in[i] = t.In(i); in[i].Kind() == reflect.String {
			in[i] = anyType
		}
	}
	call := f.Call
	if t.IsVariadic() {
		call = f.CallSlice
	}
	return reflect.MakeFunc(reflect.FuncOf(in, []reflect.Type{anyType, errorType}, t.IsVariadic()), func(args []reflect.Value) []reflect.Value {
		for i := range args {
			args[i] = textArgument(args[i], t.In(i))
		}
		results := call(args)
		value, err := reflect.New(anyType).Elem(), reflect.New(errorType).Elem()
		if v := results[0].Interface(); v != nil {
			value.Set(reflect.ValueOf(v))
		}
		switch {
		case len(results) > 1 && !results[1].IsNil():
			err.Set(results[1])
		case grown(value.Interface(), args):
			value, err = reflect.Zero(anyType), reflect.ValueOf(&errTooBig).Elem()
		}
		return []reflect.Value{value, err}
	}).Interface()
}

// textArgument is an argument as a filter takes it: all but texts was made so by the engine.
func textArgument(v reflect.Value, t reflect.Type) reflect.Value {
	if t.Kind() != reflect.String {
		return v
	}
	arg := v.Interface()
	if safe, ok := arg.(values.SafeValue); ok {
		arg = safe.Value
	}
	if arg == nil {
		return reflect.Zero(t)
	}
	return reflect.ValueOf(values.MustConvert(arg, t))
}

// grown reports whether a result is longer than a value may be, and than each that it was made of.
func grown(result any, args []reflect.Value) bool {
	if sizeOf(result, maxValue) <= maxValue {
		return false
	}
	longest := 0
	for _, a := range args {
		if a.Kind() != reflect.Func {
			longest = max(longest, sizeOf(a.Interface(), math.MaxInt))
		}
	}
	return sizeOf(result, longest) > longest
}

// addForgiving replaces the filters that fail on a missing field.
func (s filterSet) addForgiving() {
	s.AddFilter("date", dateFilter)
	s.AddFilter("abs", func(v any) any { return tidy(math.Abs(toFloat(v))) })
	s.AddFilter("ceil", func(v any) any { return tidy(math.Ceil(toFloat(v))) })
	s.AddFilter("floor", func(v any) any { return tidy(math.Floor(toFloat(v))) })
	s.AddFilter("modulo", func(v, by any) (any, error) {
		if toFloat(by) == 0 {
			return nil, fmt.Errorf("division by zero")
		}
		return tidy(math.Mod(toFloat(v), toFloat(by))), nil
	})
	s.AddFilter("round", func(v any, places func(int) int) any {
		exp := math.Pow10(min(max(places(0), 0), 15))
		return tidy(math.Floor(toFloat(v)*exp+0.5) / exp)
	})
	s.AddFilter("divided_by", func(v, by any) (any, error) {
		a, b := toFloat(v), toFloat(by)
		if b == 0 {
			return nil, fmt.Errorf("division by zero")
		}
		if _, isInt := by.(int); isInt || isWholeString(by) {
			return int(math.Floor(a / b)), nil
		}
		return tidy(a / b), nil
	})
}

// addGrowing replaces the filters that can make something huge out of something short: they look before they make it.
func (s filterSet) addGrowing() {
	s.AddFilter("append", func(s, suffix string) (string, error) {
		return s + suffix, fits(len(s), len(suffix))
	})
	s.AddFilter("prepend", func(s, prefix string) (string, error) {
		return prefix + s, fits(len(s), len(prefix))
	})
	s.AddFilter("replace", func(s, old, repl string) (string, error) { return replace(s, old, repl, -1) })
	s.AddFilter("replace_first", func(s, old, repl string) (string, error) { return replace(s, old, repl, 1) })
	s.AddFilter("concat", func(a, b []any) (any, error) {
		if len(a)+len(b) > maxIterations {
			return nil, errTooBig
		}
		if err := fits(sizeOf(a, maxValue), sizeOf(b, maxValue)); err != nil {
			return nil, err
		}
		return append(append(make([]any, 0, len(a)+len(b)), a...), b...), nil
	})
	s.AddFilter("join", func(a []any, sep func(string) string) (string, error) {
		glue := sep(" ")
		if err := fits(sizeOf(a, maxValue), len(a)*len(glue)); err != nil {
			return "", err
		}
		words := make([]string, 0, len(a))
		for _, v := range a {
			if v != nil {
				words = append(words, fmt.Sprint(v))
			}
		}
		return strings.Join(words, glue), nil
	})
	s.AddFilter("json", func(v any) (string, error) {
		if safe, ok := v.(values.SafeValue); ok {
			v = safe.Value
		}
		if err := fits(sizeOf(v, maxValue)); err != nil {
			return "", err
		}
		b, err := json.Marshal(v)
		if err != nil {
			return "", nil // a number that JSON has no word for
		}
		return string(b), nil
	})
}

func fits(sizes ...int) error {
	n := 0
	for _, s := range sizes {
		n += s
	}
	if n > maxValue {
		return errTooBig
	}
	return nil
}

func replace(s, old, repl string, n int) (string, error) {
	count := strings.Count(s, old)
	if n >= 0 {
		count = min(count, n)
	}
	if err := fits(len(s), count*max(0, len(repl)-len(old))); err != nil {
		return "", err
	}
	return strings.Replace(s, old, repl, n), nil
}

// toFloat reads a number as Liquid does: a missing one, and text that is none, is 0.
func toFloat(v any) float64 {
	switch v := v.(type) {
	case nil:
		return 0
	case float64:
		return v
	case string:
		f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return 0
		}
		return f
	}
	if rv := reflect.ValueOf(v); rv.CanInt() {
		return float64(rv.Int())
	}
	return 0
}

func isWholeString(v any) bool {
	s, ok := v.(string)
	if !ok {
		return false
	}
	_, err := strconv.ParseInt(s, 10, 64)
	return err == nil
}

// tidy makes whole numbers ints, so that they show without exponents and can be loop bounds.
func tidy(f float64) any {
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return int(f)
	}
	return f
}

// dateFilter formats a date. A missing or empty one stays empty, and text that is no date stays as it is.
func dateFilter(v any, format func(string) string) (any, error) {
	if s, isString := v.(string); v == nil || isString && strings.TrimSpace(s) == "" {
		return "", nil
	}
	f := format("%a, %b %d, %y")
	if wideField(f) {
		return nil, fmt.Errorf("the format %.40q pads too far", f)
	}
	t, err := values.Convert(v, reflect.TypeFor[time.Time]())
	if err != nil {
		return v, nil
	}
	return tuesday.Strftime(f, t.(time.Time))
}

// wideField finds a padding of three digits or more (%9999999Y): it would be made in memory.
func wideField(format string) bool {
	digits, after := 0, false
	for i := 0; i < len(format); i++ {
		switch c := format[i]; {
		case c == '%':
			after, digits = true, 0
		case after && c >= '0' && c <= '9':
			if digits++; digits > 2 {
				return true
			}
		case after && (c == '-' || c == '_' || c == '^' || c == '#' || c == ':'):
		default:
			after = false
		}
	}
	return false
}

// cleanMessage says what the engine found wrong without names that only our guards use.
func cleanMessage(err error) string {
	msg := err.Error()
	for _, name := range []string{"_meter_unsubscribe", "_meter", "_keep", "_turn"} {
		if inner, ok := strings.CutPrefix(msg, `error applying filter "`+name+`" (`); ok {
			if s, uerr := strconv.Unquote(strings.TrimSuffix(inner, ")")); uerr == nil {
				return s
			}
		}
	}
	return msg
}
