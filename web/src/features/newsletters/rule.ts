// The rules of RFC 5545 that the editor has fields for, and the way there and back. What it has none for stays the text that it is.

export const weekdays = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'] as const;
export type Weekday = (typeof weekdays)[number];

/** How often: a rule without its end. */
export type Pattern =
  | { kind: 'daily'; every: number }
  | { kind: 'weekdays' }
  | { kind: 'weekly'; every: number; days: Weekday[] }
  | { kind: 'monthDay'; every: number; day: number }
  | { kind: 'monthNth'; every: number; nth: number; day: Weekday }
  | { kind: 'yearly'; month: number; day: number };
export type PatternKind = Pattern['kind'];

export type End = { kind: 'never' } | { kind: 'until'; date: string } | { kind: 'count'; count: number };
export type Plan = { pattern: Pattern; end: End };

const workdays: Weekday[] = ['MO', 'TU', 'WE', 'TH', 'FR'];
const LAST_NTH = 5;

/** What the editor's fields say as a rule: FREQ=MONTHLY;BYDAY=1MO. */
export function writeRule({ pattern, end }: Plan): string {
  return [...patternParts(pattern), ...endParts(end)].join(';');
}

function patternParts(p: Pattern): string[] {
  switch (p.kind) {
    case 'daily':
      return ['FREQ=DAILY', ...interval(p.every)];
    case 'weekdays':
      return ['FREQ=WEEKLY', `BYDAY=${workdays.join(',')}`];
    case 'weekly':
      return ['FREQ=WEEKLY', ...interval(p.every), `BYDAY=${sorted(p.days).join(',')}`];
    case 'monthDay':
      return ['FREQ=MONTHLY', ...interval(p.every), `BYMONTHDAY=${p.day}`];
    case 'monthNth':
      return ['FREQ=MONTHLY', ...interval(p.every), `BYDAY=${p.nth}${p.day}`];
    case 'yearly':
      return ['FREQ=YEARLY', `BYMONTH=${p.month}`, `BYMONTHDAY=${p.day}`];
  }
}

const interval = (every: number) => (every === 1 ? [] : [`INTERVAL=${every}`]);

function endParts(end: End): string[] {
  if (end.kind === 'until') return [`UNTIL=${end.date.replaceAll('-', '')}`];
  return end.kind === 'count' ? [`COUNT=${end.count}`] : [];
}

/** The fields that mean the rule, or null when there are none that say all of it. */
export function readRule(rule: string): Plan | null {
  const parts = split(rule);
  if (!parts) return null;
  const end = readEnd(parts);
  const pattern = end && readPattern(parts);
  if (!pattern) return null;
  const plan = { pattern, end };
  // Only what is written again as it was, but for the order of its parts, has been understood whole.
  return same(parts, split(writeRule(plan))) ? plan : null;
}

function split(rule: string): Map<string, string> | null {
  const parts = new Map<string, string>();
  for (const part of rule.trim().toUpperCase().split(';')) {
    const [name, value, ...more] = part.split('=');
    if (!name || !value || more.length > 0 || parts.has(name)) return null;
    parts.set(name, name === 'BYDAY' ? sorted(value.split(',')).join(',') : value);
  }
  if (parts.get('INTERVAL') === '1') parts.delete('INTERVAL');
  return parts;
}

function sorted<T extends string>(days: T[]): T[] {
  const place = (day: T) => weekdays.indexOf(day.slice(-2) as Weekday);
  return [...days].sort((a, b) => place(a) - place(b));
}

function same(a: Map<string, string>, b: Map<string, string> | null): boolean {
  return b !== null && a.size === b.size && [...a].every(([name, value]) => b.get(name) === value);
}

function readEnd(parts: Map<string, string>): End | null {
  const until = parts.get('UNTIL');
  const count = parts.get('COUNT');
  if (until !== undefined) {
    const date = /^(\d{4})(\d\d)(\d\d)$/.exec(until);
    return date ? { kind: 'until', date: `${date[1]}-${date[2]}-${date[3]}` } : null;
  }
  if (count !== undefined) return { kind: 'count', count: Number(count) };
  return { kind: 'never' };
}

function readPattern(parts: Map<string, string>): Pattern | null {
  const every = Number(parts.get('INTERVAL') ?? 1);
  const byDay = parts.get('BYDAY');
  const monthDay = parts.get('BYMONTHDAY');
  switch (parts.get('FREQ')) {
    case 'DAILY':
      return { kind: 'daily', every };
    case 'WEEKLY': {
      const days = (byDay ?? '').split(',') as Weekday[];
      if (!days.every((day) => weekdays.includes(day))) return null;
      const working = every === 1 && days.join() === workdays.join();
      return working ? { kind: 'weekdays' } : { kind: 'weekly', every, days };
    }
    case 'MONTHLY': {
      const nth = /^(-1|[1-5])(MO|TU|WE|TH|FR|SA|SU)$/.exec(byDay ?? '');
      if (nth) return { kind: 'monthNth', every, nth: Number(nth[1]), day: nth[2] as Weekday };
      return isDay(monthDay, -1) ? { kind: 'monthDay', every, day: Number(monthDay) } : null;
    }
    case 'YEARLY': {
      const month = Number(parts.get('BYMONTH'));
      if (!(Number.isInteger(month) && month >= 1 && month <= 12) || !isDay(monthDay, 1)) return null;
      return { kind: 'yearly', month, day: Number(monthDay) };
    }
  }
  return null;
}

function isDay(text: string | undefined, least: number): boolean {
  const day = Number(text);
  return Number.isInteger(day) && day >= least && day <= 31 && day !== 0;
}

/** The rule with another end, also one that the editor has no fields for. */
export function withEnd(rule: string, end: End): string {
  const parts = rule.split(';').filter((part) => part.trim() !== '' && !/^\s*(UNTIL|COUNT)\s*=/i.test(part));
  return [...parts, ...endParts(end)].join(';');
}

/** The end of any rule, as far as there are fields for it. */
export function endOf(rule: string): End {
  const until = /(?:^|;)\s*UNTIL\s*=\s*(\d{4})(\d\d)(\d\d)/i.exec(rule);
  if (until) return { kind: 'until', date: `${until[1]}-${until[2]}-${until[3]}` };
  const count = /(?:^|;)\s*COUNT\s*=\s*(\d+)/i.exec(rule);
  return count ? { kind: 'count', count: Number(count[1]) } : { kind: 'never' };
}

/** The day a year after a start, for an end that nobody has chosen yet; 29 February becomes 1 March. */
export function yearAfter(start: string): string {
  const from = dayOf(start);
  return new Date(Date.UTC(from.getUTCFullYear() + 1, from.getUTCMonth(), from.getUTCDate()))
    .toISOString()
    .slice(0, 10);
}

/** The pattern in the fields of a kind, where that can say the same: Monday to Friday is also a choice of days. */
export function inKind(pattern: Pattern, kind: PatternKind): Pattern {
  return kind === 'weekly' && pattern.kind === 'weekdays' ? { kind, every: 1, days: workdays } : pattern;
}

/** The day that a start names, or today. */
function dayOf(start: string): Date {
  const date = new Date(`${start.slice(0, 10)}T00:00:00Z`);
  return Number.isNaN(date.getTime()) ? new Date() : date;
}

/** What a kind begins with when it is chosen: the day that the start names. */
export function startPattern(kind: PatternKind, start: string): Pattern {
  const known = dayOf(start);
  const day = weekdays[(known.getUTCDay() + 6) % 7] ?? 'MO';
  const dayOfMonth = known.getUTCDate();
  switch (kind) {
    case 'daily':
      return { kind, every: 1 };
    case 'weekdays':
      return { kind };
    case 'weekly':
      return { kind, every: 1, days: [day] };
    case 'monthDay':
      return { kind, every: 1, day: dayOfMonth };
    case 'monthNth': {
      const nth = Math.ceil(dayOfMonth / 7);
      return { kind, every: 1, nth: nth === LAST_NTH ? -1 : nth, day };
    }
    case 'yearly':
      return { kind, month: known.getUTCMonth() + 1, day: dayOfMonth };
  }
}
