package audience

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postrider/internal/errs"
)

// fieldNames are the wrong fields of an Invalid or Conflict error.
func fieldNames(err error) []string {
	var out []string
	for _, f := range fieldsOf(err) {
		out = append(out, f.Name)
	}
	slices.Sort(out)
	return out
}

func fieldsOf(err error) []errs.Field {
	if e, ok := err.(*errs.E); ok {
		return e.Fields
	}
	return nil
}

// runFields runs the jobs for fields that were put in.
func (b *bundle) runFields() {
	b.t.Helper()
	for _, job := range b.queued.jobs {
		if f, ok := job.(FieldArgs); ok {
			if ended := must[bool](b.t)(b.changeField(b.ctx, f.Name, time.Hour)); !ended {
				b.t.Fatal("the job did not end")
			}
		}
	}
	b.queued.jobs = nil
}

func (b *bundle) attributesOf(id int64) string {
	b.t.Helper()
	var out string
	if err := b.pool.QueryRow(b.ctx, `SELECT attributes::text FROM subscribers WHERE id = $1`, id).Scan(&out); err != nil {
		b.t.Fatal(err)
	}
	return out
}

func TestFieldsAreMadeBySubscribers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := must[Subscriber](t)(b.CreateSubscriber(b.ctx, NewSubscriber{Email: "a@x.org", Attributes: map[string]any{
		"city": "Köln", "age": 30.5, "vip": true, "tags": []any{"a", "b"}, "nothing": nil}}))
	var got []string
	for _, f := range must[[]Field](t)(b.ListFields(b.ctx)) {
		got = append(got, f.Name+" "+string(f.Type))
	}
	if d := cmp.Diff([]string{"age number", "city text", "tags list", "vip boolean"}, got); d != "" {
		t.Error(d)
	}
	if got := b.attributesOf(p.ID); got != `{"age": 30.5, "vip": true, "city": "Köln", "tags": ["a", "b"]}` {
		t.Error(got)
	}
	must[Field](t)(b.CreateField(b.ctx, "seen", "Last seen", FieldDateTime))
	must[Field](t)(b.CreateField(b.ctx, "born", "", FieldDate))
	_, err := b.UpdateSubscriber(b.ctx, p.ID, SubscriberUpdate{Email: "a@x.org", Attributes: map[string]any{"city": 5.0, "age": "30", "vip": "yes", "tags": []any{"a", 1.0},
		"seen": "2026-03-31", "born": "31.03.2026", "new": map[string]any{"x": 1.0}}})
	if d := cmp.Diff([]string{"attributes.age", "attributes.born", "attributes.city", "attributes.new", "attributes.seen", "attributes.tags", "attributes.vip"}, fieldNames(err)); d != "" {
		t.Error(d, err)
	}
	p = must[Subscriber](t)(b.UpdateSubscriber(b.ctx, p.ID, SubscriberUpdate{Email: "a@x.org", Attributes: map[string]any{"seen": "2026-03-31T14:30:00+02:00", "born": "2026-03-31"}}))
	if d := cmp.Diff(map[string]any{"seen": "2026-03-31T12:30:00Z", "born": "2026-03-31"}, p.Attributes); d != "" {
		t.Error(d)
	}
}

// What was there before the rules is no reason to refuse another change.
func TestOldValuesPass(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.person("a@x.org", nil)
	must[Field](t)(b.CreateField(b.ctx, "deep", "", FieldText))
	if _, err := b.pool.Exec(b.ctx, `UPDATE subscribers SET attributes = '{"deep": {"x": [1]}}' WHERE id = $1`, id); err != nil {
		t.Fatal(err)
	}
	p := must[Subscriber](t)(b.GetSubscriber(b.ctx, id))
	must[Subscriber](t)(b.UpdateSubscriber(b.ctx, id, SubscriberUpdate{Email: "a@x.org", Name: "Ann", Attributes: p.Attributes}))
	p.Attributes["deep"] = map[string]any{"x": 2.0}
	if _, err := b.UpdateSubscriber(b.ctx, id, SubscriberUpdate{Email: "a@x.org", Attributes: p.Attributes}); !slices.Equal(fieldNames(err), []string{"attributes.deep"}) {
		t.Error(err)
	}
}

func TestFieldsAreBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if _, err := b.pool.Exec(b.ctx, `INSERT INTO fields (name, type) SELECT 'f' || n, 'text' FROM generate_series(1, 499) n`); err != nil {
		t.Fatal(err)
	}
	if _, err := b.CreateSubscriber(b.ctx, NewSubscriber{Email: "a@x.org", Attributes: map[string]any{"x": "1", "y": "2"}}); !errs.Is(err, errs.Conflict) {
		t.Error(err)
	}
	if _, err := b.FindSubscriber(b.ctx, "a@x.org"); !errs.Is(err, errs.NotFound) {
		t.Errorf("somebody was added all the same: %v", err)
	}
	must[Subscriber](t)(b.CreateSubscriber(b.ctx, NewSubscriber{Email: "a@x.org", Attributes: map[string]any{"x": "1"}}))
	if _, err := b.CreateField(b.ctx, "y", "", FieldText); !errs.Is(err, errs.Conflict) {
		t.Error(err)
	}
	if _, err := b.CreateField(b.ctx, "x", "", FieldText); !slices.Equal(fieldNames(err), []string{"name"}) {
		t.Error(err)
	}
	if _, err := b.CreateField(b.ctx, "two words", strings.Repeat("x", 101), "float"); !slices.Equal(fieldNames(err), []string{"label", "name", "type"}) {
		t.Error(err)
	}
}

func TestConversion(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		to       FieldType
		from, as string // "" is refused
	}{
		{FieldText, `12.50`, `"12.50"`},
		{FieldText, `90071992547409930`, `"90071992547409930"`},
		{FieldText, `true`, `"true"`},
		{FieldText, `["a","b"]`, `"a, b"`},
		{FieldText, `{"a":1}`, ``},
		{FieldNumber, `" 12.5 "`, `12.5`},
		{FieldNumber, `"0x10"`, ``},
		{FieldNumber, `"NaN"`, ``},
		{FieldNumber, `"1e999"`, ``},
		{FieldNumber, `"12 apples"`, ``},
		{FieldNumber, `90071992547409930`, `90071992547409930`},
		{FieldNumber, `false`, `0`},
		{FieldNumber, `"007"`, ``},
		{FieldNumber, `"-07.5"`, ``},
		{FieldNumber, `"+49171234567"`, ``},
		{FieldNumber, `"9007199254740993"`, ``},
		{FieldNumber, `"0.1234567890123456"`, ``},
		{FieldNumber, `"900719925474099"`, `900719925474099`},
		{FieldNumber, `"0.50"`, `0.5`},
		{FieldNumber, `"-1.5e3"`, `-1500`},
		{FieldBoolean, `"Yes"`, `true`},
		{FieldBoolean, `0`, `false`},
		{FieldBoolean, `2`, ``},
		{FieldBoolean, `"maybe"`, ``},
		{FieldDate, `"2026-03-31"`, `"2026-03-31"`},
		{FieldDate, `"2026-03-31T23:30:00-02:00"`, `"2026-04-01"`},
		{FieldDate, `"2026-02-30"`, ``},
		{FieldDate, `20260331`, ``},
		{FieldDateTime, `"2026-03-31"`, `"2026-03-31T00:00:00Z"`},
		{FieldDateTime, `"2026-03-31T23:30:00-02:00"`, `"2026-04-01T01:30:00Z"`},
		{FieldList, `"a"`, `["a"]`},
		{FieldList, `7`, `["7"]`},
		{FieldList, `["a"]`, `["a"]`},
		{FieldNumber, `["7"]`, `7`},
		{FieldNumber, `["7","8"]`, ``},
		{FieldText, `null`, `null`},
	} {
		got, ok := convertValue(json.RawMessage(tt.from), tt.to)
		if ok != (tt.as != "") || ok && string(got) != tt.as {
			t.Errorf("%s as %s: %s, %v; want %s", tt.from, tt.to, got, ok, tt.as)
		}
	}
}

func TestUpdateField(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var ids []int64
	for i, v := range []any{"1", "2.5", "x", "y"} {
		ids = append(ids, must[Subscriber](t)(b.CreateSubscriber(b.ctx, NewSubscriber{Email: fmt.Sprintf("p%d@x.org", i), Attributes: map[string]any{"n": v, "other": "1"}})).ID)
	}
	_, err := b.UpdateField(b.ctx, "n", "", FieldNumber)
	if !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), `2 people`) || !strings.Contains(err.Error(), `"x"`) || !slices.Equal(fieldNames(err), []string{"type"}) {
		t.Fatal(err)
	}
	if f := must[Field](t)(b.GetField(b.ctx, "n")); f.Type != FieldText || f.Pending != "" {
		t.Errorf("%+v", f)
	}
	for _, id := range ids[2:] {
		if err := b.DeleteSubscriber(b.ctx, id); err != nil {
			t.Fatal(err)
		}
	}
	f := must[Field](t)(b.UpdateField(b.ctx, "n", "How many", FieldNumber))
	if f.Type != FieldNumber || f.Pending != FieldConverting || f.Label != "How many" {
		t.Errorf("%+v", f)
	}
	if _, err := b.UpdateField(b.ctx, "n", "", FieldText); !errs.Is(err, errs.Conflict) {
		t.Errorf("while it is being converted: %v", err)
	}
	b.runFields()
	if a, c := b.attributesOf(ids[0]), b.attributesOf(ids[1]); a != `{"n": 1, "other": "1"}` || c != `{"n": 2.5, "other": "1"}` {
		t.Error(a, c)
	}
	if f := must[Field](t)(b.GetField(b.ctx, "n")); f.Pending != "" {
		t.Errorf("%+v", f)
	}
	if _, err := b.UpdateField(b.ctx, "gone", "", FieldText); !errs.Is(err, errs.NotFound) {
		t.Error(err)
	}
}

func TestDeleteField(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := must[Subscriber](t)(b.CreateSubscriber(b.ctx, NewSubscriber{Email: "a@x.org", Attributes: map[string]any{"n": "1", "other": "1"}})).ID
	if err := b.DeleteField(b.ctx, "n", 0); !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "1 people") {
		t.Fatal(err)
	}
	if err := b.DeleteField(b.ctx, "n", 1); err != nil {
		t.Fatal(err)
	}
	if _, err := b.CreateSubscriber(b.ctx, NewSubscriber{Email: "b@x.org", Attributes: map[string]any{"n": "1"}}); !slices.Equal(fieldNames(err), []string{"attributes.n"}) {
		t.Errorf("while it is being deleted: %v", err)
	}
	b.runFields()
	if got := b.attributesOf(id); got != `{"other": "1"}` {
		t.Error(got)
	}
	if _, err := b.GetField(b.ctx, "n"); !errs.Is(err, errs.NotFound) {
		t.Error(err)
	}
}

// A job that ends between two batches goes on behind the last one.
func TestFieldJobGoesOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	must[Field](t)(b.CreateField(b.ctx, "n", "", FieldText))
	if _, err := b.pool.Exec(b.ctx, `INSERT INTO subscribers (email, email_key, attributes) SELECT n || '@x.org', n || '@x.org', jsonb_build_object('n', n::text)
		FROM generate_series(1, $1::int) n`, fieldBatch+10); err != nil {
		t.Fatal(err)
	}
	must[Field](t)(b.UpdateField(b.ctx, "n", "", FieldNumber))
	if ended := must[bool](t)(b.changeField(b.ctx, "n", 0)); ended {
		t.Fatal("nothing was left after no time")
	}
	for range 2 {
		b.runFields()
		b.queued.jobs = append(b.queued.jobs, FieldArgs{Name: "n"})
	}
	var wrong int
	if err := b.pool.QueryRow(b.ctx, `SELECT count(*) FROM subscribers WHERE jsonb_typeof(attributes -> 'n') <> 'number'`).Scan(&wrong); err != nil || wrong != 0 {
		t.Errorf("%d were not converted, %v", wrong, err)
	}
}
