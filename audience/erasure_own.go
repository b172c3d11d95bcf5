package audience

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"
)

// ownErasers are what this package keeps about people. Whoever adds a table with something personal adds it here; TestErasureLeavesNothing finds what is forgotten.
func (s *Service) ownErasers() []Eraser {
	return []Eraser{
		{"imports", eraseImports},
		{"bulk actions", eraseBulk},
		{"sign-ups", eraseSignups},
		{"segments", eraseSegments},
		{"unsubscribes", eraseUnsubscribes},
		{"suppressions", eraseSuppressions},
		{"subscriptions", eraseSubscriptions},
		{"subscribers", eraseSubscribers},
	}
}

// statements runs SQL with $1 = ids and $2 = addresses, and sums up the rows. Each must use both.
func statements(ctx context.Context, tx pgx.Tx, what string, ids []int64, addresses []string, sqls ...string) (int64, error) {
	var n int64
	for _, sql := range sqls {
		tag, err := tx.Exec(ctx, sql, ids, addresses)
		if err != nil {
			return 0, fmt.Errorf("erasing %s: %w", what, err)
		}
		n += tag.RowsAffected()
	}
	return n, nil
}

// eraseImports takes the person out of what imports keep: rows that were rejected, samples of a check, changes for the undoing, and examples from the columns of the file.
// A whole row of a file is about one person, so where the address is found in a row the row goes.
func eraseImports(ctx context.Context, tx pgx.Tx, ids []int64, addresses []string) (int64, error) {
	return statements(ctx, tx, "imports", ids, addresses,
		`DELETE FROM import_errors e WHERE $1::bigint[] IS NOT NULL
			AND EXISTS (SELECT FROM unnest($2::text[]) a WHERE position(a IN lower(e.value || ' ' || array_to_string(e.record, ' '))) > 0)`,
		`DELETE FROM import_samples s WHERE $1::bigint[] IS NOT NULL
			AND (lower(s.email) = ANY ($2::text[]) OR EXISTS (SELECT FROM unnest($2::text[]) a WHERE position(a IN lower(s.before::text || s.after::text || s.reason)) > 0))`,
		`DELETE FROM import_changes WHERE subscriber_id = ANY ($1::bigint[]) AND $2::text[] IS NOT NULL`,
		`DELETE FROM import_kept WHERE subscriber_id = ANY ($1::bigint[]) OR lower(email) = ANY ($2::text[])`,
		// The examples in the columns of a file are from its first rows, of several people: all of them go.
		`UPDATE imports i SET columns = (SELECT COALESCE(jsonb_agg(CASE WHEN c ? 'samples' THEN c || '{"samples": []}' ELSE c END ORDER BY n), '[]')
				FROM jsonb_array_elements(i.columns) WITH ORDINALITY AS e (c, n))
			WHERE $1::bigint[] IS NOT NULL AND EXISTS (SELECT FROM unnest($2::text[]) a WHERE position(a IN lower(i.columns::text)) > 0)`)
}

func eraseBulk(ctx context.Context, tx pgx.Tx, ids []int64, addresses []string) (int64, error) {
	return statements(ctx, tx, "bulk actions", ids, addresses,
		`DELETE FROM bulk_changes WHERE subscriber_id = ANY ($1::bigint[]) OR before ? 'subscriber' AND before #>> '{subscriber,email_key}' = ANY ($2::text[])
			OR after ? 'suppression' AND after #>> '{suppression,email_key}' = ANY ($2::text[])`,
		`DELETE FROM bulk_people WHERE subscriber_id = ANY ($1::bigint[]) AND $2::text[] IS NOT NULL`,
		`DELETE FROM bulk_kept WHERE subscriber_id = ANY ($1::bigint[]) AND $2::text[] IS NOT NULL`,
		`UPDATE bulk_actions SET selection = '{}' WHERE $1::bigint[] IS NOT NULL
			AND EXISTS (SELECT FROM unnest($2::text[]) a WHERE position(a IN lower(selection::text)) > 0)`,
		`UPDATE bulk_actions SET params = params - 'note' - 'value' WHERE $1::bigint[] IS NOT NULL
			AND EXISTS (SELECT FROM unnest($2::text[]) a WHERE position(a IN lower(params::text)) > 0)`)
}

// eraseSignups keeps that a form was filled in, which its figures count. Deleting the person does the same, but sign-ups may have outlived their person.
func eraseSignups(ctx context.Context, tx pgx.Tx, ids []int64, addresses []string) (int64, error) {
	return statements(ctx, tx, "sign-ups", ids, addresses,
		`UPDATE signups SET subscriber_id = NULL, email = '', email_key = '', mailbox_key = '', network_key = '', name = '', attributes = '{}', evidence = '{}', reply = '',
			state = CASE WHEN closed_at IS NULL THEN 'removed' ELSE state END, closed_at = COALESCE(closed_at, now())
			WHERE subscriber_id = ANY ($1::bigint[]) OR email_key = ANY ($2::text[])`)
}

// AddressPattern is a regular expression of Postgres that finds any of the addresses, but not as a part of a longer one, in the text of jsonb.
func AddressPattern(addresses []string) string {
	forms := make([]string, len(addresses))
	for i, a := range addresses {
		forms[i] = regexp.QuoteMeta(strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(a))
	}
	return `(?<![[:alnum:]!#$%&'*+/=?^_{|}~.-])(` + strings.Join(forms, "|") + `)(?![[:alnum:]-]|\.[[:alnum:]])`
}

// eraseSegments has conditions that name the address name one that nobody has.
func eraseSegments(ctx context.Context, tx pgx.Tx, _ []int64, addresses []string) (int64, error) {
	tag, err := tx.Exec(ctx, `UPDATE segments SET definition = regexp_replace(definition::text, $1, $2, 'gi')::jsonb WHERE definition::text ~* $1`,
		AddressPattern(addresses), ErasedAddress)
	if err != nil {
		return 0, fmt.Errorf("erasing from segments: %w", err)
	}
	return tag.RowsAffected(), nil
}

// eraseUnsubscribes keeps that somebody left, which campaigns count, without their words.
func eraseUnsubscribes(ctx context.Context, tx pgx.Tx, ids []int64, addresses []string) (int64, error) {
	return statements(ctx, tx, "unsubscribes", ids, addresses,
		`UPDATE unsubscribes SET comment = '' WHERE subscriber_id = ANY ($1::bigint[]) AND comment <> '' AND $2::text[] IS NOT NULL`,
		`UPDATE unsubscribes u SET comment = '' WHERE comment <> '' AND $1::bigint[] IS NOT NULL
			AND EXISTS (SELECT FROM unnest($2::text[]) a WHERE position(a IN lower(u.comment)) > 0)`)
}

// eraseSuppressions also takes the address out of what was written about other addresses.
func eraseSuppressions(ctx context.Context, tx pgx.Tx, ids []int64, addresses []string) (int64, error) {
	return statements(ctx, tx, "suppressions", ids, addresses,
		`DELETE FROM suppressions WHERE email_key = ANY ($2::text[]) AND $1::bigint[] IS NOT NULL`,
		`DELETE FROM suppression_log WHERE email_key = ANY ($2::text[]) AND $1::bigint[] IS NOT NULL`,
		`UPDATE suppressions s SET detail = '`+erasedText+`' WHERE $1::bigint[] IS NOT NULL
			AND EXISTS (SELECT FROM unnest($2::text[]) a WHERE position(a IN lower(s.detail)) > 0)`,
		`UPDATE suppression_log s SET detail = '`+erasedText+`', note = '`+erasedText+`' WHERE $1::bigint[] IS NOT NULL
			AND EXISTS (SELECT FROM unnest($2::text[]) a WHERE position(a IN lower(s.detail || ' ' || s.note)) > 0)`)
}

func eraseSubscriptions(ctx context.Context, tx pgx.Tx, ids []int64, addresses []string) (int64, error) {
	return statements(ctx, tx, "subscriptions", ids, addresses,
		`DELETE FROM subscriptions WHERE subscriber_id = ANY ($1::bigint[]) AND $2::text[] IS NOT NULL`,
		`DELETE FROM subscription_history WHERE subscriber_id = ANY ($1::bigint[]) AND $2::text[] IS NOT NULL`)
}

func eraseSubscribers(ctx context.Context, tx pgx.Tx, ids []int64, addresses []string) (int64, error) {
	n, err := statements(ctx, tx, "the person", ids, addresses,
		`DELETE FROM subscribers WHERE id = ANY ($1::bigint[]) OR email_key = ANY ($2::text[])`)
	if err != nil {
		return 0, err
	}
	_, err = statements(ctx, tx, "the person", ids, addresses,
		`DELETE FROM subscriber_search WHERE subscriber_id = ANY ($1::bigint[]) AND $2::text[] IS NOT NULL`)
	return n, err
}
