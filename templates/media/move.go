package media

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
	"postrider/internal/pg"
)

// Moved is how far a move has come.
type Moved struct {
	Done    int
	Total   int // when the move began
	Missing []string
}

const moveBatch = 100

// Move copies all files that are not in a storage to it, one after another, and leaves what they were in for Sweep. Each is served the whole time. Ended in the middle, it
// goes on where it was. Files that their storage has lost are named and passed over. progress, which may be nil, is called after each file.
func (s *Service) Move(ctx context.Context, to int64, progress func(Moved)) (Moved, error) {
	var m Moved
	target, err := getStorage(ctx, s.pool, to)
	if err != nil {
		return m, err
	}
	p, err := s.place(target)
	if err != nil {
		return m, err
	}
	if m.Total, err = countElsewhere(ctx, s.pool, to); err != nil {
		return m, err
	}
	for after := int64(0); ; {
		files, err := filesElsewhere(ctx, s.pool, to, after, moveBatch)
		if err != nil || len(files) == 0 {
			return m, err
		}
		for _, f := range files {
			err := s.move(ctx, f, target, p)
			switch {
			case errors.Is(err, fs.ErrNotExist):
				m.Missing = append(m.Missing, f.Name)
			case err != nil:
				return m, fmt.Errorf("moving %q: %w", f.Name, err)
			default:
				m.Done++
			}
			if progress != nil {
				progress(m)
			}
			after = f.ID
		}
	}
}

func (s *Service) move(ctx context.Context, f File, target Storage, p place) error {
	from, err := getStorage(ctx, s.pool, f.StorageID)
	if err != nil {
		return err
	}
	body, err := s.read(ctx, from, f)
	if err != nil {
		return err
	}
	left := leftover{StorageID: target.ID, Object: newObject(f.HashText())}
	if err := noteLeftover(ctx, s.pool, left, s.clock().Add(writeTime)); err != nil {
		return err
	}
	if err := p.put(ctx, left.Object, f.ContentType, body); err != nil {
		s.removeLeftover(context.WithoutCancel(ctx), left)
		return err
	}
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if err := claimLeftover(ctx, tx, left); err != nil {
			return err
		}
		moved, err := moveFile(ctx, tx, f, left, s.clock())
		if err == nil && !moved {
			return errs.New(errs.Conflict, "the file was moved or deleted meanwhile")
		}
		return err
	})
	if err != nil {
		s.removeLeftover(context.WithoutCancel(ctx), left)
	}
	if errs.Is(err, errs.Conflict) {
		return nil // nothing is left to do for it
	}
	return err
}
