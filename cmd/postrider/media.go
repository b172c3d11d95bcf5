package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"postrider/internal/pg/pgboot"
	"postrider/internal/settings"
	"postrider/templates/media"
)

type mediaCmd struct {
	Move mediaMoveCmd `cmd:"" help:"Move all files to another storage. They are served the whole time; ended in the middle, it goes on where it was."`
}

type mediaMoveCmd struct {
	config
	To string `required:"" help:"Name or number of the storage, as on the settings page." placeholder:"STORAGE"`
}

// Run moves files to a storage, beside a service that may be running. It has to run where the media folder is, when files are in it.
func (c mediaMoveCmd) Run(ctx context.Context) error {
	a := &app{cfg: c.config, logger: c.logger()}
	defer a.stop()
	library, err := c.library(ctx, a)
	if err != nil {
		return err
	}
	to, err := c.storage(ctx, library)
	if err != nil {
		return err
	}
	shown := time.Time{}
	m, err := library.Move(ctx, to.ID, func(m media.Moved) {
		if time.Since(shown) >= time.Second {
			shown = time.Now()
			fmt.Printf("%d of %d files\n", m.Done, m.Total)
		}
	})
	if err != nil {
		return fmt.Errorf("%w; %d of %d files are moved, the rest is when this is run again", err, m.Done, m.Total)
	}
	fmt.Printf("%d files moved to %s; what they were in is removed within two hours by postrider serve\n", m.Done, to.Name)
	if len(m.Missing) > 0 {
		return fmt.Errorf("%d files were not found where they should be, and stay listed: %s", len(m.Missing), strings.Join(m.Missing, ", "))
	}
	return nil
}

// library connects to the database of a service, or to the private one, which is started when nothing runs.
func (c mediaMoveCmd) library(ctx context.Context, a *app) (*media.Service, error) {
	var err error
	if a.dir, err = c.dataDir(); err != nil {
		return nil, err
	}
	url, ok := "", false
	if c.DatabaseURL == "" {
		url, ok = pgboot.Attach(filepath.Join(a.dir, "postgres"))
	}
	if !ok {
		if url, err = a.startDatabase(ctx); err != nil {
			return nil, err
		}
	}
	if err := a.connect(ctx, url); err != nil {
		return nil, err
	}
	box, err := c.box(a.dir)
	if err != nil {
		return nil, err
	}
	if err := settings.New(a.pool, time.Now).CheckKey(ctx, box.Fingerprint()); err != nil {
		return nil, err
	}
	return media.New(a.pool, box, media.Config{Folder: c.mediaDir(a.dir)}, a.logger, time.Now), nil
}

func (c mediaMoveCmd) storage(ctx context.Context, library *media.Service) (media.Storage, error) {
	all, err := library.ListStorages(ctx)
	if err != nil {
		return media.Storage{}, err
	}
	var names []string
	for _, st := range all {
		if strings.EqualFold(st.Name, c.To) || fmt.Sprint(st.ID) == c.To {
			return st, nil
		}
		names = append(names, st.Name)
	}
	return media.Storage{}, errors.New("there is no storage " + c.To + "; there are: " + strings.Join(names, ", "))
}
