package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"postrider/events/mailbox"
	"postrider/internal/oauth"
)

// MailboxFields are what a person sets on a mailbox, and what is shown of it.
type MailboxFields struct {
	Name           string `json:"name"`
	Provider       string `json:"provider" required:"false" doc:"Id of one of GET /providers that has reading; its words for a refusal are understood. Empty: recognised by the host, where it is known"`
	Protocol       string `json:"protocol" enum:"imap,pop3" required:"false"`
	Host           string `json:"host"`
	Port           int    `json:"port" required:"false" minimum:"0" maximum:"65535" doc:"0: the usual one"`
	TLS            string `json:"tls" enum:"none,starttls,implicit" required:"false"`
	AllowCleartext bool   `json:"allow_cleartext" required:"false" doc:"Consent to tls none with another machine: the password crosses the network readable by all"`
	Auth           string `json:"auth" enum:"password,xoauth2" required:"false"`
	Username       string `json:"username"`
	OAuthClientID  string `json:"oauth_client_id" required:"false" doc:"For xoauth2"`
	OAuthTokenURL  string `json:"oauth_token_url" required:"false" doc:"For xoauth2. Empty: the provider's"`
	Folder         string `json:"folder" required:"false" doc:"IMAP: where the bounces arrive. Empty: INBOX"`
	AfterTaken     string `json:"after_taken" enum:"move,delete,leave" required:"false" doc:"What becomes of a message that was taken. Left out: move; with POP3, which has no folders, leave"`
	MoveTo         string `json:"move_to" required:"false" doc:"For move; the folder is made when it is missing. Empty: Postrider"`
	ClearIgnored   bool   `json:"clear_ignored" required:"false" doc:"Automatic answers that say nothing go the same way; otherwise they stay"`
	PollMinutes    int    `json:"poll_minutes" required:"false" doc:"Between two checks, where the server does not tell of new mail. Left out: 10"`
}

type mailboxJSON struct {
	ID int64 `json:"id"`
	MailboxFields
	HasPassword     bool                `json:"has_password"`
	HasClientSecret bool                `json:"has_oauth_client_secret"`
	HasRefreshToken bool                `json:"has_oauth_refresh_token"`
	Status          string              `json:"status" enum:"active,paused"`
	Reading         bool                `json:"reading" doc:"A process has it in hand at this moment"`
	Mode            *string             `json:"mode" enum:"idle,poll" doc:"idle: the server tells of new mail. null before the first check"`
	Messages        *int64              `json:"message_count" doc:"In the folder, at the last check"`
	CheckedAt       *time.Time          `json:"checked_at" doc:"The last check that came to its end"`
	NextCheckAt     *time.Time          `json:"next_check_at" doc:"null: while it is read, or paused"`
	WaitUntil       *time.Time          `json:"wait_until" doc:"The provider's limit: it is left alone until then, whoever asks"`
	Problem         *mailboxProblemJSON `json:"problem" doc:"What went wrong at the last try"`
	Day             mailboxDayJSON      `json:"last_24_hours"`
	Retrying        int                 `json:"retrying" doc:"Messages that could not be taken and are tried again"`
	Stuck           int                 `json:"stuck" doc:"Messages that are given up until somebody asks for a check"`
	CreatedAt       time.Time           `json:"created_at"`
	UpdatedAt       time.Time           `json:"updated_at"`
}

// TransformSchema says in the OpenAPI document that problem can be null.
func (mailboxJSON) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return nullable(s, "problem")
}

type mailboxProblemJSON struct {
	Kind   string    `json:"kind" doc:"bad_login, app_password, access_off, needs_oauth, ask_owner, token, too_many, quota, day_limit, in_use, unknown_host, unreachable, timeout, certificate, tls, folder, protocol, closed or internal"`
	Step   string    `json:"step" doc:"connect, tls, greeting, token, login, folder, read or clear; empty for none of them"`
	Text   string    `json:"text" doc:"The server's own words where it has said something"`
	Remedy string    `json:"remedy"`
	At     time.Time `json:"at"`
}

type mailboxDayJSON struct {
	Taken    int   `json:"taken" doc:"Bounces, complaints and wishes to leave"`
	Ignored  int   `json:"ignored" doc:"Automatic answers that say nothing"`
	Foreign  int   `json:"foreign" doc:"Other mail, left alone"`
	Failed   int   `json:"failed" doc:"Tries that ended with an error"`
	BytesIn  int64 `json:"bytes_in"`
	BytesOut int64 `json:"bytes_out"`
}

type mailboxMessageJSON struct {
	UID      string     `json:"uid" doc:"IMAP UID, or unique-id of POP3"`
	State    string     `json:"state" enum:"retry,stuck"`
	Attempts int        `json:"attempts"`
	Error    string     `json:"error"`
	NextAt   *time.Time `json:"next_at"`
	At       time.Time  `json:"at" doc:"Of the last try"`
}

// MailboxInput is a mailbox with the secrets that nobody gets to see again.
type MailboxInput struct {
	MailboxFields
	Password          *string `json:"password,omitempty" doc:"Left out in an update: the stored one stays"`
	OAuthClientSecret *string `json:"oauth_client_secret,omitempty" doc:"For xoauth2, where the client has one. Left out in an update: the stored one stays"`
	OAuthRefreshToken *string `json:"oauth_refresh_token,omitempty" doc:"For xoauth2. Left out in an update: the stored one stays"`
}

type mailboxTestJSON struct {
	OK       bool                  `json:"ok"`
	Steps    []mailboxTestStepJSON `json:"steps"`
	Kind     *string               `json:"kind" doc:"As in the problem of a mailbox"`
	Remedy   *string               `json:"remedy" doc:"What a person can do about the step that failed"`
	Provider *string               `json:"provider" doc:"The provider whose own words were recognised"`
	Notes    []string              `json:"notes"`
}

type mailboxTestStepJSON struct {
	Step   string `json:"step" enum:"connect,tls,greeting,token,login,folder,read,count"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
	MS     int64  `json:"ms"`
}

func encodeMailbox(m mailbox.Mailbox) mailboxJSON {
	out := mailboxJSON{
		ID: m.ID, HasPassword: m.HasPassword, HasClientSecret: m.HasClientSecret, HasRefreshToken: m.HasRefreshToken, Status: m.Status, Reading: m.Reading,
		Mode: orNull(m.Mode), Messages: m.Messages, CheckedAt: utc(m.CheckedAt), WaitUntil: utc(m.WaitUntil),
		Day:      mailboxDayJSON{m.Taken, m.Ignored, m.Foreign, m.Failed, m.BytesIn, m.BytesOut},
		Retrying: m.Retrying, Stuck: m.StuckNow, CreatedAt: m.CreatedAt.UTC(), UpdatedAt: m.UpdatedAt.UTC(),
		MailboxFields: MailboxFields{
			Name: m.Name, Provider: m.Provider, Protocol: m.Protocol, Host: m.Host, Port: m.Port, TLS: m.TLS, AllowCleartext: m.AllowCleartext, Auth: m.Auth, Username: m.Username,
			OAuthClientID: m.OAuthClientID, OAuthTokenURL: m.OAuthTokenURL, Folder: m.Folder, AfterTaken: m.AfterTaken, MoveTo: m.MoveTo, ClearIgnored: m.ClearIgnored,
			PollMinutes: m.PollMinutes,
		},
	}
	if m.Status == mailbox.Active && !m.Reading {
		out.NextCheckAt = utc(&m.NextCheckAt)
	}
	if p := m.Problem; p != nil {
		out.Problem = &mailboxProblemJSON{string(p.Kind), p.Step, p.Text, p.Remedy, p.At.UTC()}
	}
	return out
}

func (in MailboxInput) input() mailbox.Input {
	return mailbox.Input{
		Name: in.Name, Provider: in.Provider, Protocol: in.Protocol, Host: in.Host, Port: in.Port, TLS: in.TLS, AllowCleartext: in.AllowCleartext, Auth: in.Auth,
		Username: in.Username, Password: in.Password,
		OAuth:  oauth.Input{ClientID: in.OAuthClientID, TokenURL: in.OAuthTokenURL, ClientSecret: in.OAuthClientSecret, RefreshToken: in.OAuthRefreshToken},
		Folder: in.Folder, AfterTaken: in.AfterTaken, MoveTo: in.MoveTo, ClearIgnored: in.ClearIgnored, PollMinutes: in.PollMinutes,
	}
}

func encodeMailboxMessage(m mailbox.Stuck) mailboxMessageJSON {
	out := mailboxMessageJSON{UID: m.UID, State: "retry", Attempts: m.Attempts, Error: m.Error, NextAt: utc(m.NextAt), At: m.NotedAt.UTC()}
	if m.Stuck {
		out.State = "stuck"
	}
	return out
}

func encodeMailboxTest(v mailbox.TestReport) mailboxTestJSON {
	return mailboxTestJSON{OK: v.OK, Kind: orNull(string(v.Kind)), Remedy: orNull(v.Remedy), Provider: orNull(v.Provider), Notes: append([]string{}, v.Notes...),
		Steps: each(v.Steps, func(t mailbox.TestStep) mailboxTestStepJSON {
			return mailboxTestStepJSON{Step: t.Step, OK: t.OK, Detail: t.Detail, MS: t.Took.Milliseconds()}
		})}
}

func (s *server) listMailboxes(ctx context.Context, _ *nothing) (*answer[pageJSON[mailboxJSON]], error) {
	all, err := s.deps.Mailboxes.List(ctx)
	return replyAll(all, err, encodeMailbox)
}

func (s *server) getMailbox(ctx context.Context, in *byID) (*answer[mailboxJSON], error) {
	m, err := s.deps.Mailboxes.Get(ctx, in.ID)
	return reply(m, err, encodeMailbox)
}

func (s *server) createMailbox(ctx context.Context, in *with[MailboxInput]) (*answer[mailboxJSON], error) {
	m, err := s.deps.Mailboxes.Create(ctx, in.Body.input())
	return reply(m, err, encodeMailbox)
}

func (s *server) updateMailbox(ctx context.Context, in *onID[MailboxInput]) (*answer[mailboxJSON], error) {
	m, err := s.deps.Mailboxes.Update(ctx, in.ID, in.Body.input())
	return reply(m, err, encodeMailbox)
}

func (s *server) deleteMailbox(ctx context.Context, in *byID) (*nothing, error) {
	return done(s.deps.Mailboxes.Delete(ctx, in.ID))
}

func (s *server) pauseMailbox(ctx context.Context, in *byID) (*answer[mailboxJSON], error) {
	m, err := s.deps.Mailboxes.Pause(ctx, in.ID)
	return reply(m, err, encodeMailbox)
}

func (s *server) resumeMailbox(ctx context.Context, in *byID) (*answer[mailboxJSON], error) {
	m, err := s.deps.Mailboxes.Resume(ctx, in.ID)
	return reply(m, err, encodeMailbox)
}

func (s *server) checkMailbox(ctx context.Context, in *byID) (*answer[mailboxJSON], error) {
	m, err := s.deps.Mailboxes.CheckNow(ctx, in.ID)
	return reply(m, err, encodeMailbox)
}

func (s *server) listMailboxMessages(ctx context.Context, in *byID) (*answer[pageJSON[mailboxMessageJSON]], error) {
	all, err := s.deps.Mailboxes.Troubles(ctx, in.ID)
	return replyAll(all, err, encodeMailboxMessage)
}

func (s *server) testMailbox(ctx context.Context, in *byID) (*answer[mailboxTestJSON], error) {
	v, err := s.deps.Mailboxes.Test(ctx, in.ID)
	return reply(v, err, encodeMailboxTest)
}

func (s *server) tryMailbox(ctx context.Context, in *with[MailboxInput]) (*answer[mailboxTestJSON], error) {
	v, err := s.deps.Mailboxes.TestInput(ctx, in.Body.input())
	return reply(v, err, encodeMailboxTest)
}
