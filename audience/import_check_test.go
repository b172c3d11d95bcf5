package audience

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postrider/internal/errs"
	"postrider/internal/page"
)

func (b *bundle) check(id int64, m Mapping) Import {
	b.t.Helper()
	must[Import](b.t)(b.StartCheck(b.ctx, id, m))
	if err := b.runCheck(b.ctx, id); err != nil {
		b.t.Fatal(err)
	}
	return must[Import](b.t)(b.GetImport(b.ctx, id))
}

// A dry run says exactly what the import then does, and changes nothing.
func TestCheckForetellsTheImport(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.ticking()
	list := b.list("News")
	b.suppress("p1@x.org")
	b.suppress("p7@x.org")
	if _, err := b.pool.Exec(b.ctx, `INSERT INTO suppressions (email_key, reason, source) VALUES ('@xn--bcher-kva.example', 'manual', 'test')`); err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(10) {
		r := rand.New(rand.NewPCG(seed, 3))
		b.scatter(r, list)
		b.batchRows = r.Int64N(40) + 1
		imp := b.upload(list, randomFile(seed, 150))
		m := suggestedMapping(imp, []string{StatusUnconfirmed, StatusSubscribed}[seed%2])
		before := b.wholeState()
		imp = b.check(imp.ID, m)
		if d := cmp.Diff(before, b.wholeState()); d != "" {
			t.Fatalf("seed %d: the dry run changed something: %s", seed, d)
		}
		c := imp.Checked
		if imp.Status != ImportUploaded || c.Status != CheckDone || c.FinishedAt == nil {
			t.Fatalf("%s, %+v", imp.Status, c)
		}
		foretold := b.errorsOf(imp.ID)
		must[Import](t)(b.StartImport(b.ctx, imp.ID, m, ""))
		done := b.run(imp.ID)
		got := counts{c.Rows, c.Created, c.Updated, c.Unchanged, c.Rejected, c.Suppressed}
		if d := cmp.Diff(countsOf(done), got, cmp.AllowUnexported(counts{})); d != "" || c.Unsubscribed != done.Unsubscribed {
			t.Fatalf("seed %d: %s; unsubscribed %d, foretold %d", seed, d, done.Unsubscribed, c.Unsubscribed)
		}
		if d := cmp.Diff(b.errorsOf(imp.ID), foretold); d != "" {
			t.Fatalf("seed %d: %s", seed, d)
		}
		if c.Suppressed < 10 {
			t.Fatalf("seed %d: %d rows are suppressed; those of bücher.example alone are more", seed, c.Suppressed)
		}
	}
}

func TestCheckKeepsSamples(t *testing.T) {
	t.Parallel()
	b := setup(t)
	list := b.list("News")
	b.suppress("bounced@x.org")
	b.person("left@x.org", map[int64]string{list: StatusUnsubscribed})
	p := b.person("known@x.org", map[int64]string{list: StatusUnconfirmed})
	must[Subscriber](t)(b.UpdateSubscriber(b.ctx, p, SubscriberUpdate{Email: "known@x.org", Name: "Old", Attributes: map[string]any{"city": "Rome"}}))
	imp := b.upload(list, "email,name,city,plan\nknown@x.org,New,Oslo,b\nnew@x.org,Ann,Oslo,\nleft@x.org,,,\nbounced@x.org,,,\nbad,,,\n")
	b.check(imp.ID, suggestedMapping(imp, StatusSubscribed))
	got := map[string]string{}
	for _, kind := range []string{SampleCreated, SampleUpdated, SampleSuppressed, SampleUnsubscribed} {
		var lines []string
		for _, x := range must[page.Page[Sample]](t)(b.ListImportSamples(b.ctx, imp.ID, kind, page.Query{})).Items {
			lines = append(lines, fmt.Sprintf("%d %s %v%v%s", x.Row, x.Email, x.Before, x.After, x.Reason))
		}
		got[kind] = strings.Join(lines, "\n")
	}
	want := map[string]string{
		SampleCreated:    "3 new@x.org map[]map[attributes.city:Oslo name:Ann]\n5 bounced@x.org map[]map[]",
		SampleUpdated:    "2 known@x.org map[attributes.city:Rome attributes.plan:<nil> list:unconfirmed name:Old]map[attributes.city:Oslo attributes.plan:b list:subscribed name:New]",
		SampleSuppressed: "5 bounced@x.org map[]map[]bounce", SampleUnsubscribed: "4 left@x.org map[]map[]",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if errors := b.errorsOf(imp.ID); len(errors) != 1 || errors[0].Row != 6 {
		t.Errorf("%+v", errors)
	}
	// Another dry run begins anew, and so does the import.
	b.check(imp.ID, suggestedMapping(imp, StatusSubscribed))
	must[Import](t)(b.StartImport(b.ctx, imp.ID, suggestedMapping(imp, StatusSubscribed), ""))
	b.run(imp.ID)
	if errors := b.errorsOf(imp.ID); len(errors) != 1 {
		t.Errorf("%+v", errors)
	}
}

func TestCheckCanBeStopped(t *testing.T) {
	t.Parallel()
	b := setup(t)
	imp := b.upload(b.list("News"), "email\na@x.org\nb@x.org\n")
	m := suggestedMapping(imp, StatusSubscribed)
	must[Import](t)(b.StartCheck(b.ctx, imp.ID, m))
	if _, err := b.StartImport(b.ctx, imp.ID, m, ""); !errs.Is(err, errs.Conflict) {
		t.Errorf("a start meanwhile: %v", err)
	}
	if _, err := b.StartCheck(b.ctx, imp.ID, m); !errs.Is(err, errs.Conflict) {
		t.Errorf("a second one: %v", err)
	}
	if imp := must[Import](t)(b.StopCheck(b.ctx, imp.ID)); imp.Status != ImportUploaded || imp.Checked != nil {
		t.Errorf("%s %+v", imp.Status, imp.Checked)
	}
	if err := b.runCheck(b.ctx, imp.ID); err != nil {
		t.Error(err)
	}
	if imp := must[Import](t)(b.GetImport(b.ctx, imp.ID)); imp.Checked != nil {
		t.Errorf("a stopped dry run went on: %+v", imp.Checked)
	}
	must[Import](t)(b.StartCheck(b.ctx, imp.ID, m))
	must[Import](t)(b.CancelImport(b.ctx, imp.ID))
	if err := b.runCheck(b.ctx, imp.ID); err != nil {
		t.Error(err)
	}
}
