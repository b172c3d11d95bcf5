package presets

import (
	"strings"
	"time"

	"postrider/sender/reply"
)

// Classify judges a reply of the provider that key names, by its id or by the name of its server. Without a provider, and where the provider has
// nothing of its own to say, it is [reply.Classify].
func Classify(key string, r reply.Reply) reply.Class {
	class, _, _ := judge(key, r)
	return class
}

// Explanation is what a reply means, in words for a person.
type Explanation struct {
	Reply    reply.Reply
	Class    reply.Class
	Provider string // its name; "" when none is known
	Known    bool   // this very text of the provider is known
	Whose    string // whose fault it is
	Does     string // what the program does
	Remedy   string // what a person should do; "" when there is nothing to do
}

// Explain is [Classify] with the words for a person.
func Explain(key string, r reply.Reply) Explanation {
	class, p, f := judge(key, r)
	e := Explanation{Reply: r, Class: class, Known: f != nil, Whose: whose(class.Fault), Does: does(class), Remedy: reply.Remedy(class, r)}
	if p != nil {
		e.Provider = p.Name
		if class.Reason == reply.ReasonQuotaExhausted && p.Quota.Text != "" {
			e.Remedy = p.Quota.Text
		}
	}
	if f != nil && f.Remedy != "" {
		e.Remedy = f.Remedy
	}
	return e
}

func judge(key string, r reply.Reply) (reply.Class, *Provider, *Failure) {
	p := find(func(p *Provider) bool { return p.ID == key })
	if p == nil {
		p = byHost(key)
	}
	if p == nil || r.Positive() {
		return reply.Classify(r), p, nil
	}
	if f, ok := p.Failure(r); ok {
		class := reply.Judge(r, f.Judgement)
		if class.RetryAfter == 0 {
			class.RetryAfter = f.Wait
		}
		return class, p, &f
	}
	class := reply.Classify(r)
	if class.Reason == reply.ReasonQuotaExhausted && class.RetryAfter == 0 {
		class.RetryAfter = p.Quota.Reopens
	}
	return class, p, nil
}

func whose(f reply.Fault) string {
	switch f {
	case reply.FaultRecipient:
		return "The recipient's: the address cannot be reached."
	case reply.FaultReceiver:
		return "The receiving server's: its state or its wish, not the address itself."
	case reply.FaultReputation:
		return "Ours, in the receiver's eyes: how it sees this sender's address, domain or amount of mail."
	case reply.FaultContent:
		return "The message's: its content or form."
	case reply.FaultAccount:
		return "The account's at the relay: its login, its rights or its quota."
	case reply.FaultUs:
		return "Ours: a setting of the relay, of the domain or of this server."
	case reply.FaultNetwork:
		return "The network's between here and the server."
	}
	return "Nobody's: all is well."
}

func does(c reply.Class) string {
	text := ""
	switch c.Action {
	case reply.ActionAccept:
		return "Counts the message as sent."
	case reply.ActionSuppress:
		return "Counts the delivery as bounced and never mails the address again, until somebody lifts that."
	case reply.ActionBounce:
		return "Counts the delivery as bounced. The address stays and gets the next mailing."
	case reply.ActionFail:
		return "Counts the delivery as failed for a reason on our side. It is never held against the person."
	case reply.ActionRetry:
		text = "Tries the delivery again later, less and less often, until the campaign's limit"
	case reply.ActionRetrySoon:
		text = "Tries the delivery again after a few minutes, as greylisting servers expect"
	case reply.ActionSlowDown:
		text = "Keeps the delivery and sends less through this relay for a while"
	case reply.ActionStopRelay:
		text = "Keeps the delivery and stops the relay until somebody has mended it or its quota opens again"
	}
	if c.RetryAfter > 0 {
		text += ", not before " + inWords(c.RetryAfter)
	}
	return text + "."
}

func inWords(d time.Duration) string {
	return strings.NewReplacer("h0m0s", " h", "m0s", " min").Replace(d.Round(time.Second).String()) + " have passed"
}
