import { describe, expect, it } from 'vitest';
import { isAmbiguous, readDate } from './dates';

describe('readDate', () => {
  it.each([
    ['03/04/2025', 'dmy', { year: 2025, month: 4, day: 3 }],
    ['03/04/2025', 'mdy', { year: 2025, month: 3, day: 4 }],
    ['31.12.99', 'dmy', { year: 2099, month: 12, day: 31 }],
    ['2025-04-03', 'ymd', { year: 2025, month: 4, day: 3 }],
    ['2025-04-03', 'dmy', { year: 2025, month: 4, day: 3 }],
    ['03.04.2025 14:30', 'dmy', { year: 2025, month: 4, day: 3 }],
    ['31/12/2025', 'mdy', null],
    ['30/02/2025', 'dmy', null],
    ['3 April 2025', 'dmy', null],
    ['', 'dmy', null],
  ] as const)('%s as %s', (text, order, date) => expect(readDate(text, order)).toEqual(date));
});

describe('isAmbiguous', () => {
  it.each([
    ['03/04/2025', true],
    ['04/04/2025', false],
    ['31/12/2025', false],
    ['2025-04-03', false],
    ['London', false],
  ])('%s: %s', (text, ambiguous) => expect(isAmbiguous(text)).toBe(ambiguous));
});
