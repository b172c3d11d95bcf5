package audience

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postrider/internal/errs"
)

func TestFormsAreChecked(t *testing.T) {
	t.Parallel()
	b := signSetup(t)
	list := b.list("News")
	_, err := b.pool.Exec(b.ctx, `INSERT INTO fields (name, type) VALUES ('tags', 'list')`)
	if err != nil {
		t.Fatal(err)
	}
	good := FormInput{Name: "F", ListIDs: []int64{list}, Enabled: true}
	for name, tc := range map[string]struct {
		change func(*FormInput)
		field  string
	}{
		"no name":              {func(in *FormInput) { in.Name = " " }, "name"},
		"no list":              {func(in *FormInput) { in.ListIDs = nil }, "list_ids"},
		"a list twice":         {func(in *FormInput) { in.ListIDs = []int64{list, list} }, "list_ids"},
		"a list that is none":  {func(in *FormInput) { in.ListIDs = []int64{list + 99} }, "list_ids"},
		"a script":             {func(in *FormInput) { in.RedirectURL = "javascript:alert(1)" }, "redirect_url"},
		"a relative way":       {func(in *FormInput) { in.RedirectURL = "//example.org" }, "redirect_url"},
		"a policy":             {func(in *FormInput) { in.RedirectURL = "https://a.example;script-src*/x" }, "redirect_url"},
		"a password":           {func(in *FormInput) { in.RedirectURL = "https://user:pw@example.org/" }, "redirect_url"},
		"an origin with path":  {func(in *FormInput) { in.AllowedOrigins = []string{"https://example.org/x"} }, "allowed_origins[0]"},
		"an origin and more":   {func(in *FormInput) { in.AllowedOrigins = []string{"https://a;b"} }, "allowed_origins[0]"},
		"every origin":         {func(in *FormInput) { in.AllowedOrigins = []string{"*"} }, "allowed_origins[0]"},
		"an unknown field":     {func(in *FormInput) { in.Fields = []FormField{{Name: "nothing"}} }, "fields[0].name"},
		"a field of that type": {func(in *FormInput) { in.Fields = []FormField{{Name: "tags"}} }, "fields[0].name"},
		"a field twice":        {func(in *FormInput) { in.Fields = []FormField{{Name: "name"}, {Name: "name"}} }, "fields[1].name"},
		"a language":           {func(in *FormInput) { in.Language = "xx" }, "language"},
	} {
		in := good
		tc.change(&in)
		_, err := b.CreateForm(b.ctx, in)
		var e *errs.E
		if !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if e, _ = err.(*errs.E); e == nil || e.Fields[0].Name != tc.field { //nolint:errorlint // as it is made
			t.Errorf("%s: %+v", name, e)
		}
	}
	good.AllowedOrigins = []string{"HTTPS://WWW.Example.org:8443/", "https://www.example.org:8443"}
	f := must[Form](t)(b.CreateForm(b.ctx, good))
	if diff := cmp.Diff([]string{"https://www.example.org:8443"}, f.AllowedOrigins); diff != "" {
		t.Error(diff)
	}
	if _, err := b.CreateForm(b.ctx, good); !errs.Is(err, errs.Conflict) {
		t.Errorf("the name twice: %v", err)
	}
	if got := must[Form](t)(b.FindForm(b.ctx, f.Slug)); got.ID != f.ID {
		t.Error("not found by its address")
	}
}

func TestWhatIsFilledInIsParsed(t *testing.T) {
	t.Parallel()
	f := Form{FormInput: FormInput{ConsentRequired: true, Choose: true, ListIDs: []int64{1, 2}, Fields: []FormField{
		{Name: "name", Type: FieldText, Required: true}, {Name: "n", Type: FieldNumber}, {Name: "d", Type: FieldDate}, {Name: "b", Type: FieldBoolean, Required: true}}}}
	v, bad := f.read(FormValues{Email: "a@example.org", Consent: true, ListIDs: []int64{2, 7, 2}, Values: map[string]string{
		"name": " Ann\r\nBcc: x@example.org ", "n": "1,5", "d": "2024-02-29", "b": "on", "admin": "yes"}})
	if diff := cmp.Diff(map[string]any{"n": 1.5, "d": "2024-02-29", "b": true}, v.attributes); diff != "" || len(bad) > 0 || v.name != "Ann Bcc: x@example.org" || !slices.Equal(v.listIDs, []int64{2}) {
		t.Errorf("%s %v %+v", diff, bad, v)
	}
	_, bad = f.read(FormValues{Email: "a@b@c", ListIDs: []int64{7}, Values: map[string]string{"name": "\xff", "n": "0x10", "d": "2023-02-29", "b": "false"}})
	want := FormProblems{"email": ProblemEmail, "consent": ProblemMissing, "lists": ProblemMissing, "name": ProblemText, "n": ProblemNumber, "d": ProblemDate, "b": ProblemMissing}
	if diff := cmp.Diff(want, bad); diff != "" {
		t.Error(diff)
	}
	for _, n := range []string{"NaN", "Inf", "1e999", "12a", "1_000"} {
		if _, p := (FormField{Type: FieldNumber}).read(n); p != ProblemNumber {
			t.Errorf("%s is a number", n)
		}
	}
	if _, p := (FormField{Type: FieldText}).read(strings.Repeat("ä", maxFormValue+1)); p != ProblemLong {
		t.Errorf("a long text: %q", p)
	}
}

func FuzzFormValues(f *testing.F) {
	f.Add("a@example.org", "text", "1.5", "2024-01-31")
	f.Add("a\r\nBcc: b@example.org", "\x00", "NaN", "0000-00-00")
	form := Form{FormInput: FormInput{ListIDs: []int64{1}, Fields: []FormField{{Name: "t", Type: FieldText}, {Name: "n", Type: FieldNumber}, {Name: "d", Type: FieldDate}, {Name: "name", Type: FieldText}}}}
	f.Fuzz(func(t *testing.T, email, text, number, date string) {
		v, bad := form.read(FormValues{Email: email, Values: map[string]string{"t": text, "n": number, "d": date, "name": text}})
		if len(bad) > 0 {
			return
		}
		raw, err := json.Marshal(v.attributes)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{v.name, v.address.Display, v.address.Key} {
			if strings.ContainsAny(s, "\r\n\x00") {
				t.Errorf("%q can end a line", s)
			}
		}
		if strings.Contains(string(raw), `\u0000`) || len(raw) > 20_000 {
			t.Errorf("not bounded: %q", raw)
		}
	})
}

// TestFieldsThatChangedAreNotAsked: a form was made for fields as they were, and somebody had filled it in.
func TestFieldsThatChangedAreNotAsked(t *testing.T) {
	t.Parallel()
	b := signSetup(t)
	for name, kind := range map[string]FieldType{"age": FieldNumber, "city": FieldText, "code": FieldText, "since": FieldDate, "kept": FieldText} {
		must[Field](t)(b.CreateField(b.ctx, name, "", kind))
	}
	f := b.form([]int64{b.doubleList("News")}, func(in *FormInput) {
		in.Fields = []FormField{{Name: "name"}, {Name: "age"}, {Name: "city"}, {Name: "code"}, {Name: "since"}, {Name: "kept"}}
	})
	id := b.send(f, "ann@example.org", "name", "Ann", "age", "42", "city", "Bonn", "code", "x", "since", "2024-02-29", "kept", "yes")
	for _, sql := range []string{
		`DELETE FROM fields WHERE name = 'age'`, `UPDATE fields SET type = 'number' WHERE name = 'city'`, `UPDATE fields SET type = 'date' WHERE name = 'code'`,
		`UPDATE fields SET pending = 'deleting' WHERE name = 'since'`,
	} {
		if _, err := b.pool.Exec(b.ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	var asked []string
	for _, field := range must[Form](t)(b.FindForm(b.ctx, f.Slug)).Fields {
		asked = append(asked, field.Name)
	}
	if d := cmp.Diff([]string{"name", "kept"}, asked); d != "" {
		t.Error(d)
	}
	b.confirm(id)
	who := must[Subscriber](t)(b.FindSubscriber(b.ctx, "ann@example.org"))
	if d := cmp.Diff(map[string]any{"kept": "yes"}, who.Attributes); d != "" || who.Name != "Ann" {
		t.Errorf("%s, %q", d, who.Name)
	}
}
