import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { api } from '@/api/client';
import type { MergeTag, Rendered, RenderRequest } from '@/api/types';

export const mergeTagsQuery = queryOptions({
  queryKey: ['merge-tags'],
  queryFn: ({ signal }) => api.get<{ items: MergeTag[] }>('/merge-tags', {}, signal),
  staleTime: 60_000,
});

export const renderQuery = (request: RenderRequest) =>
  queryOptions({
    queryKey: ['render', request],
    queryFn: () => api.post<Rendered>('/render', request),
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
  });
