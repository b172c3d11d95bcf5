package templates

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/internal/pg"
)

// Service keeps stored templates. It is safe for concurrent use.
type Service struct {
	pool *pgxpool.Pool
	now  func() time.Time
}

// New makes a Service.
func New(pool *pgxpool.Pool, now func() time.Time) *Service { return &Service{pool: pool, now: now} }

// List gives templates by name, with their sources, and their exact number.
func (s *Service) List(ctx context.Context, q page.Query) (page.Page[Template], error) {
	return list(ctx, s.pool, q)
}

// Get gives one template or NotFound.
func (s *Service) Get(ctx context.Context, id int64) (Template, error) { return get(ctx, s.pool, id) }

// Create stores a template. A name that is taken, in whatever case, is a Conflict; Liquid that does not compile is Invalid.
func (s *Service) Create(ctx context.Context, in Input) (Template, error) {
	in, err := in.clean()
	if err != nil {
		return Template{}, err
	}
	t, err := insert(ctx, s.pool, in, s.clock())
	return t, nameTaken(err, in.Name)
}

// Update replaces a template; errors are those of Create and Get.
func (s *Service) Update(ctx context.Context, id int64, in Input) (Template, error) {
	in, err := in.clean()
	if err != nil {
		return Template{}, err
	}
	t, err := update(ctx, s.pool, id, in, s.clock())
	return t, nameTaken(err, in.Name)
}

// Delete removes a template, or is NotFound. Campaigns made from it keep their content.
func (s *Service) Delete(ctx context.Context, id int64) error { return remove(ctx, s.pool, id) }

// clock is the time as Postgres keeps it.
func (s *Service) clock() time.Time { return s.now().UTC().Truncate(time.Microsecond) }

func nameTaken(err error, name string) error {
	if pg.Violation(err) != "templates_name" {
		return err
	}
	e := errs.InvalidField("name", "there is a template called %q already", name)
	e.Kind = errs.Conflict
	return e
}
