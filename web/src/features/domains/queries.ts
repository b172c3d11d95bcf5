import { queryOptions } from '@tanstack/react-query';
import { api } from '@/api/client';
import type { DnsCheck, Domain, Page } from '@/api/types';

export type DomainInput = { domain: string; bounce_domain: string | null };

export const domainsQuery = queryOptions({
  queryKey: ['domains', 'all'],
  queryFn: ({ signal }) => api.get<Page<Domain>>('/domains', { limit: 200 }, signal),
});
export const domainQuery = (id: number) =>
  queryOptions({ queryKey: ['domains', id], queryFn: ({ signal }) => api.get<Domain>(`/domains/${id}`, {}, signal) });
export const createDomain = (input: DomainInput) => api.post<Domain>('/domains', input, { idempotent: true });
export const updateDomain = ({ id, ...input }: DomainInput & { id: number }) =>
  api.put<Domain>(`/domains/${id}`, input);
export const deleteDomain = (id: number) => api.del(`/domains/${id}`);
export const checkDomain = (id: number) => api.post<{ checks: DnsCheck[] }>(`/domains/${id}/check`);
