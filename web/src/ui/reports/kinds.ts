import type { Report, ReportAction, ReportKind } from '@/api/types';
import type { Tone } from '@/ui/tone';

export const reportKinds: ReportKind[] = [
  'bounce',
  'complaint',
  'unsubscribe',
  'delay',
  'auto_reply',
  'delivered',
  'other',
];
export const reportActions: ReportAction[] = ['suppressed', 'counted', 'unsubscribed', 'none', 'unmatched'];

export const kindTone: Record<ReportKind, Tone> = {
  bounce: 'bad',
  complaint: 'bad',
  unsubscribe: 'warn',
  delay: 'warn',
  auto_reply: 'quiet',
  delivered: 'good',
  other: 'quiet',
};

/** What the reporting system said, in one line: codes and words, each once. */
export function reportWords(report: Pick<Report, 'reply_code' | 'status' | 'diagnostic'>): string {
  const said = report.diagnostic ?? '';
  const codes = [report.reply_code, report.status].filter((one) => one !== null && !said.includes(String(one)));
  return [...codes, said].filter((part) => part !== '').join(' ');
}
