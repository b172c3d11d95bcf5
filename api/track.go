package api

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"postrider/internal/errs"
)

// A transparent image of one pixel.
var pixel = []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;")

// tracking adds what counts opens and clicks.
func (p *pages) tracking(r chi.Router) {
	r.Get("/t/o/{token}", p.open)
	r.Head("/t/o/{token}", p.open)
	r.Get("/t/c/{token}", p.click)
	r.Head("/t/c/{token}", p.click)
}

// open answers with the pixel whatever the token: a broken image in a mail helps nobody.
func (p *pages) open(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		token := strings.TrimSuffix(chi.URLParam(r, "token"), ".gif")
		if err := p.deps.Campaigns.OpenTracked(r.Context(), token, r.UserAgent()); err != nil && errs.KindOf(err) == errs.Internal {
			p.problem(r.Context(), "query", err) // logs
		}
	}
	h := w.Header()
	h.Set("Content-Type", "image/gif")
	h.Set("Cache-Control", "no-store, private")
	_, _ = w.Write(pixel) // a reader who went away is nobody's error
}

// click leads to the link that the token stands for, and nowhere else: the address is not in the request. HEAD, which link checkers send, counts nothing.
func (p *pages) click(w http.ResponseWriter, r *http.Request) {
	url, err := p.deps.Campaigns.ClickTracked(r.Context(), chi.URLParam(r, "token"), r.UserAgent(), r.Method == http.MethodGet)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store, private")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Robots-Tag", "noindex")
	http.Redirect(w, r, url, http.StatusFound)
}
