package campaigns

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"postrider/internal/errs"
	"postrider/sender"
	"postrider/templates"
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
	// StatusOpen is that of a stream of messages, which never has all of them: open ⇄ paused, and → finished when it is not used any more.
	StatusOpen Status = "open"
)

// What a campaign is for.
const (
	PurposeMailing  = "mailing"
	PurposeMessages = "messages" // a stream of messages that programs send to single people
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
	Name      string
	Subject   string
	Preheader string
	FromName  string
	FromEmail string
	ReplyTo   string
	// HTML is the body in the language of Kind; see templates.Source.
	Kind       templates.Kind
	LayoutID   *int64
	KeepCSS    bool
	HTML       string
	Text       string
	TemplateID *int64
	// RelayIDs are the relays that share the mail, the first one first.
	RelayIDs []int64
	ListIDs  []int64
	// Of the people on the lists it goes to those in any of SegmentIDs, where there are some, unless they are in one of the others or subscribed to one of ExcludeListIDs.
	SegmentIDs        []int64
	ExcludeSegmentIDs []int64
	ExcludeListIDs    []int64
	// IgnoreFrequencyCap is for mail so important that the installation's cap must not keep it back.
	IgnoreFrequencyCap bool
	TrackOpens         bool
	TrackClicks        bool
	UnconfirmedPolicy  string
	ExpiresAfterHours  int
	// Shares of its mail in percent above which the campaign stops and asks, 100 for never; nil is what the settings say.
	MaxBouncePercent, MaxComplaintPercent *float64
	// Window is when its mail may go out; nil is at all times.
	Window    *sender.Window
	LocalTime LocalTime
	// ABTest is a test of several variants; nil is none.
	ABTest *ABTest
}

// Campaign is one mailing.
type Campaign struct {
	ID          int64
	Purpose     string
	Status      Status
	PauseReason *string
	Input
	// ScheduledAt is when it starts by itself. With a local time that is when the first zone of the world has it, and LocalAt is the date and time as if it were UTC.
	ScheduledAt *time.Time
	LocalAt     *time.Time
	// Issue is the issue of a newsletter that the campaign is, nil for others.
	Issue *Issue
	// ParentID is the first run of a campaign that is another run of it, RunNo is 1 for the first, RerunTo says whom of the first one's ledger it is for.
	ParentID *int64
	RunNo    int
	RerunTo  []string
	// RerunSubject says that this run was given a subject of its own, for all variants of a test.
	RerunSubject bool
	// Undoable says that it is scheduled for the end of a grace period.
	Undoable   bool
	StartedAt  *time.Time
	FinishedAt *time.Time
	// Recipients and Excluded are 0 until Start. Freezing says that they still grow: the audience is being written into the ledger.
	Recipients int
	Excluded   int
	Freezing   bool
	// Of those in the ledger so far: who had a time zone in the field that does not exist, and who had none. They are in the zone of their list, or of the settings.
	ZonesInvalid, ZonesMissing int
	ABRun                      *ABRun // nil before Start, and without a test
	CreatedAt                  time.Time
	UpdatedAt                  time.Time
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
	in.Kind = in.Kind.OrHTML()
	if in.ExpiresAfterHours == 0 {
		in.ExpiresAfterHours = 72
	}
	in.LocalTime.setDefaults()
	in.ABTest.setDefaults()
	for _, ids := range []*[]int64{&in.ListIDs, &in.RelayIDs, &in.SegmentIDs, &in.ExcludeSegmentIDs, &in.ExcludeListIDs} {
		if *ids == nil {
			*ids = []int64{}
		}
	}
}

// The most relays of one campaign, and the most segments and excluded lists of a kind.
const (
	mostRelays  = 20
	mostChoices = 20
)

// validate checks what must hold even for a draft.
func (in *Input) validate() error {
	var f errs.Fields
	for name, text := range map[string]string{"name": in.Name, "subject": in.Subject, "preheader": in.Preheader, "from_name": in.FromName, "from_email": in.FromEmail,
		"reply_to": in.ReplyTo, "html": in.HTML, "text": in.Text} {
		if !isText(text) {
			f.Add(name, notText)
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
	if err := in.Kind.Check(); err != nil {
		addFields(&f, err)
	}
	if len(in.RelayIDs) > mostRelays {
		f.Add("relay_ids", "choose at most %d relays", mostRelays)
	}
	for i, id := range in.RelayIDs {
		if slices.Contains(in.RelayIDs[:i], id) {
			f.Add("relay_ids", "relay %d is named twice", id)
		}
	}
	in.validateChoice(&f)
	in.ABTest.validate(&f)
	if in.ExpiresAfterHours < 1 || in.ExpiresAfterHours > 720 {
		f.Add("expires_after_hours", "must be between 1 and 720 hours")
	}
	in.Window.Check(&f)
	in.LocalTime.validate(&f)
	for name, v := range map[string]*float64{"max_bounce_percent": in.MaxBouncePercent, "max_complaint_percent": in.MaxComplaintPercent} {
		if v != nil && !(*v > 0 && *v <= 100) {
			f.Add(name, "must be a share in percent above 0, at most 100")
		}
	}
	return f.Err("the campaign cannot be saved like this")
}

const notText = "this holds a character that no text has (NUL, or broken UTF-8); take it out"

func isText(s string) bool { return !strings.ContainsRune(s, 0) && utf8.ValidString(s) }

// validateChoice looks for what contradicts itself.
func (in *Input) validateChoice(f *errs.Fields) {
	for _, c := range []struct {
		name, what string
		ids        []int64
	}{{"segment_ids", "segments", in.SegmentIDs}, {"exclude_segment_ids", "segments", in.ExcludeSegmentIDs}, {"exclude_list_ids", "lists", in.ExcludeListIDs}} {
		if len(c.ids) > mostChoices {
			f.Add(c.name, "choose at most %d %s", mostChoices, c.what)
		}
	}
	for _, id := range in.ExcludeSegmentIDs {
		if slices.Contains(in.SegmentIDs, id) {
			f.Add("exclude_segment_ids", "segment %d is chosen and left out at once: nobody would be left", id)
		}
	}
	for _, id := range in.ExcludeListIDs {
		if slices.Contains(in.ListIDs, id) {
			f.Add("exclude_list_ids", "list %d is chosen and left out at once", id)
		}
	}
}
