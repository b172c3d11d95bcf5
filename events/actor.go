package events

import "time"

// Actor says who was behind an open or a click, as far as it can be told.
type Actor string

// The actors, as stored. Whatever is not known to be a person or a machine is Unknown: a figure of people is rather too small than too large.
const (
	Human   Actor = "human"
	Machine Actor = "machine"
	Unknown Actor = "unknown"
)

// Rule is why an open or a click was not counted as a person's; "" when it was.
type Rule string

// The rules, as stored.
const (
	RuleHead      Rule = "head"      // a HEAD request: whoever reads wants the body
	RuleCanary    Rule = "canary"    // the link that no person sees was followed, at most CanaryWindow away
	RuleBurst     Rule = "burst"     // several links of one message faster than a person can
	RuleInstant   Rule = "instant"   // sooner after sending than a person can
	RuleEarly     Rule = "early"     // soon after sending: perhaps a person
	RulePrefetch  Rule = "prefetch"  // a mail service that loads images whether the message is read or not
	RuleProxy     Rule = "proxy"     // a proxy that loads images when the message is read, but this time soon after sending
	RuleScanner   Rule = "scanner"   // a security product, a crawler or a link preview, by its user agent
	RuleTool      Rule = "tool"      // a program's HTTP library or a browser without a screen, by its user agent
	RuleNoAgent   Rule = "no_agent"  // no user agent
	RuleNewAgent  Rule = "new_agent" // a user agent that is neither a known browser or mail program nor a known machine
	RuleOldRecord Rule = "old"       // recorded before actors were told apart
)

// Windows are the spans of time that the rules use. The zero value takes DefaultWindows.
type Windows struct {
	Instant, Early, Proxy time.Duration // since the relay took the message
}

// DefaultWindows are meant for mail that travels: from the relay's reply to a person's eyes it takes a queue, a filter, a mailbox and a glance.
var DefaultWindows = Windows{Instant: 5 * time.Second, Early: 15 * time.Second, Proxy: time.Minute}

// A burst is either of these: a person opens two links in the background, but not within one second, and not three within ten.
const (
	burstTwo   = time.Second
	burstThree = 10 * time.Second
	// CanaryWindow is how far from a click on the hidden link all other clicks of the delivery are the same machine's.
	CanaryWindow = 2 * time.Minute
)

// hit is an open or click with what its judgement rests on.
type hit struct {
	kind  EventKind
	link  int32
	head  bool
	class agentClass
	// since is the time since the relay took the message; sent is false when that is not known.
	since time.Duration
	sent  bool
}

// judge tells an actor by this one request. What only shows in the company of others (bursts, the hidden link) is judged again by Service.Judge.
func (w Windows) judge(h hit) (Actor, Rule) {
	if w == (Windows{}) {
		w = DefaultWindows
	}
	switch {
	case h.kind == KindClick && h.link == canaryLink:
		return Machine, RuleCanary
	case h.head:
		return Machine, RuleHead
	case h.class.rule() != "":
		return Machine, h.class.rule()
	case h.class == agentProxy && h.kind == KindClick:
		return Machine, RuleScanner // an image proxy follows no links
	case h.class == agentProxy && h.sent && h.since < w.Proxy:
		return Unknown, RuleProxy
	case h.class == agentProxy:
		return Human, ""
	case h.sent && h.since < w.Instant:
		return Machine, RuleInstant
	case h.class == agentNone:
		return Unknown, RuleNoAgent
	case h.class == agentNew:
		return Unknown, RuleNewAgent
	case h.sent && h.since < w.Early:
		return Unknown, RuleEarly
	}
	return Human, ""
}
