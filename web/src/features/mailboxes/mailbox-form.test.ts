import { expect, it } from 'vitest';
import { providers } from '@/test/fixtures';
import { mailboxInput, newMailbox, readable, submitted, withProtocol, withProvider, withTls } from './mailbox-form';

const [provider] = readable(providers);
if (!provider) throw new Error('no provider has mailboxes');

it('offers only providers whose mailboxes can be read', () => {
  expect(readable(providers).map((one) => one.id)).toEqual(['mailbox']);
});

it('fills in the server of the chosen protocol, and takes no secret along', () => {
  const typed = { ...newMailbox, password: 'secret', username: 'ada' };
  const filled = withProvider(typed, provider);
  expect(filled).toMatchObject({
    provider: 'mailbox',
    name: 'Example Mailbox',
    host: 'imap.mailbox.example',
    port: 993,
    tls: 'implicit',
    auth: 'password',
    username: 'ada',
    password: '',
    poll_minutes: 15,
  });
  expect(withProtocol(filled, 'pop3', provider)).toMatchObject({
    host: 'pop.mailbox.example',
    port: 995,
    after_taken: 'leave',
  });
});

it('keeps an own name, and the port that is not a usual one', () => {
  expect(withProvider({ ...newMailbox, name: 'Mine' }, provider).name).toBe('Mine');
  expect(withTls({ ...newMailbox, port: 1143 }, 'starttls').port).toBe(1143);
  expect(withTls(newMailbox, 'starttls').port).toBe(143);
  expect(withProtocol({ ...newMailbox, tls: 'starttls', port: 143 }, 'pop3').port).toBe(110);
});

it('leaves out secrets that were not typed', () => {
  const input = submitted({ ...newMailbox, password: '', oauth_refresh_token: 'r' });
  expect('password' in input).toBe(false);
  expect(input.oauth_refresh_token).toBe('r');
});

it('never shows a stored secret', async () => {
  const { mailboxes } = await import('@/test/fixtures');
  for (const mailbox of mailboxes) expect(mailboxInput(mailbox).password).toBe('');
});
