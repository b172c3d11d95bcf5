package mailbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"postrider/internal/oauth"
)

// StepCount is the last step of a test: how much there is to read.
const StepCount = "count"

// testTimeout bounds a whole test: a person is waiting for it.
const testTimeout = 30 * time.Second

// TestStep is how far one step came.
type TestStep struct {
	Step   string
	OK     bool
	Detail string // the server's own words where it has said something
	Took   time.Duration
}

// TestReport is what a test of a mailbox found. A server that refuses is a result and no error.
type TestReport struct {
	OK       bool
	Steps    []TestStep
	Kind     Kind     // of the trouble; "" when there is none
	Remedy   string   // what a person can do about the step that failed
	Provider string   // whose own words were recognised; "" when none were
	Notes    []string // what is good to know beside
}

// Test tries a stored mailbox: connect, TLS, log in, open the folder, count. It reads no message and changes nothing.
func (s *Service) Test(ctx context.Context, id int64) (TestReport, error) {
	m, err := s.Get(ctx, id)
	if err != nil {
		return TestReport{}, err
	}
	t, err := s.targetOf(m)
	if err != nil {
		return TestReport{}, err
	}
	return s.test(ctx, m, t), nil
}

// TestInput is Test for a mailbox that is not stored yet. Nothing of it is kept.
func (s *Service) TestInput(ctx context.Context, in Input) (TestReport, error) {
	in, err := in.clean(Mailbox{})
	if err != nil {
		return TestReport{}, err
	}
	m := Mailbox{Name: in.Name, Provider: in.Provider, Protocol: in.Protocol, Host: in.Host, Port: in.Port, TLS: in.TLS, Auth: in.Auth, Username: in.Username,
		Folder: in.Folder, AfterTaken: in.AfterTaken, MoveTo: in.MoveTo}
	t := s.target(m, orEmpty(in.Password))
	if in.Auth == AuthXOAUTH2 {
		t.tokens = oauth.New(in.OAuth.ClientID, orEmpty(in.OAuth.ClientSecret), in.OAuth.TokenURL, orEmpty(in.OAuth.RefreshToken), s.now)
	}
	return s.test(ctx, m, t), nil
}

func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// probe is one test on its way. The session is opened by the code that reading uses, which tells its steps.
type probe struct {
	m      Mailbox
	report TestReport
}

func (s *Service) test(ctx context.Context, m Mailbox, t target) TestReport {
	ctx, cancel := context.WithTimeout(ctx, testTimeout)
	defer cancel()
	p := &probe{m: m}
	t.timeout = min(t.timeout, testTimeout)
	t.trace = p.step
	if m.Protocol == POP3 {
		p.pop3(ctx, t)
	} else {
		p.imap(ctx, t)
	}
	p.report.OK = !slices.ContainsFunc(p.report.Steps, func(s TestStep) bool { return !s.OK })
	return p.report
}

// step notes a step, and explains what went wrong with it.
func (p *probe) step(step, detail string, began time.Time, err error) {
	if step == StepConnect {
		p.report = TestReport{} // a second try tells everything anew
	}
	s := TestStep{Step: step, OK: err == nil, Detail: detail, Took: time.Since(began)}
	if err != nil {
		e := explain(p.m, err)
		s.Detail, p.report.Kind, p.report.Remedy, p.report.Provider = e.Text, e.Kind, e.Remedy, e.provider
	}
	p.report.Steps = append(p.report.Steps, s)
}

func (p *probe) imap(ctx context.Context, t target) {
	s, err := opened(ctx, t, openIMAP)
	if err != nil {
		return // the step that failed has been told
	}
	defer s.logout()
	began := time.Now()
	f, err := s.selectFolder(p.m.Folder, true)
	p.step(StepFolder, fmt.Sprintf("opened %q for reading only", p.m.Folder), began, err)
	if err != nil {
		return
	}
	began = time.Now()
	last := f.uidNext - 1
	var fresh []int64
	if f.messages > 0 && last > 0 {
		fresh, err = s.search(max(1, last-searchWindow+1), last, time.Now().Add(-lookBack))
	}
	p.step(StepCount, fmt.Sprintf("%d messages, %d of them not older than 30 days", f.messages, len(fresh)), began, err)
	if s.idles() {
		p.report.Notes = append(p.report.Notes, "the server tells of new mail (IDLE)")
	} else {
		p.report.Notes = append(p.report.Notes, "the server does not tell of new mail: the mailbox is looked at from time to time")
	}
}

func (p *probe) pop3(ctx context.Context, t target) {
	s, err := opened(ctx, t, openPOP3)
	if err != nil {
		return
	}
	defer s.close()
	began := time.Now()
	n, err := s.count()
	p.step(StepFolder, "opened the mailbox", began, err)
	if err != nil {
		return
	}
	began = time.Now()
	letters, err := s.list()
	p.step(StepCount, fmt.Sprintf("%d messages, each with an id of its own", len(letters)), began, err)
	var no refused
	if errors.As(err, &no) {
		p.report.Remedy = "The server does not say which message is which (UIDL): read the mailbox by IMAP."
	}
	if err == nil {
		if int64(len(letters)) != n {
			p.report.Notes = append(p.report.Notes, fmt.Sprintf("the server counts %d messages and lists %d", n, len(letters)))
		}
		_ = s.quit() // nothing was deleted
	}
}
