import { queryOptions } from '@tanstack/react-query';
import { api } from '@/api/client';
import type { Page, Provider, Relay, RelayInput, RelayPace, RelaySite, RelayStats, RelayTest } from '@/api/types';

export const relaysQuery = queryOptions({
  queryKey: ['relays', 'all'],
  queryFn: ({ signal }) => api.get<Page<Relay>>('/relays', { limit: 200 }, signal),
});
export const relayQuery = (id: number) =>
  queryOptions({ queryKey: ['relays', id], queryFn: ({ signal }) => api.get<Relay>(`/relays/${id}`, {}, signal) });

/** How fast the relay is used at the moment, and why. */
export const paceQuery = (id: number) =>
  queryOptions({
    queryKey: ['relays', id, 'pace'],
    queryFn: ({ signal }) => api.get<RelayPace>(`/relays/${id}/pace`, {}, signal),
  });
/** How the relay stands with the sites that it sent to. */
export const relaySitesQuery = (id: number) =>
  queryOptions({
    queryKey: ['relays', id, 'sites'],
    queryFn: ({ signal }) => api.get<Page<RelaySite>>(`/relays/${id}/sites`, {}, signal),
  });

/** The known providers come with the program: they change only with it. */
export const providersQuery = queryOptions({
  queryKey: ['providers'],
  queryFn: ({ signal }) => api.get<Page<Provider>>('/providers', {}, signal),
  staleTime: Number.POSITIVE_INFINITY,
});

export const createRelay = (input: RelayInput) => api.post<Relay>('/relays', input, { idempotent: true });
export const updateRelay = ({ id, ...input }: RelayInput & { id: number }) => api.put<Relay>(`/relays/${id}`, input);
export const deleteRelay = (id: number) => api.del(`/relays/${id}`);
export const pauseRelay = (id: number) => api.post<Relay>(`/relays/${id}/pause`);
export const resumeRelay = (id: number) => api.post<Relay>(`/relays/${id}/resume`);

type Addresses = { from?: string; to?: string };
export const testRelay = ({ id, ...addresses }: Addresses & { id: number }) =>
  api.post<RelayTest>(`/relays/${id}/test`, addresses);
export const testRelayInput = (input: RelayInput & Addresses) => api.post<RelayTest>('/relays/test', input);

export const relayStatsQuery = (id: number) =>
  queryOptions({
    queryKey: ['relays', id, 'stats'],
    queryFn: ({ signal }) => api.get<RelayStats>(`/relays/${id}/stats`, {}, signal),
  });
