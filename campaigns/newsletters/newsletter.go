package newsletters

import (
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"postrider/campaigns"
	"postrider/campaigns/schedule"
	"postrider/internal/errs"
	"postrider/sender"
	"postrider/templates"
)

// Status is where a newsletter stands.
type Status string

// A newsletter goes draft → active ⇄ paused → ended, when its schedule has no more runs and its last issue has gone out. From there it can be activated again.
const (
	StatusDraft  Status = "draft"
	StatusActive Status = "active"
	StatusPaused Status = "paused"
	StatusEnded  Status = "ended"
)

// Where the content of an issue comes from.
const (
	// SourceDraft is a person, who writes each issue before the deadline.
	SourceDraft = "draft"
	// SourceFeed is an RSS, Atom or JSON feed; each item goes out once.
	SourceFeed = "feed"
	// SourceJSON is any JSON document.
	SourceJSON = "json"
)

// Source is where content comes from.
type Source struct {
	Kind string `json:"kind"`
	URL  string `json:"url,omitempty"`
}

// Content is the template of an issue: Liquid sources. What belongs to the issue (feed, data, issue) is filled in when it is prepared, what belongs to the person when it is sent.
type Content struct {
	Kind      templates.Kind `json:"kind"`
	LayoutID  *int64         `json:"layout_id,omitempty"`
	KeepCSS   bool           `json:"keep_css,omitempty"`
	Subject   string         `json:"subject"`
	Preheader string         `json:"preheader"`
	HTML      string         `json:"html"`
	Text      string         `json:"text"`
}

// Rules say what may become of an issue.
type Rules struct {
	// MinItems is how many new items of a feed an issue needs; with fewer it is skipped. 0 sends without any. MaxItems is how many it has at most; the others wait for the next.
	MinItems int `json:"min_items"`
	MaxItems int `json:"max_items"`
	// FirstItems is how many of the items that were there before the newsletter may go out with it, the newest ones.
	FirstItems int `json:"first_items"`
	// Approval lets each issue wait for a person's word.
	Approval bool `json:"approval"`
	// LeadMinutes is how long before its time an issue is prepared; DeadlineMinutes how long before its time a draft must be ready, or an issue approved.
	LeadMinutes     int `json:"lead_minutes"`
	DeadlineMinutes int `json:"deadline_minutes"`
	// ReminderHours are the times before the deadline at which RemindTo are reminded of what waits for a person.
	ReminderHours []int    `json:"reminder_hours"`
	RemindTo      []string `json:"remind_to"`
	// LateHours is how late an issue may still go out: after downtime, or when something kept it from starting. 0 skips what is more than Grace late.
	LateHours int `json:"late_hours"`
}

// Grace is how late an issue may be and still count as on time.
const Grace = 15 * time.Minute

// Mailing are the settings that each issue's campaign gets.
type Mailing struct {
	FromName            string   `json:"from_name"`
	FromEmail           string   `json:"from_email"`
	ReplyTo             string   `json:"reply_to"`
	IgnoreFrequencyCap  bool     `json:"ignore_frequency_cap"`
	TrackOpens          bool     `json:"track_opens"`
	TrackClicks         bool     `json:"track_clicks"`
	UnconfirmedPolicy   string   `json:"unconfirmed_policy"`
	ExpiresAfterHours   int      `json:"expires_after_hours"`
	MaxBouncePercent    *float64 `json:"max_bounce_percent"`
	MaxComplaintPercent *float64 `json:"max_complaint_percent"`
	// Window is when the mail of an issue may go out; nil is at all times. An issue whose time is outside of it starts, and its mail waits until it opens.
	Window *sender.Window `json:"window,omitempty"`
}

func (m Mailing) validate(f *errs.Fields) {
	var wrong errs.Fields
	m.Window.Check(&wrong)
	for _, w := range wrong {
		f.Add("mailing."+w.Name, "%s", w.Message)
	}
}

// Audience is whom it goes to.
type Audience struct {
	ListIDs, SegmentIDs, ExcludeSegmentIDs, ExcludeListIDs []int64
}

// Definition is what is stored of the decisions in one piece.
type Definition struct {
	Description string            `json:"description"`
	Source      Source            `json:"source"`
	Content     Content           `json:"content"`
	Schedule    schedule.Schedule `json:"schedule"`
	Rules       Rules             `json:"rules"`
	Mailing     Mailing           `json:"mailing"`
	Archive     Archive           `json:"archive"`
}

// Input is what a person decides about a newsletter.
type Input struct {
	Name string
	// Public shows sent issues to everybody, under Slug. An empty Slug is made of the name when the newsletter is made, and stays as it is afterwards.
	Public bool
	Slug   string
	Definition
	Audience
	RelayIDs []int64
}

// Newsletter is a mailing that comes again and again.
type Newsletter struct {
	ID     int64
	Status Status
	Input
	Skips       []schedule.Date
	Pauses      []schedule.Pause
	PauseNote   *string
	ResumesAt   *time.Time
	ActivatedAt *time.Time
	NextRunAt   *time.Time // of which there is no issue yet
	NextIssueAt *time.Time // when something goes out next: of an issue that is there, else NextRunAt
	Feed        FeedState
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// FeedState is how the source of the content stands.
type FeedState struct {
	FetchedAt    *time.Time // when it last answered well
	Error        *string    // what is wrong with it now
	FailingSince *time.Time
}

// Plan is the schedule with everything that leaves dates out.
func (n Newsletter) Plan() schedule.Schedule {
	s := n.Schedule
	s.Skips, s.Pauses = n.Skips, n.Pauses
	return s
}

// isPaused reports whether a pause lasts. One that has ended is over, also when nobody has said so yet.
func (n Newsletter) isPaused(now time.Time) bool {
	return n.Status == StatusPaused && (n.ResumesAt == nil || n.ResumesAt.After(now))
}

func (n Newsletter) pauseHolds(d schedule.Date) bool {
	return slices.ContainsFunc(n.Pauses, func(p schedule.Pause) bool { return p.Holds(d) })
}

func (in *Input) setDefaults() {
	if in.Source.Kind == "" {
		in.Source.Kind = SourceDraft
	}
	in.Content.Kind = in.Content.Kind.OrHTML()
	if in.Rules.MaxItems == 0 {
		in.Rules.MaxItems = 20
	}
	for _, ids := range []*[]int64{&in.ListIDs, &in.SegmentIDs, &in.ExcludeSegmentIDs, &in.ExcludeListIDs, &in.RelayIDs} {
		if *ids == nil {
			*ids = []int64{}
		}
	}
	if in.Rules.ReminderHours == nil {
		in.Rules.ReminderHours = []int{}
	}
	if in.Rules.RemindTo == nil {
		in.Rules.RemindTo = []string{}
	}
	in.Schedule.Skips, in.Schedule.Pauses = nil, nil
}

// The bounds of rules.
const (
	maxLead      = 14 * 24 * 60
	maxLate      = 7 * 24
	maxItems     = 100
	maxReminders = 5
	maxChoices   = 20
)

// validate checks what must hold even for a draft.
func (in *Input) validate() error {
	var f errs.Fields
	if strings.TrimSpace(in.Name) == "" || utf8.RuneCountInString(in.Name) > 200 {
		f.Add("name", "give the newsletter a name of at most 200 characters")
	}
	for name, text := range map[string]string{"name": in.Name, "description": in.Description, "subject": in.Content.Subject, "preheader": in.Content.Preheader, "html": in.Content.HTML,
		"text": in.Content.Text, "from_name": in.Mailing.FromName, "from_email": in.Mailing.FromEmail, "reply_to": in.Mailing.ReplyTo, "source.url": in.Source.URL, "sign_up_url": in.Archive.SignUpURL, "language": in.Archive.Language} {
		if strings.ContainsRune(text, 0) || !utf8.ValidString(text) {
			f.Add(name, "this holds a character that no text has (NUL, or broken UTF-8); take it out")
		}
	}
	if err := in.Content.Kind.Check(); err != nil {
		f.Add("content.kind", "%s", words(err))
	}
	in.Source.validate(&f)
	in.Archive.validate(&f)
	validateSlug(in.Slug, &f)
	in.Rules.validate(&f)
	in.Mailing.validate(&f)
	if max(len(in.ListIDs), len(in.SegmentIDs), len(in.ExcludeListIDs), len(in.ExcludeSegmentIDs), len(in.RelayIDs)) > maxChoices {
		f.Add("list_ids", "choose at most %d lists, segments and relays of each kind", maxChoices)
	}
	if err := in.Schedule.Validate(); err != nil {
		if e, ok := err.(*errs.E); ok && len(e.Fields) > 0 {
			for _, x := range e.Fields {
				f.Add("schedule."+x.Name, "%s", x.Message)
			}
		} else {
			return err
		}
	}
	return f.Err("the newsletter cannot be saved like this")
}

func (s Source) validate(f *errs.Fields) {
	switch s.Kind {
	case SourceDraft:
		if s.URL != "" {
			f.Add("source.url", "a draft that a person writes has no address; leave it out")
		}
		return
	case SourceFeed, SourceJSON:
	default:
		f.Add("source.kind", "must be draft, feed or json")
		return
	}
	if !webAddress(s.URL) {
		f.Add("source.url", "%.100q is no address of the web; write it like https://example.org/feed.xml", s.URL)
	}
}

// webAddress reports whether a text is an absolute address of the web.
func webAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && len(s) <= 2000
}

func (r Rules) validate(f *errs.Fields) {
	within := func(name string, v, least, most int, unit string) {
		if v < least || v > most {
			f.Add("rules."+name, "must be between %d and %d%s", least, most, unit)
		}
	}
	within("max_items", r.MaxItems, 1, maxItems, " items")
	within("min_items", r.MinItems, 0, max(r.MaxItems, 0), " items, which is what it may have at most")
	within("first_items", r.FirstItems, 0, maxItems, " items")
	within("lead_minutes", r.LeadMinutes, 0, maxLead, " minutes")
	within("deadline_minutes", r.DeadlineMinutes, 0, max(r.LeadMinutes, 0), " minutes, which is how long before its time an issue is prepared")
	within("late_hours", r.LateHours, 0, maxLate, " hours")
	if len(r.ReminderHours) > maxReminders || len(r.RemindTo) > maxReminders {
		f.Add("rules.reminder_hours", "at most %d reminders to at most %d addresses", maxReminders, maxReminders)
	}
	for i, h := range r.ReminderHours {
		if h < 0 || h > maxLate || i > 0 && h >= r.ReminderHours[i-1] {
			f.Add("rules.reminder_hours", "give hours before the deadline, the earliest reminder first, such as 24, 2")
			break
		}
	}
	for _, to := range r.RemindTo {
		if a, err := mail.ParseAddress(to); err != nil || a.Address != to {
			f.Add("rules.remind_to", "%.100q is not an e-mail address", to)
		}
	}
}

// campaign is what the campaign of an issue is made of.
func (n Newsletter) campaign(name string, c Content) campaigns.Input {
	m := n.Mailing
	return campaigns.Input{
		Name: name, Kind: c.Kind, LayoutID: c.LayoutID, KeepCSS: c.KeepCSS, Subject: c.Subject, Preheader: c.Preheader, HTML: c.HTML, Text: c.Text, FromName: m.FromName, FromEmail: m.FromEmail, ReplyTo: m.ReplyTo,
		RelayIDs: n.RelayIDs, ListIDs: n.ListIDs, SegmentIDs: n.SegmentIDs, ExcludeSegmentIDs: n.ExcludeSegmentIDs, ExcludeListIDs: n.ExcludeListIDs,
		IgnoreFrequencyCap: m.IgnoreFrequencyCap, TrackOpens: m.TrackOpens, TrackClicks: m.TrackClicks, UnconfirmedPolicy: m.UnconfirmedPolicy,
		ExpiresAfterHours: m.ExpiresAfterHours, MaxBouncePercent: m.MaxBouncePercent, MaxComplaintPercent: m.MaxComplaintPercent, Window: m.Window,
	}
}
