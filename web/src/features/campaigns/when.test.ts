import { describe, expect, it } from 'vitest';
import { daysText, localAtOf, secondsUntil, wallText } from './when';

describe('secondsUntil', () => {
  const now = Date.parse('2026-03-02T09:00:00Z');
  it('counts a begun second, so that the button is not dead while it says 0', () => {
    expect(secondsUntil('2026-03-02T09:00:04.200Z', now)).toBe(5);
  });
  it('ends at 0', () => {
    expect(secondsUntil('2026-03-02T08:59:00Z', now)).toBe(0);
  });
});

it('shows a time without a zone as it stands', () => {
  expect(wallText('2026-03-02T09:00:00')).toMatch(/9:00/);
});

it('gives the API a local time without a zone', () => {
  expect(localAtOf('2026-03-02 09:05:00')).toBe('2026-03-02T09:05');
});

describe('daysText', () => {
  it('joins days that follow each other', () => {
    expect(daysText([1, 2, 3, 4, 5])).toBe('Mon–Fri');
  });
  it('keeps gaps', () => {
    expect(daysText([7, 1, 3, 6])).toBe('Mon, Wed, Sat–Sun');
  });
});
