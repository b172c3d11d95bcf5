package main

import (
	"context"
	"errors"
)

type workerCmd struct {
	config
}

// Run works until a signal comes.
func (c workerCmd) Run(ctx context.Context) error {
	if c.DatabaseURL == "" {
		return errors.New("a worker needs the database of the running service: set DATABASE_URL (and the same POSTRIDER_SECRET_KEY)")
	}
	a, err := startApp(ctx, c.config, c.logger())
	if err != nil {
		return err
	}
	defer a.stop()
	a.logger.Info("worker is up", "version", version, "node", a.node.ID)
	failed := make(chan error, 1)
	go func() { failed <- a.group.Wait() }()
	select {
	case <-ctx.Done():
		a.logger.Info("stopping; messages on the wire are finished first")
		return nil
	case err := <-failed:
		return err
	}
}
