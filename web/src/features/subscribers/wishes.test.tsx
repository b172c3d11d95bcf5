import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';
import type { Subscriber } from '@/api/types';
import { createFakeApi } from '@/test/fake-api';
import { subscribers, unsubscribes } from '@/test/fixtures';
import { renderPart } from '@/test/render';
import { PauseBanner } from './pause-banner';
import { WishesCard } from './wishes-card';

const grace = subscribers[1] as Subscriber;
const ada = subscribers[0] as Subscriber;

it('tells a pause with its evidence, and ends it only after a question', async () => {
  const fake = createFakeApi();
  renderPart(<PauseBanner subscriber={grace} />, fake);
  const banner = await screen.findByRole('alert');
  expect(banner).toHaveTextContent('Wants no mail for a while');
  expect(banner).toHaveTextContent('preference page, campaign 2');
  const user = userEvent.setup();
  await user.click(within(banner).getByRole('button', { name: 'End the pause…' }));
  const dialog = await screen.findByRole('dialog', { name: 'Mail grace.hopper@example.org again?' });
  const lifted = () => fake.requests.filter((one) => one.path === '/subscribers/2/pause').map((one) => one.method);
  expect(lifted()).toEqual([]);
  await user.click(within(dialog).getByRole('button', { name: 'End the pause' }));
  await waitFor(() => expect(lifted()).toEqual(['DELETE']));
});

it('says nothing of a pause where there is none', async () => {
  renderPart(
    <>
      <PauseBanner subscriber={ada} />
      <p>the end</p>
    </>,
    createFakeApi(),
  );
  await screen.findByText('the end');
  expect(screen.queryByRole('alert')).not.toBeInTheDocument();
});

it('shows the frequency, and why somebody left in their words', async () => {
  renderPart(<WishesCard subscriber={grace} />, createFakeApi());
  expect(await screen.findByText('At most one mailing a week')).toBeInTheDocument();
  expect(await screen.findByText('Left Newsletter')).toBeInTheDocument();
  expect(screen.getByText('Too much mail')).toBeInTheDocument();
  expect(screen.getByText('“Twice a day is a bit much”')).toBeInTheDocument();
});

it('tells who wants nothing at all, left a deleted list, said nothing or came back', async () => {
  const fake = createFakeApi();
  const first = unsubscribes[0];
  const items = [
    { ...first, everything: true, reason: null, comment: '' },
    { ...first, id: 2, list_names: [], undone_at: first?.at },
  ];
  fake.on('GET /subscribers/:id/unsubscribes', () => ({ status: 200, body: { items, next_cursor: null } }));
  renderPart(<WishesCard subscriber={ada} />, fake);
  expect(await screen.findByText('Everything')).toBeInTheDocument();
  expect(await screen.findByText('Wants no mail at all')).toBeInTheDocument();
  expect(screen.getByText('Gave no reason')).toBeInTheDocument();
  expect(screen.getByText('Left a list that was deleted since')).toBeInTheDocument();
  expect(screen.getByText(/Took it back/)).toBeInTheDocument();
});
