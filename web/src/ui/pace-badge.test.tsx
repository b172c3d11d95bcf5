import { screen } from '@testing-library/react';
import { expect, it } from 'vitest';
import type { Holdup, Relay } from '@/api/types';
import { createFakeApi } from '@/test/fake-api';
import { ago, relayPace, relays } from '@/test/fixtures';
import { renderPart } from '@/test/render';
import { PaceCell } from './pace-badge';

const [own] = relays as [Relay];
const asked = (fake: ReturnType<typeof createFakeApi>) =>
  fake.requests.filter(({ path }) => path === '/relays/1/pace').length;

it('tells a block from the row alone', async () => {
  const { fake } = renderPart(<PaceCell relay={{ ...own, blocked_until: ago(-86_400) }} />);
  expect(await screen.findByText('Blocked')).toBeVisible();
  expect(screen.getByText(/^until/)).toBeVisible();
  expect(asked(fake)).toBe(0);
});

it('tells how many connections a slower relay has', async () => {
  const pace = { connections: 3, rest_until: ago(60), reason: 'rate_limited', reply: '', changed_at: ago(90) };
  renderPart(<PaceCell relay={{ ...own, pace }} />);
  expect(await screen.findByText('Slower')).toBeVisible();
  expect(screen.getByText('3 of 10 connections')).toBeVisible();
});

it('asks what holds up a relay whose use is counted', async () => {
  const fake = createFakeApi();
  const held_up: Holdup = {
    code: 'day_used_up',
    reason: 'the day’s share of the relay is used up',
    until: ago(-600),
    relay_id: 1,
    domain_id: null,
  };
  fake.on('GET /relays/:id/pace', () => ({ status: 200, body: { ...relayPace, held_up } }));
  renderPart(<PaceCell relay={{ ...own, per_day: 500 }} />, fake);
  expect(await screen.findByText('Held up')).toBeVisible();
  expect(screen.getByText(/^The day’s share of the relay is used up/)).toBeVisible();
});
