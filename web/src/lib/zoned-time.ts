// Wall-clock times in a named zone ↔ moments, so that "09:00" in the schedule dialog means 09:00 in the organisation's zone.

function offsetMinutes(at: Date, timeZone: string): number {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(at);
  const get = (type: string) => Number(parts.find((part) => part.type === type)?.value ?? 0);
  const wall = Date.UTC(get('year'), get('month') - 1, get('day'), get('hour'), get('minute'), get('second'));
  return Math.round((wall - at.getTime()) / 60_000);
}

/** Turns "2026-11-23 09:00:00" in the zone into a moment. A time the zone skips moves forward by the gap; a repeated one is its first. */
export function fromZoned(wall: string, timeZone: string): Date {
  const naive = new Date(`${wall.replace(' ', 'T').slice(0, 16)}:00Z`).getTime();
  const candidates = [naive - 86_400_000, naive + 86_400_000]
    .map((around) => offsetMinutes(new Date(around), timeZone))
    .map((offset) => new Date(naive - offset * 60_000))
    .sort((a, b) => a.getTime() - b.getTime());
  const exact = candidates.find((at) => at.getTime() + offsetMinutes(at, timeZone) * 60_000 === naive);
  return exact ?? candidates.at(-1) ?? new Date(naive);
}

/** The wall-clock time of a moment in the zone, "2026-11-23 09:00:00". */
export function toZoned(at: Date, timeZone: string): string {
  return new Date(at.getTime() + offsetMinutes(at, timeZone) * 60_000).toISOString().slice(0, 19).replace('T', ' ');
}
