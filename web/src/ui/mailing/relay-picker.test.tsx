import { useForm } from '@mantine/form';
import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';
import type { Campaign, CampaignInput, Relay } from '@/api/types';
import { inputOf } from '@/features/campaigns/input';
import { createFakeApi } from '@/test/fake-api';
import { campaigns, relays } from '@/test/fixtures';
import { renderPart } from '@/test/render';
import { RelayPicker } from './relay-picker';

const three: Partial<Relay>[] = [
  { name: 'A', weight: 3 },
  { name: 'B', weight: 1, from_domains: ['example.org'] },
  { name: 'C', weight: 0 },
];

function Part({ ids }: { ids: number[] }) {
  const form = useForm<CampaignInput>({
    initialValues: { ...inputOf(campaigns[0] as Campaign), from_email: 'news@example.org', relay_ids: ids },
  });
  return (
    <>
      <RelayPicker form={form} />
      <button type="button" onClick={() => form.setFieldValue('from_email', 'news@example.net')}>
        other sender
      </button>
      <output>{JSON.stringify([form.values.relay_id, form.values.relay_ids])}</output>
    </>
  );
}

function open(ids: number[]) {
  const fake = createFakeApi();
  const items = three.map((change, index) => ({ ...relays[0], id: index + 1, ...change }));
  fake.on('GET /relays', () => ({ status: 200, body: { items, next_cursor: null } }));
  renderPart(<Part ids={ids} />, fake);
  return userEvent.setup();
}

it('is a plain choice for one relay, and grows when another is wanted', async () => {
  const user = open([]);
  expect(screen.queryByRole('button', { name: 'Add another relay' })).not.toBeInTheDocument();
  await user.click(await screen.findByRole('combobox', { name: 'Relay' }));
  await user.click(await screen.findByRole('option', { name: 'A' }));
  expect(screen.getByRole('status')).toHaveTextContent('[1,[1]]');
  expect(screen.queryByText(/goes through/)).not.toBeInTheDocument();
  await user.click(screen.getByRole('button', { name: 'Add another relay' }));
  const second = screen.getByRole('combobox', { name: 'Add another relay' });
  expect(second).toHaveFocus();
  await user.click(second);
  expect(screen.queryByRole('option', { name: 'A' })).not.toBeInTheDocument();
  await user.click(await screen.findByRole('option', { name: 'C' }));
  expect(screen.getByRole('status')).toHaveTextContent('[1,[1,3]]');
  expect(screen.getByText('Everything goes through A; C only when A cannot be used.')).toBeVisible();
  await user.click(screen.getByRole('button', { name: 'Take A out' }));
  expect(screen.getByRole('status')).toHaveTextContent('[3,[3]]');
  expect(screen.getByRole('combobox', { name: 'Relay' })).toHaveValue('C');
});

it('tells the part and the rules of each, and the way out when one does not take the sender', async () => {
  const user = open([1, 2, 3]);
  expect(await screen.findByRole('group', { name: 'A' })).toHaveTextContent('75%');
  expect(screen.getByRole('group', { name: 'B' })).toHaveTextContent(/25%.*only From example\.org/i);
  expect(screen.getByRole('group', { name: 'C' })).toHaveTextContent('Backup');
  await user.click(screen.getByRole('button', { name: 'other sender' }));
  expect(screen.getByRole('group', { name: 'B' })).toHaveTextContent('Takes nothing');
  expect(screen.getByRole('alert')).toHaveTextContent('“B” takes only mail From example.org');
  await user.click(screen.getByRole('button', { name: 'Leave out B' }));
  await waitFor(() => expect(screen.getByRole('status')).toHaveTextContent('[1,[1,3]]'));
  expect(screen.queryByRole('alert')).not.toBeInTheDocument();
});
