package secret

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"
)

func box(t *testing.T, fill byte) *Box {
	t.Helper()
	b, err := FromString(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{fill}, KeySize)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSealAndOpen(t *testing.T) {
	t.Parallel()
	b := box(t, 1)
	for _, plain := range []string{"", "p", strings.Repeat("long ", 2000)} {
		sealed := b.Seal([]byte(plain), "relay/12/password")
		if len(sealed) != len(plain)+29 {
			t.Errorf("%d bytes became %d", len(plain), len(sealed))
		}
		if len(plain) > 3 && bytes.Contains(sealed, []byte(plain[:4])) {
			t.Error("the value is readable")
		}
		got, err := b.Open(sealed, "relay/12/password")
		if err != nil || string(got) != plain {
			t.Errorf("%q, %v", got, err)
		}
	}
	if bytes.Equal(b.Seal([]byte("p"), "x"), b.Seal([]byte("p"), "x")) {
		t.Error("sealing twice gives the same: equal passwords can be told")
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	b := box(t, 1)
	sealed := b.Seal([]byte("hunter2"), "relay/12/password")
	refuse := func(what string, b *Box, sealed []byte, context string) {
		t.Helper()
		got, err := b.Open(sealed, context)
		if !errors.Is(err, ErrNotOurs) || got != nil || strings.Contains(fmt.Sprint(err), "hunter2") {
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
	refuse("another row", b, sealed, "relay/13/password")
	refuse("no context", b, sealed, "")
	refuse("another key", box(t, 2), sealed, "relay/12/password")
	refuse("nothing", b, nil, "relay/12/password")
	for n := range sealed {
		refuse("cut short", b, sealed[:n], "relay/12/password")
		changed := bytes.Clone(sealed)
		changed[n] ^= 0x40
		refuse(fmt.Sprintf("byte %d changed", n), b, changed, "relay/12/password")
	}
	refuse("longer", b, append(bytes.Clone(sealed), 0), "relay/12/password")
}

const (
	storedValue       = "AasnBbJuVmLLDjWpZO6ldAcopDjJy4avGqJKBEL2N7dJbPfnQYPi3n95"
	storedKey         = "zfyHjTBidPCM9Q+p/Q4J/b44WJSEVW15lbivKFAZ/PM="
	storedFingerprint = "a8a713be640f8702"
)

// TestStoredFormat pins bytes of a known key: values in databases have to stay readable.
func TestStoredFormat(t *testing.T) {
	t.Parallel()
	sealed, err := base64.StdEncoding.DecodeString(storedValue)
	if err != nil {
		t.Fatal(err)
	}
	got, err := box(t, 7).Open(sealed, "relay/1/password")
	if err != nil || string(got) != "correct horse" {
		t.Errorf("%q, %v", got, err)
	}
	key := box(t, 7).Derive("links/v1")
	if got := base64.StdEncoding.EncodeToString(key[:]); got != storedKey {
		t.Errorf("links sent earlier would not verify: key %s", got)
	}
	if got := box(t, 7).Fingerprint(); got != storedFingerprint {
		t.Errorf("fingerprint %s", got)
	}
}

func TestDeriveSeparatesPurposesAndKeys(t *testing.T) {
	t.Parallel()
	seen := map[[32]byte]string{}
	for _, fill := range []byte{1, 2} {
		for _, purpose := range []string{"links", "seal", "fingerprint", ""} {
			key, name := box(t, fill).Derive(purpose), fmt.Sprint(fill, purpose)
			if other, dup := seen[key]; dup {
				t.Errorf("%s and %s give the same key", name, other)
			}
			seen[key] = name
		}
	}
	if first, again := box(t, 1).Derive("links"), box(t, 1).Derive("links"); first != again {
		t.Error("the same purpose gives different keys")
	}
}

func TestFromString(t *testing.T) {
	t.Parallel()
	key := bytes.Repeat([]byte{0xfb, 0xff}, KeySize/2)
	want := ""
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		b, err := FromString(" " + enc.EncodeToString(key) + "\n")
		if err != nil {
			t.Fatal(err)
		}
		if want != "" && b.Fingerprint() != want {
			t.Error("the same key in another alphabet became another")
		}
		want = b.Fingerprint()
	}
	for _, bad := range []string{"", "short", "not base64!!", base64.StdEncoding.EncodeToString(key[:31]), base64.StdEncoding.EncodeToString(append(key, 1))} {
		_, err := FromString(bad)
		if err == nil || !strings.Contains(err.Error(), "openssl rand -base64 32") || (len(bad) > 8 && strings.Contains(err.Error(), bad)) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestBoxDoesNotPrintItsKey(t *testing.T) {
	t.Parallel()
	b := box(t, 'K')
	holder := struct{ Box *Box }{b}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		for _, v := range []any{b, holder} {
			out := fmt.Sprintf(format, v)
			if strings.Contains(out, "KKK") || strings.Contains(out, "75 75") || strings.Contains(out, "4b4b4b") || strings.Contains(out, "0x4b, 0x4b") {
				t.Errorf("%s prints %s", format, out)
			}
		}
	}
}

func TestLoadOrCreate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", "secret.key")
	first, err := LoadOrCreate(path)
	if err != nil {
		t.Fatal(err)
	}
	fi, err := os.Stat(path)
	if err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", fi.Mode(), err)
	}
	again, err := LoadOrCreate(path)
	if err != nil || again.Fingerprint() != first.Fingerprint() {
		t.Errorf("the second start has another key (%v)", err)
	}
	if names, _ := os.ReadDir(filepath.Dir(path)); len(names) != 1 {
		t.Errorf("left beside the key: %v", names)
	}
	other, err := LoadOrCreate(filepath.Join(t.TempDir(), "secret.key"))
	if err != nil || other.Fingerprint() == first.Fingerprint() {
		t.Errorf("two installations share a key (%v)", err)
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	good := base64.StdEncoding.EncodeToString(make([]byte, KeySize))
	for name, tc := range map[string]struct {
		content string
		mode    os.FileMode
		want    string
	}{
		"readable by the group": {good, 0o640, "chmod 600"},
		"readable by all":       {good, 0o604, "chmod 600"},
		"cut short":             {good[:20], 0o600, "must have 32"},
		"empty":                 {"", 0o600, "must have 32"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "secret.key")
			if err := os.WriteFile(path, []byte(tc.content), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, tc.mode); err != nil {
				t.Fatal(err)
			}
			_, err := LoadOrCreate(path)
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("error: %v", err)
			}
			if b, _ := os.ReadFile(path); string(b) != tc.content {
				t.Error("the file was changed")
			}
		})
	}
	if _, err := LoadOrCreate(t.TempDir()); err == nil {
		t.Error("a folder was taken as a key")
	}
}

func TestCreateRace(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret.key")
	var prints [16]string
	var g errgroup.Group
	for i := range prints {
		g.Go(func() error {
			b, err := LoadOrCreate(path)
			if err == nil {
				prints[i] = b.Fingerprint()
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, p := range prints {
		if p != prints[0] {
			t.Fatalf("different keys: %v", prints)
		}
	}
}
