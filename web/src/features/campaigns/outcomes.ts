import type { OutcomeCounts, OutcomeReason } from '@/api/types';
import type { BarPart } from '@/ui/stacked-bar';

export const bouncedOf = (counts: Pick<OutcomeCounts, 'refused' | 'came_back'>) => counts.refused + counts.came_back;

/** The reasons with what they led to, the most common first: {reason, total, refused, came_back, failed}. */
export function byReason(rows: OutcomeReason[]) {
  const found = new Map<string, { reason: string; total: number } & Record<OutcomeReason['outcome'], number>>();
  for (const { reason, outcome, count } of rows) {
    const sum = found.get(reason) ?? { reason, total: 0, refused: 0, came_back: 0, failed: 0 };
    sum.total += count;
    sum[outcome] += count;
    found.set(reason, sum);
  }
  return [...found.values()].sort((a, b) => b.total - a.total || a.reason.localeCompare(b.reason));
}

const colors = { delivered: '#2b9a6e', bounced: '#d9483b', failed: '#9c2f26', other: '#98a0ae', waiting: '#5c75e8' };

/** The parts of a bar that is as long as all recipients: their sum is counts.recipients. */
export function partsOf(counts: OutcomeCounts, label: (key: keyof typeof colors) => string): BarPart[] {
  const values = {
    delivered: counts.delivered,
    bounced: bouncedOf(counts),
    failed: counts.failed,
    other: counts.skipped + counts.unconfirmed,
    waiting: counts.waiting,
  };
  const keys = ['delivered', 'bounced', 'failed', 'other', 'waiting'] as const;
  return keys.map((key) => ({ key, label: label(key), value: values[key], color: colors[key] }));
}
