package api

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/go-chi/chi/v5"

	"postrider/audience"
	"postrider/campaigns"
	"postrider/internal/errs"
)

// What the forms of the preference page ask for.
const (
	doSave       = "save"
	doEverything = "everything"
)

// preferenceView is what the preference page shows beside what the person has.
type preferenceView struct {
	campaigns.PreferenceInfo
	Saved   bool
	Problem string // with what was chosen, in words for the person
}

// Paused says whether mail is held back now.
func (v preferenceView) Paused() bool { return v.PausedUntil != nil }

// Until is the day on which mail starts again.
func (v preferenceView) Until() string {
	if v.PausedUntil == nil {
		return ""
	}
	return v.PausedUntil.Format("2 January 2006")
}

// Blocked says in the person's words why they get no mail whatever they choose here, "" when they do.
func (v preferenceView) Blocked() string {
	switch {
	case v.Suppression == nil || v.OptedOut():
		return ""
	case v.Suppression.Reason == audience.ReasonComplaint:
		return "a message to it was reported as unwanted"
	case v.Suppression.Reason == audience.ReasonBounce:
		return "messages to it came back"
	}
	return "we were asked not to"
}

// askPreferences shows what the person may choose. It changes nothing, as scanners open every link.
func (p *pages) askPreferences(w http.ResponseWriter, r *http.Request) {
	p.showPreferences(w, r, http.StatusOK, preferenceView{})
}

func (p *pages) showPreferences(w http.ResponseWriter, r *http.Request, status int, v preferenceView) {
	token := chi.URLParam(r, "token")
	var err error
	if v.PreferenceInfo, err = p.deps.Campaigns.PreferenceInfo(r.Context(), token); err != nil {
		p.fail(w, r, err)
		return
	}
	p.show(w, r, status, publicView{
		State: "preferences", Title: "Your mail preferences", Token: token, Preferences: v,
		Info: campaigns.UnsubscribeInfo{Organization: v.Organization, PostalAddress: v.PostalAddress, Email: v.Email},
	})
}

// preferences does what one of the two forms on the page asks for.
func (p *pages) preferences(w http.ResponseWriter, r *http.Request) {
	form, ok := p.form(w, r)
	if !ok {
		return
	}
	token := chi.URLParam(r, "token")
	switch form.Get("do") {
	case doEverything:
		if err := p.deps.Campaigns.UnsubscribeFromAll(r.Context(), token, sourcePreferences); err != nil {
			p.fail(w, r, err)
			return
		}
		p.showLeft(w, r, "done")
	case doSave:
		in, err := preferenceInput(form)
		if err == nil {
			err = p.deps.Campaigns.SetPreferences(r.Context(), token, in)
		}
		switch {
		case errs.Is(err, errs.Invalid):
			p.showPreferences(w, r, http.StatusBadRequest, preferenceView{Problem: "Nothing was saved, since a choice was not one of those below. Please choose again."})
		case err != nil:
			p.fail(w, r, err)
		default:
			p.showPreferences(w, r, http.StatusOK, preferenceView{Saved: true})
		}
	default:
		p.showPreferences(w, r, http.StatusBadRequest, preferenceView{Problem: "Nothing was saved, since the request was not complete. Please choose again."})
	}
}

// maxPreferenceLists bounds how many lists one form can speak of.
const maxPreferenceLists = 1000

// preferenceInput reads the form. What is not a choice of the page is Invalid.
func preferenceInput(form url.Values) (campaigns.PreferenceInput, error) {
	in := campaigns.PreferenceInput{Frequency: form.Get("frequency"), NoTracking: form.Get("no_tracking") != ""}
	bad := errs.New(errs.Invalid, "this is not a choice of the page")
	var err error
	if in.Shown, err = listIDs(form["shown"]); err != nil {
		return in, bad
	}
	if in.On, err = listIDs(form["list"]); err != nil {
		return in, bad
	}
	if pause := form.Get("pause"); pause != "keep" {
		months, err := strconv.Atoi(pause)
		if err != nil || !slices.Contains(audience.PauseMonths, months) {
			return in, bad
		}
		in.PauseMonths = &months
	}
	return in, nil
}

func listIDs(values []string) ([]int64, error) {
	if len(values) > maxPreferenceLists {
		return nil, errs.New(errs.Invalid, "these are too many lists")
	}
	ids := make([]int64, len(values))
	for i, v := range values {
		id, err := strconv.ParseInt(v, 10, 64)
		if err != nil || id < 1 {
			return nil, errs.New(errs.Invalid, "this is not a list")
		}
		ids[i] = id
	}
	return ids, nil
}
