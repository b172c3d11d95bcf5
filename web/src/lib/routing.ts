import type { Relay } from '@/api/types';

// How a campaign's relays divide its mail, as the server does it: see docs/routes.md.

export type Route = Pick<Relay, 'id' | 'name' | 'kind' | 'status' | 'weight' | 'from_domains' | 'recipient_sites'>;
export type Share<R extends Route = Route> = { relay: R; part: number };
/** Which mail goes which way: the sites it goes to (null: all that has no way of its own), who shares it, and who steps in, in that order. */
export type Flow<R extends Route = Route> = { sites: string[] | null; shares: Share<R>[]; backups: R[] };

/** What keeps a campaign from starting, or makes it send otherwise than meant. */
export type RouteIssue<R extends Route = Route> =
  | { kind: 'from' | 'paused' | 'inbox'; relay: R }
  | { kind: 'nobody'; relay: null };

const weightOf = (relay: Pick<Route, 'weight'>) => relay.weight ?? 1;

export const isBackup = (relay: Pick<Route, 'weight'>) => weightOf(relay) === 0;

/** The domain of an address as the server compares it: in lower-case A-labels. Empty when there is none. */
export function domainOf(address: string): string {
  const at = address.lastIndexOf('@');
  const domain = at === -1 ? '' : address.slice(at + 1).trim();
  try {
    return domain && new URL(`http://${domain}`).hostname;
  } catch {
    return domain.toLowerCase();
  }
}

/** Whether the relay takes mail from the address. As long as there is no domain nothing speaks against it. */
export function takesFrom(relay: Pick<Route, 'from_domains'>, address: string): boolean {
  const domain = domainOf(address);
  return domain === '' || relay.from_domains.length === 0 || relay.from_domains.includes(domain);
}

/** The ways of a campaign's mail through the relays that take its From address, what goes to certain sites first. */
export function flowsOf<R extends Route>(relays: R[], from: string): Flow<R>[] {
  const taking = relays.filter((relay) => takesFrom(relay, from));
  const everything = taking.filter((relay) => relay.recipient_sites.length === 0);
  const flows = new Map<string, Flow<R>>();
  for (const site of new Set(taking.flatMap((relay) => relay.recipient_sites))) {
    const takers = taking.filter((relay) => everything.includes(relay) || relay.recipient_sites.includes(site));
    const key = takers.map((relay) => relay.id).join();
    const known = flows.get(key);
    if (known) known.sites?.push(site);
    else flows.set(key, { sites: [site], ...divide(takers) });
  }
  const rest: Flow<R>[] = everything.length > 0 ? [{ sites: null, ...divide(everything) }] : [];
  return [...flows.values(), ...rest];
}

/** Without another one the first backup takes everything. */
function divide<R extends Route>(takers: R[]): Omit<Flow<R>, 'sites'> {
  const backups = takers.filter(isBackup);
  const regular = takers.filter((relay) => !isBackup(relay));
  const total = regular.reduce((sum, relay) => sum + weightOf(relay), 0);
  if (total > 0) return { shares: regular.map((relay) => ({ relay, part: weightOf(relay) / total })), backups };
  const [first, ...others] = backups;
  return { shares: first ? [{ relay: first, part: 1 }] : [], backups: others };
}

/** The least and the largest share that a relay has in any of the flows; null when it only steps in. */
export function shareRange(relay: Route, flows: Flow[]): [least: number, most: number] | null {
  if (isBackup(relay)) return null;
  const parts = flows.flatMap(({ shares }) => shares.filter((share) => share.relay.id === relay.id));
  if (parts.length === 0) return null;
  const shares = parts.map(({ part }) => part);
  return [Math.min(...shares), Math.max(...shares)];
}

export function routeIssues<R extends Route>(relays: R[], from: string): RouteIssue<R>[] {
  const of = (kind: 'from' | 'paused' | 'inbox', concerned: (relay: R) => boolean): RouteIssue<R>[] =>
    relays.filter(concerned).map((relay) => ({ kind, relay }));
  const mixed = relays.some(({ kind }) => kind === 'inbox') && relays.some(({ kind }) => kind !== 'inbox');
  const nobody = relays.length > 0 && relays.every((relay) => relay.recipient_sites.length > 0);
  return [
    ...of('from', (relay) => !takesFrom(relay, from)),
    ...of('paused', ({ status }) => status === 'paused'),
    ...(nobody ? [{ kind: 'nobody', relay: null } as const] : []),
    ...of('inbox', ({ kind }) => mixed && kind === 'inbox'),
  ];
}

/** The server refuses to start with any of these; an inbox among other relays is only most likely a mistake. */
export const keepsFromStarting = (issue: RouteIssue) => issue.kind !== 'inbox';
