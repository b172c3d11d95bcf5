import { expect, it } from 'vitest';
import { attributeRow, fromRows, toRows } from './attributes';

const before = { city: 'London', orders: 6, vip: true, code: '007' };

it('keeps the type of what was not touched', () => {
  expect(fromRows(toRows(before), before)).toEqual(before);
});

it('keeps numbers as numbers when they change, and leaves rows without a name out', () => {
  const rows = toRows(before).map((row) => (row.name === 'orders' ? { ...row, value: '7' } : row));
  expect(fromRows([...rows, attributeRow('', 'lost'), attributeRow('plan', '12')], before)).toEqual({
    ...before,
    orders: 7,
    plan: '12',
  });
});
