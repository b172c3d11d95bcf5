// Package smtptest is a scripted SMTP server for tests and trials of the sender.
//
// It is written straight on net, so that a fault shared with the mail libraries
// the sender uses cannot hide, and it keeps its own ledger of what it accepted:
// whether mail was lost or sent twice is judged by the ledger, never by the
// sender. Scripts make it refuse, delay, drop or stay silent at any stage for
// chosen recipients. [Start] serves a test; [New] serves a program, with a ledger
// in a file that outlives a killed process.
//
// What clients do against the protocol is noted ([Server.Violations]), above all
// sending ahead where that is not allowed (RFC 2920 §3.1). A [Provider] holds the
// limits of a real one and notes who exceeds them ([Server.LimitViolations]).
//
// It trusts its client and listens on loopback only.
package smtptest
