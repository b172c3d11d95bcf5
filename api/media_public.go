package api

import (
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"postrider/internal/errs"
	"postrider/templates/media"
)

// filePolicy lets what people uploaded do nothing, also when a browser shows it as a page.
const filePolicy = "default-src 'none'; sandbox"

// mediaFiles serves the library to readers of mail, who are nobody: no session is read and no cookie is set.
func (s *server) mediaFiles(r chi.Router) {
	r.Get(media.URLPath+"{hash}/{name}", s.mediaFile)
	r.Head(media.URLPath+"{hash}/{name}", s.mediaFile)
}

// mediaFile finds the file by the hash alone. What is at an address can never change, so that everybody may keep it.
func (s *server) mediaFile(w http.ResponseWriter, r *http.Request) {
	o, err := s.deps.Media.Open(r.Context(), chi.URLParam(r, "hash"))
	if err != nil {
		s.noMediaFile(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", filePolicy)
	h.Set("Cross-Origin-Resource-Policy", "cross-origin") // pages of webmail show it
	h.Set("Referrer-Policy", "no-referrer")
	if o.Redirect != "" {
		h.Set("Cache-Control", "public, max-age=3600") // files can be moved
		h.Set("Location", o.Redirect)
		w.WriteHeader(http.StatusFound)
		return
	}
	defer o.Body.Close()
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("ETag", strconv.Quote(o.File.HashText()))
	h.Set("Content-Type", o.File.ContentType)
	if o.File.ContentType == media.PDF {
		h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": o.File.Slug()}))
	}
	http.ServeContent(w, r, "", time.Time{}, o.Body)
}

func (s *server) noMediaFile(w http.ResponseWriter, r *http.Request, err error) {
	if errs.Is(err, errs.NotFound) {
		plain(w, http.StatusNotFound, "there is no such file\n")
		return
	}
	if r.Context().Err() == nil {
		s.log.LogAttrs(r.Context(), slog.LevelError, "a media file could not be served", slog.String("request_id", requestOf(r.Context()).id), slog.String("error", err.Error()))
	}
	w.Header().Set("Retry-After", "30")
	plain(w, http.StatusServiceUnavailable, "the file cannot be read at the moment\n")
}

func thumbnailPath(id int64) string {
	return Prefix + "/media/" + strconv.FormatInt(id, 10) + "/thumbnail"
}
