// Package dsn reads what mail systems send back about a message and turns it into facts.
//
// [Parse] takes a message as it was received and says what it is (a bounce, a complaint, a delay warning, an automatic answer), which recipients it speaks
// of, and what it says of each: delivery status notifications (RFC 3464, in the envelope of RFC 6522, and with the addresses of RFC 6533), feedback reports
// (RFC 5965, RFC 6591), disposition notifications (RFC 8098), automatic answers (RFC 3834), the JSON notifications of Amazon SES that are forwarded as mail,
// and the free texts of mail systems that follow none of these.
//
// The meaning of a refusal is decided by sender/reply alone, so that the same words mean the same whether they come in the SMTP dialogue or in a bounce.
// A field that contradicts the words of the server that refused (Status: 5.0.0 beside "mailbox full") loses against them.
//
// The package is pure: no clock, no network, no state. Everything in a message is hostile: what is read is bounded by the limits in limits.go, and the work
// grows linearly with the size of the message.
package dsn
