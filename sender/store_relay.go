package sender

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
	"postrider/internal/pg"
)

// relayRow is a relay as it is read; the sealed secrets are moved to the unexported fields at once.
type relayRow struct {
	Relay
	Sealed             []byte `db:"sealed"`
	SealedClientSecret []byte `db:"sealed_client_secret"`
	SealedRefreshToken []byte `db:"sealed_refresh_token"`
	WarmupStart        *time.Time
	WarmupFirst        *int
	WarmupPercent      *int
	WarmupZone         string
	SendDays           []int
	SendFrom           *int // seconds of the day
	SendUntil          *int
	SendZone           string
	PaceConnections    *int
	PaceRestUntil      *time.Time
	PaceRests          *int
	PaceReason         *string
	PaceReply          *string
	PaceChangedAt      *time.Time
}

func (r relayRow) relay() Relay {
	r.Relay.sealedPassword, r.Relay.sealedClientSecret, r.Relay.sealedRefreshToken = r.Sealed, r.SealedClientSecret, r.SealedRefreshToken
	r.Relay.Warmup = newWarmup(r.WarmupStart, r.WarmupFirst, r.WarmupPercent, r.WarmupZone)
	r.Relay.Window = NewWindow(r.SendDays, r.SendFrom, r.SendUntil, r.SendZone)
	if r.PaceConnections != nil {
		r.Relay.Pace = &Pace{Connections: *r.PaceConnections, RestUntil: *r.PaceRestUntil, Rests: *r.PaceRests, Reason: *r.PaceReason, Reply: *r.PaceReply,
			ChangedAt: *r.PaceChangedAt}
	}
	return r.Relay
}

// sendsThrough says that campaign c has relay r. The tables of campaigns belong to another package: this is the one question about them that this package asks.
const sendsThrough = `(c.relay_id = r.id OR EXISTS (SELECT FROM campaign_relays m WHERE m.campaign_id = c.id AND m.relay_id = r.id))`

// needsRelays says that campaign c has mail for its relays, or may have. A stream of messages is open for ever, and needs them only while something waits: the next message
// begins another stream.
const needsRelays = `(c.status IN ('scheduled', 'running', 'paused') OR c.status = 'open'
	AND (SELECT sum(n.queued + n.claimed + n.deferred) FROM campaign_counts n WHERE n.campaign_id = c.id) > 0)`

const relayColumns = `
	r.id, r.name, r.provider, r.kind, r.host, r.port, r.tls, r.auth, r.username, r.password IS NOT NULL AS has_password, r.password AS sealed,
	r.oauth_client_id, r.oauth_token_url, r.oauth_client_secret IS NOT NULL AS has_client_secret, r.oauth_client_secret AS sealed_client_secret,
	r.oauth_refresh_token IS NOT NULL AS has_refresh_token, r.oauth_refresh_token AS sealed_refresh_token,
	r.helo_name, r.max_connections, r.max_messages_per_connection, r.return_path, r.dkim, r.signing_profile,
	r.per_second, r.per_minute, r.per_hour, r.per_day, r.weight, r.from_domains, r.recipient_sites, r.site_limits, r.warmup_start, r.warmup_first, r.warmup_percent, r.warmup_zone,
	r.send_days, EXTRACT(epoch FROM r.send_from)::int AS send_from, EXTRACT(epoch FROM r.send_until)::int AS send_until, r.send_zone,
	r.blocked_until, r.blocked_reason, p.connections AS pace_connections, p.rest_until AS pace_rest_until, p.rests AS pace_rests, p.reason AS pace_reason,
	p.reply AS pace_reply, p.changed_at AS pace_changed_at,
	r.status, r.pause_reason, r.created_at, r.updated_at,
	EXISTS (SELECT FROM campaigns c WHERE ` + needsRelays + ` AND ` + sendsThrough + `) AS in_use`

const relayTables = `relays r LEFT JOIN relay_pace p ON p.relay_id = r.id`

func getRelay(ctx context.Context, db pg.DB, id int64) (Relay, error) {
	row, err := pg.One[relayRow](ctx, db, fmt.Sprintf("relay %d", id), `
		SELECT `+relayColumns+` FROM `+relayTables+` WHERE r.id = $1`, id)
	return row.relay(), err
}

func listRelays(ctx context.Context, db pg.DB) ([]Relay, error) {
	return manyRelays(pg.Many[relayRow](ctx, db, "relays", `SELECT `+relayColumns+` FROM `+relayTables+` ORDER BY lower(r.name), r.id`))
}

// relaysByID gives those of the relays that exist, in the order of the ids.
func relaysByID(ctx context.Context, db pg.DB, ids []int64) ([]Relay, error) {
	return manyRelays(pg.Many[relayRow](ctx, db, "relays", `
		SELECT `+relayColumns+` FROM `+relayTables+` WHERE r.id = ANY ($1::bigint[]) ORDER BY array_position($1::bigint[], r.id)`, ids))
}

// relayForRow is a relay with the pace of a From domain beside it.
type relayForRow struct {
	relayRow
	FromID            *int64
	FromWarmupStart   *time.Time
	FromWarmupFirst   *int
	FromWarmupPercent *int
	FromWarmupZone    *string
	FromSendDays      []int
	FromSendFrom      *int
	FromSendUntil     *int
	FromSendZone      *string
}

// relaysFor is relaysByID for mail From a domain, with what that domain bounds: in the one statement, because it is asked before every claim.
func relaysFor(ctx context.Context, db pg.DB, ids []int64, from string) ([]Relay, FromDomain, error) {
	rows, err := pg.Many[relayForRow](ctx, db, "relays", `
		SELECT `+relayColumns+`, d.id AS from_id, d.warmup_start AS from_warmup_start, d.warmup_first AS from_warmup_first,
			d.warmup_percent AS from_warmup_percent, d.warmup_zone AS from_warmup_zone, d.send_days AS from_send_days,
			EXTRACT(epoch FROM d.send_from)::int AS from_send_from, EXTRACT(epoch FROM d.send_until)::int AS from_send_until, d.send_zone AS from_send_zone
		FROM `+relayTables+` LEFT JOIN sending_domains d ON d.domain = $2 AND (d.warmup_start IS NOT NULL OR cardinality(d.send_days) > 0)
		WHERE r.id = ANY ($1::bigint[]) ORDER BY array_position($1::bigint[], r.id)`, ids, from)
	if err != nil {
		return nil, FromDomain{}, err
	}
	domain := FromDomain{Domain: from}
	relays := make([]Relay, len(rows))
	for i, row := range rows {
		relays[i] = row.relay()
		if row.FromID != nil {
			domain.ID = *row.FromID
			domain.Warmup = newWarmup(row.FromWarmupStart, row.FromWarmupFirst, row.FromWarmupPercent, deref(row.FromWarmupZone))
			domain.Window = NewWindow(row.FromSendDays, row.FromSendFrom, row.FromSendUntil, deref(row.FromSendZone))
		}
	}
	return relays, domain, nil
}

func manyRelays(rows []relayRow, err error) ([]Relay, error) {
	if err != nil {
		return nil, err
	}
	relays := make([]Relay, len(rows))
	for i, row := range rows {
		relays[i] = row.relay()
	}
	return relays, nil
}

// relayArgs are the columns that a person sets, by name.
func relayArgs(in RelayInput) pgx.NamedArgs {
	args := pgx.NamedArgs{
		"per_second": in.Limits.PerSecond, "per_minute": in.Limits.PerMinute, "per_hour": in.Limits.PerHour, "per_day": in.Limits.PerDay,
		"weight": *in.Weight, "from_domains": in.FromDomains, "recipient_sites": in.RecipientSites, "site_limits": *in.SiteLimits,
		"name": in.Name, "kind": in.Kind, "host": in.Host, "port": in.Port, "tls": in.TLS, "auth": in.Auth, "username": in.Username,
		"helo_name": in.HELOName, "max_connections": in.MaxConnections, "max_messages": in.MaxMessagesPerConnection,
		"return_path": in.ReturnPath, "dkim": in.DKIM,
		"signing_profile": in.SigningProfile, "provider": in.Provider, "oauth_client_id": in.OAuth.ClientID, "oauth_token_url": in.OAuth.TokenURL,
	}
	maps.Copy(args, paceArgs(in.Warmup, in.Window))
	return args
}

// paceArgs are the columns of a warm-up and a window, by name, in relays and in sending_domains.
func paceArgs(warmup *Warmup, window *Window) pgx.NamedArgs {
	args := pgx.NamedArgs{
		"warmup_start": nil, "warmup_first": nil, "warmup_percent": nil, "warmup_zone": "",
	}
	if w := warmup; w != nil {
		args["warmup_start"], args["warmup_first"], args["warmup_percent"], args["warmup_zone"] = w.Start, w.First, w.Percent, w.Zone
	}
	maps.Copy(args, window.Args())
	return args
}

func insertRelay(ctx context.Context, db pg.DB, in RelayInput) (id int64, err error) {
	err = db.QueryRow(ctx, `
		INSERT INTO relays (name, kind, host, port, tls, auth, username, helo_name, max_connections, max_messages_per_connection,
			return_path, dkim, signing_profile, provider, oauth_client_id, oauth_token_url, per_second, per_minute, per_hour, per_day,
			warmup_start, warmup_first, warmup_percent, warmup_zone, send_days, send_from, send_until, send_zone, weight, from_domains, recipient_sites, site_limits)
		VALUES (@name, @kind, @host, @port, @tls, @auth, @username, @helo_name, @max_connections, @max_messages,
			@return_path, @dkim, @signing_profile, @provider, @oauth_client_id, @oauth_token_url, @per_second, @per_minute, @per_hour, @per_day,
			@warmup_start, @warmup_first, @warmup_percent, @warmup_zone, @send_days, @send_from::time,
			@send_until::time, @send_zone, @weight, @from_domains, @recipient_sites, @site_limits)
		RETURNING id`, relayArgs(in)).Scan(&id)
	return id, relayViolation(err, in)
}

func updateRelay(ctx context.Context, db pg.DB, id int64, in RelayInput) error {
	args := relayArgs(in)
	args["id"] = id
	_, err := db.Exec(ctx, `
		UPDATE relays SET name = @name, kind = @kind, host = @host, port = @port, tls = @tls, auth = @auth, username = @username,
			helo_name = @helo_name, max_connections = @max_connections, max_messages_per_connection = @max_messages,
			per_second = @per_second, per_minute = @per_minute, per_hour = @per_hour, per_day = @per_day,
			warmup_start = @warmup_start, warmup_first = @warmup_first, warmup_percent = @warmup_percent,
			warmup_zone = @warmup_zone, send_days = @send_days, send_from = @send_from::time,
			send_until = @send_until::time, send_zone = @send_zone, return_path = @return_path, dkim = @dkim,
			signing_profile = @signing_profile, provider = @provider, oauth_client_id = @oauth_client_id, oauth_token_url = @oauth_token_url,
			weight = @weight, from_domains = @from_domains, recipient_sites = @recipient_sites, site_limits = @site_limits, updated_at = now()
		WHERE id = @id`, args)
	return relayViolation(err, in)
}

// setRelaySecret stores what the box sealed; nil takes the secret away.
func setRelaySecret(ctx context.Context, db pg.DB, id int64, column string, sealed []byte) error {
	_, err := db.Exec(ctx, `
		UPDATE relays SET
			password = CASE WHEN $2 = 'password' THEN $3 ELSE password END,
			oauth_client_secret = CASE WHEN $2 = 'oauth_client_secret' THEN $3 ELSE oauth_client_secret END,
			oauth_refresh_token = CASE WHEN $2 = 'oauth_refresh_token' THEN $3 ELSE oauth_refresh_token END
		WHERE id = $1`, id, column, sealed)
	if err != nil {
		return fmt.Errorf("storing the %s of relay %d: %w", column, id, err)
	}
	return nil
}

// replaceRefreshToken stores the token that a service gave in exchange for old, unless a person has entered another one in the meantime. It leaves
// updated_at alone, which tells the pools that the settings changed.
func replaceRefreshToken(ctx context.Context, db pg.DB, id int64, old, sealed []byte) error {
	_, err := db.Exec(ctx, `UPDATE relays SET oauth_refresh_token = $3 WHERE id = $1 AND oauth_refresh_token = $2`, id, old, sealed)
	if err != nil {
		return fmt.Errorf("storing the new refresh token of relay %d: %w", id, err)
	}
	return nil
}

// setRelayStatus pauses or resumes. A pause without a reason keeps the reason of an earlier one: it says more than "somebody pressed pause".
func setRelayStatus(ctx context.Context, db pg.DB, id int64, status, reason string) error {
	_, err := db.Exec(ctx, `
		UPDATE relays SET status = $2, updated_at = now(),
			blocked_until = CASE WHEN $2 = 'paused' THEN blocked_until END, blocked_reason = CASE WHEN $2 = 'paused' THEN blocked_reason END,
			trouble_nodes = '{}', pause_reason = CASE WHEN $2 = 'active' THEN NULL
				WHEN $3 <> '' THEN $3
				WHEN status = 'paused' THEN pause_reason END
		WHERE id = $1`, id, status, reason)
	if err != nil {
		return fmt.Errorf("setting relay %d to %s: %w", id, status, err)
	}
	return nil
}

// noteTrouble touches neither a paused relay, whose reason stays, nor updated_at, which tells the pools that the settings changed.
func noteTrouble(ctx context.Context, db pg.DB, id int64, node, text string) error {
	_, err := db.Exec(ctx, `
		UPDATE relays SET pause_reason = $3, trouble_nodes = array_append(array_remove(trouble_nodes, $2::uuid), $2::uuid)
		WHERE id = $1 AND status = 'active' AND (pause_reason IS DISTINCT FROM $3 OR $2::uuid <> ALL (trouble_nodes))`, id, node, text)
	if err != nil {
		return fmt.Errorf("noting the trouble of relay %d: %w", id, err)
	}
	return nil
}

func clearTrouble(ctx context.Context, db pg.DB, id int64) error {
	_, err := db.Exec(ctx, `
		UPDATE relays SET pause_reason = NULL, trouble_nodes = '{}' WHERE id = $1 AND status = 'active' AND pause_reason IS NOT NULL`, id)
	if err != nil {
		return fmt.Errorf("clearing the trouble of relay %d: %w", id, err)
	}
	return nil
}

// forgetTroubleTx takes back what a node that is gone has told of relays. What another one has told as well stays.
func forgetTroubleTx(ctx context.Context, tx pgx.Tx, node string) error {
	_, err := tx.Exec(ctx, `
		UPDATE relays r SET trouble_nodes = array_remove(r.trouble_nodes, $1::uuid),
			pause_reason = CASE WHEN r.status = 'active' AND cardinality(array_remove(r.trouble_nodes, $1::uuid)) = 0 THEN NULL ELSE r.pause_reason END
		FROM (SELECT id FROM relays WHERE $1::uuid = ANY (trouble_nodes) ORDER BY id FOR UPDATE) told WHERE r.id = told.id`, node)
	if err != nil {
		return fmt.Errorf("taking back the trouble that node %s told: %w", node, err)
	}
	return nil
}

// newsletterSendsThrough says that a newsletter that has not ended has relay r: its issues would go through it.
const newsletterSendsThrough = `EXISTS (SELECT FROM newsletter_relays m JOIN newsletters n ON n.id = m.newsletter_id WHERE m.relay_id = r.id AND n.status <> 'ended')`

// deleteRelay leaves a relay alone that a live campaign or a newsletter sends through; deleted is false then, or when there is no such relay.
func deleteRelay(ctx context.Context, db pg.DB, id int64) (deleted bool, err error) {
	tag, err := db.Exec(ctx, `
		DELETE FROM relays r
		WHERE id = $1 AND NOT EXISTS (SELECT FROM campaigns c WHERE `+needsRelays+` AND `+sendsThrough+`)
			AND NOT `+newsletterSendsThrough, id)
	if err != nil {
		return false, fmt.Errorf("deleting relay %d: %w", id, err)
	}
	return tag.RowsAffected() == 1, nil
}

// relayUser is the campaign that keeps a relay, a live one first.
type relayUser struct {
	ID     int64
	Name   string
	Status string
}

func relayUsers(ctx context.Context, db pg.DB, id int64) ([]relayUser, error) {
	return pg.Many[relayUser](ctx, db, "campaigns of a relay", `
		SELECT c.id, c.name, c.status FROM campaigns c JOIN relays r ON r.id = $1 WHERE `+sendsThrough+`
		ORDER BY `+needsRelays+` DESC, c.id DESC LIMIT 1`, id)
}

// relayNewsletters gives the names of newsletters that keep a relay.
func relayNewsletters(ctx context.Context, db pg.DB, id int64) ([]string, error) {
	rows, err := db.Query(ctx, `
		SELECT n.name FROM newsletter_relays m JOIN newsletters n ON n.id = m.newsletter_id WHERE m.relay_id = $1 AND n.status <> 'ended' ORDER BY n.id LIMIT 1`, id)
	if err != nil {
		return nil, fmt.Errorf("reading the newsletters of relay %d: %w", id, err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("reading the newsletters of relay %d: %w", id, err)
	}
	return names, nil
}

func relayViolation(err error, in RelayInput) error {
	if err == nil {
		return nil
	}
	if pg.Violation(err) == "relays_name" {
		return &errs.E{Kind: errs.Conflict, Public: fmt.Sprintf("there is a relay named %q already; choose another name", in.Name),
			Fields: []errs.Field{{Name: "name", Message: "this name is taken"}}}
	}
	return fmt.Errorf("storing relay %q: %w", in.Name, err)
}
