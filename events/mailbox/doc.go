// Package mailbox reads bounces, complaints and unsubscribe mail from mailboxes by IMAP (RFC 9051, 3501) and POP3 (RFC 1939). It owns the tables mailboxes,
// mailbox_messages and mailbox_usage.
//
// Each message is handed to an [events.Taker]. Invariant: nothing is moved or deleted before the Taker has returned without an error, that is, before it is committed. A
// crash in between has the message taken twice, which the Taker knows to do; it is never lost. Mail of somebody to somebody is not touched and not marked as read.
//
// One process at a time reads a mailbox: it holds a lease in the mailbox's row, which it renews and which runs out when the process is gone. A process that was frozen
// and goes on may do a few messages again, which is harmless too.
//
// How far reading has come is kept in Postgres: for IMAP the UIDVALIDITY and the last UID that was looked at, for POP3 the unique-ids. A message that cannot be taken
// is set aside and tried again later, less and less often, so that it does not hold up the others; after maxAttempts it is stuck until a person asks for a check.
//
// Servers are not trusted: lines, literals and whole answers are bounded, each command has a deadline, and what comes before TLS is thrown away.
package mailbox
