package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/internal/pg/pgtest"
	"postrider/internal/secret"
)

type bundle struct {
	*Service
	t    *testing.T
	pool *pgxpool.Pool
	dir  string
	now  time.Time
}

func setup(t *testing.T) *bundle {
	t.Helper()
	box, err := secret.LoadOrCreate(t.TempDir() + "/key")
	if err != nil {
		t.Fatal(err)
	}
	b := &bundle{t: t, pool: pgtest.DB(t), dir: filepath.Join(t.TempDir(), "media"), now: time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)}
	b.Service = New(b.pool, box, Config{Folder: b.dir}, slog.New(slog.DiscardHandler), func() time.Time { return b.now })
	return b
}

// picture uploads an image that is like no other of the test.
func (b *bundle) picture(name string, w int) File {
	b.t.Helper()
	f, added, err := b.Upload(b.t.Context(), Upload{Filename: name, Alt: "alt of " + name, Content: bytes.NewReader(encoded(b.t, PNG, gradient(w, 10)))})
	if err != nil || !added {
		b.t.Fatalf("%v, added %v", err, added)
	}
	return f
}

func (b *bundle) content(f File) []byte {
	b.t.Helper()
	o, err := b.Open(b.t.Context(), f.HashText())
	if err != nil {
		b.t.Fatal(err)
	}
	defer o.Body.Close()
	body, err := io.ReadAll(o.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return body
}

func (b *bundle) exec(sql string, args ...any) {
	b.t.Helper()
	if _, err := b.pool.Exec(b.t.Context(), sql, args...); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bundle) count(sql string) (n int) {
	b.t.Helper()
	if err := b.pool.QueryRow(b.t.Context(), sql).Scan(&n); err != nil {
		b.t.Fatal(err)
	}
	return n
}

// onDisk lists the files in the folder.
func (b *bundle) onDisk() (names []string) {
	b.t.Helper()
	err := filepath.WalkDir(b.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if want := map[bool]fs.FileMode{true: 0o700, false: 0o600}[d.IsDir()]; info.Mode().Perm() != want {
			b.t.Errorf("%s has mode %o", path, info.Mode().Perm())
		}
		if !d.IsDir() {
			names = append(names, strings.TrimPrefix(path, b.dir+"/"))
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		b.t.Fatal(err)
	}
	return names
}

func TestUpload(t *testing.T) {
	t.Parallel()
	b := setup(t)
	raw := encoded(t, PNG, gradient(30, 20))
	f, added, err := b.Upload(t.Context(), Upload{Filename: `C:\fakepath\Summer Sale 50%.jpeg`, Alt: " A beach ", Content: bytes.NewReader(raw)})
	if err != nil || !added {
		t.Fatal(err)
	}
	want := File{ID: f.ID, Hash: f.Hash, Name: "Summer Sale 50%.jpeg", Alt: "A beach", ContentType: PNG, SizeBytes: len(raw), Width: 30, Height: 20, StorageID: f.StorageID,
		StorageName: "Folder of this server", Object: f.Object, CreatedAt: b.now, UpdatedAt: b.now}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Error(diff)
	}
	if path := "/m/" + f.HashText() + "/summer-sale-50.png"; f.Path() != path {
		t.Errorf("%s, want %s", f.Path(), path)
	}
	if !bytes.Equal(b.content(f), raw) {
		t.Error("what comes out is not what went in")
	}
	if diff := cmp.Diff([]string{f.Object}, b.onDisk()); diff != "" {
		t.Error(diff)
	}
	again, added, err := b.Upload(t.Context(), Upload{Filename: "other.png", Content: bytes.NewReader(raw)})
	if err != nil || added || again.ID != f.ID || again.Name != f.Name {
		t.Errorf("the same again: %+v, %v, %v", again, added, err)
	}
	if _, _, err := b.Thumbnail(t.Context(), f.ID); err != nil {
		t.Error(err)
	}
	if n := b.count(`SELECT count(*) FROM media_leftovers`); n != 0 {
		t.Errorf("%d leftovers", n)
	}
	changed, err := b.Update(t.Context(), f.ID, Details{Name: "Été.gif", Alt: ""})
	if err != nil || changed.Slug() != "t.png" {
		t.Errorf("%+v, %v", changed, err)
	}
	for _, d := range []Details{{}, {Name: "a\nb"}, {Name: strings.Repeat("x", 201)}, {Name: "a", Alt: strings.Repeat("x", 501)}, {Name: "\xff"}} {
		if _, err := b.Update(t.Context(), f.ID, d); !errs.Is(err, errs.Invalid) {
			t.Errorf("%+v gave %v", d, err)
		}
	}
}

func TestUploadIsBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, _, err := b.Upload(t.Context(), Upload{Filename: "x.png", Content: io.LimitReader(zeros{}, MaxBytes+1)})
	if !errs.Is(err, errs.TooLarge) {
		t.Error(err)
	}
	if _, _, err := b.Upload(t.Context(), Upload{Filename: "x.png", Content: strings.NewReader("<svg/>")}); !errs.Is(err, errs.Invalid) {
		t.Error(err)
	}
	if on := b.onDisk(); len(on) != 0 {
		t.Error(on)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestTheSameContentAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	raw := encoded(t, PNG, gradient(30, 20))
	var wg sync.WaitGroup
	var mu sync.Mutex
	ids, adds := map[int64]bool{}, 0
	for range 8 {
		wg.Go(func() {
			f, added, err := b.Upload(t.Context(), Upload{Filename: "x.png", Content: bytes.NewReader(raw)})
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if ids[f.ID] = true; added {
				adds++
			}
		})
	}
	wg.Wait()
	if len(ids) != 1 || adds != 1 || len(b.onDisk()) != 1 || b.count(`SELECT count(*) FROM media_leftovers`) != 0 {
		t.Errorf("%d files, %d times new, on disk %v", len(ids), adds, b.onDisk())
	}
}

func TestListMedia(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i, name := range []string{"Beach.png", "50%_off.png", "beach two.png"} {
		b.picture(name, 10+i)
	}
	if _, _, err := b.Upload(t.Context(), Upload{Filename: "Terms.pdf", Content: strings.NewReader("%PDF-1.7\n%%EOF")}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		q    Query
		want string
	}{
		{Query{}, "Terms.pdf beach two.png 50%_off.png Beach.png"}, {Query{Search: " BEACH "}, "beach two.png Beach.png"}, {Query{Search: "%_"}, "50%_off.png"},
		{Query{Search: "alt of b"}, "beach two.png Beach.png"}, {Query{Documents: true}, "Terms.pdf"}, {Query{Images: true, Search: "terms"}, ""}, {Query{Search: `\`}, ""},
	} {
		var got []string
		c.q.Limit = 1
		for {
			p, err := b.List(t.Context(), c.q)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range p.Items {
				got = append(got, f.Name)
			}
			if c.q.Cursor = p.NextCursor; c.q.Cursor == "" {
				break
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%+v: %v", c.q, got)
		}
	}
	if _, err := b.List(t.Context(), Query{Query: page.Query{Cursor: "?"}}); !errs.Is(err, errs.Invalid) {
		t.Error(err)
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	t.Run("what is to be sent holds a file", func(t *testing.T) {
		t.Parallel()
		for name, sql := range map[string]string{
			`template "T"`:                      `INSERT INTO templates (name, html) VALUES ('T', $1)`,
			`campaign "C"`:                      `INSERT INTO campaigns (name, text) VALUES ('C', $1)`,
			`the confirmation mail of list "L"`: `WITH l AS (INSERT INTO lists (name) VALUES ('L') RETURNING id) INSERT INTO list_confirmations (list_id, html) SELECT id, $1 FROM l`,
			`campaign "V"`:                      `WITH c AS (INSERT INTO campaigns (name) VALUES ('V') RETURNING id) INSERT INTO campaign_variants (campaign_id, n, html) SELECT id, 2, $1 FROM c`,
			`newsletter "N"`:                    `INSERT INTO newsletters (name, status, definition) VALUES ('N', 'active', jsonb_build_object('content', jsonb_build_object('html', $1::text)))`,
			`newsletter "W"`:                    `INSERT INTO newsletters (name, definition) VALUES ('W', jsonb_build_object('content', jsonb_build_object('html', '', 'text', $1::text)))`,
			// Changed since, but frozen with the file.
			`campaign "F"`: `WITH c AS (INSERT INTO campaigns (name, status) VALUES ('F', 'paused') RETURNING id) INSERT INTO campaign_contents (campaign_id, content) SELECT id, jsonb_build_object('HTML', $1::text) FROM c`,
		} {
			b := setup(t)
			f := b.picture("a.png", 10)
			b.exec(sql, `<img src="https://old.example.org`+f.Path()+`">`)
			for _, broken := range []bool{false, true} {
				if err := b.Delete(ctx, f.ID, broken); !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), name) {
					t.Errorf("%s: %v", name, err)
				}
			}
			if !slices.Equal(b.onDisk(), []string{f.Object}) {
				t.Errorf("%s: %v", name, b.onDisk())
			}
		}
	})
	t.Run("mails that are out ask whether it is meant", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		f := b.picture("a.png", 10)
		b.exec(`INSERT INTO campaigns (name, status, html) VALUES ('Spring', 'finished', $1)`, f.Path())
		if err := b.Delete(ctx, f.ID, false); !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), `campaign "Spring"`) || !strings.Contains(err.Error(), "broken_mails") {
			t.Error(err)
		}
		uses, err := b.Uses(ctx, f.ID)
		if err != nil || len(uses) != 1 || uses[0].Name != "Spring" || !uses[0].Sent || uses[0].Status != "finished" {
			t.Errorf("%+v, %v", uses, err)
		}
		if err := b.Delete(ctx, f.ID, true); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Open(ctx, f.HashText()); !errs.Is(err, errs.NotFound) {
			t.Error(err)
		}
		if len(b.onDisk()) != 0 || b.count(`SELECT count(*) FROM media_leftovers`) != 0 {
			t.Errorf("%v is left", b.onDisk())
		}
		if err := b.Delete(ctx, f.ID, true); !errs.Is(err, errs.NotFound) {
			t.Error(err)
		}
	})
	t.Run("a newsletter that has ended has mails that are out", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		f := b.picture("a.png", 10)
		b.exec(`INSERT INTO newsletters (name, status, definition) VALUES ('N', 'ended', jsonb_build_object('content', jsonb_build_object('html', $1::text)))`, f.Path())
		if err := b.Delete(ctx, f.ID, false); !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), `newsletter "N"`) || !strings.Contains(err.Error(), "broken_mails") {
			t.Error(err)
		}
		if err := b.Delete(ctx, f.ID, true); err != nil {
			t.Error(err)
		}
	})
	t.Run("another file of the same template is free", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		f, other := b.picture("a.png", 10), b.picture("b.png", 11)
		b.exec(`INSERT INTO templates (name, html) VALUES ('T', $1)`, f.Path())
		if err := b.Delete(ctx, other.ID, false); err != nil {
			t.Error(err)
		}
	})
}

// A process can end between any two steps: what it leaves is removed later, and what a file names never is.
func TestNothingIsLeftBehind(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	f := b.picture("a.png", 10)
	lost := leftover{StorageID: f.StorageID, Object: newObject(f.HashText())}
	if err := noteLeftover(ctx, b.pool, lost, b.clock().Add(writeTime)); err != nil {
		t.Fatal(err)
	}
	if err := b.folder.put(ctx, lost.Object, PNG, []byte("x")); err != nil { // and here it ended
		t.Fatal(err)
	}
	if n, err := b.Sweep(ctx); n != 0 || err != nil {
		t.Errorf("%d removed too early, %v", n, err)
	}
	b.now = b.now.Add(writeTime)
	if n, err := b.Sweep(ctx); n != 1 || err != nil {
		t.Errorf("%d removed, %v", n, err)
	}
	if !slices.Equal(b.onDisk(), []string{f.Object}) {
		t.Error(b.onDisk())
	}
	// An upload that took so long that it counts as left behind cannot name what is being removed.
	if err := noteLeftover(ctx, b.pool, lost, b.clock()); err != nil {
		t.Fatal(err)
	}
	b.exec(`UPDATE media_leftovers SET removing = true`)
	if err := claimLeftover(ctx, b.pool, lost); !errs.Is(err, errs.Unavailable) {
		t.Error(err)
	}
	// And what a file names is not removed, whoever asks for it.
	b.removeLeftover(ctx, leftover{StorageID: f.StorageID, Object: f.Object})
	if !slices.Equal(b.onDisk(), []string{f.Object}) {
		t.Error(b.onDisk())
	}
}

func TestMissingFiles(t *testing.T) {
	t.Parallel()
	b := setup(t)
	f := b.picture("a.png", 10)
	b.picture("b.png", 11)
	if err := os.Remove(filepath.Join(b.dir, f.Object)); err != nil {
		t.Fatal(err)
	}
	if missing, err := b.Missing(t.Context(), 10); err != nil || !slices.Equal(missing, []string{"a.png"}) {
		t.Errorf("%v, %v", missing, err)
	}
	if _, err := b.Open(t.Context(), f.HashText()); !errs.Is(err, errs.Unavailable) {
		t.Error(err)
	}
	for _, hash := range []string{"", "x", strings.Repeat("0", 64), strings.Repeat("0", 66), "../../etc/passwd"} {
		if _, err := b.Open(t.Context(), hash); !errs.Is(err, errs.NotFound) {
			t.Errorf("%q: %v", hash, err)
		}
	}
}

func TestFolderKeepsToItself(t *testing.T) {
	t.Parallel()
	p := folder{filepath.Join(t.TempDir(), "in")}
	for _, object := range []string{"../out", "/etc/out"} {
		if err := p.put(t.Context(), object, PNG, []byte("x")); err == nil {
			t.Errorf("%s was written", object)
		}
		if _, err := p.open(t.Context(), object); err == nil {
			t.Errorf("%s was read", object)
		}
	}
}

func TestBucket(t *testing.T) {
	t.Parallel()
	b, server := setup(t), newS3Server(t)
	ctx := t.Context()
	inFolder := b.picture("a.png", 10)
	st, err := b.CreateStorage(ctx, server.input())
	if err != nil || st.Current || !st.HasSecret {
		t.Fatalf("%+v, %v", st, err)
	}
	if n := b.count(`SELECT count(*) FROM media_storages WHERE strpos(encode(secret_key, 'escape'), 'EXAMPLEKEY') > 0`); n != 0 {
		t.Error("the secret is in the clear")
	}
	if st, err = b.UseStorage(ctx, st.ID); err != nil || !st.Current {
		t.Fatalf("%+v, %v", st, err)
	}
	// More than one signed chunk of 64 kB.
	large, _, err := b.Upload(ctx, Upload{Filename: "large.jpg", Content: bytes.NewReader(encoded(t, JPEG, noise(400, 400)))})
	if err != nil || large.StorageID != st.ID || large.SizeBytes < 70_000 {
		t.Fatalf("%+v, %v", large, err)
	}
	if diff := cmp.Diff([]string{"mail/2026/" + large.Object}, server.names()); diff != "" {
		t.Error(diff)
	}
	if h := server.headers["mail/2026/"+large.Object]; h.Get("Content-Type") != JPEG || !strings.Contains(h.Get("Cache-Control"), "immutable") {
		t.Errorf("%v", h)
	}
	if len(b.content(large)) != large.SizeBytes || len(b.content(inFolder)) != inFolder.SizeBytes {
		t.Error("not everything comes out")
	}
	before := server.reads()
	for range 5 {
		b.content(large)
	}
	if server.reads() != before {
		t.Error("it is fetched each time")
	}
	if err := b.Delete(ctx, large.ID, false); err != nil || len(server.names()) != 0 {
		t.Errorf("%v, %v", server.names(), err)
	}
}

// noise is an image that no encoder makes small.
func noise(w, h int) *image.NRGBA {
	img := gradient(w, h)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range img.Pix {
		if i%4 != 3 {
			img.Pix[i] = uint8(random.Uint32())
		}
	}
	return img
}

func TestWhatABucketSays(t *testing.T) {
	t.Parallel()
	wrong := "x"
	for name, c := range map[string]struct {
		change func(*StorageInput)
		fail   [2]string
		step   string
		detail string
		remedy string
	}{
		"all is well":        {step: "delete"},
		"a wrong secret":     {change: func(in *StorageInput) { in.SecretKey = &wrong }, step: "write", detail: "SignatureDoesNotMatch", remedy: "secret key"},
		"a wrong key":        {change: func(in *StorageInput) { in.AccessKey = "other" }, step: "write", detail: "InvalidAccessKeyId", remedy: "access key"},
		"a wrong region":     {change: func(in *StorageInput) { in.Region = "us-east-1" }, step: "write", detail: "AuthorizationHeaderMalformed", remedy: "region"},
		"no such bucket":     {change: func(in *StorageInput) { in.Bucket = "nothing" }, step: "write", detail: "NoSuchBucket", remedy: "bucket"},
		"no right to read":   {fail: [2]string{"GET", "AccessDenied"}, step: "read", detail: "said the server", remedy: "s3:GetObject"},
		"no right to delete": {fail: [2]string{"DELETE", "AccessDenied"}, step: "delete", detail: "AccessDenied", remedy: "s3:DeleteObject"},
		"nobody there":       {change: func(in *StorageInput) { in.Endpoint = "http://127.0.0.1:1" }, step: "write", detail: "refused", remedy: "reaches"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, server := setup(t), newS3Server(t)
			in := server.input()
			if c.change != nil {
				c.change(&in)
			}
			server.fail(c.fail[0], c.fail[1])
			st, err := b.CreateStorage(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			report, err := b.TestStorage(t.Context(), st.ID)
			if err != nil {
				t.Fatal(err)
			}
			last := report.Steps[len(report.Steps)-1]
			if report.OK != (c.detail == "") || last.Step != c.step || !strings.Contains(last.Detail, c.detail) || !strings.Contains(report.Remedy, c.remedy) {
				t.Errorf("%+v", report)
			}
			if _, err := b.UseStorage(t.Context(), st.ID); report.OK != (err == nil) || err != nil && !errs.Is(err, errs.Conflict) {
				t.Error(err)
			}
		})
	}
}

func TestStorages(t *testing.T) {
	t.Parallel()
	b, server := setup(t), newS3Server(t)
	ctx := t.Context()
	for name, change := range map[string]func(*StorageInput){
		"name": func(in *StorageInput) { in.Name = "" }, "endpoint": func(in *StorageInput) { in.Endpoint = "s3.example.org" }, "bucket": func(in *StorageInput) { in.Bucket = "../x" },
		"prefix": func(in *StorageInput) { in.Prefix = "a/../b" }, "access_key": func(in *StorageInput) { in.AccessKey = "a b" }, "secret_key": func(in *StorageInput) { in.SecretKey = nil },
		"public_url": func(in *StorageInput) { in.PublicURL = "javascript:alert(1)" }, "region": func(in *StorageInput) { in.Region = "eu/1" },
	} {
		in := server.input()
		change(&in)
		var e *errs.E
		if _, err := b.CreateStorage(ctx, in); !errors.As(err, &e) || len(e.Fields) != 1 || e.Fields[0].Name != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	st, err := b.CreateStorage(ctx, server.input())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.CreateStorage(ctx, server.input()); !errs.Is(err, errs.Conflict) {
		t.Errorf("a name twice: %v", err)
	}
	if st, err = b.UseStorage(ctx, st.ID); err != nil {
		t.Fatal(err)
	}
	f := b.picture("a.png", 10)
	in := server.input()
	in.SecretKey = nil
	in.Name = "Renamed"
	if st, err = b.UpdateStorage(ctx, st.ID, in); err != nil || st.Name != "Renamed" || st.Files != 1 || st.Bytes != int64(f.SizeBytes) {
		t.Errorf("%+v, %v", st, err)
	}
	in.Prefix = "elsewhere"
	if _, err := b.UpdateStorage(ctx, st.ID, in); !errs.Is(err, errs.Conflict) {
		t.Errorf("its files are lost: %v", err)
	}
	in.Prefix, in.Endpoint = "mail/2026", "https://evil.example.org"
	if _, err := b.UpdateStorage(ctx, st.ID, in); !errs.Is(err, errs.Invalid) {
		t.Errorf("the stored secret goes to another server: %v", err)
	}
	if err := b.DeleteStorage(ctx, st.ID); !errs.Is(err, errs.Conflict) {
		t.Errorf("the current one: %v", err)
	}
	if _, err := b.UseStorage(ctx, f0(t, b)); err != nil {
		t.Fatal(err)
	}
	if err := b.DeleteStorage(ctx, st.ID); !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "holds files") {
		t.Errorf("one with files: %v", err)
	}
	if err := b.Delete(ctx, f.ID, false); err != nil {
		t.Fatal(err)
	}
	if err := b.DeleteStorage(ctx, st.ID); err != nil {
		t.Error(err)
	}
	if err := b.DeleteStorage(ctx, f0(t, b)); !errs.Is(err, errs.Conflict) {
		t.Errorf("the folder: %v", err)
	}
}

// f0 is the number of the folder.
func f0(t *testing.T, b *bundle) int64 {
	t.Helper()
	all, err := b.ListStorages(t.Context())
	if err != nil || all[0].Kind != KindFolder {
		t.Fatalf("%+v, %v", all, err)
	}
	return all[0].ID
}

func TestPublicBucket(t *testing.T) {
	t.Parallel()
	b, server := setup(t), newS3Server(t)
	in := server.input()
	in.PublicURL = "https://cdn.example.org/x/"
	st, err := b.CreateStorage(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.UseStorage(t.Context(), st.ID); err != nil {
		t.Fatal(err)
	}
	f := b.picture("a.png", 10)
	if o, err := b.Open(t.Context(), f.HashText()); err != nil || o.Redirect != "https://cdn.example.org/x/"+f.Object || o.Body != nil {
		t.Errorf("%+v, %v", o, err)
	}
}

func TestMove(t *testing.T) {
	t.Parallel()
	b, server := setup(t), newS3Server(t)
	ctx := t.Context()
	var files []File
	for i := range 5 {
		files = append(files, b.picture(fmt.Sprintf("%d.png", i), 10+i))
	}
	gone := files[1]
	if err := os.Remove(filepath.Join(b.dir, gone.Object)); err != nil {
		t.Fatal(err)
	}
	st, err := b.CreateStorage(ctx, server.input())
	if err != nil {
		t.Fatal(err)
	}
	// It ends in the middle.
	cut, cancel := context.WithCancel(ctx)
	defer cancel()
	m, err := b.Move(cut, st.ID, func(m Moved) {
		if m.Done == 2 {
			cancel()
		}
	})
	if err == nil || m.Done != 2 || m.Total != 5 {
		t.Fatalf("%+v, %v", m, err)
	}
	for _, f := range slices.Concat(files[:1], files[2:]) {
		if len(b.content(f)) != f.SizeBytes {
			t.Errorf("%s is not served in the middle of a move", f.Name)
		}
	}
	m, err = b.Move(ctx, st.ID, nil)
	if err != nil || m.Done != 2 || m.Total != 3 || !slices.Equal(m.Missing, []string{"1.png"}) {
		t.Errorf("%+v, %v", m, err)
	}
	if len(server.names()) != 4 {
		t.Errorf("%v", server.names())
	}
	b.now = b.now.Add(writeTime)
	if _, err := b.Sweep(ctx); err != nil || len(b.onDisk()) != 0 || len(server.names()) != 4 {
		t.Errorf("%v: on disk %v, in the bucket %v", err, b.onDisk(), server.names())
	}
	for _, f := range slices.Concat(files[:1], files[2:]) {
		if len(b.content(f)) != f.SizeBytes {
			t.Errorf("%s is lost", f.Name)
		}
	}
	if m, err := b.Move(ctx, f0(t, b), nil); err != nil || m.Done != 4 || len(b.onDisk()) != 4 {
		t.Errorf("and back: %+v, %v", m, err)
	}
}

func TestAChangedObjectIsNotServed(t *testing.T) {
	t.Parallel()
	b, server := setup(t), newS3Server(t)
	st, err := b.CreateStorage(t.Context(), server.input())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.UseStorage(t.Context(), st.ID); err != nil {
		t.Fatal(err)
	}
	f := b.picture("a.png", 10)
	server.mu.Lock()
	server.objects["mail/2026/"+f.Object] = []byte("<script>")
	server.mu.Unlock()
	if _, err := b.Open(t.Context(), f.HashText()); !errs.Is(err, errs.Unavailable) {
		t.Error(err)
	}
}

func TestCache(t *testing.T) {
	t.Parallel()
	c := newCache(10)
	c.put("a", make([]byte, 4))
	c.put("b", make([]byte, 4))
	c.get("a")
	c.put("c", make([]byte, 4))
	_, a := c.get("a")
	_, b := c.get("b")
	if !a || b || c.room != 2 {
		t.Errorf("%v %v %d", a, b, c.room)
	}
	c.put("large", make([]byte, 11))
	if c.room != 10 || len(c.known) != 0 || c.order.Len() != 0 {
		t.Errorf("%d, %d", c.room, len(c.known))
	}
}
