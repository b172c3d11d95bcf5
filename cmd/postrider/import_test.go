package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// fakeImports answers like the API, with one import that goes through states, one at each look.
type fakeImports struct {
	mu     sync.Mutex
	states []string // JSON laid over the import, one after another; the last one stays
	calls  []string // method, path and body of all that is not a look
	file   string
	looked chan struct{} // when set, told of each look
}

const fakeUpload = `{"id":7,"status":"uploaded","format":{"kind":"csv","delimiter":";","encoding":"utf-8"},"size_bytes":9,"columns":[
	{"index":0,"header":"Mail","suggested":{"target":"email","attribute":"","type":"","date_order":""}},
	{"index":1,"header":"a=b","suggested":{"target":"attribute","attribute":"a_b","type":"date","date_order":"dmy"}},
	{"index":2,"header":"Note","suggested":null}]}`

func (f *fakeImports) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/api/v1")
	if r.Header.Get("Authorization") != "Bearer pr_key" {
		http.Error(w, `{"detail":"no key"}`, http.StatusUnauthorized)
		return
	}
	switch {
	case r.Method == http.MethodGet && path == "/lists":
		if r.URL.Query().Get("cursor") == "" {
			fmt.Fprint(w, `{"items":[{"id":1,"name":"News"},{"id":2,"name":"3"}],"next_cursor":"x"}`)
			return
		}
		fmt.Fprint(w, `{"items":[{"id":3,"name":"Others"}],"next_cursor":null}`)
		return
	case r.Method == http.MethodGet && path == "/imports/7/errors.csv":
		fmt.Fprint(w, "Mail,reason\nbad,no @\n")
		return
	case r.Method == http.MethodGet && path == "/imports/7":
		f.look(w)
		return
	case path == "/imports":
		if err := r.ParseMultipartForm(1 << 20); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		part, head, err := r.FormFile("file")
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		content, _ := io.ReadAll(part)
		f.file = head.Filename + " to " + r.FormValue("list_id") + ": " + string(content)
		fmt.Fprint(w, fakeUpload)
		return
	}
	body, _ := io.ReadAll(r.Body)
	f.calls = append(f.calls, strings.TrimSpace(r.Method+" "+path+" "+string(body)))
	switch {
	case path == "/lists":
		fmt.Fprint(w, `{"id":9}`)
	case path == "/imports/7/check":
		fmt.Fprint(w, f.with(`{"status":"checking"}`))
	case path == "/imports/7/start":
		fmt.Fprint(w, f.with(`{"status":"queued"}`))
	case path == "/imports/7/cancel":
		fmt.Fprint(w, f.with(`{"status":"cancelled","rows":4}`))
	default:
		fmt.Fprint(w, fakeUpload)
	}
}

func (f *fakeImports) look(w http.ResponseWriter) {
	state := f.states[0]
	if len(f.states) > 1 {
		f.states = f.states[1:]
	}
	fmt.Fprint(w, f.with(state))
	if f.looked != nil {
		select {
		case f.looked <- struct{}{}:
		default:
		}
	}
}

// with lays fields over the import.
func (f *fakeImports) with(over string) string {
	var all map[string]any
	for _, s := range []string{fakeUpload, over} {
		if err := json.Unmarshal([]byte(s), &all); err != nil {
			panic(err)
		}
	}
	b, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// importWith runs the command against the fake, and gives what it printed and the progress.
func importWith(t *testing.T, ctx context.Context, f *fakeImports, c importCmd) (out, shown string, err error) {
	t.Helper()
	server := httptest.NewServer(f)
	defer server.Close()
	if c.File == "" {
		c.File = filepath.Join(t.TempDir(), "people.csv")
		if err := os.WriteFile(c.File, []byte("Mail;a=b\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if c.Status == "" {
		c.Status = "subscribed"
	}
	var printed, bar bytes.Buffer
	client := newClient(server.URL)
	client.key = "pr_key"
	r := importRun{importCmd: c, client: client, out: &printed, show: &progress{w: &bar}, poll: time.Millisecond}
	err = r.run(ctx)
	return printed.String(), bar.String(), err
}

func exitCode(err error) int {
	var coded exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &coded):
		return coded.code
	}
	return 1
}

const doneState = `{"status":"done","progress":1,"rows":5,"created":2,"updated":1,"unchanged":1,"rejected":1,"unsubscribed":3,"flagged":{"typo":2}}`

func TestImportCommand(t *testing.T) {
	t.Parallel()
	f := &fakeImports{states: []string{`{"status":"running","progress":0.4,"rows":2}`, doneState}}
	errorFile := filepath.Join(t.TempDir(), "errors.csv")
	out, shown, err := importWith(t, t.Context(), f, importCmd{List: "news", Map: []string{"a=b=born:date:mdy", "3=name"}, Consent: "fair", Errors: errorFile, Encoding: "windows-1251", NoHeader: true})
	if exitCode(err) != exitRejected {
		t.Errorf("ended with %v", err)
	}
	if f.file != "people.csv to 1: Mail;a=b\n" {
		t.Errorf("uploaded %q", f.file)
	}
	want := []string{
		`PUT /imports/7/format {"encoding":"windows-1251","has_header":false}`,
		`POST /imports/7/start {"consent":"fair","mapping":{"columns":[{"index":0,"target":"email"},{"index":1,"target":"attribute","attribute":"born","type":"date","date_order":"mdy"},{"index":2,"target":"name"}],"status":"subscribed"}}`,
	}
	if d := cmp.Diff(want, f.calls); d != "" {
		t.Error(d)
	}
	for _, w := range []string{"CSV, utf-8, parted by \";\", 3 columns", "Import done", "2  new people", "1  left out", "3  had unsubscribed", "2  flagged: misspelt"} {
		if !strings.Contains(out, w) {
			t.Errorf("printed %q, which lacks %q", out, w)
		}
	}
	if strings.Contains(out, "suppressed") {
		t.Errorf("printed what is not: %q", out)
	}
	if !strings.Contains(shown, "Uploading: 100 %") || !strings.Contains(shown, "Importing: 40 %, 2 rows\nImporting: 100 %") || strings.ContainsAny(shown, "\r\x1b") {
		t.Errorf("showed %q", shown)
	}
	if b, err := os.ReadFile(errorFile); err != nil || string(b) != "Mail,reason\nbad,no @\n" {
		t.Errorf("error file %q, %v", b, err)
	}
}

func TestImportCommandDryRun(t *testing.T) {
	t.Parallel()
	f := &fakeImports{states: []string{`{"status":"checking"}`, `{"status":"uploaded","check":{"status":"done","rows":3,"created":3}}`}}
	out, _, err := importWith(t, t.Context(), f, importCmd{List: "3", DryRun: true, Skip: []string{"A=B"}, CheckMX: true})
	if err != nil || !strings.Contains(out, "nothing was changed") || !strings.Contains(out, "3  new people") {
		t.Errorf("%q, %v", out, err)
	}
	want := []string{
		`POST /imports/7/check {"mapping":{"check_mx":true,"columns":[{"index":0,"target":"email"},{"index":1,"target":"skip"},{"index":2,"target":"skip"}],"status":"subscribed"}}`,
		`POST /imports/7/cancel`,
	}
	if d := cmp.Diff(want, f.calls); d != "" {
		t.Error(d)
	}
	if !strings.Contains(f.file, " to 2:") {
		t.Errorf("a list whose name is a number: %q", f.file)
	}
	f = &fakeImports{states: []string{`{"status":"uploaded","check":{"status":"failed","error":"the file is damaged"}}`}}
	if _, _, err := importWith(t, t.Context(), f, importCmd{List: "1", DryRun: true}); exitCode(err) != 1 || !strings.Contains(err.Error(), "the file is damaged") {
		t.Errorf("a dry run that fails: %v", err)
	}
}

func TestImportCommandFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		cmd   importCmd
		state string
		want  string
		calls int // the last of which gives the upload up
	}{
		"no list":     {importCmd{List: "Nobody"}, doneState, "--create-list", 0},
		"no file":     {importCmd{List: "News", File: "/nonexistent"}, doneState, "no such file", 0},
		"no column":   {importCmd{List: "News", Map: []string{"City=city"}}, doneState, `it has "Mail", "a=b", "Note"`, 1},
		"no field":    {importCmd{List: "News", Map: []string{"Mail"}}, doneState, "write COLUMN=FIELD", 1},
		"column 4":    {importCmd{List: "News", Skip: []string{"4"}}, doneState, "no such column", 1},
		"it broke":    {importCmd{List: "News"}, `{"status":"failed","error":"the disk is full"}`, "the disk is full", 1},
		"not by Ctrl": {importCmd{List: "News"}, `{"status":"cancelled"}`, "cancelled", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakeImports{states: []string{tt.state}}
			_, _, err := importWith(t, t.Context(), f, tt.cmd)
			if err == nil || !strings.Contains(err.Error(), tt.want) || len(f.calls) != tt.calls {
				t.Errorf("got %v after %q", err, f.calls)
			}
		})
	}
	f := &fakeImports{states: []string{`{"status":"done"}`}}
	if _, _, err := importWith(t, t.Context(), f, importCmd{List: "Fresh", CreateList: true, Map: []string{"Note=email"}}); err != nil {
		t.Error(err)
	}
	if !strings.Contains(f.file, " to 9:") || !strings.Contains(f.calls[1], `{"index":0,"target":"skip"}`) {
		t.Errorf("a list that is made, and another address: %q, %q", f.file, f.calls)
	}
}

func TestImportCommandIsCancelled(t *testing.T) {
	t.Parallel()
	f := &fakeImports{states: []string{`{"status":"running"}`}, looked: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-f.looked
		cancel()
	}()
	out, _, err := importWith(t, ctx, f, importCmd{List: "News"})
	if exitCode(err) != exitCancelled || f.calls[len(f.calls)-1] != "POST /imports/7/cancel" || !strings.Contains(out, "Import cancelled\n         4  rows") {
		t.Errorf("%v after %q: %s", err, f.calls, out)
	}
}

func TestProgressBar(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := &progress{w: &out, terminal: true}
	p.update("Importing", 0.5, "5 rows")
	p.update("Importing", 0.6, "6 rows") // too soon
	p.update("Importing", 1, "9 rows")
	p.done()
	if got, want := out.String(), "\r\x1b[KImporting [###############...............]  50 %  5 rows\r\x1b[KImporting [##############################] 100 %  9 rows\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestByteSize(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]byteSize{"5": 5, "500MB": 500e6, "1.5 GiB": 3 << 29, "64g": 64 << 30, "2kb": 2000} {
		var b byteSize
		if err := b.UnmarshalText([]byte(s)); err != nil || b != want {
			t.Errorf("%s: %d, %v", s, b, err)
		}
	}
	for _, s := range []string{"", "MB", "-1", "0", "5XB", "9999999TB"} {
		var b byteSize
		if err := b.UnmarshalText([]byte(s)); err == nil {
			t.Errorf("%q is %d", s, b)
		}
	}
}
