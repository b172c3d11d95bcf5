package api

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"html/template"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"postrider/campaigns"
	"postrider/internal/errs"
)

// What came of an unsubscribe, by who asked for it.
const (
	sourceOneClick = "one-click"        // the mail program's own button (RFC 8058)
	sourcePage     = "unsubscribe link" // the button on our page
	sourceUndo     = "taken back on the unsubscribe page"
	// On the page where people choose what they get.
	sourcePreferences = "preference page"
)

// Limits of what strangers post: bytes of a body and the time it may take, and how often a minute for one message. Mail programs repeat a request that seems lost.
const (
	maxPublicBody   = 32 << 10
	publicBodyTime  = 10 * time.Second
	postsPerMinute  = 30
	postsPerMessage = time.Minute
)

var (
	//go:embed public.html
	publicHTML string
	//go:embed public.css
	publicCSS string
)

// publicView is what the page for strangers shows: one of its parts, by State.
type publicView struct {
	State       string // ask, done, already, returned, preferences, unknown, large, often, failed
	Title       string
	Token       string
	Info        campaigns.UnsubscribeInfo
	Preferences preferenceView
	Thanks      bool   // for saying why
	Problem     string // with what was said
	Comment     string // what was said, to be mended
	CSS         template.CSS
}

// pages writes the pages that mails link to. They have no script, no cookie and nothing from elsewhere.
type pages struct {
	*server
	template *template.Template
	policy   string
	posts    *throttle
}

// publicPages adds what mails link to. No session is read there and nothing is asked for but the token, so cross-site requests can do no harm.
func (s *server) publicPages(r chi.Router) {
	sum := sha256.Sum256([]byte(publicCSS))
	p := &pages{
		server:   s,
		template: template.Must(template.New("public").Parse(publicHTML)),
		policy: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
			"'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
		posts: newThrottle(postsPerMinute, postsPerMessage, s.now),
	}
	p.tracking(r)
	p.signUpPages(r)
	p.archivePages(r)
	r.Get("/u/{token}", p.askUnsubscribe)
	r.Head("/u/{token}", p.askUnsubscribe)
	r.Post("/u/{token}", p.unsubscribe)
	r.Get("/p/{token}", p.askPreferences)
	r.Head("/p/{token}", p.askPreferences)
	r.Post("/p/{token}", p.preferences)
}

// askUnsubscribe shows one button. It changes nothing, since mail scanners open every link (RFC 8058 §1).
func (p *pages) askUnsubscribe(w http.ResponseWriter, r *http.Request) {
	token := chi.URLParam(r, "token")
	info, err := p.deps.Campaigns.UnsubscribeInfo(r.Context(), token)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	if info.Already {
		p.show(w, r, http.StatusOK, leftView("already", token, info))
		return
	}
	p.show(w, r, http.StatusOK, publicView{State: "ask", Title: "Unsubscribe", Token: token, Info: info})
}

// unsubscribe takes the forms of our page, and the mail program's one-click request (RFC 8058 §3.1: no cookie, no redirect, no further question). Whatever else is
// posted to this address counts as the latter: whoever posts here means it.
func (p *pages) unsubscribe(w http.ResponseWriter, r *http.Request) {
	form, ok := p.form(w, r)
	if !ok {
		return
	}
	token := chi.URLParam(r, "token")
	switch form.Get("do") {
	case "undo":
		p.undo(w, r)
		return
	case "reason":
		p.explain(w, r, form)
		return
	}
	source := sourceOneClick
	if form.Get("from") == "page" {
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
	p.showLeft(w, r, "done")
}

// undo takes the unsubscribe back.
func (p *pages) undo(w http.ResponseWriter, r *http.Request) {
	token := chi.URLParam(r, "token")
	if _, err := p.deps.Campaigns.UndoUnsubscribe(r.Context(), token, sourceUndo); err != nil {
		p.fail(w, r, err)
		return
	}
	info, err := p.deps.Campaigns.UnsubscribeInfo(r.Context(), token)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	if info.Already {
		p.show(w, r, http.StatusOK, leftView("already", token, info)) // they left by another link as well
		return
	}
	p.show(w, r, http.StatusOK, publicView{State: "returned", Title: "You get our mail again", Token: token, Info: info})
}

// explain notes why somebody left. It was asked for after they had, so that nothing stands between them and leaving.
func (p *pages) explain(w http.ResponseWriter, r *http.Request, form url.Values) {
	token, comment := chi.URLParam(r, "token"), form.Get("comment")
	err := p.deps.Campaigns.ExplainUnsubscribe(r.Context(), token, form.Get("reason"), comment)
	if err != nil && !errs.Is(err, errs.Invalid) {
		p.fail(w, r, err)
		return
	}
	info, infoErr := p.deps.Campaigns.UnsubscribeInfo(r.Context(), token)
	if infoErr != nil {
		p.fail(w, r, infoErr)
		return
	}
	v := leftView("already", token, info)
	if v.Thanks = err == nil; v.Thanks {
		p.show(w, r, http.StatusOK, v)
		return
	}
	v.Problem = "Please choose one of the reasons, and write no more than 500 characters."
	v.Comment = comment
	p.show(w, r, http.StatusBadRequest, v)
}

// showLeft shows what somebody has who just left.
func (p *pages) showLeft(w http.ResponseWriter, r *http.Request, state string) {
	token := chi.URLParam(r, "token")
	info, err := p.deps.Campaigns.UnsubscribeInfo(r.Context(), token)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	p.show(w, r, http.StatusOK, leftView(state, token, info))
}

func leftView(state, token string, info campaigns.UnsubscribeInfo) publicView {
	return publicView{State: state, Title: "You are unsubscribed", Token: token, Info: info}
}

// form reads what was posted: fields of the query are none. A body that cannot be read as a form has no fields. It is false when the answer is given already.
func (p *pages) form(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	if wait, ok := p.posts.pass(chi.URLParam(r, "token")); !ok {
		w.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)+1))
		p.show(w, r, http.StatusTooManyRequests, publicView{State: "often", Title: "Please wait a minute"})
		return nil, false
	}
	return p.posted(w, r)
}

// posted is form without a limit of how often.
func (p *pages) posted(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	if c := requestOf(r.Context()).control; c != nil {
		_ = c.SetReadDeadline(time.Now().Add(publicBodyTime)) // not every writer has deadlines
		defer func() { _ = c.SetReadDeadline(time.Time{}) }()
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPublicBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		p.show(w, r, http.StatusRequestEntityTooLarge, publicView{State: "large", Title: "That was too much"})
		return nil, false
	case err != nil: // the sender went away or was too slow; what it wanted is not known
		p.show(w, r, http.StatusBadRequest, publicView{State: "failed", Title: "Something went wrong"})
		return nil, false
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "multipart/form-data" {
		_ = r.ParseMultipartForm(maxPublicBody) // what can be read of it is enough
	} else {
		_ = r.ParseForm()
	}
	return r.PostForm, true
}

// fail tells a stranger what is wrong, in plain words.
func (p *pages) fail(w http.ResponseWriter, r *http.Request, err error) {
	switch errs.KindOf(err) {
	case errs.NotFound, errs.Invalid:
		v := publicView{State: "unknown", Title: "This link does not work"}
		if set, err := p.deps.Settings.Get(r.Context()); err == nil { // else it is left out
			v.Info.Organization, v.Info.PostalAddress = set.Organization, set.PostalAddress
		}
		p.show(w, r, http.StatusNotFound, v)
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
