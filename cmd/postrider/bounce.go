package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"postrider/events/dsn"
)

type bounceCmd struct {
	Parse bounceParseCmd `cmd:"" help:"Say what bounces, complaints and automatic answers mean, one JSON object a line for each file."`
}

type bounceParseCmd struct {
	Files []string `arg:"" name:"file" help:"Messages as they were received (RFC 5322). - is standard input."`
}

// Help is shown by --help.
func (bounceParseCmd) Help() string {
	return `kind is bounce, complaint, auto_reply, delay or none. hard says that the address itself is no good.

action is what Postrider would do, the weightiest of what is said of the recipients:
  unsubscribe_and_suppress  a complaint: the person gets no more mail
  suppress                  the address does not exist: it is not mailed again
  stop_relay                the relay refuses our account: it stops until somebody has looked
  slow_down                 receivers distrust us: less is sent
  warn                      our message or our set-up was refused: the sender is told
  count                     a soft bounce: several within some weeks suppress
  none                      nothing follows
Only the first two concern the person.

Nothing is stored and nothing is connected to. When a file cannot be read the others are still printed, and the exit code is 1.`
}

// Run prints what each file says.
func (c bounceParseCmd) Run() error { return parseBounces(os.Stdout, os.Stdin, c.Files) }

func parseBounces(w io.Writer, stdin io.Reader, files []string) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	var failed error
	for _, name := range files {
		raw, err := readMessage(stdin, name)
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		if err := out.Encode(bounceJSON(name, dsn.Parse(raw))); err != nil {
			return fmt.Errorf("printing: %w", err)
		}
	}
	return failed
}

func readMessage(stdin io.Reader, name string) ([]byte, error) {
	if name == "-" {
		raw, err := io.ReadAll(io.LimitReader(stdin, dsn.MaxMessage))
		if err != nil {
			return nil, fmt.Errorf("reading standard input: %w", err)
		}
		return raw, nil
	}
	f, err := os.Open(name) //nolint:gosec // the file that the user names
	if err != nil {
		return nil, fmt.Errorf("reading the message: %w", err)
	}
	raw, err := io.ReadAll(io.LimitReader(f, dsn.MaxMessage))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("reading the message: %w", err)
	}
	return raw, nil
}

type bounceResult struct {
	File       string            `json:"file"`
	Kind       dsn.Kind          `json:"kind"`
	Recipients []bounceRecipient `json:"recipients"`
	Action     string            `json:"action"`
}

type bounceRecipient struct {
	Address      string `json:"address"`
	Original     string `json:"original_address,omitempty"`
	Reason       string `json:"reason"`
	Hard         bool   `json:"hard"`
	Status       string `json:"status"`
	ReplyCode    int    `json:"reply_code"`
	Diagnostic   string `json:"diagnostic"`
	Action       string `json:"action"`
	FeedbackType string `json:"feedback_type"`
}

// bounceJSON is a report as it is printed. Of a recipient who got the mail nothing follows, so that such a report is none; what is no refusal has its kind as
// reason.
func bounceJSON(file string, r dsn.Report) bounceResult {
	out := bounceResult{File: file, Kind: r.Kind, Recipients: []bounceRecipient{}, Action: r.Action}
	if out.Kind == dsn.KindDelivered {
		out.Kind = dsn.KindNone
	}
	for _, p := range r.Recipients {
		if p.Reason == "" {
			p.Reason = string(p.Kind)
		}
		out.Recipients = append(out.Recipients, bounceRecipient{p.Address, p.Original, p.Reason, p.Hard, p.Status, p.ReplyCode, p.Diagnostic, p.Action, p.FeedbackType})
	}
	return out
}
