import type { CampaignStatus, DeliveryState, Stats } from '@/api/types';
import type { Tone } from '@/ui/tone';

export const campaignTone: Record<CampaignStatus, Tone> = {
  draft: 'quiet',
  scheduled: 'info',
  running: 'info',
  paused: 'warn',
  cancelled: 'bad',
  finished: 'good',
  open: 'info',
};

export const deliveryTone: Record<DeliveryState, Tone> = {
  queued: 'quiet',
  claimed: 'info',
  sent: 'good',
  deferred: 'warn',
  bounced: 'bad',
  failed: 'bad',
  unconfirmed: 'warn',
  skipped: 'quiet',
};

/** The order in which states stand in a progress bar: done first, waiting last. */
export const deliveryStates: DeliveryState[] = [
  'sent',
  'bounced',
  'failed',
  'unconfirmed',
  'skipped',
  'deferred',
  'claimed',
  'queued',
];

export const stateColor: Record<DeliveryState, string> = {
  sent: '#2b9a6e',
  bounced: '#d9483b',
  failed: '#9c2f26',
  unconfirmed: '#d98a1f',
  skipped: '#98a0ae',
  deferred: '#e3b34c',
  claimed: '#5c75e8',
  queued: 'var(--app-quiet-soft)',
};

/** Recipients whose delivery is over, one way or another. */
export function doneCount(stats: Stats): number {
  return stats.recipients - stats.queued - stats.claimed - stats.deferred;
}

export function isLive(status: CampaignStatus): boolean {
  return status === 'running' || status === 'paused';
}

export function isEditable(status: CampaignStatus): boolean {
  return status === 'draft' || status === 'scheduled';
}
