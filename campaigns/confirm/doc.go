// Package confirm sends the mails by which people confirm that they want to be on lists. What is to be sent, how often and to whom is decided in package audience, which
// owns the rows; this package makes the mail, hands it to a relay as campaigns do, and reports back.
//
// The way of a mail: a job names a row of signups → ClaimConfirmation (committed) → render, compose, sign → DotConfirmation (committed) right before the final dot → the
// reply → RecordConfirmation. A process that dies before the dot is noted leaves a row that is claimed again; one that dies after it leaves a mail that may have arrived,
// which is never sent again. Deferred mail is tried for a day; its job sleeps meanwhile.
package confirm
