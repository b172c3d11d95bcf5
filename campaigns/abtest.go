package campaigns

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"postrider/campaigns/abtest"
	"postrider/internal/errs"
	"postrider/templates"
)

// What an A/B test goes by. Machines count for neither.
const (
	MetricClicks = "clicks" // people who followed a link
	MetricOpens  = "opens"  // people who opened it
)

// What the rest of the audience gets when no variant is clearly better than the others.
const (
	NoWinnerFirst = "first" // the first variant
	NoWinnerBest  = "best"  // the one that is ahead, if only by chance
	NoWinnerAsk   = "ask"   // nothing before somebody chooses
)

// ABTest is a test of several variants of a campaign. A sample of its people is mailed first, each person one variant; what the rest gets is decided by what the sample did.
type ABTest struct {
	Variants []Variant // numbered from 1
	// SamplePercent is how much of the audience is in the sample, all variants together: 1 to 50, or 100, where everybody gets some variant and the test is for the report only.
	SamplePercent int
	Metric        string
	// WaitMinutes is how long after the sample has gone out the winner is looked for.
	WaitMinutes int
	// MinSample is how many mails of each variant must have been delivered for a winner to be named.
	MinSample int
	NoWinner  string
}

// Variant is what one variant has of its own; nil is as in the campaign.
type Variant struct {
	Subject, Preheader, FromName, HTML, Text *string
}

// ABRun is where the test of a started campaign stands.
type ABRun struct {
	Seed      int64      // with which abtest.Assign divides the people
	SentAt    *time.Time // when the sample had gone out
	AskedAt   *time.Time // when there was no clear winner and somebody was to choose
	DecidedAt *time.Time
	Winner    *int16 // what the rest gets; nil: not decided, or nobody is left
}

// States of an A/B test.
const (
	ABDraft     = "draft"     // the campaign has not started
	ABSampling  = "sampling"  // the sample is going out
	ABRunning   = "running"   // the sample has its mail and its time
	ABAsking    = "asking"    // there is no clear winner; somebody must choose
	ABDecided   = "decided"   //
	ABCancelled = "cancelled" // the campaign was, before it was decided
)

// ABState gives the state of the campaign's test, "" when it has none.
func (c Campaign) ABState() string {
	switch r := c.ABRun; {
	case c.ABTest == nil:
		return ""
	case r == nil:
		return ABDraft
	case r.DecidedAt != nil:
		return ABDecided
	case c.Status == StatusCancelled:
		return ABCancelled
	case r.AskedAt != nil:
		return ABAsking
	case r.SentAt != nil:
		return ABRunning
	}
	return ABSampling
}

// DecidesAt is when the winner is looked for; nil when that is not known yet, or past.
func (c Campaign) DecidesAt() *time.Time {
	if c.ABState() != ABRunning {
		return nil
	}
	at := c.ABRun.SentAt.Add(c.ABTest.wait())
	return &at
}

func (t *ABTest) wait() time.Duration { return time.Duration(t.WaitMinutes) * time.Minute }

func (t *ABTest) rules() abtest.Rules { return abtest.Rules{MinSample: t.MinSample} }

func (t *ABTest) shares() abtest.Shares {
	return abtest.Shares{Sample: float64(t.SamplePercent) / 100, Variants: len(t.Variants)}
}

// everybody says that there is no rest.
func (t *ABTest) everybody() bool { return t.SamplePercent == 100 }

// Letter is how people call a variant: A to E.
func Letter(n int) string { return string(rune('A' + n - 1)) }

func (t *ABTest) setDefaults() {
	if t == nil {
		return
	}
	t.Metric = cmp.Or(t.Metric, MetricClicks)
	t.MinSample = cmp.Or(t.MinSample, abtest.DefaultMinSample)
	if t.everybody() {
		t.NoWinner = cmp.Or(t.NoWinner, NoWinnerBest)
	}
}

// Bounds of a test.
const (
	mostWaitMinutes = 30 * 24 * 60
	mostMinSample   = 1_000_000
)

// validate checks what must hold even for a draft.
func (t *ABTest) validate(f *errs.Fields) {
	if t == nil {
		return
	}
	if len(t.Variants) > abtest.MaxVariants {
		f.Add("ab_test.variants", "an A/B test has at most %d variants", abtest.MaxVariants)
	}
	if (t.SamplePercent < 1 || t.SamplePercent > 50) && !t.everybody() {
		f.Add("ab_test.sample_percent", "must be from 1 to 50 percent of the audience, for all variants together, or 100 to send everybody one of the variants")
	}
	if t.Metric != MetricClicks && t.Metric != MetricOpens {
		f.Add("ab_test.metric", "must be clicks or opens")
	}
	if t.WaitMinutes < 1 || t.WaitMinutes > mostWaitMinutes {
		f.Add("ab_test.wait_minutes", "must be from 1 minute to %d (30 days)", mostWaitMinutes)
	}
	if t.MinSample < 1 || t.MinSample > mostMinSample {
		f.Add("ab_test.min_sample", "must be from 1 to %d", mostMinSample)
	}
	switch t.NoWinner {
	case NoWinnerFirst, NoWinnerBest, NoWinnerAsk:
	default:
		f.Add("ab_test.no_winner", "choose beforehand what the rest gets when there is no clear winner: first, best or ask")
	}
	for i, v := range t.Variants {
		for name, text := range map[string]*string{"subject": v.Subject, "preheader": v.Preheader, "from_name": v.FromName, "html": v.HTML, "text": v.Text} {
			if text != nil && !isText(*text) {
				f.Add(fmt.Sprintf("ab_test.variants[%d].%s", i, name), notText)
			}
		}
	}
}

// Variant gives the campaign as the people see it who get one of its variants, from 1. 0 is the first, or the campaign itself where there is no test.
func (in Input) Variant(n int) (Input, error) {
	switch {
	case in.ABTest == nil && n == 0:
		return in, nil
	case in.ABTest == nil:
		return in, errs.InvalidField("variant", "this campaign has no A/B test; leave the variant out")
	case n < 0 || n > len(in.ABTest.Variants):
		return in, errs.InvalidField("variant", "there is no variant %d: this campaign has %d", n, len(in.ABTest.Variants))
	case len(in.ABTest.Variants) == 0:
		return in, nil
	}
	return in.as(in.ABTest.Variants[max(n, 1)-1]), nil
}

func (in Input) as(v Variant) Input {
	for _, p := range []struct {
		to  *string
		own *string
	}{{&in.Subject, v.Subject}, {&in.Preheader, v.Preheader}, {&in.FromName, v.FromName}, {&in.HTML, v.HTML}, {&in.Text, v.Text}} {
		if p.own != nil {
			*p.to = *p.own
		}
	}
	return in
}

// version is one of the mails that a campaign can be to a person.
type version struct {
	Input
	prefix string // of the names of its fields; "" without a test
	own    Variant
}

// versions gives the variants, or without a test the campaign itself.
func (in Input) versions() []version {
	if in.ABTest == nil || len(in.ABTest.Variants) == 0 {
		return []version{{Input: in}}
	}
	all := make([]version, len(in.ABTest.Variants))
	for i, v := range in.ABTest.Variants {
		all[i] = version{Input: in.as(v), own: v, prefix: fmt.Sprintf("ab_test.variants[%d].", i)}
	}
	return all
}

// field names a part of the version where its text was written: in the variant, else in the campaign.
func (v version) field(name string) string {
	own := map[string]*string{"subject": v.own.Subject, "preheader": v.own.Preheader, "from_name": v.own.FromName, "html": v.own.HTML, "text": v.own.Text}
	if own[name] != nil {
		return v.prefix + name
	}
	return name
}

// contentsOrSources gives what would be sent, one for each variant, or, when nothing can be made of the sources, those; f says then why.
func (s *Service) contentsOrSources(ctx context.Context, in Input, f *errs.Fields) ([]templates.Content, bool, error) {
	versions, built := in.versions(), true
	contents, compiled := make([]templates.Content, len(versions)), make([]*templates.Compiled, len(versions))
	for i, v := range versions {
		var err error
		v.checkParts(f)
		contents[i], compiled[i], err = s.buildVersion(ctx, v.Input)
		if err == nil {
			continue
		}
		if !errs.Is(err, errs.Invalid) {
			return nil, false, err
		}
		var found errs.Fields
		addFields(&found, err)
		for _, e := range found {
			v.add(f, e.Name, "%s", e.Message)
		}
		built, contents[i] = false, templates.Content{Subject: v.Subject, Preheader: v.Preheader, HTML: v.HTML, Text: v.Text}
	}
	in.checkTest(f, versions, compiled)
	return contents, built, nil
}

// add notes what is wrong with the version where it was written. Variants have much in common, and so what is wrong with it: it is said once.
func (v version) add(f *errs.Fields, name, format string, args ...any) {
	name = v.field(name)
	text := fmt.Sprintf(format, args...)
	if !slices.ContainsFunc(*f, func(e errs.Field) bool { return e.Name == name && e.Message == text }) {
		f.Add(name, "%s", text)
	}
}

// checkParts looks whether there is something to send.
func (v version) checkParts(f *errs.Fields) {
	if strings.TrimSpace(v.Subject) == "" {
		v.add(f, "subject", "write a subject")
	}
	if strings.TrimSpace(v.HTML) == "" && strings.TrimSpace(v.Text) == "" {
		v.add(f, "html", "write the message: HTML, text or both")
	}
}

// checkTest finds what keeps the test from saying anything. compiled are the versions.
func (in Input) checkTest(f *errs.Fields, versions []version, compiled []*templates.Compiled) {
	t := in.ABTest
	if t == nil {
		return
	}
	if n := len(t.Variants); n < abtest.MinVariants {
		f.Add("ab_test.variants", "an A/B test needs %d to %d variants, and this has %d", abtest.MinVariants, abtest.MaxVariants, n)
		return
	}
	if in.LocalTime.Enabled {
		f.Add("ab_test", "an A/B test and a local time do not go together: the sample and the rest have their own times. Switch one of the two off")
	}
	for i, v := range versions {
		if same := slices.IndexFunc(versions[:i], func(o version) bool { return o.looks() == v.looks() }); same >= 0 {
			f.Add(strings.TrimSuffix(v.prefix, "."), "variants %s and %s are the same; give one of them another subject, preheader, From name or content", Letter(same+1), Letter(i+1))
		}
	}
	switch {
	case t.Metric == MetricOpens && !in.TrackOpens:
		f.Add("ab_test.metric", "opens are not tracked in this campaign: switch that on, or go by clicks")
	case t.Metric == MetricClicks && !in.TrackClicks:
		f.Add("ab_test.metric", "clicks are not tracked in this campaign: switch that on, or go by opens")
	case t.Metric == MetricClicks:
		for i, c := range compiled {
			if c != nil && len(c.Links()) == 0 {
				f.Add("ab_test.metric", "variant %s has no link to click on: give it one, or go by opens", Letter(i+1))
			}
		}
	}
}

// looks is everything by which people can tell one mail of a campaign from another.
type looks struct{ subject, preheader, fromName, html, text string }

func (in Input) looks() looks { return looks{in.Subject, in.Preheader, in.FromName, in.HTML, in.Text} }
