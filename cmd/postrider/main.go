// Command postrider sends newsletters and mass mailings and knows what came of every message.
//
// There is one file for each subcommand; config.go holds the settings that they share and app.go puts the parts together.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"
)

// version is set by the linker in releases.
var version = "dev"

type cli struct {
	Serve     serveCmd     `cmd:"" help:"Run everything: API, interface, workers and the built-in inbox."`
	Worker    workerCmd    `cmd:"" help:"Run more workers against the database of a running service."`
	Migrate   migrateCmd   `cmd:"" help:"Bring the database up to this version and stop. serve and worker do so by themselves."`
	Demo      demoCmd      `cmd:"" help:"Try everything in a scratch folder: import 1,000 people, send them a campaign, stay up."`
	Import    importCmd    `cmd:"" help:"Import a file of subscribers into a list of a running service."`
	Media     mediaCmd     `cmd:"" help:"Images and documents of mails."`
	Campaign  campaignCmd  `cmd:"" help:"Start and follow campaigns of a running service, or stop everything."`
	Preflight preflightCmd `cmd:"" help:"Check a mail before it is sent: a campaign, a message in a file, or content."`
	Bench     benchCmd     `cmd:"" help:"Measure what this machine can do."`
	Doctor    doctorCmd    `cmd:"" help:"Check this installation and say what to mend."`
	Explain   explainCmd   `cmd:"" help:"Say what an SMTP reply means, whose fault it is, what the program does and what to do."`
	Schedule  scheduleCmd  `cmd:"" help:"Try out schedules of newsletters."`
	Bounce    bounceCmd    `cmd:"" help:"Read bounces and complaints."`
	Health    healthCmd    `cmd:"" help:"Ask a running service whether it can do its work; for health checks of containers."`
	OpenAPI   openapiCmd   `cmd:"" name:"openapi" help:"Print the OpenAPI 3.1 document of the REST API."`
	Version   versionCmd   `cmd:"" help:"Print the version."`
	Feed      feedCmd      `cmd:"" help:"Show what is made of a feed: its items as they would go into a newsletter, or what is wrong with it."`
}

func main() {
	// The first signal asks for a clean stop; a second one, when the first is under way, ends the process at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	var c cli
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(300) // what lives is small: collecting less often costs some megabytes and saves a tenth of the work of sending
	}
	parser := kong.Must(&c, kong.Name("postrider"), kong.UsageOnError(), kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Description("Newsletters and mass mailings on your own server. Settings can also be given as environment variables."))
	kctx, err := parser.Parse(os.Args[1:])
	if len(os.Args) > 1 && os.Args[1] == "preflight" && err != nil {
		fmt.Fprintln(os.Stderr, "postrider:", err)
		os.Exit(exitUsage)
	}
	parser.FatalIfErrorf(err)
	if err := kctx.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "postrider:", err)
		code := 1
		var coded exitError
		if errors.As(err, &coded) {
			code = coded.code
		}
		os.Exit(code)
	}
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run() error {
	fmt.Println(version)
	return nil
}
