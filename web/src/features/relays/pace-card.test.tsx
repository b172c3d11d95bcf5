import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';
import type { Relay, RelayPace } from '@/api/types';
import { createFakeApi } from '@/test/fake-api';
import { ago, providers, relayPace, relays } from '@/test/fixtures';
import { renderPart } from '@/test/render';
import { PaceCard } from './pace-card';

const [own] = relays as [Relay];

function open(relay: Partial<Relay>, pace: Partial<RelayPace> = {}, fake = createFakeApi()) {
  fake.on('GET /relays/:id/pace', () => ({ status: 200, body: { ...relayPace, ...pace } }));
  renderPart(<PaceCard relay={{ ...own, ...relay }} />, fake);
  return fake;
}

it('tells full speed, how much is used, and when a number of messages would be through', async () => {
  const fake = open({ per_hour: 1000, per_day: 5000 }, { warmup_cap: 2197 });
  expect(await screen.findByText('Full speed')).toBeVisible();
  expect(screen.getByText('340 of 1,000')).toBeVisible();
  expect(screen.getByRole('progressbar', { name: 'In the last hour' })).toHaveAttribute('aria-valuenow', '34');
  expect(screen.getByText('2,100 of 2,197')).toBeVisible();
  expect(await screen.findByText('in 5 hours')).toBeVisible();
  const messages = screen.getByRole('textbox', { name: 'Messages' });
  await userEvent.clear(messages);
  await userEvent.type(messages, '250');
  await waitFor(() => expect(fake.requests.at(-1)?.query.get('messages')).toBe('250'));
});

it('tells why it is slower, and until when it rests, with the words of the server', async () => {
  open({
    pace: {
      connections: 3,
      rest_until: ago(-600),
      reason: 'rate_limited',
      reply: '421 4.7.28 slow down',
      changed_at: ago(5),
    },
  });
  expect(await screen.findByText('Resting, as the server asked for')).toBeVisible();
  const status = screen.getByRole('status');
  expect(status).toHaveTextContent('The server asks for fewer messages.');
  expect(status).toHaveTextContent('3 of 10 connections');
  expect(within(status).getByText('in 10 minutes')).toBeVisible();
  expect(within(status).getByText('421 4.7.28 slow down')).toBeVisible();
});

it('resumes a blocked relay only after a warning about providers that make the block longer', async () => {
  const fake = createFakeApi();
  fake.on('GET /providers', () => ({
    status: 200,
    body: {
      items: providers.map((one) => ({ ...one, quota: { ...one.quota, extended: true } })),
      next_cursor: null,
    },
  }));
  open({ provider: 'mailbox', blocked_until: ago(-86_400), blocked_reason: '550 5.4.5 limit exceeded' }, {}, fake);
  expect(await screen.findByText('550 5.4.5 limit exceeded')).toBeVisible();
  expect(await screen.findByText(/^Example Mailbox makes the block longer/)).toBeVisible();
  const resumed = () => fake.requests.filter(({ path }) => path === '/relays/1/resume');
  await userEvent.click(screen.getByRole('button', { name: 'Resume now' }));
  const dialog = await screen.findByRole('dialog', { name: 'Send through “Own Postfix” again now?' });
  expect(dialog).toHaveTextContent('makes the block longer with every try');
  expect(resumed()).toHaveLength(0);
  await userEvent.click(within(dialog).getByRole('button', { name: 'Resume now' }));
  await waitFor(() => expect(resumed()).toHaveLength(1));
});

it('tells what holds it up', async () => {
  open(
    { per_hour: 340 },
    {
      held_up: {
        code: 'hour_used_up',
        reason: 'the hour’s share of the relay is used up',
        until: ago(-1500),
        relay_id: 1,
        domain_id: null,
      },
    },
  );
  expect(await screen.findByText('Nothing goes out at the moment')).toBeVisible();
  expect(screen.getByRole('status')).toHaveTextContent('The hour’s share of the relay is used up.');
});

it('keeps the history short until all of it is asked for', async () => {
  open({});
  expect(await screen.findByText('Back to full speed')).toBeVisible();
  expect(screen.queryByText('Slower: 5 connections')).not.toBeInTheDocument();
  await userEvent.click(screen.getByRole('button', { name: 'Show all 5' }));
  expect(screen.getByText('Slower: 5 connections')).toBeVisible();
  expect(screen.getByText(/^450 4.2.1/)).toBeVisible();
});
