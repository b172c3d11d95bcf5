import { screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';
import { createFakeApi, problem } from '@/test/fake-api';
import { renderPart } from '@/test/render';
import { NewSegmentPage } from './segment-page';

it('asks the server for what was built, and only when nothing is open', async () => {
  const user = userEvent.setup();
  const { fake } = renderPart(<NewSegmentPage />);
  const asked = () => fake.requests.filter((one) => one.path === '/segments/count').map((one) => one.body);
  expect(await screen.findByText(/Fill in what is open/)).toBeVisible();
  await user.click(screen.getByRole('combobox', { name: 'What it is about' }));
  await user.click(await screen.findByRole('option', { name: 'City' }));
  expect(asked()).toEqual([]);
  await user.type(screen.getByRole('textbox', { name: 'Value' }), 'Berlin');
  expect(await screen.findByText('1,204')).toBeVisible();
  expect(await screen.findByText('ada@example.org')).toBeVisible();
  expect(asked().at(-1)).toEqual({
    definition: { all: [{ type: 'field', field: 'city', op: 'is', value: 'Berlin' }] },
  });
  await user.click(screen.getByRole('button', { name: 'Add a group' }));
  expect(screen.getByText(/Fill in what is open/)).toBeVisible();
  const inner = screen.getByRole('group', { name: 'At least one of these holds' });
  await user.click(within(inner).getByRole('button', { name: 'Remove this group' }));
  expect(screen.queryByText(/Fill in what is open/)).not.toBeInTheDocument();
});

it('shows why the server does not take it', async () => {
  const user = userEvent.setup();
  const fake = createFakeApi();
  fake.on('POST /segments/count', () => problem(400, 'there is no field "city"'));
  renderPart(<NewSegmentPage />, fake);
  await user.type(await screen.findByRole('textbox', { name: 'Value' }), 'x');
  expect(await screen.findByText('there is no field "city"')).toBeVisible();
});
