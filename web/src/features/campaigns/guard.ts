import type { Campaign } from '@/api/types';

// How the server begins the reason when it has stopped a campaign because too much came back, and what it adds for those who have no buttons to press.
const STOPPED = 'stopped by itself: ';
const ADVICE = '; look at the log, then resume or cancel';

/** Says whether a campaign was stopped because too much of it came back or was called spam, and waits for a decision. */
export function stoppedByGuard(campaign: Pick<Campaign, 'status' | 'pause_reason'>): boolean {
  return campaign.status === 'paused' && campaign.pause_reason?.startsWith(STOPPED) === true;
}

/** Why it was stopped, as a sentence. */
export function guardReason(reason: string): string {
  const words = reason.startsWith(STOPPED) ? reason.slice(STOPPED.length) : reason;
  return `${words.endsWith(ADVICE) ? words.slice(0, -ADVICE.length) : words}.`;
}
