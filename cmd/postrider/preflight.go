package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"postrider/campaigns"
	"postrider/campaigns/preflight"
	"postrider/internal/settings"
)

// Exit codes of preflight, beside 0.
const (
	exitBlocking = 1 // also: it could not be checked
	exitUsage    = 2
)

type preflightCmd struct {
	File      string `arg:"" optional:"" help:"A message as a file (.eml); - is standard input."`
	HTML      string `name:"html" help:"File of HTML with Liquid, instead of a whole message." placeholder:"FILE"`
	Text      string `help:"File of the text part; left out, it is made from the HTML." placeholder:"FILE"`
	Subject   string `help:"Subject of the content."`
	Preheader string `help:"Preheader of the content."`
	From      string `help:"Address that the content comes from." placeholder:"ADDRESS"`
	FromName  string `help:"Name that the content comes from." placeholder:"NAME"`
	Address   string `name:"postal-address" help:"Postal address for the footer of the content."`
	Links     bool   `help:"Ask the web servers that links and images of files lead to. Without it nothing goes over the network."`
	Campaign  int64  `help:"Check a campaign of a running service instead of files." placeholder:"ID"`
	Server    string `env:"POSTRIDER_SERVER" default:"http://127.0.0.1:8080" help:"The running service." placeholder:"URL"`
	Key       string `env:"POSTRIDER_API_KEY" help:"API key with the right to write campaigns. Prefer the environment to the flag." placeholder:"KEY"`
	Strict    bool   `help:"Fail on warnings too."`
	JSON      bool   `name:"json" help:"Print one JSON object."`
}

// Help is the long help.
func (preflightCmd) Help() string {
	return `Checks a mail before it is sent: a campaign of a running service (--campaign), a message in a file, or content (--html, --subject).

Exit codes: 0 nothing keeps it from being sent, 1 something blocks (with --strict also: there are warnings), 2 the command is not used right.`
}

// checked is what is printed: the answer of the API and the report of a file have it in common.
type checked struct {
	Findings []preflight.Finding `json:"findings"`
	Samples  int                 `json:"samples"`
}

// Run checks, and fails when something blocks.
func (c preflightCmd) Run(ctx context.Context) error { return c.run(ctx, os.Stdin, os.Stdout) }

func (c preflightCmd) run(ctx context.Context, in io.Reader, out io.Writer) error {
	if err := c.usage(); err != nil {
		return exitError{exitUsage, err}
	}
	check := c.files
	if c.Campaign != 0 {
		check = c.remote
	}
	raw, found, err := check(ctx, in)
	if err != nil {
		return err
	}
	if c.JSON {
		err = printJSON(out, raw)
	} else {
		err = printFindings(out, found)
	}
	if err != nil {
		return err
	}
	s := preflight.Summarise(found.Findings)
	switch {
	case s.Blocking > 0:
		return exitError{exitBlocking, fmt.Errorf("%d findings block", s.Blocking)}
	case c.Strict && s.Warning > 0:
		return exitError{exitBlocking, fmt.Errorf("%d warnings", s.Warning)}
	}
	return nil
}

func (c preflightCmd) usage() error {
	content := c.HTML != "" || c.Text != ""
	n := 0
	for _, given := range []bool{c.File != "", content, c.Campaign != 0} {
		if given {
			n++
		}
	}
	switch {
	case n != 1:
		return errors.New("give one of: a file with a message, --html or --text with the content, --campaign")
	case !content && (c.Subject != "" || c.Preheader != "" || c.From != "" || c.FromName != "" || c.Address != ""):
		return errors.New("--subject, --preheader, --from, --from-name and --postal-address go with --html or --text")
	}
	return nil
}

// remote has a running service check one of its campaigns.
func (c preflightCmd) remote(ctx context.Context, _ io.Reader) (any, checked, error) {
	client := newClient(strings.TrimRight(c.Server, "/"))
	client.key = c.Key
	var raw json.RawMessage
	if err := client.call(ctx, http.MethodPost, fmt.Sprintf("/campaigns/%d/preflight", c.Campaign), nil, &raw); err != nil {
		return nil, checked{}, err
	}
	var found checked
	if err := json.Unmarshal(raw, &found); err != nil {
		return nil, found, fmt.Errorf("reading the answer of %s: %w", c.Server, err)
	}
	return raw, found, nil
}

// files checks what is in files, by this program alone.
func (c preflightCmd) files(ctx context.Context, in io.Reader) (any, checked, error) {
	draft := campaigns.Draft{Subject: c.Subject, Preheader: c.Preheader, FromEmail: c.From, FromName: c.FromName}
	for _, f := range []struct {
		name string
		to   *string
	}{{c.HTML, &draft.HTML}, {c.Text, &draft.Text}} {
		b, err := readBounded(f.name, in)
		if err != nil {
			return nil, checked{}, exitError{exitUsage, err}
		}
		*f.to = string(b)
	}
	var err error
	if draft.Raw, err = readBounded(c.File, in); err != nil {
		return nil, checked{}, exitError{exitUsage, err}
	}
	if c.File != "" && len(draft.Raw) == 0 {
		return nil, checked{}, exitError{exitUsage, fmt.Errorf("%s is empty", c.File)}
	}
	input, err := draft.Input(ctx, settings.Settings{PostalAddress: c.Address})
	if err != nil {
		return nil, checked{}, err
	}
	if c.Links {
		input.Probes, input.Unprobed = preflight.ProbeAll(ctx, preflight.NewProber(false, time.Now), preflight.Targets(input.Samples, input.Facts))
	}
	report := preflight.Check(input)
	return report, checked{Findings: report.Findings, Samples: report.Samples}, nil
}

// readBounded reads a file, "-" from standard input; nothing for "".
func readBounded(name string, in io.Reader) ([]byte, error) {
	if name == "" {
		return nil, nil
	}
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, preflight.MaxRaw+1))
	if err == nil && len(b) > preflight.MaxRaw {
		return nil, fmt.Errorf("%s is larger than %d MB", name, preflight.MaxRaw>>20)
	}
	return b, err
}

func printJSON(out io.Writer, v any) error {
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// printFindings writes the table, with the places below each finding.
func printFindings(out io.Writer, found checked) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	for _, f := range found.Findings {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", strings.ToUpper(string(f.Severity)), f.Code, f.Title)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	var b strings.Builder
	for _, f := range found.Findings {
		fmt.Fprintf(&b, "\n%s: %s\n", f.Code, f.Detail)
		for i, p := range f.Where {
			if i == 5 {
				fmt.Fprintf(&b, "  … and %d more\n", f.Count-i)
				break
			}
			if p.Selector == "" && p.Note == "" && p.Line == 0 {
				continue
			}
			b.WriteString("  " + place(p) + "\n")
		}
		if f.Remedy != "" && f.Severity != preflight.Info {
			fmt.Fprintf(&b, "  → %s\n", f.Remedy)
		}
	}
	s := preflight.Summarise(found.Findings)
	fmt.Fprintf(&b, "\n%d blocking, %d warnings, %d to know\n", s.Blocking, s.Warning, s.Info)
	_, err := io.WriteString(out, b.String())
	return err
}

func place(p preflight.Where) string {
	at := p.Part
	if p.Line > 0 {
		at += fmt.Sprintf(":%d", p.Line)
	}
	parts := []string{}
	for _, s := range []string{p.Selector, p.Note} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return at + "  " + strings.Join(parts, "  ")
}
