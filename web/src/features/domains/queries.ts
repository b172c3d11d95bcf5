import { type QueryClient, queryOptions } from '@tanstack/react-query';
import { api } from '@/api/client';
import type { DkimKey, Domain, DomainPace, Page, SendingPlan } from '@/api/types';

export type DomainInput = { domain: string; bounce_domain: string | null } & SendingPlan;

/** All that can be set of a domain, as it is: a change replaces all of it. */
export const domainInput = ({ domain, bounce_domain, window, warmup }: Domain): DomainInput => ({
  domain,
  bounce_domain,
  window,
  warmup,
});

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
export const domainPaceQuery = (id: number) =>
  queryOptions({
    queryKey: ['domains', id, 'pace'],
    queryFn: ({ signal }) => api.get<DomainPace>(`/domains/${id}/pace`, {}, signal),
  });
export const createDomain = (input: Omit<DomainInput, keyof SendingPlan>) =>
  api.post<Domain>('/domains', input, { idempotent: true });
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
  for (const part of ['pace', 'forecast']) {
    void queryClient.invalidateQueries({ queryKey: ['domains', domain.id, part] });
  }
  void queryClient.invalidateQueries({ queryKey: domainsQuery.queryKey });
}
