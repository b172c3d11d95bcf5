package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"postrider/sender/presets"
	"postrider/sender/reply"
)

type explainCmd struct {
	Text     []string `arg:"" optional:"" help:"The reply, a log line or a bounce's diagnostic. Left out: read from standard input."`
	Provider string   `help:"Id of the provider, or the name of its server, such as gmail or smtp.zoho.eu."`
	Stage    string   `help:"Where the reply was heard: greeting, helo, starttls, auth, mail, rcpt, data or dot."`
	JSON     bool     `name:"json" help:"Print one JSON object."`
}

// Run prints what a reply means. Nothing is connected to.
func (c explainCmd) Run() error {
	text := strings.Join(c.Text, " ")
	if text == "" {
		raw, err := io.ReadAll(io.LimitReader(os.Stdin, reply.MaxFind))
		if err != nil {
			return fmt.Errorf("reading standard input: %w", err)
		}
		text = string(raw)
	}
	e, err := presets.ExplainText(presets.Question{Text: text, Provider: c.Provider, Stage: c.Stage})
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(os.Stdout).Encode(explainJSON(e))
	}
	return printExplanation(os.Stdout, e)
}

func explainJSON(e presets.Explanation) map[string]any {
	return map[string]any{
		"reply": e.Reply, "class": map[string]any{
			"permanence": e.Class.Permanence, "reason": e.Class.Reason, "fault": e.Class.Fault, "action": e.Class.Action, "retry_after_seconds": int(e.Class.RetryAfter.Seconds()),
		},
		"provider": e.Provider, "known_text": e.Known, "whose_fault": e.Whose, "program": e.Does, "remedy": e.Remedy,
	}
}

func printExplanation(w io.Writer, e presets.Explanation) error {
	where := ""
	if e.Reply.Stage != "" {
		where = fmt.Sprintf("  (to %s)", e.Reply.Stage)
	}
	lines := [][2]string{
		{"Reply", e.Reply.String() + where},
		{"Meaning", strings.ReplaceAll(string(e.Class.Reason), "_", " ") + ", " + string(e.Class.Permanence)},
		{"Provider", e.Provider},
		{"Whose fault", e.Whose},
		{"Postrider", e.Does},
		{"What to do", e.Remedy},
	}
	if e.Remedy == "" {
		lines[len(lines)-1][1] = "Nothing."
	}
	var failed error
	for _, line := range lines {
		if line[1] != "" {
			_, err := fmt.Fprintf(w, "%-12s %s\n", line[0]+":", line[1])
			failed = errors.Join(failed, err)
		}
	}
	return failed
}
