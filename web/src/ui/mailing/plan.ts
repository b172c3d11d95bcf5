import type { TFunction } from 'i18next';
import { capitalized, formatList, formatPercent } from '@/lib/format';
import { type Flow, isBackup, type Route, type Share, shareRange } from '@/lib/routing';

const fractions = {
  half: 1 / 2,
  third: 1 / 3,
  twoThirds: 2 / 3,
  quarter: 1 / 4,
  threeQuarters: 3 / 4,
} as const;
type Fraction = keyof typeof fractions;

const names = Object.keys(fractions) as Fraction[];

function fractionOf(part: number): Fraction | undefined {
  return names.find((name) => Math.abs(fractions[name] - part) < 1e-9);
}

/** What will happen to a campaign's mail, one sentence for each of its ways. */
export function planOf(t: TFunction, flows: Flow[], nameOf: (site: string) => string): string[] {
  return flows.map((flow) => {
    const to = flow.sites ? 'sites' : flows.length > 1 ? 'rest' : 'all';
    const sites = formatList((flow.sites ?? []).map(nameOf));
    const [only] = flow.shares.length === 1 ? flow.shares : [];
    const main = only
      ? t(`campaigns.plan.${to}`, { sites, relay: only.relay.name })
      : sharedOf(t, to, sites, flow.shares);
    return `${capitalized(main)}${backupsOf(t, flow)}.`;
  });
}

/** "three quarters go through A, one quarter through B"; in per cent as soon as one of the shares has no name. */
function sharedOf(t: TFunction, to: 'sites' | 'rest' | 'all', sites: string, shares: Share[]): string {
  const named = shares.every(({ part }) => fractionOf(part));
  const parts = shares.map(({ relay, part }, index) => {
    const place = index === 0 ? 'first' : 'next';
    const values = { relay: relay.name, percent: formatPercent(part, 1) };
    return t(`campaigns.plan.${place}.${(named && fractionOf(part)) || 'percent'}`, values);
  });
  const shared = parts.join(', ');
  return to === 'all' ? shared : t(`campaigns.plan.${to}Shared`, { sites, shares: shared });
}

function backupsOf(t: TFunction, { shares, backups }: Flow): string {
  if (backups.length === 0) return '';
  const many = shares.length === 1 ? 'one' : shares.length === 2 ? 'two' : 'many';
  const relays = backups.map((relay) => relay.name).join(t('campaigns.plan.then'));
  return t(`campaigns.plan.backup.${many}`, { relays, relay: shares[0]?.relay.name });
}

/** The part of a relay among the others: its share in per cent, or that it is a backup. Null when it takes nothing of this campaign. */
export function roleOf(t: TFunction, relay: Route, flows: Flow[]): string | null {
  if (isBackup(relay)) return t('campaigns.role.backup');
  const range = shareRange(relay, flows);
  if (!range) return null;
  const [least, most] = range.map((part) => formatPercent(part, 1));
  return least === most ? `${least}` : t('campaigns.role.range', { least, most });
}
