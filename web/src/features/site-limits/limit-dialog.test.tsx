import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it, vi } from 'vitest';
import { createFakeApi, problem } from '@/test/fake-api';
import { siteLimits } from '@/test/fixtures';
import { renderPart } from '@/test/render';
import { LimitDialog, type LimitDraft } from './limit-dialog';

function open(draft: LimitDraft, fake = createFakeApi()) {
  const onClose = vi.fn();
  renderPart(<LimitDialog limits={siteLimits} draft={draft} onClose={onClose} />, fake);
  const sent = () => fake.requests.find(({ method }) => method === 'PUT')?.body as { items: object[] } | undefined;
  return { user: userEvent.setup(), onClose, sent };
}

it('begins with the shipped figures and makes them a person’s own', async () => {
  const { user, sent, onClose } = open({ site: 'google', relay_id: null, fixed: 'both' });
  const minute = await screen.findByRole('textbox', { name: 'Per minute' });
  expect(minute).toHaveValue('300');
  await user.clear(minute);
  await user.type(minute, '60');
  await user.click(screen.getByRole('button', { name: 'Save changes' }));
  await waitFor(() => expect(onClose).toHaveBeenCalledOnce());
  expect(sent()?.items).toEqual([
    { site: 'google', relay_id: 1, per_minute: 30, per_hour: null, in_flight: 5 },
    { site: 'orange', relay_id: null, per_minute: 90, per_hour: 2500, in_flight: 4 },
    { site: 'google', relay_id: null, per_minute: 60, per_hour: 12000, in_flight: 20 },
  ]);
});

it('says that empty fields are no limit, and shows the server’s objections at the fields', async () => {
  const fake = createFakeApi();
  fake.on('PUT /site-limits', () =>
    problem(400, 'the limits cannot be set like this', [
      { location: 'body.items[2].site', message: 'orange is set twice for the same relay' },
      { location: 'body.items[2].in_flight', message: 'must be between 1 and 100' },
    ]),
  );
  const { user, sent, onClose } = open({ site: '', relay_id: null, fixed: 'nothing' }, fake);
  const site = await screen.findByRole('combobox', { name: /^Site/ });
  expect(screen.getByText(/there will be no limit/)).toBeVisible();
  await user.type(site, 'Orange');
  await user.keyboard('{Escape}');
  await user.type(screen.getByRole('textbox', { name: 'At once' }), '0');
  await user.click(screen.getByRole('button', { name: 'Save changes' }));
  await waitFor(() => expect(site).toHaveAccessibleDescription(/is set twice/));
  expect(screen.getByRole('textbox', { name: 'At once' })).toHaveAccessibleDescription('must be between 1 and 100');
  expect(sent()?.items[2]).toMatchObject({ site: 'orange', in_flight: 0 });
  expect(onClose).not.toHaveBeenCalled();
});
