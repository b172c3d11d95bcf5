package media

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
	"postrider/internal/pg"
)

// storageRow is a storage as it is read; the secret is moved to its unexported field at once.
type storageRow struct {
	Storage
	Sealed []byte
}

func (r storageRow) storage() Storage {
	s := r.Storage
	s.sealed, s.CreatedAt, s.UpdatedAt = r.Sealed, s.CreatedAt.UTC(), s.UpdatedAt.UTC()
	return s
}

const storageColumns = `id, kind, name, current, endpoint, region, bucket, prefix, path_style, access_key, secret_key IS NOT NULL AS has_secret, secret_key AS sealed,
	public_url, created_at, updated_at,
	(SELECT count(*) FROM media_files f WHERE f.storage_id = s.id) AS files, (SELECT coalesce(sum(size_bytes), 0) FROM media_files f WHERE f.storage_id = s.id)::bigint AS bytes`

// bareColumns leaves the counts out, for every request for a picture.
const bareColumns = `id, kind, name, current, endpoint, region, bucket, prefix, path_style, access_key, secret_key IS NOT NULL AS has_secret, secret_key AS sealed,
	public_url, created_at, updated_at, 0::bigint AS files, 0::bigint AS bytes`

func listStorages(ctx context.Context, db pg.DB) ([]Storage, error) {
	rows, err := pg.Many[storageRow](ctx, db, "media storages", `SELECT `+storageColumns+` FROM media_storages s ORDER BY id`)
	if err != nil {
		return nil, err
	}
	all := make([]Storage, len(rows))
	for i, r := range rows {
		all[i] = r.storage()
	}
	return all, nil
}

func getStorage(ctx context.Context, db pg.DB, id int64) (Storage, error) {
	r, err := pg.One[storageRow](ctx, db, fmt.Sprintf("media storage %d", id), `SELECT `+bareColumns+` FROM media_storages s WHERE id = $1`, id)
	return r.storage(), err
}

func countedStorage(ctx context.Context, db pg.DB, id int64) (Storage, error) {
	r, err := pg.One[storageRow](ctx, db, fmt.Sprintf("media storage %d", id), `SELECT `+storageColumns+` FROM media_storages s WHERE id = $1`, id)
	return r.storage(), err
}

func currentStorage(ctx context.Context, db pg.DB) (Storage, error) {
	r, err := pg.One[storageRow](ctx, db, "current media storage", `SELECT `+bareColumns+` FROM media_storages s WHERE current`)
	return r.storage(), err
}

// lockStorage is for somebody who is going to change it: no file can come to be in it meanwhile.
func lockStorage(ctx context.Context, tx pgx.Tx, id int64) (Storage, error) {
	if _, err := tx.Exec(ctx, `SELECT FROM media_storages WHERE id = $1 FOR UPDATE`, id); err != nil {
		return Storage{}, fmt.Errorf("locking media storage %d: %w", id, err)
	}
	return countedStorage(ctx, tx, id)
}

func storageArgs(in StorageInput) pgx.NamedArgs {
	return pgx.NamedArgs{"name": in.Name, "endpoint": in.Endpoint, "region": in.Region, "bucket": in.Bucket, "prefix": in.Prefix, "path_style": in.PathStyle,
		"access_key": in.AccessKey, "public_url": in.PublicURL}
}

func insertStorage(ctx context.Context, tx pgx.Tx, in StorageInput) (id int64, err error) {
	err = tx.QueryRow(ctx, `
		INSERT INTO media_storages (kind, name, endpoint, region, bucket, prefix, path_style, access_key, public_url)
		VALUES ('s3', @name, @endpoint, @region, @bucket, @prefix, @path_style, @access_key, @public_url) RETURNING id`, storageArgs(in)).Scan(&id)
	return id, storageViolation(err, in)
}

func updateStorage(ctx context.Context, tx pgx.Tx, id int64, in StorageInput) error {
	args := storageArgs(in)
	args["id"] = id
	_, err := tx.Exec(ctx, `
		UPDATE media_storages SET name = @name, endpoint = @endpoint, region = @region, bucket = @bucket, prefix = @prefix, path_style = @path_style, access_key = @access_key,
			public_url = @public_url, updated_at = clock_timestamp()
		WHERE id = @id`, args)
	return storageViolation(err, in)
}

func setStorageSecret(ctx context.Context, tx pgx.Tx, id int64, sealed []byte) error {
	if _, err := tx.Exec(ctx, `UPDATE media_storages SET secret_key = $2, updated_at = clock_timestamp() WHERE id = $1`, id, sealed); err != nil {
		return fmt.Errorf("storing the secret key of media storage %d: %w", id, err)
	}
	return nil
}

func useStorage(ctx context.Context, tx pgx.Tx, id int64) error {
	// One after the other, or the index on the current one would see two.
	if _, err := tx.Exec(ctx, `UPDATE media_storages SET current = false WHERE current AND id <> $1`, id); err != nil {
		return fmt.Errorf("changing the media storage: %w", err)
	}
	if _, err := tx.Exec(ctx, `UPDATE media_storages SET current = true WHERE id = $1`, id); err != nil {
		return fmt.Errorf("changing the media storage: %w", err)
	}
	return nil
}

func deleteStorage(ctx context.Context, tx pgx.Tx, st Storage) error {
	if err := nothingLeft(ctx, tx, st); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM media_storages WHERE id = $1`, st.ID)
	if pg.Violation(err) == "media_files_storage" {
		return errs.New(errs.Conflict, "storage %q holds files: move them with postrider media move first", st.Name)
	}
	if err != nil {
		return fmt.Errorf("deleting media storage %d: %w", st.ID, err)
	}
	return nil
}

func storageViolation(err error, in StorageInput) error {
	switch {
	case err == nil:
		return nil
	case pg.Violation(err) == "media_storages_name":
		e := errs.InvalidField("name", "there is a storage called %q already", in.Name)
		e.Kind = errs.Conflict
		return e
	}
	return fmt.Errorf("storing a media storage: %w", err)
}
