package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"postrider/audience"
	"postrider/events"
	"postrider/internal/secret"
	"postrider/sender"
)

// config is what an installation is told from outside. Everything else is a setting in the database. Its zero value works.
type config struct {
	DatabaseURL string        `name:"database-url" env:"DATABASE_URL" help:"Postgres to use. Without it a private one is started in the data folder." placeholder:"postgres://…"`
	DataDir     string        `name:"data-dir" env:"POSTRIDER_DATA_DIR" help:"Folder for the secret key, the journal and the private Postgres (default: /var/lib/postrider as root, else ~/.local/share/postrider)." placeholder:"DIR"`
	SecretKey   string        `name:"secret-key" env:"POSTRIDER_SECRET_KEY" help:"Base64 of 32 bytes that stored secrets are encrypted with. Without it a key file is made in the data folder. Prefer the environment to the flag." placeholder:"KEY"`
	MediaDir    string        `name:"media-dir" env:"POSTRIDER_MEDIA_DIR" help:"Folder for images and documents of mails; processes that serve must share it (default: media in the data folder)." placeholder:"DIR"`
	PGBin       string        `name:"pg-bin" env:"POSTRIDER_PG_BIN" help:"Folder of the Postgres programs for the private server." placeholder:"DIR"`
	Inbox       string        `name:"inbox" env:"POSTRIDER_INBOX" default:"127.0.0.1:0" help:"Address of the built-in inbox, a capture server for trying things out; off switches it off."`
	Workers     int           `name:"workers" env:"POSTRIDER_WORKERS" default:"32" help:"How many ranges of campaigns this process works on at once."`
	Signing     string        `name:"signing" env:"POSTRIDER_SIGNING" enum:"auto,go" default:"auto" help:"What makes the RSA signatures of DKIM: auto is the system's OpenSSL 3 where there is one, else Go; go is always Go, about four times slower."`
	StopTimeout time.Duration `name:"stop-timeout" env:"POSTRIDER_STOP_TIMEOUT" default:"60s" help:"How long a stop waits for messages that are on the wire."`
	HookPrivate bool          `name:"webhook-allow-private" env:"POSTRIDER_WEBHOOK_ALLOW_PRIVATE" help:"Let webhooks go to this machine and to private networks, and by http."`
	FetchPriv   bool          `name:"fetch-allow-private" env:"POSTRIDER_FETCH_ALLOW_PRIVATE" help:"Let feeds, documents and checks of links read from this machine and from private networks too."`
	MaxUpload   byteSize      `name:"max-upload" env:"POSTRIDER_MAX_UPLOAD" default:"64GiB" help:"The largest list that can be uploaded; a packed one may also not unpack to more." placeholder:"SIZE"`
	Disposable  string        `name:"disposable-domains" env:"POSTRIDER_DISPOSABLE_DOMAINS" help:"File with further domains of throw-away mail, one a line; with ! in front, one that is never flagged." placeholder:"FILE"`
	HookKeep    time.Duration `name:"webhook-keep" env:"POSTRIDER_WEBHOOK_KEEP" default:"720h" help:"How long the log of webhooks goes back."`
	Lease       time.Duration `name:"lease" env:"POSTRIDER_LEASE" hidden:"" help:"How long a process may be silent before it stops sending; after as long again others account for it. The same for all; for tests."`
	ClockFile   string        `name:"clock-file" env:"POSTRIDER_CLOCK_FILE" hidden:"" help:"File with a duration by which the clock is moved; for tests of schedules." placeholder:"FILE"`
	// Windows tell machines from people by time; the demonstration's readers are near.
	Windows   events.Windows `kong:"-"`
	LogFormat string         `name:"log-format" env:"POSTRIDER_LOG_FORMAT" enum:"text,json" default:"text" help:"text or json."`
	LogLevel  string         `name:"log-level" env:"POSTRIDER_LOG_LEVEL" enum:"debug,info,warn,error" default:"info" help:"debug, info, warn or error."`
}

// byteSize is a number of bytes, written as 500MB or 64GiB.
type byteSize int64

// UnmarshalText reads a size.
func (b *byteSize) UnmarshalText(text []byte) error {
	s := strings.ToUpper(strings.TrimSpace(string(text)))
	digits := strings.TrimRight(s, "BIKMGT ")
	unit, ok := map[string]float64{
		"": 1, "B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40,
	}[strings.TrimSpace(s[len(digits):])]
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil || !ok || n*unit < 1 || n*unit > 1<<50 {
		return fmt.Errorf("%q is no size such as 500MB or 64GiB", text)
	}
	*b = byteSize(n * unit)
	return nil
}

// httpConfig is what serve needs besides.
type httpConfig struct {
	Listen         string   `name:"listen" env:"POSTRIDER_LISTEN" default:"127.0.0.1:8080" help:"Address of API and interface."`
	PublicURL      string   `name:"public-url" env:"POSTRIDER_PUBLIC_URL" help:"Where the people who get the mail reach this service; used once, at the first start, to fill in the setting." placeholder:"https://…"`
	TrustedProxies []string `name:"trusted-proxies" env:"POSTRIDER_TRUSTED_PROXIES" help:"Networks of reverse proxies whose X-Forwarded-For is believed, besides loopback." placeholder:"CIDR"`
}

// bounceConfig is the mail server of the bounce domains. Its zero value is none.
type bounceConfig struct {
	BounceListen   string `name:"bounce-listen" env:"POSTRIDER_BOUNCE_LISTEN" help:"Address to take bounces on by SMTP, as the mail server (MX) of your bounce domains; off when empty." placeholder:"HOST:PORT"`
	BounceLMTP     string `name:"bounce-lmtp" env:"POSTRIDER_BOUNCE_LMTP" help:"Address to take bounces on by LMTP from a mail server in front: host:port, or unix:/path of a socket; off when empty." placeholder:"ADDRESS"`
	BounceHostname string `name:"bounce-hostname" env:"POSTRIDER_BOUNCE_HOSTNAME" help:"Name that the mail server for bounces greets with, the one in the MX record (default: this machine's name)." placeholder:"NAME"`
	BounceTLSCert  string `name:"bounce-tls-cert" env:"POSTRIDER_BOUNCE_TLS_CERT" help:"Certificate (PEM) with which STARTTLS is offered; read again when it changes." placeholder:"FILE"`
	BounceTLSKey   string `name:"bounce-tls-key" env:"POSTRIDER_BOUNCE_TLS_KEY" help:"Key (PEM) of the certificate." placeholder:"FILE"`
}

func (c config) logger() *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.LogLevel)) // kong let only known names through
	opts := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, opts))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, opts))
}

// dataDir gives the folder for everything that this machine keeps, made with access for nobody else. As root the private Postgres must be able to
// reach its own part of it, so others may pass through (not look).
func (c config) dataDir() (string, error) {
	dir := c.DataDir
	if dir == "" {
		var err error
		if dir, err = defaultDataDir(); err != nil {
			return "", err
		}
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("data folder: %w", err)
	}
	mode := fs.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711
	}
	if err := os.MkdirAll(dir, mode); err != nil {
		return "", fmt.Errorf("making the data folder: %w; choose another one with --data-dir", err)
	}
	return dir, nil
}

func defaultDataDir() (string, error) {
	if os.Geteuid() == 0 {
		return "/var/lib/postrider", nil
	}
	if d := os.Getenv("XDG_DATA_HOME"); d != "" {
		return filepath.Join(d, "postrider"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", errors.New("there is no home folder to keep data in; name a folder with --data-dir or POSTRIDER_DATA_DIR")
	}
	return filepath.Join(home, ".local", "share", "postrider"), nil
}

func (c config) box(dir string) (*secret.Box, error) {
	if c.SecretKey != "" {
		return secret.FromString(c.SecretKey)
	}
	return secret.LoadOrCreate(filepath.Join(dir, "secret.key"))
}

func (c config) mediaDir(dataDir string) string {
	if c.MediaDir != "" {
		return c.MediaDir
	}
	return filepath.Join(dataDir, "media")
}

func (c config) lease() time.Duration {
	if c.Lease <= 0 {
		return sender.DefaultLease
	}
	return max(c.Lease, time.Second)
}

func (c config) inboxAddr() string {
	if c.Inbox == "off" {
		return ""
	}
	return c.Inbox
}

// addressLists reads the file of domains, when there is one.
func (c config) addressLists() (audience.AddressLists, error) {
	if c.Disposable == "" {
		return audience.AddressLists{}, nil
	}
	f, err := os.Open(c.Disposable)
	if err != nil {
		return audience.AddressLists{}, fmt.Errorf("domains of throw-away mail: %w", err)
	}
	defer f.Close()
	return audience.ReadAddressLists(f)
}

func (h httpConfig) proxies() ([]netip.Prefix, error) {
	var ps []netip.Prefix
	for _, s := range h.TrustedProxies {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("trusted proxies: %q is no network such as 10.0.0.0/8", s)
		}
		ps = append(ps, p)
	}
	return ps, nil
}
