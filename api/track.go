package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"postrider/campaigns"
	"postrider/events"
	"postrider/templates/media"
)

// Where pixels and counted links are. Their addresses are in mail that is out in the world: never change them.
const (
	openPath  = "/t/o/"
	clickPath = "/t/c/"
)

// A transparent image of one pixel.
var pixel = []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;")

// What each answer says, in the form of http.Header. Nobody changes a slice.
var (
	contentGIF    = []string{"image/gif"}
	lengthOfPixel = []string{"43"}
	lengthNone    = []string{"0"}
	notStored     = []string{"no-store, private"}
	noReferrer    = []string{"no-referrer"}
	noIndex       = []string{"noindex"}
	noSniff       = []string{"nosniff"}
)

// hiddenText is what the hidden link shows.
const hiddenText = "This link cannot be seen in the message. It tells programs that follow every link from people who read.\n"

// quickTracking answers the requests that come in great numbers, pixels and links that are the same for everybody, ahead of the router and its middleware: they need no
// session, no compression, no body, and are not in the access log. All others it leaves to next. The answer is written before the event is recorded, and an answer never
// waits for the database.
func (s *server) quickTracking(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		if token, ok := strings.CutPrefix(r.URL.Path, openPath); ok {
			s.open(w, r, token)
			return
		}
		if token, ok := strings.CutPrefix(r.URL.Path, clickPath); ok {
			if t, ok := s.deps.Campaigns.ClickQuickly(token); ok {
				s.clicked(w, r, t)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// tracking adds what quickTracking leaves over.
func (p *pages) tracking(r chi.Router) {
	r.Get(clickPath+"{token}", p.click)
	r.Head(clickPath+"{token}", p.click)
}

// open answers with the pixel whatever the token: a broken image in a mail helps nobody.
func (s *server) open(w http.ResponseWriter, r *http.Request, token string) {
	h := w.Header()
	h["Content-Type"], h["Content-Length"], h["Cache-Control"], h["X-Content-Type-Options"] = contentGIF, lengthOfPixel, notStored, noSniff
	_, _ = w.Write(pixel) // a reader who went away is nobody's error
	t, err := s.deps.Campaigns.OpenTracked(strings.TrimSuffix(token, ".gif"))
	if err == nil {
		s.note(w, r, t.Event)
	}
}

// click leads to the link that the token stands for, and nowhere else: the address is not in the request.
func (p *pages) click(w http.ResponseWriter, r *http.Request) {
	t, err := p.deps.Campaigns.ClickTracked(r.Context(), chi.URLParam(r, "token"))
	if err != nil {
		p.fail(w, r, err)
		return
	}
	p.clicked(w, r, t)
}

func (s *server) clicked(w http.ResponseWriter, r *http.Request, t campaigns.Tracked) {
	h := w.Header()
	h["Cache-Control"], h["Referrer-Policy"], h["X-Robots-Tag"] = notStored, noReferrer, noIndex
	if t.Target == "" {
		plain(w, http.StatusOK, hiddenText)
	} else {
		h["Location"], h["Content-Length"] = []string{t.Target}, lengthNone
		w.WriteHeader(http.StatusFound)
	}
	s.note(w, r, t.Event)
}

// note records what an answered request stands for, unless the reader asks not to be followed. When the database does not keep up, the answer goes out before this waits.
func (s *server) note(w http.ResponseWriter, r *http.Request, e events.Event) {
	if e.Kind == "" || s.doNotTrack(w, r) {
		return
	}
	e.Head, e.UserAgent = r.Method == http.MethodHead, r.UserAgent()
	if s.deps.Events.Offer(e) {
		return
	}
	flush(w)
	s.deps.Events.Record(e)
}

// flush lets the answer go before the handler has ended. What cannot be flushed goes out then.
func flush(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }

// doNotTrack reports whether the reader says so (Tracking Preference Expression §5.2; Global Privacy Control §3) and the installation honours it.
func (s *server) doNotTrack(w http.ResponseWriter, r *http.Request) bool {
	if r.Header.Get("Dnt") != "1" && r.Header.Get("Sec-Gpc") != "1" {
		return false
	}
	flush(w) // this may ask the database
	set, err := s.deps.Settings.Recent(r.Context())
	return err != nil || set.HonourDoNotTrack
}

// onlyMail lets requests to the host of the tracking address have the addresses that stand in mail, and nothing else: that name is for readers.
func (s *server) onlyMail(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/t/") && !strings.HasPrefix(r.URL.Path, "/u/") && !strings.HasPrefix(r.URL.Path, "/p/") && !strings.HasPrefix(r.URL.Path, media.URLPath) && s.isTrackingHost(r.Context(), r.Host) {
			plain(w, http.StatusNotFound, "Nothing is here.\n")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isTrackingHost reports whether a host is that of the tracking address and of nothing else.
func (s *server) isTrackingHost(ctx context.Context, host string) bool {
	set, err := s.deps.Settings.Recent(ctx)
	if err != nil || set.TrackingURL == "" {
		return false
	}
	tracking := hostOf(set.TrackingURL)
	return strings.EqualFold(host, tracking) && !strings.EqualFold(tracking, hostOf(set.PublicURL))
}

// hostOf gives host and port of an origin.
func hostOf(origin string) string {
	_, host, _ := strings.Cut(origin, "://")
	return host
}
