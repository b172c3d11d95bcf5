package reply

import (
	"strings"
	"time"
)

// Permanence is what the protocol says about trying again.
type Permanence string

// The permanences. Without a reply it is transient.
const (
	Success   Permanence = "success"
	Transient Permanence = "transient"
	Permanent Permanence = "permanent"
)

// Reason is what the server means, one word for statistics and display.
type Reason string

// The reasons a reply can have.
const (
	ReasonOK                 Reason = "ok"
	ReasonUserUnknown        Reason = "user_unknown"
	ReasonMailboxFull        Reason = "mailbox_full"
	ReasonMailboxDisabled    Reason = "mailbox_disabled"
	ReasonGreylisted         Reason = "greylisted"
	ReasonRateLimited        Reason = "rate_limited"
	ReasonTooManyConnections Reason = "too_many_connections"
	ReasonQuotaExhausted     Reason = "quota_exhausted"
	ReasonBlocked            Reason = "blocked"
	ReasonReputation         Reason = "reputation"
	ReasonAuthFailed         Reason = "auth_failed"
	ReasonAuthentication     Reason = "authentication" // SPF, DKIM, DMARC, PTR
	ReasonPolicy             Reason = "policy"
	ReasonSpamContent        Reason = "spam_content"
	ReasonContent            Reason = "content"
	ReasonSize               Reason = "size"
	ReasonTLSRequired        Reason = "tls_required"
	ReasonSenderRejected     Reason = "sender_rejected"
	ReasonRelayDenied        Reason = "relay_denied"
	ReasonDomainNotFound     Reason = "domain_not_found"
	ReasonProtocol           Reason = "protocol"
	ReasonSystem             Reason = "system"
	ReasonNetwork            Reason = "network"
	ReasonUnknown            Reason = "unknown"
)

// Fault is whose problem a reply describes.
type Fault string

// The faults. FaultUs is our configuration or protocol use, FaultAccount the
// account at the relay, FaultReputation how receivers see our mail.
const (
	FaultNone       Fault = "none"
	FaultRecipient  Fault = "recipient"
	FaultReceiver   Fault = "receiver"
	FaultReputation Fault = "reputation"
	FaultContent    Fault = "content"
	FaultAccount    Fault = "account"
	FaultUs         Fault = "us"
	FaultNetwork    Fault = "network"
)

// Action is what to do with the delivery, and with the relay where that follows.
type Action string

// The actions. Every action but accept, suppress, bounce and fail keeps the
// delivery for a later attempt.
const (
	ActionAccept    Action = "accept"     // sent
	ActionSuppress  Action = "suppress"   // bounced, and the address is not mailed again
	ActionBounce    Action = "bounce"     // bounced, the address stays
	ActionRetry     Action = "retry"      // deferred, normal back-off
	ActionRetrySoon Action = "retry_soon" // deferred, first retry after 5 to 15 minutes
	ActionSlowDown  Action = "slow_down"  // deferred, and the relay takes fewer connections or messages
	ActionStopRelay Action = "stop_relay" // deferred, and the relay pauses until a person or a time window helps
	ActionFail      Action = "fail"       // failed for a reason of our own; never counts against the person
)

// Class is the judgement on a reply. RetryAfter is the wait the server asked
// for, or 0; it is only read from transient replies.
type Class struct {
	Permanence Permanence    `json:"permanence"`
	Reason     Reason        `json:"reason"`
	Fault      Fault         `json:"fault"`
	Action     Action        `json:"action"`
	RetryAfter time.Duration `json:"retry_after,omitempty"`
}

// facts are what a reason means for each permanence.
type facts struct {
	fault     Fault
	permanent Action
	transient Action
}

// meaning gives fault and actions of a reason. Invariant: suppress stands only
// beside FaultRecipient.
func meaning(r Reason) facts {
	switch r {
	case ReasonUserUnknown, ReasonMailboxDisabled, ReasonDomainNotFound:
		return facts{FaultRecipient, ActionSuppress, ActionRetry}
	case ReasonMailboxFull:
		return facts{FaultReceiver, ActionBounce, ActionRetry}
	case ReasonGreylisted:
		return facts{FaultReceiver, ActionRetrySoon, ActionRetrySoon}
	case ReasonRateLimited:
		return facts{FaultReputation, ActionSlowDown, ActionSlowDown}
	case ReasonTooManyConnections:
		return facts{FaultUs, ActionSlowDown, ActionSlowDown}
	case ReasonQuotaExhausted, ReasonSenderRejected, ReasonRelayDenied:
		return facts{FaultAccount, ActionStopRelay, ActionStopRelay}
	case ReasonAuthFailed:
		return facts{FaultAccount, ActionStopRelay, ActionSlowDown}
	case ReasonBlocked, ReasonReputation:
		return facts{FaultReputation, ActionFail, ActionSlowDown}
	case ReasonAuthentication:
		return facts{FaultUs, ActionFail, ActionSlowDown}
	case ReasonPolicy:
		return facts{FaultReputation, ActionBounce, ActionRetry}
	case ReasonSpamContent:
		return facts{FaultContent, ActionFail, ActionSlowDown}
	case ReasonContent, ReasonSize:
		return facts{FaultContent, ActionFail, ActionRetry}
	case ReasonTLSRequired:
		return facts{FaultUs, ActionStopRelay, ActionStopRelay}
	case ReasonProtocol:
		return facts{FaultUs, ActionFail, ActionRetry}
	case ReasonNetwork:
		return facts{FaultNetwork, ActionRetry, ActionRetry}
	}
	return facts{FaultReceiver, ActionBounce, ActionRetry} // system, unknown
}

// Classify judges a reply: a rule on enhanced code and text, then a rule on text
// alone, then the codes. The first rule that matches decides.
func Classify(r Reply) Class {
	if r.Positive() {
		return Class{Permanence: Success, Reason: ReasonOK, Fault: FaultNone, Action: ActionAccept}
	}
	m := match(r, strings.ToLower(r.Text))
	c := Judgement{m.reason, m.fault, m.action}.on(r)
	if c.Permanence == Transient && c.RetryAfter == 0 {
		c.RetryAfter = m.wait
	}
	return c
}

// Judgement is what somebody who knows the server makes of a reply. Fault and Action left empty are what usually goes with the reason.
type Judgement struct {
	Reason Reason
	Fault  Fault
	Action Action
}

// Judge gives the class of a refusal whose meaning is known, such as a text of the provider that the mail goes through. What [Classify] never does
// does not happen here either: nothing before RCPT blames a recipient, and only a permanent reply about a recipient suppresses.
func Judge(r Reply, j Judgement) Class {
	if r.Positive() {
		return Classify(r)
	}
	return j.on(r)
}

func (j Judgement) on(r Reply) Class {
	f := meaning(j.Reason)
	c := Class{Permanence: Transient, Reason: j.Reason, Fault: f.fault, Action: f.transient}
	if r.Permanent() {
		c.Permanence, c.Action = Permanent, f.permanent
	}
	if j.Fault != "" {
		c.Fault = j.Fault
	}
	if j.Action != "" {
		c.Action = j.Action
	}
	if c.Action == ActionSuppress && (c.Fault != FaultRecipient || c.Permanence != Permanent) {
		c.Action = ActionBounce
	}
	if c.Permanence == Transient {
		c.RetryAfter = retryAfter(strings.ToLower(r.Text))
	}
	if c.Action == ActionStopRelay && passedOn(r) {
		c.Fault, c.Action = FaultReceiver, ActionBounce
		if c.Permanence == Transient {
			c.Action = ActionRetry
		}
	}
	return settle(c, r)
}

// passedOn says that the words are another server's, which ours passes on as Postfix and Exim do when they ask the recipient's: "host mx.example.org[192.0.2.1] said: …".
// What that one thinks of its own senders' quota or login is no reason to stop our relay.
func passedOn(r Reply) bool {
	return (r.Stage == StageRcpt || r.Stage == StageDot) && strings.Contains(strings.ToLower(r.Text), " said: ")
}

// match finds the first rule for the reply.
func match(r Reply, text string) rule {
	table := rules
	if r.Code == 0 {
		table = localRules
	}
	for i := range table {
		if table[i].matches(r, text) {
			return table[i]
		}
	}
	if r.Code == 0 {
		return rule{reason: ReasonNetwork}
	}
	return rule{reason: ReasonUnknown}
}

// settle applies what the stage allows: before RCPT no reply can be about a
// recipient, so nothing said there may bounce or suppress one.
func settle(c Class, r Reply) Class {
	if r.Stage == StageMail && c.Fault == FaultRecipient {
		c.Reason, c.Fault = ReasonSenderRejected, FaultAccount
		c.Action = ActionStopRelay
		if c.Permanence == Transient {
			c.Action = ActionRetry
		}
	}
	if !r.Stage.Session() {
		return c
	}
	if c.Fault == FaultRecipient {
		c.Reason, c.Fault = ReasonPolicy, FaultReputation
	}
	switch c.Action {
	case ActionSuppress, ActionBounce, ActionFail:
		c.Action = ActionSlowDown
		if r.Stage == StageAuth || r.Stage == StageStartTLS {
			c.Action = ActionStopRelay
		}
	}
	return c
}
