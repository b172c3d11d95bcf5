import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { api } from '@/api/client';
import type { Page, Suppression } from '@/api/types';
import type { At } from '@/lib/use-position';

export const suppressionsQuery = (q?: string, at: At = {}) =>
  queryOptions({
    queryKey: ['suppressions', q ?? '', at],
    queryFn: ({ signal }) => api.get<Page<Suppression>>('/suppressions', { q, ...at }, signal),
    placeholderData: keepPreviousData,
  });
export const createSuppression = (input: { email: string; detail: string }) =>
  api.post<Suppression>('/suppressions', input, { idempotent: true });
export const deleteSuppression = (email: string) => api.del(`/suppressions/${encodeURIComponent(email)}`);
