// Package sink is an SMTP server that takes everything, as fast as it can, for measuring what a sender does.
//
// It offers PIPELINING and 8BITMIME, keeps no message, answers after an optional round-trip time, and can keep a ledger: a file with one line for each
// accepted recipient, synced to the disk before the 250 goes out, so that what it says of a killed sender is the truth.
//
// It listens on loopback only: it is no mail server.
package sink
