package campaigns

import (
	"context"
	"sync"

	"postrider/events"
	"postrider/internal/errs"
)

// Tracked is what a token of a pixel or of a link stands for.
type Tracked struct {
	// Target is where a link leads, ready for a Location header; "" for the pixel and for the hidden link.
	Target string
	// Event is what there is to record; its Kind is "" for test messages, which leave no trace.
	Event events.Event
}

// OpenTracked reads the token of a pixel. It reads no database.
func (s *Service) OpenTracked(token string) (Tracked, error) {
	ref, err := s.d.Tokens.Parse(events.Open, token)
	if err != nil || ref.Seq == testSeq {
		return Tracked{}, err
	}
	return Tracked{Event: events.Event{Kind: events.KindOpen, CampaignID: ref.CampaignID, Seq: ref.Seq}}, nil
}

// ClickTracked gives the target of a link. It is always a link of that campaign's content: a token cannot name another one. The database is read for links that are
// personal, and for the first link of a campaign.
func (s *Service) ClickTracked(ctx context.Context, token string) (Tracked, error) {
	ref, err := s.d.Tokens.Parse(events.Click, token)
	if err != nil {
		return Tracked{}, err
	}
	if t, ok := s.quickly(ref); ok {
		return t, nil
	}
	content, err := s.contentOrDraft(ctx, ref)
	if err != nil {
		return Tracked{}, err
	}
	var r recipient
	if ref.Seq != testSeq {
		s.targets.put(ref.CampaignID, content)
		if t, ok := s.quickly(ref); ok {
			return t, nil
		}
		if r, err = s.recipient(ctx, ref); err != nil {
			return Tracked{}, err
		}
	}
	t := clicked(ref, r.subscriberID)
	if ref.Link == hiddenLink {
		return t, nil
	}
	if r.forgotten {
		return t, errs.New(errs.NotFound, "this link leads nowhere any more: the message that it stood in is too old")
	}
	content, link, err := content.linked(ref.Link)
	if err != nil {
		return t, err
	}
	vars := content.vars(r.person)
	vars.Data = r.data
	target, err := content.compiled.RenderLink(link, vars)
	t.Target = location(target)
	return t, err
}

// ClickQuickly is ClickTracked without the database: ok is false when that takes more.
func (s *Service) ClickQuickly(token string) (t Tracked, ok bool) {
	ref, err := s.d.Tokens.Parse(events.Click, token)
	if err != nil {
		return Tracked{}, false
	}
	return s.quickly(ref)
}

// hiddenLink is the number of the link that no person sees.
const hiddenLink = 0

func (s *Service) quickly(ref events.Ref) (Tracked, bool) {
	if ref.Seq == testSeq {
		return Tracked{}, false
	}
	target, ok := s.targets.get(ref)
	if !ok {
		return Tracked{}, false
	}
	t := clicked(ref, 0)
	t.Target = target
	return t, true
}

func clicked(ref events.Ref, subscriberID int64) Tracked {
	if ref.Seq == testSeq {
		return Tracked{}
	}
	return Tracked{Event: events.Event{Kind: events.KindClick, CampaignID: ref.CampaignID, Seq: ref.Seq, SubscriberID: subscriberID, Link: ref.Link}}
}

// targetCache keeps where the links of campaigns lead that are the same for everybody, so that a click needs neither the database nor the compiled content. Frozen content
// never changes, so nothing in it gets stale.
type targetCache struct {
	mu   sync.RWMutex
	byID map[int64][][]string // by variant, and in that by number; "" is a personal one
}

// cachedTargets is how many campaigns are remembered: old mail is clicked on for years, but hardly that of so many campaigns at once.
const cachedTargets = 2000

func (c *targetCache) get(ref events.Ref) (string, bool) {
	c.mu.RLock()
	variants := c.byID[ref.CampaignID]
	c.mu.RUnlock()
	variant, link := int(ref.Link/linkStride), int(ref.Link%linkStride)
	if variant >= len(variants) || link >= len(variants[variant]) {
		return "", false
	}
	target := variants[variant][link]
	return target, target != "" || ref.Link == hiddenLink
}

func (c *targetCache) put(campaignID int64, content *prepared) {
	var all [][]string
	for _, v := range content.variants() {
		links := v.compiled.Links()
		targets := make([]string, 1+len(links))
		for _, l := range links {
			if target, ok := v.compiled.StaticLink(l.N); ok {
				targets[l.N] = location(target)
			}
		}
		all = append(all, targets)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.byID) >= cachedTargets || c.byID == nil {
		c.byID = map[int64][][]string{}
	}
	c.byID[campaignID] = all
}

func (c *targetCache) drop(campaignID int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.byID, campaignID)
}

// location makes a URL fit for a header field: what is not ASCII is escaped (RFC 3986 §2.1).
func location(target string) string {
	for i := range len(target) {
		if target[i] >= 0x80 || target[i] <= ' ' {
			return escaped(target)
		}
	}
	return target
}

func escaped(target string) string {
	const hex = "0123456789ABCDEF"
	out := make([]byte, 0, len(target)+16)
	for i := range len(target) {
		if c := target[i]; c >= 0x80 || c <= ' ' {
			out = append(out, '%', hex[c>>4], hex[c&15])
		} else {
			out = append(out, c)
		}
	}
	return string(out)
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
	content, err := s.buildContent(ctx, c)
	if err != nil {
		return nil, err
	}
	f, err := s.freezeContent(ctx, c, content)
	if err != nil {
		return nil, err
	}
	return prepare(c.ID, f)
}
