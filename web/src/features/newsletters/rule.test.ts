import { describe, expect, test } from 'vitest';
import { readRule, startPattern, weekdays, withEnd, writeRule } from './rule';

describe('rules of the editor', () => {
  test.each([
    ['FREQ=DAILY', { kind: 'daily', every: 1 }],
    ['FREQ=DAILY;INTERVAL=3', { kind: 'daily', every: 3 }],
    ['FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR', { kind: 'weekdays' }],
    ['FREQ=WEEKLY;BYDAY=MO', { kind: 'weekly', every: 1, days: ['MO'] }],
    ['FREQ=WEEKLY;INTERVAL=2;BYDAY=TH', { kind: 'weekly', every: 2, days: ['TH'] }],
    ['FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU,WE,TH,FR', { kind: 'weekly', every: 2, days: weekdays.slice(0, 5) }],
    ['FREQ=MONTHLY;BYMONTHDAY=-1', { kind: 'monthDay', every: 1, day: -1 }],
    ['FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=15', { kind: 'monthDay', every: 3, day: 15 }],
    ['FREQ=MONTHLY;BYDAY=1MO', { kind: 'monthNth', every: 1, nth: 1, day: 'MO' }],
    ['FREQ=MONTHLY;BYDAY=-1FR', { kind: 'monthNth', every: 1, nth: -1, day: 'FR' }],
    ['FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29', { kind: 'yearly', month: 2, day: 29 }],
  ])('%s is read and written again', (rule, pattern) => {
    for (const [suffix, end] of [
      ['', { kind: 'never' }],
      [';UNTIL=20271231', { kind: 'until', date: '2027-12-31' }],
      [';COUNT=12', { kind: 'count', count: 12 }],
    ] as const) {
      const plan = readRule(rule + suffix);
      expect(plan).toEqual({ pattern, end });
      expect(plan && writeRule(plan)).toBe(rule + suffix);
    }
  });

  test('the order of parts and days, the case and an interval of one do not matter', () => {
    const read = readRule('byday=WE,MO;interval=1;freq=weekly');
    expect(read?.pattern).toEqual({ kind: 'weekly', every: 1, days: ['MO', 'WE'] });
  });

  test.each([
    '',
    'FREQ',
    'FREQ=HOURLY',
    'FREQ=WEEKLY',
    'FREQ=WEEKLY;BYDAY=MO;BYHOUR=9',
    'FREQ=WEEKLY;BYDAY=MO;WKST=SU',
    'FREQ=WEEKLY;BYDAY=XX',
    'FREQ=DAILY;BYMONTH=1',
    'FREQ=MONTHLY;BYMONTHDAY=1,15',
    'FREQ=MONTHLY;BYMONTHDAY=0',
    'FREQ=MONTHLY;BYMONTHDAY=32',
    'FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1',
    'FREQ=MONTHLY;BYDAY=1MO;BYMONTHDAY=1',
    'FREQ=YEARLY;BYMONTH=13;BYMONTHDAY=1',
    'FREQ=DAILY;UNTIL=20271231T090000Z',
    'FREQ=DAILY;UNTIL=20271231;COUNT=2',
    'FREQ=DAILY;FREQ=DAILY',
    'FREQ=DAILY;COUNT=two',
    'FREQ=DAILY;INTERVAL=02',
  ])('%s stays the text that it is', (rule) => {
    expect(readRule(rule)).toBeNull();
  });

  test('any rule gets another end and keeps the rest', () => {
    expect(withEnd('FREQ=MONTHLY;COUNT=3;BYDAY=MO,TU;BYSETPOS=-1', { kind: 'until', date: '2027-01-31' })).toBe(
      'FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1;UNTIL=20270131',
    );
    expect(withEnd('FREQ=DAILY;UNTIL=20270131T090000Z', { kind: 'never' })).toBe('FREQ=DAILY');
  });

  test('a kind begins with the day that the start names', () => {
    // A Thursday, the fifth of its month.
    const start = '2026-12-31T09:00';
    expect(writeRule({ pattern: startPattern('weekly', start), end: { kind: 'never' } })).toBe('FREQ=WEEKLY;BYDAY=TH');
    expect(writeRule({ pattern: startPattern('monthNth', start), end: { kind: 'never' } })).toBe(
      'FREQ=MONTHLY;BYDAY=-1TH',
    );
    expect(startPattern('yearly', start)).toEqual({ kind: 'yearly', month: 12, day: 31 });
    expect(startPattern('weekly', '').kind).toBe('weekly');
  });
});
