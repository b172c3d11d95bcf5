package media

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// place is what a storage can do. Names are made by newObject; absent objects are fs.ErrNotExist.
type place interface {
	put(ctx context.Context, object, contentType string, body []byte) error
	open(ctx context.Context, object string) (io.ReadSeekCloser, error)
	remove(ctx context.Context, object string) error // nothing is wrong with an object that is gone
}

// newObject names an object that has never been: the hash for people who look into the storage, a random part against all who wrote the same before.
func newObject(hash string) string {
	return hash[:2] + "/" + hash + "-" + strings.ToLower(rand.Text()[:12])
}

// folder is a place on a disk. Files are readable for nobody else, and appear whole or not at all, also after a power loss.
type folder struct{ dir string }

const (
	folderMode = 0o700
	fileMode   = 0o600
)

func (p folder) root() (*os.Root, error) {
	if err := os.MkdirAll(p.dir, folderMode); err != nil {
		return nil, fmt.Errorf("making the media folder: %w", err)
	}
	root, err := os.OpenRoot(p.dir)
	if err != nil {
		return nil, fmt.Errorf("opening the media folder: %w", err)
	}
	return root, nil
}

func (p folder) put(_ context.Context, object, _ string, body []byte) (err error) {
	root, err := p.root()
	if err != nil {
		return err
	}
	defer root.Close()
	dir := path.Dir(object)
	if err := root.MkdirAll(dir, folderMode); err != nil {
		return fmt.Errorf("storing a media file: %w", err)
	}
	temporary := object + ".part"
	if err := writeSynced(root, temporary, body); err != nil {
		return fmt.Errorf("storing a media file: %w", errors.Join(err, root.Remove(temporary)))
	}
	if err := root.Rename(temporary, object); err != nil {
		return fmt.Errorf("storing a media file: %w", errors.Join(err, root.Remove(temporary)))
	}
	return errors.Join(syncDir(root, dir), syncDir(root, "."))
}

func writeSynced(root *os.Root, name string, body []byte) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, fileMode)
	if err != nil {
		return err
	}
	_, err = f.Write(body)
	return errors.Join(err, f.Sync(), f.Close())
}

func syncDir(root *os.Root, name string) error {
	d, err := root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (p folder) open(_ context.Context, object string) (io.ReadSeekCloser, error) {
	root, err := p.root()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, err := root.Open(object)
	if err != nil {
		return nil, fmt.Errorf("opening a media file: %w", err)
	}
	return f, nil
}

func (p folder) remove(_ context.Context, object string) error {
	root, err := p.root()
	if err != nil {
		return err
	}
	defer root.Close()
	for _, name := range []string{object, object + ".part"} {
		if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing a media file: %w", err)
		}
	}
	return nil
}
