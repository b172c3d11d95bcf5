package campaigns

import (
	"context"

	"postrider/events"
	"postrider/internal/errs"
)

// OpenTracked notes that the pixel of a delivery was fetched.
func (s *Service) OpenTracked(_ context.Context, token, userAgent string) error {
	ref, err := s.d.Tokens.Parse(events.Open, token)
	if err != nil || ref.Seq == testSeq {
		return err
	}
	s.d.Events.Record(events.Event{Kind: events.KindOpen, CampaignID: ref.CampaignID, Seq: ref.Seq, UserAgent: userAgent})
	return nil
}

// ClickTracked gives the target of a link and notes the click. The target is always a link of that campaign's content: a token cannot name another one.
// With record false (a HEAD request, say) the target is given and nothing noted.
func (s *Service) ClickTracked(ctx context.Context, token, userAgent string, record bool) (string, error) {
	ref, err := s.d.Tokens.Parse(events.Click, token)
	if err != nil {
		return "", err
	}
	content, err := s.contentOrDraft(ctx, ref)
	if err != nil {
		return "", err
	}
	var r recipient
	if ref.Seq != testSeq {
		if r, err = s.recipient(ctx, ref); err != nil {
			return "", err
		}
	}
	url, err := content.compiled.RenderLink(int(ref.Link), content.vars(r.person))
	if err != nil {
		return "", err
	}
	if record && ref.Seq != testSeq {
		s.d.Events.Record(events.Event{Kind: events.KindClick, CampaignID: ref.CampaignID, Seq: ref.Seq, SubscriberID: r.subscriberID, Link: ref.Link, UserAgent: userAgent})
	}
	return url, nil
}

// contentOrDraft gives the frozen content, and for the links of a test message that of the draft.
func (s *Service) contentOrDraft(ctx context.Context, ref events.Ref) (*prepared, error) {
	p, err := s.content(ctx, ref.CampaignID)
	if ref.Seq != testSeq || !errs.Is(err, errs.NotFound) {
		return p, err
	}
	c, err := s.Get(ctx, ref.CampaignID)
	if err != nil {
		return nil, err
	}
	f, err := s.freezeContent(ctx, c)
	if err != nil {
		return nil, err
	}
	return prepare(c.ID, f)
}
