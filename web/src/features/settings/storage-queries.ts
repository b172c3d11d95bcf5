import { queryOptions } from '@tanstack/react-query';
import { api } from '@/api/client';
import type { MediaStorage, MediaStorageInput, MediaTest } from '@/api/types';

export const storagesQuery = queryOptions({
  queryKey: ['media-storages'],
  queryFn: ({ signal }) => api.get<{ items: MediaStorage[] }>('/media-storages', {}, signal),
});
export const createStorage = (input: MediaStorageInput) =>
  api.post<MediaStorage>('/media-storages', input, { idempotent: true });
export const updateStorage = ({ id, ...input }: MediaStorageInput & { id: number }) =>
  api.put<MediaStorage>(`/media-storages/${id}`, input);
export const deleteStorage = (id: number) => api.del(`/media-storages/${id}`);
export const testStorage = (id: number) => api.post<MediaTest>(`/media-storages/${id}/test`);
export const takeStorage = (id: number) => api.post<MediaStorage>(`/media-storages/${id}/use`);
