import type { Attempt, DeliveryStory, Event, Report } from '@/api/types';

/** One thing that happened to a delivery. */
export type Moment = { key: string; at: string } & (
  | { what: 'queued' | 'first_try' | 'accepted' | 'next_try' | 'skipped' }
  | { what: 'attempt'; attempt: Attempt }
  | { what: 'report'; report: Report }
  | { what: 'event'; event: Event }
  | { what: 'ended'; state: 'bounced' | 'failed' | 'unconfirmed' }
);

const ranks: Moment['what'][] = [
  'queued',
  'first_try',
  'attempt',
  'accepted',
  'skipped',
  'ended',
  'report',
  'event',
  'next_try',
];

/**
 * Puts together what the ledger, the attempts, the reports and the events know of a delivery, in the order of time; at one moment, in the order in which one follows from
 * the other. A bounce or complaint that an attempt or a report tells of already does not stand there again as an event.
 */
export function storyOf(delivery: DeliveryStory): Moment[] {
  const moments: Moment[] = [];
  if (delivery.queued_at) moments.push({ key: 'queued', at: delivery.queued_at, what: 'queued' });
  if (delivery.first_tried_at) moments.push({ key: 'first_try', at: delivery.first_tried_at, what: 'first_try' });
  for (const attempt of delivery.attempts_log) {
    moments.push({ key: `attempt-${attempt.attempt}`, at: attempt.at, what: 'attempt', attempt });
  }
  if (delivery.sent_at) moments.push({ key: 'accepted', at: delivery.sent_at, what: 'accepted' });
  if (delivery.state === 'skipped') moments.push({ key: 'skipped', at: delivery.updated_at, what: 'skipped' });
  const end = endWithoutTrace(delivery);
  if (end) moments.push({ key: 'ended', at: delivery.updated_at, what: 'ended', state: end });
  for (const report of delivery.reports) {
    moments.push({ key: `report-${report.id}`, at: report.at, what: 'report', report });
  }
  for (const event of delivery.events) {
    if (!toldAlready(delivery, event)) moments.push({ key: `event-${event.id}`, at: event.at, what: 'event', event });
  }
  if (delivery.next_attempt_at && delivery.state === 'deferred') {
    moments.push({ key: 'next_try', at: delivery.next_attempt_at, what: 'next_try' });
  }
  return moments.sort((a, b) => Date.parse(a.at) - Date.parse(b.at) || ranks.indexOf(a.what) - ranks.indexOf(b.what));
}

function toldAlready(delivery: DeliveryStory, event: Event): boolean {
  if (event.kind === 'bounce') {
    return (
      delivery.attempts_log.some((attempt) => attempt.outcome === 'bounced') ||
      delivery.reports.some((report) => report.kind === 'bounce' && report.applied)
    );
  }
  return event.kind === 'complaint' && delivery.reports.some((report) => report.kind === 'complaint');
}

// A delivery can end without a try or a report that says why: given up while its site took nothing, say.
function endWithoutTrace(delivery: DeliveryStory): 'bounced' | 'failed' | 'unconfirmed' | undefined {
  const { state } = delivery;
  if (state !== 'bounced' && state !== 'failed' && state !== 'unconfirmed') return undefined;
  const told =
    delivery.attempts_log.some((attempt) => attempt.outcome === state) ||
    (state === 'bounced' && delivery.reports.some((report) => report.kind === 'bounce' && report.applied));
  return told ? undefined : state;
}
