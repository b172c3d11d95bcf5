package feed

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postrider/internal/errs"
)

func TestParseJSON(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]map[string]any{
		`{"a":1,"big":9007199254740993,"f":0.10,"s":"<b>","n":null,"b":true,"o":{"x":[1,{"y":2}]}}`: {
			"a": int64(1), "big": int64(9007199254740993), "f": json.Number("0.10"), "s": "<b>", "n": nil, "b": true, "o": map[string]any{"x": []any{int64(1), map[string]any{"y": int64(2)}}},
		},
		`[1,2]`:                       {"items": []any{int64(1), int64(2)}},
		`"x"`:                         {"value": "x"},
		"\ufeff{}":                    {},
		`{"a":1,"a":2}`:               {"a": int64(2)},
		`{"":1,"n":"a\u0000b"}`:       {"n": "a\uFFFDb"},
		`{"n":123456789012345678901}`: {"n": json.Number("123456789012345678901")},
	} {
		got, err := ParseJSON([]byte(body))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", body, err, diff)
		}
	}
}

func TestHostileJSON(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body string
		kind errs.Kind
		want string
	}{
		"empty":         {"", errs.Invalid, "not JSON"},
		"cut off":       {`{"a":[1,`, errs.Invalid, "breaks off"},
		"HTML":          {"<html>", errs.Invalid, "at byte"},
		"two":           {`{} {}`, errs.Invalid, "goes on"},
		"deep":          {strings.Repeat("[", 1_000_000), errs.Invalid, "more than 32 deep"},
		"many":          {"[" + strings.Repeat("1,", 100_000) + "1]", errs.TooLarge, "more than 50000"},
		"a long text":   {`"` + strings.Repeat("a", 300<<10) + `"`, errs.TooLarge, "256 kB"},
		"a long number": {strings.Repeat("1", 5000), errs.Invalid, "5000 digits"},
		"large":         {strings.Repeat(" ", MaxBody+1), errs.TooLarge, "5 MB"},
	} {
		_, err := ParseJSON([]byte(tc.body))
		if !errs.Is(err, tc.kind) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5e3,null,"x"]}`, `[[[[]]]]`, `{"a":{"b":{}}}`, "\xff", `1e400`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := ParseJSON(body)
		if err == nil && m == nil {
			t.Error("nothing, and no error")
		}
		if err != nil && !errs.Is(err, errs.Invalid) && !errs.Is(err, errs.TooLarge) {
			t.Error(err)
		}
	})
}
