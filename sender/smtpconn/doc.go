// Package smtpconn is one SMTP submission session: dial, TLS, AUTH, and then one
// transaction after another.
//
// go-mail's smtp package speaks the session's opening. The transactions run here,
// because they need what no library offers together: PIPELINING (RFC 2920), a
// deadline for a whole command instead of for each read, and a hook right before
// the final dot. That hook is what crash safety rests on: until it returns nil
// the server cannot have taken the message, so every earlier failure may be sent
// again, and only between the dot and its reply lies doubt.
//
// A Conn is used by one goroutine at a time.
package smtpconn
