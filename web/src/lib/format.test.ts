import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatDuration,
  formatPercent,
  formatRate,
  formatRelative,
  localClock,
  NONE,
  weekdayName,
} from './format';

describe('formatDuration', () => {
  it.each([
    [0, '0 sec'],
    [59.6, '1 min'],
    [104, '1 min 44 sec'],
    [3600, '1 hr'],
    [93_784, '1 day 2 hr'],
  ])('tells %d seconds in two units at most', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });
});

describe('formatPercent', () => {
  it('has one decimal', () => expect(formatPercent(1420, 7530)).toBe('18.9%'));
  it('does not divide by nothing', () => expect(formatPercent(0, 0)).toBe(NONE));
});

describe('formatRate', () => {
  it('tells fast relays per second', () => expect(formatRate(42.4)).toEqual({ value: '42', per: 'second' }));
  it('tells slow relays per minute', () => expect(formatRate(0.5)).toEqual({ value: '30', per: 'minute' }));
});

describe('formatBytes', () => {
  it.each([
    [512, '512 bytes'],
    [1, '1 byte'],
    [1_204_311, '1.2 MB'],
    [250_000_000, '250 MB'],
  ])('%d', (bytes, text) => expect(formatBytes(bytes)).toBe(text));
});

describe('formatRelative', () => {
  const now = Date.UTC(2026, 10, 23, 12);
  const at = (seconds: number) => formatRelative(new Date(now + seconds * 1000).toISOString(), now);
  it('speaks of the past', () => expect(at(-300)).toBe('5 minutes ago'));
  it('speaks of the future', () => expect(at(7200)).toBe('in 2 hours'));
  it('calls a few seconds now', () => expect(at(-3)).toBe('now'));
});

it('knows the days of the week by their ISO numbers', () => {
  expect([1, 7].map(weekdayName)).toEqual(['Mon', 'Sun']);
});

it('writes the clock of a sentence as all other times are written', () => {
  expect(localClock('every Monday at 09:00 and 17:30').replaceAll('\u202f', ' ')).toBe(
    'every Monday at 9:00 AM and 5:30 PM',
  );
  expect(localClock('ratio 99:99')).toBe('ratio 99:99');
});
