package templates

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/osteele/liquid"
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

// registerFilters replaces the engine's filters that fail on a missing field, or that can make something huge out of something small.
func registerFilters(e *liquid.Engine) {
	registerGrowing(e)
	e.RegisterFilter("date", dateFilter)
	e.RegisterFilter("abs", func(v any) any { return tidy(math.Abs(toFloat(v))) })
	e.RegisterFilter("ceil", func(v any) any { return tidy(math.Ceil(toFloat(v))) })
	e.RegisterFilter("floor", func(v any) any { return tidy(math.Floor(toFloat(v))) })
	e.RegisterFilter("modulo", func(v, by any) (any, error) {
		if toFloat(by) == 0 {
			return nil, fmt.Errorf("division by zero")
		}
		return tidy(math.Mod(toFloat(v), toFloat(by))), nil
	})
	e.RegisterFilter("round", func(v any, places func(int) int) any {
		exp := math.Pow10(min(max(places(0), 0), 15))
		return tidy(math.Floor(toFloat(v)*exp+0.5) / exp)
	})
	e.RegisterFilter("divided_by", func(v, by any) (any, error) {
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

func registerGrowing(e *liquid.Engine) {
	e.RegisterFilter("append", func(s, suffix string) (string, error) {
		return s + suffix, fits(len(s), len(suffix))
	})
	e.RegisterFilter("prepend", func(s, prefix string) (string, error) {
		return prefix + s, fits(len(s), len(prefix))
	})
	e.RegisterFilter("replace", func(s, old, repl string) (string, error) { return replace(s, old, repl, -1) })
	e.RegisterFilter("replace_first", func(s, old, repl string) (string, error) { return replace(s, old, repl, 1) })
	e.RegisterFilter("concat", func(a, b []any) (any, error) {
		if len(a)+len(b) > maxIterations {
			return nil, errTooBig
		}
		return append(append(make([]any, 0, len(a)+len(b)), a...), b...), nil
	})
	e.RegisterFilter("join", func(a []any, sep func(string) string) (string, error) {
		s := sep(" ")
		if err := fits(sizeOf(a, 0), len(a)*len(s)); err != nil {
			return "", err
		}
		words := make([]string, 0, len(a))
		for _, v := range a {
			if v != nil {
				words = append(words, fmt.Sprint(v))
			}
		}
		return strings.Join(words, s), nil
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
