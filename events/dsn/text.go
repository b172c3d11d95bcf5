package dsn

import (
	"regexp"
	"slices"
	"strings"
)

// bounceSubjects are parts of the subjects under which mail systems report.
var bounceSubjects = []string{
	"undelivered", "undeliverable", "undeliver", "returned mail", "returned to sender", "returning message to sender", "returned message", "mail returned",
	"delivery status", "delivery notification", "delivery failure", "delivery failed", "delivery has failed", "delivery error", "delivery problem",
	"delivery report", "delivery delay", "delivery warning", "delivery attempt", "delivery unsuccessful", "failure notice", "mail failure", "mail delivery",
	"message delivery", "message status", "non-delivery", "nondelivery", "nondeliverable", "non-deliverable", "failed mail", "mail system error",
	"error sending your mail", "could not be delivered", "could not send", "was not delivered", "not be delivered", "message you sent", "delayed",
	"loop alert", "not member", "mailing list", "mdaemon notification", "permanent error", "mail error", "bounced mail", "unzustellbar", "nicht zugestellt", "non remis", "no se pudo entregar",
	"unzustellbarkeit", "zustellung fehlgeschlagen", "nicht zustellbar", "no se puede entregar", "no entregado", "no entregable", "non recapitabile", "mancato recapito", "impossibile recapitare",
	"não é possível entregar", "não entregue", "falha na entrega", "onbestelbaar", "niet bezorgd", "kan inte levereras", "kan ikke leveres", "niedostarczon", "échec de remise", "échec de la remise",
	"remise impossible", "non distribu", "nepavyko", "teslim edilemedi", "не удалось доставить", "無法傳送", "无法投递", "無法投遞", "未送达", "未送達", "配送不能", "配信エラー", "送信エラー", "送信できません", "전송 실패", "반송",
	"не доставлен", "недоставлен", "エラー", "配信不能", "無法傳遞", "退信",
}

// bouncePhrases are what mail systems say when they have not delivered something, or not yet.
var bouncePhrases = []string{
	"could not be delivered", "couldn't be delivered", "cannot be delivered", "can not be delivered", "can't be delivered", "could not deliver", "couldn't deliver",
	"cannot deliver", "was not delivered", "wasn't delivered", "not been delivered", "was not able to be delivered", "not able to be delivered", "unable to deliver",
	"wasn't able to deliver", "was unable to deliver", "undeliverable", "undelivered", "delivery failed", "delivery has failed", "delivery failure", "failed to deliver",
	"delivery to the following", "delevery to the following", "delivery of your message", "following address", "following recipient", "following destination",
	"addresses had", "transcript of session", "transcript of the attempts", "failure reasons", "unknown user:", "mailbox exceeds allowed size", "invalid final delivery userid",
	"did not reach", "could not be sent", "has been delayed", "is delayed for", "trouble delivering", "could not be reached", "returned permanent errors",
	"error message below", "warning message only", "delivery status notification", "the group you tried to contact", "incorrectly constructed", "duplicated message-id",
	"was rejected by a remote", "requested action not taken", "returned to you", "returned to sender", "message bounced", "not a member", "delivery attempts",
	"no recipients were", "message was not sent", "sent >>>", "failed addresses follow", "failed recipient", "delivery error", "session transcript", "over quota",
	"nicht zugestellt werden", "konnte nicht an", "nicht erreicht werden", "nicht erreicht", "no se pudo entregar", "no se ha podido entregar", "no se puede entregar", "impossibile recapitare", "non è stato possibile",
	"n'a pas pu être", "n'a pas été remis", "impossible de remettre", "não pôde ser entregue", "não foi possível entregar", "kon niet worden", "не удалось доставить", "не удается доставить", "doręczyć",
	"配信不能", "お届けできません", "配達できません", "送達できません", "无法投递", "無法傳遞", "无法送达", "未能送达", "退回", "전달할 수 없",
	"не может быть доставлено", "не доставлено", "échec de la remise", "nicht zugestellt", "送信できません", "送信に失敗", "配信できません", "届けることができません",
}

// delayPhrases say that a message is still being tried.
var delayPhrases = []string{
	"warning message only", "has been delayed", "is delayed for", "was delayed", "will be retried", "will be re-tried", "not need to resend", "not need to re-send",
	"temporary failure report", "delivery attempts will continue", "will continue to try", "still being retried", "still trying to", "will keep trying", "not yet been delivered",
	"has not yet been delivered", "delivery is delayed", "delivery delayed", "delayed message", "message is still in the queue", "remain in the queue", "try to deliver it again",
}

// givenUp are phrases that take a delay back: the sentence about retries belongs to the past.
var givenUp = []string{"no longer", "given up", "giving up", "permanent error", "permanent failure", "permanently", "will not be retried", "no further"}

func contains(text string, phrases []string) bool {
	for _, p := range phrases {
		if strings.Contains(text, p) {
			return true
		}
	}
	return false
}

// folded is a text in lower case on one line, with straight apostrophes.
func folded(s string) string {
	return strings.ReplaceAll(strings.ToLower(oneLine(s)), "’", "'")
}

func (p *parser) delayed(text string) bool {
	text = folded(p.subject() + " " + clip(text, maxBlock))
	return contains(text, delayPhrases) && !contains(text, givenUp)
}

func (p *parser) subject() string { return clip(words(p.root.header.get("subject")), 500) }

// bounced weighs the signs that a text without structure comes from a mail system and tells of a failure. It takes two of three: who sends it, under which
// subject, and what it says. What people write may hold one of them.
func (p *parser) bounced(text string) bool {
	h := p.root.header
	if h.get("x-failed-recipients") != "" || len(p.statuses) > 0 {
		return true
	}
	signs := 0
	subject := folded(p.subject())
	answered := strings.HasPrefix(subject, "re:") || strings.HasPrefix(subject, "fwd:") || strings.HasPrefix(subject, "fw:")
	if contains(subject, bounceSubjects) && !answered {
		signs++
	}
	if p.fromSystem() {
		signs++
	}
	if contains(folded(clip(text, maxText)), bouncePhrases) {
		signs++
	}
	return signs >= 2
}

// fromSystem reports that no person wrote the message: a null or telling sender, or a field that says so.
func (p *parser) fromSystem() bool {
	h := p.root.header
	from := strings.ToLower(words(h.get("from")))
	for _, v := range h.all("return-path") {
		if strings.TrimSpace(v) == "<>" || ofMailSystem(firstAddress(v)) {
			return true
		}
	}
	if h.get("x-mlserver") != "" { // a list server that answers
		return true
	}
	if auto := strings.ToLower(h.get("auto-submitted")); auto != "" && !strings.HasPrefix(auto, "no") {
		return true
	}
	for _, w := range []string{"mailer-daemon", "mailer daemon", "mail delivery", "postmaster", "post_master", "system administrator", "mail administrator", "no-reply@", "noreply@", "mail system", "mail.delivery"} {
		if strings.Contains(from, w) {
			return true
		}
	}
	return strings.TrimSpace(from) == "<>"
}

// readText reads a report without structure: which addresses it names, and what it says of each.
func (p *parser) readText(text string) bool {
	if !p.bounced(text) {
		return false
	}
	late := p.delayed(text)
	for _, addr := range p.namedIn(text) {
		said := p.about(text, addr)
		r := Recipient{Address: addr, Kind: KindBounce, Action: "failed"}
		if late {
			r.Kind, r.Action = KindDelay, "delayed"
		}
		if said == "" {
			said = text
		}
		p.judge(&r, said, "", text, text)
		p.add(r)
	}
	return len(p.recipients) > 0
}

// The ways in which a line names a recipient, the surest first.
var (
	leading  = regexp.MustCompile(`^[\s>*•"'«\[\-]{0,12}<?(` + atom + `)(?: <(` + atom + `)>)?`)
	replying = regexp.MustCompile(`^\s*(?:<<<\s*)?[45][0-9][0-9][ -](?:[45]\.[0-9]{1,3}\.[0-9]{1,3}[ :]+)?<?(` + atom + `)>?\s*(?:\.\.\.|:)`)
	labelled = regexp.MustCompile(`(?i)\b(?:rcpt to|recipients?(?: address)?|original address|addressed to|delivered to|message to|mail to|undeliverable to|target mail address|addresse?|` +
		`address\(es\)|permanent errors|user|userid|size|account|mailbox)\s*:?\s*:\s*<?(` + atom + `)`)
	ending = regexp.MustCompile(`(?i)^(.{0,80}):\s*<?(` + atom + `)>?[\s.]*$`)
)

// ours are labels before addresses that are not the recipient's.
var ours = regexp.MustCompile(`(?i)(?:from|sender|reply-to|return-path|message-id|contact|cc|by|subject)\s*$`)

// helping is a line that names an address to turn to.
var helping = regexp.MustCompile(`(?i)contact|assistance|please send|help|support|postmaster`)

// derived is a line that says from which address the one above it was made.
var derived = regexp.MustCompile(`(?i)^\s*\(?(?:ultimately )?(?:generated|expanded) (?:from|by)\b`)

// aboutList is what list servers say to those whose mail they do not take.
var aboutList = regexp.MustCompile(`(?i)(?:mailing list|message-id in|members of) <(` + atom + `)>`)

// mention is an address and how sure it is that it is a recipient: 0 to 4, 0 the surest.
type mention struct {
	address string
	line    int
	sure    int
}

func mentions(lines []string) []mention {
	var out []mention
	for i, line := range lines {
		if !strings.Contains(line, "@") || len(out) > 2*MaxRecipients {
			continue
		}
		if derived.MatchString(clip(line, 80)) { // a pipe or a file, which has no address of its own
			out = append(out, mention{firstAddress(line), i, 4})
			continue
		}
		line = clip(line, maxLine)
		if strings.Contains(line, "smtp.mailfrom=") { // a quoted verdict on the sender (RFC 8601)
			continue
		}
		if m := aboutList.FindStringSubmatch(line); m != nil {
			out = append(out, mention{clean(m[1]), i, 0})
		} else if m := leading.FindStringSubmatch(line); m != nil {
			if m[2] != "" { // "name@example.org <name@example.org>"
				m[1] = m[2]
			}
			out = append(out, mention{clean(m[1]), i, 1})
		} else if m := replying.FindStringSubmatch(line); m != nil {
			out = append(out, mention{clean(m[1]), i, 1})
		} else if m := labelled.FindStringSubmatch(line); m != nil {
			out = append(out, mention{clean(m[1]), i, 1})
		} else if m := ending.FindStringSubmatch(line); m != nil && !ours.MatchString(m[1]) {
			out = append(out, mention{clean(m[2]), i, 2})
		} else if !ours.MatchString(beforeColon(line)) && !helping.MatchString(line) {
			for _, a := range addresses(line) {
				out = append(out, mention{a, i, 3})
			}
		}
	}
	return out
}

func beforeColon(line string) string {
	label, _, found := strings.Cut(line, ":")
	if !found {
		return ""
	}
	return label
}

func clean(a string) string { return strings.TrimLeft(a, ".") }

func linesOf(text string) []string {
	lines := strings.SplitN(text, "\n", maxLines+1)
	return lines[:min(len(lines), maxLines)]
}

// namedIn gives the recipients that a text names: those of X-Failed-Recipients if that is there, else the surest of what is found, without the addresses of
// the one who gets the report and of the system that sends it. When nothing is named it is the only recipient of the returned message.
func (p *parser) namedIn(text string) []string {
	found := mentions(linesOf(text))
	if failed := p.root.header.all("x-failed-recipients"); len(failed) > 0 {
		listed := unique(addresses(words(strings.Join(failed, ", "))))
		if len(listed) > 0 && (!strings.Contains(text, "address(es) failed:") || containsAny(text, listed)) { // Exim names them in both places
			return listed
		}
	}
	for _, own := range []map[string]bool{p.own(true), p.own(false)} {
		for sure := 0; sure <= 4; sure++ {
			var out []string
			for _, m := range found {
				if m.sure <= sure && !own[strings.ToLower(m.address)] && !ofMailSystem(m.address) {
					out = append(out, m.address)
				}
			}
			if len(out) > 0 {
				return unique(out)
			}
		}
	}
	if p.nested() {
		return nil
	}
	return p.originalTo()
}

// nested reports that the message which comes back is a report itself, as when somebody forwards one.
func (p *parser) nested() bool {
	if p.depth > 0 || len(p.originals) == 0 {
		return false
	}
	h := p.originals[0]
	return ofMailSystem(firstAddress(words(h.get("from")))) || strings.Contains(strings.ToLower(h.get("content-type")), "report-type=delivery-status")
}

// readNested reads the report that this message only forwards.
func (p *parser) readNested() bool {
	if !p.nested() {
		return false
	}
	inner := &parser{root: parseEntity(p.firstOriginal), depth: 1}
	inner.walk(inner.root, 0)
	inner.read()
	inner.collect()
	p.recipients, p.at = inner.recipients, inner.at
	p.originals, p.ids = inner.originals, inner.ids
	return len(p.recipients) > 0
}

func containsAny(text string, addrs []string) bool {
	text = strings.ToLower(text)
	return slices.ContainsFunc(addrs, func(a string) bool { return strings.Contains(text, strings.ToLower(a)) })
}

// own are addresses that a report mentions without meaning the recipient.
func (p *parser) own(all bool) map[string]bool {
	own := map[string]bool{}
	note := func(values []string) {
		for _, v := range values {
			for _, a := range addresses(words(v)) {
				own[strings.ToLower(a)] = true
			}
		}
	}
	note(p.root.header.all("from", "return-path"))
	if all {
		note(p.root.header.all("to", "delivered-to", "x-original-to"))
		for _, h := range p.originals {
			note(h.all("from", "sender", "reply-to", "return-path"))
		}
	}
	return own
}

func (p *parser) originalTo() []string {
	for _, h := range p.originals {
		for _, name := range []string{"x-original-to", "delivered-to", "to"} {
			if found := addresses(words(h.get(name))); len(found) == 1 {
				return found
			}
		}
	}
	return nil
}

// blocks gives for each address in a text what is said of it: from each line that names it to the next that names another. Keys are in lower case. A line that
// names an address in the reply to a command begins with the commands above it. Where there are sure mentions, others do not end a block.
func blocks(text string) map[string]string {
	lines := linesOf(text)
	starts := map[int]string{}
	found := mentions(lines)
	sure := slices.ContainsFunc(found, func(m mention) bool { return m.sure < 3 })
	named := map[int]bool{}
	for _, m := range found {
		named[m.line] = true
	}
	for _, m := range found {
		if m.sure < 3 || !sure {
			at := m.line
			for back := 0; back < 6 && at > 0 && !(named[at-1] && replying.MatchString(clip(lines[at-1], maxLine))) && replying.MatchString(clip(lines[m.line], maxLine)) && transcript.MatchString(clip(lines[at-1], 40)); back++ {
				at--
				if strings.HasPrefix(strings.TrimSpace(lines[at]), ">>>") {
					break
				}
			}
			if starts[at] == "" {
				starts[at] = strings.ToLower(m.address)
			}
		}
	}
	said := map[string]*strings.Builder{}
	inside := ""
	for i, line := range lines {
		if addr := starts[i]; addr != "" {
			inside = addr
			if said[addr] == nil {
				said[addr] = &strings.Builder{}
			}
		}
		if inside != "" && said[inside].Len() < maxBlock {
			said[inside].WriteString(clip(line, maxLine) + "\n")
		}
	}
	out := make(map[string]string, len(said))
	for addr, b := range said {
		out[addr] = b.String()
	}
	return out
}

// transcript is a line of a recorded SMTP dialogue.
var transcript = regexp.MustCompile(`(?i)^\s*(?:>>> |<<< |\.\.\. while|while talking to|[45][0-9][0-9] )`)

// noise are lines of a transcript that follow from an earlier refusal or are none.
var noise = regexp.MustCompile(`(?im)^\s*(?:(?:<<<\s*)?[23][0-9][0-9][ -].*|(?:<<<\s*)?503 .*need (?:rcpt|mail).*|\.\.\. while talking to.*|554 5\.0\.0 service unavailable\s*)$`)

func withoutNoise(s string) string { return noise.ReplaceAllString(s, "") }
