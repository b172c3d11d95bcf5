import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { api, upload } from '@/api/client';
import type { Page, Suppression, SuppressionImport, SuppressionLogEntry, SuppressionReason } from '@/api/types';
import type { At } from '@/lib/use-position';

export type SuppressionFilter = { q?: string | undefined; reason?: string | undefined; domains?: boolean | undefined };

export const suppressionsQuery = (filter: SuppressionFilter, at: At = {}) =>
  queryOptions({
    queryKey: ['suppressions', filter, at],
    queryFn: ({ signal }) => api.get<Page<Suppression>>('/suppressions', { ...filter, ...at }, signal),
    placeholderData: keepPreviousData,
  });
export const suppressionLogQuery = (cursor?: string) =>
  queryOptions({
    queryKey: ['suppressions', 'log', cursor ?? ''],
    queryFn: ({ signal }) => api.get<Page<SuppressionLogEntry>>('/suppression-log', { cursor }, signal),
  });
export const createSuppression = (input: { email: string; detail: string }) =>
  api.post<Suppression>('/suppressions', input, { idempotent: true });
export const deleteSuppression = ({ email, note }: { email: string; note: string }) =>
  api.del(`/suppressions/${encodeURIComponent(email)}?note=${encodeURIComponent(note)}`);

export function importSuppressions(input: { file: File; reason: SuppressionReason; detail: string }) {
  const form = new FormData();
  // The file comes last: the server streams it and must know by then what it is about.
  form.append('reason', input.reason);
  form.append('detail', input.detail);
  form.append('file', input.file);
  return upload<SuppressionImport>('/suppressions/import', form, () => {});
}
