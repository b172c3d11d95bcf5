package campaigns

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
	"postrider/sender/message"
	"postrider/templates"
)

// prepared is the frozen content of a campaign, compiled once in each process.
type prepared struct {
	campaignID int64
	frozen     frozenContent
	compiled   *templates.Compiled
	fromDomain string
	// What is the same in all messages: header fields, and the parts where they can be taken apart (else nil).
	header     *message.Fixed
	html, text *message.Precoded
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
		p.bare, p.bareErr = prepare(p.campaignID, f)
	})
	return p.bare, p.bareErr
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
	var b []byte
	err := s.d.Pool.QueryRow(ctx, `SELECT content FROM campaign_contents WHERE campaign_id = $1`, id).Scan(&b)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, errs.New(errs.NotFound, "campaign %d has not started", id)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the content of campaign %d: %w", id, err)
	}
	var f frozenContent
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, fmt.Errorf("reading the content of campaign %d: %w", id, err)
	}
	p, err = prepare(id, f)
	if err != nil {
		return nil, err
	}
	s.contents.put(p)
	return p, nil
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

func prepare(id int64, f frozenContent) (*prepared, error) {
	compiled, err := templates.Compile(
		templates.Content{Subject: f.Subject, Preheader: f.Preheader, HTML: f.HTML, Text: f.Text},
		templates.Options{TrackOpens: f.TrackOpens, TrackClicks: f.TrackClicks, Data: f.Messages})
	if err != nil {
		return nil, fmt.Errorf("compiling campaign %d: %w", id, err)
	}
	p := &prepared{campaignID: id, frozen: f, compiled: compiled, fromDomain: f.FromEmail[strings.LastIndexByte(f.FromEmail, '@')+1:]}
	m := message.Message{FromName: f.FromName, FromEmail: f.FromEmail, ReplyTo: f.ReplyTo, Precedence: !f.Messages}
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
