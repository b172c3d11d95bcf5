import { describe, expect, it } from 'vitest';
import { fromZoned, toZoned } from './zoned-time';

describe('fromZoned', () => {
  it.each([
    ['winter', '2026-01-15 09:00:00', 'Europe/Berlin', '2026-01-15T08:00:00.000Z'],
    ['summer', '2026-07-15 09:00:00', 'Europe/Berlin', '2026-07-15T07:00:00.000Z'],
    ['half hours', '2026-07-15 09:00:00', 'Asia/Kolkata', '2026-07-15T03:30:00.000Z'],
    ['a time that is skipped moves on by the gap', '2026-03-29 02:30:00', 'Europe/Berlin', '2026-03-29T01:30:00.000Z'],
    ['a time that comes twice is its first', '2026-10-25 02:30:00', 'Europe/Berlin', '2026-10-25T00:30:00.000Z'],
    ['the day after a change', '2026-03-30 09:00:00', 'Europe/Berlin', '2026-03-30T07:00:00.000Z'],
  ])('%s', (_, wall, zone, moment) => {
    expect(fromZoned(wall, zone).toISOString()).toBe(moment);
  });
});

it('toZoned is the way back', () => {
  expect(toZoned(new Date('2026-07-15T07:00:00Z'), 'Europe/Berlin')).toBe('2026-07-15 09:00:00');
});
