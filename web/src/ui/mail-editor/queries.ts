import { keepPreviousData, type QueryClient, queryOptions } from '@tanstack/react-query';
import { api } from '@/api/client';
import type { MergeTag, MissingField, Page, RawMail, RawRequest, Rendered, RenderRequest } from '@/api/types';

export const mergeTagsQuery = queryOptions({
  queryKey: ['merge-tags'],
  queryFn: ({ signal }) => api.get<{ items: MergeTag[] }>('/merge-tags', {}, signal),
  staleTime: 60_000,
});

export const renderQuery = (request: RenderRequest) =>
  queryOptions({
    queryKey: ['render', request],
    queryFn: ({ signal }) => api.post<Rendered>('/render', request, { signal }),
    placeholderData: keepPreviousData,
    gcTime: 60_000,
  });

/** Has what is shown of mails made anew: layouts, snippets and settings are in it, and one of them has changed. */
export async function rerender(client: QueryClient) {
  await Promise.all([
    client.invalidateQueries({ queryKey: ['render'] }),
    client.invalidateQueries({ queryKey: ['raw'] }),
  ]);
}

/** How a whole message is asked for. */
export type RawQuery = ReturnType<typeof rawQuery>;
export const rawQuery = (request: RawRequest) =>
  rawOptions(JSON.stringify(request), (signal) => api.post<RawMail>('/render/raw', request, { signal }));

export const rawOptions = (key: string, fetch: (signal: AbortSignal) => Promise<RawMail>) =>
  queryOptions({
    queryKey: ['raw', key],
    queryFn: ({ signal }) => fetch(signal),
    placeholderData: keepPreviousData,
    gcTime: 60_000,
  });

/** Who of a campaign's real recipients lacks a field that its saved content shows without saying what stands there instead. */
export const fieldsUseQuery = (campaignId: number, savedAt: string) =>
  queryOptions({
    queryKey: ['campaigns', campaignId, 'fields-use', savedAt],
    queryFn: ({ signal }) => api.post<Page<MissingField>>(`/campaigns/${campaignId}/fields-use`, undefined, { signal }),
  });
