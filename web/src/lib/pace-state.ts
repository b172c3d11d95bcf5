import type { Holdup, Pace, Relay } from '@/api/types';
import type { Tone } from '@/ui/tone';

/** How a relay is used at the moment, from what stops it altogether to full speed. */
export type PaceState =
  | { kind: 'paused' | 'full' }
  | { kind: 'blocked'; reason: string; until: string }
  | ({ kind: 'held_up' } & Pick<Holdup, 'reason' | 'until'>)
  | { kind: 'resting' | 'slower'; pace: Pace }
  | { kind: 'trouble'; reason: string };

export const paceTone: Record<PaceState['kind'], Tone> = {
  paused: 'warn',
  blocked: 'bad',
  held_up: 'warn',
  resting: 'warn',
  slower: 'warn',
  trouble: 'bad',
  full: 'good',
};

type Facts = Pick<Relay, 'status' | 'pause_reason' | 'blocked_until' | 'blocked_reason' | 'pace' | 'max_connections'>;

/** Tells the state from the relay, and from what holds it up as far as that was asked for. now is when both were read. */
export function paceState(relay: Facts, heldUp: Holdup | null, now: number): PaceState {
  const ahead = (at: string | null | undefined) => (at ? new Date(at).getTime() > now : false);
  if (relay.status === 'paused') return { kind: 'paused' };
  if (relay.blocked_until && ahead(relay.blocked_until)) {
    return { kind: 'blocked', reason: relay.blocked_reason ?? '', until: relay.blocked_until };
  }
  const { pace } = relay;
  const resting = pace !== null && ahead(pace.rest_until);
  // A rest holds the relay up as well; it is told with the server's words of its own.
  if (heldUp && !(resting && heldUp.code === 'resting')) {
    return { kind: 'held_up', reason: heldUp.reason, until: heldUp.until };
  }
  if (resting) return { kind: 'resting', pace };
  if (relay.pause_reason) return { kind: 'trouble', reason: relay.pause_reason };
  if (pace && pace.connections < relay.max_connections) return { kind: 'slower', pace };
  return { kind: 'full' };
}

/** Why the server wants less, as far as there are words for it. */
export function paceReason(reason: string) {
  switch (reason) {
    case 'rate_limited':
    case 'too_many_connections':
    case 'quota_exhausted':
    case 'auth_failed':
    case 'blocked':
    case 'reputation':
    case 'authentication':
      return reason;
    default:
      return 'other';
  }
}

/** Whether what goes through the relay is counted, so that an hour's or a day's share can be used up. */
export const isCounted = (relay: Pick<Relay, 'per_hour' | 'per_day' | 'warmup'>) =>
  relay.per_hour !== null || relay.per_day !== null || relay.warmup !== null;
