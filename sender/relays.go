package sender

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
	"postrider/internal/pg"
)

// ListRelays gives all relays by name. There are few: nobody pages through them.
func (s *Service) ListRelays(ctx context.Context) ([]Relay, error) { return listRelays(ctx, s.pool) }

// GetRelay gives one relay.
func (s *Service) GetRelay(ctx context.Context, id int64) (Relay, error) {
	read := s.now()
	r, err := getRelay(ctx, s.pool, id)
	r.read = read
	return r, err
}

// CreateRelay stores a relay, active, with its password sealed. All that is wrong with the input comes back at once, as fields.
func (s *Service) CreateRelay(ctx context.Context, in RelayInput) (Relay, error) {
	in, err := in.clean(Relay{})
	if err != nil {
		return Relay{}, err
	}
	var relay Relay
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		id, err := insertRelay(ctx, tx, in)
		if err != nil {
			return err
		}
		if err := s.storeSecrets(ctx, tx, id, in); err != nil {
			return err
		}
		relay, err = getRelay(ctx, tx, id)
		return err
	})
	return relay, err
}

// UpdateRelay replaces everything but the status; secrets that are nil are kept, for the same server. Connections that are open stay as they are until they are
// next renewed.
func (s *Service) UpdateRelay(ctx context.Context, id int64, in RelayInput) (Relay, error) {
	var relay Relay
	err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		old, err := getRelay(ctx, tx, id)
		if err != nil {
			return err
		}
		in, err := in.clean(old)
		if err != nil {
			return err
		}
		if err := in.keepsSecretsHome(old); err != nil {
			return err
		}
		if err := updateRelay(ctx, tx, id, in); err != nil {
			return err
		}
		if err := s.storeSecrets(ctx, tx, id, in); err != nil {
			return err
		}
		relay, err = getRelay(ctx, tx, id)
		return err
	})
	return relay, err
}

// keepsSecretsHome refuses to keep a secret that would then go to another server than the one it was entered for. Otherwise somebody who may change
// relays, but must not read passwords, could have one sent to a server of his own.
func (in RelayInput) keepsSecretsHome(old Relay) error {
	var wrong errs.Fields
	if in.Password == nil && old.HasPassword && in.Host != old.Host {
		wrong.Add("password", "enter the password again: it was entered for %s and is not sent to another server", old.Host)
	}
	if moved := in.Host != old.Host || in.OAuth.TokenURL != old.OAuthTokenURL; moved && in.OAuth.RefreshToken == nil && old.HasRefreshToken {
		wrong.Add("oauth_refresh_token", "enter the refresh token again: it was entered for %s and %s and is not sent to others", old.Host, old.OAuthTokenURL)
	}
	if in.OAuth.TokenURL != old.OAuthTokenURL && in.OAuth.ClientSecret == nil && old.HasClientSecret {
		wrong.Add("oauth_client_secret", "enter the client secret again: it was entered for %s and is not sent to another service", old.OAuthTokenURL)
	}
	return wrong.Err("secrets are not sent to another server than the one they were entered for")
}

// storeSecrets seals secrets for their row and column: copied elsewhere they do not open. The id is part of the seal, so that it can only be made
// once the row exists.
func (s *Service) storeSecrets(ctx context.Context, db pg.DB, id int64, in RelayInput) error {
	for column, value := range map[string]*string{
		secretPassword: in.Password, secretClientSecret: in.OAuth.ClientSecret, secretRefreshToken: in.OAuth.RefreshToken,
	} {
		if value == nil {
			continue
		}
		if err := setRelaySecret(ctx, db, id, column, s.seal(id, column, *value)); err != nil {
			return err
		}
	}
	return nil
}

// The columns of sealed secrets.
const (
	secretPassword     = "password"
	secretClientSecret = "oauth_client_secret"
	secretRefreshToken = "oauth_refresh_token"
)

func (s *Service) seal(id int64, column, value string) []byte {
	if value == "" {
		return nil
	}
	return s.box.Seal([]byte(value), secretContext(id, column))
}

// open gives a secret in the clear, "" when there is none.
func (s *Service) open(r Relay, column, called string, sealed []byte) (string, error) {
	if len(sealed) == 0 {
		return "", nil
	}
	opened, err := s.box.Open(sealed, secretContext(r.ID, column))
	if err != nil {
		return "", errs.Because(errs.Unavailable, err, "the %s of relay %q cannot be opened: it was stored with another secret key; enter it again", called, r.Name)
	}
	return string(opened), nil
}

func secretContext(id int64, column string) string { return fmt.Sprintf("relay/%d/%s", id, column) }

// DeleteRelay removes a relay. A Conflict names the campaign or newsletter that still needs it.
func (s *Service) DeleteRelay(ctx context.Context, id int64) error {
	deleted, err := deleteRelay(ctx, s.pool, id)
	if deleted || (err != nil && pg.Violation(err) == "") {
		return err
	}
	relay, getErr := getRelay(ctx, s.pool, id)
	if getErr != nil {
		return getErr
	}
	letters, lettersErr := relayNewsletters(ctx, s.pool, id)
	if lettersErr != nil {
		return lettersErr
	}
	if len(letters) > 0 {
		return errs.Because(errs.Conflict, err, "relay %q is used by the newsletter %q; give that newsletter another relay, or delete it first", relay.Name, letters[0])
	}
	users, userErr := relayUsers(ctx, s.pool, id)
	switch {
	case userErr != nil:
		return userErr
	case len(users) == 0:
		return errs.Because(errs.Conflict, err, "relay %q was in use a moment ago; delete it again", relay.Name)
	}
	return errs.Because(errs.Conflict, err, "relay %q is used by campaign %q (%s); give that campaign another relay, or cancel or delete it first",
		relay.Name, users[0].Name, users[0].Status)
}

// PauseRelay stops sending through a relay. reason is what a person is told; "" when a person did it.
func (s *Service) PauseRelay(ctx context.Context, id int64, reason string) (Relay, error) {
	return s.setStatus(ctx, id, RelayPaused, reason)
}

// ResumeRelay lets a relay send again, also one that the provider has blocked for a time.
func (s *Service) ResumeRelay(ctx context.Context, id int64) (Relay, error) {
	return s.setStatus(ctx, id, RelayActive, "")
}

// Trouble notes on an active relay why the node cannot use it at the moment, as its PauseReason; it is shown until some node can use the relay again or all
// that told are gone. "" says that it works again. On a paused relay the reason of the pause stays.
func (s *Service) Trouble(ctx context.Context, id int64, node, text string) error {
	if text == "" {
		return clearTrouble(ctx, s.pool, id)
	}
	return noteTrouble(ctx, s.pool, id, node, text)
}

func (s *Service) setStatus(ctx context.Context, id int64, status, reason string) (Relay, error) {
	var relay Relay
	err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		before, err := getRelay(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := setRelayStatus(ctx, tx, id, status, reason); err != nil {
			return err
		}
		if relay, err = getRelay(ctx, tx, id); err != nil {
			return err
		}
		switch {
		case status == RelayPaused && before.Status != RelayPaused:
			return noteChange(ctx, tx, id, PaceChange{Change: "paused", Reply: reason})
		case status == RelayActive && before.Status == RelayPaused:
			return noteChange(ctx, tx, id, PaceChange{Change: "resumed"})
		case status == RelayActive && before.BlockedUntil != nil:
			if _, err := tx.Exec(ctx, `UPDATE relay_pace SET rest_until = now() WHERE relay_id = $1`, id); err != nil {
				return fmt.Errorf("unblocking relay %d: %w", id, err)
			}
			if relay, err = getRelay(ctx, tx, id); err != nil {
				return err
			}
			return noteChange(ctx, tx, id, PaceChange{Change: "unblocked"})
		}
		return nil
	})
	return relay, err
}
