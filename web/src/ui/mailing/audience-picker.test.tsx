import { useForm } from '@mantine/form';
import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';
import type { Campaign, CampaignInput } from '@/api/types';
import { inputOf } from '@/features/campaigns/input';
import { createFakeApi, problem } from '@/test/fake-api';
import { campaigns, lists, relays } from '@/test/fixtures';
import { renderPart } from '@/test/render';
import { AudiencePicker } from './audience-picker';
import { RelayPicker } from './relay-picker';

function Held() {
  const form = useForm<CampaignInput>({ initialValues: inputOf(campaigns[0] as Campaign) });
  return (
    <>
      <AudiencePicker form={form} />
      <RelayPicker form={form} />
    </>
  );
}

it.each([
  ['lists', 'GET /lists', lists, 'Lists'],
  ['relays', 'GET /relays', relays, 'Relay'],
])('says that the %s could not be loaded, and tries again', async (_, route, items, label) => {
  const fake = createFakeApi();
  let down = true;
  fake.on(route, () => (down ? problem(500, 'internal error') : { status: 200, body: { items, next_cursor: null } }));
  renderPart(<Held />, fake);
  expect(await screen.findByText('internal error')).toBeVisible();
  expect(screen.queryByRole('combobox', { name: label })).not.toBeInTheDocument();
  down = false;
  await userEvent.click(screen.getByRole('button', { name: 'Try again' }));
  expect(await screen.findByRole('combobox', { name: label })).toBeInTheDocument();
  await waitFor(() => expect(screen.queryByText('internal error')).not.toBeInTheDocument());
});
