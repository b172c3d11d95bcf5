// Package sender owns how mail leaves: the relays it goes through, the domains it is signed for, the pools that send it, and the built-in
// inbox that catches it when somebody tries things out.
//
// Tables: relays with what is counted for them (relay_…), sites and site_limits, nodes, sending_domains with domain_usage and domain_claims, dkim_keys,
// inbox_messages. Campaigns are only read, for the one question whether a relay is in use.
//
// Flow: a campaign names a relay and a From address. The pool asks DialerFor for connections (the only place where a relay's password is
// opened) and SignerFor for the prepared DKIM keys of the From domain; sender/message composes, sender/dkim signs, sender/smtpconn runs the
// transaction and sender/reply judges what the server said. sender/presets knows the providers and what they mean by their own words.
//
// RunChecks looks at the DNS of sending domains and puts keys into use whose records are there; CheckFrom says, before a campaign starts, why mail
// from an address would not be believed.
//
// Secrets: relay passwords, secrets of OAuth and private keys are stored sealed (internal/secret), each bound to its row, and never appear in a Relay, a
// Domain, an error, a report of TestRelay or a log line.
package sender
