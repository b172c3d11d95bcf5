package audience

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postrider/internal/addr"
)

// randomRow is a row of a random file, as the model sees it.
func randomRow(r *rand.Rand) []string {
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	email := fmt.Sprintf("%s%d@%s", pick("p", "P", "q."), r.IntN(60), pick("x.org", "X.org", "bücher.example"))
	row := []string{email, pick("", "Ann", "Bob \"the\nBuilder\"", "Zoë;,"), pick("", "1", "2", "a\nb"), pick("", "", "ж")}
	switch r.IntN(12) {
	case 0:
		row[0] = pick("", "no", "a@b@c.org", "a@localhost")
	case 1:
		return row[:r.IntN(3)+1]
	case 2:
		return append(row, "more")
	}
	return row
}

// randomFile is a file with header of rows in which addresses come again and some are broken.
func randomFile(seed uint64, rows int) string {
	r := rand.New(rand.NewPCG(seed, seed))
	var out strings.Builder
	w := csv.NewWriter(&out)
	w.UseCRLF = seed%2 == 0
	w.Comma = []rune{',', ';', '\t'}[seed%3]
	header := []string{"email", "name", "plan", "город"}
	if err := w.Write(header); err != nil {
		panic(err)
	}
	for range rows {
		if err := w.Write(randomRow(r)); err != nil {
			panic(err)
		}
	}
	w.Flush()
	return out.String()
}

// model imports one row after another into a map: what an import must be equal to, however it cuts its batches.
type model struct {
	people     map[string]*modelPerson
	suppressed map[string]bool
}

type modelPerson struct {
	email, name string
	attributes  map[string]string
	status      string // on the list, "" when not on it
}

func (m *model) importFile(t *testing.T, file string, comma rune, status string) (c counts) {
	t.Helper()
	r := csv.NewReader(strings.NewReader(file))
	r.Comma, r.FieldsPerRecord = comma, -1
	all, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, rec := range all[1:] {
		if strings.TrimSpace(strings.Join(rec, "")) == "" {
			continue
		}
		c.rows++
		a, err := addr.Normalize(rec[0])
		if err != nil || len(rec) != len(all[0]) {
			c.rejected++
			continue
		}
		if m.suppressed[a.Key] {
			c.suppressed++
		}
		m.row(&c, a, rec, all[0], status)
	}
	return c
}

func (m *model) row(c *counts, a addr.Address, rec, header []string, status string) {
	p, known := m.people[a.Key]
	if !known {
		p = &modelPerson{email: a.Display, attributes: map[string]string{}}
		m.people[a.Key] = p
	}
	before := fmt.Sprint(*p)
	if name := strings.Join(strings.Fields(rec[1]), " "); name != "" {
		p.name = name
	}
	for i := 2; i < len(rec); i++ {
		if v := strings.ReplaceAll(rec[i], "\r\n", "\n"); v != "" {
			p.attributes[header[i]] = v
		}
	}
	if p.status == "" || p.status == StatusUnconfirmed && status == StatusSubscribed {
		p.status = status
	}
	switch {
	case !known:
		c.created++
	case fmt.Sprint(*p) != before:
		c.updated++
	default:
		c.unchanged++
	}
}

// lines shows the model as bundle.people shows the database.
func (m *model) lines(t *testing.T) string {
	var keys, out []string
	for k := range m.people {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		p := m.people[k]
		b, err := json.Marshal(p.attributes)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, strings.Join([]string{p.email, p.name, string(b), p.status}, "|"))
	}
	return strings.Join(out, "\n")
}

// TestImportEqualsModel imports random files in batches of random sizes, with somebody unsubscribing in between.
func TestImportEqualsModel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	list := b.list("News")
	m := &model{people: map[string]*modelPerson{}, suppressed: map[string]bool{"p1@x.org": true, "p2@x.org": true}}
	b.suppress("p1@x.org")
	b.suppress("P2@x.org")
	for seed := range uint64(12) {
		file := randomFile(seed, 150)
		status := []string{StatusUnconfirmed, StatusSubscribed}[seed/2%2]
		imp := b.upload(list, file)
		must[Import](t)(b.StartImport(b.ctx, imp.ID, suggestedMapping(imp, status), ""))
		b.inBatches(imp.ID, seed)
		imp = must[Import](t)(b.GetImport(b.ctx, imp.ID))
		if d := cmp.Diff(m.importFile(t, file, rune(imp.Format.Delimiter[0]), status), countsOf(imp), cmp.AllowUnexported(counts{})); d != "" {
			t.Fatalf("seed %d: %s", seed, d)
		}
		if d := cmp.Diff(m.lines(t), b.normalised(list)); d != "" {
			t.Fatalf("seed %d: %s", seed, d)
		}
		for k, p := range m.people {
			if strings.HasPrefix(k, fmt.Sprintf("p%d", seed)) {
				p.status = StatusUnsubscribed
			}
		}
		if _, err := b.pool.Exec(b.ctx, `UPDATE subscriptions s SET status = 'unsubscribed' FROM subscribers u
			WHERE u.id = s.subscriber_id AND u.email_key LIKE $1`, fmt.Sprintf("p%d%%", seed)); err != nil {
			t.Fatal(err)
		}
	}
}

// normalised is people with attributes as Go writes JSON and lines sorted by bytes.
func (b *bundle) normalised(list int64) string {
	b.t.Helper()
	rows, err := b.pool.Query(b.ctx, `SELECT u.email, u.name, u.attributes, s.status FROM subscribers u JOIN subscriptions s ON s.subscriber_id = u.id
		WHERE s.list_id = $1 ORDER BY u.email_key COLLATE "C"`, list)
	if err != nil {
		b.t.Fatal(err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var email, name, status string
		var attributes map[string]string
		if err := rows.Scan(&email, &name, &attributes, &status); err != nil {
			b.t.Fatal(err)
		}
		js, err := json.Marshal(attributes)
		if err != nil {
			b.t.Fatal(err)
		}
		out = append(out, strings.Join([]string{email, name, string(js), status}, "|"))
	}
	if err := rows.Err(); err != nil {
		b.t.Fatal(err)
	}
	return strings.Join(out, "\n")
}

// inBatches runs an import in batches of random sizes.
func (b *bundle) inBatches(id int64, seed uint64) {
	b.t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	if _, err := b.pool.Exec(b.ctx, `UPDATE imports SET status = 'running' WHERE id = $1`, id); err != nil {
		b.t.Fatal(err)
	}
	imp := must[Import](b.t)(b.GetImport(b.ctx, id))
	records, err := b.openRecords(b.ctx, imp)
	if err != nil {
		b.t.Fatal(err)
	}
	batch := newBatch(b.rowMapper(imp.Columns, *imp.Mapping), 0)
	for end := false; !end; batch = newBatch(batch.mapper, batch.start+batch.rows) {
		end = must[bool](b.t)(batch.fill(b.ctx, records, r.Int64N(60)+1))
		if err := b.commit(b.ctx, imp, newMerging(batch, nil)); err != nil {
			b.t.Fatal(err)
		}
	}
	b.run(id)
}
