import { expect, it } from 'vitest';
import { usualWarmup, warmupPlan, warmupReaches } from './warmup';

const now = new Date('2026-11-26T22:30:00Z');
const plan = { start: '2026-11-26', first: 100, percent: 50, zone: '' };
const dates = (at: number | undefined | null) => new Date(at ?? 0).toISOString().slice(0, 10);

it('grows from day to day as the sender reckons it, and stays at the limit of a day', () => {
  const days = warmupPlan(plan, 1000, now);
  expect(days.slice(0, 8).map(({ cap }) => cap)).toEqual([100, 150, 225, 337, 506, 759, 1000, 1000]);
  expect(days).toHaveLength(30);
  expect(dates(days[0]?.at)).toBe('2026-11-26');
});

it('begins with today when it has begun, and with its first day when it has not', () => {
  expect(warmupPlan({ ...plan, start: '2026-11-24' }, null, now)[0]?.cap).toBe(225);
  expect(dates(warmupPlan({ ...plan, start: '2026-12-01' }, null, now)[0]?.at)).toBe('2026-12-01');
});

it('begins with the day that it is in the zone of the plan', () => {
  expect(warmupPlan({ ...plan, zone: 'Asia/Tokyo' }, null, now)[0]?.cap).toBe(150);
});

it('tells the first day on which the limit of a day is reached', () => {
  expect(dates(warmupReaches(plan, 1000))).toBe('2026-12-02');
  expect(dates(warmupReaches(plan, 225))).toBe('2026-11-28');
  expect(dates(warmupReaches(plan, 80))).toBe('2026-11-26');
  expect(warmupReaches(plan, null)).toBeNull();
});

it('shows no plan before it is filled in', () => {
  for (const part of [{ start: '' }, { first: 0 }, { percent: 0 }]) {
    expect(warmupPlan({ ...plan, ...part }, 1000, now)).toEqual([]);
    expect(warmupReaches({ ...plan, ...part }, 1000)).toBeNull();
  }
  expect(usualWarmup(now, 'America/New_York')).toEqual({
    start: '2026-11-26',
    first: 100,
    percent: 30,
    zone: 'America/New_York',
  });
  expect(usualWarmup(now, 'Asia/Tokyo').start).toBe('2026-11-27');
});
