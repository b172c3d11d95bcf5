package confirm

import (
	"context"
	"time"

	"github.com/riverqueue/river"

	"postrider/audience"
	"postrider/events"
	"postrider/internal/errs"
	"postrider/internal/settings"
	"postrider/sender"
)

// Deps are the parts that the service works with.
type Deps struct {
	Audience *audience.Service
	Tokens   events.Tokens
	Sender   *sender.Service
	Settings *settings.Service
	Pools    *sender.Pools
	Now      func() time.Time
}

// Service sends mails that ask to confirm, and is what the page behind their link works with. It is safe for concurrent use.
type Service struct{ d Deps }

// New makes the service.
func New(deps Deps) *Service { return &Service{d: deps} }

// Workers registers the job that sends.
func (s *Service) Workers(w *river.Workers) { river.AddWorker(w, &worker{s: s}) }

// jobTimeout is finite so that a job whose process died is rescued, and longer than any transaction with a server.
const jobTimeout = 15 * time.Minute

type worker struct {
	river.WorkerDefaults[audience.ConfirmArgs]
	s *Service
}

// Timeout is the longest that one attempt may take.
func (*worker) Timeout(*river.Job[audience.ConfirmArgs]) time.Duration { return jobTimeout }

// NextRetry comes soon: somebody waits for the mail.
func (*worker) NextRetry(job *river.Job[audience.ConfirmArgs]) time.Time {
	return time.Now().Add(min(time.Second<<min(job.Attempt, 6), time.Minute))
}

// Work makes one attempt, and sleeps until the next one.
func (w *worker) Work(ctx context.Context, job *river.Job[audience.ConfirmArgs]) error {
	again, err := w.s.Send(ctx, job.Args.SignupID)
	if err == nil && again > 0 {
		return river.JobSnooze(again)
	}
	return err
}

// Token is what the link in a sign-up's mail ends in.
func (s *Service) Token(ref audience.SignupRef) string {
	return s.d.Tokens.Delivery(events.Confirm, ref.ID, ref.Stamp)
}

func (s *Service) signupOf(token string) (audience.SignupRef, error) {
	ref, err := s.d.Tokens.Parse(events.Confirm, token)
	return audience.SignupRef{ID: ref.CampaignID, Stamp: ref.Seq}, err
}

// Page is what the page behind a link shows. Test says that the link stood in a test message and does nothing.
type Page struct {
	audience.SignupInfo
	Organization  string
	PostalAddress string
	Test          bool
}

// testSignup is the id of test messages. There is no such sign-up, so their links lead to a page and do nothing.
const testSignup = 0

// Page tells what a link is about. It changes nothing, since scanners open every link.
func (s *Service) Page(ctx context.Context, token string) (Page, error) {
	ref, err := s.signupOf(token)
	if err != nil {
		return Page{}, err
	}
	set, err := s.d.Settings.Get(ctx)
	if err != nil {
		return Page{}, err
	}
	p := Page{Organization: set.Organization, PostalAddress: set.PostalAddress, Test: ref.ID == testSignup}
	if p.Test {
		p.SignupInfo = audience.SignupInfo{Email: sampleEmail, ListNames: []string{}, Open: true}
		return p, nil
	}
	p.SignupInfo, err = s.d.Audience.SignupInfo(ctx, ref)
	return p, err
}

// Confirm does what the button on the page says. errs.Conflict: the link has expired.
func (s *Service) Confirm(ctx context.Context, token, ip, userAgent string) error {
	ref, err := s.signupOf(token)
	if err != nil || ref.ID == testSignup {
		return err
	}
	return s.d.Audience.ConfirmSignup(ctx, ref, ip, userAgent)
}

// Decline is for somebody who never signed up.
func (s *Service) Decline(ctx context.Context, token string) error {
	ref, err := s.signupOf(token)
	if err != nil || ref.ID == testSignup {
		return err
	}
	return s.d.Audience.DeclineSignup(ctx, ref)
}

// Again sends another mail in place of one whose link has expired, as far as the limits allow.
func (s *Service) Again(ctx context.Context, token string) error {
	ref, err := s.signupOf(token)
	if err != nil || ref.ID == testSignup {
		return err
	}
	return s.d.Audience.AskAgain(ctx, ref)
}

// formTokenEpoch is what the seconds in a FormShown token count from.
var formTokenEpoch = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

// ShownToken says that a form is shown now. It is good for ever: a page that was cached for days shows when it was made, and that is long ago.
func (s *Service) ShownToken(formID int64) string {
	return s.d.Tokens.Delivery(events.FormShown, formID, int32(s.d.Now().Sub(formTokenEpoch)/time.Second))
}

// ShownFor gives how long ago a form was shown. It is errs.NotFound for a token that is none, or of another form.
func (s *Service) ShownFor(formID int64, token string) (time.Duration, error) {
	ref, err := s.d.Tokens.Parse(events.FormShown, token)
	if err == nil && ref.CampaignID != formID {
		err = errs.New(errs.NotFound, "this is another form")
	}
	if err != nil {
		return 0, err
	}
	return s.d.Now().Sub(formTokenEpoch.Add(time.Duration(ref.Seq) * time.Second)), nil
}

// SetOptIn stores how a list takes people, after looking whether its mail can be made and holds the link.
func (s *Service) SetOptIn(ctx context.Context, listID int64, in audience.OptInInput) (audience.OptIn, error) {
	in, err := in.Clean()
	if err != nil {
		return audience.OptIn{}, err
	}
	if err := check(in); err != nil {
		return audience.OptIn{}, err
	}
	return s.d.Audience.SetOptIn(ctx, listID, in)
}
