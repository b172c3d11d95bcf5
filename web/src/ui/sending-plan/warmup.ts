import type { Warmup } from '@/api/types';
import { toZoned } from '@/lib/zoned-time';

const DAY_MS = 86_400_000;
const SHOWN_DAYS = 30;
/** Above that the sender sees no bound any more. */
const MOST = 2_147_483_647;

/** A day of the plan; at is its noon in UTC, which is the same date in nearly every time zone. */
export type PlanDay = { at: number; cap: number };

/** Two or three weeks to some thousand a day, as receivers advise for senders they do not know yet. */
export const usualWarmup = (now: Date, zone: string): Warmup => ({
  start: dateOf(now, zone),
  first: 100,
  percent: 30,
  zone,
});

/** The date in a zone. */
const dateOf = (at: Date, zone: string) => toZoned(at, zone || 'UTC').slice(0, 10);

const noon = (date: string) => new Date(`${date}T12:00:00Z`).getTime();

/** What the plan allows in 24 hours on a day, as the sender reckons it. */
function capOn({ start, first, percent }: Warmup, at: number): number {
  const days = Math.round((at - noon(start)) / DAY_MS);
  return Math.min(MOST, Math.floor(first * (1 + percent / 100) ** days));
}

const usable = ({ start, first, percent }: Warmup) => !Number.isNaN(noon(start)) && first >= 1 && percent >= 1;

/** The next days of the plan, up to the limit of a day; none while the plan is not filled in. */
export function warmupPlan(warmup: Warmup, perDay: number | null, now: Date): PlanDay[] {
  if (!usable(warmup)) return [];
  const from = Math.max(noon(warmup.start), noon(dateOf(now, warmup.zone)));
  return Array.from({ length: SHOWN_DAYS }, (_, index) => {
    const at = from + index * DAY_MS;
    return { at, cap: Math.min(capOn(warmup, at), perDay ?? MOST) };
  });
}

/** The first day on which the plan allows as many as the limit of a day does; null without one. */
export function warmupReaches(warmup: Warmup, perDay: number | null): number | null {
  if (!usable(warmup) || !perDay) return null;
  const days = Math.max(0, Math.ceil(Math.log(perDay / warmup.first) / Math.log(1 + warmup.percent / 100)));
  const at = noon(warmup.start) + days * DAY_MS;
  // The logarithm may be off by a hair.
  return capOn(warmup, at) >= perDay ? at : at + DAY_MS;
}
