package preflight

import (
	"fmt"
	"strings"
	"time"
)

// facts judges what is known besides the messages.
func (c *checker) facts() {
	f := c.in.Facts
	for _, w := range f.Missing {
		c.out.at("cannot_start", w)
	}
	if f.Sender != nil {
		c.domain(*f.Sender)
	}
	if f.Audience != nil {
		c.audience(*f.Audience)
	}
	if f.Forecast != nil {
		c.forecast(*f.Forecast)
	}
}

// What package sender says about a record.
const (
	recordWarning   = "warning"
	recordMissing   = "missing"
	recordDifferent = "different"
	recordUnknown   = "unknown"
)

func (c *checker) domain(s SenderFacts) {
	if s.Domain == "" || c.in.Facts.Local {
		return
	}
	if !s.Known {
		c.out.say("domain_unknown", "from_email", "%s is not among the sending domains, so its records are not looked at.", s.Domain)
		return
	}
	for _, r := range s.Records {
		w := Where{Part: "from_email", Selector: r.Name, Note: r.Message}
		switch r.Status {
		case recordMissing, recordDifferent:
			if code := "dns_" + r.Purpose; Known(code) {
				c.out.at(code, w)
			}
		case recordWarning, recordUnknown:
			c.out.at("dns_note", w)
		}
	}
}

// What makes a mailing a first large one: more people than newDomain, from a domain that is younger than young and whose largest mailing was a tenth of that.
const (
	firstLarge = 1000
	young      = 30 * 24 * time.Hour
	stepUp     = 10
)

// nearlyAll is from which share on one provider has nearly all mailboxes, manyPeople from how many on that matters.
const (
	nearlyAll  = 0.8
	manyPeople = 200
)

func (c *checker) audience(a AudienceFacts) {
	about := "about "
	if a.Exact {
		about = ""
	}
	if a.Mailable == 0 && !a.Exact {
		c.out.say("audience", "", "Few people would get this mail now, if any: counting all takes too long, and in a sample there was nobody.")
		return
	}
	if a.Mailable == 0 {
		why := ""
		if a.Reasons != "" {
			why = ": " + a.Reasons
		}
		c.out.say("audience_nobody", "list_ids", "Of the people on the chosen lists none can be mailed%s.", why)
		return
	}
	f := c.out.say("audience", "", "%s%d people would get this mail now.", about, a.Mailable)
	if f.Count = int(a.Mailable); a.Reasons != "" {
		f.Detail = strings.TrimSuffix(f.Detail, ".") + "; left out: " + a.Reasons + "."
	}
	if a.Aliases > 0 {
		c.out.say("audience_aliases", "list_ids", "%d addresses are another one of these with a tag (name+tag@): mostly one mailbox.", a.Aliases).Count = int(a.Aliases)
	}
	for _, g := range a.Gaps {
		c.gap(g, a)
	}
	for _, p := range a.Providers {
		if share := float64(p.People) / float64(a.Mailable); a.Mailable >= manyPeople && share >= nearlyAll {
			text := fmt.Sprintf("%.0f%% of the mailboxes are at %s. Its limits decide how fast the mail gets through, and its filter whether.", 100*share, p.Name)
			if p.PerMinute > 0 {
				text += fmt.Sprintf(" At the limit of %g messages a minute that takes %s.", p.PerMinute, roughly(time.Duration(float64(p.People)/p.PerMinute*float64(time.Minute))))
			}
			c.out.say("one_provider", "list_ids", "%s", text)
		}
	}
	c.warmup(a)
}

func (c *checker) gap(g FieldGap, a AudienceFacts) {
	if g.Missing == 0 {
		return
	}
	code := "merge_empty"
	if g.Guarded {
		code = "merge_guarded"
	}
	c.out.at(code, Where{Part: "html", Selector: g.Field, Note: fmt.Sprintf("%d of %d people have none", g.Missing, a.Mailable)})
	c.out.get(code).people(g.People...)
}

func (c *checker) warmup(a AudienceFacts) {
	s := c.in.Facts.Sender
	if s == nil || !s.Known || s.WarmedUp || c.in.Facts.Local || a.Mailable < firstLarge || c.in.Now.IsZero() {
		return
	}
	if c.in.Now.Sub(s.FirstSeen) < young && int64(s.Largest)*stepUp < a.Mailable {
		c.out.say("no_warmup", "from_email", "%s was set up on %s, its largest campaign had %d recipients, and this one has %d. Receivers do not know the domain yet, and put off or refuse much mail from it.",
			s.Domain, s.FirstSeen.UTC().Format("2 January 2006"), s.Largest, a.Mailable)
	}
}

// lateAfter is what a mailing may take before it is late.
const lateAfter = 24 * time.Hour

func (c *checker) forecast(f ForecastFacts) {
	by := ""
	if f.Decider != "" {
		by = "; what decides is " + f.Decider
	}
	if f.End == nil {
		if f.Decider != "" {
			c.out.say("forecast_never", "relay_ids", "By the limits as they are the campaign is not through in years, or waits for somebody%s.", by)
			return
		}
		c.out.say("forecast", "", "No limit is in the way: the mail goes out as fast as the relay takes it.")
		return
	}
	takes := f.End.Sub(f.Start)
	text := fmt.Sprintf("By the limits as they are the last message goes out at %s, %s after the start%s.", f.said(*f.End), roughly(takes), by)
	switch {
	case !f.By.IsZero() && f.End.After(f.By):
		c.out.say("forecast_late", "relay_ids", "%s That is after %s.", text, f.said(f.By))
	case f.Expires > 0 && takes > f.Expires:
		c.out.say("forecast_late", "relay_ids", "%s A message that is put off is given up after %s.", text, roughly(f.Expires))
	case takes > lateAfter:
		c.out.say("forecast_late", "relay_ids", "%s", text)
	default:
		c.out.say("forecast", "", "%s", text)
	}
}

// said gives a moment in the zone of the installation, with its name.
func (f ForecastFacts) said(t time.Time) string {
	if f.Zone == nil || f.Zone == time.UTC {
		return t.UTC().Format("2006-01-02 15:04 UTC")
	}
	return t.In(f.Zone).Format("2006-01-02 15:04") + " (" + f.Zone.String() + ")"
}

// roughly says a duration as people do.
func roughly(d time.Duration) string {
	switch {
	case d < 2*time.Second:
		return "1 second"
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f seconds", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f minutes", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.0f hours", d.Hours())
	}
	return fmt.Sprintf("%.0f days", d.Hours()/24)
}
