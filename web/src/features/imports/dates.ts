import type { DateOrder } from '@/api/types';

export const dateOrders: Exclude<DateOrder, ''>[] = ['dmy', 'mdy', 'ymd'];

const NUMERIC = /^\s*(\d{1,4})[./\- ](\d{1,2})[./\- ](\d{1,4})(?:\D.*)?$/;

type Parts = { year: number; month: number; day: number };

/** A date in digits, read in the given order; null when it is none. */
export function readDate(text: string, order: Exclude<DateOrder, ''>): Parts | null {
  const [, a, b, c] = NUMERIC.exec(text) ?? [];
  if (!a || !b || !c) return null;
  const [first, second, third] = [Number(a), Number(b), Number(c)];
  if (a.length > 2 || order === 'ymd') return a.length === 4 ? real(first, second, third) : null;
  const year = c.length === 2 ? 2000 + third : third;
  return order === 'dmy' ? real(year, second, first) : real(year, first, second);
}

function real(year: number, month: number, day: number): Parts | null {
  const date = new Date(Date.UTC(year, month - 1, day));
  const same = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return same ? { year, month, day } : null;
}

/** Whether a date reads differently with the day first and with the month first. */
export function isAmbiguous(text: string): boolean {
  const [dmy, mdy] = [readDate(text, 'dmy'), readDate(text, 'mdy')];
  return dmy !== null && mdy !== null && dmy.day !== mdy.day;
}

/** "3 April 2025" in the browser's language. */
export function spellDate({ year, month, day }: Parts): string {
  return new Intl.DateTimeFormat(undefined, { dateStyle: 'long', timeZone: 'UTC' }).format(
    Date.UTC(year, month - 1, day),
  );
}
