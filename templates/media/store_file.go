package media

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/internal/pg"
)

const fileColumns = `f.id, f.hash, f.name, f.alt, f.content_type, f.size_bytes, f.width, f.height, f.animated, f.storage_id, s.name AS storage_name, f.object, f.created_at, f.updated_at`

// errSameContent says that there is a file with this content.
var errSameContent = errors.New("there is a file with this content")

func what(id int64) string { return fmt.Sprintf("media file %d", id) }

func utc(f File, err error) (File, error) {
	f.CreatedAt, f.UpdatedAt = f.CreatedAt.UTC(), f.UpdatedAt.UTC()
	return f, err
}

func getFile(ctx context.Context, db pg.DB, id int64) (File, error) {
	return utc(pg.One[File](ctx, db, what(id), `SELECT `+fileColumns+` FROM media_files f JOIN media_storages s ON s.id = f.storage_id WHERE f.id = $1`, id))
}

// lockFile is getFile for somebody who is going to remove or move it.
func lockFile(ctx context.Context, tx pgx.Tx, id int64) (File, error) {
	return utc(pg.One[File](ctx, tx, what(id), `SELECT `+fileColumns+` FROM media_files f JOIN media_storages s ON s.id = f.storage_id WHERE f.id = $1 FOR UPDATE OF f`, id))
}

func fileByHash(ctx context.Context, db pg.DB, hash []byte) (File, error) {
	return utc(pg.One[File](ctx, db, "media file with this address", `
		SELECT `+fileColumns+` FROM media_files f JOIN media_storages s ON s.id = f.storage_id WHERE f.hash = $1`, hash))
}

func insertFile(ctx context.Context, tx pgx.Tx, d Details, p prepared, hash []byte, at leftover, now time.Time) (File, error) {
	var id int64
	err := tx.QueryRow(ctx, `
		INSERT INTO media_files (hash, name, alt, content_type, size_bytes, width, height, animated, storage_id, object, thumbnail, thumbnail_type, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13) RETURNING id`,
		hash, d.Name, d.Alt, p.contentType, len(p.body), p.width, p.height, p.animated, at.StorageID, at.Object, p.thumb, p.thumbType, now).Scan(&id)
	switch {
	case pg.Violation(err) == "media_files_hash":
		return File{}, errSameContent
	case err != nil:
		return File{}, fmt.Errorf("storing a media file: %w", err)
	}
	return getFile(ctx, tx, id)
}

func updateFile(ctx context.Context, db pg.DB, id int64, d Details, now time.Time) (File, error) {
	tag, err := db.Exec(ctx, `UPDATE media_files SET name = $2, alt = $3, updated_at = $4 WHERE id = $1`, id, d.Name, d.Alt, now)
	if err != nil {
		return File{}, fmt.Errorf("changing %s: %w", what(id), err)
	}
	if tag.RowsAffected() == 0 {
		return File{}, errs.New(errs.NotFound, "there is no %s", what(id))
	}
	return getFile(ctx, db, id)
}

// deleteFile leaves the object for removal.
func deleteFile(ctx context.Context, tx pgx.Tx, f File, now time.Time) error {
	if _, err := tx.Exec(ctx, `DELETE FROM media_files WHERE id = $1`, f.ID); err != nil {
		return fmt.Errorf("deleting %s: %w", what(f.ID), err)
	}
	return noteLeftover(ctx, tx, leftover{StorageID: f.StorageID, Object: f.Object}, now)
}

// moveFile says that a file is somewhere else now, and leaves its object of before for removal. It is false when the file was moved or deleted in the meantime.
func moveFile(ctx context.Context, tx pgx.Tx, f File, to leftover, now time.Time) (bool, error) {
	tag, err := tx.Exec(ctx, `UPDATE media_files SET storage_id = $3, object = $4 WHERE id = $1 AND object = $2`, f.ID, f.Object, to.StorageID, to.Object)
	if err != nil {
		return false, fmt.Errorf("moving %s: %w", what(f.ID), err)
	}
	if tag.RowsAffected() == 0 {
		return false, nil
	}
	// A request that found the file where it was is still reading it.
	return true, noteLeftover(ctx, tx, leftover{StorageID: f.StorageID, Object: f.Object}, now.Add(readTime))
}

func getThumbnail(ctx context.Context, db pg.DB, id int64) ([]byte, string, error) {
	type row struct {
		Thumbnail     []byte
		ThumbnailType string
	}
	r, err := pg.One[row](ctx, db, fmt.Sprintf("thumbnail of media file %d", id), `
		SELECT thumbnail, thumbnail_type FROM media_files WHERE id = $1 AND thumbnail IS NOT NULL`, id)
	return r.Thumbnail, r.ThumbnailType, err
}

// likeEscaper makes of what people type a pattern that means nothing but itself.
var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

func listFiles(ctx context.Context, db pg.DB, q Query) (page.Page[File], error) {
	args := pgx.NamedArgs{"limit": q.Size() + 1, "search": "%" + likeEscaper.Replace(strings.TrimSpace(q.Search)) + "%", "document": PDF}
	conditions := []string{"true"}
	if strings.TrimSpace(q.Search) != "" {
		conditions = append(conditions, `lower(f.name || ' ' || f.alt) LIKE lower(@search)`)
	}
	if q.Images {
		conditions = append(conditions, `f.content_type <> @document`)
	}
	if q.Documents {
		conditions = append(conditions, `f.content_type = @document`)
	}
	var out page.Page[File]
	var total int64
	where := strings.Join(conditions, " AND ")
	if err := db.QueryRow(ctx, `SELECT count(*) FROM media_files f WHERE `+where, args).Scan(&total); err != nil {
		return out, fmt.Errorf("counting media files: %w", err)
	}
	if q.Cursor != "" {
		var before int64
		if err := page.Decode(q.Cursor, &before); err != nil {
			return out, err
		}
		args["before"] = before
		where += ` AND f.id < @before`
	}
	rows, err := pg.Many[File](ctx, db, "media files", `
		SELECT `+fileColumns+` FROM media_files f JOIN media_storages s ON s.id = f.storage_id WHERE `+where+` ORDER BY f.id DESC LIMIT @limit`, args)
	if err != nil {
		return out, err
	}
	for i := range rows {
		rows[i], _ = utc(rows[i], nil)
	}
	out = page.Cut(rows, q.Query, func(f File) string { return page.Encode(f.ID) })
	out.Total, out.TotalExact = &total, true
	return out, nil
}

// folderFiles gives the files in the folder that were added last.
func folderFiles(ctx context.Context, db pg.DB, n int) ([]File, error) {
	return pg.Many[File](ctx, db, "media files", `
		SELECT `+fileColumns+` FROM media_files f JOIN media_storages s ON s.id = f.storage_id WHERE s.kind = 'folder' ORDER BY f.id DESC LIMIT $1`, n)
}

func countElsewhere(ctx context.Context, db pg.DB, storageID int64) (n int, err error) {
	if err = db.QueryRow(ctx, `SELECT count(*) FROM media_files WHERE storage_id <> $1`, storageID).Scan(&n); err != nil {
		err = fmt.Errorf("counting media files: %w", err)
	}
	return n, err
}

func filesElsewhere(ctx context.Context, db pg.DB, storageID, after int64, n int) ([]File, error) {
	return pg.Many[File](ctx, db, "media files", `
		SELECT `+fileColumns+` FROM media_files f JOIN media_storages s ON s.id = f.storage_id WHERE f.storage_id <> $1 AND f.id > $2 ORDER BY f.id LIMIT $3`, storageID, after, n)
}
