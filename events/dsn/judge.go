package dsn

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"postrider/sender/reply"
)

// judge sets what the words of the server that refused mean. diag are those words, said is what the report tells people about this recipient, and text all
// that it tells. Words weigh more than codes: when diag has only a code to go by, and the rest says in words what happened, the words decide.
//
// servers is where the report names the server that spoke, apart from what it said.
func (p *parser) judge(r *Recipient, diag, said, text, servers string) {
	if r.Kind != KindBounce && r.Kind != KindDelay {
		r.Diagnostic = clip(oneLine(diag), reply.MaxText)
		return
	}
	if !strings.ContainsFunc(diag, unicode.IsLetter) { // nothing, or the exit code of a program
		if bare := firstStatus(diag); bare != "" && (r.Status == "" || strings.HasSuffix(r.Status, ".0.0")) {
			r.Status = bare
		}
		diag, said = said, ""
	}
	rep := replyIn(r, diag)
	if rep.Stage == "" {
		rep.Stage = stageOf(said)
	}
	c := reply.Classify(rep)
	if overridable(c.Reason) && !wordsDecide(rep, c) {
		if apart := p.replyApart(r.Kind, text); apart.Code != 0 && saysNothing(rep, diag, said) {
			rep, diag, c = apart, apart.String(), reply.Classify(apart)
		} else {
			c = p.fromWords(rep, c, diag, said, text)
		}
	}
	c = systemSays(text, inBounce(rep, c, r.Kind, quotes(diag, rep.Code)))
	vouched := false
	if known, ok := spokenBy(servers, rep.Status, diag); ok {
		c = inBounce(rep, reply.Judge(reply.Reply{Code: rep.Code}, reply.Judgement{Reason: known.reason, Fault: known.fault}), r.Kind, true)
		vouched = true
	}
	r.Status, r.Diagnostic = rep.Status, clip(oneLine(rep.Text), reply.MaxText)
	if quotes(diag, rep.Code) {
		r.ReplyCode = rep.Code
		r.Diagnostic = clip(rep.String(), reply.MaxText)
	}
	r.Reason, r.Fault = string(c.Reason), string(c.Fault)
	r.Hard = r.Kind == KindBounce && hard(rep, c, r.ReplyCode != 0, vouched, text)
}

// replyApart is the reply that a text quotes somewhere, apart from the recipients; its code is 0 when there is none. It is looked for once.
func (p *parser) replyApart(kind Kind, text string) reply.Reply {
	if p.apart == nil {
		found := replyIn(&Recipient{Kind: kind}, text)
		if !quotes(text, found.Code) {
			found = reply.Reply{}
		}
		p.apart = &found
	}
	return *p.apart
}

// saysNothing reports that what is said of a recipient holds neither a reply nor words that mean something.
func saysNothing(rep reply.Reply, diag, said string) bool {
	_, inDiag := inWords(rep, diag)
	_, inSaid := inWords(rep, said)
	return !quotes(diag, rep.Code) && rep.Status == "" && !inDiag && !inSaid
}

// quotes reports whether a text holds the code, or it was assumed.
func quotes(text string, code int) bool { return strings.Contains(text, strconv.Itoa(code)) }

// colon stands behind the code where some programs repeat a reply: "550: User unknown".
var colon = regexp.MustCompile(`(?m)(^|[\s:])([45][0-9][0-9])[:.]+[ \t]+`)

// overridable reports reasons that a code alone gives although the words may know better. The others stand for codes that are said on purpose only.
func overridable(r reply.Reason) bool {
	switch r {
	case reply.ReasonUnknown, reply.ReasonSystem, reply.ReasonNetwork, reply.ReasonProtocol, reply.ReasonPolicy, reply.ReasonUserUnknown, reply.ReasonDomainNotFound,
		reply.ReasonMailboxDisabled, reply.ReasonMailboxFull, reply.ReasonSize, reply.ReasonRateLimited:
		return true
	}
	return false
}

// fromWords looks for words that say what happened, first near the recipient, then in the whole text. What the whole text says is the same for all recipients
// and is judged once.
func (p *parser) fromWords(rep reply.Reply, c reply.Class, diag, said, text string) reply.Class {
	for _, near := range []string{diag, said} {
		if better, ok := inWords(rep, near); ok {
			return better
		}
	}
	whole, known := p.whole[rep.Transient()]
	if !known {
		whole, _ = inWords(rep, text)
		if p.whole == nil {
			p.whole = map[bool]reply.Class{}
		}
		p.whole[rep.Transient()] = whole
	}
	if whole.Reason != "" && whole.Reason != reply.ReasonUnknown {
		return whole
	}
	return c
}

// about gives what the text says of one recipient.
func (p *parser) about(text, addr string) string {
	if p.said == nil {
		p.said = blocks(text)
	}
	return p.said[strings.ToLower(addr)]
}

// replyIn finds the refusal in a text, or makes one of the words alone. The code of one that was not said is 550 or 459, so that the words are judged as
// those of a refusal.
func replyIn(r *Recipient, diag string) reply.Reply {
	diag = colon.ReplaceAllString(clip(withoutNoise(diag), maxBlock), "$1$2 ")
	rep, err := reply.Find(diag)
	switch {
	case err != nil || rep.Positive() || rep.Code/100 == 3:
		rep = reply.Parse(assumedCode(r), oneLine(diag), "")
	case !quotes(diag, rep.Code): // only an enhanced code, which may stand behind the words
		status := rep.Status
		rep = reply.Parse(rep.Code, oneLine(diag), "")
		rep.Status = status
	}
	rep.Stage = stageOf(diag)
	if rep.Status == "" || strings.HasSuffix(rep.Status, ".0.0") {
		if in := firstStatus(diag); in != "" && in[0] == digit(rep.Code) {
			rep.Status = in
		} else if r.Status != "" && (rep.Status == "" || !strings.HasSuffix(r.Status, ".0.0")) {
			rep.Status = r.Status
		}
	}
	return rep
}

func digit(code int) byte { return byte('0' + code/100) } //nolint:gosec // 2 to 5

// unsaid is a transient code that nobody uses, so that it means nothing by itself.
const unsaid = 459

func assumedCode(r *Recipient) int {
	if strings.HasPrefix(r.Status, "4") || r.Kind == KindDelay {
		return unsaid
	}
	return 550
}

// wordsDecide reports whether a class rests on words and not on a code alone.
func wordsDecide(rep reply.Reply, c reply.Class) bool {
	if c.Reason == reply.ReasonUnknown {
		return false
	}
	bare := rep
	bare.Text = ""
	if reply.Classify(bare).Reason != c.Reason {
		return true
	}
	words, ok := inWords(reply.Reply{Code: rep.Code}, rep.Text)
	return ok && words.Reason == c.Reason
}

// inWords judges a text without regard to codes. It reports false when the words say nothing.
func inWords(rep reply.Reply, text string) (reply.Class, bool) {
	text = clip(oneLine(text), maxBlock)
	if text == "" {
		return reply.Class{}, false
	}
	code := 550
	if rep.Transient() {
		code = unsaid
	}
	blank, c := reply.Classify(reply.Reply{Code: code}), reply.Classify(reply.Reply{Code: code, Text: text})
	if c.Reason == blank.Reason {
		return reply.Class{}, false
	}
	return c, true
}

// inBounce turns what a reply would mean to us into what it means when a relay that took our mail tells it of another server: nobody there knows our login or
// our quota, a refusal of MAIL speaks of the sender, and a route that failed is the network's.
func inBounce(rep reply.Reply, c reply.Class, kind Kind, quoted bool) reply.Class {
	bare := rep
	bare.Text = ""
	said, ok := inWords(reply.Reply{Code: rep.Code}, rep.Text)
	byCode := reply.Classify(bare).Reason == c.Reason && (!ok || said.Reason != c.Reason)
	switch {
	case c.Reason == reply.ReasonAuthFailed:
		c.Reason, c.Fault = reply.ReasonPolicy, reply.FaultReceiver
	case c.Reason == reply.ReasonBlocked && c.Fault == reply.FaultAccount && rep.Stage != reply.StageMail && !strings.Contains(strings.ToLower(rep.Text), "your") &&
		!strings.HasPrefix(rep.Status, "5.7.7") && !strings.Contains(strings.ToLower(rep.Text), "sending"):
		c.Reason, c.Fault = reply.ReasonMailboxDisabled, reply.FaultRecipient // whose account is suspended is the recipient's
	case rep.Stage == reply.StageMail && (c.Reason == reply.ReasonPolicy || c.Reason == reply.ReasonUserUnknown || c.Reason == reply.ReasonDomainNotFound ||
		c.Reason == reply.ReasonBlocked && strings.Contains(strings.ToLower(rep.Text), "access denied")):
		c.Reason, c.Fault = reply.ReasonSenderRejected, reply.FaultReceiver
	case rep.Stage == reply.StageHelo && (c.Reason == reply.ReasonPolicy || overridable(c.Reason)):
		c.Reason, c.Fault = reply.ReasonBlocked, reply.FaultReputation
	case c.Reason == reply.ReasonProtocol && strings.Contains(strings.ToLower(rep.Text), "helo"):
		c.Reason, c.Fault = reply.ReasonBlocked, reply.FaultReputation
	case c.Reason == reply.ReasonProtocol && strings.Contains(strings.ToLower(rep.Text), "protocol violation") && !strings.HasPrefix(rep.Status, "5.5."):
		c.Reason, c.Fault = reply.ReasonPolicy, reply.FaultReceiver
	case c.Reason == reply.ReasonBlocked && deniedTo.MatchString(rep.Text): // somebody, and not our server
		c.Reason, c.Fault = reply.ReasonPolicy, reply.FaultReceiver
	case byCode && (c.Reason == reply.ReasonGreylisted || rep.Status == "4.7.1"),
		(c.Reason == reply.ReasonPolicy || c.Reason == reply.ReasonUnknown) && !ok && (refusedIP.MatchString(rep.Text) || strings.Contains(strings.ToLower(rep.Text), "blocked")):
		c.Reason, c.Fault = reply.ReasonBlocked, reply.FaultReputation
	case kind == KindBounce && c.Reason == reply.ReasonUnknown && byStatus[rep.Status] != "":
		c = reply.Judge(reply.Reply{Code: rep.Code}, reply.Judgement{Reason: byStatus[rep.Status]})
		if !strings.HasPrefix(rep.Status, "5.1.") && c.Reason == reply.ReasonUserUnknown {
			c.Fault = reply.FaultReceiver
		}
	case kind == KindBounce && byCode && rep.Status == "5.4.4" && !strings.Contains(strings.ToLower(rep.Text), "network") && (c.Reason == reply.ReasonSystem || c.Reason == reply.ReasonNetwork):
		c.Reason, c.Fault = reply.ReasonDomainNotFound, reply.FaultRecipient
	case c.Reason == reply.ReasonUserUnknown && rep.Stage != reply.StageRcpt && hostGone.MatchString(rep.Text):
		c.Reason = reply.ReasonDomainNotFound
	case strings.Contains(strings.ToLower(rep.Text), "transaction failed") && byCode:
		c.Reason, c.Fault = reply.ReasonSystem, reply.FaultReceiver
	case !quoted && c.Reason == reply.ReasonUserUnknown && strings.Contains(strings.ToLower(rep.Text), "unrouteable address"): // Exim found no route for the domain
		c.Reason = reply.ReasonDomainNotFound
	case c.Reason == reply.ReasonSystem && byCode && len(rep.Status) > 2 && strings.HasPrefix(rep.Status[1:], ".4."),
		kind == KindDelay && byCode && (c.Reason == reply.ReasonUnknown || c.Reason == reply.ReasonSystem || c.Reason == reply.ReasonProtocol):
		c.Reason, c.Fault = reply.ReasonNetwork, reply.FaultReceiver
	}
	if c.Fault == reply.FaultAccount && (c.Reason == reply.ReasonSenderRejected || c.Reason == reply.ReasonRelayDenied) {
		c.Fault = reply.FaultReceiver
	}
	return c
}

// deniedTo is a refusal of a recipient that gives no reason but the access.
var deniedTo = regexp.MustCompile(`(?i)(?:<` + atom + `>(?:\.\.\.|:)\s*|recipient address rejected: )access denied`)

// refusedIP is a refusal beside the address of a server, which is ours or our relay's.
var refusedIP = regexp.MustCompile(`(?i)(?:refuse|reject|denied|not accept|block|bad|listed).{0,80}\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}\b|\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}\b.{0,80}(?:refuse|reject|denied|not accept|block|bad|listed)`)

// byStatus are enhanced codes that mean something in a bounce although they say little (RFC 3463 §3): of the address, or of a mailbox that takes this mail from
// nobody or not from everybody.
var byStatus = map[string]reply.Reason{
	"5.1.0": reply.ReasonUserUnknown, "5.1.4": reply.ReasonUserUnknown, "5.2.0": reply.ReasonUserUnknown, "5.2.4": reply.ReasonUserUnknown, "4.2.1": reply.ReasonMailboxDisabled,
}

// statements are sentences by which a system says what happened, whatever reply it quotes beside them.
var statements = []struct {
	text   string
	reason reply.Reason
	fault  reply.Fault
}{
	{"the user(s) account is disabled", reply.ReasonMailboxDisabled, reply.FaultReceiver},
	{"the user(s) account is temporarily limited", reply.ReasonMailboxDisabled, reply.FaultReceiver},
	{"the user(s) account is temporarily over quota", reply.ReasonMailboxFull, reply.FaultReceiver},
	{"couldn't be found. check for typos or unnecessary spaces and try again. dns error", reply.ReasonNetwork, reply.FaultReceiver}, // Gmail asks the name servers only once
	{"https://groups.google.com", reply.ReasonSenderRejected, reply.FaultReceiver},                                                  // its sentences come in forty languages: the group is not there, or not open to us
}

func systemSays(text string, c reply.Class) reply.Class {
	text = folded(clip(text, maxBlock))
	for _, s := range statements {
		if strings.Contains(text, s.text) && c.Fault != reply.FaultReputation {
			c.Reason, c.Fault = s.reason, s.fault
		}
	}
	if c.Reason == reply.ReasonUnknown && strings.Contains(text, "each of the following recipients was rejected by a remote mail server") { // au, of a filter of the recipient
		c.Reason, c.Fault = reply.ReasonUserUnknown, reply.FaultReceiver
	}
	return c
}

// hard reports whether the address itself is no good for good. A mailbox that is only disabled may be opened again.
func hard(rep reply.Reply, c reply.Class, quoted, vouched bool, text string) bool {
	if c.Fault != reply.FaultRecipient || !rep.Permanent() {
		return false
	}
	vouched = vouched || movedAway.MatchString(rep.Text)
	switch c.Reason {
	case reply.ReasonDomainNotFound:
		return true
	case reply.ReasonUserUnknown:
		return vouched || certain(rep, quoted, text)
	}
	return false
}

// certain reports whether "no such user" is to be believed: there is a code about the address, it was said to RCPT, or the system that writes the report says so
// of itself. When the words of another server come without a stage or after DATA they may be those of a filter.
func certain(rep reply.Reply, quoted bool, text string) bool {
	said := strings.ToLower(rep.Text)
	switch {
	case strings.HasPrefix(said, ": user unknown"): // au and others, of mail that a filter of the recipient refuses
		return false
	case len(rep.Status) > 3 && strings.HasPrefix(rep.Status[1:], ".1."), rep.Stage == reply.StageRcpt,
		strings.Contains(said, "delivery error: dd"), // Yahoo, which judges after DATA
		ownDirectory.MatchString(said), microsoftUnknown.MatchString(said), frenchUnknown.MatchString(said),
		contains(folded(clip(text, maxBlock)), notFoundHere): // Gmail's own sentence
		return true
	}
	return !quoted && rep.Status == "" && !terse.MatchString(said)
}

// movedAway says that the address is of the past. That is no word of a filter.
var movedAway = regexp.MustCompile(`(?i)has been replaced by|has moved|address has changed`)

// ownDirectory is how Domino speaks of the names that it knows.
var ownDirectory = regexp.MustCompile(`not listed in (?:the )?(?:domino|public|name)`)

// microsoftUnknown is what the servers of Outlook.com say of an address that is not there. Elsewhere the sentence means anything.
var microsoftUnknown = regexp.MustCompile(`requested action not taken: mailbox unavailable \((?:s2017062302|-?[0-9]+:[0-9]+:-?[0-9]+)\)`)

// frenchUnknown is the number by which Orange and La Poste say that the recipient is unknown.
var frenchUnknown = regexp.MustCompile(`\b(?:ofr|lpn)[0-9]*_416\b`)

// hostGone is a refusal that names a domain and says that it is not there.
var hostGone = regexp.MustCompile(`(?i)^(?:the )?(?:host|domain)?\s*<?(?:[a-z0-9-]+\.)+[a-z]{2,}>?:? (?:does not exist|doesn't exist|not found)`)

// notFoundHere are sentences by which a provider takes the blame of the address upon itself.
var notFoundHere = []string{"because the address couldn't be found", "the address wasn't found at", "email address you entered couldn't be found", "répertorié dans l'annuaire"}

// terse are words that systems also use when they only guess.
var terse = regexp.MustCompile(`user unknown|unknown user\b[^:]|recipient not found|doesn't have an? \S+ account`)

var (
	commandAt = regexp.MustCompile(`(?i)(?:^|\n)\s*>>> ?(rcpt|mail|data|\.)`)
	stageAt   = regexp.MustCompile(`(?i)(?:in reply to(?: the)?|after|for) (?:the )?(end of data|text|data|rcpt|mail|pipelined rcpt|pipelined mail|pipelined data)(?: to| from)?\b|\[(rcpt)_to\]|(does not like recipient)|(failed after i sent the message)|\b(?:sender was (rejected))|\b(my name was) rejected|(refused to talk to me)|(after initial connection)|(?:reply to|after) (?:e?hlo|(helo))|\b(rcpt) to:|\(state (1[3-8])\)`)
)

// stageOf reads out of a text which command was refused.
func stageOf(text string) reply.Stage {
	text = clip(text, maxBlock)
	if i := strings.Index(text, "<<< "); i >= 0 {
		if all := commandAt.FindAllStringSubmatch(text[:i], -1); len(all) > 0 {
			return stageWord(all[len(all)-1][1])
		}
	}
	if m := stageAt.FindStringSubmatch(text); m != nil {
		return stageWord(strings.Join(m[1:], ""))
	}
	return ""
}

func stageWord(s string) reply.Stage {
	switch s = strings.TrimPrefix(strings.ToLower(s), "pipelined "); s {
	case "rcpt", "does not like recipient", "14":
		return reply.StageRcpt
	case "mail", "rejected":
		return reply.StageMail
	case "my name was", "helo", "refused to talk to me", "after initial connection":
		return reply.StageHelo
	case "data", "15", "17":
		return reply.StageData
	case "end of data", "text", ".", "failed after i sent the message", "18":
		return reply.StageDot
	}
	return ""
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
