import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';
import { createQueryClient } from '@/app/query-client';
import { createFakeApi, problem } from '@/test/fake-api';
import { campaigns } from '@/test/fixtures';
import { renderPage } from '@/test/render';
import { campaignQuery } from './queries';

const draft = campaigns[0] as (typeof campaigns)[number];
const saves = (fake: ReturnType<typeof createFakeApi>) =>
  fake.requests.filter(({ method, path }) => method === 'PUT' && path === '/campaigns/4').map(({ body }) => body);
// The page is large: looking by label and text takes a tenth of the time of looking by role.
const nameField = () => screen.findByLabelText(/^Name/);
const button = (text: string) => screen.getByText(text).closest('button') as HTMLButtonElement;
const save = () => userEvent.click(button('Save changes'));

it('opens the tab of the first field that the server objects to, and says it above as well', async () => {
  const fake = createFakeApi();
  fake.on('PUT /campaigns/:id', () =>
    problem(422, 'The campaign was not saved', [{ location: 'body.html', message: 'line 3: not closed' }]),
  );
  const { router } = renderPage('/campaigns/4', fake);
  await userEvent.type(await nameField(), '!');
  await save();
  await waitFor(() => expect(router.state.location.search).toEqual({ tab: 'content' }));
  expect((await screen.findAllByText(/line 3: not closed/)).length).toBeGreaterThan(0);
  expect(screen.getByText('The campaign was not saved: line 3: not closed')).toBeVisible();
});

it('lets the server judge what a hidden tab holds', async () => {
  const fake = createFakeApi();
  fake.on('PUT /campaigns/:id', () =>
    problem(422, 'The campaign was not saved', [{ location: 'body.from_email', message: 'is no address' }]),
  );
  const { router } = renderPage('/campaigns/4', fake);
  const from = await screen.findByLabelText('From address');
  await userEvent.clear(from);
  await userEvent.type(from, 'x');
  await userEvent.click(screen.getByText('Check', { selector: '[role=tab] *' }));
  await save();
  await waitFor(() => expect(saves(fake)).toHaveLength(1));
  expect(await screen.findByText('The campaign was not saved: is no address')).toBeVisible();
  await waitFor(() => expect(router.state.location.search).toEqual({}));
});

it('takes what changed on the server, and keeps what is being written', async () => {
  const fake = createFakeApi();
  const queryClient = createQueryClient();
  queryClient.setQueryData(campaignQuery(4).queryKey, { ...draft, from_name: 'Old name' });
  fake.on('GET /campaigns/:id', () => ({ status: 200, body: { ...draft, from_name: 'New name' } }));
  renderPage('/campaigns/4', fake, queryClient);
  await userEvent.type(await nameField(), '!');
  await waitFor(() => expect(screen.getByLabelText('From name')).toHaveValue('New name'));
  await save();
  await waitFor(() => expect(saves(fake)).toHaveLength(1));
  expect(saves(fake)[0]).toMatchObject({ name: `${draft.name}!`, from_name: 'New name' });
});

it('is saved once the server has answered, in the words of the server', async () => {
  const fake = createFakeApi();
  let stored = { ...draft };
  fake.on('GET /campaigns/:id', () => ({ status: 200, body: stored }));
  fake.on('PUT /campaigns/:id', ({ body }) => {
    const { name, ...rest } = body as typeof draft;
    stored = { ...stored, ...rest, name: name.trim() };
    return { status: 200, body: stored };
  });
  renderPage('/campaigns/4', fake);
  await userEvent.type(await nameField(), '  ');
  await save();
  await waitFor(() => expect(button('Save changes')).toBeDisabled());
  expect(await nameField()).toHaveValue(draft.name);
});

it('keeps what was being written when the campaign starts meanwhile, until it is let go', async () => {
  const fake = createFakeApi();
  const { queryClient } = renderPage('/campaigns/4', fake);
  await userEvent.type(await nameField(), ' +');
  queryClient.setQueryData(campaignQuery(4).queryKey, { ...draft, status: 'running' });
  await screen.findByText('Your last changes were not saved');
  expect(await nameField()).toHaveValue(`${draft.name} +`);
  expect(screen.queryByText('Save changes')).not.toBeInTheDocument();
  await userEvent.click(button('Discard them and go on'));
  await screen.findByText('Leave');
  await userEvent.click(button('Leave'));
  expect(await screen.findByText('Results')).toBeInTheDocument();
});

it('shows how it goes as soon as it starts, where nothing was being written', async () => {
  const { queryClient } = renderPage('/campaigns/4');
  await nameField();
  queryClient.setQueryData(campaignQuery(4).queryKey, { ...draft, status: 'running' });
  expect(await screen.findByText('Results')).toBeInTheDocument();
});
