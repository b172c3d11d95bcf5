package dsn

import (
	"regexp"
	"strings"
)

// readDisposition reads disposition notifications (RFC 8098): somebody's program says that the message was displayed or deleted. Nothing follows from it.
func (p *parser) readDisposition() {
	for _, h := range p.mdn {
		addr, _ := p.perRecipient(h)
		if addr == "" {
			addr = firstAddress(p.root.header.get("from"))
		}
		p.add(Recipient{Address: addr, Kind: KindAutoReply, Diagnostic: clip(h.get("disposition"), 200)})
		p.ids.addMessages(h.all("original-message-id")...)
	}
}

// autoSubject begins the subjects of automatic answers.
var autoSubject = regexp.MustCompile(`(?i)^\s*(?:re:\s*)?(?:\[?auto(?:matic|mated|matische|matique)?[ -]?(?:reply|response|answer|antwort|re)?\]?\s*:|automati(?:c|sche) (?:reply|antwort)|auto(?:-|\s)?(?:reply|response|responder)|` +
	`out of (?:the )?office|away from (?:my|the) (?:office|desk|mail)|on vacation|vacation(?: reply| notice|:)|abwesenheits|abwesend|r\S+ponse automatique|risposta automatica|respuesta autom|resposta autom|` +
	`automatisch antwoord|automatiskt svar|automaattinen|автоматический ответ|автоответ|自動(?:応答|返信)|自动(?:回复|答复))`)

// readAutoReply tells answers of machines (RFC 3834) from mail of people. A notice that a mail system itself writes is neither.
func (p *parser) readAutoReply() {
	h := p.root.header
	from := firstAddress(words(h.get("from")))
	if from == "" || ofMailSystem(from) || !p.autoReplied() {
		return
	}
	p.add(Recipient{Address: from, Kind: KindAutoReply})
}

func (p *parser) autoReplied() bool {
	h := p.root.header
	auto, _, _ := strings.Cut(strings.ToLower(h.get("auto-submitted")), ";")
	auto, _, _ = strings.Cut(strings.TrimSpace(auto), " ")
	precedence := strings.ToLower(h.get("precedence"))
	answers := h.get("in-reply-to") != "" || h.get("references") != ""
	switch {
	case auto == "auto-replied" || auto == "auto-notified" && answers || auto == "auto-generated" && answers:
		return true
	case auto == "no" || h.get("list-id") != "":
		return false
	case strings.HasPrefix(precedence, "auto"):
		return true
	}
	for _, name := range []string{"x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply", "x-mail-autoreply", "x-autoreply-from", "x-vacation"} {
		if v := strings.ToLower(h.get(name)); v != "" && v != "no" {
			return true
		}
	}
	return autoSubject.MatchString(clip(words(h.get("subject")), 300))
}
