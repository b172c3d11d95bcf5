package media

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
	"postrider/internal/pg"
)

// writeTime is how long writing an object may take before it counts as left behind.
const writeTime = time.Hour

// Upload is a file to be taken.
type Upload struct {
	Filename string // as the browser says; nothing but the name is made of it
	Name     string // "" takes the filename
	Alt      string
	Content  io.Reader
}

// Upload takes a file. Content that is there already gives the file that has it, with added false. Invalid says what is wrong with the file, TooLarge that it has more than
// MaxBytes.
func (s *Service) Upload(ctx context.Context, u Upload) (f File, added bool, err error) {
	if strings.TrimSpace(u.Name) == "" {
		u.Name = nameOf(u.Filename)
	}
	d, err := Details{Name: u.Name, Alt: u.Alt}.clean()
	if err != nil {
		return f, false, err
	}
	b, err := readAll(u.Content)
	if err != nil {
		return f, false, err
	}
	p, err := s.prepare(ctx, b)
	if err != nil {
		return f, false, err
	}
	hash := sha256.Sum256(p.body)
	f, err = fileByHash(ctx, s.pool, hash[:])
	if err == nil || !errs.Is(err, errs.NotFound) {
		return f, false, err
	}
	return s.store(ctx, d, p, hash[:])
}

func readAll(r io.Reader) ([]byte, error) {
	var b bytes.Buffer
	n, err := io.Copy(&b, io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading the upload: %w", err)
	}
	if n > MaxBytes {
		return nil, errs.New(errs.TooLarge, "the file is larger than %d MB: scale the image down; mails are shown about 600 pixels wide", MaxBytes>>20)
	}
	return b.Bytes(), nil
}

// prepare waits for its turn.
func (s *Service) prepare(ctx context.Context, b []byte) (prepared, error) {
	select {
	case s.decoding <- struct{}{}:
	case <-ctx.Done():
		return prepared{}, ctx.Err()
	}
	defer func() { <-s.decoding }()
	return prepare(b)
}

// store writes the object and then the row that names it.
func (s *Service) store(ctx context.Context, d Details, p prepared, hash []byte) (f File, added bool, err error) {
	st, err := currentStorage(ctx, s.pool)
	if err != nil {
		return f, false, err
	}
	to, err := s.place(st)
	if err != nil {
		return f, false, err
	}
	left := leftover{StorageID: st.ID, Object: newObject(hex.EncodeToString(hash))}
	if err := noteLeftover(ctx, s.pool, left, s.clock().Add(writeTime)); err != nil {
		return f, false, err
	}
	if err := to.put(ctx, left.Object, p.contentType, p.body); err != nil {
		s.removeLeftover(context.WithoutCancel(ctx), left)
		return f, false, err
	}
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if err := claimLeftover(ctx, tx, left); err != nil {
			return err
		}
		f, err = insertFile(ctx, tx, d, p, hash, left, s.clock())
		return err
	})
	if err == nil {
		return f, true, nil
	}
	s.removeLeftover(context.WithoutCancel(ctx), left)
	if errors.Is(err, errSameContent) { // somebody else was first
		f, err = fileByHash(ctx, s.pool, hash)
	}
	return f, false, err
}
