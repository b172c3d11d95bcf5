package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Exit codes of import, beside 0 and 1.
const (
	exitRejected  = 3   // some rows were left out
	exitCancelled = 130 // by Ctrl-C, as shells have it
)

type importCmd struct {
	File       string   `arg:"" help:"File of CSV, TSV or XLSX, each also as a gzip file; - is standard input."`
	List       string   `required:"" help:"Name or number of the list that the people join." placeholder:"NAME|ID"`
	CreateList bool     `help:"Make the list when there is none of that name."`
	Map        []string `sep:"none" help:"What a column becomes: email, name, skip, or the name of a field, which is made when it does not exist, with a type (text, number, boolean, date, datetime, list) and the order of dates (dmy, mdy, ymd). The column is named by its header or by its number from 1. Columns that are not named become what the service suggests." placeholder:"COLUMN=FIELD[:TYPE[:ORDER]]"`
	Skip       []string `sep:"none" help:"A column that is not imported." placeholder:"COLUMN"`
	Status     string   `enum:"subscribed,unconfirmed" default:"subscribed" help:"What the people become: subscribed or unconfirmed."`
	Consent    string   `help:"How these people agreed to get mail; kept with each of them." placeholder:"TEXT"`
	DryRun     bool     `help:"Say what would change, and change nothing."`
	CheckMX    bool     `name:"check-mx" help:"Flag addresses whose domain takes no mail, by asking DNS."`
	Errors     string   `help:"File for the rows that are left out, with the reasons." placeholder:"FILE"`
	Delimiter  string   `help:"What parts the columns, when it is not found by itself; tab is \"\\t\"."`
	Encoding   string   `help:"How the file is encoded, such as windows-1251, when it is not found by itself."`
	Sheet      string   `help:"The sheet of a workbook; left out, the first one with data."`
	NoHeader   bool     `help:"The first row holds data."`
	Server     string   `env:"POSTRIDER_SERVER" default:"http://127.0.0.1:8080" help:"The running service." placeholder:"URL"`
	Key        string   `env:"POSTRIDER_API_KEY" help:"API key with the right to write the audience. Prefer the environment to the flag." placeholder:"KEY"`
}

// Help is the long help.
func (importCmd) Help() string {
	return `The file is sent to a running service, which imports it; the command shows how far it is. Ctrl-C cancels: what was taken stays.

Exit codes: 0 all rows were taken, 1 it failed, 3 some rows were left out (--errors keeps them), 130 it was cancelled.`
}

// exitError ends the program with a code of its own.
type exitError struct {
	code int
	err  error
}

func (e exitError) Error() string { return e.err.Error() }
func (e exitError) Unwrap() error { return e.err }

// importState is what the API says about an import.
type importState struct {
	ID      int64
	Status  string
	Error   *string
	Format  struct{ Kind, Compression, Delimiter, Encoding, Sheet string }
	Columns []struct {
		Index     int
		Header    string
		Suggested *importTarget
	}
	SizeBytes int64 `json:"size_bytes"`
	Progress  float64
	importCounts
	Check *struct {
		Status string
		Error  *string
		importCounts
	}
}

type importCounts struct {
	Rows, Created, Updated, Unchanged, Rejected, Suppressed, Unsubscribed int64
	Flagged                                                               map[string]int64
}

// importTarget is what a column becomes.
type importTarget struct {
	Index     int    `json:"index"`
	Target    string `json:"target"`
	Attribute string `json:"attribute,omitempty"`
	Type      string `json:"type,omitempty"`
	DateOrder string `json:"date_order,omitempty"`
}

// Run imports the file.
func (c importCmd) Run(ctx context.Context) error {
	r := importRun{importCmd: c, client: newClient(strings.TrimRight(c.Server, "/")), out: os.Stdout, show: newProgress(os.Stderr), poll: 500 * time.Millisecond}
	r.client.key = c.Key
	r.client.http.Timeout = 0 // an upload lasts as long as it lasts
	return r.run(ctx)
}

// importRun is one run of the command.
type importRun struct {
	importCmd
	client *client
	out    io.Writer
	show   *progress
	poll   time.Duration
}

func (r *importRun) run(ctx context.Context) error {
	list, err := r.findList(ctx)
	if err != nil {
		return err
	}
	imp, err := r.upload(ctx, list)
	if err != nil {
		return r.interrupted(ctx, 0, err)
	}
	if err := r.settle(ctx, &imp); err != nil {
		return r.interrupted(ctx, imp.ID, err)
	}
	mapping, err := r.mapping(imp)
	if err != nil {
		return r.interrupted(ctx, imp.ID, err)
	}
	if r.DryRun {
		return r.interrupted(ctx, imp.ID, r.check(ctx, imp, mapping))
	}
	start := map[string]any{"mapping": mapping}
	if r.Consent != "" {
		start["consent"] = r.Consent
	}
	if err := r.client.call(ctx, http.MethodPost, r.path(imp.ID, "/start"), start, &imp); err != nil {
		return r.interrupted(ctx, imp.ID, err)
	}
	if err := r.follow(ctx, &imp, func() bool { return imp.Status == "queued" || imp.Status == "running" }); err != nil {
		return r.interrupted(ctx, imp.ID, err)
	}
	return r.end(ctx, imp)
}

func (r *importRun) path(id int64, rest string) string { return fmt.Sprintf("/imports/%d%s", id, rest) }

// findList gives the number of the list, and makes it when that is wanted.
func (r *importRun) findList(ctx context.Context) (int64, error) {
	cursor := ""
	var byNumber int64
	number, err := strconv.ParseInt(r.List, 10, 64)
	isNumber := err == nil
	for {
		var page struct {
			Items []struct {
				ID   int64
				Name string
			}
			NextCursor *string `json:"next_cursor"`
		}
		if err := r.client.call(ctx, http.MethodGet, "/lists?limit=100&cursor="+url.QueryEscape(cursor), nil, &page); err != nil {
			return 0, fmt.Errorf("looking for the list: %w", err)
		}
		for _, l := range page.Items {
			if strings.EqualFold(l.Name, r.List) {
				return l.ID, nil
			}
			if isNumber && l.ID == number {
				byNumber = l.ID
			}
		}
		if page.NextCursor == nil || *page.NextCursor == "" {
			break
		}
		cursor = *page.NextCursor
	}
	switch {
	case byNumber != 0:
		return byNumber, nil
	case !r.CreateList:
		return 0, fmt.Errorf("there is no list %q; --create-list makes one", r.List)
	}
	var made struct{ ID int64 }
	if err := r.client.call(ctx, http.MethodPost, "/lists", map[string]string{"name": r.List}, &made); err != nil {
		return 0, fmt.Errorf("making the list: %w", err)
	}
	return made.ID, nil
}

// upload sends the file while it is read.
func (r *importRun) upload(ctx context.Context, list int64) (imp importState, err error) {
	file, name, size := io.Reader(os.Stdin), "standard input", int64(0)
	if r.File != "-" {
		f, err := os.Open(r.File)
		if err != nil {
			return imp, err
		}
		defer f.Close()
		if info, err := f.Stat(); err == nil {
			size = info.Size()
		}
		file, name = f, filepath.Base(r.File)
	}
	sent := &sentReader{r: file, size: size, show: r.show}
	err = r.client.stream(ctx, "/imports", map[string]string{"list_id": strconv.FormatInt(list, 10)}, name, sent, &imp)
	r.show.done()
	if err != nil {
		return imp, fmt.Errorf("uploading: %w", err)
	}
	return imp, nil
}

// sentReader shows how much of a file was sent.
type sentReader struct {
	r       io.Reader
	n, size int64
	show    *progress
}

func (s *sentReader) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.n += int64(n)
	part := -1.0
	if s.size > 0 {
		part = float64(s.n) / float64(s.size)
	}
	s.show.update("Uploading", part, fmt.Sprintf("%.1f MB", float64(s.n)/1e6))
	return n, err
}

// settle corrects how the file is read, and says how that is.
func (r *importRun) settle(ctx context.Context, imp *importState) error {
	change := map[string]any{}
	for name, value := range map[string]string{"delimiter": strings.ReplaceAll(r.Delimiter, `\t`, "\t"), "encoding": r.Encoding, "sheet": r.Sheet} {
		if value != "" {
			change[name] = value
		}
	}
	if r.NoHeader {
		change["has_header"] = false
	}
	if len(change) > 0 {
		if err := r.client.call(ctx, http.MethodPut, r.path(imp.ID, "/format"), change, imp); err != nil {
			return err
		}
	}
	f := imp.Format
	how := fmt.Sprintf("CSV, %s, parted by %q", f.Encoding, f.Delimiter)
	if f.Kind == "xlsx" {
		how = fmt.Sprintf("workbook, sheet %q", f.Sheet)
	}
	if f.Compression != "" {
		how = f.Compression + " of " + how
	}
	_, err := fmt.Fprintf(r.out, "Import %d: %s, %d columns\n", imp.ID, how, len(imp.Columns))
	return err
}

// mapping is what the service suggests, with what the flags say laid over it.
func (r *importRun) mapping(imp importState) (map[string]any, error) {
	targets := make([]importTarget, len(imp.Columns))
	for i, c := range imp.Columns {
		targets[i] = importTarget{Index: c.Index, Target: "skip"}
		if c.Suggested != nil {
			targets[i] = *c.Suggested
			targets[i].Index = c.Index
		}
	}
	for _, name := range r.Skip {
		i, err := imp.column(name)
		if err != nil {
			return nil, fmt.Errorf("--skip %s: %w", name, err)
		}
		targets[i] = importTarget{Index: i, Target: "skip"}
	}
	for _, m := range r.Map {
		name, to, ok := cutLast(m, "=")
		if !ok {
			return nil, fmt.Errorf("--map %s: write COLUMN=FIELD, or COLUMN=FIELD:TYPE", m)
		}
		i, err := imp.column(name)
		if err != nil {
			return nil, fmt.Errorf("--map %s: %w", m, err)
		}
		if to == "email" { // instead of what was suggested
			for k := range targets {
				if targets[k].Target == "email" {
					targets[k] = importTarget{Index: k, Target: "skip"}
				}
			}
		}
		targets[i] = targetOf(i, to, targets[i])
	}
	out := map[string]any{"columns": targets, "status": r.Status}
	if r.CheckMX {
		out["check_mx"] = true
	}
	return out, nil
}

// cutLast cuts around the last sep.
func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// column finds a column by its header or its number from 1.
func (imp importState) column(name string) (int, error) {
	var headers []string
	for i, c := range imp.Columns {
		if strings.EqualFold(strings.TrimSpace(name), c.Header) {
			return i, nil
		}
		headers = append(headers, strconv.Quote(c.Header))
	}
	if n, err := strconv.Atoi(name); err == nil && n >= 1 && n <= len(imp.Columns) {
		return n - 1, nil
	}
	return 0, fmt.Errorf("the file has no such column; it has %s", strings.Join(headers, ", "))
}

// targetOf reads email, name, skip or FIELD[:TYPE[:ORDER]]. Without a type that of the suggestion is kept.
func targetOf(index int, to string, suggested importTarget) importTarget {
	switch to {
	case "email", "name", "skip":
		return importTarget{Index: index, Target: to}
	}
	out := importTarget{Index: index, Target: "attribute", Type: suggested.Type, DateOrder: suggested.DateOrder}
	parts := strings.SplitN(to, ":", 3)
	out.Attribute = parts[0]
	if len(parts) > 1 {
		out.Type, out.DateOrder = parts[1], ""
	}
	if len(parts) > 2 {
		out.DateOrder = parts[2]
	}
	return out
}

// check is the dry run. The upload is given up afterwards.
func (r *importRun) check(ctx context.Context, imp importState, mapping map[string]any) error {
	if err := r.client.call(ctx, http.MethodPost, r.path(imp.ID, "/check"), map[string]any{"mapping": mapping}, &imp); err != nil {
		return err
	}
	if err := r.follow(ctx, &imp, func() bool { return imp.Status == "checking" }); err != nil {
		return err
	}
	if c := imp.Check; c == nil || c.Status != "done" {
		text := "it was stopped"
		if c != nil && c.Error != nil {
			text = *c.Error
		}
		return errors.New("the dry run did not end: " + text)
	}
	if err := r.saveErrors(ctx, imp.ID, imp.Check.Rejected); err != nil {
		return err
	}
	if err := r.client.call(ctx, http.MethodPost, r.path(imp.ID, "/cancel"), nil, nil); err != nil {
		return err
	}
	if err := r.print("Dry run: nothing was changed", imp.Check.importCounts); err != nil {
		return err
	}
	return rejected(imp.Check.Rejected)
}

// follow asks for the state again and again while going says so.
func (r *importRun) follow(ctx context.Context, imp *importState, going func() bool) error {
	defer r.show.done()
	tick := time.NewTicker(r.poll)
	defer tick.Stop()
	for {
		rows := imp.Rows
		if imp.Status == "checking" && imp.Check != nil {
			rows = imp.Check.Rows
		}
		r.show.update(map[bool]string{true: "Checking", false: "Importing"}[imp.Status == "checking"], imp.Progress, fmt.Sprintf("%d rows", rows))
		if !going() {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		var next importState // fields that are null must not keep what they were
		if err := r.client.call(ctx, http.MethodGet, r.path(imp.ID, ""), nil, &next); err != nil {
			return err
		}
		*imp = next
	}
}

// end tells what came of the import.
func (r *importRun) end(ctx context.Context, imp importState) error {
	if err := r.saveErrors(ctx, imp.ID, imp.Rejected); err != nil {
		return err
	}
	if err := r.print("Import "+imp.Status, imp.importCounts); err != nil {
		return err
	}
	switch {
	case imp.Status == "cancelled":
		return exitError{exitCancelled, errors.New("the import was cancelled; what was taken stays")}
	case imp.Status != "done":
		text := "the import ended as " + imp.Status
		if imp.Error != nil {
			text = "the import failed: " + *imp.Error
		}
		return errors.New(text)
	}
	return rejected(imp.Rejected)
}

func rejected(rows int64) error {
	if rows == 0 {
		return nil
	}
	return exitError{exitRejected, fmt.Errorf("%d rows were left out", rows)}
}

// print writes the summary.
func (r *importRun) print(title string, n importCounts) error {
	lines := []struct {
		name  string
		count int64
	}{
		{"rows", n.Rows}, {"new people", n.Created}, {"changed", n.Updated}, {"unchanged", n.Unchanged}, {"left out", n.Rejected},
		{"suppressed, so never mailed", n.Suppressed}, {"had unsubscribed, and stay so", n.Unsubscribed},
		{"flagged: misspelt domain", n.Flagged["typo"]}, {"flagged: role", n.Flagged["role"]}, {"flagged: throw-away", n.Flagged["disposable"]}, {"flagged: takes no mail", n.Flagged["no_mx"]},
	}
	_, failed := fmt.Fprintln(r.out, title)
	for i, l := range lines {
		if i < 5 || l.count > 0 {
			_, err := fmt.Fprintf(r.out, "%10d  %s\n", l.count, l.name)
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// saveErrors writes the rows that were left out to the file of --errors.
func (r *importRun) saveErrors(ctx context.Context, id, rows int64) (err error) {
	if r.Errors == "" || rows == 0 {
		return nil
	}
	f, err := os.Create(r.Errors)
	if err != nil {
		return fmt.Errorf("making the error file: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := r.client.download(ctx, r.path(id, "/errors.csv"), f); err != nil {
		return fmt.Errorf("writing the error file: %w", err)
	}
	return nil
}

// interrupted gives an upload up that was not imported, and cancels what Ctrl-C ended.
func (r *importRun) interrupted(ctx context.Context, id int64, err error) error {
	var coded exitError
	if err == nil || errors.As(err, &coded) {
		return err
	}
	if id != 0 {
		tidy, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		var imp importState
		if e := r.client.call(tidy, http.MethodPost, r.path(id, "/cancel"), nil, &imp); e == nil && ctx.Err() != nil {
			_ = r.print("Import cancelled", imp.importCounts) // the error that is returned says more
		}
	}
	if ctx.Err() != nil {
		return exitError{exitCancelled, errors.New("cancelled; what was taken stays")}
	}
	return err
}

// progress shows how far something is: a bar on a terminal, else a line now and then.
type progress struct {
	w        io.Writer
	terminal bool
	last     time.Time
	said     int // tenths, on a line of their own
	title    string
	drawn    bool
}

func newProgress(f *os.File) *progress { return &progress{w: f, terminal: isTerminal(f)} }

// update shows a part from 0 to 1; less is not known.
func (p *progress) update(title string, part float64, detail string) {
	if title != p.title {
		p.done()
		p.title, p.said, p.last = title, -1, time.Time{}
	}
	if p.terminal {
		if time.Since(p.last) < 100*time.Millisecond && part < 1 {
			return
		}
		const width = 30
		bar := ""
		if part >= 0 {
			filled := int(min(part, 1) * width)
			bar = fmt.Sprintf("[%s%s] %3.0f %%  ", strings.Repeat("#", filled), strings.Repeat(".", width-filled), 100*min(part, 1))
		}
		_, _ = fmt.Fprintf(p.w, "\r\x1b[K%s %s%s", title, bar, detail)
		p.last, p.drawn = time.Now(), true
		return
	}
	if tenth := int(part * 10); part >= 0 && tenth > p.said {
		p.said = tenth
		_, _ = fmt.Fprintf(p.w, "%s: %d %%, %s\n", title, 10*tenth, detail)
	}
}

// done ends the line of the bar.
func (p *progress) done() {
	if p.drawn {
		_, _ = fmt.Fprintln(p.w)
		p.drawn = false
	}
}
