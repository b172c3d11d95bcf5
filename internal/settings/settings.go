// Package settings keeps what an installation says about itself: whose it is, where it is found, and what new campaigns start with.
//
// It owns the table settings, one row per field, so that a field can be added without a migration.
package settings

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // zones must be known on machines without zoneinfo too
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgxpool"

	"postrider/internal/addr"
	"postrider/internal/errs"
	"postrider/internal/pg"
)

// Settings is all of it. The zero value of a field means that nobody has said anything yet; where there is a default, it is filled in.
type Settings struct {
	Organization     string `json:"organization"`
	PublicURL        string `json:"public_url"`     // an origin, https://news.example.org: no path, no slash at the end
	PostalAddress    string `json:"postal_address"` // may have several lines
	DefaultFromName  string `json:"default_from_name"`
	DefaultFromEmail string `json:"default_from_email"`
	TimeZone         string `json:"time_zone"` // IANA name
	// An address is given up after SoftBounceCount soft bounces over SoftBounceDays days.
	SoftBounceCount int `json:"soft_bounce_count"`
	SoftBounceDays  int `json:"soft_bounce_days"`
	// Shares in percent above which a running campaign stops and asks; 100 never stops.
	MaxBouncePercent    float64 `json:"max_bounce_percent"`
	MaxComplaintPercent float64 `json:"max_complaint_percent"`
	// TrackingURL is the origin of pixels and counted links, as PublicURL; "" takes that one.
	TrackingURL string `json:"tracking_url"`
	// HonourDoNotTrack says that nothing is recorded of requests that say DNT: 1 or Sec-GPC: 1. True where nobody has said anything.
	HonourDoNotTrack bool `json:"honour_do_not_track"`
	// Nobody gets more than FrequencyCapMails mails of campaigns in FrequencyCapDays days of 24 hours; 0 mails is no cap.
	FrequencyCapMails int `json:"frequency_cap_mails"`
	FrequencyCapDays  int `json:"frequency_cap_days"`
	// PreflightSpam is the spam filter that mail is shown to before it is sent: http(s)://host:port of rspamd, spamd://host:port of SpamAssassin, "" for none.
	PreflightSpam string `json:"preflight_spam"`
	// UndoSendSeconds is how long a campaign that was started can be called back, as the interface offers it; 0 is not at all. 10 where nobody has said anything.
	UndoSendSeconds int `json:"undo_send_seconds"`
}

// Defaults. Mailbox providers want less than 0.3 % complaints (support.google.com/mail/answer/81126), sending services review an account
// at 5 to 10 % bounces (docs.aws.amazon.com/ses, "Using the reputation metrics").
const (
	DefaultSoftBounceCount     = 5
	DefaultSoftBounceDays      = 14
	DefaultFrequencyCapDays    = 7
	DefaultUndoSendSeconds     = 10
	DefaultMaxBouncePercent    = 10
	DefaultMaxComplaintPercent = 0.3
)

// setDefaults fills in what nobody has said anything about.
func (set *Settings) setDefaults() {
	orDefault(&set.TimeZone, "UTC")
	orDefault(&set.SoftBounceCount, DefaultSoftBounceCount)
	orDefault(&set.SoftBounceDays, DefaultSoftBounceDays)
	orDefault(&set.FrequencyCapDays, DefaultFrequencyCapDays)
	orDefault(&set.MaxBouncePercent, DefaultMaxBouncePercent)
	orDefault(&set.MaxComplaintPercent, DefaultMaxComplaintPercent)
}

func orDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// defaults is what holds where nobody has said anything, as far as a zero value does not say that; setDefaults does the rest.
func defaults() Settings {
	return Settings{HonourDoNotTrack: true, UndoSendSeconds: DefaultUndoSendSeconds}
}

// How long another process's change may stay unseen by Recent.
const recentFor = 5 * time.Second

// Service reads and writes the settings. It is safe for concurrent use.
type Service struct {
	pool *pgxpool.Pool
	now  func() time.Time

	mu      sync.Mutex
	recent  Settings
	readAt  time.Time // zero: never
	reading bool
}

// New makes the service. now is the clock.
func New(pool *pgxpool.Pool, now func() time.Time) *Service {
	return &Service{pool: pool, now: now}
}

// Get gives the settings as they are now.
func (s *Service) Get(ctx context.Context) (Settings, error) { return Read(ctx, s.pool) }

// Read is Get in the caller's transaction.
func Read(ctx context.Context, db pg.DB) (Settings, error) {
	set := defaults()
	var raw []byte
	err := db.QueryRow(ctx, `SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM settings`).Scan(&raw)
	if err != nil {
		return set, fmt.Errorf("reading settings: %w", err)
	}
	if err := json.Unmarshal(raw, &set); err != nil {
		return set, fmt.Errorf("reading settings: %w", err)
	}
	set.setDefaults()
	return set, nil
}

// Put replaces the settings and gives them as they were stored. Error: Invalid.
func (s *Service) Put(ctx context.Context, set Settings) (Settings, error) {
	if err := set.normalize(); err != nil {
		return set, err
	}
	if err := write(ctx, s.pool, set); err != nil {
		return set, err
	}
	s.remember(set, s.now())
	return set, nil
}

// PublicURL is Recent for one setting.
func (s *Service) PublicURL(ctx context.Context) (string, error) {
	set, err := s.Recent(ctx)
	return set.PublicURL, err
}

// Recent is Get for requests that come in great numbers: the answer may be some seconds old, and for as long as the database is away it is the last one. Only the first
// call waits for the database when others are reading already.
func (s *Service) Recent(ctx context.Context) (Settings, error) {
	now := s.now()
	s.mu.Lock()
	set, known := s.recent, !s.readAt.IsZero()
	if known && (s.reading || now.Sub(s.readAt) <= recentFor) {
		s.mu.Unlock()
		return set, nil
	}
	s.reading = true
	s.mu.Unlock()
	read, err := s.Get(ctx)
	if err != nil && known {
		read, err = set, nil // asked again when this one is too old again
	}
	if err != nil {
		s.mu.Lock()
		s.reading = false
		s.mu.Unlock()
		return Settings{}, err
	}
	s.remember(read, now)
	return read, nil
}

func (s *Service) remember(set Settings, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recent, s.readAt, s.reading = set, at, false
}

// InitTx writes the first settings, in the transaction of the set-up. A public URL that is no origin is left out, for it is only a guess.
func InitTx(ctx context.Context, tx pg.DB, organization, publicURL string) error {
	set := defaults()
	set.Organization, set.DefaultFromName = organization, organization
	if origin, err := parseOrigin(publicURL); err == nil {
		set.PublicURL = origin
	}
	if err := set.normalize(); err != nil {
		return err
	}
	return write(ctx, tx, set)
}

func write(ctx context.Context, db pg.DB, set Settings) error {
	raw, err := json.Marshal(set)
	if err != nil {
		return fmt.Errorf("writing settings: %w", err)
	}
	_, err = db.Exec(ctx, `
		INSERT INTO settings AS s (key, value) SELECT key, value FROM jsonb_each($1)
		ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = now() WHERE s.value <> excluded.value`, raw)
	if err != nil {
		return fmt.Errorf("writing settings: %w", err)
	}
	return nil
}

// normalize trims and checks every field, and says all that is wrong at once.
func (set *Settings) normalize() error {
	var wrong errs.Fields
	set.Organization = checkLine(&wrong, "organization", set.Organization)
	if set.Organization == "" {
		wrong.Add("organization", "say on whose behalf mail is sent")
	}
	set.DefaultFromName = checkLine(&wrong, "default_from_name", set.DefaultFromName)
	set.PostalAddress = strings.TrimSpace(strings.ReplaceAll(set.PostalAddress, "\r\n", "\n"))
	if utf8.RuneCountInString(set.PostalAddress) > 1000 {
		wrong.Add("postal_address", "this is longer than 1000 characters")
	}
	if set.PublicURL != "" {
		origin, err := parseOrigin(set.PublicURL)
		if err != nil {
			wrong.Add("public_url", "%s", err.Error())
		}
		set.PublicURL = origin
	}
	if set.TrackingURL != "" {
		origin, err := parseOrigin(set.TrackingURL)
		if err != nil {
			wrong.Add("tracking_url", "%s", err.Error())
		}
		set.TrackingURL = origin
	}
	if set.DefaultFromEmail = strings.TrimSpace(set.DefaultFromEmail); set.DefaultFromEmail != "" {
		address, err := addr.Normalize(set.DefaultFromEmail)
		var e *errs.E
		switch {
		case errors.As(err, &e):
			wrong.Add("default_from_email", "%s", e.Public)
		case err != nil:
			return err
		default:
			set.DefaultFromEmail = address.Display
		}
	}
	set.setDefaults()
	if _, err := time.LoadLocation(set.TimeZone); err != nil || set.TimeZone == "Local" {
		wrong.Add("time_zone", "there is no time zone %q: use a name like Europe/Berlin", set.TimeZone)
	}
	checkRange(&wrong, "soft_bounce_count", set.SoftBounceCount, 365)
	checkRange(&wrong, "soft_bounce_days", set.SoftBounceDays, 365)
	if set.FrequencyCapMails < 0 || set.FrequencyCapMails > 1000 {
		wrong.Add("frequency_cap_mails", "this must be a whole number from 1 to 1000, or 0 for no cap")
	}
	checkRange(&wrong, "frequency_cap_days", set.FrequencyCapDays, 365)
	if set.PreflightSpam = strings.TrimSpace(set.PreflightSpam); !spamFilter(set.PreflightSpam) {
		wrong.Add("preflight_spam", "this must be the address of rspamd, like http://127.0.0.1:11333, or of SpamAssassin's daemon, like spamd://127.0.0.1:783, or empty")
	}
	if set.UndoSendSeconds < 0 || set.UndoSendSeconds > 3600 {
		wrong.Add("undo_send_seconds", "this must be a whole number from 1 to 3600, or 0 for no grace period")
	}
	checkRange(&wrong, "max_bounce_percent", set.MaxBouncePercent, 100)
	checkRange(&wrong, "max_complaint_percent", set.MaxComplaintPercent, 100)
	return wrong.Err("the settings need some corrections")
}

// spamFilter reports whether a text is the address of a filter, or empty.
func spamFilter(text string) bool {
	if text == "" {
		return true
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || utf8.RuneCountInString(text) > 200 {
		return false
	}
	return u.Scheme == "http" || u.Scheme == "https" || u.Scheme == "spamd" && u.Port() != "" && u.Path == ""
}

// checkRange checks that a number is above 0 and not above most. What is not a number is neither.
func checkRange[T int | float64](wrong *errs.Fields, name string, v, most T) {
	if !(v > 0 && v <= most) {
		wrong.Add(name, "must be above 0 and at most %v", most)
	}
}

// checkLine trims text that ends up in a header field or a heading: one line, not too long.
func checkLine(wrong *errs.Fields, name, text string) string {
	text = strings.TrimSpace(text)
	if strings.ContainsFunc(text, unicode.IsControl) {
		wrong.Add(name, "this must be one line without control characters")
	}
	if utf8.RuneCountInString(text) > 200 {
		wrong.Add(name, "this is longer than 200 characters")
	}
	return text
}

var errOrigin = errors.New("this must be an address like https://news.example.org, with http or https and without a path")

// parseOrigin gives the origin (RFC 6454 §6.2: scheme, host and port in lower case, the default port left out) that the text stands for.
func parseOrigin(text string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Host == "" || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", errOrigin
	}
	scheme, host, port := strings.ToLower(u.Scheme), strings.ToLower(u.Hostname()), u.Port()
	if scheme != "http" && scheme != "https" || strings.ContainsAny(host, " \"'<>\\^`{|}") {
		return "", errOrigin
	}
	if scheme == "http" && port == "80" || scheme == "https" && port == "443" {
		port = ""
	}
	if port != "" {
		return scheme + "://" + net.JoinHostPort(host, port), nil
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return scheme + "://" + host, nil
}
