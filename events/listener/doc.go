// Package listener is the mail server of a bounce domain: what others send to the return paths of our mail arrives here, by SMTP as the domain's MX or by
// LMTP (RFC 2033) from a mail server in front of it. It owns no table; each message goes to an [events.Taker].
//
// It takes mail for addresses of ours only and sends none on, so it is never a relay:
//
//	b-TOKEN@domain, anything+b-TOKEN@domain   the return path of a delivery
//	u-TOKEN@domain, anything+u-TOKEN@domain   unsubscribes a delivery's recipient
//	postmaster@domain, abuse@domain           of a bounce domain (RFC 5321 §4.5.1, RFC 2142)
//
// A token that we did not sign is refused at RCPT, before anything is read. The domain must be a bounce domain or a sending domain, or the one that the
// campaign of the token went out with: bounces come back for days, also after the domain has been changed.
//
// Invariant: a message is answered with 250 only after the Taker has committed it. An error of the Taker is a 451, and the peer keeps the message and comes
// again; the same message twice changes nothing (events.Report.Key). What each verdict is answered with is in verdict.go.
//
// Everybody may connect, so everything is bounded: sizes, lines, recipients, wrong recipients, errors, commands without a message, connections together and
// of each peer, the time of a command, of a message and of a connection, and how many messages are looked at at once. A command ends at CRLF and a message
// at CRLF "." CRLF and at nothing else, and who sends commands ahead of a TLS handshake is cut off. Addresses of peers and people are neither logged nor
// stored.
//
// The protocol is spoken here and not by go-smtp, which the inbox uses: its server offers CHUNKING whether one wants it or not, takes a chunk that breaks
// off for a whole message, and refuses for good what a time-out or a stop has interrupted. A bounce would be lost.
package listener
