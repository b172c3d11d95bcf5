import { type QueryClient, queryOptions } from '@tanstack/react-query';
import { api } from '@/api/client';
import type { DkimKey, Domain, Page } from '@/api/types';

export type DomainInput = { domain: string; bounce_domain: string | null };

/** How often a domain is read again while the server's own checks may change it: before the first one, and while a key waits for its record. */
const WAITING = 20_000;

export const domainsQuery = queryOptions({
  queryKey: ['domains', 'all'],
  queryFn: ({ signal }) => api.get<Page<Domain>>('/domains', { limit: 200 }, signal),
});
export const domainQuery = (id: number) =>
  queryOptions({
    queryKey: ['domains', id],
    queryFn: ({ signal }) => api.get<Domain>(`/domains/${id}`, {}, signal),
    refetchInterval: ({ state }) =>
      state.data && (!state.data.checked_at || state.data.keys.some((key) => key.status === 'pending'))
        ? WAITING
        : false,
  });
export const createDomain = (input: DomainInput) => api.post<Domain>('/domains', input, { idempotent: true });
export const updateDomain = ({ id, ...input }: DomainInput & { id: number }) =>
  api.put<Domain>(`/domains/${id}`, input);
export const deleteDomain = (id: number) => api.del(`/domains/${id}`);
export const checkDomain = (id: number) => api.post<Domain>(`/domains/${id}/check`);
export const addKey = (id: number, algorithm: DkimKey['algorithm']) =>
  api.post<Domain>(`/domains/${id}/keys`, { algorithm }, { idempotent: true });
export const retireKey = (id: number) => api.post<Domain>(`/dkim-keys/${id}/retire`);

/** Shows at once what the server answered to a change. */
export function keepDomain(queryClient: QueryClient, domain: Domain) {
  queryClient.setQueryData(domainQuery(domain.id).queryKey, domain);
  void queryClient.invalidateQueries({ queryKey: domainsQuery.queryKey });
}
