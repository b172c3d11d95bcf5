package audience

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postrider/internal/errs"
	"postrider/internal/page"
)

var ann = Actor{Name: "ann@firm.example", Source: SourceAdmin}

func (b *bundle) log(email string) []SuppressionLogEntry {
	b.t.Helper()
	return must[page.Page[SuppressionLogEntry]](b.t)(b.SuppressionLog(b.ctx, email, "", page.Query{})).Items
}

func TestSuppressedDomain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.person("eve@Bücher.example", nil)
	other := b.person("eve@news.bücher.example", nil)
	x := must[Suppression](t)(b.SuppressBy(b.ctx, " @BÜCHER.example", ReasonManual, ann, "they asked"))
	if x.Email != "@xn--bcher-kva.example" || !x.Domain() {
		t.Errorf("%+v", x)
	}
	if p := must[Subscriber](t)(b.GetSubscriber(b.ctx, id)); p.Suppression == nil || p.Suppression.Email != x.Email {
		t.Errorf("%+v", p.Suppression)
	}
	if p := must[Subscriber](t)(b.GetSubscriber(b.ctx, other)); p.Suppression != nil {
		t.Errorf("a domain below is somebody else's: %+v", p.Suppression)
	}
	// The address itself says more than the domain.
	b.suppress("eve@bücher.example")
	if p := must[Subscriber](t)(b.GetSubscriber(b.ctx, id)); p.Suppression.Reason != ReasonBounce {
		t.Errorf("%+v", p.Suppression)
	}
	if got := must[page.Page[Suppression]](t)(b.ListSuppressions(b.ctx, SuppressionFilter{Domains: true}, page.Query{})).Items; len(got) != 1 || got[0].Email != x.Email {
		t.Errorf("%+v", got)
	}
	if got := must[page.Page[Suppression]](t)(b.ListSuppressions(b.ctx, SuppressionFilter{Reason: ReasonBounce}, page.Query{})).Items; len(got) != 1 || got[0].Domain() {
		t.Errorf("%+v", got)
	}
	if got := b.log("eve@bücher.example"); len(got) != 2 || got[1].Email != x.Email {
		t.Errorf("the log of a person names the domain too: %+v", got)
	}
	for _, bad := range []string{"@", "@x", "@x..org", "x@", "@a@b.org"} {
		if _, err := b.SuppressBy(b.ctx, bad, ReasonManual, ann, ""); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestLiftingIsLogged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.suppress("bob@x.org")
	for _, note := range []string{"", " \t", strings.Repeat("x", 501)} {
		if err := b.Unsuppress(b.ctx, "bob@x.org", ann, note); !errs.Is(err, errs.Invalid) || fieldNames(err)[0] != "note" {
			t.Errorf("%.5q: %v", note, err)
		}
	}
	if err := b.Unsuppress(b.ctx, "bob@x.org", ann, "a new mailbox"); err != nil {
		t.Fatal(err)
	}
	must[Suppression](t)(b.SuppressBy(b.ctx, "bob@x.org", ReasonManual, Actor{"CRM", SourceAPI}, "again"))
	var got []string
	for _, e := range b.log("bob@x.org") {
		got = append(got, strings.Join([]string{e.Action, e.Reason, e.Source, e.Detail, e.Actor, e.Note}, "|"))
	}
	want := []string{"added|manual|api|again|CRM|", "lifted|bounce|test|550 no such user|ann@firm.example|a new mailbox", "added|bounce|test|550 no such user||"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	lifted := must[page.Page[SuppressionLogEntry]](t)(b.SuppressionLog(b.ctx, "", SuppressionLifted, page.Query{Limit: 1}))
	if len(lifted.Items) != 1 || lifted.NextCursor != "" || !lifted.Items[0].SuppressedAt.Equal(start) {
		t.Errorf("%+v", lifted)
	}
}

func TestImportSuppressions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.suppress("known@x.org")
	for name, tt := range map[string]struct {
		file string
		want SuppressionImport
		key  string
		as   string // reason|detail of key
	}{
		"lines": {"# from the old system\nA@x.org\r\n\n@y.org\nknown@x.org\nnobody\n", SuppressionImport{Rows: 4, Added: 2, Known: 1, Rejected: 1,
			Problems: []SuppressionProblem{{6, "nobody", ""}}}, "a@x.org", "complaint|old system"},
		"our export": {"\ufeffemail,reason,source,detail,created_at\r\nb@x.org,bounce,test,\"550, no\",2026-01-01T00:00:00Z\r\n'@z.org,manual,admin,,\r\nc@x.org,odd,,,\r\n",
			SuppressionImport{Rows: 3, Added: 2, Rejected: 1, Problems: []SuppressionProblem{{4, "c@x.org", ""}}}, "b@x.org", "bounce|550, no"},
		"semicolons and a note": {"Note;E-Mail\nhello;d@x.org\n", SuppressionImport{Rows: 1, Added: 1}, "d@x.org", "complaint|hello"},
		"twice in a file":       {"e@x.org\nE@x.org\n", SuppressionImport{Rows: 2, Added: 1, Known: 1}, "e@x.org", "complaint|old system"},
		"an open quote":         {"email,detail\n\"f@x.org,x\ng@x.org,y\n", SuppressionImport{Rows: 2, Added: 1, Rejected: 1, Problems: []SuppressionProblem{{2, `"f@x.org,x`, ""}}}, "g@x.org", "complaint|y"},
		"not UTF-8":             {"h\xff@x.org\ni@x.org", SuppressionImport{Rows: 2, Added: 1, Rejected: 1, Problems: []SuppressionProblem{{1, "h\uFFFD@x.org", ""}}}, "i@x.org", "complaint|old system"},
		"a long line": {strings.Repeat("x", 3*maxSuppressionLine) + "\nj@x.org\n", SuppressionImport{Rows: 2, Added: 1, Rejected: 1,
			Problems: []SuppressionProblem{{1, strings.Repeat("x", 59) + "…", ""}}}, "j@x.org", "complaint|old system"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := b.ImportSuppressions(b.ctx, strings.NewReader(tt.file), NewSuppressions{Reason: ReasonComplaint, Detail: "old system", By: ann})
			if err != nil {
				t.Fatal(err)
			}
			for i := range got.Problems {
				if got.Problems[i].Reason == "" {
					t.Error("no reason is given")
				}
				got.Problems[i].Reason = ""
			}
			if tt.want.Problems == nil {
				tt.want.Problems = []SuppressionProblem{}
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
			x := must[Suppression](t)(getSuppression(b.ctx, b.pool, tt.key))
			if as := x.Reason + "|" + x.Detail; as != tt.as || x.Source != SourceImport {
				t.Errorf("%s from %s, want %s", as, x.Source, tt.as)
			}
			if l := b.log(tt.key); len(l) != 1 || l[0].Actor != ann.Name {
				t.Errorf("log: %+v", l)
			}
		})
	}
	if x := must[Suppression](t)(getSuppression(b.ctx, b.pool, "known@x.org")); x.Reason != ReasonBounce {
		t.Errorf("the first evidence is gone: %+v", x)
	}
	if _, err := b.ImportSuppressions(b.ctx, strings.NewReader(""), NewSuppressions{Reason: "odd"}); !errs.Is(err, errs.Invalid) {
		t.Error(err)
	}
}

// A file of several batches is written as it comes, and names no more than it should of what is wrong.
func TestImportManySuppressions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	n := suppressionBatch + 100
	file, in := io.Pipe()
	go func() {
		for i := range n {
			fmt.Fprintf(in, "p%d@x.org\nwrong %d\n", i, i)
		}
		in.Close()
	}()
	got := must[SuppressionImport](t)(b.ImportSuppressions(b.ctx, file, NewSuppressions{By: ann}))
	if got.Rows != int64(2*n) || got.Added != int64(n) || got.Rejected != int64(n) || len(got.Problems) != maxSuppressionNamed {
		t.Errorf("%d rows, %d added, %d rejected, %d named", got.Rows, got.Added, got.Rejected, len(got.Problems))
	}
	seen := 0
	err := b.ExportSuppressions(b.ctx, SuppressionFilter{Search: "x.org"}, func(Suppression) error {
		seen++
		return nil
	})
	if err != nil || seen != n {
		t.Errorf("%d were exported, %v", seen, err)
	}
}

func FuzzSuppressionFile(f *testing.F) {
	for _, s := range []string{"a@x.org\n@y.org", "email,reason\na@x.org,bounce", "\ufeffEmail;Note\n\"a\";\"b", "\x00", "#\n\n", "email\n'@x.org\n", ",\n,", "email\temail\n\t"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, file string) {
		r := newSuppressionReader(strings.NewReader(file))
		for n := 0; ; n++ {
			row, err := r.next()
			if err == io.EOF {
				return
			}
			if n > len(file) {
				t.Fatal("more rows than bytes")
			}
			if err != nil {
				if !errs.Is(err, errs.Invalid) || row.line < 1 {
					t.Fatalf("line %d: %v", row.line, err)
				}
				continue
			}
			again, err := suppressionKey(row.key)
			if err != nil || again != row.key {
				t.Fatalf("the key %q of %q is not one: %q, %v", row.key, row.typed, again, err)
			}
		}
	})
}

// An apostrophe is what our export puts before what a spreadsheet takes for a formula; before anything else it is the address's own.
func TestSuppressionFileKeepsApostrophes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	must[SuppressionImport](t)(b.ImportSuppressions(b.ctx, strings.NewReader("'o@x.org\n'+a@x.org\n'@y.org\n"), NewSuppressions{By: ann}))
	var got []string
	for _, x := range must[page.Page[Suppression]](t)(b.ListSuppressions(b.ctx, SuppressionFilter{}, page.Query{})).Items {
		got = append(got, x.Email)
	}
	slices.Sort(got)
	if d := cmp.Diff([]string{"'o@x.org", "+a@x.org", "@y.org"}, got); d != "" {
		t.Error(d)
	}
}
