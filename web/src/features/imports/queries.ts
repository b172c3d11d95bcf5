import { queryOptions } from '@tanstack/react-query';
import { api, apiUrl, upload } from '@/api/client';
import type { Import, ImportError, ImportFormat, ImportMapping, ImportPreview, Page } from '@/api/types';

export const importsQuery = (cursor?: string) =>
  queryOptions({
    queryKey: ['imports', 'page', cursor ?? ''],
    queryFn: ({ signal }) => api.get<Page<Import>>('/imports', { cursor }, signal),
  });
export const importQuery = (id: number) =>
  queryOptions({ queryKey: ['imports', id], queryFn: ({ signal }) => api.get<Import>(`/imports/${id}`, {}, signal) });
export const importErrorsQuery = (id: number, cursor?: string) =>
  queryOptions({
    queryKey: ['imports', id, 'errors', cursor ?? ''],
    queryFn: ({ signal }) => api.get<Page<ImportError>>(`/imports/${id}/errors`, { cursor }, signal),
  });
export const importErrorsUrl = (id: number) => apiUrl(`/imports/${id}/errors.csv`);
export const importProgressPath = (id: number) => `/imports/${id}/progress`;

export const previewQuery = (id: number, mapping: ImportMapping, format: ImportFormat, enabled: boolean) =>
  queryOptions({
    queryKey: ['imports', id, 'preview', mapping, format],
    queryFn: () => api.post<ImportPreview>(`/imports/${id}/preview`, { mapping, format }),
    enabled,
    placeholderData: (previous) => previous,
  });

export function uploadImport(input: { listId: number; file: File; onProgress: (part: number) => void }) {
  const form = new FormData();
  // The list comes first: the server streams the file and must know by then where it belongs.
  form.append('list_id', String(input.listId));
  form.append('file', input.file);
  return upload<Import>('/imports', form, input.onProgress);
}
export const startImport = ({ id, mapping }: { id: number; mapping: ImportMapping }) =>
  api.post<Import>(`/imports/${id}/start`, { mapping }, { idempotent: true });
export const cancelImport = (id: number) => api.post<Import>(`/imports/${id}/cancel`);
