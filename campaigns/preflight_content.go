package campaigns

import (
	"context"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sync/semaphore"

	"postrider/campaigns/preflight"
	"postrider/events"
	"postrider/internal/errs"
	"postrider/internal/settings"
	"postrider/sender"
)

// Draft is a mail that is no campaign, to be checked: content, or a whole message.
type Draft struct {
	Raw                            []byte // a message of RFC 5322; the rest is not looked at then
	Subject, Preheader, HTML, Text string
	FromName, FromEmail, ReplyTo   string // "" is what the settings say
	Links                          bool   // ask the web servers that links and images lead to
}

// PreflightDraft checks a mail that is no campaign, as programs do that make mail. Nothing is kept.
func (s *Service) PreflightDraft(ctx context.Context, d Draft) (preflight.Report, error) {
	set, err := s.d.Settings.Get(ctx)
	if err != nil {
		return preflight.Report{}, err
	}
	in, err := d.Input(ctx, set)
	if err != nil {
		return preflight.Report{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, preflightTime)
	defer cancel()
	in.Now = s.d.Now()
	s.askOthers(ctx, &in, d.Links, set.PreflightSpam)
	return preflight.Check(in), nil
}

// Input makes what is checked of a draft where no service runs. An empty PublicURL, Organization or DefaultFromEmail in the settings is made up.
func (d Draft) Input(ctx context.Context, set settings.Settings) (preflight.Input, error) {
	if len(d.Raw) > 0 {
		return preflight.Input{Samples: []preflight.Sample{{Raw: d.Raw}}}, nil
	}
	f := frozenContent{
		Name: "Draft", Subject: d.Subject, Preheader: d.Preheader, HTML: d.HTML, Text: d.Text, ReplyTo: d.ReplyTo, ListIDs: []int64{1},
		FromName: first(d.FromName, set.DefaultFromName, set.Organization), FromEmail: first(d.FromEmail, set.DefaultFromEmail, "news@example.org"),
		Organization: first(set.Organization, "Your organisation"), Address: set.PostalAddress, PublicURL: set.PublicURL,
	}
	if !strings.HasPrefix(f.PublicURL, "https://") {
		f.PublicURL = "https://unsubscribe.invalid" // only its form counts here
	}
	if strings.TrimSpace(f.HTML) == "" && strings.TrimSpace(f.Text) == "" {
		return preflight.Input{}, errs.InvalidField("html", "write the message: HTML, text or both")
	}
	if strings.LastIndexByte(f.FromEmail, '@') < 0 {
		return preflight.Input{}, errs.InvalidField("from_email", "%q is not an e-mail address", f.FromEmail)
	}
	p, err := prepare(0, f)
	if err != nil {
		return preflight.Input{}, err
	}
	// Made by the one way in which mail is made; tokens are not signed for anybody.
	maker := &Service{d: Deps{Tokens: events.NewTokens([32]byte{}), Now: time.Now}, signing: semaphore.NewWeighted(int64(runtime.GOMAXPROCS(0)))}
	sample, err := maker.sample(ctx, p, sender.Relay{DKIM: sender.DKIMOff}, madeUp)
	if err != nil {
		return preflight.Input{}, err
	}
	return preflight.Input{
		Samples: []preflight.Sample{sample},
		Facts:   preflight.Facts{PostalAddress: &f.Address, OwnHosts: ownHosts(f), TextGenerated: p.compiled.TextGenerated()},
	}, nil
}

func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
