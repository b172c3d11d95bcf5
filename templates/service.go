package templates

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/internal/pg"
)

// Service keeps stored templates and builds mail from them. It is safe for concurrent use.
type Service struct {
	pool *pgxpool.Pool
	now  func() time.Time
}

// New makes a Service.
func New(pool *pgxpool.Pool, now func() time.Time) *Service { return &Service{pool: pool, now: now} }

// List gives templates of a role, "" for all, by name, with their sources, and their exact number.
func (s *Service) List(ctx context.Context, role Role, q page.Query) (page.Page[Template], error) {
	return list(ctx, s.pool, role, q)
}

// Get gives one template or NotFound.
func (s *Service) Get(ctx context.Context, id int64) (Template, error) { return get(ctx, s.pool, id) }

// Create stores a template. A name that is taken, in whatever case, is a Conflict; what no mail can be built of is Invalid.
func (s *Service) Create(ctx context.Context, in Input) (Template, error) {
	if in.Role == "" {
		in.Role = RoleContent
	}
	in, err := in.clean()
	if err != nil {
		return Template{}, err
	}
	if err := in.sound(ctx, stored{s.pool}, 0); err != nil {
		return Template{}, err
	}
	var t Template
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if t, err = insert(ctx, tx, in, s.clock()); err != nil {
			return err
		}
		return s.savedTx(ctx, tx, t, in)
	})
	return t, violated(err, in)
}

// Update replaces a template; errors are those of Create and Get. One that was saved since in.Version is a Conflict that says by whom, and so is a change of the name of a snippet, or
// of the kind of a layout or snippet, that others use, or a change of a layout or snippet that others could not be built with any more.
func (s *Service) Update(ctx context.Context, id int64, in Input) (Template, error) {
	seen, err := s.Get(ctx, id)
	if err != nil {
		return Template{}, err
	}
	if in.Role != "" && in.Role != seen.Role {
		return Template{}, errs.InvalidField("role", "%q is a %s and stays one; make a new template", seen.Name, seen.Role)
	}
	in.Role = seen.Role
	if in, err = in.clean(); err != nil {
		return Template{}, err
	}
	if err := in.sound(ctx, stored{s.pool}, id); err != nil {
		return Template{}, err
	}
	var t Template
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		before, err := lockTemplate(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := mayChange(ctx, tx, before, in); err != nil {
			return err
		}
		if t, err = update(ctx, tx, id, in, s.clock()); err != nil {
			return err
		}
		if err := s.savedTx(ctx, tx, t, in); err != nil {
			return err
		}
		return breaks(ctx, tx, before)
	})
	return t, violated(err, in)
}

// savedTx notes what comes with every save.
func (s *Service) savedTx(ctx context.Context, tx pgx.Tx, t Template, in Input) error {
	if err := setSnippets(ctx, tx, t); err != nil {
		return err
	}
	if err := insertVersion(ctx, tx, t, in.Author, in.Note); err != nil {
		return err
	}
	return dropOldVersions(ctx, tx, t.ID)
}

func mayChange(ctx context.Context, tx pgx.Tx, t Template, in Input) error {
	if in.Version != 0 && in.Version != t.Version {
		return savedSince(ctx, tx, t, in.Version)
	}
	renamed := t.Role == RoleSnippet && !strings.EqualFold(t.Name, in.Name)
	if t.Role == RoleContent || !renamed && t.Kind == in.Kind {
		return nil
	}
	by, err := users(ctx, tx, t)
	if err != nil || len(by) == 0 {
		return err
	}
	field, doing := "kind", "its kind cannot change"
	if renamed {
		field, doing = "name", "it cannot be renamed"
	}
	e := errs.InvalidField(field, "%s while it is used by %s", doing, naming(by))
	e.Kind = errs.Conflict
	return e
}

// naming lists at most ten.
func naming(names []string) string {
	if len(names) > 10 {
		names = append(names[:10:10], "others")
	}
	return strings.Join(names, ", ")
}

// Delete removes a template, or is NotFound. Campaigns made from it keep their content. A layout or snippet that something uses is a Conflict that says what.
func (s *Service) Delete(ctx context.Context, id int64) error {
	err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		t, err := lockTemplate(ctx, tx, id)
		if err != nil {
			return err
		}
		if t.Role != RoleContent {
			by, err := users(ctx, tx, t)
			if err != nil {
				return err
			}
			if len(by) > 0 {
				return errs.New(errs.Conflict, "the %s %q is used by %s; take it out there first", t.Role, t.Name, naming(by))
			}
		}
		return remove(ctx, tx, id)
	})
	if v := pg.Violation(err); v == "templates_layout" || v == "template_snippets_snippet" {
		return errs.New(errs.Conflict, "this template has just come into use; look at what uses it")
	}
	return err
}

// clock is the time as Postgres keeps it.
func (s *Service) clock() time.Time { return s.now().UTC().Truncate(time.Microsecond) }

func violated(err error, in Input) error {
	switch pg.Violation(err) {
	case "templates_name":
		e := errs.InvalidField("name", "there is a template called %q already", in.Name)
		e.Kind = errs.Conflict
		return e
	case "templates_layout":
		return errs.InvalidField("layout_id", "there is no layout %d; choose one that is there, or none", *in.LayoutID)
	}
	return err
}
