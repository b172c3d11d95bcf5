package newsletters

import (
	"time"

	"postrider/campaigns"
	"postrider/campaigns/schedule"
)

// State is where an issue stands.
type State string

// An issue goes preparing → draft | awaiting_approval | ready → sending → sent. It can be held before it is sent, and skipped.
const (
	StatePreparing State = "preparing"
	StateDraft     State = "draft"
	StateAwaiting  State = "awaiting_approval"
	StateReady     State = "ready"
	StateHeld      State = "held"
	StateSending   State = "sending"
	StateSent      State = "sent"
	StateSkipped   State = "skipped"
)

// Why an issue is where it is. A reason in words, with the details, is beside the code.
const (
	WhyHeld        = "held"            // a person holds it
	WhyCannotStart = "cannot_start"    // the campaign cannot start; it is tried again
	WhyWaits       = "waits"           // the issue before is still being sent
	WhyFetch       = "fetch_failed"    // the source does not answer
	WhyFewItems    = "few_items"       // not enough new items
	WhyContent     = "content"         // the content cannot be made
	WhyOldCopy     = "old_copy"        // the source does not answer, and what was read before is used
	WhyDown        = "service_down"    // nothing ran when it was due
	WhyLate        = "late"            // it goes out late
	WhyOvertaken   = "overtaken"       // the next issue's time came first
	WhyNotReady    = "not_ready"       // nobody finished or approved it in time
	WhyPerson      = "person"          // a person skipped it
	WhyPaused      = "paused"          // the newsletter is paused
	WhyRescheduled = "rescheduled"     // the schedule has no such run any more
	WhyCancelled   = "cancelled"       // its campaign was cancelled
	WhyByHand      = "started_by_hand" // somebody started its campaign
)

// Issue is one run of a newsletter.
type Issue struct {
	ID, NewsletterID int64
	Date             schedule.Date
	Number           int
	State            State
	ReasonCode       string
	Reason           string
	RunAt            time.Time
	LateUntil        time.Time
	Deadline         time.Time
	CampaignID       *int64
	Edited           bool
	WrittenAt        *time.Time
	ApprovedBy       *string
	SendNow          bool
	TryAt            time.Time
	Reminded         int
	StartedAt        *time.Time
	CreatedAt        time.Time
	UpdatedAt        time.Time
	Version          int64 // raised by whatever changes where it stands, or what it must hold
	Stale            bool  // its content is to be gathered anew, though there is a campaign
}

// unsent reports whether it can still go out.
func (i Issue) unsent() bool {
	return i.State != StateSending && i.State != StateSent && i.State != StateSkipped
}

// frozen reports whether its content is a person's, and is not gathered again.
func (i Issue) frozen() bool { return i.Edited || i.ApprovedBy != nil }

// toPrepare reports whether its content has yet to be gathered.
func (i Issue) toPrepare() bool { return i.CampaignID == nil || i.Stale || i.State == StatePreparing }

// isHeld reports whether a person keeps it from going out.
func (i Issue) isHeld() bool { return i.State == StateHeld && i.ReasonCode == WhyHeld }

// rewritten reports whether a person has changed its campaign on the campaign's own page.
func (i Issue) rewritten(c campaigns.Campaign) bool {
	return i.WrittenAt != nil && !i.WrittenAt.Equal(c.UpdatedAt)
}

// LogEntry is something that happened to an issue. By is "" for the program.
type LogEntry struct {
	At     time.Time
	Action string
	Note   string
	By     string
}

// Whole is an issue with everything that is known of it.
type Whole struct {
	Issue
	Items []Item
	Log   []LogEntry
}
