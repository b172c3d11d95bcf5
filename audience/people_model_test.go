package audience

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/internal/pg"
)

// modelSeeds is how many random lives of an installation are looked at. One of them alone: -run TestNobodyIsReactivated/seed=17.
const modelSeeds = 10

// peopleModel knows who may not be mailed any more, and nothing of how the service remembers it.
type peopleModel struct {
	*bundle
	rng     *rand.Rand
	emails  []string
	lists   []int64
	ids     map[string]int64          // under which number they were mailed last
	left    map[string]map[int64]bool // lists that they left
	never   map[string]bool           // complained, bounced, or want no mail at all
	erased  map[string]bool
	bulks   []int64
	imports []int64 // that can be undone
	trace   []string
	time    time.Time
}

// TestNobodyIsReactivated: no mix of imports, bulk actions, their undoing, deletions, programs and erasures has somebody mailed who left, bounced or complained, nor
// brings back who was erased.
func TestNobodyIsReactivated(t *testing.T) {
	t.Parallel()
	for seed := range uint64(modelSeeds) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			newPeopleModel(t, seed).run(150)
		})
	}
}

func newPeopleModel(t *testing.T, seed uint64) *peopleModel {
	m := &peopleModel{bundle: setup(t), rng: rand.New(rand.NewPCG(seed, 1)), ids: map[string]int64{}, left: map[string]map[int64]bool{}, never: map[string]bool{}, erased: map[string]bool{}, time: start}
	m.now = func() time.Time { return m.time }
	m.lists = []int64{m.list("A"), m.list("B")}
	must[Field](t)(m.CreateField(m.ctx, "city", "", FieldText))
	for i := range 8 {
		m.emails = append(m.emails, fmt.Sprintf("p%d@d%d.org", i, i%3))
		m.left[m.emails[i]] = map[int64]bool{}
	}
	return m
}

func (m *peopleModel) run(steps int) {
	m.t.Helper()
	for range steps {
		m.time = m.time.Add(time.Minute)
		m.step()
		if wrong := m.wrong(); wrong != "" {
			m.t.Fatalf("%s after\n%s", wrong, strings.Join(m.trace, "\n"))
		}
	}
}

func (m *peopleModel) note(format string, args ...any) {
	m.trace = append(m.trace, fmt.Sprintf(format, args...))
}

func pick[T any](m *peopleModel, from []T) T { return from[m.rng.IntN(len(from))] }

// step does something at random.
func (m *peopleModel) step() {
	m.t.Helper()
	email, list := pick(m, m.emails), pick(m, m.lists)
	person, err := m.FindSubscriber(m.ctx, email)
	known := err == nil
	if known {
		m.ids[email] = person.ID
	}
	switch n := m.rng.IntN(100); {
	case n < 14:
		m.importSome(list)
	case n < 22:
		m.note("%s leaves %d", email, list)
		m.clicks(email, Leave{ListIDs: []int64{list}})
		m.left[email][list] = true
	case n < 25:
		m.note("%s wants no mail at all", email)
		m.clicks(email, Leave{Everything: true})
		m.never[email] = true
	case n < 28:
		m.note("%s is taken off %d", email, list)
		on := func(s Subscription) bool { return s.ListID == list && s.Status != StatusUnsubscribed }
		if known && slices.ContainsFunc(person.Subscriptions, on) {
			must[Subscriber](m.t)(m.DeleteSubscription(m.ctx, person.ID, list))
		}
	case n < 32:
		reason := pick(m, []string{ReasonBounce, ReasonComplaint, ReasonManual})
		m.note("%s of %s", reason, email)
		if m.rng.IntN(2) == 0 {
			must[SuppressionImport](m.t)(m.ImportSuppressions(m.ctx, strings.NewReader(email), NewSuppressions{Reason: reason, By: ann}))
		} else if _, err := m.Suppress(m.ctx, email, reason, "test", ""); err != nil && !errs.Is(err, errs.Conflict) {
			m.t.Fatal(err)
		}
		m.never[email] = true
	case n < 62:
		m.bulkSome(list)
	case n < 72 && len(m.bulks) > 0:
		m.undoSome()
	case n < 76 && len(m.imports) > 0:
		m.undoImportSome()
	case n < 84:
		m.note("a program adds %s to %d", email, list)
		_, err := m.CreateSubscriber(m.ctx, NewSubscriber{Email: email, ListIDs: []int64{list}, Source: SourceAPI})
		if (err == nil) != (!known && !m.erased[email]) || err != nil && !errs.Is(err, errs.Conflict) {
			m.t.Fatal(err, known)
		}
	case n < 88 && known:
		m.note("a program unsubscribes %s from %d", email, list)
		must[Subscriber](m.t)(m.SetSubscription(m.ctx, person.ID, list, StatusUnsubscribed, SourceAPI))
		m.left[email][list] = true
	case n < 91 && known:
		// Somebody asks to be put on a list again, and is, by hand: the only thing here that may bring them back.
		m.note("%s is subscribed to %d again", email, list)
		must[Subscriber](m.t)(m.SetSubscription(m.ctx, person.ID, list, StatusSubscribed, SourceAdmin))
		delete(m.left[email], list)
	case n < 96 && known:
		m.note("%s is deleted", email)
		if err := m.DeleteSubscriber(m.ctx, person.ID); err != nil {
			m.t.Fatal(err)
		}
	case n == 96:
		m.note("%s is erased", email)
		must[Erasure](m.t)(m.Erase(m.ctx, email, ann))
		m.erased[email] = true
	case n == 97:
		m.note("a day goes by")
		m.time = m.time.Add(BulkUndoWindow)
		for _, id := range m.bulks {
			must[time.Duration](m.t)(m.purgeBulk(m.ctx, id))
		}
		m.bulks = nil
	}
}

// clicks is somebody who follows a link of the last mail that they got, wherever they are by now.
func (m *peopleModel) clicks(email string, l Leave) {
	l.SubscriberID, l.EmailKey, l.Source = m.ids[email], email, SourceUnsubscribe
	if m.erased[email] {
		l.EmailKey = ErasedAddress
	}
	m.leave(l)
}

func (m *peopleModel) importSome(list int64) {
	m.t.Helper()
	file := "email,city\n"
	for _, email := range m.emails {
		if m.rng.IntN(2) == 0 {
			file += email + "," + pick(m, []string{"Rome", "Oslo"}) + "\n"
		}
	}
	status := pick(m, []string{StatusSubscribed, StatusSubscribed, StatusUnconfirmed})
	m.note("import as %s into %d: %q", status, list, file)
	if strings.Count(file, "\n") > 1 {
		imp := m.importFile(list, file, status)
		m.note("that was import %d", imp.ID)
		m.imports = append(m.imports, imp.ID)
	}
}

// undoImportSome takes an import back, once.
func (m *peopleModel) undoImportSome() {
	m.t.Helper()
	i := m.rng.IntN(len(m.imports))
	m.note("undo import %d", m.imports[i])
	m.undoImport(m.imports[i])
	m.imports = slices.Delete(m.imports, i, i+1)
}

func (m *peopleModel) bulkSome(list int64) {
	m.t.Helper()
	var sel BulkSelection
	if m.rng.IntN(2) == 0 {
		sel.Filter = pick(m, []SubscriberFilter{{}, {ListID: list}, {Status: StatusSubscribed}, {ListID: list, Status: StatusUnsubscribed}, {Search: "d1"}})
	} else {
		rows := must[pgx.Rows](m.t)(m.pool.Query(m.ctx, `SELECT id FROM subscribers ORDER BY id`))
		for _, id := range must[[]int64](m.t)(pgx.CollectRows(rows, pgx.RowTo[int64])) {
			if m.rng.IntN(3) == 0 {
				sel.IDs = append(sel.IDs, id)
			}
		}
	}
	order := pick(m, []BulkOrder{{Action: BulkSubscribe, ListID: list}, {Action: BulkSubscribe, ListID: list}, {Action: BulkUnsubscribe, ListID: list}, {Action: BulkRemove, ListID: list},
		{Action: BulkDelete}, {Action: BulkSetField, Field: "city", Value: "Bonn"}, {Action: BulkClearField, Field: "city"}, {Action: BulkSuppress}})
	p := must[BulkPreview](m.t)(m.PreviewBulk(m.ctx, sel, order))
	if p.Count == 0 {
		return
	}
	a := m.bulk(sel, order)
	m.note("bulk %d: %s of %+v, list %d: %d changed", a.ID, order.Action, sel, order.ListID, a.Changed)
	if a.Changed+a.Unchanged+a.Skipped != a.Total {
		m.t.Errorf("the counts of %+v do not add up", a)
	}
	m.bulks = append(m.bulks, a.ID)
}

func (m *peopleModel) undoSome() {
	m.t.Helper()
	id := pick(m, m.bulks)
	m.note("undo %d", id)
	a, err := m.UndoBulk(m.ctx, id)
	if errs.Is(err, errs.Conflict) {
		return
	}
	if err != nil {
		m.t.Fatal(err)
	}
	a = m.runUndo(id)
	kept := must[page.Page[BulkKept]](m.t)(m.ListBulkKept(m.ctx, id, true, page.Query{})).Items
	if int64(len(kept)) != a.Kept {
		m.t.Errorf("%d are listed as kept, %d counted", len(kept), a.Kept)
	}
}

func (m *peopleModel) runUndo(id int64) BulkAction {
	m.t.Helper()
	must[bool](m.t)(m.undoBulk(m.ctx, id, time.Hour))
	return must[BulkAction](m.t)(m.GetBulk(m.ctx, id))
}

// wrong says who would be mailed and must not be, or is here and must not be.
func (m *peopleModel) wrong() string {
	m.t.Helper()
	type mailed struct {
		EmailKey string
		ListID   *int64
	}
	rows := must[[]mailed](m.t)(pg.Many[mailed](m.ctx, m.pool, "who is mailed", `
		SELECT u.email_key, s.list_id FROM subscribers u LEFT JOIN subscriptions s ON s.subscriber_id = u.id AND s.status = 'subscribed'
			AND NOT EXISTS (SELECT FROM suppressions x WHERE x.email_key = u.email_key)`))
	for _, r := range rows {
		switch {
		case m.erased[r.EmailKey]:
			return r.EmailKey + " was erased and is here"
		case r.ListID == nil:
		case m.never[r.EmailKey]:
			return r.EmailKey + " wants or can have no mail and would be mailed"
		case m.left[r.EmailKey][*r.ListID]:
			return fmt.Sprintf("%s left list %d and would be mailed", r.EmailKey, *r.ListID)
		}
	}
	keys := must[pgx.Rows](m.t)(m.pool.Query(m.ctx, `SELECT email_key FROM suppressions`))
	suppressed := must[[]string](m.t)(pgx.CollectRows(keys, pgx.RowTo[string]))
	for email := range m.never {
		if !m.erased[email] && !slices.Contains(suppressed, email) {
			return email + " is not suppressed any more"
		}
	}
	return ""
}
