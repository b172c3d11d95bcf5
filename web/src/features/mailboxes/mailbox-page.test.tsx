import { screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';
import type { Mailbox } from '@/api/types';
import { createFakeApi, problem } from '@/test/fake-api';
import { mailboxes } from '@/test/fixtures';
import { renderPart } from '@/test/render';
import { NewMailboxPage } from './mailbox-page';
import { mailboxState } from './mailbox-state';
import { MailboxStateCard } from './mailbox-state-card';

const [live, broken] = mailboxes as [Mailbox, Mailbox];

it('fills the form from the provider and says what is needed there', async () => {
  const user = userEvent.setup();
  renderPart(<NewMailboxPage />);
  await user.click(await screen.findByRole('combobox', { name: 'Provider' }));
  await user.click(await screen.findByRole('option', { name: 'Example Mailbox' }));
  expect(screen.queryByRole('option', { name: 'Example Service' })).not.toBeInTheDocument();
  expect(screen.getByRole('textbox', { name: /^Host/ })).toHaveValue('imap.mailbox.example');
  expect(screen.getByText('Switch IMAP on.')).toBeVisible();
  await user.click(screen.getByRole('radio', { name: 'POP3' }));
  expect(screen.getByRole('textbox', { name: /^Host/ })).toHaveValue('pop.mailbox.example');
  expect(screen.queryByRole('textbox', { name: /^Folder to read/ })).not.toBeInTheDocument();
});

it('shows the steps of a test with the words of the server and the remedy', async () => {
  const user = userEvent.setup();
  renderPart(<NewMailboxPage />);
  await user.click(await screen.findByRole('button', { name: 'Test connection' }));
  expect(await screen.findByText('NO [AUTHENTICATIONFAILED] IMAP is disabled')).toBeVisible();
  expect(screen.getByText(/switch it on in its settings/)).toBeVisible();
  expect(screen.getByText('What to do at Example Mailbox')).toBeVisible();
});

it('shows what is wrong with the form at its fields, and brings the first one into view', async () => {
  const fake = createFakeApi();
  fake.on('POST /mailboxes', () =>
    problem(400, 'this mailbox cannot be read as it is', [
      { location: 'body.username', message: 'the user name is missing' },
    ]),
  );
  const user = userEvent.setup();
  renderPart(<NewMailboxPage />, fake);
  await user.type(await screen.findByRole('textbox', { name: /^Name/ }), 'Bounces');
  await user.type(screen.getByRole('textbox', { name: /^Host/ }), 'imap.example.com');
  await user.click(screen.getByRole('button', { name: 'Add mailbox' }));
  expect(await screen.findByText('the user name is missing')).toBeVisible();
});

it('asks for consent to clear text only without encryption', async () => {
  const user = userEvent.setup();
  renderPart(<NewMailboxPage />);
  expect(screen.queryByRole('switch', { name: /^Allow clear text/ })).not.toBeInTheDocument();
  await user.click(await screen.findByRole('combobox', { name: 'Encryption' }));
  await user.click(await screen.findByRole('option', { name: 'None' }));
  expect(screen.getByRole('switch', { name: /^Allow clear text/ })).toBeInTheDocument();
  expect(screen.getByRole('textbox', { name: /^Port/ })).toHaveValue('143');
});

it('tells what came, and which messages could not be taken', async () => {
  renderPart(<MailboxStateCard mailbox={live} />);
  const card = await screen.findByRole('region', { name: 'Reading' });
  expect(within(card).getByText(/New mail is read as it comes/)).toBeVisible();
  expect(within(card).getByText('31')).toBeVisible();
  expect(await within(card).findByText(/Message 4711, 2 tries/)).toBeVisible();
});

it('tells what is in the way, and what to do', async () => {
  renderPart(<MailboxStateCard mailbox={broken} />);
  expect(await screen.findByText('The login was not accepted: check user name and password.')).toBeVisible();
  expect(screen.getByText('-ERR [AUTH] Authentication failed.')).toBeVisible();
});

it('puts how reading goes into one word', () => {
  const now = Date.now();
  const later = new Date(now + 60_000).toISOString();
  expect(mailboxState(live, now)).toBe('live');
  expect(mailboxState(broken, now)).toBe('trouble');
  expect(mailboxState({ ...broken, wait_until: later }, now)).toBe('waiting');
  expect(mailboxState({ ...broken, wait_until: later, status: 'paused' }, now)).toBe('paused');
  expect(mailboxState({ ...live, stuck: 1 }, now)).toBe('stuck');
  expect(mailboxState({ ...live, reading: false }, now)).toBe('polled');
  expect(mailboxState({ ...live, reading: false, checked_at: null }, now)).toBe('new');
});
