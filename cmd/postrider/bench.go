package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
)

// benchCmd measures what this machine can do. Everything it starts stays on this machine and ends with it.
type benchCmd struct {
	Send     benchSendCmd     `cmd:"" help:"Send a campaign to a sink on this machine through the real path, and say how fast it went and what the machine could do at most."`
	Kill     benchKillCmd     `cmd:"" help:"Kill the program with SIGKILL again and again while it sends a campaign to a sink on this machine, and count who got the message."`
	Import   benchImportCmd   `cmd:"" help:"Import lists of people through the real path, new ones and half known ones, beside a bare COPY of the same files."`
	Track    benchTrackCmd    `cmd:"" help:"Open and click mail as fast as this machine can, through the real handlers into a real ledger, beside a bare server of net/http."`
	Audience benchAudienceCmd `cmd:"" help:"Search and list a million people through the real handlers, and say how long that takes and by which indexes Postgres goes."`
	Sink     benchSinkCmd     `cmd:"" help:"Run the sink that bench send and bench kill start for themselves: an SMTP server on this machine that takes everything and keeps nothing."`
}

// benchFolder is a scratch folder that the private Postgres can reach.
func benchFolder(what string) (dir string, remove func(), err error) {
	dir, err = os.MkdirTemp("", "postrider-bench-"+what+"-")
	if err != nil {
		return "", nil, fmt.Errorf("making a scratch folder: %w", err)
	}
	remove = func() { _ = os.RemoveAll(dir) }
	if os.Geteuid() == 0 {
		// The private Postgres runs as another user and must be able to pass through.
		if err := os.Chmod(dir, 0o711); err != nil {
			remove()
			return "", nil, err
		}
	}
	return dir, remove, nil
}

// serveBench starts the service on a port of this machine, and gives its address. stop ends it.
func serveBench(ctx context.Context, cfg config, screen *demoScreen) (a *app, url string, stop func(), err error) {
	screen.say("Starting Postgres and the service in %s …", cfg.DataDir)
	if a, err = startApp(ctx, cfg, cfg.logger()); err != nil {
		return nil, "", nil, err
	}
	s, err := a.listen(httpConfig{Listen: "127.0.0.1:0"})
	if err != nil {
		a.stop()
		return nil, "", nil, err
	}
	waitCtx, cancel := context.WithCancel(ctx)
	stopped := make(chan error, 1)
	go func() { stopped <- s.wait(waitCtx, a) }()
	return a, s.url, func() { cancel(); <-stopped; a.stop() }, nil
}

const (
	benchEmail    = "bench@example.org"
	benchPassword = "postrider-bench"
	benchDomain   = "news.example.org"
)

// benchSetup is what a benchmark sends and how.
type benchSetup struct {
	people      int
	sink        string // host:port
	connections int
	dkim        string // sign or off
}

// prepareBench does what a user would do before pressing Start, and gives the campaign.
func prepareBench(ctx context.Context, api *client, screen *demoScreen, s benchSetup) (campaignID int64, err error) {
	err = api.call(ctx, http.MethodPost, "/setup", object{"organization": "The Library Garden", "name": "Bench", "email": benchEmail, "password": benchPassword}, nil)
	if err != nil {
		return 0, err
	}
	err = api.call(ctx, http.MethodPut, "/settings", object{
		"organization": "The Library Garden", "public_url": "https://news.example.org", "postal_address": "12 Orchard Lane\nExampletown",
		"default_from_name": "The Library Garden", "default_from_email": "garden@" + benchDomain, "time_zone": "UTC",
	}, nil)
	if err != nil {
		return 0, err
	}
	var list, relay, campaign created
	if err := api.call(ctx, http.MethodPost, "/lists", object{"name": "Bench"}, &list); err != nil {
		return 0, err
	}
	if err := importBenchPeople(ctx, api, screen, list.ID, s.people); err != nil {
		return 0, err
	}
	host, port, err := net.SplitHostPort(s.sink)
	if err != nil {
		return 0, err
	}
	err = api.call(ctx, http.MethodPost, "/relays", object{"name": "Sink", "kind": "smtp", "host": host, "port": json.Number(port), "tls": "none", "auth": "none",
		"max_connections": s.connections, "max_messages_per_connection": 1_000_000, "dkim": s.dkim}, &relay)
	if err != nil {
		return 0, err
	}
	if err := api.call(ctx, http.MethodPost, "/domains", object{"domain": benchDomain, "bounce_domain": "bounces.example.org"}, nil); err != nil {
		return 0, err
	}
	err = api.call(ctx, http.MethodPost, "/campaigns", object{
		"name": "The autumn letter", "subject": demoSubject, "html": benchHTML(), "preheader": "Bulbs, a bench, and soup on Saturday.",
		"from_name": "The Library Garden", "from_email": "garden@" + benchDomain, "relay_id": relay.ID, "list_ids": []int64{list.ID},
		"track_opens": true, "track_clicks": true,
	}, &campaign)
	return campaign.ID, err
}

// benchHTML is a newsletter whose messages have about 7 KB on the wire: personal text, five links and a pixel.
func benchHTML() string {
	story := `<p>{{ subscriber.first_name | default: "Reader" }}, the beds along the south wall were dug over in the first week of the month, and whoever wants to know
what grows there in spring finds it on <a href="https://example.org/beds/%d">the page about bed %d</a>. We thank everybody who came with a spade, a cake or both.</p>
`
	var b strings.Builder
	for i := range 3 {
		fmt.Fprintf(&b, story, i, i)
	}
	return strings.Replace(demoHTML, "<p>Yours,", b.String()+"<p>Yours,", 1)
}

// importBenchPeople uploads made-up people, a part at a time.
func importBenchPeople(ctx context.Context, api *client, screen *demoScreen, listID int64, people int) error {
	const part = 500_000
	for lo := 0; lo < people; lo += part {
		if err := importBenchPart(ctx, api, screen, listID, lo, min(lo+part, people)); err != nil {
			return err
		}
	}
	return nil
}

func importBenchPart(ctx context.Context, api *client, screen *demoScreen, listID int64, lo, hi int) error {
	var file strings.Builder
	file.WriteString("email,name,city\n")
	for i := lo; i < hi; i++ {
		fmt.Fprintf(&file, "%s,%s %s,%s\n", benchAddress(i), demoFirst[i%len(demoFirst)], demoLast[i%len(demoLast)], demoCities[i%len(demoCities)])
	}
	var imp demoImport
	err := api.upload(ctx, "/imports", map[string]string{"list_id": fmt.Sprint(listID)}, "people.csv", []byte(file.String()), &imp)
	if err != nil {
		return err
	}
	mapping := object{"mapping": object{"status": "subscribed", "columns": []object{{"index": 0, "target": "email"}, {"index": 1, "target": "name"},
		{"index": 2, "target": "attribute", "attribute": "city"}}}}
	path := fmt.Sprintf("/imports/%d", imp.ID)
	if err := api.call(ctx, http.MethodPost, path+"/start", mapping, &imp); err != nil {
		return err
	}
	err = poll(ctx, func() (bool, error) {
		err := api.call(ctx, http.MethodGet, path, nil, &imp)
		screen.bar("Importing", int64(lo)+imp.Rows, int64(hi))
		return imp.Status == "done" || imp.Status == "failed", err
	})
	if err == nil && imp.Created != int64(hi-lo) {
		err = fmt.Errorf("%d of %d people were imported (%s): %v", imp.Created, hi-lo, imp.Status, imp.Error)
	}
	return err
}

func benchAddress(i int) string { return fmt.Sprintf("reader%07d@example.org", i) }
