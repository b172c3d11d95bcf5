package hooksource

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"postrider/events"
	"postrider/internal/errs"
	"postrider/internal/pg"
	"postrider/internal/secret"
)

// Taker takes what was reported into the ledger: it is the part of [events.Taker] that is needed here.
type Taker interface {
	TakeReports(ctx context.Context, reports []events.Report) error
}

// Config is what the service needs to know about its surroundings.
type Config struct {
	// PublicURL gives the public address of this installation without a slash at its end; "" when it is not set. Mandrill signs it.
	PublicURL func(context.Context) (string, error)
	// Fetcher gets certificates and confirmations from Amazon; nil means over the network.
	Fetcher Fetcher
	// Roots are the authorities that certificates of SNS must come from; nil means those of the system.
	Roots *x509.CertPool
}

// Service keeps the sources and takes what they send. It is safe for concurrent use.
type Service struct {
	pool  *pgxpool.Pool
	box   *secret.Box
	taker Taker
	cfg   Config
	certs *certificates
	log   *slog.Logger
	now   func() time.Time
}

// New makes a Service.
func New(pool *pgxpool.Pool, box *secret.Box, taker Taker, cfg Config, logger *slog.Logger, now func() time.Time) *Service {
	if cfg.Fetcher == nil {
		cfg.Fetcher = newWebFetcher()
	}
	return &Service{pool: pool, box: box, taker: taker, cfg: cfg, certs: newCertificates(cfg.Fetcher, cfg.Roots), log: logger, now: now}
}

// List gives all sources by name. There are few: nobody pages through them.
func (s *Service) List(ctx context.Context) ([]Source, error) {
	rows, err := listSources(ctx, s.pool)
	if err != nil {
		return nil, err
	}
	topics, err := topicsOf(ctx, s.pool, 0)
	if err != nil {
		return nil, err
	}
	sources := make([]Source, len(rows))
	for i, row := range rows {
		sources[i] = s.open(row, topics[row.ID])
	}
	return sources, nil
}

// Get gives one source.
func (s *Service) Get(ctx context.Context, id int64) (Source, error) { return s.get(ctx, s.pool, id) }

func (s *Service) get(ctx context.Context, db pg.DB, id int64) (Source, error) {
	row, err := getSource(ctx, db, id)
	if err != nil {
		return Source{}, err
	}
	topics, err := topicsOf(ctx, db, id)
	return s.open(row, topics[id]), err
}

// open reads the secret of the path. One that cannot be read leaves the path empty: a new one can be made.
func (s *Service) open(row sourceRow, topics []Topic) Source {
	source := row.source()
	source.Topics = append(source.Topics, topics...)
	if opened, err := s.box.Open(row.PathSecret, pathContext(row.ID)); err == nil {
		source.secret = string(opened)
		source.Path = pathOf(source.Provider, source.ID, source.secret)
	}
	return source
}

func pathContext(id int64) string { return fmt.Sprintf("webhook/%d/path", id) }

func keyContext(id int64) string { return fmt.Sprintf("webhook/%d/key", id) }

func topicContext(id int64, arn string) string { return fmt.Sprintf("webhook/%d/topic/%s", id, arn) }

// Create stores a source with a new secret in its path. The key can come later: most providers make it only once they know the address.
func (s *Service) Create(ctx context.Context, in Input) (Source, error) {
	in, err := in.clean()
	if err != nil {
		return Source{}, err
	}
	var source Source
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		id, err := nextSource(ctx, tx)
		if err != nil {
			return err
		}
		if err := insertSource(ctx, tx, id, in, s.newPath(id), s.sealKey(id, in.SigningKey)); err != nil {
			return err
		}
		source, err = s.get(ctx, tx, id)
		return err
	})
	return source, err
}

// newPath makes a secret of 130 bits.
func (s *Service) newPath(id int64) []byte { return s.box.Seal([]byte(rand.Text()), pathContext(id)) }

func (s *Service) sealKey(id int64, key *string) []byte {
	if key == nil || *key == "" {
		return nil
	}
	return s.box.Seal([]byte(*key), keyContext(id))
}

// Update changes name and key. The provider stays: its address was made for it.
func (s *Service) Update(ctx context.Context, id int64, in Input) (Source, error) {
	var source Source
	err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		old, err := getSource(ctx, tx, id)
		if err != nil {
			return err
		}
		provider := old.source().Provider
		if in.Provider == "" {
			in.Provider = provider
		}
		if in.Provider != provider {
			return errs.InvalidField("provider", "this webhook was set up for %s; make another one for another provider", provider.Name())
		}
		in, err := in.clean()
		if err != nil {
			return err
		}
		if err := updateSource(ctx, tx, id, in.Name, in.SigningKey != nil, s.sealKey(id, in.SigningKey)); err != nil {
			return err
		}
		source, err = s.get(ctx, tx, id)
		return err
	})
	return source, err
}

// RenewPath gives a source another secret. The old address stops working at once.
func (s *Service) RenewPath(ctx context.Context, id int64) (Source, error) {
	if err := setPath(ctx, s.pool, id, s.newPath(id)); err != nil {
		return Source{}, err
	}
	return s.Get(ctx, id)
}

// Delete removes a source with its topics. What it reported stays.
func (s *Service) Delete(ctx context.Context, id int64) error { return deleteSource(ctx, s.pool, id) }

// URL is the address of a source as it is given to the provider; "" when the public address is not set or the path cannot be read.
func (s *Service) URL(ctx context.Context, source Source) (string, error) {
	public, err := s.cfg.PublicURL(ctx)
	if err != nil || public == "" || source.Path == "" {
		return "", err
	}
	return public + source.Path, nil
}

// Cleanup forgets requests that are too old to be taken again. It is meant to be called now and then.
func (s *Service) Cleanup(ctx context.Context) error { return forgetSeen(ctx, s.pool, s.now()) }

func (s *Service) key(source Source) (string, error) {
	if len(source.sealedKey) == 0 {
		return "", nil
	}
	key, err := s.box.Open(source.sealedKey, keyContext(source.ID))
	if err != nil {
		return "", errs.Because(errs.Unavailable, err, "the signing key of webhook %q cannot be opened: it was stored with another secret key; enter it again", source.Name)
	}
	return string(key), nil
}
