import { expect, it } from 'vitest';
import en from '@/locales/en.json';
import { webhookSources } from '@/test/fixtures';
import { errorIsLast, stepShows, webhookProviders, webhookState } from './webhook-state';

const [postmark, mailgun, ses] = webhookSources;

it('says first what a person has to do', () => {
  expect(postmark && webhookState(postmark)).toBe('receives');
  expect(mailgun && webhookState(mailgun)).toBe('key');
  expect(mailgun && webhookState({ ...mailgun, has_key: true })).toBe('waits');
  expect(ses && webhookState(ses)).toBe('topic');
});

it('takes an error for past when something was taken since', () => {
  const at = (minute: number) => `2026-11-26T12:0${minute}:00Z`;
  if (!postmark) throw new Error('no fixture');
  expect(errorIsLast({ ...postmark, last_error_at: at(2), last_received_at: at(1) })).toBe(true);
  expect(errorIsLast({ ...postmark, last_error_at: at(1), last_received_at: at(2) })).toBe(false);
  expect(errorIsLast({ ...postmark, last_error_at: at(1), last_received_at: null })).toBe(true);
  expect(errorIsLast({ ...postmark, last_error_at: null })).toBe(false);
  expect(webhookState({ ...postmark, last_error_at: at(2), last_received_at: at(1) })).toBe('refused');
});

it('has steps for each provider, with the address and the key at one of them', () => {
  for (const provider of webhookProviders) {
    const steps = en.providerWebhooks.steps[provider];
    const { address, key } = stepShows[provider];
    expect(steps[address]).toMatch(/this address/);
    if (key !== undefined) expect(steps[key]).toMatch(/to here/);
  }
});
