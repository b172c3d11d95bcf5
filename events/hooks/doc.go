// Package hooks understands the webhooks of mail providers: it checks that a request comes from the provider, and turns what it says into reports.
//
// It is pure: no network, no database, and the time is an argument. [Verify] looks at signatures, [Parse] at what is said; each provider has a file of its
// own. SES speaks through SNS, whose envelope is [ParseSNS]. Everything that comes in is bounded: [MaxBody], the depth of JSON, the number of values,
// events and recipients.
//
// What a provider calls a hard bounce is not believed as it stands: the words of the server that refused are judged by sender/reply where they are given,
// unless the category of the provider says more. So a block, a spam verdict or a limit never counts against an address, whatever the provider calls it.
package hooks
