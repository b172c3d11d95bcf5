import { describe, expect, it } from 'vitest';
import type { DiffHunk } from '@/api/types';
import { sideBySide, unified } from './diff';

const hunk: DiffHunk = {
  from_start: 4,
  to_start: 5,
  lines: [
    { op: ' ', text: 'a' },
    { op: '-', text: 'old 1' },
    { op: '-', text: 'old 2' },
    { op: '+', text: 'new 1' },
    { op: ' ', text: 'b' },
    { op: '+', text: 'new 2' },
  ],
};

describe('a hunk', () => {
  it('numbers what went by the older text and the rest by the newer one', () => {
    expect(unified(hunk).map(({ number, text }) => `${number} ${text}`)).toEqual([
      '5 a',
      '5 old 1',
      '6 old 2',
      '6 new 1',
      '7 b',
      '8 new 2',
    ]);
  });

  it('puts what came beside what it replaced', () => {
    const seen = sideBySide(hunk).map(({ left, right }) => [
      left && `${left.number} ${left.text}`,
      right && `${right.number} ${right.text}`,
    ]);
    expect(seen).toEqual([
      ['4 a', '5 a'],
      ['5 old 1', '6 new 1'],
      ['6 old 2', null],
      ['7 b', '7 b'],
      [null, '8 new 2'],
    ]);
  });

  it('keeps two changes in a row apart', () => {
    const two: DiffHunk = {
      from_start: 1,
      to_start: 1,
      lines: [
        { op: '+', text: 'came' },
        { op: '-', text: 'went' },
      ],
    };
    expect(sideBySide(two)).toHaveLength(2);
  });
});
