import type { RelaySite } from '@/api/types';
import type { Tone } from '@/ui/tone';

/** How a relay stands with a site, the worst first. */
export type SiteState = 'parked' | 'slower' | 'refused' | 'full' | 'usual';

export const siteTone: Record<SiteState, Tone> = {
  parked: 'bad',
  slower: 'warn',
  refused: 'warn',
  full: 'info',
  usual: 'good',
};

type Facts = Pick<RelaySite, 'parked_until' | 'halved' | 'misses' | 'put_off_until'>;

export function siteState({ parked_until, halved, misses, put_off_until }: Facts): SiteState {
  if (parked_until) return 'parked';
  if (halved > 0) return 'slower';
  if (misses > 0) return 'refused';
  return put_off_until ? 'full' : 'usual';
}

/** Whether the site's latest words of trouble still say something about now. */
export const inTrouble = (site: Facts) => ['parked', 'slower', 'refused'].includes(siteState(site));
