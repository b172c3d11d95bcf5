import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { api, type UploadProgress, upload } from '@/api/client';
import type { MediaFile, MediaUse, Page } from '@/api/types';

export type MediaFilter = { q?: string | undefined; type?: 'image' | 'document' | undefined };

export const mediaQuery = (filter: MediaFilter, cursor?: string) =>
  queryOptions({
    queryKey: ['media', 'page', filter, cursor ?? ''],
    queryFn: ({ signal }) => api.get<Page<MediaFile>>('/media', { ...filter, cursor, limit: 60 }, signal),
    placeholderData: keepPreviousData,
  });
export const mediaUsesQuery = (id: number) =>
  queryOptions({
    queryKey: ['media', id, 'uses'],
    queryFn: ({ signal }) => api.get<{ items: MediaUse[] }>(`/media/${id}/uses`, {}, signal),
  });
export const updateMedia = ({ id, ...input }: { id: number; name: string; alt: string }) =>
  api.put<MediaFile>(`/media/${id}`, input);
/** A file that mails show which are out goes only with brokenMails. */
export const deleteMedia = ({ id, brokenMails }: { id: number; brokenMails: boolean }) =>
  api.del(`/media/${id}${brokenMails ? '?broken_mails=true' : ''}`);

export function uploadMedia(file: File, alt: string, onProgress: (progress: UploadProgress) => void) {
  const form = new FormData();
  // The server reads the form as it comes, so that words stand before the file.
  form.append('alt', alt);
  form.append('file', file);
  return upload<MediaFile>('/media', form, onProgress);
}
