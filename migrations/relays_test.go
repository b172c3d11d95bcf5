package migrations_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"postrider/internal/pg/pgtest"
)

func TestLimitsOfRelaysOutliveTheirOldColumns(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.EmptyURL(t))
	run(t, conn, "0003_sending.sql")
	exec(t, conn, `
		INSERT INTO relays (name, kind, tls, auth, rate_limit, rate_period)
		SELECT name, 'smtp', 'none', 'none', n, period FROM (VALUES
			('a', 3, 'second'), ('b', 40, 'minute'), ('c', 500, 'hour'), ('d', 6000, 'day'), ('none', NULL, 'hour')) r (name, n, period) ORDER BY name`)
	run(t, conn, "0008_pace.sql")
	exec(t, conn, `UPDATE relays SET pause_reason = 'no route'`)
	exec(t, conn, `UPDATE relays SET status = 'paused', pause_reason = '535 no' WHERE name = 'b'`)
	run(t, conn, "0013_relay_rate_and_trouble.sql")
	for sql, want := range map[string][]string{
		`SELECT concat_ws(' ', name, per_second, per_minute, per_hour, per_day) FROM relays ORDER BY id`:                                     {"a 3", "b 40", "c 500", "d 6000", "none"},
		`SELECT attname::text FROM pg_attribute WHERE attrelid = 'relays'::regclass AND attname IN ('rate_limit', 'rate_period', 'per_day')`: {"per_day"},
		// Trouble of which nobody knows who told it is forgotten, the reason of a pause is not.
		`SELECT concat_ws(' ', name, pause_reason, cardinality(trouble_nodes)) FROM relays ORDER BY id`: {"a 0", "b 535 no 0", "c 0", "d 0", "none 0"},
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
