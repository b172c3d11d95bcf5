import type { KnownSite, SiteLimit, SiteLimitInput, SiteLimits } from '@/api/types';
import { siteName } from '@/lib/sites';

export type LimitKey = Pick<SiteLimit, 'site' | 'relay_id'>;
/**
 * A limit that holds. known is the site as the program knows it; behind is what would hold without a person's limit: the one for all relays, else the
 * shipped one.
 */
export type LimitRow = SiteLimit & {
  key: string;
  name: string;
  known: KnownSite | undefined;
  behind: Figures | undefined;
};
export type Figures = Pick<SiteLimit, 'per_minute' | 'per_hour' | 'in_flight'>;

const same = (a: LimitKey, b: LimitKey) => a.site === b.site && a.relay_id === b.relay_id;

/** All limits that hold, by the name of the site, the one for all relays before those for single ones. */
export function limitRows({ known, items }: SiteLimits): LimitRow[] {
  const rows = items.map((item) => {
    const knownSite = known.find(({ site }) => site === item.site);
    const forAll = items.find((one) => same(one, { site: item.site, relay_id: null }));
    return {
      ...item,
      key: `${item.relay_id} ${item.site}`,
      name: siteName(known, item.site),
      known: knownSite,
      behind: item.shipped ? undefined : item.relay_id === null ? knownSite : forAll,
    };
  });
  return rows.sort((a, b) => a.name.localeCompare(b.name) || (a.relay_id ?? 0) - (b.relay_id ?? 0));
}

/** Whether a row is meant by what was typed: its site by name, id or mail servers, or its relay. */
export function isMeant(row: LimitRow, relayName: string, words: string): boolean {
  const text = [row.name, row.site, relayName, ...(row.known?.mx ?? [])].join(' ').toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

/** What people have set: only this is sent back. */
function ownLimits({ items }: SiteLimits): SiteLimitInput[] {
  return items.filter(({ shipped }) => !shipped).map(({ shipped: _, ...limit }) => limit);
}

/**
 * What people have set, with one more limit, or with another one in place of the former; at is where it stands. A new one is appended even where there
 * is one already, so that the server can object.
 */
export function withLimit(all: SiteLimits, limit: SiteLimitInput, former?: LimitKey) {
  const items = ownLimits(all);
  const found = former ? items.findIndex((item) => same(item, former)) : -1;
  const at = found === -1 ? items.length : found;
  items[at] = limit;
  return { items, at };
}

export function withoutLimit(all: SiteLimits, key: LimitKey): SiteLimitInput[] {
  return ownLimits(all).filter((item) => !same(item, key));
}

const figures = ({ per_minute, per_hour, in_flight }: Figures): Figures => ({
  per_minute,
  per_hour,
  in_flight,
});

/** The limit that holds for a relay at a site: its own, else the one for all relays, which may be the shipped one. Without one there is no limit. */
export function heldLimit({ items }: SiteLimits, { site, relay_id }: LimitKey): SiteLimitInput {
  const key = { site, relay_id };
  const holds = items.find((item) => same(item, key)) ?? items.find((item) => same(item, { ...key, relay_id: null }));
  return { ...key, ...figures(holds ?? { per_minute: null, per_hour: null, in_flight: null }) };
}

/** Whether a person has set a limit for exactly this. */
export const isSet = (all: SiteLimits, key: LimitKey) => all.items.some((item) => !item.shipped && same(item, key));
