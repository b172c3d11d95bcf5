package media

import (
	"bytes"
	"container/list"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"time"

	"postrider/internal/errs"
)

// readTime is how long somebody may be reading an object after its file was found.
const readTime = 10 * time.Minute

// Opened is a file to be served. Either Redirect says where it is, or Body is what it holds and has to be closed.
type Opened struct {
	File     File
	Redirect string
	Body     io.ReadSeekCloser
}

// Open finds a file by the hash that stands in its address. NotFound is for whatever is no hash, and for files that are gone.
func (s *Service) Open(ctx context.Context, hash string) (Opened, error) {
	sum, err := hex.DecodeString(hash)
	if err != nil || len(sum) != sha256.Size {
		return Opened{}, errs.New(errs.NotFound, "there is no file at this address")
	}
	o, err := s.openOnce(ctx, sum)
	if errors.Is(err, fs.ErrNotExist) {
		o, err = s.openOnce(ctx, sum) // it was moved in between
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = errs.Because(errs.Unavailable, err, "the file is not in its storage: see that all processes that serve share the media folder, or restore it from a backup")
	}
	return o, err
}

func (s *Service) openOnce(ctx context.Context, hash []byte) (Opened, error) {
	f, err := fileByHash(ctx, s.pool, hash)
	if err != nil {
		return Opened{}, err
	}
	st, err := getStorage(ctx, s.pool, f.StorageID)
	if err != nil {
		return Opened{}, err
	}
	switch {
	case st.PublicURL != "":
		return Opened{File: f, Redirect: st.PublicURL + "/" + f.Object}, nil
	case st.Kind == KindFolder:
		body, err := s.folder.open(ctx, f.Object)
		return Opened{File: f, Body: body}, err
	}
	b, err := s.fetch(ctx, st, f)
	return Opened{File: f, Body: wholeObject{bytes.NewReader(b)}}, err
}

// fetch reads an object over the network once for everybody who asks for it at that time: a picture of a mailing is asked for by very many.
func (s *Service) fetch(ctx context.Context, st Storage, f File) ([]byte, error) {
	if b, ok := s.cache.get(f.Object); ok {
		return b, nil
	}
	done := s.fetching.DoChan(f.Object, func() (any, error) {
		s.fetches <- struct{}{}
		defer func() { <-s.fetches }()
		b, err := s.read(context.WithoutCancel(ctx), st, f) // the first to ask may go away; the others stay
		if err == nil {
			s.cache.put(f.Object, b)
		}
		return b, err
	})
	select {
	case r := <-done:
		b, _ := r.Val.([]byte)
		return b, r.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// read gives an object whole, and sees that it is what was put there.
func (s *Service) read(ctx context.Context, st Storage, f File) ([]byte, error) {
	from, err := s.place(st)
	if err != nil {
		return nil, err
	}
	r, err := from.open(ctx, f.Object)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", what(f.ID), err)
	}
	if sum := sha256.Sum256(b); !bytes.Equal(sum[:], f.Hash) {
		return nil, errs.New(errs.Unavailable, "%q was changed in storage %q: delete it and upload it again", f.Name, st.Name)
	}
	return b, nil
}

// cacheBytes bounds what is kept in memory of objects that come over the network.
const cacheBytes = 64 << 20

// cache keeps the objects that were asked for last. It is safe for concurrent use.
type cache struct {
	mu    sync.Mutex
	room  int
	known map[string]*list.Element
	order *list.List // of cached, the last used in front
}

type cached struct {
	object string
	body   []byte
}

func newCache(room int) *cache {
	return &cache{room: room, known: map[string]*list.Element{}, order: list.New()}
}

func (c *cache) get(object string) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.known[object]
	if !ok {
		return nil, false
	}
	c.order.MoveToFront(e)
	return e.Value.(cached).body, true
}

func (c *cache) put(object string, body []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(object)
	c.known[object] = c.order.PushFront(cached{object, body})
	c.room -= len(body)
	for c.room < 0 {
		c.drop(c.order.Back().Value.(cached).object)
	}
}

func (c *cache) forget(object string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(object)
}

func (c *cache) drop(object string) {
	if e, ok := c.known[object]; ok {
		c.room += len(e.Value.(cached).body)
		c.order.Remove(e)
		delete(c.known, object)
	}
}
