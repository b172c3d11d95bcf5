// Package events records what happened to mail after it left: opens, clicks, unsubscribes and bounces. It owns the events table and the signed
// tokens by which a pixel, a link, a return path or a Message-ID leads back to one delivery.
//
// Opens and clicks come in bursts and nobody waits for them, so Service.Record buffers them and Run copies them in batches: a crash loses at
// most the last second. Unsubscribes and bounces change what we may send, so they are written by RecordTx in the transaction that acts on them.
//
// No IP address is stored, here or anywhere.
package events
