package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sys/unix"

	"postrider/events"
	"postrider/events/listener"
	"postrider/internal/pg/pgboot"
	"postrider/internal/settings"
	"postrider/migrations"
	"postrider/sender"
	"postrider/sender/dkim"
	"postrider/templates/media"
	"postrider/web"
)

type doctorCmd struct {
	config
	bounceConfig
	JSON    bool `name:"json" help:"Print one JSON object with all findings."`
	Offline bool `help:"Leave out what needs the network: relays and DNS."`
}

// finding is one thing that was looked at.
type finding struct {
	Check  string `json:"check"`
	Status string `json:"status"` // ok, warning or problem
	Text   string `json:"text"`
}

// doctor collects findings; each check says what is there and, where something is wrong, the way out.
type doctor struct {
	cmd      doctorCmd
	dir      string
	findings []finding
}

// Run looks at the installation without changing it. Its exit status is 1 when something has to be mended.
func (c doctorCmd) Run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	d := &doctor{cmd: c}
	d.program()
	d.signing()
	if d.folder() {
		d.database(ctx)
	}
	return d.report(os.Stdout)
}

func (d *doctor) note(check, status, format string, args ...any) {
	d.findings = append(d.findings, finding{check, status, fmt.Sprintf(format, args...)})
}

func (d *doctor) program() {
	if _, built := web.FS(); built {
		d.note("program", "ok", "version %s, with the interface", version)
		return
	}
	d.note("program", "warning", "version %s without the interface: run make web and build again, or use a release", version)
}

func (d *doctor) signing() {
	signing := dkim.Open(d.cmd.Signing)
	if signing.Fast() || d.cmd.Signing == dkim.SigningGo {
		d.note("signing", "ok", "RSA signatures by %s", signing)
		return
	}
	d.note("signing", "warning", "RSA signatures by %s; with OpenSSL 3 (Debian and Ubuntu: libssl3) they take a quarter of the time", signing)
}

// leastFree is how much disk there should be: the ledger and the inbox grow with every campaign.
const leastFree = 1 << 30

func (d *doctor) folder() bool {
	dir, err := d.cmd.dataDir()
	if err != nil {
		d.note("data folder", "problem", "%v", err)
		return false
	}
	d.dir = dir
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		d.note("data folder", "problem", "%s: %v", dir, err)
		return false
	}
	free := st.Bavail * uint64(st.Bsize)
	if free < leastFree {
		d.note("data folder", "problem", "%s has %d MB left; make room, or sending stops when the journal cannot be written", dir, free>>20)
		return true
	}
	d.note("data folder", "ok", "%s, %d GB free", dir, free>>30)
	return true
}

// databaseURL gives the database to look at: the one that is configured, a private one that is running, or a private one started for the occasion.
func (d *doctor) databaseURL(ctx context.Context) (url string, stop func(), err error) {
	none := func() {}
	if d.cmd.DatabaseURL != "" {
		return d.cmd.DatabaseURL, none, nil
	}
	home := filepath.Join(d.dir, "postgres")
	if url, ok := pgboot.Attach(home); ok {
		return url, none, nil
	}
	if _, err := os.Stat(filepath.Join(home, "cluster")); err != nil {
		return "", none, errors.New("there is no database yet; postrider serve makes one")
	}
	server, err := pgboot.Start(ctx, pgboot.Config{DataDir: home, CacheDir: filepath.Join(d.dir, "cache"), BinDir: d.cmd.PGBin})
	if err != nil {
		return "", none, err
	}
	return server.URL(), func() { _ = server.Stop(context.WithoutCancel(ctx)) }, nil
}

func (d *doctor) database(ctx context.Context) {
	url, stop, err := d.databaseURL(ctx)
	defer stop()
	if err != nil {
		d.note("database", "problem", "%v", err)
		return
	}
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		d.note("database", "problem", "the address of the database cannot be read")
		return
	}
	defer pool.Close()
	var ver string
	if err := pool.QueryRow(ctx, `SHOW server_version`).Scan(&ver); err != nil {
		d.note("database", "problem", "it does not answer: %v", err)
		return
	}
	d.note("database", "ok", "Postgres %s", ver)
	pending, err := migrations.Pending(ctx, url)
	switch {
	case err != nil:
		d.note("schema", "problem", "%v", err)
		return
	case len(pending) > 0:
		d.note("schema", "problem", "%d migrations are missing (%s): run postrider migrate", len(pending), strings.Join(pending, ", "))
		return
	}
	d.note("schema", "ok", "up to date")
	d.clock(ctx, pool)
	d.installation(ctx, pool)
}

// mostSkew between the clocks of program and database: leases and schedules compare them.
const mostSkew = 2 * time.Second

func (d *doctor) clock(ctx context.Context, pool *pgxpool.Pool) {
	var there time.Time
	before := time.Now()
	if err := pool.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&there); err != nil {
		d.note("clock", "problem", "%v", err)
		return
	}
	skew := there.Sub(before.Add(time.Since(before) / 2)).Abs()
	if skew > mostSkew {
		d.note("clock", "problem", "this machine and the database differ by %s; let both keep time by NTP", skew.Round(time.Millisecond))
		return
	}
	d.note("clock", "ok", "in step with the database")
}

func (d *doctor) installation(ctx context.Context, pool *pgxpool.Pool) {
	box, err := d.cmd.box(d.dir)
	if err != nil {
		d.note("secret key", "problem", "%v", err)
		return
	}
	set := settings.New(pool, time.Now)
	if err := set.CheckKey(ctx, box.Fingerprint()); err != nil {
		d.note("secret key", "problem", "%v", err)
		return
	}
	d.note("secret key", "ok", "fits the database (%s)", box.Fingerprint())
	values, err := set.Get(ctx)
	if err != nil {
		d.note("settings", "problem", "%v", err)
		return
	}
	switch {
	case values.Organization == "":
		d.note("settings", "warning", "not set up yet: open the interface in a browser")
	case !strings.HasPrefix(values.PublicURL, "https://"):
		d.note("settings", "warning", "the public URL is %q: people outside cannot open, click or unsubscribe until it is an https address that reaches this service", values.PublicURL)
	default:
		d.note("settings", "ok", "public URL %s", values.PublicURL)
	}
	send := sender.New(pool, box, sender.Config{}, slog.New(slog.DiscardHandler), time.Now)
	d.nodes(ctx, pool)
	d.media(ctx, media.New(pool, box, media.Config{Folder: d.cmd.mediaDir(d.dir)}, slog.New(slog.DiscardHandler), time.Now))
	d.bounces(ctx, send, linkTokens(box))
	if !d.cmd.Offline {
		d.relays(ctx, send, values.DefaultFromEmail)
		d.domains(ctx, send)
	}
}

func (d *doctor) nodes(ctx context.Context, pool *pgxpool.Pool) {
	nodes, err := sender.LiveNodes(ctx, pool)
	if err != nil {
		d.note("nodes", "problem", "%v", err)
		return
	}
	d.note("nodes", "ok", "%d running", len(nodes))
}

// lastMedia is how many files are looked for in the folder.
const lastMedia = 50

// media writes, reads and deletes a small object where new files go, and looks whether those of before are there.
func (d *doctor) media(ctx context.Context, library *media.Service) {
	all, err := library.ListStorages(ctx)
	if err != nil {
		d.note("media", "problem", "%v", err)
		return
	}
	for _, st := range all {
		if (!st.Current && st.Files == 0) || (d.cmd.Offline && st.Kind != media.KindFolder) {
			continue
		}
		check := "media " + st.Name
		report, err := library.TestStorage(ctx, st.ID)
		switch {
		case err != nil:
			d.note(check, "problem", "%v", err)
		case !report.OK:
			last := report.Steps[len(report.Steps)-1]
			d.note(check, "problem", "%s fails: %s; %s", last.Step, last.Detail, report.Remedy)
		default:
			d.note(check, "ok", "can be written and read; %d files", st.Files)
		}
	}
	missing, err := library.Missing(ctx, lastMedia)
	switch {
	case err != nil:
		d.note("media files", "problem", "%v", err)
	case len(missing) > 0:
		d.note("media files", "problem", "%d of the last %d files are not in %s (%s): processes that serve must share this folder, or restore it from a backup",
			len(missing), lastMedia, d.cmd.mediaDir(d.dir), missing[0])
	}
}

// relays tries each relay as far as asking for a recipient: the default sender itself, "" when there is none yet. Nothing is sent.
func (d *doctor) relays(ctx context.Context, send *sender.Service, from string) {
	relays, err := send.ListRelays(ctx)
	if err != nil {
		d.note("relays", "problem", "%v", err)
		return
	}
	for _, r := range relays {
		check := "relay " + r.Name
		if r.Kind == sender.RelayInbox {
			d.note(check, "ok", "the built-in inbox")
			continue
		}
		report, err := send.TestRelay(ctx, r.ID, from, from)
		switch {
		case err != nil:
			d.note(check, "problem", "%v", err)
		case !report.OK:
			d.note(check, "problem", "%s", failedStep(report))
		case r.Status == sender.RelayPaused:
			d.note(check, "warning", "works, but is paused")
		default:
			d.note(check, "ok", "connects and accepts us (%s)", report.TLS)
		}
	}
}

// failedStep says how far a test came: the step that failed, the server's words and the remedy.
func failedStep(report sender.TestReport) string {
	var passed []string
	for _, s := range report.Steps {
		if s.OK {
			passed = append(passed, s.Step)
			continue
		}
		text := fmt.Sprintf("it fails at %q: %s", s.Step, s.Detail)
		if len(passed) > 0 {
			text += " (" + strings.Join(passed, ", ") + " went well)"
		}
		if report.Remedy != "" {
			text += " — " + report.Remedy
		}
		return text
	}
	return "no step was taken"
}

func (d *doctor) domains(ctx context.Context, send *sender.Service) {
	domains, err := send.ListDomains(ctx)
	if err != nil {
		d.note("domains", "problem", "%v", err)
		return
	}
	for _, dom := range domains {
		checks, err := send.Look(ctx, dom)
		if err != nil {
			d.note("domain "+dom.Domain, "problem", "%v", err)
			continue
		}
		for _, c := range checks {
			status := domainStatus(c.Status)
			if dom.Idle(c) && status == "problem" {
				status = "warning"
			}
			d.note("domain "+dom.Domain+" "+c.Purpose, status, "%s", domainText(c))
		}
	}
}

// bounces asks the mail server of the bounce domains whether it takes one for each of them. Nothing is sent.
func (d *doctor) bounces(ctx context.Context, send *sender.Service, tokens events.Tokens) {
	domains, err := bounceDomains(ctx, send)
	switch {
	case err != nil:
		d.note("bounce listener", "problem", "%v", err)
		return
	case d.cmd.off() && len(domains.Bounce) == 0:
		return
	case d.cmd.off():
		d.note("bounce listener", "ok", "off: what comes back to %s has to be read from a mailbox, or start serve with --bounce-listen (docs/bounce-listener.md)", strings.Join(domains.Bounce, ", "))
		return
	case len(domains.Bounce) == 0:
		d.note("bounce listener", "warning", "on, but no sending domain has a bounce domain: set one on its page")
		return
	}
	for _, address := range []struct {
		at   string
		lmtp bool
	}{{d.cmd.BounceListen, false}, {d.cmd.BounceLMTP, true}} {
		if address.at == "" {
			continue
		}
		for _, name := range domains.Bounce {
			// No campaign has this number, but the signature is good.
			to := "b-" + tokens.Delivery(events.ReturnPath, 0, 0) + "@" + name
			if err := listener.Probe(ctx, address.at, address.lmtp, to); err != nil {
				d.note("bounce listener "+address.at, "problem", "bounces to %s are not taken: %v; see that serve runs with this address", name, err)
				continue
			}
			d.note("bounce listener "+address.at, "ok", "takes bounces to %s", name)
		}
	}
}

func domainStatus(status string) string {
	switch status {
	case sender.CheckOK, sender.CheckSkipped:
		return "ok"
	case sender.CheckWarning, sender.CheckUnknown:
		return "warning"
	}
	return "problem"
}

// domainText says what is wrong with a record, what is there, and what should be.
func domainText(c sender.Check) string {
	if c.Status != sender.CheckMissing && c.Status != sender.CheckDifferent {
		return c.Message
	}
	text := c.Message
	for _, found := range c.Found {
		text += "\n           there is   " + c.Type + " " + c.Name + " " + found
	}
	if c.Expected != "" {
		text += "\n           should be  " + c.Type + " " + c.Name + " " + c.Expected
	}
	return text
}

var errMend = errors.New("some things have to be mended")

func (d *doctor) report(w io.Writer) error {
	bad := 0
	for _, f := range d.findings {
		if f.Status == "problem" {
			bad++
		}
	}
	if d.cmd.JSON {
		if err := json.NewEncoder(w).Encode(map[string]any{"findings": d.findings, "problems": bad}); err != nil {
			return err
		}
	} else {
		marks := map[string]string{"ok": "ok      ", "warning": "warning ", "problem": "PROBLEM "}
		for _, f := range d.findings {
			fmt.Fprintf(w, "%s %s: %s\n", marks[f.Status], f.Check, f.Text)
		}
	}
	if bad > 0 {
		return errMend
	}
	return nil
}
