// Package inbox is the built-in SMTP server for trying things out: it accepts
// mail on a loopback address, hands it to a [Store] and sends nothing on.
//
// It can also play a difficult receiver. The first letters of a recipient's local
// part choose the answer, each with the texts real servers use:
//
//	bounce…    550 5.1.1 no such user
//	defer…     451 4.7.1 try again later, always
//	full…      452 4.2.2 mailbox full
//	blocked…   550 5.7.1 refused by policy
//	greylist…  451 4.7.1 at the first attempt for the address, then accepted
package inbox
