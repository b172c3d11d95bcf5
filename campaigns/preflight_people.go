package campaigns

import (
	"context"
	"maps"
	"slices"
	"strings"

	"postrider/campaigns/preflight"
	"postrider/internal/errs"
	"postrider/internal/settings"
	"postrider/sender"
	"postrider/templates"
)

// recipients are people by whose mail a campaign is judged: one of the newest who would get it now, and those of others who would too, mostSamples in all. There are none when nobody would, or when it
// takes too long to find that out.
//
// Invariant: nobody of them is outside of the audience. What is wrong with mail that nobody gets keeps no campaign from starting.
func (s *Service) recipients(ctx context.Context, c Campaign, set settings.Settings, others []int64) ([]templates.Person, error) {
	first, err := s.newestRecipient(ctx, c, set)
	if errs.Is(err, errs.NotFound) || errs.Is(err, errs.Unavailable) || errs.Is(err, errs.Invalid) { // a segment that cannot be used is said elsewhere
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	reached, err := s.amongRecipients(ctx, c, set, others)
	if err != nil && !errs.Is(err, errs.Unavailable) {
		return nil, err
	}
	ids := []int64{first}
	for _, id := range others {
		if len(ids) < mostSamples && slices.Contains(reached, id) && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return s.peopleOf(ctx, ids)
}

func (s *Service) peopleOf(ctx context.Context, ids []int64) ([]templates.Person, error) {
	var out []templates.Person
	for _, id := range ids {
		sub, err := s.d.Audience.GetSubscriber(ctx, id)
		if errs.Is(err, errs.NotFound) {
			continue // deleted in this moment
		}
		if err != nil {
			return nil, err
		}
		out = append(out, templates.Person{ID: sub.ID, Email: sub.Email, Name: sub.Name, Attributes: sub.Attributes})
	}
	return out, nil
}

func (s *Service) newestRecipient(ctx context.Context, c Campaign, set settings.Settings) (int64, error) {
	if c.ParentID == nil {
		return s.d.Audience.NewestOfChoice(ctx, c.Input.choice(set), c.ID)
	}
	chosen, err := s.chosenAmong(ctx, rerunOf{c.ID, c.ParentID, c.RerunTo}, nil)
	if err != nil {
		return 0, err
	}
	ids, err := s.d.Audience.AmongChoice(ctx, c.Input.choice(set), c.ID, chosen)
	if err == nil && len(ids) == 0 {
		err = errs.New(errs.NotFound, "nobody was found whom this run would reach")
	}
	if err != nil {
		return 0, err
	}
	return ids[0], nil
}

// amongRecipients gives those of some people who would get a campaign now.
func (s *Service) amongRecipients(ctx context.Context, c Campaign, set settings.Settings, among []int64) ([]int64, error) {
	if len(among) == 0 {
		return nil, nil
	}
	if c.ParentID != nil {
		var err error
		if among, err = s.chosenAmong(ctx, rerunOf{c.ID, c.ParentID, c.RerunTo}, among); err != nil {
			return nil, err
		}
	}
	return s.d.Audience.AmongChoice(ctx, c.Input.choice(set), c.ID, among)
}

// madeUpSamples are the messages of somebody of whom nothing is known, where there is nobody real. doubtful are the codes of what blocks in them and not in the mail of somebody of
// whom everything is known: there it depends on who gets it.
func (s *Service) madeUpSamples(ctx context.Context, p *prepared, relay sender.Relay, facts preflight.Facts) (bare []preflight.Sample, doubtful []string, err error) {
	if bare, err = s.samplesOf(ctx, p, relay, madeUp); err != nil {
		return nil, nil, err
	}
	known := madeUp
	known.Attributes = maps.Clone(madeUp.Attributes)
	for _, field := range p.fields() {
		known.Attributes[strings.TrimPrefix(field, "attributes.")] = "Sample"
	}
	full, err := s.samplesOf(ctx, p, relay, known)
	if err != nil {
		return nil, nil, err
	}
	certain := preflight.Faults(full, facts)
	for _, f := range preflight.Faults(bare, facts) {
		if !slices.ContainsFunc(certain, func(c preflight.Finding) bool { return c.Code == f.Code }) {
			doubtful = append(doubtful, f.Code)
		}
	}
	return bare, doubtful, nil
}

// without leaves findings of some codes out.
func without(list []preflight.Finding, codes []string) []preflight.Finding {
	return slices.DeleteFunc(list, func(f preflight.Finding) bool { return slices.Contains(codes, f.Code) })
}
