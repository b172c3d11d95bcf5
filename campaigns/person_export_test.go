package campaigns

import "testing"

// A few large reports must not take all memory: what is over is left out, and that is said.
func TestExportIsBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(1)
	id := query[int64](b, `SELECT id FROM subscribers`)[0]
	b.exec(`INSERT INTO reports (key, source, kind, at, subscriber_id, address, action, raw)
		SELECT n::text, 's', 'bounce', now(), $1, $2, 'none', convert_to(repeat('x', $3), 'UTF8') FROM generate_series(1, 3) n`, id, person(1), maxSectionBytes*2/5)
	data, err := b.ExportPerson(t.Context(), id)
	must(t, err)
	for _, s := range data.Sections {
		if s.Name == "reports" && (len(s.Rows) != 2 || !s.Cut) || s.Name != "reports" && s.Cut {
			t.Errorf("%s: %d rows, cut: %v", s.Name, len(s.Rows), s.Cut)
		}
	}
}
