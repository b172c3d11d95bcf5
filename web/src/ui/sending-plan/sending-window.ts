import type { SendingWindow } from '@/api/types';

export const allDays = [1, 2, 3, 4, 5, 6, 7];
export const workingDays = [1, 2, 3, 4, 5];

export const usualWindow = (zone: string): SendingWindow => ({
  days: workingDays,
  from: '08:00',
  until: '18:00',
  zone,
});

const HALF_HOUR = 30;
const DAY_MINUTES = 1440;

/** The times of day that are offered, "00:00" to "24:00". */
export const timesOfDay = Array.from({ length: DAY_MINUTES / HALF_HOUR + 1 }, (_, index) => {
  const minutes = index * HALF_HOUR;
  return `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
});

/** A window that ends at midnight ends with its day, not at the beginning of the next one. */
export const untilMidnight = (window: SendingWindow): SendingWindow =>
  window.until === '00:00' ? { ...window, until: '24:00' } : window;

function minutesOf(clock: string): number | null {
  const match = /^(\d{1,2}):(\d{2})$/.exec(clock);
  return match ? Number(match[1]) * 60 + Number(match[2]) : null;
}

/** The window goes on into the next day. */
export function overMidnight({ from, until }: SendingWindow): boolean {
  const [begin, end] = [minutesOf(from), minutesOf(until)];
  return begin !== null && end !== null && end < begin;
}

/** Hours that the window is open in a week; null while its times are not times of day. */
export function openPerWeek({ days, from, until }: SendingWindow): number | null {
  const [begin, end] = [minutesOf(from), minutesOf(until)];
  if (begin === null || end === null || begin === end) return null;
  return (((end - begin + DAY_MINUTES) % DAY_MINUTES || DAY_MINUTES) / 60) * days.length;
}
