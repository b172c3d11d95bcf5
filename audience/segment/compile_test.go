package segment

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// hostile are values that would do harm in SQL, JSON, jsonpath or LIKE.
var hostile = []string{`'; DROP TABLE subscribers; --`, `" ? (@ == 1)`, `\`, `%`, `_`, `$1`, `}'::jsonb OR true --`, `a"b`, `ключ`, "\n", `{"a":1}`}

// TestTextIsAFunctionOfTheStructure compiles definitions of one structure with different values, and expects one text.
func TestTextIsAFunctionOfTheStructure(t *testing.T) {
	t.Parallel()
	for seed := range uint64(500) {
		g := &generator{r: rand.New(rand.NewPCG(seed, 1)), harmless: true}
		n := g.node(3)
		fields := map[string]string{}
		for name, typ := range fieldTypes {
			fields[name] = typ
		}
		evil := hostileTwin(n, rand.New(rand.NewPCG(seed, 2)), fields)
		evil = mustParse(t, string(evil.JSON()))
		for _, access := range []Access{ByKey, BySet} {
			a, err := Compile(n, Context{Fields: fields, At: testTime}, access, 3)
			if err != nil {
				t.Fatalf("%s: %v", n.JSON(), err)
			}
			b, err := Compile(evil, Context{Fields: fields, At: testTime.Add(time.Hour)}, access, 3)
			if err != nil {
				t.Fatalf("%s: %v", evil.JSON(), err)
			}
			if a.SQL != b.SQL {
				t.Fatalf("values change the text:\n%s\n%s\n%s\n%s", n.JSON(), a.SQL, evil.JSON(), b.SQL)
			}
			if strings.Contains(b.SQL, "DROP") {
				t.Fatal(b.SQL)
			}
			usesAll(t, b, 3)
		}
	}
}

// hostileTwin is a definition of the same structure, with other values everywhere. It names new fields of the same types, which it adds to fields.
func hostileTwin(n Node, r *rand.Rand, fields map[string]string) Node {
	kind, children := n.group()
	if kind != "" {
		twins := make([]Node, len(children))
		for i, c := range children {
			twins[i] = hostileTwin(c, r, fields)
		}
		return n.withChildren(twins)
	}
	pick := func() string { return hostile[r.IntN(len(hostile))] }
	swap := func(v any) any {
		switch v := v.(type) {
		case string:
			if _, err := time.Parse(time.DateOnly, v); err == nil {
				return "0001-01-01"
			}
			return pick()
		case json.Number:
			return json.Number("-1e-9")
		}
		return false
	}
	if n.Field != "" {
		name := pick() + fields[n.Field]
		fields[name] = fields[n.Field]
		n.Field = name
	}
	if n.Value != nil {
		n.Value = swap(n.Value)
	}
	values := make([]any, len(n.Values))
	for i, v := range n.Values {
		values[i] = swap(v)
	}
	if len(values) > 0 {
		n.Values = values
	}
	if n.Source != "" {
		n.Source = pick()
	}
	return n
}

// usesAll expects each parameter in the text: Postgres refuses one whose type nothing says.
func usesAll(t *testing.T, q Query, first int) {
	t.Helper()
	for i := range q.Args {
		if !strings.Contains(q.SQL, fmt.Sprintf("$%d::", first+i)) {
			t.Fatalf("parameter %d is not used: %s", first+i, q.SQL)
		}
	}
}

func TestCompileChecksFields(t *testing.T) {
	t.Parallel()
	for definition, text := range map[string]string{
		`{"all":[{"type":"field","field":"x","op":"is","value":"a"}]}`:    `definition/all/0/field: there is no field "x"`,
		`{"all":[{"type":"field","field":"city","op":"gt","value":1}]}`:   `definition/all/0/op: the field "city" is of type text`,
		`{"any":[{"type":"field","field":"age","op":"is","value":"18"}]}`: `definition/any/0/value: this must be a number`,
		`{"any":[{"type":"segment","segment_id":1}]}`:                     `cannot be translated`,
	} {
		_, err := Compile(mustParse(t, definition), Context{Fields: fieldTypes}, ByKey, 1)
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", definition, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"all":[{"type":"field","field":"city","op":"is","value":"Berlin"},{"none":[{"type":"activity","event":"opened","days":30}]}]}`))
	f.Add([]byte(`{"any":[{"type":"field","field":"age","op":"between","values":[1,2.5e3]},{"type":"consent","list_id":1,"op":"on","value":"2026-01-31"}]}`))
	f.Add([]byte(`{"type":"segment","segment_id":9223372036854775807}`))
	for seed := range uint64(40) {
		g := &generator{r: rand.New(rand.NewPCG(seed, 3))}
		f.Add(g.node(3).JSON())
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		n, err := Parse(raw)
		if err != nil {
			return
		}
		again, err := Parse(n.JSON())
		if err != nil || string(again.JSON()) != string(n.JSON()) {
			t.Fatalf("the canonical form %s is read as %s (%v)", n.JSON(), again.JSON(), err)
		}
		if Sentence(n, Names{}) == "" {
			t.Fatal("there is no sentence")
		}
		n, err = Expand(n, func(int64) (Saved, bool) { return Saved{Node: Node{Type: TypeWish, Wish: "paused"}}, true })
		if err != nil {
			return
		}
		fields := map[string]string{}
		for i, c := range n.Conditions() {
			if c.Type == TypeField {
				fields[c.Field] = []string{"text", "number", "boolean", "date", "datetime", "list"}[i%6]
			}
		}
		for _, access := range []Access{ByKey, BySet} {
			if q, err := Compile(n, Context{Fields: fields, At: testTime}, access, 1); err == nil {
				usesAll(t, q, 1)
			}
		}
	})
}

func TestAnniversaries(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		today string
		days  int
		want  string
	}{
		{"2026-03-01", 0, "03-01"},
		{"2026-02-27", 2, "02-27 02-28 02-29 03-01"},
		{"2028-02-28", 1, "02-28 02-29"},
		{"2028-02-28", 0, "02-28"},
		{"2026-12-30", 3, "12-30 12-31 01-01 01-02"},
	} {
		today, err := time.Parse(time.DateOnly, c.today)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(anniversaries(today, c.days), " "); got != c.want {
			t.Errorf("%s and %d days: %s, want %s", c.today, c.days, got, c.want)
		}
	}
	if got := anniversaries(testTime, 365); len(got) != 366 {
		t.Errorf("a year has %d days", len(got))
	}
}
