package audience

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"postrider/internal/errs"
	"postrider/internal/page"
)

func TestUploadLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	b := setup(t)
	list := b.list("News")
	big := strings.Repeat("email,x\na@x.org,b\n", 200_000) // over three chunks
	broken := errors.New("connection lost")
	if _, err := b.CreateImport(b.ctx, Upload{ListID: list, Filename: "x.csv", Content: io.MultiReader(strings.NewReader(big), iotest.ErrReader(broken))}); !errors.Is(err, broken) {
		t.Errorf("broken stream: %v", err)
	}
	if _, err := b.CreateImport(b.ctx, Upload{ListID: list + 1, Filename: "x.csv", Content: strings.NewReader(big)}); !errs.Is(err, errs.Invalid) {
		t.Errorf("unknown list: %v", err)
	}
	if _, err := b.CreateImport(b.ctx, Upload{ListID: list, Filename: "x.csv", Content: strings.NewReader("")}); !errs.Is(err, errs.Invalid) {
		t.Errorf("empty file: %v", err)
	}
	// An upload whose process died long ago, and one that may still be going on.
	for _, age := range []time.Duration{25 * time.Hour, time.Hour} {
		if _, err := b.pool.Exec(b.ctx, `INSERT INTO imports (list_id, filename, status, created_at) VALUES ($1, 'dead', 'uploading', $2)`, list, start.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	imp := b.upload(list, big)
	var imports, chunks int
	var size int64
	if err := b.pool.QueryRow(b.ctx, `SELECT (SELECT count(*) FROM imports), count(*), sum(length(data)) FROM import_chunks`).Scan(&imports, &chunks, &size); err != nil {
		t.Fatal(err)
	}
	if imports != 2 || chunks != 4 || size != int64(len(big)) || imp.SizeBytes != size {
		t.Errorf("%d imports, %d chunks of %d bytes in all; want 2, 4 and %d", imports, chunks, size, len(big))
	}
	if p := must[page.Page[Import]](t)(b.ListImports(b.ctx, page.Query{})); len(p.Items) != 1 || p.Items[0].ID != imp.ID || p.Items[0].ListName != "News" {
		t.Errorf("uploads that have not ended are shown: %+v", p.Items)
	}
}

func TestStartImportOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	imp := b.upload(b.list("News"), "email\na@x.org\n")
	m := suggestedMapping(imp, "")
	if _, err := b.StartImport(b.ctx, imp.ID, Mapping{Columns: []ColumnMapping{{Index: 0, Target: TargetSkip}}}, ""); !errs.Is(err, errs.Invalid) {
		t.Errorf("without an address: %v", err)
	}
	got := must[Import](t)(b.StartImport(b.ctx, imp.ID, m, ""))
	if got.Status != ImportQueued || got.Mapping == nil || got.Mapping.Status != StatusSubscribed {
		t.Errorf("started: %+v", got)
	}
	if _, err := b.StartImport(b.ctx, imp.ID, m, ""); !errs.Is(err, errs.Conflict) {
		t.Errorf("second start: %v", err)
	}
	if _, err := b.StartImport(b.ctx, imp.ID+1, m, ""); !errs.Is(err, errs.NotFound) {
		t.Errorf("unknown import: %v", err)
	}
	if d := cmp.Diff([]int64{imp.ID}, b.queued.ids); d != "" {
		t.Error(d)
	}
}
