// Package presets holds what is known of the companies that run mail servers, each as one [Company]: the ways to send through it ([Provider]: where the servers
// are, how one logs in, what they allow, what they do when it is used up, and what they answer when something is wrong, with the remedy to tell a person), what
// an SPF record must say for it, and what it is as a receiver ([Site]: its mail servers, the domains of its mailboxes, how much it takes). No other package
// holds such facts.
//
// The facts are tables, one file for each group of companies. They come from the providers' public pages and from replies that were reported in
// public; each has the month in which it was looked at, and figures have the page they come from. A figure that is not published is left out: zero
// means "unknown", never "none". Where a provider's exact words are not public, the sample of a failure holds the words it is recognised by.
//
// Numbers change, so the interface offers them as suggestions that a person can edit, and nothing here is enforced.
//
// [Classify] and [Explain] judge a reply in two steps: first by what the provider is known to mean by exactly that text, then by [reply.Classify].
//
// Invariant: no line of these tables suppresses a person. What a provider says of our account is never a recipient's fault, and where it speaks of a
// recipient the general rules decide.
package presets
