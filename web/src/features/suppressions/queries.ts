import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { api } from '@/api/client';
import type { Page, Suppression } from '@/api/types';

export const suppressionsQuery = (q?: string, cursor?: string) =>
  queryOptions({
    queryKey: ['suppressions', q ?? '', cursor ?? ''],
    queryFn: ({ signal }) => api.get<Page<Suppression>>('/suppressions', { q, cursor }, signal),
    placeholderData: keepPreviousData,
  });
export const createSuppression = (input: { email: string; detail: string }) =>
  api.post<Suppression>('/suppressions', input, { idempotent: true });
export const deleteSuppression = (email: string) => api.del(`/suppressions/${encodeURIComponent(email)}`);
