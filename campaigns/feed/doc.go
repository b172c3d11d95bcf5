// Package feed reads feeds (RSS 0.9x, 1.0 and 2.0, Atom, JSON Feed) and JSON documents that somebody else wrote, for the content of mail.
//
// It is pure: bytes in, values out. Everything in a feed is hostile until it has been through here: the size of the document, the depth and number of its elements, the
// number of items and the length of each field are bounded, entities are never expanded, addresses are http or https, and HTML is made safe for a mail (Sanitize).
// What is wrong comes back as errs.Invalid in words for whoever entered the address.
//
// The XML is read leniently, since feeds are rarely well-formed: any encoding, control characters, HTML entities, bare ampersands, unclosed HTML elements. What breaks off in
// the middle is an error, so that nobody is mailed half a feed.
package feed
