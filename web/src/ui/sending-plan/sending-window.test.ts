import { expect, it } from 'vitest';
import { openPerWeek, overMidnight, timesOfDay, untilMidnight, usualWindow } from './sending-window';

const window = usualWindow('Europe/Berlin');

it.each([
  ['working days', {}, 50],
  ['over midnight', { from: '22:00', until: '6:00' }, 40],
  ['whole days', { from: '00:00', until: '24:00' }, 120],
  ['no day', { days: [] }, 0],
])('adds up a week: %s', (_, part, hours) => {
  expect(openPerWeek({ ...window, ...part })).toBe(hours);
});

it('says nothing of times that are none', () => {
  expect(openPerWeek({ ...window, from: 'eight' })).toBeNull();
  expect(openPerWeek({ ...window, until: window.from })).toBeNull();
});

it('knows a window that goes over midnight', () => {
  expect(overMidnight(window)).toBe(false);
  expect(overMidnight({ ...window, from: '22:00', until: '06:00' })).toBe(true);
});

it('offers every half hour, and the end of the day', () => {
  expect(timesOfDay).toHaveLength(49);
  expect([timesOfDay[17], timesOfDay.at(-1)]).toEqual(['08:30', '24:00']);
});

it('ends a window at midnight with its day', () => {
  expect(untilMidnight({ ...window, until: '00:00' }).until).toBe('24:00');
  expect(untilMidnight(window)).toBe(window);
});
