package listener

import (
	"fmt"

	"postrider/events"
)

// answer is what a command or a message is answered with.
type answer struct {
	code   int
	status string // RFC 3463; "" for replies that have none
	text   string
}

func (a answer) String() string {
	if a.status == "" {
		return fmt.Sprintf("%d %s", a.code, a.text)
	}
	return fmt.Sprintf("%d %s %s", a.code, a.status, a.text)
}

// The answers of the listener. None of them repeats what the peer said.
var (
	okDone   = answer{250, "2.0.0", "OK"}
	okSender = answer{250, "2.1.0", "OK"}
	okRcpt   = answer{250, "2.1.5", "OK"}
	okTaken  = answer{250, "2.6.0", "taken"}

	noAddress    = answer{501, "5.1.3", "this is not an address in angle brackets"}
	noSender     = answer{501, "5.1.7", "the sender is not an address in angle brackets"}
	noParameter  = answer{555, "5.5.4", "this parameter is not offered"}
	noSequence   = answer{503, "5.5.1", "not now: EHLO or LHLO, MAIL, RCPT and DATA come in this order"}
	foreign      = answer{550, "5.7.1", "relaying denied: mail for this domain is not taken here"}
	unknown      = answer{550, "5.1.1", "no such address here"}
	manyRcpt     = answer{452, "4.5.3", "too many recipients for one message"}
	tooLarge     = answer{552, "5.3.4", "the message is too large"}
	later        = answer{451, "4.3.0", "mail cannot be taken at the moment, try again later"}
	nobodyReads  = answer{550, "5.7.1", "no person reads mail here, only bounces, complaint reports and unsubscribe requests are taken; write to the From address of the message"}
	wrongCommand = answer{500, "5.5.2", "this command is not known"}
)

// The answers after which the connection is closed.
var (
	byQuit     = answer{221, "2.0.0", "goodbye"}
	byCrowd    = answer{421, "4.7.0", "too many connections, try again later"}
	byErrors   = answer{421, "4.7.0", "too many errors, closing the connection"}
	byRefused  = answer{421, "4.7.0", "too many wrong recipients, closing the connection"}
	byIdling   = answer{421, "4.7.0", "too many commands without a message, closing the connection"}
	byTimeout  = answer{421, "4.4.2", "timeout, closing the connection"}
	byStopping = answer{421, "4.3.2", "the server is stopping, try again later"}
	byLineEnd  = answer{500, "5.5.2", "lines end with CR LF, closing the connection"}
	byLongLine = answer{500, "5.5.6", "the line is too long, closing the connection"}
	byFlood    = answer{552, "5.3.4", "the message is far too large, closing the connection"}
	byAhead    = answer{501, "5.5.2", "nothing may be sent ahead of the TLS handshake (RFC 3207 §4), closing the connection"}
)

// judge says what a message is answered with when the Taker has looked at it.
//
//   - taken, ignored: 250. It is committed, or an automatic message of which nothing is needed; a refusal would only make the peer bounce a bounce.
//   - foreign from the null sender: 250. It is an automatic message too, and nobody would read the refusal.
//   - foreign from somebody, by SMTP: 550. A person wrote to an address that no person reads, and shall hear so rather than be swallowed. Their own
//     server tells them, in the session: we send nothing, so nobody whose address was forged is written to by us.
//   - foreign from somebody, by LMTP: 250. The server in front has taken the message already and would have to write to a sender that may be forged.
func judge(v events.Verdict, from string, lmtp bool) answer {
	if v == events.VerdictForeign && from != "" && !lmtp {
		return nobodyReads
	}
	return okTaken
}
