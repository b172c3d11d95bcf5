import type { Campaign, SendingWindow } from '@/api/types';
import { weekdayName } from '@/lib/format';

/** Whole seconds until a moment, never below 0. */
export function secondsUntil(iso: string, now: number): number {
  return Math.max(0, Math.ceil((new Date(iso).getTime() - now) / 1000));
}

/** A date and time without a zone, "2026-03-02T09:00:00", as text: it is read as it stands, wherever the reader is. */
export function wallText(wall: string): string {
  return new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' }).format(
    new Date(`${wall.slice(0, 16)}:00Z`),
  );
}

/** "2026-03-02 09:00:00" of a date picker, as the API takes a local time: "2026-03-02T09:00". */
export function localAtOf(wall: string): string {
  return wall.replace(' ', 'T').slice(0, 16);
}

/** Days of a window in short: "Mon–Fri", "Mon, Wed, Sat–Sun". */
export function daysText(days: number[]): string {
  const sorted = [...new Set(days)].sort((a, b) => a - b);
  const runs: number[][] = [];
  for (const day of sorted) {
    const run = runs.at(-1);
    if (run && run.at(-1) === day - 1) run.push(day);
    else runs.push([day]);
  }
  return runs
    .map((run) => {
      const [first, last] = [run[0] ?? 1, run.at(-1) ?? 1];
      return first === last ? weekdayName(first) : `${weekdayName(first)}–${weekdayName(last)}`;
    })
    .join(', ');
}

/** The figures of a window that its sentence names. */
export function windowWords(window: SendingWindow) {
  return { days: daysText(window.days), from: window.from, until: window.until, zone: window.zone || 'UTC' };
}

/** How late a person gets it for whom the time has passed; left out is "at once". */
export const lateOf = (campaign: Pick<Campaign, 'local_time'>) => campaign.local_time.late || 'send';
