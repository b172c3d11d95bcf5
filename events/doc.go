// Package events records what happened to mail after it left: opens, clicks, unsubscribes and bounces. It owns the events table and the signed
// tokens by which a pixel, a link, a return path or a Message-ID leads back to one delivery.
//
// Opens and clicks come in bursts and nobody waits for them, so Service.Record buffers them and Run copies them in batches: a crash loses at
// most the last second. Each is judged: a person, a machine or unknown (actor.go, agents.go), and again when it shows in the company of others (judge.go). Unsubscribes and bounces change what we may send, so they are written by RecordTx in the transaction that acts on them.
//
// No IP address is looked at or stored, here or anywhere.
package events
