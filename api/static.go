package api

import (
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"

	"github.com/go-chi/chi/v5"

	"postrider/internal/errs"
)

const notBuilt = `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Postrider</title>
<style>:root{color-scheme:light dark}body{font:16px/1.6 system-ui,sans-serif;max-width:38rem;margin:12vh auto;padding:0 1.25rem}code{font-size:.95em}</style>
<h1>The server runs. The interface is not built in.</h1>
<p>This binary was compiled without the admin interface. To build both, run <code>make web build</code> in the source directory (it needs Node.js) and start the
server again.</p>
<p>The REST API works all the same: <a href="/api/docs">its documentation</a>.</p></html>`

// Types that Go's own table lacks; the table of the machine would make answers differ from place to place.
var extraTypes = map[string]string{
	".woff2": "font/woff2", ".woff": "font/woff", ".ico": "image/x-icon", ".map": "application/json", ".webmanifest": "application/manifest+json",
	".txt": "text/plain; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml",
}

// interfaceFiles serves the admin interface on every path that is nobody else's, for it has paths of its own that a reload asks us for.
func (s *server) interfaceFiles(r chi.Router) {
	files := http.HandlerFunc(s.interfaceFile)
	r.Method(http.MethodGet, "/*", files)
	r.Method(http.MethodHead, "/*", files)
	r.NotFound(s.noSuchRoute)
	r.MethodNotAllowed(s.wrongMethod)
}

func (s *server) interfaceFile(w http.ResponseWriter, r *http.Request) {
	if s.cfg.UI == nil {
		writeFile(w, "index.html", []byte(notBuilt))
		return
	}
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	if name == "" {
		name = "index.html"
	}
	data, err := fs.ReadFile(s.cfg.UI, name)
	if err != nil {
		// A file that is gone after an upgrade must not come back as a page.
		if path.Ext(name) != "" && name != "index.html" {
			plain(w, http.StatusNotFound, "there is no such file\n")
			return
		}
		name = "index.html"
		if data, err = fs.ReadFile(s.cfg.UI, name); err != nil {
			s.writeProblem(w, r, errs.Because(errs.Unavailable, err, "the interface has no index.html: build it again"))
			return
		}
	}
	writeFile(w, name, data)
}

// writeFile answers with a file. What the build named by its content never changes; everything else is asked for anew.
func writeFile(w http.ResponseWriter, name string, data []byte) {
	h := w.Header()
	h.Set("Cache-Control", "no-cache")
	if strings.HasPrefix(name, "assets/") {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	contentType := extraTypes[path.Ext(name)]
	if contentType == "" {
		contentType = mime.TypeByExtension(path.Ext(name))
	}
	if contentType == "" {
		contentType = "application/octet-stream"
	}
	h.Set("Content-Type", contentType)
	_, _ = w.Write(data) // a reader who went away is nobody's error
}
