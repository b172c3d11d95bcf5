package migrations_test

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"postrider/internal/pg/pgtest"
)

// run executes a migration by itself; its marks for goose are comments.
func run(t *testing.T, conn *pgx.Conn, file string) {
	t.Helper()
	sql, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	exec(t, conn, string(sql))
}

func TestKeysThatWereThereGoOnSigning(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.EmptyURL(t))
	run(t, conn, "0003_sending.sql")
	exec(t, conn, `INSERT INTO sending_domains (domain) VALUES ('example.org')`)
	// The older of two keys signed, and the newer one was there to be published.
	exec(t, conn, `
		INSERT INTO dkim_keys (domain_id, selector, algorithm, private_key, public_txt, status)
		SELECT 1, selector, algorithm, '', '', status FROM (VALUES
			('a', 'rsa2048', 'retired'), ('b', 'rsa2048', 'active'), ('c', 'ed25519', 'active'), ('d', 'rsa2048', 'active')) k (selector, algorithm, status)`)
	run(t, conn, "0007_domains.sql")
	rows, err := conn.Query(t.Context(), `
		SELECT selector || ' ' || status || CASE WHEN activated_at IS NOT NULL THEN ' activated' ELSE '' END || CASE WHEN retired_at IS NOT NULL THEN ' dated' ELSE '' END
		FROM dkim_keys ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a retired dated", "b active activated", "c active activated", "d pending"}, got); diff != "" {
		t.Error(diff)
	}
}
