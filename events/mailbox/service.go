package mailbox

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"postrider/events"
	"postrider/internal/errs"
	"postrider/internal/oauth"
	"postrider/internal/pg"
	"postrider/internal/secret"
)

// Config is what the service needs to know; zero values are the defaults.
type Config struct {
	RootCAs   *x509.CertPool // whom certificates of servers must come from; nil is the system's
	Tick      time.Duration  // between two looks for mailboxes that are due; 2 s
	Lease     time.Duration  // how long a process has a mailbox without renewing; 60 s, at least ten ticks
	Timeout   time.Duration  // of one command; 60 s
	IdleRenew time.Duration  // how long one IDLE lasts; 25 min, because servers may hang up after 30 (RFC 2177)
}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{{&c.Tick, 2 * time.Second}, {&c.Lease, time.Minute}, {&c.Timeout, time.Minute}, {&c.IdleRenew, 25 * time.Minute}} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	return c
}

// Service keeps mailboxes and, in Run, reads them.
type Service struct {
	pool   *pgxpool.Pool
	box    *secret.Box
	taker  events.Taker
	cfg    Config
	logger *slog.Logger
	now    func() time.Time
	owner  string // who we are among the processes; a UUID, new at each start

	mu     sync.Mutex
	tokens map[int64]*oauth.Source // of stored mailboxes
}

// New makes the service. taker gets every message.
func New(pool *pgxpool.Pool, box *secret.Box, taker events.Taker, cfg Config, logger *slog.Logger, now func() time.Time) *Service {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	return &Service{
		pool: pool, box: box, taker: taker, cfg: cfg.withDefaults(), logger: logger, now: now, owner: fmt.Sprintf("%x", id), tokens: map[int64]*oauth.Source{},
	}
}

// List gives all mailboxes by name. There are few: nobody pages through them.
func (s *Service) List(ctx context.Context) ([]Mailbox, error) { return listMailboxes(ctx, s.pool) }

// Get gives one mailbox.
func (s *Service) Get(ctx context.Context, id int64) (Mailbox, error) {
	return getMailbox(ctx, s.pool, id)
}

// Troubles lists messages of a mailbox that could not be taken, the newest first, at most 50.
func (s *Service) Troubles(ctx context.Context, id int64) ([]Stuck, error) {
	if _, err := s.Get(ctx, id); err != nil {
		return nil, err
	}
	return troubles(ctx, s.pool, id)
}

// Create stores a mailbox, active, with its secrets sealed. All that is wrong with the input comes back at once, as fields.
func (s *Service) Create(ctx context.Context, in Input) (Mailbox, error) {
	in, err := in.clean(Mailbox{})
	if err != nil {
		return Mailbox{}, err
	}
	var m Mailbox
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		id, err := insertMailbox(ctx, tx, in)
		if err != nil {
			return err
		}
		if err := s.storeSecrets(ctx, tx, id, in); err != nil {
			return err
		}
		m, err = getMailbox(ctx, tx, id)
		return err
	})
	return m, err
}

// Update replaces everything but the status; secrets that are nil are kept, for the same server. Another server, account or folder is read from its beginning.
func (s *Service) Update(ctx context.Context, id int64, in Input) (Mailbox, error) {
	var m Mailbox
	err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		old, err := lockMailbox(ctx, tx, id)
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
		elsewhere := in.Protocol != old.Protocol || in.Host != old.Host || in.Username != old.Username || in.Folder != old.Folder
		if err := updateMailbox(ctx, tx, id, in, elsewhere); err != nil {
			return err
		}
		if err := s.storeSecrets(ctx, tx, id, in); err != nil {
			return err
		}
		m, err = getMailbox(ctx, tx, id)
		return err
	})
	return m, err
}

// keepsSecretsHome refuses to keep a secret that would then go to another server than the one it was entered for, or in the clear where it went encrypted. Otherwise
// somebody who may change mailboxes, but must not read passwords, could have one sent to a server of his own.
func (in Input) keepsSecretsHome(old Mailbox) error {
	var wrong errs.Fields
	weaker := in.TLS == TLSNone && old.TLS != TLSNone
	if in.Password == nil && old.HasPassword && (in.Host != old.Host || weaker) {
		wrong.Add("password", "enter the password again: it was entered for %s and is not sent to another server, or without TLS", old.Host)
	}
	if moved := in.Host != old.Host || in.OAuth.TokenURL != old.OAuthTokenURL || weaker; moved && in.OAuth.RefreshToken == nil && old.HasRefreshToken {
		wrong.Add("oauth_refresh_token", "enter the refresh token again: it was entered for %s and %s and is not sent to others", old.Host, old.OAuthTokenURL)
	}
	if in.OAuth.TokenURL != old.OAuthTokenURL && in.OAuth.ClientSecret == nil && old.HasClientSecret {
		wrong.Add("oauth_client_secret", "enter the client secret again: it was entered for %s and is not sent to another service", old.OAuthTokenURL)
	}
	return wrong.Err("secrets are not sent to another server than the one they were entered for")
}

// Delete removes a mailbox with all that is known of its messages. The messages themselves stay at the server.
func (s *Service) Delete(ctx context.Context, id int64) error {
	tag, err := s.pool.Exec(ctx, `DELETE FROM mailboxes WHERE id = $1`, id)
	if err != nil {
		return fmt.Errorf("deleting mailbox %d: %w", id, err)
	}
	if tag.RowsAffected() == 0 {
		return errs.New(errs.NotFound, "there is no mailbox %d", id)
	}
	return nil
}

// Pause stops reading a mailbox.
func (s *Service) Pause(ctx context.Context, id int64) (Mailbox, error) {
	return s.setStatus(ctx, id, Paused)
}

// Resume lets a mailbox be read again, at once unless its provider wants us to wait.
func (s *Service) Resume(ctx context.Context, id int64) (Mailbox, error) {
	return s.setStatus(ctx, id, Active)
}

func (s *Service) setStatus(ctx context.Context, id int64, status string) (Mailbox, error) {
	if err := setStatus(ctx, s.pool, id, status); err != nil {
		return Mailbox{}, err
	}
	return s.Get(ctx, id)
}

// CheckNow has a mailbox read within seconds, with the messages that were given up or wait for another try. A Conflict says why it cannot be read now.
func (s *Service) CheckNow(ctx context.Context, id int64) (Mailbox, error) {
	var m Mailbox
	err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
		if m, err = lockMailbox(ctx, tx, id); err != nil {
			return err
		}
		if m.Status == Paused {
			return errs.New(errs.Conflict, "mailbox %q is paused; resume it first", m.Name)
		}
		if m.WaitUntil != nil && m.WaitUntil.After(s.now()) {
			return errs.New(errs.Conflict, "mailbox %q is left alone until %s, because its provider allows no more before", m.Name, m.WaitUntil.UTC().Format("2006-01-02 15:04 MST"))
		}
		if err := askCheck(ctx, tx, id); err != nil {
			return err
		}
		m, err = getMailbox(ctx, tx, id)
		return err
	})
	return m, err
}

// The columns of sealed secrets.
const (
	secretPassword     = "password"
	secretClientSecret = "oauth_client_secret"
	secretRefreshToken = "oauth_refresh_token"
)

// storeSecrets seals secrets for their row and column: copied elsewhere they do not open.
func (s *Service) storeSecrets(ctx context.Context, db pg.DB, id int64, in Input) error {
	for column, value := range map[string]*string{
		secretPassword: in.Password, secretClientSecret: in.OAuth.ClientSecret, secretRefreshToken: in.OAuth.RefreshToken,
	} {
		if value == nil {
			continue
		}
		if err := setSecret(ctx, db, id, column, s.seal(id, column, *value)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) seal(id int64, column, value string) []byte {
	if value == "" {
		return nil
	}
	return s.box.Seal([]byte(value), secretContext(id, column))
}

// open gives a secret in the clear, "" when there is none.
func (s *Service) open(m Mailbox, column, called string, sealed []byte) (string, error) {
	if len(sealed) == 0 {
		return "", nil
	}
	opened, err := s.box.Open(sealed, secretContext(m.ID, column))
	if err != nil {
		return "", errs.Because(errs.Unavailable, err, "the %s of mailbox %q cannot be opened: it was stored with another secret key; enter it again", called, m.Name)
	}
	return string(opened), nil
}

func secretContext(id int64, column string) string { return fmt.Sprintf("mailbox/%d/%s", id, column) }

// targetOf is how to reach a stored mailbox. It is the only place where its secrets are opened.
func (s *Service) targetOf(m Mailbox) (target, error) {
	password, err := s.open(m, secretPassword, "password", m.sealedPassword)
	if err != nil {
		return target{}, err
	}
	t := s.target(m, password)
	if m.Auth != AuthXOAUTH2 {
		return t, nil
	}
	source, err := s.tokensFor(m)
	if err != nil {
		return target{}, err
	}
	t.tokens = source
	return t, nil
}

func (s *Service) target(m Mailbox, password string) target {
	return target{
		protocol: m.Protocol, host: m.Host, port: m.Port, tls: m.TLS, tlsConfig: &tls.Config{RootCAs: s.cfg.RootCAs, MinVersion: tls.VersionTLS12},
		username: m.Username, password: password, timeout: s.cfg.Timeout,
	}
}

// tokensFor gives the source of a stored mailbox's access tokens, the same one as long as the settings are the same.
func (s *Service) tokensFor(m Mailbox) (*oauth.Source, error) {
	clientSecret, err := s.open(m, secretClientSecret, "client secret", m.sealedClientSecret)
	if err != nil {
		return nil, err
	}
	refresh, err := s.open(m, secretRefreshToken, "refresh token", m.sealedRefreshToken)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if source := s.tokens[m.ID]; source != nil && source.Serves(m.OAuthClientID, clientSecret, m.OAuthTokenURL, refresh) {
		return source, nil
	}
	source := oauth.New(m.OAuthClientID, clientSecret, m.OAuthTokenURL, refresh, s.now)
	sealed := m.sealedRefreshToken
	source.Rotated = func(ctx context.Context, _, next string) error {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		replacement := s.seal(m.ID, secretRefreshToken, next)
		if err := replaceRefreshToken(ctx, s.pool, m.ID, sealed, replacement); err != nil {
			return err
		}
		sealed = replacement
		return nil
	}
	s.tokens[m.ID] = source
	return source, nil
}
