import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it, vi } from 'vitest';
import { createFakeApi, problem } from '@/test/fake-api';
import { renderPart } from '@/test/render';
import { ConditionEditor } from './condition-editor';
import type { Condition } from './definition';
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

it('shows by which form people agreed, and lets it be another', async () => {
  const user = userEvent.setup();
  const fake = createFakeApi();
  const forms = [
    { id: 5, name: 'Footer' },
    { id: 6, name: 'Fair' },
  ];
  fake.on('GET /forms', () => ({ status: 200, body: { items: forms } }));
  const onChange = vi.fn();
  const condition: Condition = { type: 'consent', list_id: 1, form_id: 5 };
  renderPart(<ConditionEditor condition={condition} fields={[]} onChange={onChange} onRemove={() => {}} />, fake);
  const picker = await screen.findByRole('combobox', { name: 'Form' });
  await waitFor(() => expect(picker).toHaveValue('Footer'));
  await user.click(picker);
  await user.click(await screen.findByRole('option', { name: 'Fair' }));
  expect(onChange).toHaveBeenLastCalledWith({ ...condition, form_id: 6 });
});
