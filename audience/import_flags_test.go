package audience

import (
	"context"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postrider/audience/addrcheck"
	"postrider/internal/page"
)

// resolver knows the domains that take mail.
type resolver []string

func (r resolver) LookupMX(_ context.Context, name string) ([]*net.MX, error) {
	if slices.Contains(r, strings.TrimSuffix(name, ".")) {
		return []*net.MX{{Host: "mx." + name}}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func (r resolver) LookupHost(_ context.Context, name string) ([]string, error) {
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

const doubtful = "email\nann@gmial.com\ninfo@x.org\nbob@mailinator.com\ncarl@x.org\nnobody@nowhere.example\nbroken\n"

// Addresses that look wrong are taken and counted, by dry run and import alike, and refused where that is asked for.
func TestImportFlagsWhatLooksWrong(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.mx = addrcheck.NewMX(resolver{"x.org", "gmial.com", "mailinator.com"}, b.now)
	imp := b.upload(b.list("News"), doubtful)
	no := false
	for _, c := range []struct {
		name     string
		set      func(*Mapping)
		flagged  Flagged
		rejected int64
	}{
		{"as it comes", func(*Mapping) {}, Flagged{Typo: 1, Role: 1, Disposable: 1}, 1},
		{"no roles", func(m *Mapping) { m.FlagRoles = &no }, Flagged{Typo: 1, Disposable: 1}, 1},
		{"with DNS", func(m *Mapping) { m.CheckMX = true }, Flagged{Typo: 1, Role: 1, Disposable: 1, NoMX: 1}, 1},
		{"refused", func(m *Mapping) { m.CheckMX, m.RejectFlagged = true, []FlagKind{addrcheck.NoMX, addrcheck.Role} }, Flagged{Typo: 1, Disposable: 1}, 3},
	} {
		m := suggestedMapping(imp, StatusSubscribed)
		c.set(&m)
		got := b.check(imp.ID, m).Checked
		if got.Flagged != c.flagged || got.Rejected != c.rejected || got.Rows != 6 {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
	b.batchRows = 2
	m := suggestedMapping(imp, StatusSubscribed)
	m.CheckMX = true
	b.check(imp.ID, m)
	var samples []string
	for _, x := range must[page.Page[Sample]](t)(b.ListImportSamples(b.ctx, imp.ID, SampleFlagged, page.Query{})).Items {
		to, _ := x.After["email"].(string)
		samples = append(samples, strings.TrimSpace(x.Email+" "+to))
	}
	if d := cmp.Diff([]string{"ann@gmial.com ann@gmail.com", "info@x.org", "bob@mailinator.com", "nobody@nowhere.example"}, samples); d != "" {
		t.Error(d)
	}
	must[Import](t)(b.StartImport(b.ctx, imp.ID, m, ""))
	if done := b.run(imp.ID); done.Flagged != (Flagged{1, 1, 1, 1}) || done.Created != 5 {
		t.Errorf("%+v, %d created", done.Flagged, done.Created)
	}
}

// Values come into people by the type of their field, which the import makes when it is not there.
func TestImportMakesFieldsAndReadsTheirTypes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	imp := b.upload(b.list("News"), "email;Age;Born;Tags;Member\na@x.org;1.234,5;3.4.2001;red, blue;ja\nb@x.org;many;31.2.2001;;\n")
	m := Mapping{Columns: []ColumnMapping{{Index: 0, Target: TargetEmail}, {Index: 1, Target: TargetAttribute, Type: FieldNumber},
		{Index: 2, Target: TargetAttribute, Type: FieldDate}, {Index: 3, Target: TargetAttribute, Type: FieldList}, {Index: 4, Target: TargetAttribute, Type: FieldBoolean}}}
	must[Import](t)(b.StartImport(b.ctx, imp.ID, m, ""))
	done := b.run(imp.ID)
	if got, want := b.people(imp.ListID), `a@x.org||{"age": 1234.5, "born": "2001-04-03", "tags": ["red", "blue"], "member": true}|subscribed`; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if done.Rejected != 1 {
		t.Errorf("%+v", b.errorsOf(imp.ID))
	}
	var fields []string
	for _, f := range must[[]Field](t)(b.ListFields(b.ctx)) {
		fields = append(fields, f.Name+" "+string(f.Type)+" "+f.Label)
	}
	if d := cmp.Diff([]string{"age number Age", "born date Born", "member boolean Member", "tags list Tags"}, fields); d != "" {
		t.Error(d)
	}
	// The same again changes nothing, whatever form Postgres keeps the values in.
	imp = b.upload(imp.ListID, "email;Age;Born;Tags;Member\na@x.org;1234,50;2001-04-03;[\"red\",\"blue\"];yes\n")
	must[Import](t)(b.StartImport(b.ctx, imp.ID, m, ""))
	if done := b.run(imp.ID); done.Unchanged != 1 {
		t.Errorf("%+v", countsOf(done))
	}
}
