import { expect, test } from 'vitest';
import { rebase } from './use-follow';

test('what somebody changed is kept, and the rest is what stands there now', () => {
  const was = { name: 'A', from: 'old', rules: { first: 0, late: 2 }, lists: [1], window: null as object | null };
  const now = { name: 'A', from: 'new', rules: { first: 0, late: 5 }, lists: [1, 2], window: { zone: 'UTC' } };
  expect(rebase({ ...was, name: 'B', rules: { first: 3, late: 2 } }, was, now)).toEqual({
    ...now,
    name: 'B',
    rules: { first: 3, late: 5 },
  });
  expect(rebase({ ...was, lists: [7] }, was, now).lists).toEqual([7]);
});

test('what both changed stays as it was written here', () => {
  expect(rebase({ a: 'mine' }, { a: 'was' }, { a: 'theirs' })).toEqual({ a: 'mine' });
});
