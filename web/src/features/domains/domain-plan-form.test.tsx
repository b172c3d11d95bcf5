import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';
import type { Domain } from '@/api/types';
import { createFakeApi, problem } from '@/test/fake-api';
import { ago, domains } from '@/test/fixtures';
import { renderPart } from '@/test/render';
import { BounceDomainForm } from './bounce-domain-form';
import { DomainPlanForm } from './domain-plan-form';

const [domain] = domains as [Domain];
const warmup = { start: '2026-11-26', first: 100, percent: 30, zone: 'Europe/Berlin' };
const window = { days: [1, 2], from: '08:00', until: '24:00', zone: 'UTC' };
const put = (fake: ReturnType<typeof createFakeApi>) => fake.requests.find(({ method }) => method === 'PUT')?.body;

it('shows no pace of a domain without a plan, and saves one with everything else as it is', async () => {
  const { fake } = renderPart(<DomainPlanForm domain={domain} />);
  const save = await screen.findByRole('button', { name: 'Save window and warm-up' });
  expect(save).toBeDisabled();
  expect(screen.queryByRole('region', { name: 'Pace' })).not.toBeInTheDocument();
  await userEvent.click(screen.getByRole('switch', { name: 'Begin slowly' }));
  await userEvent.clear(screen.getByLabelText('Messages on the first day'));
  await userEvent.type(screen.getByLabelText('Messages on the first day'), '80');
  await userEvent.click(save);
  await waitFor(() =>
    expect(put(fake)).toMatchObject({
      domain: 'example.com',
      bounce_domain: 'bounce.example.com',
      window: null,
      warmup: { first: 80, percent: 30 },
    }),
  );
  await waitFor(() => expect(save).toBeDisabled());
});

it('tells how much of the day is used up, what holds it up and when a mailing would be through', async () => {
  const fake = createFakeApi();
  const held_up = { reason: 'example.com warms up', until: ago(-1500), relay_id: null, domain_id: 1 };
  fake.on('GET /domains/:id/pace', () => ({ status: 200, body: { used_day: 169, warmup_cap: 169, held_up } }));
  renderPart(<DomainPlanForm domain={{ ...domain, warmup }} />, fake);
  const pace = within(await screen.findByRole('region', { name: 'Pace' }));
  expect(await pace.findByText('169 of 169')).toBeVisible();
  expect(pace.getByRole('status')).toHaveTextContent('Example.com warms up. It goes on by itself around');
  expect(await pace.findByText('Decided by the warm-up of example.com.')).toBeVisible();
});

it('says what the server objects to at its field', async () => {
  const fake = createFakeApi();
  fake.on('PUT /domains/:id', () =>
    problem(400, 'This domain cannot be used', [{ location: 'body.warmup.first', message: 'must be between 1 and 9' }]),
  );
  renderPart(<DomainPlanForm domain={{ ...domain, warmup }} />, fake);
  await userEvent.clear(await screen.findByLabelText('Messages on the first day'));
  await userEvent.click(screen.getByRole('button', { name: 'Save window and warm-up' }));
  expect(await screen.findByText('must be between 1 and 9')).toBeVisible();
  await waitFor(() => expect(screen.getByLabelText('Messages on the first day')).toHaveFocus());
});

it('keeps the plan when the bounce domain is changed', async () => {
  const { fake } = renderPart(<BounceDomainForm domain={{ ...domain, warmup, window }} />);
  await userEvent.clear(await screen.findByLabelText('Bounce domain'));
  await userEvent.click(screen.getByRole('button', { name: 'Save changes' }));
  await waitFor(() => expect(put(fake)).toMatchObject({ bounce_domain: null, warmup, window }));
});
