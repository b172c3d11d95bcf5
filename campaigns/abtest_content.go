package campaigns

import (
	"context"

	"postrider/templates"
)

// frozenVariant is a whole variant: what it has of its own, and what it has of the campaign.
type frozenVariant struct {
	Subject   string `json:"subject"`
	Preheader string `json:"preheader"`
	FromName  string `json:"from_name"`
	HTML      string `json:"html"`
	Text      string `json:"text"`
}

// as gives the content of a variant, from 1, as if there were no other.
func (f frozenContent) as(n int) frozenContent {
	v := f.Variants[n-1]
	f.Subject, f.Preheader, f.FromName, f.HTML, f.Text, f.Variants = v.Subject, v.Preheader, v.FromName, v.HTML, v.Text, nil
	return f
}

// freezeVariants takes over the variants of a campaign with a test, of which contents were made.
func (f *frozenContent) freezeVariants(in Input, contents []templates.Content) {
	if in.ABTest == nil || len(in.ABTest.Variants) == 0 {
		return
	}
	var all []frozenVariant
	for i, v := range in.versions() {
		c := contents[i]
		all = append(all, frozenVariant{Subject: c.Subject, Preheader: c.Preheader, FromName: v.FromName, HTML: c.HTML, Text: c.Text})
	}
	f.Variants = all
	*f = f.as(1)
	f.Variants = all
}

// freezeAgain takes over the variants of the first run, if that had any, for another one: nobody gets another variant in it. What was given to this run, or changed in it, is the same in all of them.
func (s *Service) freezeAgain(ctx context.Context, run Campaign, f *frozenContent) error {
	was, err := s.frozen(ctx, *run.ParentID)
	if err != nil {
		return err
	}
	for _, v := range was.Variants {
		for _, p := range []struct {
			to       *string
			now, was string
			given    bool
		}{{&v.Subject, f.Subject, was.Subject, run.RerunSubject}, {&v.Preheader, f.Preheader, was.Preheader, false}, {&v.FromName, f.FromName, was.FromName, false}} {
			if p.given || p.now != p.was {
				*p.to = p.now
			}
		}
		f.Variants = append(f.Variants, v)
	}
	return nil
}
