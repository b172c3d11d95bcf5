import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';
import { createFakeApi, type FakeApi, problem } from '@/test/fake-api';
import { segments, subscribers } from '@/test/fixtures';
import { renderPage } from '@/test/render';

const asked = (fake: FakeApi, path: string) => fake.requests.filter((request) => request.path === path).length;

it('leads to the log-in without a session, once, and remembers the way', async () => {
  const fake = createFakeApi();
  fake.on('GET /me', () => problem(401, 'sign in'));
  const { router } = renderPage('/lists', fake);
  expect(await screen.findByRole('heading', { name: 'Log in' })).toBeInTheDocument();
  expect(router.state.location.search).toEqual({ next: '/lists' });
  expect(asked(fake, '/me')).toBe(1);
});

it('leads to the set-up on an empty installation', async () => {
  const fake = createFakeApi();
  fake.on('GET /me', () => problem(401, 'sign in'));
  fake.on('GET /setup', () => ({ status: 200, body: { needed: true, version: 'test' } }));
  renderPage('/', fake);
  expect(await screen.findByRole('heading', { name: 'Set up Postrider' })).toBeInTheDocument();
});

it('leads to the log-in when the session ends on an open page', async () => {
  const fake = createFakeApi();
  const { queryClient, router } = renderPage('/lists', fake);
  await screen.findByRole('heading', { name: 'Lists' });
  for (const route of ['GET /me', 'GET /lists']) fake.on(route, () => problem(401, 'sign in'));
  await queryClient.invalidateQueries({ queryKey: ['lists'] });
  await waitFor(() => expect(router.state.location.pathname).toBe('/login'));
  expect(asked(fake, '/me')).toBe(2);
});

it('leads from a segment to its people, all of whom can be acted on at once', async () => {
  const user = userEvent.setup();
  const fake = createFakeApi();
  fake.on('GET /subscribers', () => ({
    status: 200,
    body: { items: subscribers, next_cursor: null, prev_cursor: null, total: 500, total_exact: true },
  }));
  renderPage('/segments/1', fake);
  await user.click(await screen.findByRole('link', { name: 'Show people' }));
  const picker = await screen.findByRole('combobox', { name: 'Filter by segment' });
  await waitFor(() => expect(picker).toHaveValue(segments[0]?.name ?? ''));
  expect(
    fake.requests
      .filter((one) => one.path === '/subscribers')
      .at(-1)
      ?.query.get('segment_id'),
  ).toBe('1');
  await user.click(await screen.findByRole('button', { name: 'Select this page' }));
  await user.click(await screen.findByRole('button', { name: /Select everybody/ }));
  expect(screen.getByRole('status')).toHaveTextContent('500');
});
