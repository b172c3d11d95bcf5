import { screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';
import { expect, it, vi } from 'vitest';
import { createFakeApi } from '@/test/fake-api';
import { renderPart } from '@/test/render';
import { FieldFilter, type FieldValue } from './field-filter';

const fields = [
  { name: 'city', label: 'Town', type: 'text' },
  { name: 'vip', label: '', type: 'boolean' },
];

function Filter({ onChange }: { onChange: (next: FieldValue) => void }) {
  const [state, setState] = useState<FieldValue>({});
  return (
    <FieldFilter
      {...state}
      onChange={(next) => {
        setState(next);
        onChange(next);
      }}
    />
  );
}

it('asks for a field and the value in it', async () => {
  const fake = createFakeApi();
  fake.on('GET /fields', () => ({ status: 200, body: { items: fields } }));
  const onChange = vi.fn();
  renderPart(<Filter onChange={onChange} />, fake);
  await userEvent.click(await screen.findByPlaceholderText('Any field'));
  await userEvent.click(await screen.findByRole('option', { name: 'Town', hidden: true }));
  await userEvent.type(screen.getByRole('searchbox', { name: 'Value of Town' }), 'Berlin');
  await vi.waitFor(() => expect(onChange).toHaveBeenLastCalledWith({ field: 'city', value: 'Berlin' }));
  await userEvent.click(screen.getByPlaceholderText('Any field'));
  await userEvent.click(await screen.findByRole('option', { name: 'vip', hidden: true }));
  expect(onChange).toHaveBeenLastCalledWith({ field: 'vip', value: undefined });
  expect(screen.getByPlaceholderText('Value')).toBeInTheDocument();
});
