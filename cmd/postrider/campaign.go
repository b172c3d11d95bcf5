package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

type campaignCmd struct {
	Start     campaignStartCmd  `cmd:"" help:"Start a campaign of a running service, and follow it to its end."`
	StopAll   campaignStopCmd   `cmd:"" name:"stop-all" help:"Stop everything that is being sent, at once: all campaigns, tests and confirmations."`
	ResumeAll campaignResumeCmd `cmd:"" name:"resume-all" help:"Send again after stop-all."`
}

// Exit codes of campaign start --follow, beside 0 and 1.
const (
	exitPaused      = 3
	exitEndedEarly  = 4 // it was cancelled, or called back
	exitInterrupted = 130
)

// service is the running service that a command talks to.
type service struct {
	Server string `env:"POSTRIDER_SERVER" default:"http://127.0.0.1:8080" help:"The running service." placeholder:"URL"`
	Key    string `env:"POSTRIDER_API_KEY" help:"API key with the right to send campaigns. Prefer the environment to the flag." placeholder:"KEY"`
	JSON   bool   `help:"Print the result as JSON."`
}

func (s service) client() *client {
	c := newClient(strings.TrimRight(s.Server, "/"))
	c.key = s.Key
	return c
}

type campaignStartCmd struct {
	ID          int64 `arg:"" help:"Number of the campaign."`
	Follow      bool  `help:"Show how far it is until it has ended."`
	UndoSeconds int   `help:"A grace period in which it can be called back." placeholder:"N"`
	service
}

// Help is the long help.
func (campaignStartCmd) Help() string {
	return `A campaign that has started before is only followed. Ctrl-C ends the command and not the campaign.

Exit codes: 0 it has finished (without --follow: it has started), 1 it could not start, 3 it is paused, 4 it was cancelled or called back, 130 Ctrl-C.`
}

// campaignState is what the API says about a campaign while it is followed.
type campaignState struct {
	Campaign struct {
		ID          int64   `json:"id"`
		Name        string  `json:"name"`
		Status      string  `json:"status"`
		PauseReason *string `json:"pause_reason"`
	} `json:"campaign"`
	Stats struct {
		Recipients    int64    `json:"recipients"`
		Queued        int64    `json:"queued"`
		Claimed       int64    `json:"claimed"`
		Sent          int64    `json:"sent"`
		Deferred      int64    `json:"deferred"`
		Bounced       int64    `json:"bounced"`
		Failed        int64    `json:"failed"`
		Unconfirmed   int64    `json:"unconfirmed"`
		Skipped       int64    `json:"skipped"`
		RatePerSecond *float64 `json:"rate_per_second"`
		SecondsLeft   *int64   `json:"seconds_left"`
		HeldUp        *struct {
			Reason string `json:"reason"`
		} `json:"held_up"`
	} `json:"stats"`
}

// Run starts the campaign.
func (c campaignStartCmd) Run(ctx context.Context) error {
	r := campaignRun{campaignStartCmd: c, client: c.client(), out: os.Stdout, show: newProgress(os.Stderr), again: time.Second}
	r.client.http.Timeout = 0 // a campaign is followed for as long as it lasts
	return r.run(ctx)
}

// campaignRun is one run of the command.
type campaignRun struct {
	campaignStartCmd
	client *client
	out    io.Writer
	show   *progress
	again  time.Duration // after which a stream that broke is opened again
	last   []byte        // what the last event said
}

func (r *campaignRun) run(ctx context.Context) error {
	var started struct {
		Name           string
		Status         string
		AlreadyStarted bool `json:"already_started"`
	}
	var raw json.RawMessage
	if err := r.client.call(ctx, http.MethodPost, r.path("/start"), map[string]int{"undo_seconds": r.UndoSeconds}, &raw); err != nil {
		return err
	}
	if err := json.Unmarshal(raw, &started); err != nil {
		return err
	}
	if !r.Follow {
		return r.print(raw, fmt.Sprintf("%q is %s", started.Name, started.Status))
	}
	state, err := r.follow(ctx)
	r.show.done()
	if ctx.Err() != nil {
		return exitError{exitInterrupted, errors.New("the campaign goes on; run the command again to follow it")}
	}
	if err != nil {
		return err
	}
	return r.end(state)
}

func (r *campaignRun) path(rest string) string { return fmt.Sprintf("/campaigns/%d%s", r.ID, rest) }

func (r *campaignRun) print(raw []byte, words string) error {
	if r.JSON {
		words = string(bytes.TrimSpace(raw))
	}
	_, err := fmt.Fprintln(r.out, words)
	return err
}

// end prints the figures, and makes an error of any end but the good one.
func (r *campaignRun) end(state campaignState) error {
	st := state.Stats
	words := fmt.Sprintf("%q is %s: %d sent, %d bounced, %d failed, %d unconfirmed, %d skipped, %d waiting", state.Campaign.Name, state.Campaign.Status,
		st.Sent, st.Bounced, st.Failed, st.Unconfirmed, st.Skipped, st.Queued+st.Claimed+st.Deferred)
	if err := r.print(r.last, words); err != nil {
		return err
	}
	switch state.Campaign.Status {
	case "finished":
		return nil
	case "paused":
		why := "by a person"
		if p := state.Campaign.PauseReason; p != nil {
			why = *p
		}
		return exitError{exitPaused, fmt.Errorf("the campaign is paused: %s", why)}
	}
	if p := state.Campaign.PauseReason; p != nil {
		return exitError{exitEndedEarly, fmt.Errorf("the campaign is %s: %s", state.Campaign.Status, *p)}
	}
	return exitError{exitEndedEarly, fmt.Errorf("the campaign is %s", state.Campaign.Status)}
}

// mostBroken is how often in a row a stream may break without having said anything.
const mostBroken = 30

// follow reads the stream of progress until the campaign goes no further by itself. The service may be restarted meanwhile.
func (r *campaignRun) follow(ctx context.Context) (campaignState, error) {
	for broken := 0; ; broken++ {
		state, said, ended, err := r.read(ctx)
		if ended || ctx.Err() != nil {
			return state, err
		}
		if said {
			broken = 0
		}
		if broken >= mostBroken {
			return state, errors.Join(errors.New("the service does not tell any more how far the campaign is"), err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(r.again):
		}
	}
}

// maxEvent bounds one line of a stream.
const maxEvent = 1 << 20

// read reads one stream to its end, or to the campaign's.
func (r *campaignRun) read(ctx context.Context) (state campaignState, said, ended bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.client.base+"/api/v1"+r.path("/progress"), nil)
	if err != nil {
		return state, false, true, err
	}
	resp, err := r.client.send(req)
	if err != nil {
		return state, false, false, err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, maxEvent)
	for lines.Scan() {
		data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
		if !ok {
			continue
		}
		state = campaignState{}
		if err := json.Unmarshal(data, &state); err != nil {
			return state, said, true, fmt.Errorf("the service said something else than how far it is: %w", err)
		}
		said, r.last = true, bytes.Clone(data)
		r.draw(state)
		if state.over() {
			return state, true, true, nil
		}
	}
	return state, said, false, lines.Err()
}

// over says that the campaign goes no further by itself.
func (s campaignState) over() bool {
	switch s.Campaign.Status {
	case "running", "scheduled":
		return false
	case "finished", "paused", "cancelled":
		return s.Stats.Claimed == 0 // what is on the wire will be known in a moment
	}
	return true
}

func (r *campaignRun) draw(state campaignState) {
	st := state.Stats
	part, detail := -1.0, "waiting for its start"
	if st.Recipients > 0 {
		done := st.Sent + st.Bounced + st.Failed + st.Unconfirmed + st.Skipped
		part = float64(done) / float64(st.Recipients)
		detail = fmt.Sprintf("%d of %d", done, st.Recipients)
	}
	if st.RatePerSecond != nil {
		detail += fmt.Sprintf(", %.0f a second", *st.RatePerSecond)
	}
	if st.SecondsLeft != nil {
		detail += fmt.Sprintf(", %s left", time.Duration(*st.SecondsLeft)*time.Second)
	}
	if st.HeldUp != nil {
		detail += "; " + st.HeldUp.Reason
	}
	r.show.update(oneLine(state.Campaign.Name), part, oneLine(detail))
}

// oneLine takes out of text from elsewhere what could write over the terminal.
func oneLine(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c >= 0x7f && c < 0xa0 {
			return ' '
		}
		return c
	}, s)
}

type campaignStopCmd struct {
	Reason string `help:"Why; shown wherever something waits for this." placeholder:"TEXT"`
	service
}

// Run stops everything.
func (c campaignStopCmd) Run(ctx context.Context) error {
	return c.sending(ctx, os.Stdout, "/sending/stop", map[string]string{"reason": c.Reason})
}

type campaignResumeCmd struct{ service }

// Run sends again.
func (c campaignResumeCmd) Run(ctx context.Context) error {
	return c.sending(ctx, os.Stdout, "/sending/resume", nil)
}

// sending stops or resumes everything and says how things stand.
func (s service) sending(ctx context.Context, out io.Writer, path string, in any) error {
	var raw json.RawMessage
	if err := s.client().call(ctx, http.MethodPost, path, in, &raw); err != nil {
		return err
	}
	var state struct {
		Stopped   bool
		StoppedAt *time.Time `json:"stopped_at"`
		StoppedBy *string    `json:"stopped_by"`
	}
	if err := json.Unmarshal(raw, &state); err != nil {
		return err
	}
	words := "mail is sent"
	if state.Stopped {
		words = fmt.Sprintf("nothing is sent: stopped at %s by %s; postrider campaign resume-all ends it", state.StoppedAt.Format(time.RFC3339), *state.StoppedBy)
	}
	if s.JSON {
		words = string(bytes.TrimSpace(raw))
	}
	_, err := fmt.Fprintln(out, words)
	return err
}
