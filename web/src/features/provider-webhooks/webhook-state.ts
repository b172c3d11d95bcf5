import type { WebhookProvider, WebhookSource } from '@/api/types';
import type { Tone } from '@/ui/tone';

export type WebhookState = 'receives' | 'waits' | 'key' | 'topic' | 'refused';

export const webhookTone: Record<WebhookState, Tone> = {
  receives: 'good',
  waits: 'quiet',
  key: 'warn',
  topic: 'warn',
  refused: 'bad',
};

export const webhookProviders: WebhookProvider[] = [
  'ses',
  'sendgrid',
  'mailgun',
  'postmark',
  'brevo',
  'mandrill',
  'sparkpost',
  'resend',
];

/** Under which of the steps, counted from 0, the address and the field for the key stand. */
export const stepShows: Record<WebhookProvider, { address: number; key?: number }> = {
  ses: { address: 1 },
  sendgrid: { address: 0, key: 2 },
  mailgun: { address: 1, key: 2 },
  postmark: { address: 0 },
  brevo: { address: 0 },
  mandrill: { address: 1, key: 2 },
  sparkpost: { address: 0 },
  resend: { address: 0, key: 2 },
};

type Known = Pick<
  WebhookSource,
  'needs_key' | 'has_key' | 'topics' | 'received' | 'last_received_at' | 'last_error_at'
>;

/** What somebody has to know first about a webhook. */
export function webhookState(source: Known): WebhookState {
  if (source.needs_key && !source.has_key) return 'key';
  if (source.topics.some((topic) => !topic.accepted_at)) return 'topic';
  if (errorIsLast(source)) return 'refused';
  return source.received > 0 ? 'receives' : 'waits';
}

/** Whether nothing was taken since something was last refused. */
export function errorIsLast({ last_error_at, last_received_at }: Known): boolean {
  if (!last_error_at) return false;
  return !last_received_at || Date.parse(last_error_at) > Date.parse(last_received_at);
}
