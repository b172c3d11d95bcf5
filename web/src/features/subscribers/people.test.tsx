import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';
import type { Moment, Subscriber } from '@/api/types';
import { createFakeApi } from '@/test/fake-api';
import { ago, subscribers } from '@/test/fixtures';
import { renderPart } from '@/test/render';
import { BulkDialog, orderOf } from '@/ui/bulk/bulk-dialog';
import { fromLocal, toLocal } from '@/ui/field-input';
import { LiftDialog } from '@/ui/lift-dialog';
import { ProfileCard, withValue } from './profile-card';
import { PersonTimeline } from './timeline-card';

const ada = subscribers[0] as Subscriber;

it('keeps the types of fields, and says at the field what is wrong with it', async () => {
  const fake = createFakeApi();
  renderPart(<ProfileCard subscriber={ada} />, fake);
  const user = userEvent.setup();
  const orders = await screen.findByLabelText('orders');
  await user.clear(orders);
  await user.type(orders, '12.5');
  fake.on('PUT /subscribers/:id', () => ({
    status: 400,
    body: {
      title: 'x',
      status: 400,
      detail: 'x',
      errors: [{ location: 'body.attributes.orders', message: 'too many' }],
    },
  }));
  await user.click(screen.getByRole('button', { name: 'Save changes' }));
  expect(await screen.findByText('too many')).toBeInTheDocument();
  const sent = fake.requests.find((one) => one.method === 'PUT')?.body as { attributes: unknown };
  expect(sent.attributes).toEqual({ city: 'London', orders: 12.5, vip: true });
});

it('takes a value away where there is none any more', () => {
  expect(withValue({ a: 1, b: 2 }, 'a', undefined)).toEqual({ b: 2 });
  expect(withValue({ a: 1 }, 'b', false)).toEqual({ a: 1, b: false });
});

it('reads and writes moments in the zone of the browser', () => {
  const at = '2026-03-31T12:30:15.000Z';
  expect(fromLocal(toLocal(at))).toBe(at);
  expect(toLocal('never')).toBe('');
  expect(fromLocal('')).toBeUndefined();
});

it('knows an order only when nothing is missing in it', () => {
  expect(orderOf('remove', undefined, '', undefined, '')).toBeUndefined();
  expect(orderOf('remove', 2, 'city', 'x', 'y')).toEqual({ action: 'remove', list_id: 2 });
  expect(orderOf('set_field', undefined, 'vip', undefined, '')).toBeUndefined();
  expect(orderOf('set_field', undefined, 'vip', false, '')).toEqual({
    action: 'set_field',
    field: 'vip',
    value: false,
  });
  expect(orderOf('delete', 2, 'city', 'x', 'y')).toEqual({ action: 'delete' });
});

it('names the count before a bulk action, and counts again when it was refused', async () => {
  const fake = createFakeApi();
  let count = 120;
  fake.on('POST /bulk-actions/preview', () => ({ status: 200, body: { count, sample: [ada] } }));
  fake.on('POST /bulk-actions', () => {
    count = 150;
    return { status: 409, body: { title: 'Conflict', status: 409, detail: 'this would be about 150 people by now' } };
  });
  renderPart(<BulkDialog selection={{ filter: { list_id: 1 } }} onClose={() => {}} />, fake);
  const user = userEvent.setup();
  await user.click(await screen.findByRole('button', { name: 'Do it for 120 people' }));
  const started = fake.requests.find((one) => one.path === '/bulk-actions')?.body;
  expect(started).toEqual({
    selection: { filter: { list_id: 1 } },
    action: { action: 'subscribe', list_id: 1 },
    count: 120,
  });
  expect(await screen.findByText(/about 150 people by now/)).toBeInTheDocument();
  expect(await screen.findByRole('button', { name: 'Do it for 150 people' })).toBeInTheDocument();
});

it('lifts a suppression only with a note, and warns where somebody complained', async () => {
  const fake = createFakeApi();
  renderPart(<LiftDialog lifted={{ email: '@x.example', reason: 'complaint' }} onClose={() => {}} />, fake);
  const dialog = await screen.findByRole('dialog');
  expect(within(dialog).getByText(/your mail is spam/)).toBeInTheDocument();
  const button = within(dialog).getByRole('button', { name: 'Allow mail again' });
  expect(button).toBeDisabled();
  const user = userEvent.setup();
  await user.type(within(dialog).getByLabelText(/Why may it be mailed again/), 'they & we');
  await user.click(button);
  await waitFor(() =>
    expect(fake.requests.filter((one) => one.method === 'DELETE').map((one) => one.path)).toEqual([
      '/suppressions/%40x.example',
    ]),
  );
});

it('tells in words what happened, and asks for the kinds that are chosen', async () => {
  const moment = (part: Partial<Moment>): Moment => ({
    kind: 'created',
    message: null,
    at: ago(60),
    ref: '',
    status: '',
    source: '',
    reason: '',
    detail: '',
    actor: '',
    campaign_id: null,
    campaign_name: '',
    seq: null,
    url: null,
    list_id: null,
    list_name: '',
    import_id: null,
    import_name: '',
    bulk_id: null,
    evidence: null,
    address: '',
    ...part,
  });
  const fake = createFakeApi();
  const items = [
    moment({
      kind: 'message',
      ref: '1',
      status: 'bounced',
      campaign_id: 1,
      seq: 2,
      campaign_name: 'May',
      detail: '550 no',
    }),
    moment({ kind: 'open', ref: '2', actor: 'machine', campaign_id: 1, seq: 2, campaign_name: 'May' }),
    moment({ kind: 'consent', ref: '3', status: 'subscribed', list_name: 'News', source: 'form' }),
    moment({ kind: 'suppression', ref: '4', status: 'lifted', reason: 'manual', address: '@x.org', actor: 'ann' }),
    moment({ kind: 'excluded', ref: '5', reason: 'frequency', campaign_name: 'June' }),
  ];
  fake.on('GET /subscribers/:id/timeline', () => ({ status: 200, body: { items, next_cursor: null } }));
  renderPart(<PersonTimeline subscriberId={1} />, fake);
  for (const text of [
    'Bounced: May',
    'Opened May',
    'News: Subscribed',
    'Domain x.org allowed again',
    'Left out of June',
    '550 no',
    'by ann',
    'Had as much mail as they want',
  ]) {
    expect(await screen.findByText(text)).toBeInTheDocument();
  }
});
