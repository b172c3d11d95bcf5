package campaigns

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"postrider/internal/errs"
)

// Status is where a campaign stands.
type Status string

// A campaign goes draft → (scheduled →) running ⇄ paused → finished, or → cancelled.
const (
	StatusDraft     Status = "draft"
	StatusScheduled Status = "scheduled"
	StatusRunning   Status = "running"
	StatusPaused    Status = "paused"
	StatusCancelled Status = "cancelled"
	StatusFinished  Status = "finished"
)

// What becomes of a delivery whose reply was lost between the final dot and the answer.
const (
	// PolicyHold leaves it unconfirmed until a person decides. The default.
	PolicyHold = "hold"
	// PolicyResend sends it again with the same Message-ID.
	PolicyResend = "resend"
	// PolicyAssumeDelivered counts it as sent.
	PolicyAssumeDelivered = "assume_delivered"
)

// Input is what a person decides about a campaign. Text fields are Liquid sources.
type Input struct {
	Name       string
	Subject    string
	Preheader  string
	FromName   string
	FromEmail  string
	ReplyTo    string
	HTML       string
	Text       string
	TemplateID *int64
	// RelayIDs are the relays that share the mail, the first one first.
	RelayIDs          []int64
	ListIDs           []int64
	TrackOpens        bool
	TrackClicks       bool
	UnconfirmedPolicy string
	ExpiresAfterHours int
	// Shares of its mail in percent above which the campaign stops and asks, 100 for never; nil is what the settings say.
	MaxBouncePercent, MaxComplaintPercent *float64
}

// Campaign is one mailing.
type Campaign struct {
	ID          int64
	Status      Status
	PauseReason *string
	Input
	ScheduledAt *time.Time
	StartedAt   *time.Time
	FinishedAt  *time.Time
	// Recipients and Excluded are 0 until Start. Freezing says that they still grow: the audience is being written into the ledger.
	Recipients int
	Excluded   int
	Freezing   bool
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// WithStats is a campaign as lists show it: without its bodies, with its figures.
type WithStats struct {
	Campaign Campaign
	Stats    Stats
}

func (in *Input) setDefaults() {
	if in.UnconfirmedPolicy == "" {
		in.UnconfirmedPolicy = PolicyHold
	}
	if in.ExpiresAfterHours == 0 {
		in.ExpiresAfterHours = 72
	}
	if in.ListIDs == nil {
		in.ListIDs = []int64{}
	}
	if in.RelayIDs == nil {
		in.RelayIDs = []int64{}
	}
}

// mostRelays of one campaign.
const mostRelays = 20

// validate checks what must hold even for a draft.
func (in *Input) validate() error {
	var f errs.Fields
	for name, text := range map[string]string{"name": in.Name, "subject": in.Subject, "preheader": in.Preheader, "from_name": in.FromName, "from_email": in.FromEmail,
		"reply_to": in.ReplyTo, "html": in.HTML, "text": in.Text} {
		if strings.ContainsRune(text, 0) || !utf8.ValidString(text) {
			f.Add(name, "this holds a character that no text has (NUL, or broken UTF-8); take it out")
		}
	}
	if in.Name == "" {
		f.Add("name", "give the campaign a name; only you see it")
	}
	switch in.UnconfirmedPolicy {
	case PolicyHold, PolicyResend, PolicyAssumeDelivered:
	default:
		f.Add("unconfirmed_policy", "must be hold, resend or assume_delivered")
	}
	if len(in.RelayIDs) > mostRelays {
		f.Add("relay_ids", "choose at most %d relays", mostRelays)
	}
	for i, id := range in.RelayIDs {
		if slices.Contains(in.RelayIDs[:i], id) {
			f.Add("relay_ids", "relay %d is named twice", id)
		}
	}
	if in.ExpiresAfterHours < 1 || in.ExpiresAfterHours > 720 {
		f.Add("expires_after_hours", "must be between 1 and 720 hours")
	}
	for name, v := range map[string]*float64{"max_bounce_percent": in.MaxBouncePercent, "max_complaint_percent": in.MaxComplaintPercent} {
		if v != nil && !(*v > 0 && *v <= 100) {
			f.Add(name, "must be a share in percent above 0, at most 100")
		}
	}
	return f.Err("the campaign cannot be saved like this")
}
