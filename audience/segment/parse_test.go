package segment

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postrider/internal/errs"
)

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"all":[`, MaxDepth) + `{"type":"created","op":"in_last","days":3}` + strings.Repeat("]}", MaxDepth)
	many := `{"any":[` + strings.TrimSuffix(strings.Repeat(`{"type":"wish","wish":"paused"},`, MaxNodes), ",") + "]}"
	for _, c := range []struct{ what, json, at, text string }{
		{"no JSON", `{`, "definition", "not JSON"},
		{"an array", `[]`, "definition", "must be an object"},
		{"nothing", `{}`, "definition", "neither a group"},
		{"an unknown type", `{"all":[{"type":"sql"}]}`, "definition/all/0/type", `"sql" is no type`},
		{"an unknown key", `{"all":[{"type":"email","op":"is","value":"a","x/y":1}]}`, "definition/all/0/x~1y", `no "x/y"`},
		{"a key of another type", `{"type":"email","op":"is","value":"a","days":1}`, "definition/days", "no \"days\""},
		{"a key twice", `{"type":"email","op":"is","op":"is_not","value":"a"}`, "definition/op", "twice"},
		{"a group with two kinds", `{"all":[{"type":"wish","wish":"paused"}],"any":[]}`, "definition/any", "nothing beside"},
		{"an empty group", `{"all":[{"none":[]}]}`, "definition/all/0/none", "empty"},
		{"a group that is null", `{"any":null}`, "definition/any", "array"},
		{"too deep", deep, "definition" + strings.Repeat("/all/0", MaxDepth), "nested 8 deep"},
		{"too many", many, "definition/any/199", "more than 200"},
		{"too large", `"` + strings.Repeat("x", MaxBytes) + `"`, "definition", "bytes"},
		{"an unknown operator", `{"type":"name","op":"like","value":"%"}`, "definition/op", "one of is, is_not"},
		{"no value", `{"type":"name","op":"is"}`, "definition/value", "needs value"},
		{"a value too many", `{"type":"name","op":"is_empty","value":"a"}`, "definition/value", "takes no value"},
		{"an empty value", `{"type":"name","op":"is","value":""}`, "definition/value", "is_empty"},
		{"a value of another type", `{"type":"email","op":"is","value":3}`, "definition/value", "must be a text"},
		{"a value that is an object", `{"type":"email","op":"is","value":{}}`, "definition/value", "a text, a number"},
		{"one of many wrong", `{"type":"email","op":"is_any","values":["a",null]}`, "definition/values/1", "a text, a number"},
		{"three for between", `{"type":"created","op":"between","values":["2026-01-01","2026-01-02","2026-01-03"]}`, "definition/values", "two values"},
		{"no day", `{"type":"created","op":"on","value":"2026-02-30"}`, "definition/value", "must be a day"},
		{"days out of range", `{"type":"created","op":"in_last","days":36501}`, "definition/days", "from 0 to 36500"},
		{"no days", `{"type":"created","op":"in_last","days":0}`, "definition/days", "from 1"},
		{"days as text", `{"type":"created","op":"in_last","days":"3"}`, "definition/days", "whole number"},
		{"NUL", `{"type":"name","op":"is","value":"a\u0000"}`, "definition/value", "NUL"},
		{"a long text", `{"type":"name","op":"is","value":"` + strings.Repeat("x", MaxText+1) + `"}`, "definition/value", "501 characters"},
		{"a huge number", `{"type":"field","field":"n","op":"is","value":1e999}`, "definition/value", "more than 40 digits"},
		{"a number that is long when it is written out", `{"type":"field","field":"n","op":"is","value":1e40}`, "definition/value", "more than 40 digits"},
		{"a small number", `{"type":"field","field":"n","op":"is","value":-1.5e-39}`, "definition/value", "more than 40 digits"},
		{"nothing, with a huge exponent", `{"type":"field","field":"n","op":"is","value":0e-99999999999999999999}`, "definition/value", "more than 40 digits"},
		{"no list", `{"type":"list"}`, "definition", "list_id"},
		{"a list without a number", `{"type":"list","list_id":0}`, "definition/list_id", "from 1"},
		{"an unknown status", `{"type":"list","list_id":1,"status":"suppressed"}`, "definition/status", "one of subscribed"},
		{"an empty consent", `{"type":"consent"}`, "definition", "what the consent must be"},
		{"days without a comparison", `{"type":"consent","list_id":1,"days":3}`, "definition/op", "how to compare"},
		{"a link without its campaign", `{"type":"activity","event":"clicked","link":1}`, "definition/link", "campaign_id"},
		{"not opened, ever", `{"type":"activity","event":"not_opened"}`, "definition/days", "how many days"},
		{"several mails of one campaign", `{"type":"activity","event":"sent","campaign_id":1,"at_least":2}`, "definition/at_least", "more than one"},
		{"no event", `{"type":"activity"}`, "definition/event", "one of sent"},
	} {
		t.Run(c.what, func(t *testing.T) {
			_, err := Parse([]byte(c.json))
			var e *errs.E
			if !errors.As(err, &e) || e.Kind != errs.Invalid || len(e.Fields) != 1 {
				t.Fatalf("it is %v", err)
			}
			if e.Fields[0].Name != c.at || !strings.Contains(e.Fields[0].Message, c.text) {
				t.Errorf("%s: %s; want %s: …%s…", e.Fields[0].Name, e.Fields[0].Message, c.at, c.text)
			}
		})
	}
}

func TestNumbersOfFortyDigitsPass(t *testing.T) {
	t.Parallel()
	for _, n := range []string{"1e39", "-" + strings.Repeat("9", 40), "0." + strings.Repeat("9", 39), "1.5E-38", "12.5e+2", "0e39"} {
		if _, err := Parse([]byte(`{"type":"field","field":"n","op":"is","value":` + n + `}`)); err != nil {
			t.Errorf("%s: %v", n, err)
		}
	}
}

// TestWhatIsStoredIsReadAgain gives ParseStored what Expand allows and Parse does not.
func TestWhatIsStoredIsReadAgain(t *testing.T) {
	t.Parallel()
	deep := Saved{Node: mustParse(t, strings.Repeat(`{"all":[`, MaxDepth-1)+`{"type":"segment","segment_id":1}`+strings.Repeat("]}", MaxDepth-1))}
	wide := Saved{Node: mustParse(t, `{"any":[`+strings.Repeat(`{"type":"wish","wish":"paused"},`, MaxNodes-2)+`{"type":"segment","segment_id":2}]}`)}
	leaf := Saved{Node: mustParse(t, `{"any":[`+strings.Repeat(`{"type":"wish","wish":"paused"},`, 99)+`{"type":"wish","wish":"paused"}]}`)}
	n, err := Expand(deep.Node, func(id int64) (Saved, bool) { return map[int64]Saved{1: wide, 2: leaf}[id], true })
	if err != nil || len(n.Conditions()) != MaxNodes-2+100 {
		t.Fatalf("%d conditions, %v", len(n.Conditions()), err)
	}
	spaced := strings.ReplaceAll(string(n.JSON()), ",", ","+strings.Repeat(" ", 200))
	if len(spaced) <= MaxBytes {
		t.Fatalf("it has only %d bytes", len(spaced))
	}
	again, err := ParseStored([]byte(spaced))
	if diff := cmp.Diff(n, again); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
}

func TestSentence(t *testing.T) {
	t.Parallel()
	names := Names{Fields: map[string]string{"city": "City"}, Lists: map[int64]string{3: "News"}, Campaigns: map[int64]string{7: "May"}, Segments: map[int64]string{2: "Friends"}}
	for definition, want := range map[string]string{
		`{"all":[{"type":"field","field":"city","op":"is","value":"Berlin"},{"type":"activity","event":"opened","days":30}]}`:                                 "City is Berlin, and opened a mail in the last 30 days",
		`{"any":[{"all":[{"type":"list","list_id":3},{"type":"list","list_id":4,"op":"is_not","status":"any"}]},{"none":[{"type":"wish","wish":"weekly"}]}]}`: "(subscribed to the list “News”, and not on the list 4), or not (wants mail once a week at most)",
		`{"all":[{"any":[{"type":"email","op":"domain","value":"example.org"}]}]}`:                                                                            "The address is at example.org",
		`{"none":[{"type":"segment","segment_id":2},{"type":"suppressed","reason":"bounce"}]}`:                                                                "None of (in the segment “Friends”; the address is suppressed (bounce))",
		`{"type":"activity","event":"not_opened","days":90,"at_least":5}`:                                                                                     "Was sent at least 5 mails in the last 90 days and opened none",
		`{"type":"activity","event":"clicked","campaign_id":7,"link":2}`:                                                                                      "Clicked link 2 of the campaign “May”",
		`{"type":"consent","list_id":3,"source":"form","op":"between","values":["2026-01-01","2026-01-31"]}`:                                                  "Subscribed to the list “News” by form from 2026-01-01 to 2026-01-31",
		`{"type":"field","field":"born","op":"anniversary","days":0}`:                                                                                         "Born has its anniversary today",
		`{"type":"field","field":"tags","op":"contains_any","values":["a","b","c","d","e","f","g"]}`:                                                          "Tags has any of a, b, c, d, e and 2 more",
		`{"type":"field","field":"vip","op":"is","value":true}`:                                                                                               "Vip is yes",
		`{"type":"field","field":"age","op":"between","values":[18,65.5]}`:                                                                                    "Age is from 18 to 65.5",
		`{"type":"bounce","days":1}`: "Mail bounced softly in the last day",
	} {
		n, err := Parse([]byte(definition))
		if err != nil {
			t.Errorf("%s: %v", definition, err)
			continue
		}
		if got := Sentence(n, names); got != want {
			t.Errorf("%s\n got %s\nwant %s", definition, got, want)
		}
	}
}

func TestCanonicalFormIsReadAsItself(t *testing.T) {
	t.Parallel()
	n, err := Parse([]byte(`{ "any": [ {"value": false, "op":"is", "field":"vip", "type":"field"}, {"days":0,"field":"born","type":"field","op":"anniversary"},
		{"type":"activity","at_least":1,"event":"sent"}, {"type":"field","field":"n","op":"is","value":0} ] }`))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"any":[{"type":"field","field":"vip","op":"is","value":false},{"type":"field","field":"born","op":"anniversary","days":0},` +
		`{"type":"activity","event":"sent"},{"type":"field","field":"n","op":"is","value":0}]}`
	if got := string(n.JSON()); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	again, err := Parse(n.JSON())
	if diff := cmp.Diff(n, again); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
}

func TestExpand(t *testing.T) {
	t.Parallel()
	saved := map[int64]Saved{
		1: {"One", mustParse(t, `{"all":[{"type":"segment","segment_id":2},{"type":"wish","wish":"paused"}]}`)},
		2: {"Two", mustParse(t, `{"type":"wish","wish":"weekly"}`)},
		3: {"Three", mustParse(t, `{"any":[{"type":"segment","segment_id":4}]}`)},
		4: {"Four", mustParse(t, `{"any":[{"type":"segment","segment_id":3}]}`)},
	}
	wide := strings.TrimSuffix(strings.Repeat(`{"type":"wish","wish":"paused"},`, MaxNodes-2), ",")
	saved[5] = Saved{"Wide", mustParse(t, `{"all":[`+wide+`]}`)}
	lookup := func(id int64) (Saved, bool) { s, ok := saved[id]; return s, ok }

	n, err := Expand(mustParse(t, `{"none":[{"type":"segment","segment_id":1}]}`), lookup)
	if want := `{"none":[{"all":[{"type":"wish","wish":"weekly"},{"type":"wish","wish":"paused"}]}]}`; err != nil || string(n.JSON()) != want {
		t.Errorf("%s, %v", n.JSON(), err)
	}
	for _, c := range []struct{ definition, at, text string }{
		{`{"any":[{"type":"wish","wish":"paused"},{"type":"segment","segment_id":9}]}`, "definition/any/1/segment_id", "no segment 9"},
		{`{"any":[{"type":"segment","segment_id":3}]}`, "definition/any/0/segment_id", `"Three" uses "Four", and to the first again`},
		{`{"any":[{"type":"segment","segment_id":5},{"type":"segment","segment_id":5},{"type":"segment","segment_id":5}]}`, "definition/any/2/segment_id", "more than 500"},
	} {
		_, err := Expand(mustParse(t, c.definition), lookup)
		var e *errs.E
		if !errors.As(err, &e) || e.Fields[0].Name != c.at || !strings.Contains(e.Fields[0].Message, c.text) {
			t.Errorf("%s: %v", c.definition, err)
		}
	}
}

func mustParse(t testing.TB, definition string) Node {
	t.Helper()
	n, err := Parse([]byte(definition))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
