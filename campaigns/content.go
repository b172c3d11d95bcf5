package campaigns

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
	"postrider/sender/message"
	"postrider/templates"
)

// prepared is the frozen content of a campaign, compiled once in each process. Of an A/B test it is the first variant, and holds the others.
type prepared struct {
	campaignID int64
	frozen     frozenContent
	compiled   *templates.Compiled
	fromDomain string
	// What is the same in all messages: header fields, and the parts where they can be taken apart (else nil).
	header     *message.Fixed
	html, text *message.Precoded
	// number is that of a variant, from 1, and 0 without a test. Links are counted by it: their numbers in mail begin at link0.
	number int16
	link0  int32
	others []*prepared
	// bare is the same without pixel and counted links, for people who are not to be tracked. It is made when the first of them gets mail.
	bare     *prepared
	bareErr  error
	bareOnce sync.Once
}

// tracking is the origin of pixel and counted links.
func (p *prepared) tracking() string {
	if p.frozen.TrackingURL != "" {
		return p.frozen.TrackingURL
	}
	return p.frozen.PublicURL
}

// untracked gives what a person gets who is not to be tracked.
func (p *prepared) untracked() (*prepared, error) {
	if !p.frozen.TrackOpens && !p.frozen.TrackClicks {
		return p, nil
	}
	p.bareOnce.Do(func() {
		f := p.frozen
		f.TrackOpens, f.TrackClicks = false, false
		p.bare, p.bareErr = prepareOne(p.campaignID, f)
	})
	return p.bare, p.bareErr
}

// linkStride is between the numbers of the links of one variant and those of the next: more than a mail can have. So the token of a link says whose it is, and a click costs no look at the delivery.
const linkStride = 10_000

// variant gives what a person gets who is sent a variant; 0 is the first, or the only one.
func (p *prepared) variant(n int16) (*prepared, error) {
	switch {
	case n == 0 || n == p.number:
		return p, nil
	case n < 2 || int(n) > 1+len(p.others):
		return nil, fmt.Errorf("campaign %d has no variant %d", p.campaignID, n)
	}
	return p.others[n-2], nil
}

// variants gives all of them, the first one first.
func (p *prepared) variants() []*prepared { return append([]*prepared{p}, p.others...) }

// fields lists the fields of the subscriber that any of the variants uses, sorted.
func (p *prepared) fields() []string {
	var all []string
	for _, v := range p.variants() {
		all = append(all, v.compiled.Fields()...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// linked finds whose link a number in mail is, and its number there.
func (p *prepared) linked(link int32) (*prepared, int, error) {
	all := p.variants()
	i := int(link / linkStride)
	if i >= len(all) {
		return nil, 0, errs.New(errs.NotFound, "there is no link %d in campaign %d", link, p.campaignID)
	}
	return all[i], int(link % linkStride), nil
}

// contentCache keeps the compiled contents that were used last. Frozen content never changes, so nothing in it gets stale.
type contentCache struct {
	mu   sync.Mutex
	byID map[int64]*prepared
}

const cachedContents = 64

// content gives a started campaign's compiled content.
func (s *Service) content(ctx context.Context, id int64) (*prepared, error) {
	s.contents.mu.Lock()
	p := s.contents.byID[id]
	s.contents.mu.Unlock()
	if p != nil {
		return p, nil
	}
	f, err := s.frozen(ctx, id)
	if err != nil {
		return nil, err
	}
	p, err = prepare(id, f)
	if err != nil {
		return nil, err
	}
	s.contents.put(p)
	return p, nil
}

// frozen reads the content that Start froze.
func (s *Service) frozen(ctx context.Context, id int64) (frozenContent, error) {
	var b []byte
	var f frozenContent
	err := s.d.Pool.QueryRow(ctx, `SELECT content FROM campaign_contents WHERE campaign_id = $1`, id).Scan(&b)
	if errors.Is(err, pgx.ErrNoRows) {
		return f, errs.New(errs.NotFound, "campaign %d has not started", id)
	}
	if err == nil {
		err = json.Unmarshal(b, &f)
	}
	if err != nil {
		return f, fmt.Errorf("reading the content of campaign %d: %w", id, err)
	}
	return f, nil
}

func (c *contentCache) put(p *prepared) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.byID) >= cachedContents {
		clear(c.byID) // rare enough that compiling the live ones again costs nothing
	}
	c.byID[p.campaignID] = p
}

func (c *contentCache) drop(id int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.byID, id)
}

// prepare compiles the content with all its variants.
func prepare(id int64, f frozenContent) (*prepared, error) {
	if len(f.Variants) == 0 {
		return prepareOne(id, f)
	}
	all := make([]*prepared, len(f.Variants))
	for i := range f.Variants {
		v, err := prepareOne(id, f.as(i+1))
		if err != nil {
			return nil, err
		}
		v.number, v.link0 = int16(i+1), int32(i)*linkStride
		all[i] = v
	}
	all[0].others = all[1:]
	return all[0], nil
}

func prepareOne(id int64, f frozenContent) (*prepared, error) {
	compiled, err := templates.Compile(
		templates.Content{Subject: f.Subject, Preheader: f.Preheader, HTML: f.HTML, Text: f.Text},
		templates.Options{TrackOpens: f.TrackOpens, TrackClicks: f.TrackClicks, Data: f.Messages})
	if err != nil {
		return nil, fmt.Errorf("compiling campaign %d: %w", id, err)
	}
	p := &prepared{campaignID: id, frozen: f, compiled: compiled, fromDomain: f.FromEmail[strings.LastIndexByte(f.FromEmail, '@')+1:]}
	m := message.Message{FromName: f.FromName, FromEmail: f.FromEmail, ReplyTo: f.ReplyTo, ListArchive: f.ArchiveURL, Precedence: !f.Messages}
	if len(f.ListIDs) > 0 {
		m.ListID = fmt.Sprintf("list-%d.%s", f.ListIDs[0], p.fromDomain)
	}
	if p.header, err = message.Fix(&m); err != nil {
		return nil, fmt.Errorf("the header of campaign %d: %w", id, err)
	}
	if literals := compiled.HTMLLiterals(); literals != nil {
		p.html = message.Precode(literals)
	}
	if literals := compiled.TextLiterals(); literals != nil {
		p.text = message.Precode(literals)
	}
	return p, nil
}

// vars are what the template of a frozen campaign shows one person.
func (p *prepared) vars(person templates.Person) templates.Vars {
	return templates.Vars{
		Subscriber: person, Campaign: templates.CampaignVars{Name: p.frozen.Name},
		Organization: p.frozen.Organization, PostalAddress: p.frozen.Address, NoFooter: p.frozen.Messages,
	}
}
