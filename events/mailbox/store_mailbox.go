package mailbox

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
	"postrider/internal/pg"
)

// mailboxRow is a mailbox as it is read; the rest is moved to the unexported fields at once.
type mailboxRow struct {
	Mailbox
	Sealed             []byte
	SealedClientSecret []byte
	SealedRefreshToken []byte
	UIDValidity        int64 `db:"uid_validity"`
	LastUID            int64 `db:"last_uid"`
	Version            int64
	Failures           int
	ErrorKind          Kind
	ErrorStep          string
	ErrorText          string
	ErrorRemedy        string
	ErrorAt            *time.Time
}

func (r mailboxRow) mailbox() Mailbox {
	m := r.Mailbox
	m.sealedPassword, m.sealedClientSecret, m.sealedRefreshToken = r.Sealed, r.SealedClientSecret, r.SealedRefreshToken
	m.uidValidity, m.lastUID, m.version, m.failures = r.UIDValidity, r.LastUID, r.Version, r.Failures
	if r.ErrorAt != nil {
		m.Problem = &Problem{Kind: r.ErrorKind, Step: r.ErrorStep, Text: r.ErrorText, Remedy: r.ErrorRemedy, At: *r.ErrorAt}
	}
	return m
}

const mailboxColumns = `
	m.id, m.name, m.provider, m.protocol, m.host, m.port, m.tls, m.allow_cleartext, m.auth, m.username, m.password IS NOT NULL AS has_password, m.password AS sealed,
	m.oauth_client_id, m.oauth_token_url, m.oauth_client_secret IS NOT NULL AS has_client_secret, m.oauth_client_secret AS sealed_client_secret,
	m.oauth_refresh_token IS NOT NULL AS has_refresh_token, m.oauth_refresh_token AS sealed_refresh_token,
	m.folder, m.after_taken, m.move_to, m.clear_ignored, m.poll_minutes, m.status, m.created_at, m.updated_at,
	m.mode, coalesce(m.lease_until > now(), false) AS reading, m.messages, m.checked_at, m.next_check_at, m.wait_until,
	m.uid_validity, m.last_uid, m.version, m.failures, m.error_kind, m.error_step, m.error_text, m.error_remedy, m.error_at,
	coalesce(u.taken, 0) AS taken, coalesce(u.ignored, 0) AS ignored, coalesce(u.foreign_mail, 0) AS "foreign", coalesce(u.failed, 0) AS failed,
	coalesce(u.bytes_in, 0)::bigint AS bytes_in, coalesce(u.bytes_out, 0)::bigint AS bytes_out,
	(SELECT count(*) FROM mailbox_messages g WHERE g.mailbox_id = m.id AND g.state = 'retry')::int AS retrying,
	(SELECT count(*) FROM mailbox_messages g WHERE g.mailbox_id = m.id AND g.state = 'stuck')::int AS stuck_now`

const mailboxTables = `mailboxes m LEFT JOIN LATERAL (
		SELECT sum(taken)::int AS taken, sum(ignored)::int AS ignored, sum(foreign_mail)::int AS foreign_mail, sum(failed)::int AS failed,
			sum(bytes_in) AS bytes_in, sum(bytes_out) AS bytes_out
		FROM mailbox_usage WHERE mailbox_id = m.id AND hour > now() - interval '24 hours') u ON true`

func getMailbox(ctx context.Context, db pg.DB, id int64) (Mailbox, error) {
	row, err := pg.One[mailboxRow](ctx, db, fmt.Sprintf("mailbox %d", id), `SELECT `+mailboxColumns+` FROM `+mailboxTables+` WHERE m.id = $1`, id)
	return row.mailbox(), err
}

// lockMailbox is getMailbox for somebody who is going to change the row.
func lockMailbox(ctx context.Context, tx pgx.Tx, id int64) (Mailbox, error) {
	if _, err := tx.Exec(ctx, `SELECT FROM mailboxes WHERE id = $1 FOR UPDATE`, id); err != nil {
		return Mailbox{}, fmt.Errorf("locking mailbox %d: %w", id, err)
	}
	return getMailbox(ctx, tx, id)
}

func listMailboxes(ctx context.Context, db pg.DB) ([]Mailbox, error) {
	rows, err := pg.Many[mailboxRow](ctx, db, "mailboxes", `SELECT `+mailboxColumns+` FROM `+mailboxTables+` ORDER BY lower(m.name), m.id`)
	if err != nil {
		return nil, err
	}
	all := make([]Mailbox, len(rows))
	for i, row := range rows {
		all[i] = row.mailbox()
	}
	return all, nil
}

func mailboxArgs(in Input) pgx.NamedArgs {
	return pgx.NamedArgs{
		"name": in.Name, "provider": in.Provider, "protocol": in.Protocol, "host": in.Host, "port": in.Port, "tls": in.TLS, "allow_cleartext": in.AllowCleartext,
		"auth": in.Auth, "username": in.Username, "oauth_client_id": in.OAuth.ClientID, "oauth_token_url": in.OAuth.TokenURL, "folder": in.Folder,
		"after_taken": in.AfterTaken, "move_to": in.MoveTo, "clear_ignored": in.ClearIgnored, "poll_minutes": in.PollMinutes,
	}
}

func insertMailbox(ctx context.Context, db pg.DB, in Input) (id int64, err error) {
	err = db.QueryRow(ctx, `
		INSERT INTO mailboxes (name, provider, protocol, host, port, tls, allow_cleartext, auth, username, oauth_client_id, oauth_token_url, folder,
			after_taken, move_to, clear_ignored, poll_minutes)
		VALUES (@name, @provider, @protocol, @host, @port, @tls, @allow_cleartext, @auth, @username, @oauth_client_id, @oauth_token_url, @folder,
			@after_taken, @move_to, @clear_ignored, @poll_minutes)
		RETURNING id`, mailboxArgs(in)).Scan(&id)
	return id, mailboxViolation(err, in)
}

// updateMailbox stores new settings, with which everything is tried anew. elsewhere says that it is another mailbox now, of which nothing has been read.
func updateMailbox(ctx context.Context, tx pgx.Tx, id int64, in Input, elsewhere bool) error {
	args := mailboxArgs(in)
	args["id"], args["elsewhere"] = id, elsewhere
	_, err := tx.Exec(ctx, `
		UPDATE mailboxes SET name = @name, provider = @provider, protocol = @protocol, host = @host, port = @port, tls = @tls, allow_cleartext = @allow_cleartext,
			auth = @auth, username = @username, oauth_client_id = @oauth_client_id, oauth_token_url = @oauth_token_url, folder = @folder,
			after_taken = @after_taken, move_to = @move_to, clear_ignored = @clear_ignored, poll_minutes = @poll_minutes,
			version = version + 1, updated_at = now(), next_check_at = now(), failures = 0,
			error_kind = '', error_step = '', error_text = '', error_remedy = '', error_at = NULL,
			uid_validity = CASE WHEN @elsewhere THEN 0 ELSE uid_validity END, last_uid = CASE WHEN @elsewhere THEN 0 ELSE last_uid END,
			mode = CASE WHEN @elsewhere THEN '' ELSE mode END, messages = CASE WHEN @elsewhere THEN NULL ELSE messages END,
			checked_at = CASE WHEN @elsewhere THEN NULL ELSE checked_at END, wait_until = CASE WHEN @elsewhere THEN NULL ELSE wait_until END
		WHERE id = @id`, args)
	if err != nil || !elsewhere {
		return mailboxViolation(err, in)
	}
	if _, err := tx.Exec(ctx, `DELETE FROM mailbox_messages WHERE mailbox_id = $1`, id); err != nil {
		return fmt.Errorf("forgetting the messages of mailbox %d: %w", id, err)
	}
	return nil
}

// setSecret stores what the box sealed; nil takes the secret away.
func setSecret(ctx context.Context, db pg.DB, id int64, column string, sealed []byte) error {
	_, err := db.Exec(ctx, `
		UPDATE mailboxes SET
			password = CASE WHEN $2 = 'password' THEN $3 ELSE password END,
			oauth_client_secret = CASE WHEN $2 = 'oauth_client_secret' THEN $3 ELSE oauth_client_secret END,
			oauth_refresh_token = CASE WHEN $2 = 'oauth_refresh_token' THEN $3 ELSE oauth_refresh_token END
		WHERE id = $1`, id, column, sealed)
	if err != nil {
		return fmt.Errorf("storing the %s of mailbox %d: %w", column, id, err)
	}
	return nil
}

// replaceRefreshToken stores the token that a service gave in exchange for old, unless a person has entered another one in the meantime.
func replaceRefreshToken(ctx context.Context, db pg.DB, id int64, old, sealed []byte) error {
	_, err := db.Exec(ctx, `UPDATE mailboxes SET oauth_refresh_token = $3 WHERE id = $1 AND oauth_refresh_token = $2`, id, old, sealed)
	if err != nil {
		return fmt.Errorf("storing the new refresh token of mailbox %d: %w", id, err)
	}
	return nil
}

func setStatus(ctx context.Context, db pg.DB, id int64, status string) error {
	_, err := db.Exec(ctx, `
		UPDATE mailboxes SET status = $2, version = version + 1, updated_at = now(), failures = 0, next_check_at = CASE WHEN $2 = 'active' THEN now() ELSE next_check_at END
		WHERE id = $1 AND status <> $2`, id, status)
	if err != nil {
		return fmt.Errorf("setting mailbox %d to %s: %w", id, status, err)
	}
	return nil
}

// wantCheck makes the mailbox due.
func wantCheck(ctx context.Context, db pg.DB, id int64) error {
	if _, err := db.Exec(ctx, `UPDATE mailboxes SET asked_at = now() WHERE id = $1`, id); err != nil {
		return fmt.Errorf("asking for a check of mailbox %d: %w", id, err)
	}
	return nil
}

// askCheck makes the mailbox due, with everything that is set aside.
func askCheck(ctx context.Context, tx pgx.Tx, id int64) error {
	if err := wantCheck(ctx, tx, id); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `
		UPDATE mailbox_messages SET state = 'retry', next_at = now(), attempts = CASE WHEN state = 'stuck' THEN 0 ELSE attempts END
		WHERE mailbox_id = $1 AND state IN ('retry', 'stuck')`, id); err != nil {
		return fmt.Errorf("making the messages of mailbox %d due: %w", id, err)
	}
	return nil
}

func troubles(ctx context.Context, db pg.DB, id int64) ([]Stuck, error) {
	return pg.Many[Stuck](ctx, db, "messages of a mailbox", `
		SELECT uid, state = 'stuck' AS stuck, attempts, error, next_at, noted_at FROM mailbox_messages
		WHERE mailbox_id = $1 AND state IN ('retry', 'stuck') ORDER BY noted_at DESC, uid LIMIT 50`, id)
}

func mailboxViolation(err error, in Input) error {
	if err == nil {
		return nil
	}
	if pg.Violation(err) == "mailboxes_name" {
		return &errs.E{Kind: errs.Conflict, Public: fmt.Sprintf("there is a mailbox named %q already; choose another name", in.Name),
			Fields: []errs.Field{{Name: "name", Message: "this name is taken"}}}
	}
	return fmt.Errorf("storing mailbox %q: %w", in.Name, err)
}
