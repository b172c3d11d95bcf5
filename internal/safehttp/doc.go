// Package safehttp makes requests to addresses that somebody else chose: webhooks, feeds, documents.
//
// Whoever can enter an address must not reach through us what only this machine reaches (server-side request forgery). So the address is looked at when a connection is
// made, after DNS and for each redirect (Transport), and no proxy is used, which would connect where we do not see it. Getter reads documents with bounds on everything
// that the other side decides: size before and after decompression, header, redirects, time.
package safehttp
