package api

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"postrider/events/hooks"
	"postrider/events/hooksource"
	"postrider/internal/errs"
)

// retryHook is when a provider may come again with what could not be stored, in seconds. Providers have their own plans and few look at it.
const retryHook = "60"

// providerHooks adds the addresses that mail providers send to. No session is read there: the secret in the path and the signature say who it is.
func (s *server) providerHooks(r chi.Router) {
	const path = "/hooks/{provider}/{id}/{secret}"
	r.Get(path, s.showHook)
	r.Head(path, s.showHook) // Mandrill tries an address like this before it accepts it
	r.Post(path, s.takeHook)
}

func (s *server) findHook(r *http.Request) (hooksource.Source, error) {
	id, err := strconv.ParseInt(chi.URLParam(r, "id"), 10, 64)
	if err != nil {
		id = 0 // like one that is not there
	}
	return s.deps.Hooks.Find(r.Context(), chi.URLParam(r, "provider"), id, chi.URLParam(r, "secret"))
}

func (s *server) showHook(w http.ResponseWriter, r *http.Request) {
	source, err := s.findHook(r)
	if err != nil {
		s.refuseHook(w, r, err)
		return
	}
	plain(w, http.StatusOK, "This address is for "+source.Provider.Name()+", which sends to it by POST.\n")
}

// takeHook says yes only when everything that the request says is committed. The body is not read before the secret has been looked at.
func (s *server) takeHook(w http.ResponseWriter, r *http.Request) {
	source, err := s.findHook(r)
	if err != nil {
		s.refuseHook(w, r, err)
		return
	}
	body, err := readHook(w, r)
	if err == nil {
		err = s.deps.Hooks.Take(r.Context(), source, r.Header, body)
	}
	if err != nil {
		s.refuseHook(w, r, err)
		return
	}
	plain(w, http.StatusOK, "taken\n")
}

func readHook(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if c := requestOf(r.Context()).control; c != nil {
		_ = c.SetReadDeadline(time.Now().Add(bodyTimeout)) // not every writer has deadlines
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, hooks.MaxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, errs.New(errs.TooLarge, "a webhook may send at most 5 MB at once")
	}
	if err != nil {
		return nil, errs.Because(errs.Invalid, err, "the request broke off")
	}
	return body, nil
}

// refuseHook makes every failure of ours one that providers try again after.
func (s *server) refuseHook(w http.ResponseWriter, r *http.Request, err error) {
	p := *s.problem(r.Context(), "body", err)
	if p.Status >= http.StatusInternalServerError {
		p.Status, p.Title = http.StatusServiceUnavailable, http.StatusText(http.StatusServiceUnavailable)
		p.header = http.Header{"Retry-After": {retryHook}}
		if p.Detail == "internal error" {
			p.Detail = "the reports could not be stored; send them again later"
		}
	}
	s.writeProblem(w, r, &p)
}
