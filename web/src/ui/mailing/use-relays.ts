import { type UseQueryResult, useQuery } from '@tanstack/react-query';
import type { Relay } from '@/api/types';
import { relaysQuery } from '@/features/relays/queries';

const POLL_MS = 15_000;

/** The relays with these ids, in this order; one that was deleted is left out. They are read again while they are shown, since any can be paused or blocked. */
export function useRelays(ids: number[]): {
  relays: Relay[];
  all: Relay[];
  ready: boolean;
  /** For saying that they could not be loaded. */
  query: UseQueryResult;
} {
  const query = useQuery({ ...relaysQuery, refetchInterval: POLL_MS });
  const all = query.data?.items ?? [];
  const relays = ids.flatMap((id) => all.find((relay) => relay.id === id) ?? []);
  return { relays, all, ready: query.data !== undefined, query };
}
