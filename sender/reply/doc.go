// Package reply turns an SMTP reply into a decision.
//
// A reply is judged on three separate axes, because mixing them is what wipes
// lists: permanence (does the protocol say 4yz or 5yz), reason (what the server
// means) and fault (whose problem it is). Only a fault that is certainly the
// recipient's leads to [ActionSuppress]; "550 5.7.1", block lists, failed
// authentication, rate limits and spam verdicts never do, whatever their code.
//
// The package is pure: no clock, no network, no state. [Parse] cleans what a
// server sent, [Classify] reads one table of rules, [Remedy] says in one
// sentence what a person can do about it.
package reply
