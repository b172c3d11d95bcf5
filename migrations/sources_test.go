package migrations_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"postrider/internal/pg/pgtest"
)

func TestCopiesOfSourcesGetAKind(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.EmptyURL(t))
	run(t, conn, "0035_sources.sql")
	exec(t, conn, `
		INSERT INTO fetched_documents (url, body, fetched_at, tried_at, used_at) SELECT url, body, now(), now(), now() FROM (VALUES
			('rss', convert_to(E'\uFEFF <?xml version="1.0"?><rss/>', 'UTF8')), ('wide', '\xfffe3c007200'::bytea), ('json feed', '{"version": "https://jsonfeed.org/version/1", "title": "<b>"}'),
			('json', '{"html": "<b>"}'), ('list', ' ["<b>"]'), ('error', '{"error": "rate limited"}')) d (url, body)`)
	exec(t, conn, `INSERT INTO fetched_documents (url, trouble, failing_since, tried_at, used_at) VALUES ('never', 'x', now(), now(), now())`)
	exec(t, conn, `
		CREATE TABLE newsletter_items (key text, item jsonb, published_at timestamptz, sent_at timestamptz);
		INSERT INTO newsletter_items VALUES ('changed', '{"updated": "2026-01-02T00:00:00Z"}', NULL, NULL), ('none', '{"updated": "0001-01-01T00:00:00Z"}', NULL, NULL),
			('dated', '{"updated": "2026-01-02T00:00:00Z"}', '2026-01-01 00:00:00+00', NULL)`)
	run(t, conn, "0039_newsletter_sources.sql")
	for sql, want := range map[string][]string{
		`SELECT kind || ' ' || url FROM source_copies ORDER BY 1`:                                                  {"feed json feed", "feed rss", "feed wide", "json error", "json json", "json json feed", "json list"},
		`SELECT concat_ws(' ', key, published_at AT TIME ZONE 'UTC', position) FROM newsletter_items ORDER BY key`: {"changed 2026-01-02 00:00:00 0", "dated 2026-01-01 00:00:00 0", "none 0"},
	} {
		rows, err := conn.Query(t.Context(), sql)
		if err != nil {
			t.Fatal(err)
		}
		got, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", sql, diff)
		}
	}
}
