package api

import (
	"context"
	"errors"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"postrider/campaigns/newsletters"
	"postrider/campaigns/schedule"
	"postrider/internal/errs"
	"postrider/templates"
)

// NewsletterSourceJSON is where the content of issues comes from.
type NewsletterSourceJSON struct {
	Kind string `json:"kind" enum:"draft,feed,json" doc:"draft: a person writes each issue; feed: RSS, Atom or JSON Feed, each item once; json: any JSON document"`
	URL  string `json:"url" required:"false"`
}

// IssueContentJSON is the content of an issue, or the template of it: Liquid sources.
type IssueContentJSON struct {
	Kind      string `json:"kind" required:"false" enum:"html,mjml,markdown,text" doc:"The language of html. Left out: html"`
	LayoutID  *int64 `json:"layout_id" required:"false" minimum:"1"`
	InlineCSS *bool  `json:"inline_css" required:"false" doc:"Left out: true"`
	Subject   string `json:"subject" required:"false"`
	Preheader string `json:"preheader" required:"false"`
	HTML      string `json:"html" required:"false"`
	Text      string `json:"text" required:"false"`
}

// RulesJSON say what may become of an issue.
type RulesJSON struct {
	MinItems        int      `json:"min_items" required:"false" minimum:"0" doc:"New items of a feed that an issue needs; with fewer it is skipped. 0 sends without any"`
	MaxItems        int      `json:"max_items" required:"false" minimum:"0" doc:"Left out or 0: 20. The newest are taken, the others wait"`
	FirstItems      int      `json:"first_items" required:"false" minimum:"0" doc:"How many of the items that are in the feed at the activation may still be sent"`
	Approval        bool     `json:"approval" required:"false" doc:"Each issue waits for somebody's word"`
	LeadMinutes     int      `json:"lead_minutes" required:"false" minimum:"0" doc:"How long before its time an issue is prepared"`
	DeadlineMinutes int      `json:"deadline_minutes" required:"false" minimum:"0" doc:"How long before its time a draft must be finished, or an issue approved"`
	ReminderHours   []int    `json:"reminder_hours" required:"false" doc:"Hours before the deadline at which remind_to are reminded, the earliest first: [24, 2]"`
	RemindTo        []string `json:"remind_to" required:"false"`
	LateHours       int      `json:"late_hours" required:"false" minimum:"0" doc:"How late an issue may go out after downtime, or when something kept it; 0 skips what is more than 15 minutes late"`
}

// MailingJSON are the settings of each issue's campaign.
type MailingJSON struct {
	FromName            string      `json:"from_name" required:"false"`
	FromEmail           string      `json:"from_email" required:"false"`
	ReplyTo             string      `json:"reply_to" required:"false"`
	IgnoreFrequencyCap  bool        `json:"ignore_frequency_cap" required:"false"`
	TrackOpens          *bool       `json:"track_opens" required:"false" doc:"Left out: true"`
	TrackClicks         *bool       `json:"track_clicks" required:"false" doc:"Left out: true"`
	UnconfirmedPolicy   string      `json:"unconfirmed_policy" required:"false" enum:"hold,resend,assume_delivered" doc:"Left out: hold"`
	ExpiresAfterHours   int         `json:"expires_after_hours" required:"false" doc:"Left out: 72"`
	MaxBouncePercent    *float64    `json:"max_bounce_percent" required:"false"`
	MaxComplaintPercent *float64    `json:"max_complaint_percent" required:"false"`
	Window              *windowJSON `json:"window" required:"false" doc:"When the mail of an issue may go out; what is due outside of it waits until it opens. Left out or null: at all times"`
}

// NewsletterFields are what a person decides about a newsletter.
type NewsletterFields struct {
	Name              string               `json:"name"`
	Description       string               `json:"description" required:"false"`
	Public            bool                 `json:"public" required:"false" doc:"Everybody can read the issues that were sent, in the archive at /a/SLUG and its feeds"`
	Slug              string               `json:"slug" required:"false" maxLength:"60" doc:"What the address of its archive ends in: /a/SLUG. Left out: made of the name when the newsletter is made, and kept after that"`
	Language          string               `json:"language" required:"false" doc:"Of what the newsletter says (BCP 47), such as en or de-AT; for its archive"`
	SignUpURL         string               `json:"sign_up_url" required:"false" doc:"Where readers of the archive can sign up. Left out: the sign-up form of one of its lists, if there is one"`
	Indexed           bool                 `json:"indexed" required:"false" doc:"Search engines may list its archive"`
	ListIDs           []int64              `json:"list_ids" required:"false"`
	SegmentIDs        []int64              `json:"segment_ids" required:"false"`
	ExcludeSegmentIDs []int64              `json:"exclude_segment_ids" required:"false"`
	ExcludeListIDs    []int64              `json:"exclude_list_ids" required:"false"`
	RelayIDs          []int64              `json:"relay_ids" required:"false"`
	Source            NewsletterSourceJSON `json:"source" required:"false" doc:"Left out: draft"`
	Content           IssueContentJSON     `json:"content" required:"false" doc:"The template of each issue; of a draft, what it begins with"`
	Schedule          RecurrenceJSON       `json:"schedule"`
	Rules             RulesJSON            `json:"rules" required:"false"`
	Mailing           MailingJSON          `json:"mailing" required:"false"`
}

// NewsletterJSON is a newsletter as it stands.
type NewsletterJSON struct {
	ID int64 `json:"id"`
	NewsletterFields
	Status            string          `json:"status" enum:"draft,active,paused,ended"`
	ScheduleInWords   DescriptionJSON `json:"schedule_description"`
	Skips             []string        `json:"skips" doc:"Dates that were skipped before they had an issue"`
	PauseNote         *string         `json:"pause_note"`
	ResumesAt         *time.Time      `json:"resumes_at"`
	ActivatedAt       *time.Time      `json:"activated_at"`
	NextRunAt         *time.Time      `json:"next_run_at" doc:"The next run that has no issue yet"`
	NextIssueAt       *time.Time      `json:"next_issue_at" doc:"When the next issue is due, whether it is there already or not"`
	SourceFetchedAt   *time.Time      `json:"source_fetched_at"`
	SourceError       *string         `json:"source_error" doc:"What is wrong with the source now"`
	SourceFailingFrom *time.Time      `json:"source_failing_since"`
	CreatedAt         time.Time       `json:"created_at"`
	UpdatedAt         time.Time       `json:"updated_at"`
}

type newsletterUpdatedJSON struct {
	NewsletterJSON
	Kept []IssueJSON `json:"kept" doc:"Issues that the schedule would not have, and that are kept since somebody worked on them"`
}

// IssueJSON is one run of a newsletter.
type IssueJSON struct {
	ID           int64      `json:"id"`
	NewsletterID int64      `json:"newsletter_id"`
	Date         string     `json:"date"`
	Number       int        `json:"number" doc:"Of the issues that were not skipped; 0 until it is prepared"`
	State        string     `json:"state" enum:"preparing,draft,awaiting_approval,ready,held,sending,sent,skipped"`
	ReasonCode   string     `json:"reason_code" enum:",held,cannot_start,waits,fetch_failed,few_items,content,old_copy,service_down,late,overtaken,not_ready,person,paused,rescheduled,cancelled,started_by_hand"`
	Reason       string     `json:"reason" doc:"Why it stands where it stands, in words"`
	RunAt        time.Time  `json:"run_at"`
	LateUntil    time.Time  `json:"late_until" doc:"Until when it can go out"`
	Deadline     time.Time  `json:"deadline" doc:"By when a person must be done with it"`
	CampaignID   *int64     `json:"campaign_id" doc:"The campaign that it is; null until it is prepared"`
	Edited       bool       `json:"edited" doc:"Somebody changed its content, which is not gathered again"`
	ApprovedBy   *string    `json:"approved_by"`
	StartedAt    *time.Time `json:"started_at"`
	UpdatedAt    time.Time  `json:"updated_at"`
}

type issueWholeJSON struct {
	IssueJSON
	Items []IssueItemJSON `json:"items"`
	Log   []issueLogJSON  `json:"log"`
}

// IssueItemJSON is an entry of a feed.
type IssueItemJSON struct {
	ID        string     `json:"id"`
	URL       string     `json:"url"`
	Title     string     `json:"title"`
	Author    string     `json:"author"`
	Published *time.Time `json:"published"`
}

type issueLogJSON struct {
	At     time.Time `json:"at"`
	Action string    `json:"action"`
	Note   string    `json:"note"`
	By     string    `json:"by" doc:"Empty: the program itself"`
}

type plannedRunJSON struct {
	RunJSON
	Issue *IssueJSON `json:"issue"`
}

// TransformSchema makes issue an object or null.
func (plannedRunJSON) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return nullable(s, "issue")
}

type sourceCheckJSON struct {
	Error string            `json:"error" doc:"Why the source could not be read; empty when it could"`
	New   int               `json:"new" doc:"How many items would be in an issue now"`
	Items []checkedItemJSON `json:"items"`
}

type checkedItemJSON struct {
	IssueItemJSON
	Status string `json:"status" enum:"new,sent,old"`
}

type newsletterPauseJSON struct {
	Until string `json:"until" required:"false" doc:"The date on which it goes on by itself; left out: when somebody resumes it"`
	Note  string `json:"note" required:"false" maxLength:"1000" doc:"For the public"`
}

type issueNoteJSON struct {
	Note string `json:"note" required:"false" maxLength:"1000"`
}

type runDateJSON struct {
	Date string `json:"date" required:"false" doc:"Left out: the next run"`
}

type newsletterQuery struct {
	Paging
	Status string `query:"status" enum:"draft,active,paused,ended"`
}

type issueQuery struct {
	ID int64 `path:"id" minimum:"1"`
	Paging
	State string `query:"state" enum:"preparing,draft,awaiting_approval,ready,held,sending,sent,skipped"`
}

type runsQuery struct {
	ID    int64 `path:"id" minimum:"1"`
	Count int   `query:"count" minimum:"1" maximum:"100" default:"10"`
}

func (in NewsletterFields) input() (newsletters.Input, error) {
	sched, err := in.Schedule.schedule()
	if err != nil {
		return newsletters.Input{}, under("schedule", err)
	}
	m := in.Mailing
	return newsletters.Input{
		Name: in.Name, Public: in.Public, Slug: in.Slug, RelayIDs: in.RelayIDs,
		Audience: newsletters.Audience{ListIDs: in.ListIDs, SegmentIDs: in.SegmentIDs, ExcludeSegmentIDs: in.ExcludeSegmentIDs, ExcludeListIDs: in.ExcludeListIDs},
		Definition: newsletters.Definition{
			Description: in.Description, Source: newsletters.Source(in.Source), Content: in.Content.content(), Schedule: sched, Rules: newsletters.Rules(in.Rules),
			Archive: newsletters.Archive{Language: in.Language, SignUpURL: in.SignUpURL, Indexed: in.Indexed},
			Mailing: newsletters.Mailing{FromName: m.FromName, FromEmail: m.FromEmail, ReplyTo: m.ReplyTo, IgnoreFrequencyCap: m.IgnoreFrequencyCap, TrackOpens: orTrue(m.TrackOpens),
				TrackClicks: orTrue(m.TrackClicks), UnconfirmedPolicy: m.UnconfirmedPolicy, ExpiresAfterHours: m.ExpiresAfterHours, MaxBouncePercent: m.MaxBouncePercent,
				MaxComplaintPercent: m.MaxComplaintPercent, Window: m.Window.decode()},
		},
	}, nil
}

func (in IssueContentJSON) content() newsletters.Content {
	return newsletters.Content{Kind: templates.Kind(in.Kind), LayoutID: in.LayoutID, KeepCSS: !orTrue(in.InlineCSS), Subject: in.Subject, Preheader: in.Preheader, HTML: in.HTML, Text: in.Text}
}

func encodeContent(c newsletters.Content) IssueContentJSON {
	inline := !c.KeepCSS
	return IssueContentJSON{Kind: string(c.Kind), LayoutID: c.LayoutID, InlineCSS: &inline, Subject: c.Subject, Preheader: c.Preheader, HTML: c.HTML, Text: c.Text}
}

// under puts the fields of an error below a member.
func under(member string, err error) error {
	var e *errs.E
	if !errors.As(err, &e) {
		return err
	}
	out := *e
	out.Fields = nil
	for _, f := range e.Fields {
		out.Fields = append(out.Fields, errs.Field{Name: member + "." + f.Name, Message: f.Message})
	}
	return &out
}

func encodeNewsletter(n newsletters.Newsletter) NewsletterJSON {
	m := n.Mailing
	words, _ := n.Schedule.Describe() // what is stored was valid
	return NewsletterJSON{
		ID: n.ID, Status: string(n.Status), ScheduleInWords: encodeDescription(words), Skips: each(n.Skips, schedule.Date.String), PauseNote: n.PauseNote, ResumesAt: utc(n.ResumesAt),
		ActivatedAt: utc(n.ActivatedAt), NextRunAt: utc(n.NextRunAt), NextIssueAt: utc(n.NextIssueAt), SourceFetchedAt: utc(n.Feed.FetchedAt), SourceError: n.Feed.Error, SourceFailingFrom: utc(n.Feed.FailingSince),
		CreatedAt: n.CreatedAt.UTC(), UpdatedAt: n.UpdatedAt.UTC(),
		NewsletterFields: NewsletterFields{
			Name: n.Name, Description: n.Description, Public: n.Public, Slug: n.Slug, Language: n.Archive.Language, SignUpURL: n.Archive.SignUpURL, Indexed: n.Archive.Indexed, ListIDs: n.ListIDs, SegmentIDs: n.SegmentIDs, ExcludeSegmentIDs: n.ExcludeSegmentIDs,
			ExcludeListIDs: n.ExcludeListIDs, RelayIDs: n.RelayIDs, Source: NewsletterSourceJSON(n.Source), Content: encodeContent(n.Content), Schedule: encodeSchedule(n.Schedule), Rules: RulesJSON(n.Rules),
			Mailing: MailingJSON{FromName: m.FromName, FromEmail: m.FromEmail, ReplyTo: m.ReplyTo, IgnoreFrequencyCap: m.IgnoreFrequencyCap, TrackOpens: &m.TrackOpens, TrackClicks: &m.TrackClicks,
				UnconfirmedPolicy: m.UnconfirmedPolicy, ExpiresAfterHours: m.ExpiresAfterHours, MaxBouncePercent: m.MaxBouncePercent, MaxComplaintPercent: m.MaxComplaintPercent, Window: encodeWindow(m.Window)},
		},
	}
}

func encodeIssue(i newsletters.Issue) IssueJSON {
	return IssueJSON{
		ID: i.ID, NewsletterID: i.NewsletterID, Date: i.Date.String(), Number: i.Number, State: string(i.State), ReasonCode: i.ReasonCode, Reason: i.Reason, RunAt: i.RunAt.UTC(),
		LateUntil: i.LateUntil.UTC(), Deadline: i.Deadline.UTC(), CampaignID: i.CampaignID, Edited: i.Edited, ApprovedBy: i.ApprovedBy, StartedAt: utc(i.StartedAt), UpdatedAt: i.UpdatedAt.UTC(),
	}
}

func encodeItem(x newsletters.Item) IssueItemJSON {
	out := IssueItemJSON{ID: x.ID, URL: x.URL, Title: x.Title, Author: x.Author}
	if !x.Published.IsZero() {
		out.Published = utc(&x.Published)
	}
	return out
}

func encodeWhole(w newsletters.Whole) issueWholeJSON {
	return issueWholeJSON{IssueJSON: encodeIssue(w.Issue), Items: each(w.Items, encodeItem), Log: each(w.Log, func(e newsletters.LogEntry) issueLogJSON {
		return issueLogJSON{At: e.At.UTC(), Action: e.Action, Note: e.Note, By: e.By}
	})}
}

func (s *server) listNewsletters(ctx context.Context, in *newsletterQuery) (*answer[pageJSON[NewsletterJSON]], error) {
	p, err := s.deps.Newsletters.List(ctx, newsletters.Status(in.Status), in.query())
	return replyPage(p, err, encodeNewsletter)
}

func (s *server) getNewsletter(ctx context.Context, in *byID) (*answer[NewsletterJSON], error) {
	n, err := s.deps.Newsletters.Get(ctx, in.ID)
	return reply(n, err, encodeNewsletter)
}

func (s *server) createNewsletter(ctx context.Context, in *with[NewsletterFields]) (*answer[NewsletterJSON], error) {
	input, err := in.Body.input()
	if err != nil {
		return nil, err
	}
	n, err := s.deps.Newsletters.Create(ctx, input)
	return reply(n, err, encodeNewsletter)
}

func (s *server) updateNewsletter(ctx context.Context, in *onID[NewsletterFields]) (*answer[newsletterUpdatedJSON], error) {
	input, err := in.Body.input()
	if err != nil {
		return nil, err
	}
	up, err := s.deps.Newsletters.Update(ctx, in.ID, input)
	return reply(up, err, func(u newsletters.Updated) newsletterUpdatedJSON {
		return newsletterUpdatedJSON{NewsletterJSON: encodeNewsletter(u.Newsletter), Kept: each(u.Kept, encodeIssue)}
	})
}

func (s *server) deleteNewsletter(ctx context.Context, in *byID) (*nothing, error) {
	return done(s.deps.Newsletters.Delete(ctx, in.ID))
}

func (s *server) activateNewsletter(ctx context.Context, in *byID) (*answer[NewsletterJSON], error) {
	n, err := s.deps.Newsletters.Activate(ctx, in.ID)
	return reply(n, err, encodeNewsletter)
}

func (s *server) pauseNewsletter(ctx context.Context, in *onID[newsletterPauseJSON]) (*answer[NewsletterJSON], error) {
	p := newsletters.Pause{Note: in.Body.Note}
	if in.Body.Until != "" {
		d, err := schedule.ParseDate(in.Body.Until)
		if err != nil {
			return nil, errs.InvalidField("until", "%s", err)
		}
		p.Until = &d
	}
	n, err := s.deps.Newsletters.Pause(ctx, in.ID, p, caller(ctx).Name)
	return reply(n, err, encodeNewsletter)
}

func (s *server) resumeNewsletter(ctx context.Context, in *byID) (*answer[NewsletterJSON], error) {
	n, err := s.deps.Newsletters.Resume(ctx, in.ID)
	return reply(n, err, encodeNewsletter)
}

func (s *server) listNewsletterRuns(ctx context.Context, in *runsQuery) (*answer[itemsJSON[plannedRunJSON]], error) {
	runs, err := s.deps.Newsletters.Runs(ctx, in.ID, in.Count)
	return replyItems(runs, err, func(r newsletters.PlannedRun) plannedRunJSON {
		out := plannedRunJSON{RunJSON: encodeRun(r.Run)}
		if r.Issue != nil {
			i := encodeIssue(*r.Issue)
			out.Issue = &i
		}
		return out
	})
}

func (in runDateJSON) read() (d schedule.Date, err error) {
	if in.Date != "" {
		if d, err = schedule.ParseDate(in.Date); err != nil {
			return d, errs.InvalidField("date", "%s", err)
		}
	}
	return d, nil
}

func (s *server) skipRun(ctx context.Context, in *onID[runDateJSON]) (*answer[runDateJSON], error) {
	d, err := in.Body.read()
	if err != nil {
		return nil, err
	}
	d, err = s.deps.Newsletters.SkipDate(ctx, in.ID, d, caller(ctx).Name)
	return reply(d, err, func(d schedule.Date) runDateJSON { return runDateJSON{Date: d.String()} })
}

func (s *server) unskipRun(ctx context.Context, in *onID[runDateJSON]) (*answer[NewsletterJSON], error) {
	d, err := in.Body.read()
	if err != nil {
		return nil, err
	}
	n, err := s.deps.Newsletters.Unskip(ctx, in.ID, d, caller(ctx).Name)
	return reply(n, err, encodeNewsletter)
}

func (s *server) checkSource(ctx context.Context, in *byID) (*answer[sourceCheckJSON], error) {
	c, err := s.deps.Newsletters.CheckSource(ctx, in.ID)
	return reply(c, err, func(c newsletters.Check) sourceCheckJSON {
		return sourceCheckJSON{Error: c.Error, New: c.New, Items: each(c.Items, func(x newsletters.CheckedItem) checkedItemJSON {
			return checkedItemJSON{encodeItem(x.Item), x.Status}
		})}
	})
}

func (s *server) listIssues(ctx context.Context, in *issueQuery) (*answer[pageJSON[IssueJSON]], error) {
	p, err := s.deps.Newsletters.Issues(ctx, in.ID, newsletters.State(in.State), in.query())
	return replyPage(p, err, encodeIssue)
}

func (s *server) getIssue(ctx context.Context, in *byID) (*answer[issueWholeJSON], error) {
	return s.issue(ctx, in.ID, nil)
}

// issue answers with an issue, after something was done to it.
func (s *server) issue(ctx context.Context, id int64, err error) (*answer[issueWholeJSON], error) {
	if err != nil {
		return nil, err
	}
	w, err := s.deps.Newsletters.Issue(ctx, id)
	return reply(w, err, encodeWhole)
}

func (s *server) editIssue(ctx context.Context, in *onID[IssueContentJSON]) (*answer[issueWholeJSON], error) {
	return s.issue(ctx, in.ID, s.deps.Newsletters.Edit(ctx, in.ID, in.Body.content(), caller(ctx).Name))
}

func (s *server) prepareIssue(ctx context.Context, in *byID) (*answer[issueWholeJSON], error) {
	return s.issue(ctx, in.ID, s.deps.Newsletters.Prepare(ctx, in.ID, caller(ctx).Name))
}

func (s *server) approveIssue(ctx context.Context, in *byID) (*answer[issueWholeJSON], error) {
	return s.issue(ctx, in.ID, s.deps.Newsletters.Approve(ctx, in.ID, caller(ctx).Name))
}

func (s *server) holdIssue(ctx context.Context, in *onID[issueNoteJSON]) (*answer[issueWholeJSON], error) {
	return s.issue(ctx, in.ID, s.deps.Newsletters.Hold(ctx, in.ID, in.Body.Note, caller(ctx).Name))
}

func (s *server) releaseIssue(ctx context.Context, in *byID) (*answer[issueWholeJSON], error) {
	return s.issue(ctx, in.ID, s.deps.Newsletters.Release(ctx, in.ID, caller(ctx).Name))
}

func (s *server) skipIssue(ctx context.Context, in *onID[issueNoteJSON]) (*answer[issueWholeJSON], error) {
	return s.issue(ctx, in.ID, s.deps.Newsletters.Skip(ctx, in.ID, in.Body.Note, caller(ctx).Name))
}

func (s *server) sendIssueNow(ctx context.Context, in *byID) (*answer[issueWholeJSON], error) {
	return s.issue(ctx, in.ID, s.deps.Newsletters.SendNow(ctx, in.ID, caller(ctx).Name))
}
