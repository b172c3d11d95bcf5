import { screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';
import { expect, it, vi } from 'vitest';
import { renderPart } from '@/test/render';
import { NumberField } from './number-field';

function Held({ onChange, valid }: { onChange: (value: number) => void; valid?: (value: number) => boolean }) {
  const [value, setValue] = useState(2);
  return (
    <NumberField
      label="Every"
      min={0}
      value={value}
      onChange={(next) => {
        setValue(next);
        onChange(next);
      }}
      {...(valid && { valid })}
    />
  );
}

it('can be emptied and written anew, and only numbers are taken', async () => {
  const onChange = vi.fn();
  renderPart(<Held onChange={onChange} />);
  const field = await screen.findByRole('textbox', { name: 'Every' });
  await userEvent.clear(field);
  expect(field).toHaveValue('');
  await userEvent.type(field, '31');
  expect(onChange.mock.calls).toEqual([[3], [31]]);
  await userEvent.clear(field);
  await userEvent.tab();
  expect(field).toHaveValue('31');
});

it('takes a part of one where that counts', async () => {
  const onChange = vi.fn();
  renderPart(<Held onChange={onChange} valid={(value) => value > 0} />);
  const field = await screen.findByRole('textbox', { name: 'Every' });
  await userEvent.clear(field);
  await userEvent.type(field, '0.5');
  expect(field).toHaveValue('0.5');
  expect(onChange.mock.calls).toEqual([[0.5]]);
});
