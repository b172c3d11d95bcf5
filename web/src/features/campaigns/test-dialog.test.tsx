import { screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';
import { createFakeApi } from '@/test/fake-api';
import { relays } from '@/test/fixtures';
import { renderPart } from '@/test/render';
import { TestDialog } from './test-dialog';

const ids = relays.slice(0, 2).map((relay) => relay.id);
const second = relays[1]?.name ?? '';

function open(relay_ids: number[]) {
  const fake = createFakeApi();
  renderPart(<TestDialog campaign={{ id: 4, relay_ids, ab_test: null }} opened onClose={() => {}} />, fake);
  return fake;
}
const sent = (fake: ReturnType<typeof createFakeApi>) =>
  fake.requests.filter((request) => request.path === '/campaigns/4/test').map((request) => request.body);
const press = async () => userEvent.click(await screen.findByRole('button', { name: 'Send test now' }));

it('asks for no relay where the campaign has one', async () => {
  const fake = open(ids.slice(0, 1));
  await screen.findByText('ada@example.com');
  expect(screen.queryByLabelText('Through')).not.toBeInTheDocument();
  await press();
  await screen.findByText('250 2.0.0 Ok: queued');
  expect(screen.queryByText(/^Through /)).not.toBeInTheDocument();
  expect(sent(fake)).toEqual([{ to: ['ada@example.com'] }]);
});

it('offers the relays of a campaign that has several, leaves the choice to it, and says what was taken', async () => {
  const fake = open(ids);
  await screen.findByText('ada@example.com');
  await press();
  expect(await screen.findByText(`Through ${relays[0]?.name}`)).toBeInTheDocument();
  await userEvent.click(screen.getByRole('combobox', { name: 'Through' }));
  expect(screen.getAllByRole('option')).toHaveLength(2);
  await userEvent.click(screen.getByRole('option', { name: second }));
  await press();
  expect(sent(fake)).toEqual([{ to: ['ada@example.com'] }, { to: ['ada@example.com'], relay_id: ids[1] }]);
});
