import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';
import { createQueryClient } from '@/app/query-client';
import { createFakeApi, type FakeApi } from '@/test/fake-api';
import { newsletter } from '@/test/fixtures';
import { renderPage } from '@/test/render';
import { newsletterQuery } from './queries';

// The page is large: looking by label and text takes a tenth of the time of looking by role.
const button = (text: string) => screen.getByText(text).closest('button') as HTMLButtonElement;

/** Keeps what is saved, as the server does. */
function keeping(fake: FakeApi, change: Partial<typeof newsletter> = {}) {
  let stored = { ...newsletter, ...change };
  fake.on('GET /newsletters/:id', () => ({ status: 200, body: stored }));
  fake.on('PUT /newsletters/:id', ({ body }) => {
    stored = { ...stored, ...(body as object) };
    return { status: 200, body: { ...stored, kept: [] } };
  });
}
const saved = (fake: FakeApi) => fake.requests.find(({ method }) => method === 'PUT')?.body;

it('asks about the activation of what has just been saved', async () => {
  const fake = createFakeApi();
  keeping(fake);
  renderPage('/newsletters/1?tab=settings', fake);
  const first = await screen.findByLabelText(/^To begin with/);
  await userEvent.clear(first);
  await userEvent.type(first, '5');
  await userEvent.click(button('Activate'));
  expect(await screen.findByText(/the 5 newest items/)).toBeInTheDocument();
  expect(saved(fake)).toMatchObject({ rules: { first_items: 5 } });
});

it('takes what changed on the server, and keeps what is being written', async () => {
  const fake = createFakeApi();
  keeping(fake, { mailing: { ...newsletter.mailing, from_name: 'New name' } });
  const queryClient = createQueryClient();
  queryClient.setQueryData(newsletterQuery(1).queryKey, newsletter);
  renderPage('/newsletters/1?tab=settings', fake, queryClient);
  await userEvent.type(await screen.findByLabelText(/^Name/), '!');
  await waitFor(() => expect(screen.getByLabelText('From name')).toHaveValue('New name'));
  await userEvent.click(button('Save changes'));
  await waitFor(() => expect(saved(fake)).toBeDefined());
  expect(saved(fake)).toMatchObject({ name: 'Garden weekly!', mailing: { from_name: 'New name' } });
});

it('pauses without the note of the last time', async () => {
  const fake = createFakeApi();
  keeping(fake, { status: 'active' });
  renderPage('/newsletters/1', fake);
  await screen.findByText('Pause…');
  await userEvent.click(button('Pause…'));
  await userEvent.type(await screen.findByLabelText(/^Note for readers/), 'x');
  await userEvent.click(button('Cancel'));
  await waitFor(() => expect(screen.queryByText('Cancel')).not.toBeInTheDocument());
  await userEvent.click(button('Pause…'));
  expect(await screen.findByLabelText(/^Note for readers/)).toHaveValue('');
});

it('calls each button of a skipped run by its date', async () => {
  const fake = createFakeApi();
  keeping(fake, { status: 'active' });
  const run = { out: 'skipped', shift: '', offset: 0, issue: null };
  const items = ['2027-03-01', '2027-03-08'].map((date) => ({ ...run, date, at: `${date}T09:00:00Z`, local: date }));
  fake.on('GET /newsletters/:id/runs', () => ({ status: 200, body: { items } }));
  renderPage('/newsletters/1', fake);
  expect(await screen.findByLabelText(/^Do not skip the run of .*\b1\b/)).toBeInTheDocument();
  expect(screen.getByLabelText(/^Do not skip the run of .*\b8\b/)).toBeInTheDocument();
});
