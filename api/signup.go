package api

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"postrider/audience"
	"postrider/campaigns/confirm"
	"postrider/internal/errs"
)

// Where forms and the page for confirming are. The latter's addresses are in mail that is out in the world: never change them.
const (
	formPath    = "/s/"
	confirmPath = "/c/"
)

const (
	// leastFillTime is what a person needs at least between seeing the form and sending it. Whoever is quicker is asked to press the button once more.
	leastFillTime = 2 * time.Second
	// formsPerMinute is how often one network address may send forms at all, right or wrong; how many of them become sign-ups is limited in the database.
	formsPerMinute = 60
)

var (
	//go:embed signup.html
	signUpHTML string
	//go:embed signup.css
	signUpCSS string
)

// signUpView is what the pages of a sign-up show, by State: form, confirm, confirmed, expired, or a Text alone.
type signUpView struct {
	State, Title, Text          string
	Lang                        string
	W                           signUpWords
	CSS                         template.CSS
	Organization, PostalAddress string
	Embed, Preview              bool

	Form           audience.Form
	Action, Button string
	Shown          string // the token that says when
	Email          string
	Consent        bool
	Fields         []fieldView
	Lists          []choiceView
	Wrong          map[string]string // by field, in the form's language
	Problem        string            // with the whole

	Token string
	Page  confirm.Page
}

// fieldView is a field of a form as the page shows it.
type fieldView struct {
	audience.FormField
	ID, Input, Complete, Value, Wrong string
	On                                bool
}

type choiceView struct {
	ID   int64
	Name string
	On   bool
}

// signUps writes the pages by which people sign up. Like the other pages for strangers they have no script, no cookie and nothing from elsewhere.
type signUps struct {
	*pages
	template *template.Template
	css      template.CSS
	style    string // the source that the policy allows for it
	network  *throttle
}

func newSignUps(p *pages) *signUps {
	css := publicCSS + signUpCSS
	sum := sha256.Sum256([]byte(css))
	return &signUps{
		pages: p, template: template.Must(template.New("signup").Parse(signUpHTML)), css: template.CSS(css),
		style: "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'", network: newThrottle(formsPerMinute, time.Minute, p.now),
	}
}

func (p *pages) signUpPages(r chi.Router) {
	u := newSignUps(p)
	for _, path := range []string{formPath + "{form}", formPath + "{form}/embed"} {
		r.Get(path, u.askForm)
		r.Head(path, u.askForm)
		r.Post(path, u.takeForm)
	}
	r.Options(formPath+"{form}", u.preflight)
	r.Get(confirmPath+"{token}", u.askConfirm)
	r.Head(confirmPath+"{token}", u.askConfirm)
	r.Post(confirmPath+"{token}", u.confirm)
}

// slug reads which form is meant, and whether as JSON.
func slug(r *http.Request) (name string, asJSON bool) {
	return strings.CutSuffix(chi.URLParam(r, "form"), ".json")
}

// askForm shows a form.
func (u *signUps) askForm(w http.ResponseWriter, r *http.Request) {
	name, asJSON := slug(r)
	f, err := u.deps.Audience.FindForm(r.Context(), name)
	if err != nil || asJSON {
		u.failForm(w, r, audience.Form{}, cmp.Or[error](err, errs.New(errs.NotFound, "there is no such page")))
		return
	}
	if !f.Enabled {
		u.failForm(w, r, f, errs.New(errs.Conflict, "closed"))
		return
	}
	u.showForm(w, r, http.StatusOK, u.formView(f, audience.FormValues{}))
}

// takeForm takes what somebody filled in. Whether the address is known makes no difference for the answer: nothing here has looked.
func (u *signUps) takeForm(w http.ResponseWriter, r *http.Request) {
	name, asJSON := slug(r)
	if asJSON {
		u.takeJSON(w, r, name)
		return
	}
	f, err := u.deps.Audience.FindForm(r.Context(), name)
	if err == nil {
		err = u.notTooOften(r)
	}
	if err != nil {
		u.failForm(w, r, f, err)
		return
	}
	body, ok := u.posted(w, r)
	if !ok {
		return
	}
	in := formValues(f, body)
	v := u.formView(f, in)
	// A form without a token, as one that stands on another site's own page, is taken: it cannot have one.
	if shown := body.Get("shown"); shown != "" {
		since, err := u.deps.Confirm.ShownFor(f.ID, shown)
		if err == nil {
			v.Shown = shown // the time counts from the first look, also when the page comes back with a problem
		}
		if err == nil && since < leastFillTime {
			v.Problem = v.W.Again
			u.showForm(w, r, http.StatusBadRequest, v)
			return
		}
	}
	problems, err := u.signUp(r, f, in, body.Get("website"))
	switch {
	case err != nil:
		u.failForm(w, r, f, err)
	case len(problems) > 0:
		v.mark(problems)
		u.showForm(w, r, http.StatusBadRequest, v)
	case f.RedirectURL != "" && !isEmbedded(r):
		u.head(w, f, isEmbedded(r))
		http.Redirect(w, r, f.RedirectURL, http.StatusSeeOther)
	default:
		v.State, v.Title, v.Text = "done", cmp.Or(f.SuccessTitle, v.W.DoneTitle), doneText(f, v.W)
		u.showForm(w, r, http.StatusOK, v)
	}
}

func doneText(f audience.Form, w signUpWords) string {
	if f.Double {
		return cmp.Or(f.SuccessText, w.DoneDouble)
	}
	return cmp.Or(f.SuccessText, w.Done)
}

// signUp hands on what was filled in. Robots fill in the field that nobody sees; they get the answer of everybody else.
func (u *signUps) signUp(r *http.Request, f audience.Form, in audience.FormValues, trap string) (audience.FormProblems, error) {
	if trap != "" {
		return nil, u.deps.Audience.RefuseSignUp(r.Context(), f.ID)
	}
	return u.deps.Audience.SignUp(r.Context(), f, audience.SignUp{
		FormValues: in, IP: requestOf(r.Context()).client, UserAgent: r.UserAgent(), Page: pageOf(r),
	})
}

// pageOf gives the page that a form was on, as far as the browser tells.
func pageOf(r *http.Request) string {
	for _, from := range []string{r.Header.Get("Referer"), r.Header.Get("Origin")} {
		if u, err := url.Parse(from); err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http") {
			u.User, u.RawQuery, u.Fragment = nil, "", "" // queries hold what is nobody's business
			return u.String()
		}
	}
	return ""
}

func (u *signUps) notTooOften(r *http.Request) error {
	if _, ok := u.network.pass(audience.NetworkKey(requestOf(r.Context()).client)); !ok {
		return errs.New(errs.Unavailable, "too many requests came from this network address: try again later")
	}
	return nil
}

// formValues reads a form that was posted. Values of fields that are not asked for are left out.
func formValues(f audience.Form, body url.Values) audience.FormValues {
	in := audience.FormValues{Email: body.Get("email"), Consent: body.Get("consent") != "", Values: map[string]string{}}
	for _, field := range f.Fields {
		in.Values[field.Name] = body.Get("f." + field.Name)
	}
	for _, id := range f.ListIDs {
		if slices.Contains(body["list"], strconv.FormatInt(id, 10)) {
			in.ListIDs = append(in.ListIDs, id)
		}
	}
	return in
}

// formView is the form with what was filled in.
func (u *signUps) formView(f audience.Form, in audience.FormValues) signUpView {
	v := signUpView{State: "form", Form: f, Email: in.Email, Consent: in.Consent}
	v.Lang, v.W = wordsOf(f.Language)
	v.Title, v.Button = cmp.Or(f.Title, v.W.Title), cmp.Or(f.Button, v.W.Button)
	if f.ID != 0 {
		v.Shown = u.deps.Confirm.ShownToken(f.ID)
	}
	for i, field := range f.Fields {
		fv := fieldView{FormField: field, ID: fmt.Sprint("f", i), Input: "text", Value: in.Values[field.Name]}
		switch {
		case field.Name == audience.FieldName:
			fv.Complete, fv.Label = "name", cmp.Or(field.Label, v.W.Name)
		case field.Type == audience.FieldDate:
			fv.Input = "date"
		case field.Type == audience.FieldBoolean:
			fv.On = fv.Value != ""
		}
		v.Fields = append(v.Fields, fv)
	}
	for i, id := range f.ListIDs {
		v.Lists = append(v.Lists, choiceView{ID: id, Name: f.ListNames[i], On: slices.Contains(in.ListIDs, id)})
	}
	return v
}

// mark says at each field what is wrong with it.
func (v *signUpView) mark(problems audience.FormProblems) {
	v.Problem, v.Wrong = v.W.Problems, map[string]string{}
	for name, p := range problems {
		v.Wrong[name] = v.W.problem(name, p)
	}
	for i := range v.Fields {
		v.Fields[i].Wrong = v.Wrong[v.Fields[i].Name]
	}
}

func (w signUpWords) problem(field string, p audience.FormProblem) string {
	switch p {
	case audience.ProblemEmail:
		return w.BadEmail
	case audience.ProblemLong:
		return w.Long
	case audience.ProblemText:
		return w.BadText
	case audience.ProblemNumber:
		return w.Number
	case audience.ProblemDate:
		return w.Date
	}
	if field == "lists" {
		return w.Choice
	}
	return w.Missing
}

// failForm tells a stranger why a form cannot be used.
func (u *signUps) failForm(w http.ResponseWriter, r *http.Request, f audience.Form, err error) {
	v := signUpView{State: "text", Form: f}
	v.Lang, v.W = wordsOf(f.Language)
	status := http.StatusNotFound
	switch errs.KindOf(err) {
	case errs.NotFound:
		v.Title, v.Text = v.W.Unknown, v.W.UnknownText
	case errs.Conflict:
		status, v.Title, v.Text = http.StatusGone, v.W.Closed, v.W.ClosedText
	case errs.Unavailable:
		w.Header().Set("Retry-After", "3600")
		status, v.Title, v.Text = http.StatusTooManyRequests, v.W.Often, v.W.OftenText
	default:
		status, v.Title, v.Text = u.problem(r.Context(), "body", err).Status, v.W.Failed, v.W.FailedText
	}
	u.showForm(w, r, status, v)
}

func isEmbedded(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/embed") }

// head sets the fields of an answer. Frames are only for the sites that the form allows, and only on the page made for them.
func (u *signUps) head(w http.ResponseWriter, f audience.Form, embed bool) {
	h := w.Header()
	ancestors, action := "'none'", "'self'"
	if embed && len(f.AllowedOrigins) > 0 {
		ancestors = "'self' " + strings.Join(f.AllowedOrigins, " ")
		h.Del("X-Frame-Options") // it knows no list
	}
	if to, err := url.Parse(f.RedirectURL); err == nil && to.Host != "" {
		action += " " + to.Scheme + "://" + to.Host // browsers hold the redirect after a form to this, too
	}
	h.Set("Content-Security-Policy", "default-src 'none'; style-src "+u.style+"; form-action "+action+"; frame-ancestors "+ancestors+"; base-uri 'none'")
	h.Set("Cache-Control", "no-store, private")
	h.Set("X-Robots-Tag", "noindex")
	h.Set("Referrer-Policy", "same-origin") // so that the evidence holds the page
}

func (u *signUps) showForm(w http.ResponseWriter, r *http.Request, status int, v signUpView) {
	v.Embed = isEmbedded(r)
	v.Action = r.URL.Path
	u.head(w, v.Form, v.Embed)
	u.render(w, r, status, v)
}

func (u *signUps) render(w http.ResponseWriter, r *http.Request, status int, v signUpView) {
	v.CSS = u.css
	if v.Organization == "" && !v.Embed {
		if set, err := u.deps.Settings.Recent(r.Context()); err == nil { // else it is left out
			v.Organization, v.PostalAddress = set.Organization, set.PostalAddress
		}
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	if err := u.template.Execute(w, v); err != nil && r.Context().Err() == nil {
		u.problem(r.Context(), "query", err) // logs; the status is out
	}
}

// previewForm is the page of a form that may not be stored yet, for the admin.
func (u *signUps) previewForm(ctx context.Context, f audience.Form) (string, error) {
	v := u.formView(f, audience.FormValues{})
	v.Preview, v.CSS = true, u.css
	set, err := u.deps.Settings.Get(ctx)
	if err != nil {
		return "", err
	}
	v.Organization, v.PostalAddress = set.Organization, set.PostalAddress
	var b bytes.Buffer
	if err := u.template.Execute(&b, v); err != nil {
		return "", fmt.Errorf("rendering a form: %w", err)
	}
	return b.String(), nil
}

// signUpJSON is what programs and scripts send.
type signUpJSON struct {
	Email   string         `json:"email"`
	Fields  map[string]any `json:"fields"`
	Lists   []int64        `json:"lists"`
	Consent bool           `json:"consent"`
	Website string         `json:"website"`
}

// signedUpJSON is the answer to it.
type signedUpJSON struct {
	OK          bool              `json:"ok"`
	Title       string            `json:"title"`
	Text        string            `json:"text"`
	RedirectURL string            `json:"redirect_url,omitempty"`
	Problems    map[string]string `json:"problems,omitempty"`
}

// preflight answers browsers that ask whether a script may post to the form (Fetch, "CORS protocol").
func (u *signUps) preflight(w http.ResponseWriter, r *http.Request) {
	name, _ := slug(r)
	f, err := u.deps.Audience.FindForm(r.Context(), name)
	if err != nil || !allowOrigin(w, r, f) {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", "POST")
	h.Set("Access-Control-Allow-Headers", "Content-Type")
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
}

// allowOrigin lets scripts of the form's sites read the answer. It is false for scripts of other sites; what no browser sent may come.
func allowOrigin(w http.ResponseWriter, r *http.Request, f audience.Form) bool {
	w.Header().Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	if !slices.Contains(f.AllowedOrigins, strings.ToLower(origin)) {
		from, err := url.Parse(origin)
		return err == nil && strings.EqualFold(from.Host, r.Host)
	}
	w.Header().Set("Access-Control-Allow-Origin", origin)
	return true
}

func (u *signUps) takeJSON(w http.ResponseWriter, r *http.Request, name string) {
	f, err := u.deps.Audience.FindForm(r.Context(), name)
	_, words := wordsOf(f.Language)
	answer := func(status int, v signedUpJSON) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v) // a reader who went away is nobody's error
	}
	if err == nil && !allowOrigin(w, r, f) {
		answer(http.StatusForbidden, signedUpJSON{Title: "this site may not use the form: it is none of its allowed origins"})
		return
	}
	if err == nil {
		err = u.notTooOften(r)
	}
	var problems audience.FormProblems
	if err == nil {
		var in audience.FormValues
		var trap string
		if in, trap, err = readSignUp(w, r); err != nil {
			answer(http.StatusBadRequest, signedUpJSON{Title: err.Error()})
			return
		}
		problems, err = u.signUp(r, f, in, trap)
	}
	switch errs.KindOf(err) {
	case errs.NotFound:
		answer(http.StatusNotFound, signedUpJSON{Title: words.Unknown})
	case errs.Conflict:
		answer(http.StatusGone, signedUpJSON{Title: words.Closed, Text: words.ClosedText})
	case errs.Unavailable:
		w.Header().Set("Retry-After", "3600")
		answer(http.StatusTooManyRequests, signedUpJSON{Title: words.Often, Text: words.OftenText})
	default:
		if err != nil {
			answer(u.problem(r.Context(), "body", err).Status, signedUpJSON{Title: words.Failed, Text: words.FailedText})
			return
		}
		if len(problems) == 0 {
			answer(http.StatusOK, signedUpJSON{OK: true, Title: cmp.Or(f.SuccessTitle, words.DoneTitle), Text: doneText(f, words), RedirectURL: f.RedirectURL})
			return
		}
		wrong := map[string]string{}
		for field, p := range problems {
			wrong[field] = words.problem(field, p)
		}
		answer(http.StatusBadRequest, signedUpJSON{Title: words.Problems, Problems: wrong})
	}
}

// readSignUp reads the JSON of a sign-up. An error is for the program that sent it.
func readSignUp(w http.ResponseWriter, r *http.Request) (audience.FormValues, string, error) {
	if c := requestOf(r.Context()).control; c != nil {
		_ = c.SetReadDeadline(time.Now().Add(publicBodyTime)) // not every writer has deadlines
		defer func() { _ = c.SetReadDeadline(time.Time{}) }()
	}
	var none audience.FormValues
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPublicBody))
	if err != nil {
		return none, "", fmt.Errorf("the body is larger than %d bytes or did not come to its end", maxPublicBody)
	}
	var in signUpJSON
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return none, "", errs.New(errs.Invalid, "the body must be JSON with email, fields, lists and consent")
	}
	out := audience.FormValues{Email: in.Email, ListIDs: in.Lists, Consent: in.Consent, Values: map[string]string{}}
	for name, v := range in.Fields {
		switch v := v.(type) {
		case string:
			out.Values[name] = v
		case bool:
			out.Values[name] = strconv.FormatBool(v)
		case float64:
			out.Values[name] = strconv.FormatFloat(v, 'g', -1, 64)
		case nil:
		default:
			return none, "", errs.New(errs.Invalid, "the field %q must be a text, a number, true or false", name)
		}
	}
	return out, in.Website, nil
}

// askConfirm shows the page behind the link of a mail. It changes nothing, as scanners open every link.
func (u *signUps) askConfirm(w http.ResponseWriter, r *http.Request) {
	u.showConfirm(w, r, http.StatusOK, "")
}

// showConfirm shows how a sign-up stands, or what was just done with it.
func (u *signUps) showConfirm(w http.ResponseWriter, r *http.Request, status int, did string) {
	token := chi.URLParam(r, "token")
	page, err := u.deps.Confirm.Page(r.Context(), token)
	if err != nil {
		u.failConfirm(w, r, err)
		return
	}
	v := signUpView{Token: token, Page: page, Organization: page.Organization, PostalAddress: page.PostalAddress}
	v.Lang, v.W = wordsOf(page.Language)
	switch {
	case did == "decline" && page.Test || page.Declined:
		v.State, v.Title, v.Text = "text", v.W.ThanksDeclined, v.W.DeclinedText
	case did == "again":
		v.State, v.Title, v.Text = "text", v.W.Asked, v.W.AskedText
	case page.Confirmed || did == "confirm" && page.Test:
		v.State, v.Title = "confirmed", v.W.Confirmed
	case page.Expired:
		v.State, v.Title = "expired", v.W.Expired
	default:
		v.State, v.Title = "confirm", v.W.Confirm
	}
	u.headConfirm(w)
	u.render(w, r, status, v)
}

func (u *signUps) headConfirm(w http.ResponseWriter) {
	u.head(w, audience.Form{}, false)
	w.Header().Set("Referrer-Policy", "no-referrer") // the address is the secret
}

// confirm does what one of the buttons on the page says. Whatever else is posted there is taken for nothing.
func (u *signUps) confirm(w http.ResponseWriter, r *http.Request) {
	body, ok := u.form(w, r)
	if !ok {
		return
	}
	token, do := chi.URLParam(r, "token"), body.Get("do")
	var err error
	switch do {
	case "confirm":
		err = u.deps.Confirm.Confirm(r.Context(), token, requestOf(r.Context()).client, r.UserAgent())
	case "decline":
		err = u.deps.Confirm.Decline(r.Context(), token)
	case "again":
		err = u.deps.Confirm.Again(r.Context(), token)
	}
	switch {
	case errs.Is(err, errs.Conflict):
		u.showConfirm(w, r, http.StatusGone, "") // expired; the page has the way out
	case err != nil:
		u.failConfirm(w, r, err)
	default:
		u.showConfirm(w, r, http.StatusOK, do)
	}
}

func (u *signUps) failConfirm(w http.ResponseWriter, r *http.Request, err error) {
	v := signUpView{State: "text"}
	v.Lang, v.W = wordsOf("")
	status := http.StatusNotFound
	if kind := errs.KindOf(err); kind == errs.NotFound || kind == errs.Invalid {
		v.Title, v.Text = v.W.Unknown, v.W.UnknownText
	} else {
		status, v.Title, v.Text = u.problem(r.Context(), "query", err).Status, v.W.Failed, v.W.FailedText
	}
	u.headConfirm(w)
	u.render(w, r, status, v)
}
