import { expect, it } from 'vitest';
import { outcomeCounts as counts } from '@/test/fixtures';
import { bouncedOf, byReason, partsOf } from './outcomes';

it('makes a bar that is as long as the recipients', () => {
  const parts = partsOf(counts, (key) => key);
  expect(parts.reduce((sum, part) => sum + part.value, 0)).toBe(counts.recipients);
  expect(bouncedOf(counts)).toBe(15);
});

it('sums up what a reason led to, the most common first', () => {
  const rows = byReason([
    { outcome: 'refused', reason: 'user_unknown', count: 3 },
    { outcome: 'failed', reason: 'blocked', count: 4 },
    { outcome: 'came_back', reason: 'user_unknown', count: 2 },
  ]);
  expect(rows).toEqual([
    { reason: 'user_unknown', total: 5, refused: 3, came_back: 2, failed: 0 },
    { reason: 'blocked', total: 4, refused: 0, came_back: 0, failed: 4 },
  ]);
});
