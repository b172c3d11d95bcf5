package campaigns

import (
	"context"

	"postrider/internal/errs"
	"postrider/templates"
)

// MailView says how the mail of a started campaign is looked at.
type MailView struct {
	CampaignID int64
	// SubscriberID is as whom; 0: as somebody from the lists of the campaign.
	SubscriberID int64
	// Variant is that of an A/B test, from 1; 0 is the first, or the only one.
	Variant int
}

// Mail is what a started campaign sends.
type Mail struct {
	// Content is in the language of sending: its layout, snippets and styles are in it already, as they were when the campaign started.
	Content                      templates.Content
	FromName, FromEmail, ReplyTo string
	Vars                         templates.Vars
	// Variants is how many variants of an A/B test there are; 0 without one.
	Variants int
}

// Mail gives the content that Start froze, which later changes to layouts and snippets do not reach. NotFound: the campaign has not started, or has no such variant.
func (s *Service) Mail(ctx context.Context, v MailView) (Mail, error) {
	f, variants, err := s.frozenVariant(ctx, v)
	if err != nil {
		return Mail{}, err
	}
	person, err := s.Person(ctx, v.SubscriberID, f.ListIDs)
	if err != nil {
		return Mail{}, err
	}
	urls := previewLinks{f.PublicURL}
	vars := (&prepared{frozen: f}).vars(person)
	vars.Campaign.Subject, vars.UnsubscribeURL, vars.PreferencesURL = f.Subject, urls.Unsubscribe(), urls.Preferences()
	return Mail{
		Content: templates.Content{Subject: f.Subject, Preheader: f.Preheader, HTML: f.HTML, Text: f.Text}, Vars: vars,
		FromName: f.FromName, FromEmail: f.FromEmail, ReplyTo: f.ReplyTo, Variants: variants,
	}, nil
}

// MailRaw composes what a person gets of a started campaign, as Raw does for one that is not.
func (s *Service) MailRaw(ctx context.Context, v MailView) ([]Header, []byte, error) {
	c, err := s.Get(ctx, v.CampaignID)
	if err != nil {
		return nil, nil, err
	}
	f, _, err := s.frozenVariant(ctx, v)
	if err != nil {
		return nil, nil, err
	}
	return s.rawOf(ctx, c, f, v.SubscriberID)
}

// frozenVariant gives frozen content as if there were no other variant, and how many there are.
func (s *Service) frozenVariant(ctx context.Context, v MailView) (f frozenContent, variants int, err error) {
	if f, err = s.frozen(ctx, v.CampaignID); err != nil {
		return f, 0, err
	}
	variants = len(f.Variants)
	n := max(v.Variant, 1)
	switch {
	case n > max(variants, 1):
		return f, variants, errs.New(errs.NotFound, "campaign %d has no variant %d", v.CampaignID, v.Variant)
	case variants > 0:
		f = f.as(n)
	}
	return f, variants, nil
}
