import { screen } from '@testing-library/react';
import { expect, it } from 'vitest';
import type { Holdup } from '@/api/types';
import { ago, campaigns } from '@/test/fixtures';
import { renderPart } from '@/test/render';
import { ProgressCard } from './progress-card';

const of = (status: string) => {
  const found = campaigns.find((one) => one.status === status);
  if (!found) throw new Error(`no campaign is ${status}`);
  return found;
};

it('tells rate and time left while sending', async () => {
  const campaign = of('running');
  renderPart(<ProgressCard campaign={campaign} stats={campaign.stats} />);
  // 7,530 sent, 61 bounced, 3 failed, 2 unconfirmed and 14 skipped are over; what waits or is deferred is not.
  expect(await screen.findByText('7,610 of 12,004 done')).toBeInTheDocument();
  expect(screen.getByRole('progressbar', { name: 'Progress of November news' })).toHaveAttribute('aria-valuenow', '63');
  expect(screen.getByText('about 1 min 44 sec left')).toBeInTheDocument();
  expect(screen.getByText('per second')).toHaveTextContent('43 per second');
});

it('tells how long a finished campaign took, and no rate', async () => {
  const campaign = of('finished');
  renderPart(<ProgressCard campaign={campaign} stats={campaign.stats} />);
  expect(await screen.findByText('took 11 min 40 sec')).toBeInTheDocument();
  expect(screen.queryByText('per second')).not.toBeInTheDocument();
});

it('tells what holds a campaign up, with the way to its relay, and guesses no time', async () => {
  const campaign = of('running');
  const held_up: Holdup = {
    code: 'hour_used_up',
    reason: 'the hour’s share of the relay is used up',
    until: ago(-1500),
    relay_id: 1,
    domain_id: null,
  };
  renderPart(<ProgressCard campaign={campaign} stats={{ ...campaign.stats, held_up }} />);
  expect(await screen.findByText('The hour’s share of the relay is used up.')).toBeVisible();
  expect(screen.getByText('in 25 minutes')).toBeVisible();
  expect(screen.getByRole('link', { name: 'Open the relay' })).toHaveAttribute('href', '/relays/1');
  expect(screen.queryByText(/left$/)).not.toBeInTheDocument();
  expect(screen.queryByText('per second')).not.toBeInTheDocument();
});

it('says that the number of recipients still grows', async () => {
  const campaign = of('running');
  renderPart(<ProgressCard campaign={{ ...campaign, freezing: true }} stats={campaign.stats} />);
  expect(await screen.findByText(/list of recipients is still being written/)).toBeVisible();
});

it('tells when the rest will be through while it is held up, with the way to the domain that holds it up', async () => {
  const campaign = of('running');
  const held_up: Holdup = {
    code: 'day_used_up',
    reason: 'example.com warms up',
    until: ago(-1500),
    relay_id: null,
    domain_id: 1,
  };
  const { fake } = renderPart(<ProgressCard campaign={campaign} stats={{ ...campaign.stats, held_up }} />);
  expect(await screen.findByRole('link', { name: 'Open the domain' })).toHaveAttribute('href', '/domains/1');
  expect(screen.queryByRole('link', { name: 'Open the relay' })).not.toBeInTheDocument();
  expect(await screen.findByText(/^By the limits the last message goes out around/)).toBeVisible();
  const asked = fake.requests.find(({ path }) => path === `/campaigns/${campaign.id}/forecast`);
  expect(asked?.query.has('messages')).toBe(false);
});
