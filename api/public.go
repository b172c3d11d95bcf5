package api

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"postrider/campaigns"
	"postrider/internal/errs"
)

// What came of an unsubscribe, by who asked for it.
const (
	sourceOneClick = "one-click"        // the mail program's own button (RFC 8058)
	sourcePage     = "unsubscribe link" // the button on our page
)

const maxPublicBody = 8 << 10

var (
	//go:embed public.html
	publicHTML string
	//go:embed public.css
	publicCSS string
)

// A transparent image of one pixel.
var pixel = []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;")

// publicView is what the page for strangers shows: one of its parts, by State.
type publicView struct {
	State string // ask, done, already, unknown, failed
	Title string
	Token string
	Info  campaigns.UnsubscribeInfo
	CSS   template.CSS
}

// pages writes the pages that mails link to. They have no script, no cookie and nothing from elsewhere.
type pages struct {
	*server
	template *template.Template
	policy   string
}

// publicPages adds what mails link to. No session is read there and nothing is asked for but the token, so cross-site requests can do no harm.
func (s *server) publicPages(r chi.Router) {
	sum := sha256.Sum256([]byte(publicCSS))
	p := &pages{
		server:   s,
		template: template.Must(template.New("public").Parse(publicHTML)),
		policy: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
			"'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
	}
	r.Get("/t/o/{token}", p.open)
	r.Head("/t/o/{token}", p.open)
	r.Get("/t/c/{token}", p.click)
	r.Head("/t/c/{token}", p.click)
	r.Get("/u/{token}", p.askUnsubscribe)
	r.Head("/u/{token}", p.askUnsubscribe)
	r.Post("/u/{token}", p.unsubscribe)
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

// askUnsubscribe shows one button. It changes nothing, since mail scanners open every link (RFC 8058 §1).
func (p *pages) askUnsubscribe(w http.ResponseWriter, r *http.Request) {
	token := chi.URLParam(r, "token")
	info, err := p.deps.Campaigns.UnsubscribeInfo(r.Context(), token)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	v := publicView{State: "ask", Title: "Unsubscribe", Token: token, Info: info}
	if info.Already {
		v.State, v.Title = "already", "You are unsubscribed"
	}
	p.show(w, r, http.StatusOK, v)
}

// unsubscribe takes both the button's form and the mail program's one-click request (RFC 8058 §3.1: no cookie, no redirect, no further question).
// Any other body counts too: whoever posts to this address means it.
func (p *pages) unsubscribe(w http.ResponseWriter, r *http.Request) {
	token := chi.URLParam(r, "token")
	r.Body = http.MaxBytesReader(w, r.Body, maxPublicBody)
	source := sourceOneClick
	if r.FormValue("from") == "page" {
		source = sourcePage
	}
	if err := p.deps.Campaigns.Unsubscribe(r.Context(), token, source); err != nil {
		p.fail(w, r, err)
		return
	}
	if source == sourceOneClick {
		plain(w, http.StatusOK, "You are unsubscribed.\n")
		return
	}
	info, err := p.deps.Campaigns.UnsubscribeInfo(r.Context(), token)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	p.show(w, r, http.StatusOK, publicView{State: "done", Title: "You are unsubscribed", Info: info})
}

// fail tells a stranger what is wrong, in plain words.
func (p *pages) fail(w http.ResponseWriter, r *http.Request, err error) {
	switch errs.KindOf(err) {
	case errs.NotFound, errs.Invalid:
		p.show(w, r, http.StatusNotFound, publicView{State: "unknown", Title: "This link does not work"})
	default:
		status := p.problem(r.Context(), "query", err).Status
		p.show(w, r, status, publicView{State: "failed", Title: "Something went wrong"})
	}
}

func (p *pages) show(w http.ResponseWriter, r *http.Request, status int, v publicView) {
	v.CSS = template.CSS(publicCSS)
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", p.policy)
	h.Set("Cache-Control", "no-store, private")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Robots-Tag", "noindex")
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	if err := p.template.Execute(w, v); err != nil && r.Context().Err() == nil {
		p.problem(r.Context(), "query", err) // logs; the status is out
	}
}
