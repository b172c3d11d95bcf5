package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const mails = "../../campaigns/preflight/testdata/mails/"

// code is what the program would end with.
func code(err error) int {
	var e exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &e):
		return e.code
	}
	return 1
}

func TestPreflightOfFiles(t *testing.T) {
	t.Parallel()
	html := filepath.Join(t.TempDir(), "a.html")
	err := os.WriteFile(html, []byte(`<p>Dear {{ subscriber.name }}, this is a letter about the sea.</p><a href="https://harbourbooks.shop/">more</a>`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		cmd  preflightCmd
		code int
		says string
	}{
		"a good mail":               {preflightCmd{File: mails + "good-newsletter.eml"}, 0, "0 blocking, 0 warnings"},
		"one with a warning":        {preflightCmd{File: mails + "bad-link-http.eml"}, 0, "link_http"},
		"the same, strictly":        {preflightCmd{File: mails + "bad-link-http.eml", Strict: true}, 1, "link_http"},
		"one that blocks":           {preflightCmd{File: mails + "bad-link-placeholder.eml"}, 1, "html:21  https://[YOUR LINK]"},
		"content":                   {preflightCmd{HTML: html, Subject: "The sea", Address: "1 Main Street"}, 0, "0 blocking, 0 warnings"},
		"content without a subject": {preflightCmd{HTML: html}, 1, "subject_empty"},
		"standard input":            {preflightCmd{File: "-"}, 1, "subject_empty"},
		"nothing":                   {preflightCmd{}, 2, ""},
		"too much":                  {preflightCmd{File: "a.eml", Campaign: 1}, 2, ""},
		"a subject for a message":   {preflightCmd{File: "a.eml", Subject: "x"}, 2, ""},
		"a file that is not there":  {preflightCmd{File: filepath.Join(t.TempDir(), "x.eml")}, 2, ""},
	} {
		var out bytes.Buffer
		err := tc.cmd.run(t.Context(), strings.NewReader("From: a@b.org\n\nHello"), &out)
		if code(err) != tc.code || !strings.Contains(out.String(), tc.says) {
			t.Errorf("%s: %d (%v)\n%s", name, code(err), err, &out)
		}
	}
	var out bytes.Buffer
	if err := (preflightCmd{File: mails + "bad-link-http.eml", JSON: true}).run(t.Context(), nil, &out); err != nil {
		t.Fatal(err)
	}
	var got checked
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || got.Samples != 1 || got.Findings[0].Code != "link_http" {
		t.Errorf("%v: %s", err, &out)
	}
}

func TestPreflightOfACampaign(t *testing.T) {
	t.Parallel()
	var calls []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls = append(calls, r.Method+" "+r.URL.Path+" "+r.Header.Get("Authorization"))
		if strings.Contains(r.URL.Path, "/9/") {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"detail":"there is no campaign 9"}`)
			return
		}
		_, _ = io.WriteString(w, `{"ran_at":"2026-11-03T09:00:00Z","would_block":true,"samples":2,"findings":[{"code":"subject_empty","severity":"blocking","title":"The subject is empty","detail":"d","where":[],"count":1}]}`)
	}))
	t.Cleanup(s.Close)
	var out bytes.Buffer
	if err := (preflightCmd{Campaign: 7, Server: s.URL + "/", Key: "pr_key", JSON: true}).run(t.Context(), nil, &out); code(err) != exitBlocking || !strings.Contains(out.String(), `"would_block": true`) {
		t.Errorf("%v: %s", err, &out)
	}
	if err := (preflightCmd{Campaign: 9, Server: s.URL}).run(t.Context(), nil, &out); code(err) != 1 || !strings.Contains(err.Error(), "there is no campaign 9") {
		t.Errorf("%v", err)
	}
	if diff := cmp.Diff([]string{"POST /api/v1/campaigns/7/preflight Bearer pr_key", "POST /api/v1/campaigns/9/preflight "}, calls); diff != "" {
		t.Error(diff)
	}
}
