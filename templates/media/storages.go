package media

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
	"postrider/internal/pg"
)

// ListStorages gives all storages with what is in them, the oldest first.
func (s *Service) ListStorages(ctx context.Context) ([]Storage, error) {
	return listStorages(ctx, s.pool)
}

// GetStorage gives one storage or NotFound.
func (s *Service) GetStorage(ctx context.Context, id int64) (Storage, error) {
	return countedStorage(ctx, s.pool, id)
}

// CreateStorage adds a bucket. New files go there once UseStorage says so.
func (s *Service) CreateStorage(ctx context.Context, in StorageInput) (st Storage, err error) {
	in, err = in.clean(Storage{})
	if err != nil {
		return st, err
	}
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		id, err := insertStorage(ctx, tx, in)
		if err != nil {
			return err
		}
		if err := s.seal(ctx, tx, id, in); err != nil {
			return err
		}
		st, err = countedStorage(ctx, tx, id)
		return err
	})
	return st, err
}

// UpdateStorage changes a bucket. Where its files are looked for cannot be changed: that is a Conflict.
func (s *Service) UpdateStorage(ctx context.Context, id int64, in StorageInput) (st Storage, err error) {
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		old, err := lockStorage(ctx, tx, id)
		if err != nil {
			return err
		}
		if old.Kind == KindFolder {
			return errs.New(errs.Conflict, "the folder has no settings here: it is named with --media-dir when the program starts")
		}
		in, err := in.clean(old)
		if err != nil {
			return err
		}
		if old.Files > 0 && in.moved(old) {
			return errs.New(errs.Conflict, "%d files are in storage %q and would not be found: add another storage, and move them there with postrider media move", old.Files, old.Name)
		}
		if in.moved(old) {
			if err := nothingLeft(ctx, tx, old); err != nil {
				return err
			}
		}
		if err := updateStorage(ctx, tx, id, in); err != nil {
			return err
		}
		if err := s.seal(ctx, tx, id, in); err != nil {
			return err
		}
		st, err = countedStorage(ctx, tx, id)
		return err
	})
	return st, err
}

// UseStorage lets new files go to a storage, when it passes its test. Those of before stay where they are and are served from there.
func (s *Service) UseStorage(ctx context.Context, id int64) (st Storage, err error) {
	report, err := s.TestStorage(ctx, id)
	if err != nil {
		return st, err
	}
	if !report.OK {
		last := report.Steps[len(report.Steps)-1]
		return st, errs.New(errs.Conflict, "the storage does not work: %s fails: %s %s", last.Step, last.Detail, report.Remedy)
	}
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if err := useStorage(ctx, tx, id); err != nil {
			return err
		}
		st, err = countedStorage(ctx, tx, id)
		return err
	})
	return st, err
}

// DeleteStorage forgets a bucket with nothing in it. What is in it of others is left alone.
func (s *Service) DeleteStorage(ctx context.Context, id int64) error {
	return pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		st, err := lockStorage(ctx, tx, id)
		switch {
		case err != nil:
			return err
		case st.Kind == KindFolder:
			return errs.New(errs.Conflict, "the folder of this server is always there")
		case st.Current:
			return errs.New(errs.Conflict, "new files go to storage %q: choose another one first", st.Name)
		}
		return deleteStorage(ctx, tx, st)
	})
}

func secretContext(id int64) string { return fmt.Sprintf("media_storage/%d/secret_key", id) }

func (s *Service) seal(ctx context.Context, tx pgx.Tx, id int64, in StorageInput) error {
	if in.SecretKey == nil {
		return nil
	}
	return setStorageSecret(ctx, tx, id, s.box.Seal([]byte(*in.SecretKey), secretContext(id)))
}

// place gives what can be done with a storage. Clients are kept, for their connections.
func (s *Service) place(st Storage) (place, error) {
	if st.Kind == KindFolder {
		return s.folder, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if b, ok := s.buckets[st.ID]; ok && b.of.Equal(st.UpdatedAt) {
		return b.bucket, nil
	}
	secretKey, err := s.box.Open(st.sealed, secretContext(st.ID))
	if err != nil {
		return nil, fmt.Errorf("opening the secret key of media storage %d: %w", st.ID, err)
	}
	b, err := newBucket(st, string(secretKey), s.transport)
	if err != nil {
		return nil, err
	}
	s.buckets[st.ID] = openBucket{st.UpdatedAt, b}
	return b, nil
}
