// Package oauth gets the access tokens with which we log in at SMTP, IMAP and POP3 servers by XOAUTH2: from a refresh token that a person has entered, kept until shortly
// before they run out, asked for once at a time.
package oauth
