import type { Tally } from '@/api/types';

/** A figure without asking who was behind it. */
export const total = (tally: Tally) => tally.human + tally.machine + tally.unknown;
