package settings

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postrider/internal/errs"
	"postrider/internal/pg/pgtest"
)

func TestPutAndGet(t *testing.T) {
	t.Parallel()
	s := New(pgtest.DB(t), time.Now)
	got, err := s.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Settings{TimeZone: "UTC", HonourDoNotTrack: true, SoftBounceCount: 5, SoftBounceDays: 14, FrequencyCapDays: 7, MaxBouncePercent: 10, MaxComplaintPercent: 0.3, UndoSendSeconds: 10}, got); diff != "" {
		t.Fatal("before anything was said: ", diff)
	}
	want := Settings{
		Organization: "Tree Club", PublicURL: "https://news.example.org:8443", PostalAddress: "1 Wood Lane\nLeeds",
		DefaultFromName: "Trees", DefaultFromEmail: "news@example.org", TimeZone: "Europe/Berlin",
		FrequencyCapMails: 4, FrequencyCapDays: 10, SoftBounceCount: 3, SoftBounceDays: 30, MaxBouncePercent: 5, MaxComplaintPercent: 0.1,
		TrackingURL: "https://links.example.org",
	}
	in := want
	in.Organization, in.PublicURL, in.PostalAddress = "  Tree Club ", "HTTPS://News.example.org:8443/", "1 Wood Lane\r\nLeeds\n"
	in.TrackingURL = "https://Links.example.org:443/"
	if got, err = s.Put(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal("Put: ", diff)
	}
	if got, err = s.Get(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal("Get: ", diff)
	}
	if url, err := s.PublicURL(t.Context()); err != nil || url != want.PublicURL {
		t.Fatalf("PublicURL = %q, %v", url, err)
	}
}

func TestAnotherProcessSeesTheURLSoon(t *testing.T) {
	t.Parallel()
	pool, at := pgtest.DB(t), time.Now()
	here, there := New(pool, time.Now), New(pool, func() time.Time { return at })
	if url, err := there.PublicURL(t.Context()); err != nil || url != "" {
		t.Fatalf("PublicURL = %q, %v", url, err)
	}
	if _, err := here.Put(t.Context(), Settings{Organization: "x", PublicURL: "http://localhost"}); err != nil {
		t.Fatal(err)
	}
	at = at.Add(recentFor + time.Second)
	if url, err := there.PublicURL(t.Context()); err != nil || url != "http://localhost" {
		t.Fatalf("PublicURL = %q, %v", url, err)
	}
}

// Requests that come in great numbers go on with what was known when the database is away.
func TestRecentOutlivesTheDatabase(t *testing.T) {
	t.Parallel()
	pool, at := pgtest.DB(t), time.Now()
	s := New(pool, func() time.Time { return at })
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Recent(gone); err == nil {
		t.Fatal("something is known that nobody has read")
	}
	if set, err := s.Recent(t.Context()); err != nil || !set.HonourDoNotTrack {
		t.Fatalf("%+v, %v", set, err)
	}
	if _, err := New(pool, time.Now).Put(t.Context(), Settings{Organization: "x"}); err != nil {
		t.Fatal(err)
	}
	at = at.Add(recentFor + time.Second)
	if set, err := s.Recent(gone); err != nil || !set.HonourDoNotTrack {
		t.Fatalf("without a database: %+v, %v", set, err)
	}
	at = at.Add(recentFor + time.Second)
	if set, err := s.Recent(t.Context()); err != nil || set.HonourDoNotTrack {
		t.Fatalf("with the database again: %+v, %v", set, err)
	}
}

func TestPutRefuses(t *testing.T) {
	t.Parallel()
	s := New(pgtest.DB(t), time.Now)
	_, err := s.Put(t.Context(), Settings{
		PublicURL: "news.example.org", TrackingURL: "https://links.example.org/t", DefaultFromName: "a\r\nBcc: b", DefaultFromEmail: "nobody", TimeZone: "Mars/Base",
		FrequencyCapMails: -1, FrequencyCapDays: 366, UndoSendSeconds: -1, SoftBounceCount: -1, SoftBounceDays: 366, MaxBouncePercent: 101, MaxComplaintPercent: math.NaN(),
		PostalAddress: strings.Repeat("x", 1001), PreflightSpam: "127.0.0.1:783",
	})
	var e *errs.E
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	var names []string
	for _, f := range e.Fields {
		names = append(names, f.Name)
	}
	if diff := cmp.Diff([]string{"organization", "default_from_name", "postal_address", "public_url", "tracking_url", "default_from_email", "time_zone",
		"soft_bounce_count", "soft_bounce_days", "frequency_cap_mails", "frequency_cap_days", "preflight_spam", "undo_send_seconds", "max_bounce_percent", "max_complaint_percent"}, names); diff != "" {
		t.Fatal(diff)
	}
}

func TestParseOrigin(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"http://localhost:8080": "http://localhost:8080", "https://EXAMPLE.org:443/": "https://example.org", "http://[::1]:80": "http://[::1]",
		"http://[::1]:8080": "http://[::1]:8080", " https://a.b ": "https://a.b",
		"": "", "null": "", "ftp://a.b": "", "https://a.b/path": "", "https://u:p@a.b": "", "https://a.b?x": "", "https://a.b#x": "", "https://": "",
		"//a.b": "", "https://a b": "", "https://:80": "", "javascript:alert(1)": "", "https://a\"b": "",
	} {
		got, err := parseOrigin(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("parseOrigin(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
}
