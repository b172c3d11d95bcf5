import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { api, apiUrl, type UploadProgress, upload } from '@/api/client';
import type {
  Import,
  ImportEncoding,
  ImportError,
  ImportFormat,
  ImportFormatInput,
  ImportKept,
  ImportMapping,
  ImportPreview,
  ImportSample,
  ImportSampleKind,
  Page,
} from '@/api/types';

export const importsQuery = (cursor?: string) =>
  queryOptions({
    queryKey: ['imports', 'page', cursor ?? ''],
    queryFn: ({ signal }) => api.get<Page<Import>>('/imports', { cursor }, signal),
  });
export const importQuery = (id: number) =>
  queryOptions({ queryKey: ['imports', id], queryFn: ({ signal }) => api.get<Import>(`/imports/${id}`, {}, signal) });

// What a check found stands until the next check, so the key holds when that ended.
export const importErrorsQuery = (id: number, as_of: string, cursor?: string) =>
  queryOptions({
    queryKey: ['imports', id, 'errors', as_of, cursor ?? ''],
    queryFn: ({ signal }) => api.get<Page<ImportError>>(`/imports/${id}/errors`, { cursor }, signal),
    placeholderData: keepPreviousData,
  });
export const importSamplesQuery = (id: number, kind: ImportSampleKind, as_of: string, cursor?: string) =>
  queryOptions({
    queryKey: ['imports', id, 'samples', kind, as_of, cursor ?? ''],
    queryFn: ({ signal }) => api.get<Page<ImportSample>>(`/imports/${id}/samples`, { kind, cursor }, signal),
    placeholderData: keepPreviousData,
  });
export const importKeptQuery = (id: number, cursor?: string) =>
  queryOptions({
    queryKey: ['imports', id, 'kept', cursor ?? ''],
    queryFn: ({ signal }) => api.get<Page<ImportKept>>(`/imports/${id}/kept`, { cursor }, signal),
    placeholderData: keepPreviousData,
  });
/** The encodings in which a file can be read; they change with the program only. */
export const encodingsQuery = queryOptions({
  queryKey: ['imports', 'encodings'],
  queryFn: ({ signal }) => api.get<{ items: ImportEncoding[] }>('/imports/encodings', {}, signal),
  staleTime: Number.POSITIVE_INFINITY,
});
export const importErrorsUrl = (id: number) => apiUrl(`/imports/${id}/errors.csv`);
export const importProgressPath = (id: number) => `/imports/${id}/progress`;

export const previewQuery = (id: number, mapping: ImportMapping, format: ImportFormat, enabled: boolean) =>
  queryOptions({
    queryKey: ['imports', id, 'preview', mapping, format],
    queryFn: () => api.post<ImportPreview>(`/imports/${id}/preview`, { mapping }),
    enabled,
    placeholderData: (previous) => previous,
  });

export type UploadInput = {
  listId: number;
  file: File;
  onProgress: (progress: UploadProgress) => void;
  signal?: AbortSignal;
};

export function uploadImport({ listId, file, onProgress, signal }: UploadInput) {
  const form = new FormData();
  // The list comes first: the server streams the file and must know by then where it belongs.
  form.append('list_id', String(listId));
  form.append('file', file);
  return upload<Import>('/imports', form, onProgress, signal);
}

type WithMapping = { id: number; mapping: ImportMapping };

export const changeFormat = ({ id, format }: { id: number; format: ImportFormatInput }) =>
  api.put<Import>(`/imports/${id}/format`, format);
export const checkImport = ({ id, mapping }: WithMapping) => api.post<Import>(`/imports/${id}/check`, { mapping });
export const stopCheck = (id: number) => api.del<Import>(`/imports/${id}/check`);
export const startImport = ({ id, mapping, consent }: WithMapping & { consent: string }) =>
  api.post<Import>(`/imports/${id}/start`, { mapping, consent }, { idempotent: true });
export const cancelImport = (id: number) => api.post<Import>(`/imports/${id}/cancel`);
export const undoImport = (id: number) => api.post<Import>(`/imports/${id}/undo`);
