import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it, vi } from 'vitest';
import type { Relay } from '@/api/types';
import { createFakeApi, problem } from '@/test/fake-api';
import { ago, forecast, preflight, relays, settings } from '@/test/fixtures';
import { renderPart } from '@/test/render';
import { StartDialog } from './start-dialog';

const campaign = {
  id: 4,
  name: 'December preview',
  subject: 'A look at December',
  relay_ids: [1],
  from_email: 'news@example.com',
};

function open(fake = createFakeApi(), relay_ids = [1]) {
  const onClose = vi.fn();
  const onObjection = vi.fn();
  renderPart(
    <StartDialog
      campaign={{ ...campaign, relay_ids }}
      listNames={['Newsletter']}
      opened
      onClose={onClose}
      onObjection={onObjection}
    />,
    fake,
  );
  return { fake, onClose, onObjection };
}
/** Puts relays 1, 2, … in place of the usual ones. */
function relaysAre(fake: ReturnType<typeof createFakeApi>, changes: Partial<Relay>[]) {
  const items = changes.map((change, index) => ({ ...relays[0], id: index + 1, ...change }));
  fake.on('GET /relays', () => ({ status: 200, body: { items, next_cursor: null } }));
}
const starts = (fake: ReturnType<typeof createFakeApi>) =>
  fake.requests.filter((request) => request.path === '/campaigns/4/start');

it('names the list, the head count and who is left out, and sends nothing by itself', async () => {
  const { fake } = open();
  expect(await screen.findByRole('button', { name: 'Send to 12,004 people' })).toBeEnabled();
  expect(screen.getByRole('dialog', { name: 'Send “December preview” now?' })).toHaveTextContent('Newsletter');
  expect(screen.getByText('On the suppression list')).toBeInTheDocument();
  expect(screen.getByText('136')).toBeInTheDocument();
  expect(starts(fake)).toHaveLength(0);
});

it('sends on the button and closes', async () => {
  const { fake, onClose } = open();
  await userEvent.click(await screen.findByRole('button', { name: 'Send to 12,004 people' }));
  expect(starts(fake)).toHaveLength(1);
  expect(onClose).toHaveBeenCalledOnce();
});

it('shows why the server refuses, and stays open', async () => {
  const fake = createFakeApi();
  fake.on('POST /campaigns/:id/start', () =>
    problem(400, 'The campaign cannot be sent yet', [{ location: 'body.relay_id', message: 'choose a relay' }]),
  );
  const { onClose, onObjection } = open(fake);
  await userEvent.click(await screen.findByRole('button', { name: 'Send to 12,004 people' }));
  expect(await screen.findByRole('alert')).toHaveTextContent('The campaign cannot be sent yet: choose a relay');
  expect(onObjection).toHaveBeenCalledOnce();
  expect(onClose).not.toHaveBeenCalled();
});

it('cannot send to nobody', async () => {
  const fake = createFakeApi();
  fake.on('GET /campaigns/:id/audience', () => ({
    status: 200,
    body: { subscribed: 3, mailable: 0, exact: true, excluded: [{ reason: 'suppressed', count: 3 }] },
  }));
  open(fake);
  expect(await screen.findByRole('button', { name: 'Send to 0 people' })).toBeDisabled();
});

it('tells when the last message goes out, and which limit decides that', async () => {
  const { fake } = open();
  expect(await screen.findByText(/the last message goes out around/)).toBeVisible();
  expect(screen.getByText('Decided by the warm-up of example.com.')).toBeVisible();
  const asked = fake.requests.find(({ path }) => path === '/campaigns/4/forecast');
  expect(asked?.query.get('messages')).toBe('12004');
  expect(asked?.query.has('start_at')).toBe(false);
});

it('tells of an end that is not in sight', async () => {
  const fake = createFakeApi();
  const decided_by = { limit: 'day', relay_id: 1, domain_id: null, name: 'Own Postfix' };
  fake.on('GET /campaigns/:id/forecast', () => ({ status: 200, body: { ...forecast, ends_at: null, decided_by } }));
  open(fake);
  expect(await screen.findByText(/would not be through within ten years/)).toBeVisible();
  expect(screen.getByText('Decided by the limit per day of Own Postfix.')).toBeVisible();
});

it.each([
  ['is soon', { ends_at: ago(-60) }],
  ['no limit decides', { ends_at: null, decided_by: null }],
])('says nothing of an end that %s', async (_, part) => {
  const fake = createFakeApi();
  fake.on('GET /campaigns/:id/forecast', () => ({ status: 200, body: { ...forecast, ...part } }));
  open(fake);
  await waitFor(() => expect(fake.requests.some(({ path }) => path === '/campaigns/4/forecast')).toBe(true));
  expect(await screen.findByRole('button', { name: 'Send to 12,004 people' })).toBeEnabled();
  expect(screen.queryByText(/the last message/)).not.toBeInTheDocument();
  expect(screen.queryByText(/^Decided by/)).not.toBeInTheDocument();
});

it('names all relays, tells what they do, and tells the end of all of them together', async () => {
  const fake = createFakeApi();
  relaysAre(fake, [{ name: 'A', weight: 3 }, { name: 'B' }, { name: 'C', weight: 0, per_hour: 10 }]);
  open(fake, [1, 2, 3]);
  const dialog = await screen.findByRole('dialog');
  expect(await screen.findByText('A, B, and C')).toBeVisible();
  expect(
    screen.getByText('Three quarters go through A, one quarter through B; C only when neither can be used.'),
  ).toBeVisible();
  expect(await screen.findByText(/^By the limits the last message goes out around/)).toBeVisible();
  expect(dialog).toHaveTextContent('Send to 12,004 people');
});

it.each([
  ['takes other senders only', { from_domains: ['example.org'] }, /“B” takes only mail From example.org, and this/],
  ['is paused', { status: 'paused' as const }, /“B” is paused/],
])('does not send while a relay %s, and says what to do', async (_, change, words) => {
  const fake = createFakeApi();
  relaysAre(fake, [{ name: 'A' }, { name: 'B', ...change }]);
  open(fake, [1, 2]);
  expect(await screen.findByText(words)).toBeVisible();
  expect(screen.getByRole('link', { name: 'Open B' })).toHaveAttribute('href', '/relays/2');
  expect(await screen.findByRole('button', { name: 'Send to 12,004 people' })).toBeDisabled();
});

const finding = (code: string, severity: 'blocking' | 'warning', title: string) => ({
  code,
  severity,
  title,
  detail: 'Because.',
  remedy: 'Mend it.',
  where: [{ part: 'html', line: 3, selector: 'a', note: '' }],
  count: 1,
  people: [],
  acknowledged: false,
});

it('checks by itself what was changed since, and does not send what blocks', async () => {
  const fake = createFakeApi();
  const blocked = { ...preflight, would_block: true, findings: [finding('empty_body', 'blocking', 'It says nothing')] };
  fake.on('GET /campaigns/:id/preflight', () => ({ status: 200, body: { ...preflight, content_changed: true } }));
  fake.on('POST /campaigns/:id/preflight', () => ({ status: 200, body: blocked }));
  open(fake);
  expect(await screen.findByText('1 thing must be mended first')).toBeVisible();
  expect(screen.getByText('It says nothing')).toBeVisible();
  expect(screen.getByRole('link', { name: 'Open the content' })).toHaveAttribute('href', '/campaigns/4?tab=content');
  expect(screen.getByRole('button', { name: 'Send to 12,004 people' })).toBeDisabled();
});

it('sends once every warning was seen, and only what was checked', async () => {
  const fake = createFakeApi();
  const warned = {
    ...preflight,
    unacknowledged: ['link_http', 'clipped'],
    findings: [finding('link_http', 'warning', 'No encryption'), finding('clipped', 'warning', 'Cut off')],
  };
  fake.on('GET /campaigns/:id/preflight', () => ({ status: 200, body: warned }));
  fake.on('POST /campaigns/:id/preflight/acknowledge', () => ({ status: 200, body: preflight }));
  open(fake);
  const send = await screen.findByRole('button', { name: 'Send to 12,004 people' });
  const acknowledge = await screen.findByRole('button', { name: 'Acknowledge all 2 warnings' });
  expect(send).toBeDisabled();
  await userEvent.click(acknowledge);
  expect(await screen.findByText('Checked: nothing is in the way')).toBeVisible();
  expect(fake.requests.find(({ path }) => path.endsWith('/acknowledge'))?.body).toEqual({
    codes: ['link_http', 'clipped'],
  });
  await userEvent.click(send);
  expect(starts(fake)[0]?.query.get('acknowledged')).toBe('true');
});

it('leaves sending open where no check can be made', async () => {
  const fake = createFakeApi();
  fake.on('GET /campaigns/:id/preflight', () => ({ status: 200, body: { ...preflight, content_changed: true } }));
  fake.on('POST /campaigns/:id/preflight', () => problem(503, 'The check could not be made'));
  open(fake);
  expect(await screen.findByText('The check could not be made')).toBeVisible();
  await userEvent.click(await screen.findByRole('button', { name: 'Send to 12,004 people' }));
  expect(starts(fake)[0]?.query.has('acknowledged')).toBe(false);
});

it('sends nothing while nobody knows whether it could be called back', async () => {
  const fake = createFakeApi();
  let down = true;
  fake.on('GET /settings', () => (down ? problem(500, 'internal error') : { status: 200, body: settings }));
  open(fake);
  expect(await screen.findByText('internal error')).toBeVisible();
  await screen.findByText('Checked: nothing is in the way');
  expect(screen.getByRole('button', { name: 'Send to 12,004 people' })).toBeDisabled();
  down = false;
  await userEvent.click(screen.getByRole('button', { name: 'Try again' }));
  await waitFor(() => expect(screen.getByRole('button', { name: 'Send to 12,004 people' })).toBeEnabled());
  await userEvent.click(screen.getByRole('button', { name: 'Send to 12,004 people' }));
  expect(starts(fake)[0]?.body).toEqual({ undo_seconds: settings.undo_send_seconds });
});

it('checks again what was changed after the check, and then can be sent', async () => {
  const fake = createFakeApi();
  let changed = true;
  fake.on('GET /campaigns/:id/preflight', () => ({ status: 200, body: { ...preflight, content_changed: changed } }));
  fake.on('POST /campaigns/:id/preflight', () => {
    changed = false;
    return { status: 200, body: preflight };
  });
  fake.on('POST /campaigns/:id/start', () => {
    if (starts(fake).length > 1) return { status: 200, body: campaign };
    changed = true;
    return problem(409, 'the campaign was changed since it was checked; check it again');
  });
  const { onClose } = open(fake);
  const checks = () =>
    fake.requests.filter(({ method, path }) => method === 'POST' && path === '/campaigns/4/preflight').length;
  const send = () => screen.getByRole('button', { name: 'Send to 12,004 people' });
  await screen.findByText('Checked: nothing is in the way');
  expect(checks()).toBe(1);
  await userEvent.click(send());
  await waitFor(() => expect(checks()).toBe(2));
  await screen.findByText('Checked: nothing is in the way');
  await userEvent.click(send());
  await waitFor(() => expect(onClose).toHaveBeenCalled());
});
