package api

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"postrider/internal/auth"
)

// follow opens a stream over a real connection.
func (m mailing) follow(t *testing.T, path string) *bufio.Scanner {
	t.Helper()
	srv := httptest.NewServer(m.Handler)
	t.Cleanup(srv.Close)
	_, key, err := m.deps.Auth.CreateKey(t.Context(), 1, "a program", []string{auth.CampaignsRead, auth.AudienceRead})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), "GET", srv.URL+Prefix+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	client := &http.Client{Timeout: 30 * time.Second}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("status %d, %v", res.StatusCode, res.Header)
	}
	return bufio.NewScanner(res.Body)
}

// next gives the data of the next event, "" at the end.
func next(t *testing.T, sc *bufio.Scanner) string {
	t.Helper()
	name := ""
	for sc.Scan() {
		if event, ok := strings.CutPrefix(sc.Text(), "event: "); ok {
			name = event
		}
		if data, ok := strings.CutPrefix(sc.Text(), "data: "); ok {
			if name != "progress" {
				t.Fatalf("event %q", name)
			}
			return data
		}
	}
	if err := sc.Err(); err != nil {
		t.Fatal(err)
	}
	return ""
}

func TestProgressTellsChangesAndEnds(t *testing.T) {
	t.Parallel()
	m := started(t)
	sc := m.follow(t, fmt.Sprintf("/campaigns/%d/progress", m.campaignID))
	if data := next(t, sc); !strings.Contains(data, `"status":"running"`) || !strings.Contains(data, `"recipients":1`) {
		t.Fatalf("first event %s", data)
	}
	m.admin.post(fmt.Sprintf("/campaigns/%d/pause", m.campaignID), "").want(200)
	if data := next(t, sc); !strings.Contains(data, `"status":"paused"`) {
		t.Fatalf("second event %s", data)
	}
	m.admin.post(fmt.Sprintf("/campaigns/%d/cancel", m.campaignID), "").want(200)
	if data := next(t, sc); !strings.Contains(data, `"status":"cancelled"`) {
		t.Fatalf("third event %s", data)
	}
	if data := next(t, sc); data != "" {
		t.Fatalf("goes on after the end: %s", data)
	}
}

func TestProgressEndsWithTheServer(t *testing.T) {
	t.Parallel()
	m := started(t)
	sc := m.follow(t, fmt.Sprintf("/campaigns/%d/progress", m.campaignID))
	next(t, sc)
	close(m.done)
	if data := next(t, sc); data != "" {
		t.Fatalf("goes on: %s", data)
	}
}

func TestProgressOfNothingIsAProblem(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.admin(t).get("/campaigns/99/progress").problem(404)
}
