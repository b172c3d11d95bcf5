import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';
import type { Campaign } from '@/api/types';
import { createFakeApi } from '@/test/fake-api';
import { campaigns } from '@/test/fixtures';
import { renderPart } from '@/test/render';
import { AgainButton } from './again-dialog';

const first = campaigns[2] as Campaign;
const second = { ...first, id: 9, parent_id: first.id, run_no: 2, subject: 'Once more: postboxes' };

async function open(campaign: Campaign) {
  const fake = createFakeApi();
  fake.on('POST /campaigns/:id/runs/count', () => ({ status: 200, body: { people: 12 } }));
  fake.on('POST /campaigns/:id/runs', () => ({ status: 201, body: second }));
  renderPart(<AgainButton campaign={campaign} />, fake);
  await userEvent.click(await screen.findByRole('button', { name: 'Send again…' }));
  await userEvent.click(await screen.findByRole('checkbox', { name: /^could not be sent it/ }));
  const subject = screen.getByRole('textbox', { name: 'Subject' });
  await waitFor(() => expect(subject).toHaveValue(first.subject));
  return { fake, subject };
}
async function sent(fake: ReturnType<typeof createFakeApi>) {
  await userEvent.click(await screen.findByRole('button', { name: /12 people/ }));
  const made = () => fake.requests.find(({ path }) => path === `/campaigns/${first.id}/runs`);
  await waitFor(() => expect(made()).toBeDefined());
  return made()?.body;
}

it.each([
  ['the first run', first],
  ['another run with a subject of its own', second],
])('on %s it begins with the subject of the first, which is what is sent unchanged', async (_, campaign) => {
  const { fake } = await open(campaign);
  expect(await sent(fake)).toEqual({ to: ['failed'] });
});

it('sends the subject that was written, also when it is that of the run on whose page it was asked for', async () => {
  const { fake, subject } = await open(second);
  await userEvent.clear(subject);
  await userEvent.type(subject, second.subject);
  expect(await sent(fake)).toEqual({ to: ['failed'], subject: second.subject });
});
