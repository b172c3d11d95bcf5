package outgoing

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
	"postrider/internal/pg"
	"postrider/internal/safehttp"
)

// The states of an endpoint.
const (
	StatusActive   = "active"
	StatusDisabled = "disabled"
)

// Limits of endpoints.
const (
	maxEndpoints   = 100
	maxURL         = 2000
	maxDescription = 200
	maxFilter      = 1000
	// rotationTime is how long the secret before a rotation goes on signing.
	rotationTime = 24 * time.Hour
)

// Input is what a person decides about an endpoint. Empty filters let everything through.
type Input struct {
	URL         string
	Description string
	EventTypes  []string
	ListIDs     []int64
	CampaignIDs []int64
	Enabled     bool
}

// Endpoint is an address that messages go to.
type Endpoint struct {
	ID          int64
	URL         string
	Description string
	EventTypes  []string
	ListIDs     []int64
	CampaignIDs []int64
	Status      string
	// DisabledReason says why the program switched it off; nil when a person did.
	DisabledReason *string
	DisabledAt     *time.Time
	OldSecretUntil *time.Time // both secrets sign until then; nil or past: only one does
	FailingSince   *time.Time // every attempt has failed since; nil: the last one succeeded
	RestUntil      *time.Time // nothing is tried before, because attempts failed; nil or past: it is not at rest
	LastSuccessAt  *time.Time
	Pending        int64 // messages that wait, at most maxPending
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// MaxPending is up to where waiting messages are counted; more show as this many.
const MaxPending = 10_000

const endpointSelect = `
	SELECT e.id, e.url, e.description, e.event_types, e.list_ids, e.campaign_ids, e.status, e.disabled_reason, e.disabled_at, e.old_secret_until, e.failing_since,
		e.rest_until, e.last_success_at, e.created_at, e.updated_at,
		(SELECT count(*) FROM (SELECT FROM webhook_messages m WHERE m.endpoint_id = e.id AND m.status = 'pending' LIMIT 10000) waiting) AS pending
	FROM webhook_endpoints e`

// ListEndpoints gives all endpoints, oldest first.
func (s *Service) ListEndpoints(ctx context.Context) ([]Endpoint, error) {
	return pg.Many[Endpoint](ctx, s.pool, "webhooks", endpointSelect+` ORDER BY e.id`)
}

// GetEndpoint reads one endpoint.
func (s *Service) GetEndpoint(ctx context.Context, id int64) (Endpoint, error) {
	return getEndpoint(ctx, s.pool, id)
}

func getEndpoint(ctx context.Context, db pg.DB, id int64) (Endpoint, error) {
	return pg.One[Endpoint](ctx, db, fmt.Sprintf("webhook %d", id), endpointSelect+` WHERE e.id = $1`, id)
}

// CreateEndpoint makes an endpoint and gives it with its secret. It hears of what happens from now on.
func (s *Service) CreateEndpoint(ctx context.Context, in Input) (Endpoint, string, error) {
	if err := s.check(ctx, &in); err != nil {
		return Endpoint{}, "", err
	}
	var e Endpoint
	sec := newSecret()
	err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		id, err := s.insertEndpoint(ctx, tx, in)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE webhook_endpoints SET secret = $2 WHERE id = $1`, id, s.seal(id, sec)); err != nil {
			return fmt.Errorf("storing the secret of webhook %d: %w", id, err)
		}
		e, err = getEndpoint(ctx, tx, id)
		return err
	})
	return e, sec, err
}

func (s *Service) insertEndpoint(ctx context.Context, tx pgx.Tx, in Input) (int64, error) {
	var id int64
	// A limit against runaway programs; two that come at the same time may exceed it by one.
	rows, err := tx.Query(ctx, `
		INSERT INTO webhook_endpoints (url, description, event_types, list_ids, campaign_ids, status, disabled_at, created_at, updated_at)
		SELECT $1, $2, $3, $4, $5, $6, CASE WHEN $6 = 'disabled' THEN $7::timestamptz END, $7, $7 WHERE (SELECT count(*) FROM webhook_endpoints) < $8
		RETURNING id`, in.URL, in.Description, in.EventTypes, in.ListIDs, in.CampaignIDs, in.status(), s.clock(), maxEndpoints)
	if err == nil {
		id, err = pgx.CollectExactlyOneRow(rows, pgx.RowTo[int64])
	}
	switch {
	case err == pgx.ErrNoRows:
		return 0, errs.New(errs.Conflict, "there are %d webhooks already, which is the most: delete one that is not needed", maxEndpoints)
	case err != nil:
		return 0, fmt.Errorf("storing a webhook: %w", err)
	}
	return id, nil
}

func (in Input) status() string {
	if in.Enabled {
		return StatusActive
	}
	return StatusDisabled
}

// UpdateEndpoint replaces what a person decides. To enable one makes a new beginning: what waits for it is sent now, and failures of before count no more.
func (s *Service) UpdateEndpoint(ctx context.Context, id int64, in Input) (Endpoint, error) {
	if err := s.check(ctx, &in); err != nil {
		return Endpoint{}, err
	}
	var e Endpoint
	err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		before, err := pg.One[struct{ Status string }](ctx, tx, fmt.Sprintf("webhook %d", id),
			`SELECT status FROM webhook_endpoints WHERE id = $1 FOR NO KEY UPDATE`, id)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			UPDATE webhook_endpoints SET url = $2, description = $3, event_types = $4, list_ids = $5, campaign_ids = $6, updated_at = $7 WHERE id = $1`,
			id, in.URL, in.Description, in.EventTypes, in.ListIDs, in.CampaignIDs, s.clock())
		if err == nil && before.Status != in.status() {
			_, err = tx.Exec(ctx, `
				UPDATE webhook_endpoints SET status = $2, disabled_reason = NULL, disabled_at = CASE WHEN $2 = 'disabled' THEN $3::timestamptz END,
					failing_since = NULL, failures = 0, rest_until = NULL WHERE id = $1`, id, in.status(), s.clock())
		}
		if err != nil {
			return fmt.Errorf("changing webhook %d: %w", id, err)
		}
		e, err = getEndpoint(ctx, tx, id)
		return err
	})
	s.rouse()
	return e, err
}

// DeleteEndpoint removes an endpoint with its log.
func (s *Service) DeleteEndpoint(ctx context.Context, id int64) error {
	tag, err := s.pool.Exec(ctx, `DELETE FROM webhook_endpoints WHERE id = $1`, id)
	if err != nil {
		return fmt.Errorf("deleting webhook %d: %w", id, err)
	}
	if tag.RowsAffected() == 0 {
		return errs.New(errs.NotFound, "there is no webhook %d", id)
	}
	return nil
}

// RotateSecret gives the endpoint a new secret. The one before signs beside it for a day, so that the reader has time to change; the one before that ends now.
func (s *Service) RotateSecret(ctx context.Context, id int64) (Endpoint, string, error) {
	var e Endpoint
	sec := newSecret()
	err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			UPDATE webhook_endpoints SET old_secret = secret, old_secret_until = $3, secret = $2, updated_at = $4 WHERE id = $1`,
			id, s.seal(id, sec), s.clock().Add(rotationTime), s.clock())
		if err != nil {
			return fmt.Errorf("storing the secret of webhook %d: %w", id, err)
		}
		if tag.RowsAffected() == 0 {
			return errs.New(errs.NotFound, "there is no webhook %d", id)
		}
		e, err = getEndpoint(ctx, tx, id)
		return err
	})
	return e, sec, err
}

// Secret shows the secret that an endpoint is signed for.
func (s *Service) Secret(ctx context.Context, id int64) (string, error) {
	row, err := pg.One[struct{ Secret []byte }](ctx, s.pool, fmt.Sprintf("webhook %d", id), `SELECT secret FROM webhook_endpoints WHERE id = $1`, id)
	if err != nil {
		return "", err
	}
	return s.open(id, row.Secret)
}

func sealContext(id int64) string { return fmt.Sprintf("webhook/%d/secret", id) }

func (s *Service) seal(id int64, sec string) []byte { return s.box.Seal([]byte(sec), sealContext(id)) }

func (s *Service) open(id int64, sealed []byte) (string, error) {
	opened, err := s.box.Open(sealed, sealContext(id))
	if err != nil {
		return "", errs.Because(errs.Unavailable, err, "the secret of webhook %d cannot be opened: it was stored with another secret key; rotate it", id)
	}
	return string(opened), nil
}

// check brings an input into its normal form and says all that is wrong with it.
func (s *Service) check(ctx context.Context, in *Input) error {
	var f errs.Fields
	in.URL = s.checkURL(&f, in.URL)
	in.Description = strings.TrimSpace(in.Description)
	if !utf8.ValidString(in.Description) || strings.ContainsFunc(in.Description, unicode.IsControl) || utf8.RuneCountInString(in.Description) > maxDescription {
		f.Add("description", "must be one line of at most %d characters", maxDescription)
	}
	in.EventTypes = sorted(in.EventTypes)
	for _, name := range in.EventTypes {
		if !known(name) {
			f.Add("event_types", "there is no event type %q: see GET /webhook-event-types", safehttp.Clean(name, 100))
			break
		}
	}
	in.ListIDs, in.CampaignIDs = sorted(in.ListIDs), sorted(in.CampaignIDs)
	if err := s.checkExist(ctx, &f, "list", "list_ids", `SELECT u.id FROM unnest($1::bigint[]) AS u (id) WHERE NOT EXISTS (SELECT FROM lists l WHERE l.id = u.id)`, in.ListIDs); err != nil {
		return err
	}
	if err := s.checkExist(ctx, &f, "campaign", "campaign_ids",
		`SELECT u.id FROM unnest($1::bigint[]) AS u (id) WHERE NOT EXISTS (SELECT FROM campaigns c WHERE c.id = u.id)`, in.CampaignIDs); err != nil {
		return err
	}
	return f.Err("the webhook cannot be saved like this")
}

func (s *Service) checkExist(ctx context.Context, f *errs.Fields, noun, field, sql string, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	if len(ids) > maxFilter {
		f.Add(field, "choose at most %d", maxFilter)
		return nil
	}
	missing, err := pg.Many[struct{ ID int64 }](ctx, s.pool, noun+"s", sql, ids)
	if err == nil && len(missing) > 0 {
		f.Add(field, "there is no %s %d; leave it out", noun, missing[0].ID)
	}
	return err
}

// sorted gives each value once and never nil, which Postgres would take for NULL.
func sorted[T int64 | string](values []T) []T {
	out := append([]T{}, values...)
	slices.Sort(out)
	return slices.Compact(out)
}

// checkURL says at once what can be known without asking DNS. The address that a name leads to is looked at when it is connected to, every time.
func (s *Service) checkURL(f *errs.Fields, text string) string {
	text = strings.TrimSpace(text)
	u, err := url.Parse(text)
	switch {
	case text == "":
		f.Add("url", "enter the address that takes the messages, such as https://example.org/hooks/mail")
	case len(text) > maxURL:
		f.Add("url", "is longer than %d characters", maxURL)
	case err != nil || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }):
		f.Add("url", "is not an address: it must look like https://example.org/hooks/mail, without spaces and other than ASCII characters")
	case u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "":
		f.Add("url", "must begin with https:// and the name of a server")
	case u.Scheme == "http" && !s.cfg.AllowPrivate:
		f.Add("url", "must begin with https://, since messages hold addresses of people; the server can be told to allow http in its own network (--webhook-allow-private)")
	case u.User != nil:
		f.Add("url", "must not hold a user name and password: the signature shows who is calling")
	case u.Fragment != "":
		f.Add("url", "must not have a part after #, which is not sent")
	default:
		s.checkHost(f, u.Hostname())
	}
	return text
}

func (s *Service) checkHost(f *errs.Fields, host string) {
	if s.cfg.AllowPrivate {
		return
	}
	if safehttp.InternalHost(host) {
		f.Add("url", "leads to this machine or to a private network; the server can be told to allow that (--webhook-allow-private)")
	}
}
