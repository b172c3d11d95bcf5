package campaigns

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"postrider/audience"
	"postrider/campaigns/preflight"
	"postrider/internal/addr"
	"postrider/internal/errs"
	"postrider/internal/settings"
	"postrider/sender"
	"postrider/sender/message"
	"postrider/sender/presets"
	"postrider/templates"
)

// preflightTime bounds one check before sending: somebody waits for it. What was not reached by then is said.
const preflightTime = 20 * time.Second

// mostSamples is for how many people the message is made.
const mostSamples = 8

// Preflight is what the last check before sending found.
type Preflight struct {
	preflight.Report
	RanAt time.Time
	RanBy string
	// Changed says that content, audience or settings are not any more what was checked.
	Changed      bool
	Acknowledged []string // codes of warnings that somebody has seen
}

// Unacknowledged gives the codes of the warnings that nobody has acknowledged.
func (p Preflight) Unacknowledged() []string {
	out := []string{}
	for _, f := range p.Findings {
		if f.Severity == preflight.Warning && !slices.Contains(p.Acknowledged, f.Code) {
			out = append(out, f.Code)
		}
	}
	return out
}

// WouldBlock says whether Start would refuse the campaign by what was found.
func (p Preflight) WouldBlock() bool { return preflight.Summarise(p.Findings).Blocking > 0 }

// Preflight checks a campaign as it would go out now: the messages of a few real recipients, made as they are sent, with what is known of sender, audience and time, where its
// links lead, and what a spam filter says. doneBy is by when it must be through, zero for none; by is who asks. The result is kept.
func (s *Service) Preflight(ctx context.Context, id int64, doneBy time.Time, by string) (Preflight, error) {
	c, err := s.Get(ctx, id)
	if err != nil {
		return Preflight{}, err
	}
	if err := c.mustNotHaveStarted("checked"); err != nil {
		return Preflight{}, err
	}
	run := preflightRun{s: s, c: c}
	if err := run.prepare(ctx); err != nil {
		return Preflight{}, err
	}
	bounded, cancel := context.WithTimeout(ctx, preflightTime)
	defer cancel()
	if err := run.gather(bounded, doneBy); err != nil {
		return Preflight{}, err
	}
	if err := run.ask(bounded); err != nil {
		return Preflight{}, err
	}
	report := preflight.Check(run.in)
	report.Findings = without(report.Findings, run.doubtful)
	if err := s.storePreflight(ctx, id, run.hash, report, run.sampled, by); err != nil {
		return Preflight{}, err
	}
	return s.LastPreflight(ctx, id)
}

// preflightRun is one check of a campaign.
type preflightRun struct {
	s       *Service
	c       Campaign
	set     settings.Settings
	relays  []sender.Relay
	frozen  frozenContent
	hash    []byte
	in      preflight.Input
	content *prepared // nil when it cannot be made
	sampled []int64
	// doubtful are the codes of what blocks in the mail of made-up people and need not in that of real ones.
	doubtful []string
}

// prepare finds what Start would refuse, and makes what it would freeze.
func (r *preflightRun) prepare(ctx context.Context) error {
	ready, err := r.s.problems(ctx, r.c)
	if err != nil {
		return err
	}
	r.relays, r.set, r.in.Now = ready.relays, ready.set, r.s.d.Now()
	if err := r.s.checkSample(ctx, r.c); errs.Is(err, errs.Invalid) {
		addFields(&ready.missing, err)
	} else if err != nil && !errs.Is(err, errs.Unavailable) { // a count that takes too long is no fault of the mail
		return err
	}
	for _, f := range ready.missing {
		r.in.Facts.Missing = append(r.in.Facts.Missing, preflight.Where{Part: f.Name, Note: f.Message})
	}
	if r.frozen, err = r.s.freezeContent(ctx, r.c, ready.contents); err != nil {
		return err
	}
	if r.hash, err = contentHash(r.c.Input, r.frozen); err != nil {
		return err
	}
	r.in.Facts.SpamConfigured = r.set.PreflightSpam != ""
	r.in.Facts.PostalAddress = &r.frozen.Address
	r.in.Facts.OwnHosts = ownHosts(r.frozen)
	r.in.Facts.Local = local(r.relays)
	if len(r.relays) == 0 || !ready.built || !checkFrom(&errs.Fields{}, r.c.Input) {
		return nil
	}
	if r.content, err = prepare(r.c.ID, r.frozen); err != nil {
		r.content = nil // problems has said why
		return nil
	}
	r.in.Facts.TextGenerated = r.content.compiled.TextGenerated()
	return nil
}

// contentHash is of everything that goes out and to whom.
func contentHash(in Input, f frozenContent) ([]byte, error) {
	b, err := json.Marshal(struct {
		Content                          frozenContent
		Relays, Segments, NoSegs, NoList []int64
		IgnoreCap                        bool
	}{f, in.RelayIDs, in.SegmentIDs, in.ExcludeSegmentIDs, in.ExcludeListIDs, in.IgnoreFrequencyCap})
	if err != nil {
		return nil, fmt.Errorf("hashing the content of a campaign: %w", err)
	}
	sum := sha256.Sum256(b)
	return sum[:], nil
}

func ownHosts(f frozenContent) []string {
	hosts := []string{}
	for _, origin := range []string{f.PublicURL, f.TrackingURL} {
		if u, err := url.Parse(origin); err == nil && u.Hostname() != "" {
			hosts = append(hosts, strings.ToLower(u.Hostname()))
		}
	}
	return hosts
}

// local reports whether nothing that goes through the relays leaves this machine, as far as is known.
func local(relays []sender.Relay) bool {
	return len(relays) > 0 && !slices.ContainsFunc(relays, func(r sender.Relay) bool { return r.Kind != sender.RelayInbox && !addr.IsLoopback(r.Host) })
}

// gather asks the database for the facts, and makes the messages.
func (r *preflightRun) gather(ctx context.Context, doneBy time.Time) error {
	if err := r.sender(ctx); err != nil {
		return err
	}
	if len(r.c.ListIDs) > 0 {
		if err := r.audience(ctx); err != nil {
			return err
		}
		if err := r.forecast(ctx, doneBy); err != nil {
			return err
		}
	}
	if r.content == nil {
		return nil
	}
	return r.samples(ctx)
}

// sender reads what the checks of the From domain found; one that nobody has looked at yet is looked at.
func (r *preflightRun) sender(ctx context.Context) error {
	f := &preflight.SenderFacts{Domain: sender.DomainOf(r.c.FromEmail), SignedHere: slices.ContainsFunc(r.relays, func(v sender.Relay) bool { return v.DKIM == sender.DKIMSign })}
	r.in.Facts.Sender = f
	domains, err := r.s.d.Sender.ListDomains(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(domains, func(d sender.Domain) bool { return d.Domain == f.Domain })
	if i < 0 || f.Domain == "" {
		return nil
	}
	d := domains[i]
	f.Known, f.Checked, f.FirstSeen, f.WarmedUp = true, d.CheckedAt != nil, d.CreatedAt, d.Warmup != nil
	checks := d.Checks()
	if !f.Checked && !r.in.Facts.Local {
		if checks, err = r.s.d.Sender.Look(ctx, d); err != nil {
			return err
		}
	}
	for _, c := range checks {
		// A record that only matters to mail signed here is none of this campaign's when nothing is.
		if !d.Idle(c) && (c.Purpose != sender.PurposeDKIM || f.SignedHere) {
			f.Records = append(f.Records, preflight.Record{Purpose: c.Purpose, Name: c.Name, Status: c.Status, Message: c.Message})
		}
	}
	f.Largest, err = largestFrom(ctx, r.s.d.Pool, f.Domain)
	return err
}

// audience counts whom it is for, and what is missing of them. A count that takes too long is no fault of the mail.
func (r *preflightRun) audience(ctx context.Context) error {
	var fields, bare []string
	var err error
	if r.content != nil {
		fields = r.content.fields()
		if bare, err = bareFields(r.frozen); err != nil {
			return err
		}
	}
	choice := r.c.Input.choice(r.set)
	p, err := r.s.d.Audience.ProfileChoice(ctx, choice, r.c.ID, fields)
	if errs.Is(err, errs.Unavailable) || errs.Is(err, errs.Invalid) {
		return nil
	}
	if err != nil {
		return err
	}
	counts, err := r.s.d.Audience.CountChoice(ctx, choice, r.c.ID, true)
	if err != nil {
		return err
	}
	f := &preflight.AudienceFacts{Mailable: p.Mailable, Exact: p.Exact, Reasons: reasons(counts), Aliases: p.Aliases}
	for _, g := range p.Gaps {
		gap := preflight.FieldGap{Field: g.Field, Missing: g.Missing, Guarded: !slices.Contains(bare, g.Field)}
		for _, person := range g.People {
			gap.People = append(gap.People, person.ID)
		}
		f.Gaps = append(f.Gaps, gap)
	}
	if f.Providers, err = r.providers(ctx, p.Domains); err != nil {
		return err
	}
	r.in.Facts.Audience = f
	return nil
}

func reasons(c audience.AudienceCounts) string {
	var out []string
	for _, x := range c.Excluded {
		out = append(out, fmt.Sprintf("%d %s", x.Count, strings.ReplaceAll(x.Reason, "_", " ")))
	}
	return strings.Join(out, ", ")
}

// providers puts domains of recipients together by who takes their mail, with the limit that is kept towards them.
func (r *preflightRun) providers(ctx context.Context, domains []audience.DomainCount) ([]preflight.Provider, error) {
	set, shipped, err := r.s.d.Sender.ListSiteLimits(ctx)
	if err != nil {
		return nil, err
	}
	var out []preflight.Provider
	for _, d := range domains {
		site := r.s.d.Sender.Site(d.Domain)
		name := site
		if known, ok := presets.SiteByID(site); ok {
			name = known.Name
		}
		i := slices.IndexFunc(out, func(p preflight.Provider) bool { return p.Name == name })
		if i < 0 {
			out = append(out, preflight.Provider{Name: name})
			i = len(out) - 1
			for _, l := range slices.Concat(set, shipped) {
				if l.RelayID == nil && l.Site == site && l.PerMinute != nil {
					out[i].PerMinute = float64(*l.PerMinute)
				}
			}
		}
		out[i].People += d.People
	}
	return out, nil
}

func (r *preflightRun) forecast(ctx context.Context, doneBy time.Time) error {
	a := r.in.Facts.Audience
	if a == nil || a.Mailable == 0 {
		return nil
	}
	f, err := r.s.Forecast(ctx, r.c.ID, time.Time{}, int(a.Mailable))
	if errs.Is(err, errs.Conflict) {
		return nil // no relay takes it, which is said already
	}
	if err != nil {
		return err
	}
	zone, err := time.LoadLocation(r.set.TimeZone)
	if err != nil {
		return fmt.Errorf("loading the time zone of the settings: %w", err)
	}
	r.in.Facts.Forecast = &preflight.ForecastFacts{Start: f.Start, End: f.End, Expires: time.Duration(r.c.ExpiresAfterHours) * time.Hour, By: doneBy, Zone: zone}
	if f.Decides != nil {
		r.in.Facts.Forecast.Decider = deciding(*f.Decides)
	}
	return nil
}

// deciding says what makes a campaign take as long as it takes. That of the campaign itself has no name.
func deciding(d sender.Decider) string {
	of := func(words string) string {
		if d.Name == "" {
			return words + " of the campaign"
		}
		return words + " of " + d.Name
	}
	switch d.Limit {
	case sender.LimitGate:
		return "that a part of the recipients waits for its time"
	case sender.LimitRate:
		return of("the limit per second or minute")
	case sender.LimitHour, sender.LimitDay:
		return of("the limit per " + d.Limit)
	case sender.LimitWarmup:
		return of("the warm-up")
	case sender.LimitWindow:
		return of("the sending window")
	case sender.LimitBlocked:
		return "the provider, which blocks " + d.Name + " for a time"
	case sender.LimitRest:
		return of("the rest that was asked for by the server")
	case sender.LimitPaused:
		return "that " + d.Name + " is paused"
	}
	return of("the limit " + d.Limit)
}

// bareFields lists the fields that any variant shows without saying what stands there when they are empty.
func bareFields(f frozenContent) ([]string, error) {
	contents := []templates.Content{{Subject: f.Subject, Preheader: f.Preheader, HTML: f.HTML, Text: f.Text}}
	for _, v := range f.Variants {
		contents = append(contents, templates.Content{Subject: v.Subject, Preheader: v.Preheader, HTML: v.HTML, Text: v.Text})
	}
	var all []string
	for _, c := range contents {
		fields, err := templates.BareFields(c)
		if err != nil {
			return nil, err
		}
		all = append(all, fields...)
	}
	return all, nil
}

// samples makes the messages of some real recipients: of one of the newest, and of those who lack what the content shows.
func (r *preflightRun) samples(ctx context.Context) error {
	people, err := r.s.recipients(ctx, r.c, r.set, r.lacking())
	if err != nil {
		return err
	}
	if len(people) == 0 {
		r.in.Samples, r.doubtful, err = r.s.madeUpSamples(ctx, r.content, r.relays[0], r.in.Facts)
		return err
	}
	for _, person := range people {
		r.sampled = append(r.sampled, person.ID)
		samples, err := r.s.samplesOf(ctx, r.content, r.relays[0], person)
		if err != nil {
			return err
		}
		r.in.Samples = append(r.in.Samples, samples...)
	}
	return nil
}

// lacking are people who lack what the content shows.
func (r *preflightRun) lacking() (ids []int64) {
	if a := r.in.Facts.Audience; a != nil {
		for _, g := range a.Gaps {
			ids = append(ids, g.People...)
		}
	}
	return ids
}

// samplesOf makes the message of one person in each variant.
func (s *Service) samplesOf(ctx context.Context, p *prepared, relay sender.Relay, person templates.Person) ([]preflight.Sample, error) {
	var out []preflight.Sample
	for _, v := range p.variants() {
		sample, err := s.sample(ctx, v, relay, person)
		if err != nil {
			return nil, err
		}
		out = append(out, sample)
	}
	return out, nil
}

// sample makes the message of one person in the way in which it is sent, and the same without counted links. What cannot be filled in is in the sample; an error is our own trouble.
func (s *Service) sample(ctx context.Context, p *prepared, relay sender.Relay, person templates.Person) (preflight.Sample, error) {
	one := claimed{campaignID: p.campaignID, Seq: testSeq, Email: person.Email, Attempts: 1, FirstTriedAt: s.d.Now(), person: person}
	if _, err := message.Address(person.Email); err != nil {
		one.Email = madeUp.Email // an address that nothing can be sent to is a matter of one delivery
	}
	out := preflight.Sample{Person: person.ID}
	var err error
	if out.Raw, err = s.raw(ctx, p, relay, one); err != nil {
		return sampleError(ctx, out, err)
	}
	if p.frozen.TrackClicks || p.frozen.TrackOpens {
		one.untracked = true
		if out.Plain, err = s.raw(ctx, p, relay, one); err != nil {
			return sampleError(ctx, out, err)
		}
	}
	return out, nil
}

func sampleError(ctx context.Context, out preflight.Sample, err error) (preflight.Sample, error) {
	if ctx.Err() != nil {
		return out, err
	}
	out.Raw, out.Plain, out.Err = nil, nil, err
	return out, nil
}

// raw gives a message as it is sent. Without a key it is not signed: that there is none is said elsewhere.
func (s *Service) raw(ctx context.Context, p *prepared, relay sender.Relay, one claimed) ([]byte, error) {
	buf := getBuffer()
	defer putBuffer(buf)
	msg, err := s.build(ctx, p, relay, one, buf)
	var unsigned *unsignable
	if errors.As(err, &unsigned) && ctx.Err() == nil {
		relay.DKIM = sender.DKIMOff
		msg, err = s.build(ctx, p, relay, one, buf)
	}
	if err != nil {
		return nil, err
	}
	return append(append([]byte(nil), msg.Header...), msg.Body...), nil
}

// ask asks web servers and a spam filter, at the same time.
func (r *preflightRun) ask(ctx context.Context) error {
	if len(r.in.Samples) == 0 {
		return nil
	}
	r.s.askOthers(ctx, &r.in, true, r.set.PreflightSpam)
	return nil
}

// answerTime is left of the time there is for judging and keeping what was found.
const answerTime = 2 * time.Second

// askOthers fills in what web servers say of the links, where that is wanted, and what a spam filter says.
func (s *Service) askOthers(ctx context.Context, in *preflight.Input, links bool, filter string) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-answerTime))
		defer cancel()
	}
	var group errgroup.Group
	if links && s.d.Prober != nil {
		group.Go(func() error {
			in.Probes, in.Unprobed = preflight.ProbeAll(ctx, s.d.Prober, preflight.Targets(in.Samples, in.Facts))
			return nil
		})
	}
	first := slices.IndexFunc(in.Samples, func(v preflight.Sample) bool { return v.Err == nil })
	if filter != "" && first >= 0 {
		group.Go(func() error {
			in.Spam = preflight.AskSpamFilter(ctx, filter, in.Samples[first].Raw)
			return nil
		})
	}
	_ = group.Wait() // what goes wrong is in what was found
}

// faults finds what blocks in the message of a recipient and can be seen without asking anybody: a part of what Start checks, so it has to be quick. What a preflight of the same
// content has found in the mail of others counts too, for as long as it is so.
func (s *Service) faults(ctx context.Context, c Campaign, relays []sender.Relay, frozen frozenContent) error {
	p, err := prepare(c.ID, frozen)
	var header *message.HeaderError
	if errors.As(err, &header) {
		return errs.InvalidField(map[string]string{"From": "from_name", "Reply-To": "reply_to"}[header.Name], "no mail can be made of this: %s", header.Error())
	}
	if err != nil {
		return err
	}
	relay := relays[0]
	relay.DKIM = sender.DKIMOff // a signature says nothing of the content
	found, err := s.faultsOf(ctx, c, p, relay, preflight.Facts{OwnHosts: ownHosts(frozen), Local: local(relays)})
	if err != nil {
		return err
	}
	var f errs.Fields
	for _, x := range found {
		f.Add(fieldOf(x), "%s", sentence(x))
	}
	return f.Err("the campaign cannot start yet")
}

// faultsOf looks at the mail of one of the newest recipients, and at that of those whom a preflight of the same content has looked at, as it is now.
func (s *Service) faultsOf(ctx context.Context, c Campaign, p *prepared, relay sender.Relay, facts preflight.Facts) ([]preflight.Finding, error) {
	set, err := s.d.Settings.Get(ctx)
	if err != nil {
		return nil, err
	}
	before, err := s.sampledBefore(ctx, c, p.frozen)
	if err != nil {
		return nil, err
	}
	people, err := s.recipients(ctx, c, set, before)
	if err != nil {
		return nil, err
	}
	if len(people) == 0 {
		bare, doubtful, err := s.madeUpSamples(ctx, p, relay, facts)
		return without(preflight.Faults(bare, facts), doubtful), err
	}
	var samples []preflight.Sample
	for _, person := range people {
		more, err := s.samplesOf(ctx, p, relay, person)
		if err != nil {
			return nil, err
		}
		samples = append(samples, more...)
	}
	return preflight.Faults(samples, facts), nil
}

// sampledBefore gives the people whose mail the last preflight looked at, when that was of the same content.
func (s *Service) sampledBefore(ctx context.Context, c Campaign, frozen frozenContent) ([]int64, error) {
	hash, err := contentHash(c.Input, frozen)
	if err != nil {
		return nil, err
	}
	return sampledPeople(ctx, s.d.Pool, c.ID, hash)
}

// fieldOf is the field of the API that a finding is about.
func fieldOf(f preflight.Finding) string {
	if len(f.Where) > 0 && slices.Contains([]string{"subject", "preheader", "text", "from_email", "from_name", "reply_to"}, f.Where[0].Part) {
		return f.Where[0].Part
	}
	return "html"
}

// sentence is a finding in one.
func sentence(f preflight.Finding) string {
	out := f.Title + ": " + f.Detail
	if len(f.Where) > 0 {
		if w := f.Where[0]; w.Selector != "" || w.Note != "" {
			out = f.Title + " (" + strings.Trim(strings.TrimSpace(w.Selector+": "+w.Note), ": ") + "): " + f.Detail
		}
	}
	return strings.TrimSpace(out + " " + f.Remedy)
}
