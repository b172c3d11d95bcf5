// Package outgoing tells other programs what happens: webhooks in the format of Standard Webhooks (https://www.standardwebhooks.com), signed, tried again for
// three days, with a log.
//
// It owns the tables webhook_endpoints, webhook_outbox, webhook_messages and webhook_attempts.
//
// Flow: triggers on the tables of others write what happened into webhook_outbox, in the transaction in which it happened, if an endpoint wants it. Run takes rows out
// and makes a message for each endpoint whose filters let it through, in one transaction. A few workers for each endpoint send what is due and write
// down what came of it, so a slow endpoint keeps nobody else waiting.
//
// What a reader can rely on: nothing that was committed is lost; a message may come twice (the process ended between the answer and the record), and then has the same
// webhook-id and the same bytes. The order is that of the commits as far as nothing has to be tried again.
//
// Payloads hold addresses of people. Logs do not, nor do they hold addresses of endpoints, which may have a token in them.
package outgoing
