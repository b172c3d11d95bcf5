package campaigns

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"postrider/audience"
	"postrider/events"
	"postrider/internal/addr"
	"postrider/internal/errs"
)

// skipErased is why what still waited for an erased person was not sent.
const skipErased = "erased"

// EraseTx makes the ledgers say nothing of a person: the rows and what came of them stay, so that all figures stay as they are, without the address and without what
// servers wrote about it. What waits for them is not sent any more. While a message is on its way, or the audience of a campaign is being written, it is a Conflict.
// It is an audience.EraseTx.
func (s *Service) EraseTx(ctx context.Context, tx pgx.Tx, ids []int64, addresses []string) (int64, error) {
	// A part of an audience that is written at this moment may hold them, and would be committed after this.
	var name string
	err := tx.QueryRow(ctx, `SELECT name FROM campaigns WHERE status IN ('running', 'paused') AND freeze_after IS NOT NULL ORDER BY id LIMIT 1`).Scan(&name)
	if err == nil {
		return 0, errs.New(errs.Conflict, "the recipients of the campaign %q are being written down: try again when it has started to send", name)
	}
	if !errors.Is(err, pgx.ErrNoRows) {
		return 0, fmt.Errorf("erasing from the ledgers: %w", err)
	}
	_, err = tx.Exec(ctx, `
		WITH gone AS (
			UPDATE deliveries SET state = 7, skip_reason = $2, next_attempt_at = NULL, updated_at = now() WHERE subscriber_id = ANY ($1) AND state IN (0, 3)
			RETURNING campaign_id, gate)
		UPDATE campaign_gates g SET people = g.people - n.n FROM (SELECT campaign_id, gate, count(*)::int AS n FROM gone WHERE gate IS NOT NULL GROUP BY 1, 2) n
		WHERE g.campaign_id = n.campaign_id AND g.gate = n.gate AND g.opened_at IS NULL`, ids, skipErased)
	if err != nil {
		return 0, fmt.Errorf("erasing from the ledgers: %w", err)
	}
	err = tx.QueryRow(ctx, `SELECT c.name FROM deliveries d JOIN campaigns c ON c.id = d.campaign_id WHERE d.subscriber_id = ANY ($1) AND d.state = 1 LIMIT 1`, ids).Scan(&name)
	if err == nil {
		return 0, errs.New(errs.Conflict, "a message of the campaign %q is on its way to this person at this moment: try again in a minute", name)
	}
	if !errors.Is(err, pgx.ErrNoRows) {
		return 0, fmt.Errorf("erasing from the ledgers: %w", err)
	}
	var n int64
	for _, sql := range []string{eraseAttempts, eraseReports, eraseDeliveries, eraseExclusions, eraseMessages, eraseRequests} {
		tag, err := tx.Exec(ctx, sql, ids, addresses, audience.ErasedAddress)
		if err != nil {
			return 0, fmt.Errorf("erasing from the ledgers: %w", err)
		}
		n += tag.RowsAffected()
	}
	for _, sql := range []string{
		`UPDATE campaign_selections SET selection = regexp_replace(selection::text, $1, $2, 'gi')::jsonb WHERE selection::text ~* $1`,
		// What was said to others may name them.
		`UPDATE messages SET data = regexp_replace(data::text, $1, $2, 'gi')::jsonb WHERE data::text ~* $1`,
	} {
		tag, err := tx.Exec(ctx, sql, audience.AddressPattern(addresses), audience.ErasedAddress)
		if err != nil {
			return 0, fmt.Errorf("erasing from frozen segments and messages: %w", err)
		}
		n += tag.RowsAffected()
	}
	reports, err := forgetPreflightsTx(ctx, tx, ids)
	return n + reports, err
}

// Servers quote the address, or half of it, in their replies; the words of sender/reply, which the figures are made of, stay.
const (
	eraseAttempts = `UPDATE delivery_attempts a SET reply_text = NULL FROM deliveries d
		WHERE d.subscriber_id = ANY ($1::bigint[]) AND a.campaign_id = d.campaign_id AND a.seq = d.seq AND a.reply_text IS NOT NULL
			AND $2::text[] IS NOT NULL AND $3::text IS NOT NULL`
	// The key holds the address too. What is known by it must stay known, or a report that comes again would be taken anew: see withoutErased.
	eraseReports = `UPDATE reports SET address = $3::text, diagnostic = NULL, raw = NULL, key = 'erased ' || encode(sha256(convert_to(key, 'UTF8')), 'hex')
		WHERE address <> $3::text AND (lower(address) = ANY ($2::text[]) OR subscriber_id = ANY ($1::bigint[])
			OR (campaign_id, seq) IN (SELECT campaign_id, seq FROM deliveries WHERE subscriber_id = ANY ($1::bigint[])))`
	eraseDeliveries = `UPDATE deliveries SET email = $3::text, reply_text = NULL WHERE subscriber_id = ANY ($1::bigint[]) AND $2::text[] IS NOT NULL
		AND (email <> $3::text OR reply_text IS NOT NULL)`
	// What a program said with a message to them is about them. Their numbers stand in the answers, and a key may be made of their address.
	eraseMessages = `UPDATE messages SET data = NULL, to_name = '', tags = '{}', forgotten = true WHERE subscriber_id = ANY ($1::bigint[])
		AND (data IS NOT NULL OR to_name <> '' OR tags <> '{}') AND $2::text[] IS NOT NULL AND $3::text IS NOT NULL`
	eraseRequests = `DELETE FROM message_requests r WHERE $3::text IS NOT NULL
		AND (EXISTS (SELECT FROM unnest($1::bigint[]) AS p (id) WHERE r.answer @> jsonb_build_array(jsonb_build_object('subscriber_id', p.id)))
			OR EXISTS (SELECT FROM unnest($2::text[]) a WHERE position(a IN lower(r.key)) > 0 OR position(a IN lower(r.answer::text)) > 0))`
	// By campaign, since the primary key begins with it and there is no other index.
	eraseExclusions = `UPDATE exclusions x SET email = $3::text FROM campaigns c, unnest($1::bigint[]) AS p (id)
		WHERE x.campaign_id = c.id AND x.subscriber_id = p.id AND x.email <> $3::text AND $2::text[] IS NOT NULL`
)

// withoutErased takes the address out of a report that comes in about somebody who was erased since; what it says of the mail counts all the same.
func (s *Service) withoutErased(ctx context.Context, tx pgx.Tx, r events.Report) (events.Report, error) {
	a, err := addr.Normalize(r.Address)
	if err != nil {
		return r, nil // nobody was erased by what is no address
	}
	gone, err := s.d.Audience.ErasedTx(ctx, tx, a.Key)
	if err != nil || !gone {
		return r, err
	}
	sum := sha256.Sum256([]byte(r.Key))
	r.Key, r.Address, r.Diagnostic, r.Raw = "erased "+hex.EncodeToString(sum[:]), audience.ErasedAddress, "", nil
	return r, nil
}
