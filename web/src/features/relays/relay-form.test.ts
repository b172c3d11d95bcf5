import { expect, it } from 'vitest';
import type { Provider } from '@/api/types';
import { providers } from '@/test/fixtures';
import { hasSecret, keepsSiteLimits, newRelay, submitted, takesAll, withProvider, withTls } from './relay-form';

const [mailbox, service] = providers;

it('changes a usual port with the encryption, and leaves an unusual one alone', () => {
  expect(withTls(newRelay, 'implicit')).toEqual({ tls: 'implicit', port: 465 });
  expect(withTls({ ...newRelay, port: 2525 }, 'implicit')).toEqual({ tls: 'implicit', port: 2525 });
});

it('does not send an empty secret, which would overwrite the stored one', () => {
  for (const secret of ['password', 'oauth_client_secret', 'oauth_refresh_token']) {
    expect(submitted(newRelay)).not.toHaveProperty(secret);
    expect(submitted({ ...newRelay, [secret]: 'secret' })).toHaveProperty(secret, 'secret');
  }
});

it('fills in what is known of a provider', () => {
  expect(withProvider(newRelay, mailbox)).toMatchObject({
    provider: 'mailbox',
    name: 'Example Mailbox',
    host: 'smtp.mailbox.example',
    port: 465,
    tls: 'implicit',
    auth: 'xoauth2',
    oauth_token_url: 'https://mailbox.example/token',
    max_connections: 3,
    max_messages_per_connection: newRelay.max_messages_per_connection,
    return_path: 'from',
    dkim: 'off',
  });
  expect(withProvider(newRelay, service)).toMatchObject({ username: 'apikey', dkim: 'sign', signing_profile: 'ses' });
});

it('keeps what a person typed, but takes no secret along to another provider', () => {
  const typed = { ...newRelay, name: 'Mine', username: 'ada@example.org', password: 'secret' };
  expect(withProvider(typed, mailbox)).toMatchObject({ name: 'Mine', username: 'ada@example.org', password: '' });
  expect(withProvider(withProvider(newRelay, service), mailbox, service)).toMatchObject({
    username: '',
    name: 'Example Mailbox',
  });
  expect(withProvider(typed, undefined)).toEqual({ ...typed, provider: '' });
});

it('takes over the limits that a provider publishes, and lets go of those of the former one', () => {
  expect(withProvider({ ...newRelay, per_minute: 20 }, mailbox)).toMatchObject({ per_minute: 20, per_day: 500 });
  const filled = withProvider(newRelay, mailbox);
  expect(withProvider(filled, service, mailbox)).toMatchObject({ per_second: null, per_day: null });
  expect(withProvider({ ...filled, per_day: 300 }, service, mailbox)).toMatchObject({ per_day: 300 });
});

it('sends limits, window and warm-up as they stand in the form', () => {
  const plan = {
    per_hour: 100,
    window: { days: [1], from: '08:00', until: '18:00', zone: 'UTC' },
    warmup: { start: '2026-11-26', first: 50, percent: 30, zone: 'Europe/Berlin' },
  };
  expect(submitted({ ...newRelay, ...plan })).toMatchObject({ ...plan, per_second: null });
  expect(submitted(newRelay)).toMatchObject({ window: null, warmup: null });
});

it('knows whether the form itself can be tried', () => {
  expect(hasSecret({ ...newRelay, password: 'x' })).toBe(true);
  expect(hasSecret({ ...newRelay, auth: 'xoauth2', password: 'x' })).toBe(false);
  expect(hasSecret({ ...newRelay, auth: 'xoauth2', oauth_refresh_token: 'x' })).toBe(true);
});

it('knows whether a relay takes part like any other', () => {
  expect(takesAll(newRelay)).toBe(true);
  expect(takesAll({ ...newRelay, weight: null, site_limits: true })).toBe(true);
  for (const change of [{ weight: 0 }, { weight: 2 }, { from_domains: ['example.org'] }, { recipient_sites: ['x'] }]) {
    expect(takesAll({ ...newRelay, ...change })).toBe(false);
  }
});

it('keeps limits per site as the provider is, until a person decides', () => {
  const own = { ...mailbox, site_limits: true } as Provider;
  expect(keepsSiteLimits(newRelay, undefined)).toBe(false);
  expect(keepsSiteLimits(withProvider(newRelay, own), own)).toBe(true);
  expect(keepsSiteLimits({ ...newRelay, site_limits: false }, own)).toBe(false);
  // A stored relay says what its provider was; another provider decides anew.
  expect(withProvider({ ...newRelay, site_limits: true }, service, own).site_limits).toBeNull();
  expect(withProvider({ ...newRelay, site_limits: false }, service, own).site_limits).toBe(false);
});
