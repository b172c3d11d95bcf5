package audience

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"postrider/internal/pg"
)

// FieldArgs is the job that converts or removes what people have in a field.
type FieldArgs struct {
	Name string `json:"name"`
}

// Kind names the job in the queue.
func (FieldArgs) Kind() string { return "change_field" }

type fieldWorker struct {
	river.WorkerDefaults[FieldArgs]
	s *Service
}

// peopleWorkers registers the jobs about people who are known.
func (s *Service) peopleWorkers(w *river.Workers) {
	river.AddWorker(w, &fieldWorker{s: s})
	river.AddWorker(w, &bulkWorker{s: s})
	river.AddWorker(w, &undoBulkWorker{s: s})
	river.AddWorker(w, &purgeBulkWorker{s: s})
}

// Timeout is the longest that one run may take.
func (*fieldWorker) Timeout(*river.Job[FieldArgs]) time.Duration { return importTimeout }

// Work goes on from the last person who was changed.
func (w *fieldWorker) Work(ctx context.Context, job *river.Job[FieldArgs]) error {
	ended, err := w.s.changeField(ctx, job.Args.Name, importSlice)
	if err == nil && !ended {
		return river.JobSnooze(0)
	}
	return err
}

// fieldBatch is how many people are looked at in one transaction.
const fieldBatch = 5000

// changeField does what is pending for a field, batch after batch; ended says that nothing is left to do. It may be called again after any interruption.
func (s *Service) changeField(ctx context.Context, name string, slice time.Duration) (ended bool, err error) {
	for until := time.Now().Add(slice); !ended && time.Now().Before(until); {
		err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
			ended, err = s.changeFieldTx(ctx, tx, name)
			return err
		})
		if err != nil {
			return false, fmt.Errorf("changing the values of field %q: %w", name, err)
		}
	}
	return ended, nil
}

func (s *Service) changeFieldTx(ctx context.Context, tx pgx.Tx, name string) (ended bool, err error) {
	var (
		pending string
		t       FieldType
		last    int64
		end     *int64
	)
	// Imports lock people in the order of their files, so they take turns with this.
	if err := mergeTurn(ctx, tx); err != nil {
		return false, err
	}
	err = tx.QueryRow(ctx, `SELECT COALESCE(pending, ''), type, last_id FROM fields WHERE name = $1 FOR UPDATE`, name).Scan(&pending, &t, &last)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && pending == "" {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if err := tx.QueryRow(ctx, `SELECT max(id) FROM (SELECT id FROM subscribers WHERE id > $1 ORDER BY id LIMIT $2) part`, last, fieldBatch).Scan(&end); err != nil {
		return false, err
	}
	switch {
	case end == nil && pending == FieldDeleting:
		_, err = tx.Exec(ctx, `DELETE FROM fields WHERE name = $1`, name)
		return true, err
	case end == nil:
		_, err = tx.Exec(ctx, `UPDATE fields SET pending = NULL, from_type = NULL, last_id = 0 WHERE name = $1`, name)
		return true, err
	case pending == FieldDeleting:
		_, err = tx.Exec(ctx, `UPDATE subscribers SET attributes = attributes - $1, updated_at = $4 WHERE id > $2 AND id <= $3 AND attributes ? $1`, name, last, *end, s.clock())
	default:
		err = s.convertPart(ctx, tx, Field{Name: name, Type: t}, last, *end)
	}
	if err == nil {
		_, err = tx.Exec(ctx, `UPDATE fields SET last_id = $2 WHERE name = $1`, name, *end)
	}
	return false, err
}

// convertPart converts what people with ids after last up to end have in a field. What came in after the check and cannot be converted stays, and is logged.
func (s *Service) convertPart(ctx context.Context, tx pgx.Tx, f Field, last, end int64) error {
	rows, err := tx.Query(ctx, `SELECT id, attributes -> $1 FROM subscribers WHERE id > $2 AND id <= $3 AND attributes ? $1 ORDER BY id FOR UPDATE`, f.Name, last, end)
	if err != nil {
		return err
	}
	var (
		id     int64
		raw    json.RawMessage
		ids    []int64
		values []string
	)
	_, err = pgx.ForEachRow(rows, []any{&id, &raw}, func() error {
		value, ok := convertValue(raw, f.Type)
		if !ok {
			s.log.WarnContext(ctx, "a value could not be converted", slog.String("field", f.Name), slog.Int64("subscriber_id", id))
			return nil
		}
		ids, values = append(ids, id), append(values, string(value))
		return nil
	})
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE subscribers u SET attributes = u.attributes || jsonb_build_object($1::text, c.value::jsonb), updated_at = $4
		FROM unnest($2::bigint[], $3::text[]) AS c (id, value) WHERE u.id = c.id AND u.attributes -> $1 <> c.value::jsonb`, f.Name, ids, values, s.clock())
	return err
}
