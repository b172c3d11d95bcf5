package campaigns

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"postrider/audience"
	"postrider/internal/errs"
	"postrider/internal/settings"
	"postrider/sender"
	"postrider/templates"
)

// CountAudience counts whom the campaign would reach if it started now, and whom not and why.
func (s *Service) CountAudience(ctx context.Context, id int64) (audience.AudienceCounts, error) {
	c, err := s.Get(ctx, id)
	if err != nil {
		return audience.AudienceCounts{}, err
	}
	if c.ParentID != nil {
		n, err := s.countChosen(ctx, rerunOf{c.ID, c.ParentID, c.RerunTo})
		return audience.AudienceCounts{Exact: true, Subscribed: n, Mailable: n}, err
	}
	choice, err := s.choice(ctx, c.Input)
	if err != nil {
		return audience.AudienceCounts{}, err
	}
	return s.d.Audience.CountChoice(ctx, choice, id, false)
}

// check finds everything that keeps the campaign from starting, and gives what Start will freeze.
func (s *Service) check(ctx context.Context, c Campaign) ([]sender.Relay, frozenContent, error) {
	r, err := s.problems(ctx, c)
	if err != nil {
		return nil, frozenContent{}, err
	}
	if err := r.missing.Err("the campaign cannot start yet"); err != nil {
		return nil, frozenContent{}, err
	}
	frozen, err := s.freezeContent(ctx, c, r.contents)
	if err != nil {
		return nil, frozenContent{}, err
	}
	return r.relays, frozen, s.faults(ctx, c, r.relays, frozen)
}

// readiness is what there is of a campaign that is to start, and what is missing.
type readiness struct {
	missing errs.Fields
	relays  []sender.Relay
	set     settings.Settings
	// contents are what would be sent, one for each variant of an A/B test; where built is false the sources instead, of which nothing can be made.
	contents []templates.Content
	built    bool
}

// problems finds what is missing or wrong in what a person has decided about a campaign.
func (s *Service) problems(ctx context.Context, c Campaign) (r readiness, err error) {
	var f errs.Fields
	if len(c.ListIDs) == 0 {
		f.Add("list_ids", "choose at least one list to send to")
	}
	validFrom := checkFrom(&f, c.Input)
	if c.ReplyTo != "" {
		if a, err := mail.ParseAddress(c.ReplyTo); err != nil || a.Address != c.ReplyTo {
			f.Add("reply_to", "%q is not an e-mail address", c.ReplyTo)
		}
	}
	if err := s.checkZoneField(ctx, &f, c.LocalTime); err != nil {
		return r, err
	}
	if err := s.checkTracked(ctx, &f, c.Input); err != nil {
		return r, err
	}
	if r.contents, r.built, err = s.contentsOrSources(ctx, c.Input, &f); err != nil {
		return r, err
	}
	if r.relays, err = s.checkRelays(ctx, &f, c.Input, validFrom); err != nil {
		return r, err
	}
	if r.set, err = s.d.Settings.Get(ctx); err != nil {
		return r, err
	}
	if slices.ContainsFunc(r.relays, func(v sender.Relay) bool { return !v.Linkable(r.set.PublicURL) }) {
		f.Add("public_url", "the public URL in the settings is %q, and mail cannot carry unsubscribe links to it: set an https address that reaches this service "+
			"(an address of this machine is good only for mail that stays on it, as with the built-in inbox)", r.set.PublicURL)
	}
	if c.TrackOpens || c.TrackClicks {
		if r.set.TrackingURL != "" && slices.ContainsFunc(r.relays, func(v sender.Relay) bool { return !v.Linkable(r.set.TrackingURL) }) {
			f.Add("tracking_url", "the tracking address in the settings is %q, and mail cannot carry links to it: set an https address that reaches this service, or none", r.set.TrackingURL)
		}
	}
	r.missing = f
	return r, nil
}

func checkFrom(f *errs.Fields, in Input) (valid bool) {
	a, err := mail.ParseAddress(in.FromEmail)
	if err != nil || a.Address != in.FromEmail {
		f.Add("from_email", "%q is not an e-mail address; set the one that the mail comes from", in.FromEmail)
		return false
	}
	return true
}

// addFields takes over what a field-bearing error says.
func addFields(f *errs.Fields, err error) {
	if e, ok := err.(*errs.E); ok && len(e.Fields) > 0 {
		*f = append(*f, e.Fields...)
		return
	}
	f.Add("html", "%s", err.Error())
}

// frozenContent is what Start keeps of everything that could change later.
type frozenContent struct {
	Name         string  `json:"name"`
	Subject      string  `json:"subject"`
	Preheader    string  `json:"preheader"`
	HTML         string  `json:"html"`
	Text         string  `json:"text"`
	FromName     string  `json:"from_name"`
	FromEmail    string  `json:"from_email"`
	ReplyTo      string  `json:"reply_to"`
	TrackOpens   bool    `json:"track_opens"`
	TrackClicks  bool    `json:"track_clicks"`
	ListIDs      []int64 `json:"list_ids"`
	Organization string  `json:"organization"`
	Address      string  `json:"postal_address"`
	PublicURL    string  `json:"public_url"`
	// TrackingURL is the origin of pixel and counted links; "" means PublicURL.
	TrackingURL string `json:"tracking_url,omitempty"`
	// BounceDomain is where bounces go; "" means that the From address gets them, with the token after a plus sign.
	BounceDomain string `json:"bounce_domain"`
	// ArchiveURL is where everybody can read the newsletter of which this is an issue; "" when nobody can.
	ArchiveURL string `json:"archive_url,omitempty"`
	// Messages says that this is the content of a stream of messages; ListUnsubscribe, that those can be unsubscribed from in the mail program.
	Messages        bool `json:"messages,omitempty"`
	ListUnsubscribe bool `json:"list_unsubscribe,omitempty"`
	// Variants are those of an A/B test. What stands above of their parts is the first one's.
	Variants []frozenVariant `json:"variants,omitempty"`
}

func (f *frozenContent) unsubscribable() bool { return !f.Messages || f.ListUnsubscribe }

// buildContent makes of the campaign's sources what is sent, and makes sure that it can be: one content for each variant of an A/B test.
func (s *Service) buildContent(ctx context.Context, c Campaign) ([]templates.Content, error) {
	var all []templates.Content
	for _, v := range c.versions() {
		content, _, err := s.buildVersion(ctx, v.Input)
		if err != nil {
			return nil, err
		}
		all = append(all, content)
	}
	return all, nil
}

func (s *Service) buildVersion(ctx context.Context, in Input) (templates.Content, *templates.Compiled, error) {
	content, err := s.d.Templates.Build(ctx, in.source())
	if err != nil {
		return content, nil, err
	}
	compiled, err := templates.Compile(content, in.options())
	return content, compiled, err
}

func (s *Service) freezeContent(ctx context.Context, c Campaign, contents []templates.Content) (frozenContent, error) {
	set, err := s.d.Settings.Get(ctx)
	if err != nil {
		return frozenContent{}, err
	}
	bounce, err := s.d.Sender.BounceDomain(ctx, c.FromEmail[strings.LastIndexByte(c.FromEmail, '@')+1:])
	if err != nil {
		return frozenContent{}, err
	}
	content := contents[0]
	f := frozenContent{
		Name: c.Name, Subject: content.Subject, Preheader: content.Preheader, HTML: content.HTML, Text: content.Text, FromName: c.FromName, FromEmail: c.FromEmail,
		ReplyTo: c.ReplyTo, TrackOpens: c.TrackOpens, TrackClicks: c.TrackClicks, ListIDs: c.ListIDs,
		Organization: set.Organization, Address: set.PostalAddress, PublicURL: set.PublicURL, TrackingURL: set.TrackingURL, BounceDomain: bounce,
	}
	if f.ArchiveURL, err = s.archiveURL(ctx, c, set.PublicURL); err != nil {
		return f, err
	}
	if c.ParentID != nil {
		err = s.freezeAgain(ctx, c, &f)
	} else {
		f.freezeVariants(c.Input, contents)
	}
	return f, err
}

// archiveURL is that of the public newsletter of which a campaign, or the first run of it, is an issue.
func (s *Service) archiveURL(ctx context.Context, c Campaign, publicURL string) (string, error) {
	first := c.ID
	if c.ParentID != nil {
		first = *c.ParentID
	}
	var slug string
	err := s.d.Pool.QueryRow(ctx, `SELECT n.slug FROM newsletter_issues i JOIN newsletters n ON n.id = i.newsletter_id WHERE i.campaign_id = $1 AND n.public`, first).Scan(&slug)
	switch {
	case errors.Is(err, pgx.ErrNoRows) || publicURL == "":
		return "", nil
	case err != nil:
		return "", fmt.Errorf("looking for the archive of campaign %d: %w", c.ID, err)
	}
	return publicURL + "/a/" + slug, nil
}

func storeContent(ctx context.Context, tx pgx.Tx, id int64, f frozenContent) error {
	b, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("freezing the content of campaign %d: %w", id, err)
	}
	return exec(ctx, tx, `INSERT INTO campaign_contents (campaign_id, content) VALUES ($1, $2)`, id, b)
}

func (in Input) source() templates.Source {
	return templates.Source{Kind: in.Kind, LayoutID: in.LayoutID, Subject: in.Subject, Preheader: in.Preheader, HTML: in.HTML, Text: in.Text, KeepCSS: in.KeepCSS}
}

func (in Input) options() templates.Options {
	return templates.Options{TrackOpens: in.TrackOpens, TrackClicks: in.TrackClicks}
}
