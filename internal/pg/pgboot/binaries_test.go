package pgboot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// install puts files that look like programs into dir. What version they claim is told by a file beside them, see claimedVersion.
func install(t *testing.T, dir, version string, programs ...string) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, p := range programs {
		if err := os.WriteFile(filepath.Join(dir, p), []byte("\x7fELF"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "version"), []byte(version), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func claimedVersion(_ context.Context, b binaries) (int, error) {
	v, err := os.ReadFile(filepath.Join(b.dir, "version"))
	if err != nil {
		return 0, err
	}
	var n int
	if _, err := fmt.Sscan(string(v), &n); err != nil {
		return 0, errors.New("broken")
	}
	return n, nil
}

func TestFindPrefersPathThenNewest(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	onPath := install(t, root+"/own/bin", "16", "postgres", "initdb")
	install(t, root+"/postgresql/9/bin", "9", "postgres", "initdb")
	fifteen := install(t, root+"/postgresql/15/bin", "15", "postgres", "initdb")
	seventeen := install(t, root+"/postgresql/17/bin", "17", "postgres", "initdb")
	globs := []string{root + "/postgresql/*/bin"}
	for name, tc := range map[string]struct {
		path []string
		want int
		dir  string
	}{
		"PATH first":                        {[]string{onPath}, 0, onPath},
		"newest, by number not by letter":   {nil, 0, seventeen},
		"the version that made the data":    {[]string{onPath}, 15, fifteen},
		"a relative or empty PATH entry":    {[]string{""}, 17, seventeen},
		"PATH entry that is not a folder":   {[]string{root + "/none"}, 0, seventeen},
		"PATH when it has the data's major": {[]string{onPath}, 16, onPath},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &finder{path: tc.path, globs: globs, version: claimedVersion}
			b, err := f.find(t.Context(), tc.want)
			if err != nil {
				t.Fatal(err)
			}
			if b.dir != tc.dir {
				t.Errorf("got %s, want %s", b.dir, tc.dir)
			}
		})
	}
}

func TestFindFollowsLinksAndPassesOverWrappers(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	real := install(t, root+"/pg/16/bin", "16", "postgres", "initdb")
	links := filepath.Join(root, "links")
	wrapper := install(t, filepath.Join(root, "wrapper"), "17", "initdb")
	alone := install(t, filepath.Join(root, "alone"), "17", "postgres")
	if err := os.MkdirAll(links, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real+"/postgres", links+"/postgres"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(wrapper+"/postgres", []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	f := &finder{path: []string{wrapper, alone, links}, version: claimedVersion}
	b, err := f.find(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if want, _ := filepath.EvalSymlinks(real); b.dir != want {
		t.Errorf("got %s, want %s", b.dir, want)
	}
}

func TestFindSaysWhereItLooked(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	old := install(t, root+"/pg/14/bin", "14", "postgres", "initdb")
	bad := install(t, root+"/pg/16/bin", "?", "postgres", "initdb")
	f := &finder{globs: []string{root + "/pg/*/bin", root + "/none/*"}, version: claimedVersion}
	_, err := f.find(t.Context(), 0)
	if err == nil {
		t.Fatal("found something")
	}
	for _, part := range []string{old + ": Postgres 14, too old", bad + ": does not run here", root + "/none/*: nothing there",
		"no cache directory", "apt-get install postgresql", "DATABASE_URL", "POSTRIDER_PG_BIN"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error lacks %q:\n%v", part, err)
		}
	}
}

func TestOverrideIsNotSearchedAround(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	good := install(t, root+"/pg/17/bin", "17", "postgres", "initdb")
	f := &finder{override: root + "/empty", globs: []string{root + "/pg/*/bin"}, version: claimedVersion}
	if _, err := f.find(t.Context(), 0); err == nil || !strings.Contains(err.Error(), root+"/empty: no postgres") {
		t.Errorf("error: %v", err)
	}
	f = &finder{override: good, version: claimedVersion}
	if b, err := f.find(t.Context(), 0); err != nil || b.major != 17 {
		t.Errorf("%v %v", b, err)
	}
}

func TestAskVersionOfWhatIsInstalled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for script, want := range map[string]int{
		"#!/bin/sh\necho 'postgres (PostgreSQL) 18.4 (Debian 18.4-1)'\n": 18,
		"#!/bin/sh\necho 'postgres (PostgreSQL) 19beta1'\n":              19,
		"#!/bin/sh\necho hello\n":                                        0,
		"#!/bin/sh\nexit 127\n":                                          0,
	} {
		if err := os.WriteFile(filepath.Join(dir, "postgres"), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		if got, err := askVersion(t.Context(), binaries{dir: dir}); got != want || (err == nil) != (want != 0) {
			t.Errorf("%q: %d, %v", script, got, err)
		}
	}
}
