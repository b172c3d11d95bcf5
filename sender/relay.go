package sender

import (
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/net/idna"

	"postrider/internal/addr"
	"postrider/internal/errs"
	"postrider/internal/oauth"
	"postrider/sender/presets"
)

// Kinds of a relay.
const (
	RelaySMTP  = "smtp"  // a server that host, port, tls and auth describe
	RelayInbox = "inbox" // the built-in capture server; host, port, tls and auth are ignored
)

// How a connection to a relay is protected.
const (
	TLSNone     = "none"     // clear text
	TLSStartTLS = "starttls" // STARTTLS, required (RFC 3207)
	TLSImplicit = "implicit" // TLS from the first byte (RFC 8314 §3.3)
)

// How we identify ourselves to a relay (RFC 4954).
const (
	AuthNone        = "none"
	AuthAuto        = "auto" // the strongest that the server offers
	AuthPlain       = "plain"
	AuthLogin       = "login"
	AuthCRAMMD5     = "cram-md5"
	AuthSCRAMSHA1   = "scram-sha-1"
	AuthSCRAMSHA256 = "scram-sha-256"
	AuthXOAUTH2     = "xoauth2" // with access tokens, for which RelayInput.OAuth tells the way
)

// States of a relay.
const (
	RelayActive = "active"
	RelayPaused = "paused" // sends nothing; PauseReason says why when we paused it ourselves
)

// Whose address is the envelope sender.
const (
	ReturnPathPerRecipient = "per_recipient" // a signed address per delivery under the bounce domain
	ReturnPathFrom         = "from"          // the From address; for mailbox providers that force it anyway
)

// Whether we sign for a relay.
const (
	DKIMSign = "sign"
	DKIMOff  = "off" // the relay signs itself
)

const (
	defaultMaxConnections = 10
	defaultMaxMessages    = 100
	maxConnectionsLimit   = 1000
	maxMessagesLimit      = 1_000_000
	maxRateLimit          = 100_000_000 // keeps the distance between two messages well above a nanosecond
	maxNameLength         = 200
)

// Relay is an SMTP server we send through. It never holds the password in the clear; DialerFor opens it.
type Relay struct {
	ID                       int64
	Name                     string
	Provider                 string // an id of sender/presets; "" = not chosen
	Kind                     string
	Host                     string // a name in A-labels or an IP address without brackets
	Port                     int
	TLS                      string
	Auth                     string
	Username                 string
	HasPassword              bool
	OAuthClientID            string
	OAuthTokenURL            string
	HasClientSecret          bool
	HasRefreshToken          bool
	HELOName                 string // "" = this machine's name
	MaxConnections           int    // over all processes
	MaxMessagesPerConnection int
	Limits                   // over all processes
	Routing
	SiteLimits     bool    // it delivers to the recipients' servers itself, so that limits per site are kept
	Warmup         *Warmup `db:"-"`
	Window         *Window `db:"-"`
	ReturnPath     string
	DKIM           string
	SigningProfile string
	Status         string
	PauseReason    *string
	// BlockedUntil is when the provider takes mail again after the account had sent all it may; nil when it is not blocked.
	BlockedUntil  *time.Time
	BlockedReason *string
	Pace          *Pace `db:"-"` // nil: full speed
	InUse         bool  // a scheduled, running or paused campaign sends through it
	CreatedAt     time.Time
	UpdatedAt     time.Time

	// read is when this was read, by our clock: what is known of the pace since then is newer.
	read time.Time
	// urgent says that what is reserved is for messages that somebody waits for.
	urgent bool

	sealedPassword, sealedClientSecret, sealedRefreshToken []byte
}

// PresetKey is what sender/presets knows the relay by: the provider that was chosen, else the name of the server.
func (r Relay) PresetKey() string {
	if r.Provider != "" {
		return r.Provider
	}
	return r.Host
}

// ForUrgent is the relay for messages that somebody waits for: of the shares of an hour and a day they may have the part that is kept for them.
func (r Relay) ForUrgent() Relay {
	r.urgent = true
	return r
}

// RelayInput is what a person may set. Zero values stand for the defaults: smtp, starttls, auto (none without a username), 10 connections of
// 100 messages, no rate limit, weight 1, for all mail, a return path per recipient, signed with the default profile.
//
// Password nil keeps the stored one in an update; a pointer to "" takes it away. The same holds for the client secret, which not every client has,
// and the refresh token.
type RelayInput struct {
	Name                     string
	Provider                 string
	Kind                     string
	Host                     string
	Port                     int
	TLS                      string
	Auth                     string
	Username                 string
	Password                 *string
	OAuth                    OAuthInput
	HELOName                 string
	MaxConnections           int
	MaxMessagesPerConnection int
	Limits                   Limits
	Weight                   *int // nil: 1; 0: a backup
	FromDomains              []string
	RecipientSites           []string
	SiteLimits               *bool // nil: as the provider is
	Warmup                   *Warmup
	Window                   *Window
	ReturnPath               string
	DKIM                     string
	SigningProfile           string
}

// String names the relay and leaves the password out, whatever verb prints it.
func (in RelayInput) String() string { return "relay " + in.Name }

// GoString is String, so that %#v shows no password either.
func (in RelayInput) GoString() string { return in.String() }

// LogValue keeps the password out of structured logs.
func (in RelayInput) LogValue() slog.Value { return slog.StringValue(in.String()) }

// clean fills in the defaults and checks everything, so that a person sees all that is wrong at once. old is the relay whose secrets are kept where
// the input has none; the zero Relay has none.
func (in RelayInput) clean(old Relay) (RelayInput, error) {
	in = in.withDefaults()
	var wrong errs.Fields
	in.Name = strings.TrimSpace(in.Name)
	switch {
	case in.Name == "":
		wrong.Add("name", "give the relay a name")
	case len(in.Name) > maxNameLength || hasControl(in.Name):
		wrong.Add("name", "the name must be one line of at most %d bytes", maxNameLength)
	}
	if in.Kind == RelayInbox {
		in = in.forInbox()
	} else {
		in.checkServer(&wrong)
		in.checkAuth(&wrong, old)
	}
	in.checkChoices(&wrong)
	in.checkProvider(&wrong)
	in.checkLimits(&wrong)
	r := in.routing().clean(&wrong)
	in.FromDomains, in.RecipientSites = r.FromDomains, r.RecipientSites
	if err := wrong.Err("this relay cannot be used as it is"); err != nil {
		return in, err
	}
	return in, nil
}

func (in RelayInput) withDefaults() RelayInput {
	authDefault := AuthNone
	if in.Username != "" {
		authDefault = AuthAuto
	}
	for field, value := range map[*string]string{
		&in.Kind: RelaySMTP, &in.TLS: TLSStartTLS, &in.Auth: authDefault,
		&in.ReturnPath: ReturnPathPerRecipient, &in.DKIM: DKIMSign, &in.SigningProfile: "default",
	} {
		if *field == "" {
			*field = value
		}
	}
	if in.MaxConnections == 0 {
		in.MaxConnections = defaultMaxConnections
	}
	if in.MaxMessagesPerConnection == 0 {
		in.MaxMessagesPerConnection = defaultMaxMessages
	}
	if in.Weight == nil {
		one := 1
		in.Weight = &one
	}
	if in.SiteLimits == nil {
		p, _ := presets.ByID(in.Provider)
		in.SiteLimits = &p.SiteLimits
	}
	return in
}

func (in RelayInput) routing() Routing {
	return Routing{Weight: *in.Weight, FromDomains: in.FromDomains, RecipientSites: in.RecipientSites}
}

// forInbox drops what the built-in inbox has no use for, a password above all.
func (in RelayInput) forInbox() RelayInput {
	none := ""
	in.Host, in.Port, in.TLS, in.Auth, in.Username, in.Password, in.Provider = "", 0, TLSNone, AuthNone, "", &none, ""
	in.OAuth = oauth.None()
	return in
}

func (in *RelayInput) checkServer(wrong *errs.Fields) {
	host, problem := addr.Host(in.Host, "smtp.example.org")
	if problem != "" {
		wrong.Add("host", "%s", problem)
	} else {
		in.Host = host
	}
	if in.Port < 1 || in.Port > 65535 {
		wrong.Add("port", "the port must be between 1 and 65535; relays use 587 (STARTTLS), 465 (implicit TLS) or 25")
	}
	in.HELOName = strings.TrimSpace(in.HELOName)
	if in.HELOName == "" || isAddressLiteral(in.HELOName) {
		return
	}
	if name, ok := addr.ASCII(idna.Lookup, in.HELOName); !ok {
		wrong.Add("helo_name", "%q is not a host name; leave it empty to use this machine's name", shorten(in.HELOName))
	} else {
		in.HELOName = name
	}
}

func (in *RelayInput) checkAuth(wrong *errs.Fields, old Relay) {
	none := ""
	if in.Auth == AuthNone {
		in.Username, in.Password, in.OAuth = "", &none, oauth.None()
		return
	}
	switch {
	case in.Username == "":
		wrong.Add("username", "authentication needs a user name; without one choose authentication \"none\"")
	case len(in.Username) > 500 || hasControl(in.Username):
		wrong.Add("username", "the user name must be one line of at most 500 bytes")
	}
	if in.TLS == TLSNone && !addr.IsLoopback(in.Host) && in.Auth != AuthCRAMMD5 && in.Auth != AuthSCRAMSHA1 && in.Auth != AuthSCRAMSHA256 {
		wrong.Add("tls", "without TLS the password would cross the network readable by all; choose starttls (port 587) or implicit (port 465)")
	}
	if in.Auth == AuthXOAUTH2 {
		in.Password = &none
		in.checkOAuth(wrong, old)
		return
	}
	in.OAuth = oauth.None()
	switch {
	case in.Password == nil && !old.HasPassword, in.Password != nil && *in.Password == "":
		wrong.Add("password", "authentication needs a password; many providers want an app password made in their settings")
	case in.Password != nil && (len(*in.Password) > 4096 || hasControl(*in.Password)):
		wrong.Add("password", "the password must be one line of at most 4096 bytes")
	}
}

func (in RelayInput) checkChoices(wrong *errs.Fields) {
	for _, c := range []struct {
		name, value string
		allowed     []string
	}{
		{"kind", in.Kind, []string{RelaySMTP, RelayInbox}},
		{"tls", in.TLS, []string{TLSNone, TLSStartTLS, TLSImplicit}},
		{"auth", in.Auth, []string{AuthNone, AuthAuto, AuthPlain, AuthLogin, AuthCRAMMD5, AuthSCRAMSHA1, AuthSCRAMSHA256, AuthXOAUTH2}},
		{"return_path", in.ReturnPath, []string{ReturnPathPerRecipient, ReturnPathFrom}},
		{"dkim", in.DKIM, []string{DKIMSign, DKIMOff}},
		{"signing_profile", in.SigningProfile, []string{"default", "ses"}},
	} {
		if !slices.Contains(c.allowed, c.value) {
			wrong.Add(c.name, "%q is not known; choose one of %s", shorten(c.value), strings.Join(c.allowed, ", "))
		}
	}
}

// checkProvider accepts only what sender/presets knows: the provider decides how replies are understood.
func (in RelayInput) checkProvider(wrong *errs.Fields) {
	if _, known := presets.ByID(in.Provider); in.Provider != "" && !known {
		wrong.Add("provider", "%q is not a known provider; leave it empty or choose one of the list", shorten(in.Provider))
	}
}

func (in RelayInput) checkLimits(wrong *errs.Fields) {
	if in.MaxConnections < 1 || in.MaxConnections > maxConnectionsLimit {
		wrong.Add("max_connections", "must be between 1 and %d", maxConnectionsLimit)
	}
	if in.MaxMessagesPerConnection < 1 || in.MaxMessagesPerConnection > maxMessagesLimit {
		wrong.Add("max_messages_per_connection", "must be between 1 and %d", maxMessagesLimit)
	}
	in.Limits.check(wrong)
	in.Warmup.check(wrong)
	in.Window.Check(wrong)
}

// isAddressLiteral accepts "[192.0.2.1]" and "[IPv6:2001:db8::1]" (RFC 5321 §4.1.3).
func isAddressLiteral(s string) bool {
	inner, ok := strings.CutPrefix(s, "[")
	if !ok {
		return false
	}
	if inner, ok = strings.CutSuffix(inner, "]"); !ok {
		return false
	}
	if v6, ok := strings.CutPrefix(inner, "IPv6:"); ok {
		ip, err := netip.ParseAddr(v6)
		return err == nil && ip.Is6() && ip.Zone() == ""
	}
	ip, err := netip.ParseAddr(inner)
	return err == nil && ip.Is4()
}

func hasControl(s string) bool { return strings.ContainsFunc(s, unicode.IsControl) }

// shorten keeps what a person typed short enough to be shown back.
func shorten(s string) string {
	const limit = 100
	s = strings.ToValidUTF8(s, "�")
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "…"
}
