import type { AbFigures, AbReport, AbTestInput, CampaignInput, Variant } from '@/api/types';

export const MIN_VARIANTS = 2;
export const MAX_VARIANTS = 5;
/** Of a test in which everybody gets one of the variants, and nobody waits for the decision. */
export const EVERYBODY = 100;

/** What variants can differ in; content is both parts of the mail. */
export const parts = ['subject', 'from_name', 'preheader', 'content'] as const;
export type Part = (typeof parts)[number];
type Fields = Pick<CampaignInput, 'subject' | 'from_name' | 'preheader' | 'html' | 'text'>;

/** How people call a variant: A to E. */
export const letter = (number: number) => String.fromCharCode('A'.charCodeAt(0) + number - 1);

const nothing: Variant = { subject: null, preheader: null, from_name: null, html: null, text: null };
const keysOf = (part: Part): readonly (keyof Fields)[] =>
  part === 'content' ? (['html', 'text'] as const) : ([part] as const);

/** What a variant has of its own for a part, begun with what the campaign says. */
function filled(variant: Variant, part: Part, campaign: Fields): Variant {
  return { ...variant, ...Object.fromEntries(keysOf(part).map((key) => [key, variant[key] ?? campaign[key]])) };
}

export function differsIn(variants: Variant[], part: Part): boolean {
  return variants.some((variant) => keysOf(part).some((key) => variant[key] !== null));
}

/** A variant says something else than the campaign in one of the parts, which somebody has written. */
export function isWritten(variants: Variant[], among: readonly Part[], campaign: Fields): boolean {
  return variants.some((variant) =>
    among.flatMap(keysOf).some((key) => variant[key] !== null && variant[key] !== campaign[key]),
  );
}

/** Lets the variants differ in a part, or makes them alike in it again. */
export function withPart(variants: Variant[], part: Part, on: boolean, campaign: Fields): Variant[] {
  return variants.map((variant) =>
    on
      ? filled(variant, part, campaign)
      : { ...variant, ...Object.fromEntries(keysOf(part).map((key) => [key, null])) },
  );
}

/** One more variant, with the campaign's own words in what the others differ in. */
export function addVariant(variants: Variant[], campaign: Fields): Variant[] {
  const one = parts
    .filter((part) => differsIn(variants, part))
    .reduce((made, part) => filled(made, part, campaign), nothing);
  return [...variants, one];
}

/** A test as it is begun: two subjects, a fifth of the people, four hours. What happens without a winner must be chosen. */
export function newTest(campaign: Fields, metric: AbTestInput['metric']): AbTestInput {
  return {
    variants: withPart([nothing, nothing], 'subject', true, campaign),
    sample_percent: 20,
    metric,
    wait_minutes: 240,
    min_sample: 100,
    no_winner: 'best',
  };
}

/** The mail as a variant has it. */
export function asVariant<T extends Fields>(campaign: T, variant: Variant | undefined): T {
  if (!variant) return campaign;
  const own = Object.fromEntries(Object.entries(variant).filter(([, value]) => value !== null));
  return { ...campaign, ...own };
}

const units = [
  ['days', 1440],
  ['hours', 60],
  ['minutes', 1],
] as const;
export type WaitUnit = (typeof units)[number][0];

/** Minutes in the largest unit that holds them without a rest. */
export function waitOf(minutes: number): { value: number; unit: WaitUnit } {
  const [unit, size] = units.find(([, size]) => minutes >= size && minutes % size === 0) ?? units[2];
  return { value: minutes / size, unit };
}

export const minutesOf = (value: number, unit: WaitUnit) =>
  Math.max(1, Math.round(value * (units.find(([name]) => name === unit)?.[1] ?? 1)));

/** Where the interval and the rate of a variant stand on a common scale, in percent of its width. */
export function scaleOf(figures: Pick<AbFigures, 'low' | 'high' | 'rate' | 'sent'>[]) {
  const top = Math.max(0.01, ...figures.filter((one) => one.sent > 0).map((one) => one.high));
  const most = Math.min(1, top * 1.05);
  return { most, at: (rate: number) => Math.min(100, (rate / most) * 100) };
}

/** A test in which somebody may still decide. */
export const canDecide = (report: Pick<AbReport, 'state' | 'sample_percent'>) =>
  report.sample_percent !== EVERYBODY && ['sampling', 'running', 'asking'].includes(report.state);

/** What the last column says of a variant: that it is ahead, or how likely chance alone makes its distance; nothing (null) while none is ahead. */
export function doubtOf(
  report: Pick<AbReport, 'best'>,
  row: Pick<AbFigures, 'variant' | 'p'>,
): 'ahead' | number | null {
  if (report.best === null) return null;
  return report.best === row.variant ? 'ahead' : row.p;
}

/** What tells a variant from the others, in a few words: what it has of its own, else what all have. */
export function ownWords(variant: Variant | undefined, subject: string): string {
  return [variant?.subject, variant?.from_name, variant?.preheader].filter(Boolean).join(' · ') || subject;
}

/** About how many people get each variant of a test. */
export const peopleOf = (people: number, samplePercent: number, variants: number) =>
  Math.round((people * samplePercent) / 100 / variants);
