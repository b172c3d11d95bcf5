package media

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"postrider/internal/errs"
	"postrider/internal/pg"
)

// leftover is an object that no file names.
type leftover struct {
	StorageID int64
	Object    string
}

// sweepBatch bounds what one Sweep removes.
const sweepBatch = 500

// noteLeftover lists an object that is about to be written, or, with a due time that has come, one that a file has just ceased to name.
func noteLeftover(ctx context.Context, db pg.DB, l leftover, due time.Time) error {
	_, err := db.Exec(ctx, `INSERT INTO media_leftovers (storage_id, object, due_at) VALUES ($1, $2, $3)`, l.StorageID, l.Object, due)
	if err != nil {
		return fmt.Errorf("noting an object of storage %d: %w", l.StorageID, err)
	}
	return nil
}

// claimLeftover takes an object off the list because a file is about to name it. One that is being removed cannot be named.
func claimLeftover(ctx context.Context, db pg.DB, l leftover) error {
	tag, err := db.Exec(ctx, `DELETE FROM media_leftovers WHERE storage_id = $1 AND object = $2 AND NOT removing`, l.StorageID, l.Object)
	if err != nil {
		return fmt.Errorf("naming an object of storage %d: %w", l.StorageID, err)
	}
	if tag.RowsAffected() == 0 {
		return errs.New(errs.Unavailable, "storing the file took longer than %s, and it was given up: try again", writeTime)
	}
	return nil
}

// Sweep removes objects that no file names any more and gives their number. What cannot be removed is tried again by the next one.
func (s *Service) Sweep(ctx context.Context) (int, error) {
	due, err := pg.Many[leftover](ctx, s.pool, "objects to be removed", `
		SELECT storage_id, object FROM media_leftovers WHERE due_at <= $1 ORDER BY due_at LIMIT $2`, s.clock(), sweepBatch)
	if err != nil {
		return 0, err
	}
	removed := 0
	var failed error
	for _, l := range due {
		if err := s.dropLeftover(ctx, l); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		removed++
	}
	return removed, failed
}

// removeLeftover removes an object now. When that fails, a Sweep does it later.
func (s *Service) removeLeftover(ctx context.Context, l leftover) {
	if err := s.dropLeftover(ctx, l); err != nil {
		s.log.LogAttrs(ctx, slog.LevelWarn, "a media file could not be removed; it is tried again", slog.Int64("storage", l.StorageID), slog.String("object", l.Object),
			slog.String("error", err.Error()))
	}
}

// dropLeftover first marks the object, so that no file can name it any more. One that is not listed belongs to a file, or is gone.
func (s *Service) dropLeftover(ctx context.Context, l leftover) error {
	tag, err := s.pool.Exec(ctx, `UPDATE media_leftovers SET removing = true, due_at = $3 WHERE storage_id = $1 AND object = $2`, l.StorageID, l.Object, s.clock())
	if err != nil {
		return fmt.Errorf("marking an object of storage %d: %w", l.StorageID, err)
	}
	if tag.RowsAffected() == 0 {
		return nil
	}
	st, err := getStorage(ctx, s.pool, l.StorageID)
	if err != nil {
		return err
	}
	from, err := s.place(st)
	if err != nil {
		return err
	}
	if err := from.remove(ctx, l.Object); err != nil {
		return err
	}
	_, err = s.pool.Exec(ctx, `DELETE FROM media_leftovers WHERE storage_id = $1 AND object = $2`, l.StorageID, l.Object)
	if err != nil {
		return fmt.Errorf("forgetting a removed object: %w", err)
	}
	return nil
}

// nothingLeft is a Conflict as long as a storage holds objects that are still to be removed.
func nothingLeft(ctx context.Context, db pg.DB, st Storage) error {
	var left bool
	if err := db.QueryRow(ctx, `SELECT EXISTS (SELECT FROM media_leftovers WHERE storage_id = $1)`, st.ID).Scan(&left); err != nil {
		return fmt.Errorf("looking for objects of storage %d: %w", st.ID, err)
	}
	if left {
		return errs.New(errs.Conflict, "storage %q holds what is still to be removed: that is done within two hours, as long as it can be reached", st.Name)
	}
	return nil
}
