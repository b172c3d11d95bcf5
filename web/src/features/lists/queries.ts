import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { api } from '@/api/client';
import type {
  List,
  ListGrowth,
  ListOutcomes,
  OptIn,
  OptInInput,
  OptInRequest,
  OptInTestResult,
  Page,
} from '@/api/types';

export type ListInput = { name: string; description: string; no_tracking?: boolean; time_zone?: string };

/** The most lists one page of the API holds; pickers show them all at once. */
const ALL = 200;

export const listsQuery = (cursor?: string) =>
  queryOptions({
    queryKey: ['lists', 'page', cursor ?? ''],
    queryFn: ({ signal }) => api.get<Page<List>>('/lists', { cursor, limit: ALL }, signal),
  });
export const listQuery = (id: number) =>
  queryOptions({ queryKey: ['lists', id], queryFn: ({ signal }) => api.get<List>(`/lists/${id}`, {}, signal) });

export const createList = (input: ListInput) => api.post<List>('/lists', input, { idempotent: true });
export const updateList = ({ id, ...input }: ListInput & { id: number }) => api.put<List>(`/lists/${id}`, input);
export const publishList = ({ id, isPublic }: { id: number; isPublic: boolean }) =>
  api.put<List>(`/lists/${id}/public`, { public: isPublic });
export const deleteList = (id: number) => api.del(`/lists/${id}`);

export const listGrowthQuery = (id: number) =>
  queryOptions({
    queryKey: ['lists', id, 'growth'],
    queryFn: ({ signal }) => api.get<ListGrowth>(`/lists/${id}/growth`, {}, signal),
  });
export const listStatsQuery = (id: number, cursor?: string) =>
  queryOptions({
    queryKey: ['lists', id, 'stats', cursor ?? ''],
    queryFn: ({ signal }) => api.get<Page<ListOutcomes>>(`/lists/${id}/stats`, { cursor }, signal),
    placeholderData: keepPreviousData,
  });

export const optInQuery = (id: number) =>
  queryOptions({
    queryKey: ['lists', id, 'opt-in'],
    queryFn: ({ signal }) => api.get<OptIn>(`/lists/${id}/opt-in`, {}, signal),
  });
/** What can be changed of it. */
export const optInInput = ({ usual: _, ...input }: OptIn): OptInInput => input;
export const updateOptIn = ({ id, ...input }: OptInInput & { id: number }) =>
  api.put<OptIn>(`/lists/${id}/opt-in`, input);
export const testOptIn = ({ id, ...input }: OptInInput & { id: number; to: string }) =>
  api.post<OptInTestResult>(`/lists/${id}/opt-in/test`, input, { idempotent: true });
export const optInRequestsQuery = (id: number, state: string, cursor?: string) =>
  queryOptions({
    queryKey: ['lists', id, 'optin-requests', state, cursor ?? ''],
    queryFn: ({ signal }) => api.get<Page<OptInRequest>>(`/lists/${id}/optin-requests`, { state, cursor }, signal),
    placeholderData: keepPreviousData,
  });
export const resendOptIn = ({ id, requestId }: { id: number; requestId: number }) =>
  api.post<void>(`/lists/${id}/optin-requests/${requestId}/resend`);
