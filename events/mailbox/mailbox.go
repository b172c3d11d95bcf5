package mailbox

import (
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode"

	"postrider/internal/addr"
	"postrider/internal/errs"
	"postrider/internal/oauth"
	"postrider/sender/presets"
)

// Protocols of a mailbox.
const (
	IMAP = "imap"
	POP3 = "pop3"
)

// How a connection is protected, in the words of relays.
const (
	TLSNone     = "none"     // clear text
	TLSStartTLS = "starttls" // STARTTLS or STLS, required (RFC 2595)
	TLSImplicit = "implicit" // TLS from the first byte (RFC 8314 §3.2)
)

// How we log in.
const (
	AuthPassword = "password" // SASL PLAIN where it is offered, else LOGIN or USER and PASS
	AuthXOAUTH2  = "xoauth2"
)

// What becomes of a message that was taken.
const (
	AfterMove   = "move" // to Input.MoveTo; IMAP only
	AfterDelete = "delete"
	AfterLeave  = "leave"
)

// States of a mailbox.
const (
	Active = "active"
	Paused = "paused"
)

// How new mail is noticed.
const (
	ModeIdle = "idle" // the server tells (RFC 2177)
	ModePoll = "poll" // it is looked at from time to time
)

const (
	defaultFolder  = "INBOX"
	defaultMoveTo  = "Postrider"
	defaultPoll    = 10 // minutes
	maxPollMinutes = 24 * 60
	maxNameLength  = 200
	maxFolder      = 250
)

// Mailbox is a mailbox with how reading it goes. It never holds a secret in the clear.
type Mailbox struct {
	ID              int64
	Name            string
	Provider        string // an id of sender/presets; "" = not chosen
	Protocol        string
	Host            string // a name in A-labels or an IP address without brackets
	Port            int
	TLS             string
	AllowCleartext  bool
	Auth            string
	Username        string
	HasPassword     bool
	OAuthClientID   string
	OAuthTokenURL   string
	HasClientSecret bool
	HasRefreshToken bool
	Folder          string // IMAP: where bounces arrive
	AfterTaken      string
	MoveTo          string
	ClearIgnored    bool // automatic answers that say nothing go the way of what was taken
	PollMinutes     int
	Status          string
	CreatedAt       time.Time
	UpdatedAt       time.Time

	Mode        string // "" before the first check
	Reading     bool   // a process has it in hand
	Messages    *int64 // in the folder, at the last check
	CheckedAt   *time.Time
	NextCheckAt time.Time
	WaitUntil   *time.Time // the provider's limit: not before, whoever asks
	Problem     *Problem   `db:"-"`
	Usage
	Retrying int // messages that are tried again later
	StuckNow int // messages that are given up until a person asks

	uidValidity, lastUID int64
	version              int64
	failures             int

	sealedPassword, sealedClientSecret, sealedRefreshToken []byte
}

// Usage is what was read in the last 24 hours.
type Usage struct {
	Taken    int
	Ignored  int
	Foreign  int // mail of somebody to somebody, left alone
	Failed   int // tries that ended with an error
	BytesIn  int64
	BytesOut int64
}

// Problem is what keeps a mailbox from being read, in words for a person.
type Problem struct {
	Kind   Kind
	Step   string
	Text   string // the server's own words, or ours
	Remedy string
	At     time.Time
}

// Stuck is a message that could not be taken.
type Stuck struct {
	UID      string
	Stuck    bool // it is not tried any more
	Attempts int
	Error    string
	NextAt   *time.Time
	NotedAt  time.Time
}

// PresetKey is what sender/presets knows the mailbox by.
func (m Mailbox) PresetKey() string {
	if m.Provider != "" {
		return m.Provider
	}
	return m.Host
}

// Input is what a person may set. Zero values stand for the defaults: IMAP over implicit TLS on its port, a password, INBOX, what was taken moved to "Postrider"
// (left in place with POP3), a poll every ten minutes where the server does not tell of new mail itself.
//
// A secret that is nil keeps the stored one in an update; a pointer to "" takes it away.
type Input struct {
	Name           string
	Provider       string
	Protocol       string
	Host           string
	Port           int
	TLS            string
	AllowCleartext bool // without TLS to another machine: the password crosses the network readable by all
	Auth           string
	Username       string
	Password       *string
	OAuth          oauth.Input
	Folder         string
	AfterTaken     string
	MoveTo         string
	ClearIgnored   bool
	PollMinutes    int
}

// String names the mailbox and leaves the secrets out, whatever verb prints it.
func (in Input) String() string { return "mailbox " + in.Name }

// GoString is String for %#v.
func (in Input) GoString() string { return in.String() }

// LogValue keeps the secrets out of structured logs.
func (in Input) LogValue() slog.Value { return slog.StringValue(in.String()) }

// clean fills in the defaults and checks everything, so that a person sees all that is wrong at once. old is the mailbox whose secrets are kept where the input has
// none; the zero Mailbox has none.
func (in Input) clean(old Mailbox) (Input, error) {
	in = in.withDefaults()
	var wrong errs.Fields
	in.Name = strings.TrimSpace(in.Name)
	switch {
	case in.Name == "":
		wrong.Add("name", "give the mailbox a name")
	case len(in.Name) > maxNameLength || hasControl(in.Name):
		wrong.Add("name", "the name must be one line of at most %d bytes", maxNameLength)
	}
	in.checkChoices(&wrong)
	in.checkServer(&wrong)
	in.checkLogin(&wrong, old)
	in.checkFolders(&wrong)
	in.checkPoll(&wrong)
	return in, wrong.Err("this mailbox cannot be read as it is")
}

// usualPort is where servers listen (RFC 9051 §2.1, RFC 8314 §7.3).
func usualPort(protocol, tls string) int {
	switch {
	case protocol == POP3 && tls == TLSImplicit:
		return 995
	case protocol == POP3:
		return 110
	case tls == TLSImplicit:
		return 993
	}
	return 143
}

func (in Input) withDefaults() Input {
	for _, d := range []struct {
		field *string
		value string
	}{{&in.Protocol, IMAP}, {&in.TLS, TLSImplicit}, {&in.Auth, AuthPassword}, {&in.Folder, defaultFolder}} {
		if *d.field == "" {
			*d.field = d.value
		}
	}
	if in.AfterTaken == "" {
		in.AfterTaken = AfterMove
		if in.Protocol == POP3 {
			in.AfterTaken = AfterLeave
		}
	}
	if in.AfterTaken == AfterMove && in.MoveTo == "" {
		in.MoveTo = defaultMoveTo
	}
	if in.AfterTaken != AfterMove {
		in.MoveTo = ""
	}
	if in.Protocol == POP3 {
		in.Folder = defaultFolder
	}
	if in.Port == 0 {
		in.Port = usualPort(in.Protocol, in.TLS)
	}
	if in.PollMinutes == 0 {
		in.PollMinutes = max(defaultPoll, in.leastPoll())
	}
	return in
}

// leastPoll is how many minutes the provider wants between two looks.
func (in Input) leastPoll() int {
	key := in.Provider
	if key == "" {
		key = in.Host
	}
	if r := presets.ReadingFor(key); r != nil {
		return int(r.PollEvery / time.Minute)
	}
	return 1
}

func (in Input) checkChoices(wrong *errs.Fields) {
	for _, c := range []struct {
		name, value string
		allowed     []string
	}{
		{"protocol", in.Protocol, []string{IMAP, POP3}},
		{"tls", in.TLS, []string{TLSNone, TLSStartTLS, TLSImplicit}},
		{"auth", in.Auth, []string{AuthPassword, AuthXOAUTH2}},
		{"after_taken", in.AfterTaken, []string{AfterMove, AfterDelete, AfterLeave}},
	} {
		if !slices.Contains(c.allowed, c.value) {
			wrong.Add(c.name, "%.100q is not known; choose one of %s", c.value, strings.Join(c.allowed, ", "))
		}
	}
	p, known := presets.ByID(in.Provider)
	switch {
	case in.Provider != "" && !known:
		wrong.Add("provider", "%.100q is not a known provider; leave it empty or choose one of the list", in.Provider)
	case known && p.Reading == nil:
		wrong.Add("provider", "%s has no mailboxes to read; bounces come back to the address that is set there, or by its webhooks", p.Name)
	}
}

func (in *Input) checkServer(wrong *errs.Fields) {
	host, problem := addr.Host(in.Host, in.Protocol+".example.org")
	if problem != "" {
		wrong.Add("host", "%s", problem)
	} else {
		in.Host = host
	}
	if in.Port < 1 || in.Port > 65535 {
		wrong.Add("port", "the port must be between 1 and 65535; with TLS from the start it is 993 for IMAP and 995 for POP3")
	}
	if in.TLS != TLSNone {
		in.AllowCleartext = false
	}
	if in.TLS == TLSNone && !addr.IsLoopback(in.Host) && !in.AllowCleartext {
		wrong.Add("tls", "without TLS the password and the mail would cross the network readable by all; choose implicit or starttls, or allow clear text on a network that is yours alone")
	}
}

func (in *Input) checkLogin(wrong *errs.Fields, old Mailbox) {
	none := ""
	switch {
	case in.Username == "":
		wrong.Add("username", "the user name is missing; often it is the whole address")
	case len(in.Username) > 500 || hasControl(in.Username):
		wrong.Add("username", "the user name must be one line of at most 500 bytes")
	}
	if in.Auth == AuthXOAUTH2 {
		in.Password = &none
		if strings.TrimSpace(in.OAuth.TokenURL) == "" {
			in.OAuth.TokenURL = presetTokenURL(in.Provider, in.Host)
		}
		if in.TLS == TLSNone && !addr.IsLoopback(in.Host) {
			wrong.Add("auth", "access tokens are not sent without TLS")
		}
		in.OAuth.Check(wrong, old.HasRefreshToken)
		return
	}
	in.OAuth = oauth.None()
	switch {
	case in.Password == nil && !old.HasPassword, in.Password != nil && *in.Password == "":
		wrong.Add("password", "the password is missing; many providers want an app password made in their settings")
	case in.Password != nil && (len(*in.Password) > 4096 || hasControl(*in.Password)):
		wrong.Add("password", "the password must be one line of at most 4096 bytes")
	}
}

func presetTokenURL(provider, host string) string {
	key := provider
	if key == "" {
		key = host
	}
	if p := presets.ReadingProvider(key); p != nil && p.OAuth != nil {
		return p.OAuth.TokenURL
	}
	return ""
}

func (in *Input) checkFolders(wrong *errs.Fields) {
	if len(in.Folder) > maxFolder || hasControl(in.Folder) {
		wrong.Add("folder", "the folder must be one line of at most %d bytes", maxFolder)
	}
	if len(in.MoveTo) > maxFolder || hasControl(in.MoveTo) {
		wrong.Add("move_to", "the folder must be one line of at most %d bytes", maxFolder)
	}
	if in.AfterTaken != AfterMove {
		return
	}
	switch {
	case in.Protocol == POP3:
		wrong.Add("after_taken", "POP3 knows no folders: choose delete or leave, or read the mailbox by IMAP")
	case sameFolder(in.MoveTo, in.Folder):
		wrong.Add("move_to", "what was read cannot be moved to the folder that is read; name another one")
	}
}

// sameFolder compares names of folders: INBOX is the same in any case (RFC 9051 §5.1), others are not.
func sameFolder(a, b string) bool {
	return a == b || strings.EqualFold(a, defaultFolder) && strings.EqualFold(b, defaultFolder)
}

func (in Input) checkPoll(wrong *errs.Fields) {
	least := max(1, in.leastPoll())
	if in.PollMinutes < least || in.PollMinutes > maxPollMinutes {
		wrong.Add("poll_minutes", "must be between %d and %d minutes for this provider", least, maxPollMinutes)
	}
}

func hasControl(s string) bool { return strings.ContainsFunc(s, unicode.IsControl) }
