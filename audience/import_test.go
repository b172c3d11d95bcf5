package audience

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postrider/internal/errs"
	"postrider/internal/page"
)

// upload takes a file in.
func (b *bundle) upload(list int64, file string) Import {
	b.t.Helper()
	return must[Import](b.t)(b.CreateImport(b.ctx, Upload{ListID: list, Filename: `C:\lists\people.csv`, Content: strings.NewReader(file)}))
}

// suggestedMapping maps every column as suggested.
func suggestedMapping(imp Import, status string) Mapping {
	m := Mapping{Status: status}
	for _, c := range imp.Columns {
		if c.Suggested != "" {
			m.Columns = append(m.Columns, ColumnMapping{Index: c.Index, Target: c.Suggested, Attribute: c.Attribute})
		}
	}
	return m
}

// importFile takes a file in and imports it at once.
func (b *bundle) importFile(list int64, file, status string) Import {
	b.t.Helper()
	imp := b.upload(list, file)
	must[Import](b.t)(b.StartImport(b.ctx, imp.ID, suggestedMapping(imp, status), ""))
	return b.run(imp.ID)
}

func (b *bundle) run(id int64) Import {
	b.t.Helper()
	if ended := must[bool](b.t)(b.runImport(b.ctx, id, time.Hour)); !ended {
		b.t.Fatal("the import did not end")
	}
	return must[Import](b.t)(b.GetImport(b.ctx, id))
}

// counts is what an import did, for comparing.
type counts struct{ rows, created, updated, unchanged, rejected, suppressed int64 }

func countsOf(i Import) counts {
	return counts{i.Rows, i.Created, i.Updated, i.Unchanged, i.Rejected, i.Suppressed}
}

// people is everybody on a list as "email name attributes status", by address.
func (b *bundle) people(list int64) string {
	b.t.Helper()
	var out string
	err := b.pool.QueryRow(b.ctx, `SELECT coalesce(string_agg(concat_ws('|', u.email, u.name, u.attributes, s.status), E'\n' ORDER BY u.email_key), '')
		FROM subscribers u JOIN subscriptions s ON s.subscriber_id = u.id WHERE s.list_id = $1`, list).Scan(&out)
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

func (b *bundle) errorsOf(id int64) []ImportError {
	b.t.Helper()
	return must[page.Page[ImportError]](b.t)(b.ListImportErrors(b.ctx, id, page.Query{})).Items
}

func TestImportFormats(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, file := range map[string]string{
		"comma, LF":              "email,name,city\nann@x.org,Ann Lee,\"Berlin, Mitte\"\nbob@x.org,Bob,\n",
		"semicolon, CRLF, BOM":   "\ufeffCity;E-Mail;Name\r\n\"Berlin, Mitte\";ann@x.org;Ann Lee\r\n;bob@x.org;Bob\r\n",
		"tab, no final line end": "name\temail\tcity\nAnn Lee\tann@x.org\tBerlin, Mitte\nBob\tbob@x.org\t",
		"names apart, CR":        "city,first name,last name,mail\r\"Berlin, Mitte\",Ann,Lee,ann@x.org\r,Bob,,bob@x.org\r",
		"blank lines and spaces": "\n\nemail,name,city\n\n ann@x.org , Ann  Lee ,\"Berlin, Mitte\"\n,,\nbob@x.org,Bob,\n\n",
		"quotes all over":        "\"email\",\"name\",\"city\"\n\"ann@x.org\",\"Ann\nLee\",\"Berlin, Mitte\"\n\"bob@x.org\",\"Bob\",\"\"\n",
	} {
		t.Run(name, func(t *testing.T) {
			list := b.list(name)
			imp := b.importFile(list, file, "")
			if imp.Status != ImportDone || imp.Rows != 2 || imp.Rejected != 0 || imp.Progress() != 1 || imp.Filename != "people.csv" {
				t.Fatalf("got %+v, errors %+v", imp, b.errorsOf(imp.ID))
			}
			want := "ann@x.org|Ann Lee|{\"city\": \"Berlin, Mitte\"}|subscribed\nbob@x.org|Bob|{}|subscribed"
			if d := cmp.Diff(want, b.people(list)); d != "" {
				t.Error(d)
			}
			var left int
			if err := b.pool.QueryRow(b.ctx, `SELECT count(*) FROM import_chunks`).Scan(&left); err != nil || left != 0 {
				t.Errorf("%d chunks left (%v)", left, err)
			}
		})
	}
}

func TestImportRejectsRowsAndGoesOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	list := b.list("News")
	file := "email;name;note\n" +
		"ann@x.org;Zoë;ok\n" + // 2
		"no address;B;x\n" + // 3
		"c@x.org;C\n" + // 4
		"\"d@x.org\" oops;D;x\n" + // 5
		"e@x.org;Zo\xeb;x\n" + // 6
		"f@x.org;\"two\nlines\";x\n" + // 7, 8
		";G;x\n" + // 9
		"h@x.org;" + strings.Repeat("x", 501) + ";x\n" + // 10
		"i@x.org;Zoë;x;more\n" + // 11
		"j@x.org;ÿ;last\n" + // 12
		"\"k@x.org;never closed;x\n" + // 13
		"l@x.org;L;\n" // 14
	imp := b.importFile(list, file, "")
	if d := cmp.Diff(counts{rows: 12, created: 4, rejected: 8}, countsOf(imp), cmp.AllowUnexported(counts{})); d != "" {
		t.Error(d)
	}
	var got []string
	for _, e := range b.errorsOf(imp.ID) {
		got = append(got, fmt.Sprintf("%d|%s|%s", e.Row, e.Column, e.Reason))
	}
	want := []string{
		"3|email|there is no @",
		"4||the row has 2 columns where the file has 3",
		"5||there is text after a closing quote; a quote inside a quoted field is written twice",
		"6|name|byte 0xEB at position 3 is not UTF-8: " + wayOut,
		"9|email|the address is empty",
		"10|name|the name is longer than 500 characters",
		"11||the row has 4 columns where the file has 3",
		"13||a quote is opened and never closed",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	var out bytes.Buffer
	if err := b.WriteImportErrorsCSV(b.ctx, imp.ID, &out); err != nil {
		t.Fatal(err)
	}
	for _, w := range []string{"email;name;note;row;reason\n", "no address;B;x;3;email: there is no @\n", "c@x.org;C;;4;the row has 2", "e@x.org;Zo\uFFFD;x;6;"} {
		if !strings.Contains(out.String(), w) {
			t.Errorf("the error file lacks %q:\n%s", w, out.String())
		}
	}
	mended := strings.ReplaceAll(out.String(), "no address", "bob@x.org")
	again := b.upload(list, mended)
	must[Import](t)(b.StartImport(b.ctx, again.ID, suggestedMapping(again, ""), ""))
	if done := b.run(again.ID); done.Created < 1 {
		t.Errorf("the mended error file brought nobody in: %+v", done)
	}
}

func TestImportTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	list := b.list("News")
	file := "email,name,city\na@x.org,A,X\nb@x.org,B,\nA@X.org,,Y\n"
	first := b.importFile(list, file, "")
	if got, want := countsOf(first), (counts{rows: 3, created: 2, updated: 1}); got != want {
		t.Errorf("first: %+v, want %+v", got, want)
	}
	var stamp string
	versions := `SELECT string_agg(concat(u.xmin, u.updated_at, s.xmin, s.updated_at), ' ' ORDER BY u.id) FROM subscribers u JOIN subscriptions s ON s.subscriber_id = u.id`
	if err := b.pool.QueryRow(b.ctx, versions).Scan(&stamp); err != nil {
		t.Fatal(err)
	}
	// The repeated address says X and then Y again, so its two rows change the data there and back within the batch.
	second := b.importFile(list, "email,name,city\na@x.org,A,Y\nb@x.org,B,\n", "")
	if got, want := countsOf(second), (counts{rows: 2, unchanged: 2}); got != want {
		t.Errorf("second: %+v, want %+v", got, want)
	}
	var now string
	if err := b.pool.QueryRow(b.ctx, versions).Scan(&now); err != nil {
		t.Fatal(err)
	}
	if stamp != now {
		t.Error("rows were written though nothing changed")
	}
}

func TestImportKeepsConsent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	list := b.list("News")
	b.person("gone@x.org", map[int64]string{list: StatusUnsubscribed})
	b.person("pending@x.org", map[int64]string{list: StatusUnconfirmed})
	b.person("here@x.org", map[int64]string{list: StatusSubscribed})
	b.suppress("bounced@x.org")
	file := "email,name\ngone@x.org,New name\npending@x.org,\nhere@x.org,\nbounced@x.org,\nnew@x.org,\n"
	imp := b.importFile(list, file, StatusUnconfirmed)
	if got, want := countsOf(imp), (counts{rows: 5, created: 2, updated: 1, unchanged: 2, suppressed: 1}); got != want {
		t.Errorf("as unconfirmed: %+v, want %+v", got, want)
	}
	want := "bounced@x.org||{}|unconfirmed\ngone@x.org|New name|{}|unsubscribed\nhere@x.org||{}|subscribed\nnew@x.org||{}|unconfirmed\npending@x.org||{}|unconfirmed"
	if d := cmp.Diff(want, b.people(list)); d != "" {
		t.Error(d)
	}
	imp = b.importFile(list, file, StatusSubscribed)
	if got, want := countsOf(imp), (counts{rows: 5, updated: 3, unchanged: 2, suppressed: 1}); got != want {
		t.Errorf("as subscribed: %+v, want %+v", got, want)
	}
	want = "bounced@x.org||{}|subscribed\ngone@x.org|New name|{}|unsubscribed\nhere@x.org||{}|subscribed\nnew@x.org||{}|subscribed\npending@x.org||{}|subscribed"
	if d := cmp.Diff(want, b.people(list)); d != "" {
		t.Error(d)
	}
}

func TestImportMergesAttributes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	list := b.list("News")
	must[Subscriber](t)(b.CreateSubscriber(b.ctx, NewSubscriber{Email: "a@x.org", Name: "Ann", Attributes: map[string]any{"plan": "free", "age": 7, "tags": []string{"x"}}}))
	imp := b.importFile(list, "email,name,plan,age,tags\na@x.org,,paid,,\na@x.org,,,,y\n", "")
	if got, want := countsOf(imp), (counts{rows: 2, updated: 2}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got, want := b.people(list), `a@x.org|Ann|{"age": 7, "plan": "paid", "tags": ["y"]}|subscribed`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestImportResumesAfterAnInterruption(t *testing.T) {
	t.Parallel()
	b := setup(t)
	file := randomFile(7, 4000)
	whole, cut := b.list("whole"), b.list("cut")
	want := countsOf(b.importFile(whole, file, ""))
	if _, err := b.pool.Exec(b.ctx, `DELETE FROM subscribers s WHERE true`); err != nil {
		t.Fatal(err)
	}
	imp := b.upload(cut, file)
	must[Import](t)(b.StartImport(b.ctx, imp.ID, suggestedMapping(imp, ""), ""))
	runs := 0
	for {
		// Each run does one small batch, then dies in the middle of the next: the transaction is open when its context ends.
		imp = must[Import](t)(b.GetImport(b.ctx, imp.ID))
		if imp.Status == ImportDone {
			break
		}
		if runs++; runs > 100 {
			t.Fatal("no progress")
		}
		if end := b.oneBatchThenAbort(imp); end {
			b.run(imp.ID)
		}
	}
	if got := countsOf(imp); got != want {
		t.Errorf("in %d runs: %+v; in one: %+v", runs, got, want)
	}
	if runs < 5 {
		t.Errorf("only %d runs: nothing was interrupted", runs)
	}
}

// oneBatchThenAbort commits the next 500 rows of an import and aborts the batch after it.
func (b *bundle) oneBatchThenAbort(imp Import) (end bool) {
	b.t.Helper()
	if imp.Status == ImportQueued {
		if _, err := b.pool.Exec(b.ctx, `UPDATE imports SET status = 'running' WHERE id = $1`, imp.ID); err != nil {
			b.t.Fatal(err)
		}
	}
	records, err := b.openRecords(b.ctx, imp)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := records.Skip(imp.Rows); err != nil {
		b.t.Fatal(err)
	}
	first := newBatch(b.rowMapper(imp.Columns, *imp.Mapping), imp.Rows)
	if end = must[bool](b.t)(first.fill(b.ctx, records, 500)); end {
		return true
	}
	if err := b.commit(b.ctx, imp, newMerging(first, nil)); err != nil {
		b.t.Fatal(err)
	}
	if err := b.commit(b.ctx, imp, newMerging(first, nil)); err == nil || !strings.Contains(err.Error(), "another worker") {
		b.t.Fatalf("the same rows again: %v", err)
	}
	second := newBatch(first.mapper, first.start+first.rows)
	must[bool](b.t)(second.fill(b.ctx, records, 500))
	second.rejected = append(second.rejected, rejection{ImportError: ImportError{Row: -1}, record: nil}) // breaks a constraint at the very end
	if err := b.commit(b.ctx, imp, newMerging(second, nil)); err == nil {
		b.t.Fatal("the broken batch was committed")
	}
	dead, cancel := context.WithCancel(b.ctx)
	cancel()
	if _, err := b.runImport(dead, imp.ID, time.Hour); !errors.Is(err, context.Canceled) {
		b.t.Fatalf("a run without time: %v", err)
	}
	return false
}

func TestImportCancel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	list := b.list("News")
	file := randomFile(3, 1000)
	imp := b.upload(list, file)
	must[Import](t)(b.StartImport(b.ctx, imp.ID, suggestedMapping(imp, ""), ""))
	imp = must[Import](t)(b.GetImport(b.ctx, imp.ID))
	b.oneBatchThenAbort(imp)
	stopped := must[Import](t)(b.CancelImport(b.ctx, imp.ID))
	if stopped.Status != ImportCancelled || stopped.Rows != 500 || stopped.FinishedAt == nil {
		t.Errorf("cancelled: %+v", stopped)
	}
	imp.Status = ImportRunning
	if _, err := b.importRows(b.ctx, imp, time.Hour); !errors.Is(err, errFileGone) && !errors.Is(err, errNotRunning) {
		t.Errorf("a worker in the middle of it: %v", err)
	}
	if after := b.run(imp.ID); after.Status != ImportCancelled || after.Rows != 500 {
		t.Errorf("after another run: %+v", after)
	}
	if _, err := b.StartImport(b.ctx, imp.ID, suggestedMapping(imp, ""), ""); !errs.Is(err, errs.Conflict) {
		t.Errorf("started after the cancel: %v", err)
	}
	done := b.importFile(list, "email\na@x.org\n", "")
	if _, err := b.CancelImport(b.ctx, done.ID); !errs.Is(err, errs.Conflict) {
		t.Errorf("cancelled after the end: %v", err)
	}
	if _, err := b.PreviewImport(b.ctx, done.ID, suggestedMapping(done, "")); !errs.Is(err, errs.Conflict) {
		t.Errorf("preview after the end: %v", err)
	}
}

func TestImportOfADeletedListEndsQuietly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	list := b.list("News")
	imp := b.upload(list, "email\na@x.org\n")
	must[Import](t)(b.StartImport(b.ctx, imp.ID, suggestedMapping(imp, ""), ""))
	if err := b.DeleteList(b.ctx, list); err != nil {
		t.Fatal(err)
	}
	if ended, err := b.runImport(b.ctx, imp.ID, time.Hour); !ended || err != nil {
		t.Errorf("got %v, %v", ended, err)
	}
}

func TestImportPreview(t *testing.T) {
	t.Parallel()
	b := setup(t)
	imp := b.upload(b.list("News"), "email,name,city\na@x.org,Ann,Berlin\nbad,Bob,\nc@x.org\n"+strings.Repeat("d@x.org,D,\n", 30))
	p := must[Preview](t)(b.PreviewImport(b.ctx, imp.ID, suggestedMapping(imp, "")))
	if len(p.Rows) != 20 || p.OK != 18 || p.Rejected != 2 {
		t.Fatalf("got %d rows, %d ok, %d rejected", len(p.Rows), p.OK, p.Rejected)
	}
	want := []PreviewRow{
		{Row: 2, Email: "a@x.org", Name: "Ann", Attributes: map[string]any{"city": "Berlin"}, Problems: []Problem{}},
		{Row: 3, Email: "bad", Name: "Bob", Attributes: map[string]any{}, Problems: []Problem{{"email", "there is no @"}}},
		{Row: 4, Attributes: map[string]any{}, Problems: []Problem{{"", "the row has 1 columns where the file has 3"}}},
	}
	if d := cmp.Diff(want, p.Rows[:3]); d != "" {
		t.Error(d)
	}
	if _, err := b.PreviewImport(b.ctx, imp.ID, Mapping{}); !errs.Is(err, errs.Invalid) {
		t.Errorf("without a mapping: %v", err)
	}
}
