package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"postrider/internal/errs"
)

const smallFeed = `<rss version="2.0"><channel><title>Trees</title><item><title>Oaks</title><link>/oaks</link><pubDate>Mon, 04 May 2026 07:30:00 GMT</pubDate><description>Old</description></item>` +
	`<item><title>Elms</title><guid>2</guid></item></channel></rss>`

func TestFeedIsShown(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/old":
			http.Redirect(w, r, "/feed", http.StatusMovedPermanently)
		case "/data":
			_, _ = io.WriteString(w, `{"price":1.50}`)
		case "/steering":
			_, _ = io.WriteString(w, `{"version":"https://jsonfeed.org/version/1.1","title":"T","items":[{"id":"\u001b[31m","title":"Red"}]}`)
		case "/feed":
			_, _ = io.WriteString(w, smallFeed)
		default:
			_, _ = io.WriteString(w, `<html><head><link rel="alternate" type="application/rss+xml" href="/feed"></head></html>`)
		}
	}))
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "feed.xml")
	if err := os.WriteFile(file, []byte(smallFeed), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		cmd  feedCmd
		want []string
	}{
		{feedCmd{Source: server.URL + "/old", AllowPrivate: true}, []string{"RSS", "for good", server.URL + "/oaks", "Elms", "2026-05-04 07:30 UTC", "no date"}},
		{feedCmd{Source: file, Base: "https://example.org/feed", Limit: 1}, []string{"Items:  1", "https://example.org/oaks"}},
		{feedCmd{Source: server.URL + "/steering", AllowPrivate: true}, []string{"id \uFFFD[31m"}},
		{feedCmd{Source: server.URL + "/data", AllowPrivate: true}, []string{"JSON", "data.NAME"}},
	} {
		r, err := tc.cmd.read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := r.print(&out); err != nil {
			t.Fatal(err)
		}
		for _, want := range tc.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%q is missing in\n%s", want, &out)
			}
		}
		if strings.ContainsRune(out.String(), 0x1b) {
			t.Errorf("steers the terminal: %q", &out)
		}
	}
	_, err := feedCmd{Source: server.URL + "/", AllowPrivate: true}.read(t.Context())
	if !strings.Contains(publicText(err), "its feed is at "+server.URL+"/feed") {
		t.Error(err)
	}
	if _, err = (feedCmd{Source: server.URL + "/feed"}).read(t.Context()); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "--fetch-allow-private") {
		t.Error(err)
	}
}
