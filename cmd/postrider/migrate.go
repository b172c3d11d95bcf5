package main

import (
	"context"
	"fmt"

	"postrider/migrations"
)

type migrateCmd struct {
	config
	DryRun bool `name:"dry-run" help:"Only list what is missing."`
}

// Run brings the database up to this version.
func (c migrateCmd) Run(ctx context.Context) (err error) {
	a := &app{cfg: c.config, logger: c.logger()}
	defer a.stop()
	if a.dir, err = c.dataDir(); err != nil {
		return err
	}
	databaseURL, err := a.startDatabase(ctx)
	if err != nil {
		return err
	}
	if c.DryRun {
		pending, err := migrations.Pending(ctx, databaseURL)
		if err != nil {
			return err
		}
		for _, name := range pending {
			fmt.Println("missing:", name)
		}
		fmt.Printf("%d migrations to apply\n", len(pending))
		return nil
	}
	report, err := migrations.Up(ctx, databaseURL)
	if err != nil {
		return err
	}
	for _, step := range report.Steps {
		fmt.Printf("applied: %s %d %s\n", step.Source, step.Version, step.Name)
	}
	fmt.Printf("%d migrations applied; the database is up to date\n", len(report.Steps))
	return nil
}
