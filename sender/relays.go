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
	return getRelay(ctx, s.pool, id)
}

// CreateRelay stores a relay, active, with its password sealed. All that is wrong with the input comes back at once, as fields.
func (s *Service) CreateRelay(ctx context.Context, in RelayInput) (Relay, error) {
	in, err := in.clean(false)
	if err != nil {
		return Relay{}, err
	}
	var relay Relay
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		id, err := insertRelay(ctx, tx, in)
		if err != nil {
			return err
		}
		if err := s.storePassword(ctx, tx, id, in.Password); err != nil {
			return err
		}
		relay, err = getRelay(ctx, tx, id)
		return err
	})
	return relay, err
}

// UpdateRelay replaces everything but the status; a Password that is nil is kept, for the same host. Connections that are open stay as they are until they are
// next renewed.
func (s *Service) UpdateRelay(ctx context.Context, id int64, in RelayInput) (Relay, error) {
	var relay Relay
	err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		old, err := getRelay(ctx, tx, id)
		if err != nil {
			return err
		}
		in, err := in.clean(old.HasPassword)
		if err != nil {
			return err
		}
		// Otherwise somebody who may change relays, but must not read passwords, could have one sent to a server of his own.
		if in.Password == nil && old.HasPassword && in.Host != old.Host {
			return errs.InvalidField("password", "enter the password again: it was entered for %s and is not sent to another server", old.Host)
		}
		if err := updateRelay(ctx, tx, id, in); err != nil {
			return err
		}
		if err := s.storePassword(ctx, tx, id, in.Password); err != nil {
			return err
		}
		relay, err = getRelay(ctx, tx, id)
		return err
	})
	return relay, err
}

// storePassword seals a password for its row: copied to another row it does not open. The id is part of the seal, so that it can only be made
// once the row exists.
func (s *Service) storePassword(ctx context.Context, db pg.DB, id int64, password *string) error {
	if password == nil {
		return nil
	}
	var sealed []byte
	if *password != "" {
		sealed = s.box.Seal([]byte(*password), passwordContext(id))
	}
	return setRelayPassword(ctx, db, id, sealed)
}

func passwordContext(id int64) string { return fmt.Sprintf("relay/%d/password", id) }

// DeleteRelay removes a relay. A Conflict names the campaign that still needs it.
func (s *Service) DeleteRelay(ctx context.Context, id int64) error {
	deleted, err := deleteRelay(ctx, s.pool, id)
	if deleted || (err != nil && pg.Violation(err) == "") {
		return err
	}
	relay, getErr := getRelay(ctx, s.pool, id)
	if getErr != nil {
		return getErr
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

// ResumeRelay lets a relay send again.
func (s *Service) ResumeRelay(ctx context.Context, id int64) (Relay, error) {
	return s.setStatus(ctx, id, RelayActive, "")
}

// Trouble notes on an active relay why it cannot be used at the moment, as its PauseReason; "" says that it works again. On a paused relay the
// reason of the pause stays.
func (s *Service) Trouble(ctx context.Context, id int64, text string) error {
	return noteTrouble(ctx, s.pool, id, text)
}

func (s *Service) setStatus(ctx context.Context, id int64, status, reason string) (Relay, error) {
	var relay Relay
	err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if err := setRelayStatus(ctx, tx, id, status, reason); err != nil {
			return err
		}
		var err error
		relay, err = getRelay(ctx, tx, id)
		return err
	})
	return relay, err
}
