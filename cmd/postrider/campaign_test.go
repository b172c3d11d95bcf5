package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// fakeCampaign answers as the API does. Each request for progress gets the next stream.
type fakeCampaign struct {
	t       *testing.T
	streams [][]string // events, by stream
	asked   []string
	stop    func() // is called when a stream is asked for and there is none left
}

func (f *fakeCampaign) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	f.asked = append(f.asked, r.Method+" "+r.URL.Path+" "+strings.TrimSpace(string(body)))
	if got := r.Header.Get("Authorization"); got != "Bearer pr_key" {
		f.t.Errorf("the key is %q", got)
	}
	switch {
	case strings.HasSuffix(r.URL.Path, "/start"):
		fmt.Fprint(w, `{"name":"Letter","status":"running","already_started":false}`)
	case strings.HasSuffix(r.URL.Path, "/progress") && len(f.streams) == 0:
		f.stop()
		<-r.Context().Done()
	case strings.HasSuffix(r.URL.Path, "/progress"):
		for _, e := range f.streams[0] {
			fmt.Fprintf(w, ": still here\n\nevent: progress\ndata: %s\n\n", e)
		}
		f.streams = f.streams[1:]
	case strings.HasSuffix(r.URL.Path, "/sending/stop"):
		fmt.Fprint(w, `{"stopped":true,"stopped_at":"2026-03-02T09:00:00Z","stopped_by":"ann"}`)
	case strings.HasSuffix(r.URL.Path, "/sending/resume"):
		fmt.Fprint(w, `{"stopped":false}`)
	default:
		http.NotFound(w, r)
	}
}

func progressEvent(status string, sent, queued, claimed int, reason string) string {
	why, _ := json.Marshal(reason)
	if reason == "" {
		why = []byte("null")
	}
	return fmt.Sprintf(`{"campaign":{"id":7,"name":"Let\u001bter","status":%q,"pause_reason":%s},"stats":{"recipients":%d,"sent":%d,"queued":%d,"claimed":%d,"rate_per_second":2.5,"seconds_left":90,"held_up":null}}`,
		status, why, sent+queued+claimed, sent, queued, claimed)
}

func campaignWith(t *testing.T, ctx context.Context, f *fakeCampaign, c campaignStartCmd) (out, shown string, err error) {
	t.Helper()
	f.t = t
	server := httptest.NewServer(f)
	defer server.Close()
	c.ID, c.Server, c.Key = 7, server.URL+"/", "pr_key"
	var printed, bar bytes.Buffer
	r := campaignRun{campaignStartCmd: c, client: c.client(), out: &printed, show: &progress{w: &bar}, again: time.Millisecond}
	err = r.run(ctx)
	return printed.String(), bar.String(), err
}

func TestCampaignStartFollows(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		streams [][]string
		code    int
		says    string
	}{
		"to its end":                           {[][]string{{progressEvent("running", 1, 8, 1, ""), progressEvent("running", 5, 5, 0, ""), progressEvent("finished", 10, 0, 0, "")}}, 0, ""},
		"over a restart of the service":        {[][]string{{progressEvent("running", 1, 9, 0, "")}, {}, {progressEvent("finished", 10, 0, 0, "")}}, 0, ""},
		"to a pause, with what is on the wire": {[][]string{{progressEvent("paused", 1, 8, 1, "too many bounces"), progressEvent("paused", 2, 8, 0, "too many bounces")}}, exitPaused, "too many bounces"},
		"to a cancel":                          {[][]string{{progressEvent("scheduled", 0, 0, 0, ""), progressEvent("cancelled", 1, 0, 0, "")}}, exitEndedEarly, "cancelled"},
		"to where it could not start":          {[][]string{{progressEvent("draft", 0, 0, 0, "could not start as scheduled: nobody")}}, exitEndedEarly, "nobody"},
		"to what is no progress":               {[][]string{{"nonsense"}}, 1, "something else"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakeCampaign{streams: tc.streams}
			out, shown, err := campaignWith(t, t.Context(), f, campaignStartCmd{Follow: true, UndoSeconds: 5})
			if exitCode(err) != tc.code || tc.says != "" && !strings.Contains(err.Error(), tc.says) {
				t.Errorf("exit code %d: %v", exitCode(err), err)
			}
			if f.asked[0] != `POST /api/v1/campaigns/7/start {"undo_seconds":5}` {
				t.Errorf("%q", f.asked)
			}
			if tc.code == 0 && (!strings.Contains(out, "10 sent") || !strings.Contains(shown, "10 %, 1 of 10, 2 a second, 1m30s left") && !strings.Contains(shown, "10 %, 1 of 10")) {
				t.Errorf("%s\n%s", out, shown)
			}
			if strings.ContainsRune(shown, 0x1b) {
				t.Errorf("what others wrote reaches the terminal: %q", shown)
			}
		})
	}
}

func TestCampaignStartPrintsJSON(t *testing.T) {
	t.Parallel()
	end := progressEvent("finished", 10, 0, 0, "")
	out, _, err := campaignWith(t, t.Context(), &fakeCampaign{streams: [][]string{{end}}}, campaignStartCmd{Follow: true, service: service{JSON: true}})
	if err != nil || strings.TrimSpace(out) != end {
		t.Errorf("%v: %s", err, out)
	}
	out, _, err = campaignWith(t, t.Context(), &fakeCampaign{}, campaignStartCmd{})
	if err != nil || out != "\"Letter\" is running\n" {
		t.Errorf("%v: %s", err, out)
	}
}

func TestCampaignFollowEndsWithCtrlC(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	f := &fakeCampaign{streams: [][]string{{progressEvent("running", 1, 9, 0, "")}}, stop: cancel}
	_, _, err := campaignWith(t, ctx, f, campaignStartCmd{Follow: true})
	if exitCode(err) != exitInterrupted || !strings.Contains(err.Error(), "goes on") {
		t.Errorf("%v", err)
	}
}

func TestStopAllAndResumeAll(t *testing.T) {
	t.Parallel()
	f := &fakeCampaign{t: t}
	server := httptest.NewServer(f)
	defer server.Close()
	s := service{Server: server.URL, Key: "pr_key"}
	var out bytes.Buffer
	if err := s.sending(t.Context(), &out, "/sending/stop", map[string]string{"reason": "wrong list"}); err != nil || !strings.Contains(out.String(), "by ann") {
		t.Errorf("%v: %s", err, &out)
	}
	out.Reset()
	if err := s.sending(t.Context(), &out, "/sending/resume", nil); err != nil || out.String() != "mail is sent\n" {
		t.Errorf("%v: %s", err, &out)
	}
	if !strings.Contains(f.asked[0], `"reason":"wrong list"`) {
		t.Errorf("%q", f.asked)
	}
}
