package preflight

import "slices"

// checker is one run of Check.
type checker struct {
	in     Input
	out    findings
	report Report
}

// message is a sample taken apart: as it is sent, and as it is without counted links.
type message struct {
	sample Sample
	sent   *mailMessage
	plain  *mailMessage
	doc    document
}

// Check looks at everything. It uses no network and no clock but that of the input.
func Check(in Input) Report {
	c := &checker{in: in, report: Report{Links: []LinkState{}, Spam: in.Spam, Samples: len(in.Samples)}}
	c.facts()
	for i, m := range c.messages() {
		c.local(m)
		if i == 0 {
			c.once(m)
		}
	}
	c.sizes()
	if in.Spam != nil {
		c.spam(*in.Spam)
	}
	c.report.Findings = c.out.sorted()
	return c.report
}

// Faults gives only what blocks and is seen in the messages themselves: what Start asks, which has no time for more.
func Faults(samples []Sample, facts Facts) []Finding {
	c := &checker{in: Input{Samples: samples, Facts: facts}}
	for _, m := range c.messages() {
		c.headers(m)
		c.unsubscribing(m)
		c.subject(m)
		c.body(m)
		c.links(m)
	}
	return slices.DeleteFunc(c.out.sorted(), func(f Finding) bool { return f.Severity != Blocking })
}

// messages takes the samples apart, and reports those that cannot be.
func (c *checker) messages() []message {
	var out []message
	for _, s := range c.in.Samples {
		if s.Err != nil {
			c.out.at("render_fails", Where{Part: "html", Note: s.Err.Error()})
			c.out.get("render_fails").people(s.Person)
			continue
		}
		sent, err := parse(s.Raw)
		if err != nil {
			c.out.at("mime_broken", Where{Part: "headers", Note: err.Error()})
			continue
		}
		m := message{sample: s, sent: sent, plain: sent}
		if s.Plain != nil {
			if m.plain, err = parse(s.Plain); err != nil {
				m.plain = sent
			}
		}
		m.doc = readHTML(m.plain.html)
		c.measure(m)
		out = append(out, m)
	}
	if len(c.in.Samples) == 0 {
		c.out.get("not_built").Count = 1
	}
	return out
}

// local are the checks of each sample: they can differ between people.
func (c *checker) local(m message) {
	c.headers(m)
	c.unsubscribing(m)
	c.sender(m)
	c.subject(m)
	c.preheader(m)
	c.body(m)
	c.leftovers(m)
	c.links(m)
	c.images(m)
}

// once are those about what all samples have in common, or that would say the same many times.
func (c *checker) once(m message) {
	c.postalAddress(m)
	c.textPart(m)
	c.linkStates(m)
	c.imageStates(m)
	if m.plain.hasHTML {
		checkSupport(c, &m.doc)
	}
}
