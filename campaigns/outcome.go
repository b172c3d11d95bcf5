package campaigns

import (
	"errors"
	"time"

	"postrider/sender/presets"
	"postrider/sender/reply"
	"postrider/sender/smtpconn"
)

// decision is what the ledger says after an attempt.
type decision struct {
	state       State
	next        *time.Time // when a deferred delivery is tried again
	released    bool       // nothing was tried: the attempt does not count
	suppress    bool       // the address is not mailed again
	log         bool       // the attempt is worth a row of its own
	reason      string
	fault       string
	replyCode   int
	replyStatus string
	replyText   string
}

// Retries begin at five minutes and double up to four hours. A greylisting server wants its five minutes and no more; a connection that broke says
// nothing about the recipient and is tried again soon.
const (
	retryFirst   = 5 * time.Minute
	retryMost    = 4 * time.Hour
	retryBroken  = 30 * time.Second
	greylistWait = 5 * time.Minute
	// failover is how soon a delivery goes to another relay after the first was refused for what it is.
	failover = time.Second
)

// terms are what a campaign lays down for its deliveries.
type terms struct {
	policy   string
	expires  time.Duration
	provider string // whose words the replies are, as sender/presets knows it
	now      time.Time
}

// reached says that the server had to do with the message, so that it may count it.
func (a *attempt) reached() bool {
	if a.unsent != nil || a.failure != nil {
		return false
	}
	return a.outcome.State == smtpconn.Accepted || a.outcome.State == smtpconn.Rejected || a.outcome.State == smtpconn.InDoubt
}

func countReached(attempts []attempt) (n int) {
	for i := range attempts {
		if attempts[i].reached() {
			n++
		}
	}
	return n
}

// decide draws the conclusion from an attempt. It is pure: the recovery after a crash comes to the same results from the journal.
func (a *attempt) decide(t terms) decision {
	switch {
	case a.unsent != nil:
		return decision{state: Queued, released: true}
	case a.failure != nil:
		return unmakable(a.failure)
	}
	switch a.outcome.State {
	case smtpconn.Accepted:
		d := decision{state: Sent}
		d.setReply(a.outcome.Reply)
		return d
	case smtpconn.InDoubt:
		return a.inDoubt(t)
	case smtpconn.NotSent:
		return a.broken(t)
	default:
		return a.refused(t)
	}
}

// unmakable is the end of a delivery whose message cannot be put on the wire at all: trying again gives the same.
func unmakable(err error) decision {
	return decision{state: Failed, log: true, reason: string(reply.ReasonContent), fault: string(reply.FaultContent),
		replyText: "the message could not be made: " + err.Error()}
}

func (d *decision) setReply(r reply.Reply) {
	d.replyCode, d.replyStatus, d.replyText = r.Code, r.Status, r.Text
}

// inDoubt applies the campaign's choice to a delivery whose dot went out without an answer.
func (a *attempt) inDoubt(t terms) decision {
	d := decision{state: Unconfirmed, log: true, reason: string(reply.ReasonNetwork), fault: string(reply.FaultNetwork),
		replyText: "the connection ended after the whole message was sent and before the server answered; it may have been delivered"}
	switch t.policy {
	case PolicyResend:
		a.deferUntil(&d, t, retryBroken)
	case PolicyAssumeDelivered:
		d.state = Sent
		d.replyText += "; counted as sent by the campaign's setting"
	}
	return d
}

func (a *attempt) broken(t terms) decision {
	for _, refused := range []error{smtpconn.ErrEnvelope, smtpconn.ErrBareLineEnd, smtpconn.ErrNotSevenBit} {
		if errors.Is(a.outcome.Err, refused) {
			return unmakable(a.outcome.Err)
		}
	}
	d := decision{log: true, reason: string(reply.ReasonNetwork), fault: string(reply.FaultNetwork), replyText: "the connection broke before the message was sent"}
	if a.outcome.Err != nil {
		d.replyText += ": " + a.outcome.Err.Error()
	}
	a.deferUntil(&d, t, min(retryBroken<<min(a.Attempts-1, 7), retryMost))
	return d
}

func (a *attempt) refused(t terms) decision {
	class := presets.Classify(t.provider, a.outcome.Reply)
	d := decision{log: true, reason: string(class.Reason), fault: string(class.Fault)}
	d.setReply(a.outcome.Reply)
	switch class.Action {
	case reply.ActionSuppress:
		d.state, d.suppress = Bounced, true
	case reply.ActionBounce:
		d.state = Bounced
	case reply.ActionFail:
		d.state = Failed
	case reply.ActionRetrySoon:
		a.deferUntil(&d, t, max(class.RetryAfter, greylistWait))
	default:
		if a.failsOver(class.Action) {
			a.deferUntil(&d, t, failover)
			break
		}
		a.deferUntil(&d, t, max(class.RetryAfter, min(retryFirst<<min(a.Attempts-1, 7), retryMost)))
	}
	return d
}

// failsOver says that a refusal concerns the relay, so that another one of the campaign may do better at once. A relay that was stopped takes nothing more
// anyhow; one that is to go slower may be refused for what is in the message, so each of the others is tried only once.
func (a *attempt) failsOver(action reply.Action) bool {
	switch action {
	case reply.ActionStopRelay:
		return a.others > 0
	case reply.ActionSlowDown:
		return a.Attempts <= a.others
	}
	return false
}

// deferUntil sets the next try, or gives up when that would be later than the campaign wants to be read.
func (a *attempt) deferUntil(d *decision, t terms, wait time.Duration) {
	next := t.now.Add(wait)
	if next.After(a.FirstTriedAt.Add(t.expires)) {
		d.state = Failed
		if d.reason == string(reply.ReasonMailboxFull) || d.fault == string(reply.FaultRecipient) {
			d.state = Bounced // it is the mailbox that would not take it, all that time
		}
		d.replyText = "given up after " + t.expires.String() + "; the last answer was: " + d.replyText
		return
	}
	d.state, d.next = Deferred, &next
}
