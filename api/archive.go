package api

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"html"
	"html/template"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/internal/settings"
	"postrider/templates"
)

const (
	archivePath = "/a/"
	// issuesPerPage are on one page of an archive, and in its feeds.
	issuesPerPage = 20
	// archiveFresh is how long browsers and proxies may show a page of an archive without asking.
	archiveFresh = "public, max-age=300"
)

// ArchiveSource gives what is public of newsletters. A newsletter that is not public, an issue that was not sent: NotFound.
type ArchiveSource interface {
	// ArchiveNewsletter finds a newsletter by its slug, or one that it had before.
	ArchiveNewsletter(ctx context.Context, slug string) (ArchiveNewsletter, error)
	// ArchiveIssues lists the issues that were sent, newest first. A wrong cursor is Invalid.
	ArchiveIssues(ctx context.Context, slug string, q page.Query) (page.Page[ArchiveIssue], error)
	ArchiveIssue(ctx context.Context, slug, issue string) (ArchiveContent, error)
}

// ArchiveNewsletter is a newsletter as its archive shows it. All texts are plain.
type ArchiveNewsletter struct {
	Slug        string
	Title       string
	Description string
	Language    string    // BCP 47, "" when not known
	Note        string    // shown on top: a public pause
	SignUpURL   string    // where people sign up, or the path of a page of this service where they do; "" when they cannot
	Indexed     bool      // search engines may list it
	UpdatedAt   time.Time // the last change of any of this
}

// ArchiveIssue is an issue in a list. Title and Summary are plain text, filled in for nobody in particular.
type ArchiveIssue struct {
	Slug      string
	Title     string
	Summary   string
	Image     string // address of an image that stands for it, or ""
	SentAt    time.Time
	UpdatedAt time.Time // changes when Content does
}

// ArchiveContent is an issue with what was sent, and its neighbours.
type ArchiveContent struct {
	ArchiveIssue
	Content      templates.Content
	Newer, Older *ArchiveIssue
}

var (
	//go:embed archive.html
	archiveHTML string
	//go:embed archive.css
	archiveCSS string
)

// archive serves the public pages and feeds of newsletters. They are made for anybody: no session, cookie, script or tracking.
type archive struct {
	*pages
	source   ArchiveSource
	template *template.Template
	policy   string
	css      template.CSS
	rendered *renderedIssues
}

// mailPolicy holds for an issue in its frame, and when it is opened by itself: nothing runs, nothing is sent, and it is of no origin.
const mailPolicy = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src http: https: data:; style-src 'unsafe-inline' https:; font-src https: data:; " +
	"media-src http: https:; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"

func (p *pages) archivePages(r chi.Router) {
	css := publicCSS + archiveCSS
	sum := sha256.Sum256([]byte(css))
	a := &archive{
		pages: p, source: p.cfg.Archive, template: template.Must(template.New("archive").Parse(archiveHTML)), css: template.CSS(css), rendered: newRenderedIssues(),
		policy: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; frame-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
	}
	for path, h := range map[string]http.HandlerFunc{
		"{slug}": a.list, "{slug}/feed.xml": a.atom, "{slug}/feed.json": a.jsonFeed, "{slug}/{issue}": a.issue, "{slug}/{issue}/mail": a.mail,
	} {
		r.Get(archivePath+path, h)
		r.Head(archivePath+path, h)
	}
}

// archiveView is what a page of an archive shows.
type archiveView struct {
	ArchiveNewsletter
	CSS          template.CSS
	Organization string
	Address      string
	Base         string // of the archive: https://news.example.org/a/slug
	Canonical    string
	NoIndex      bool
	Issues       []ArchiveIssue
	Next         string // cursor
	Later        bool   // this is not the first page
	Issue        *ArchiveContent
	Subject      string
	About        string // the issue in a sentence or two
}

// Day is a date for people, in words.
func (archiveView) Day(t time.Time) string { return t.UTC().Format("2 January 2006") }

// Stamp is a date for machines.
func (archiveView) Stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Robots says whether the page is to be kept out of search engines.
func (v archiveView) Robots() bool { return v.NoIndex || !v.Indexed }

// begin finds the newsletter and what the installation says of itself. It is false when the answer is given already.
func (a *archive) begin(w http.ResponseWriter, r *http.Request) (archiveView, bool) {
	v := archiveView{CSS: a.css}
	if a.source == nil {
		a.fail(w, r, errs.New(errs.NotFound, "there is no archive"))
		return v, false
	}
	set, err := a.deps.Settings.Get(r.Context())
	if err == nil {
		v.ArchiveNewsletter, err = a.source.ArchiveNewsletter(r.Context(), chi.URLParam(r, "slug"))
	}
	if err != nil {
		a.fail(w, r, err)
		return v, false
	}
	if asked := chi.URLParam(r, "slug"); v.Slug != asked {
		to := *r.URL
		to.Path = archivePath + v.Slug + strings.TrimPrefix(to.Path, archivePath+asked)
		http.Redirect(w, r, to.RequestURI(), http.StatusMovedPermanently)
		return v, false
	}
	v.Organization, v.Address = set.Organization, set.PostalAddress
	v.Base = a.origin(r, set) + archivePath + url.PathEscape(v.Slug)
	if strings.HasPrefix(v.SignUpURL, formPath) {
		v.SignUpURL = a.origin(r, set) + v.SignUpURL
	}
	v.SignUpURL = webAddress(v.SignUpURL)
	return v, true
}

// origin is what absolute addresses begin with: what the installation says, else the address that was asked.
func (a *archive) origin(r *http.Request, set settings.Settings) string {
	if o := cmp.Or(set.PublicURL, a.cfg.PublicURL); o != "" {
		return o
	}
	if requestOf(r.Context()).https {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// webAddress is an address that can stand in a page, "" for any other.
func webAddress(s string) string {
	if u, err := url.Parse(s); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return ""
	}
	return s
}

// list shows the issues of a newsletter.
func (a *archive) list(w http.ResponseWriter, r *http.Request) {
	v, ok := a.begin(w, r)
	if !ok {
		return
	}
	cursor := r.URL.Query().Get("after")
	issues, err := a.source.ArchiveIssues(r.Context(), v.Slug, page.Query{Cursor: cursor, Limit: issuesPerPage})
	if err != nil {
		a.fail(w, r, err)
		return
	}
	v.Issues, v.Next, v.Later, v.Canonical = issues.Items, issues.NextCursor, cursor != "", v.Base
	v.NoIndex = v.Later // what is on later pages is found from the issues
	a.show(w, r, v)
}

// issue shows an issue: what surrounds it, and the mail in a frame of its own.
func (a *archive) issue(w http.ResponseWriter, r *http.Request) {
	v, c, ok := a.find(w, r)
	if !ok {
		return
	}
	m, err := a.render(v, c)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	v.Issue, v.Subject, v.About = &c, cmp.Or(m.subject, c.Title), cmp.Or(c.Summary, v.Description)
	v.Issue.Image = webAddress(c.Image)
	v.Canonical = v.Base + "/" + url.PathEscape(c.Slug)
	a.show(w, r, v)
}

func (a *archive) find(w http.ResponseWriter, r *http.Request) (archiveView, ArchiveContent, bool) {
	v, ok := a.begin(w, r)
	if !ok {
		return v, ArchiveContent{}, false
	}
	c, err := a.source.ArchiveIssue(r.Context(), v.Slug, chi.URLParam(r, "issue"))
	if err != nil {
		a.fail(w, r, err)
		return v, c, false
	}
	return v, c, true
}

func (a *archive) show(w http.ResponseWriter, r *http.Request, v archiveView) {
	var b bytes.Buffer
	if err := a.template.Execute(&b, v); err != nil {
		a.fail(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", a.policy)
	h.Set("Referrer-Policy", "strict-origin-when-cross-origin")
	if v.Robots() {
		h.Set("X-Robots-Tag", "noindex")
	}
	a.answer(w, r, "text/html; charset=utf-8", b.Bytes(), time.Time{})
}

// mail gives the mail alone, for the frame. Links lead out of the frame.
func (a *archive) mail(w http.ResponseWriter, r *http.Request) {
	v, c, ok := a.find(w, r)
	if !ok {
		return
	}
	m, err := a.render(v, c)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", mailPolicy)
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Set("X-Robots-Tag", "noindex")
	h.Set("Referrer-Policy", "strict-origin-when-cross-origin")
	a.answer(w, r, "text/html; charset=utf-8", []byte(linksLeaveFrame(m.html)), c.UpdatedAt)
}

// render fills an issue in for nobody: names in their default form, no pixel, links as they were written, and "unsubscribe" leading to the words about it.
func (a *archive) render(v archiveView, c ArchiveContent) (renderedIssue, error) {
	key := issueKey{newsletter: v.Slug, issue: c.Slug, updated: c.UpdatedAt.UnixNano(), base: v.Base, organization: v.Organization, address: v.Address}
	return a.rendered.get(key, func() (renderedIssue, error) {
		content := c.Content
		content.Preheader = "" // hidden text for the list of a mail program
		leave := v.Base + "#leave"
		p, err := templates.Preview(content, templates.Vars{
			UnsubscribeURL: leave, PreferencesURL: leave, Organization: v.Organization, PostalAddress: v.Address, Campaign: templates.CampaignVars{Name: v.Title},
		}, "")
		if err != nil {
			return renderedIssue{}, err
		}
		if strings.TrimSpace(p.HTML) == "" {
			p.HTML = textPage(p.Text)
		}
		return renderedIssue{subject: p.Subject, html: p.HTML}, nil
	})
}

// textPage is a mail without HTML as a page.
func textPage(text string) string {
	return `<!doctype html><html><head><meta charset="utf-8"><meta name="color-scheme" content="light dark"></head><body style="margin:1.5rem;font:16px/1.55 sans-serif">` +
		`<div style="max-width:44rem;margin:auto;white-space:pre-wrap;overflow-wrap:anywhere">` + html.EscapeString(text) + `</div></body></html>`
}

var (
	headTag    = regexp.MustCompile(`(?i)<head(\s[^>]*)?>`)
	doctypeTag = regexp.MustCompile(`(?i)^\s*<!doctype[^>]*>`)
)

// linksLeaveFrame lets links open beside the page and says what letters the mail is in, without touching it otherwise.
func linksLeaveFrame(mail string) string {
	const add = `<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><base target="_blank">`
	for _, at := range []*regexp.Regexp{headTag, doctypeTag} {
		if m := at.FindStringIndex(mail); m != nil {
			return mail[:m[1]] + add + mail[m[1]:]
		}
	}
	return "<!doctype html>" + add + mail
}

// answer gives a body that caches may keep, or says that it is still the same (RFC 9110 §13). The tag is weak, since the answer may be compressed on its way.
func (a *archive) answer(w http.ResponseWriter, r *http.Request, contentType string, body []byte, modified time.Time) {
	sum := sha256.Sum256(body)
	tag := `W/"` + hex.EncodeToString(sum[:12]) + `"`
	h := w.Header()
	h.Set("Cache-Control", archiveFresh)
	h.Set("ETag", tag)
	if !modified.IsZero() {
		h.Set("Last-Modified", modified.UTC().Format(http.TimeFormat))
	}
	if unchanged(r, tag, modified) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", contentType)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a reader who went away is nobody's error
	}
}

// unchanged compares what a cache has. The time counts only where there is no tag (RFC 9110 §13.1.3).
func unchanged(r *http.Request, tag string, modified time.Time) bool {
	if tags := r.Header.Get("If-None-Match"); tags != "" {
		for t := range strings.SplitSeq(tags, ",") {
			if t = strings.TrimSpace(t); t == "*" || strings.TrimPrefix(t, "W/") == strings.TrimPrefix(tag, "W/") {
				return true
			}
		}
		return false
	}
	since, err := http.ParseTime(r.Header.Get("If-Modified-Since"))
	return err == nil && !modified.IsZero() && !modified.Truncate(time.Second).After(since)
}
