// Numbers, dates and durations as text, through Intl in the browser's language.

const numbers = new Intl.NumberFormat();
const compact = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 });

/** What stands where there is no value. */
export const NONE = '–';

export function formatNumber(value: number): string {
  return numbers.format(value);
}

export function formatCompact(value: number): string {
  return compact.format(value);
}

/** "12.3%" of whole; a dash when there is no whole to take a part of. */
export function formatPercent(part: number, whole: number): string {
  if (whole <= 0) return NONE;
  return new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 1 }).format(part / whole);
}

export function formatBytes(bytes: number): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const;
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return new Intl.NumberFormat(undefined, {
    style: 'unit',
    unit: units[unit] ?? 'byte',
    // In short, English has "44 byte".
    unitDisplay: unit === 0 ? 'long' : 'short',
    maximumFractionDigits: digits,
  }).format(value);
}

/** The two largest units of a time span: "1 h 12 min", "45 s". */
export function formatDuration(seconds: number): string {
  const total = Math.max(0, Math.round(seconds));
  const units: [Intl.NumberFormatOptions['unit'], number][] = [
    ['day', 86_400],
    ['hour', 3600],
    ['minute', 60],
    ['second', 1],
  ];
  const first = units.findIndex(([, size]) => total >= size);
  const from = first === -1 ? units.length - 1 : first;
  let rest = total;
  const parts: string[] = [];
  for (const [unit, size] of units.slice(from, from + 2)) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0 || parts.length === 0) {
      parts.push(new Intl.NumberFormat(undefined, { style: 'unit', unit, unitDisplay: 'short' }).format(count));
    }
  }
  return parts.join(' ');
}

/** Messages per second below one are told per minute, so that slow relays do not read "0". */
export function formatRate(perSecond: number): { value: string; per: 'second' | 'minute' } {
  if (perSecond >= 1) return { value: formatNumber(Math.round(perSecond)), per: 'second' };
  return { value: formatNumber(Math.round(perSecond * 60)), per: 'minute' };
}

export function formatDateTime(iso: string, timeZone?: string): string {
  return new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short', timeZone }).format(
    new Date(iso),
  );
}

export function formatDate(iso: string, timeZone?: string): string {
  return new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeZone }).format(new Date(iso));
}

/** The name of a day of the week, 1 for Monday to 7 for Sunday: "Mon". */
export function weekdayName(day: number): string {
  // 1 January 2024 was a Monday.
  return new Intl.DateTimeFormat(undefined, { weekday: 'short', timeZone: 'UTC' }).format(Date.UTC(2024, 0, day));
}

/** "5 minutes ago", "in 2 hours"; "now" within ten seconds. */
export function formatRelative(iso: string, now: number): string {
  const seconds = (new Date(iso).getTime() - now) / 1000;
  const format = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });
  if (Math.abs(seconds) < 10) return format.format(0, 'second');
  const steps: [Intl.RelativeTimeFormatUnit, number][] = [
    ['second', 60],
    ['minute', 60],
    ['hour', 24],
    ['day', 30],
    ['month', 12],
  ];
  let value = seconds;
  for (const [unit, size] of steps) {
    if (Math.abs(value) < size) return format.format(Math.round(value), unit);
    value /= size;
  }
  return format.format(Math.round(value), 'year');
}

/** A value of a subscriber's attributes as one line of text. */
export function formatAttribute(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** A sentence that begins with a capital letter. */
export function capitalized(text: string): string {
  return text.charAt(0).toLocaleUpperCase() + text.slice(1);
}

/** "limits, warm-up, and sending window". */
export function formatList(parts: string[]): string {
  return new Intl.ListFormat(undefined, { type: 'conjunction' }).format(parts);
}

/** A sentence of the server with its clock times, "every Monday at 09:00", as the browser writes them. */
export function localClock(text: string): string {
  const clock = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit', timeZone: 'UTC' });
  return text.replace(/\b([01]\d|2[0-3]):([0-5]\d)\b/g, (_, hour, minute) =>
    clock.format(Date.UTC(2024, 0, 1, Number(hour), Number(minute))),
  );
}
