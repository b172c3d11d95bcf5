import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { api } from '@/api/client';
import type { Campaign, Import, Page, Segment, SegmentCount, SegmentPerson, SegmentVocabulary } from '@/api/types';

export type SegmentInput = { name: string; definition: object };

/** The most things one page of the API holds; pickers show them all at once. */
const ALL = 200;

export const segmentsQuery = (cursor?: string) =>
  queryOptions({
    queryKey: ['segments', 'page', cursor ?? ''],
    queryFn: ({ signal }) => api.get<Page<Segment>>('/segments', { cursor, limit: ALL }, signal),
  });
export const segmentQuery = (id: number) =>
  queryOptions({
    queryKey: ['segments', id],
    queryFn: ({ signal }) => api.get<Segment>(`/segments/${id}`, {}, signal),
  });
export const vocabularyQuery = queryOptions({
  queryKey: ['segments', 'vocabulary'],
  queryFn: ({ signal }) => api.get<SegmentVocabulary>('/segments/vocabulary', {}, signal),
});
/** The newest campaigns and imports, for conditions about them. */
export const recentCampaignsQuery = queryOptions({
  queryKey: ['campaigns', 'recent'],
  queryFn: ({ signal }) => api.get<Page<Campaign>>('/campaigns', { limit: ALL }, signal),
});
export const recentImportsQuery = queryOptions({
  queryKey: ['imports', 'recent'],
  queryFn: ({ signal }) => api.get<Page<Import>>('/imports', { limit: ALL }, signal),
});
/** Asked while somebody types: definition is its JSON, so that what was asked before is remembered. */
export const countQuery = (definition: string) =>
  queryOptions({
    queryKey: ['segments', 'count', definition],
    queryFn: ({ signal }) =>
      api.post<SegmentCount>('/segments/count', { definition: JSON.parse(definition) }, { signal }),
    placeholderData: keepPreviousData,
    retry: false,
  });
export const sampleQuery = (definition: string) =>
  queryOptions({
    queryKey: ['segments', 'sample', definition],
    queryFn: ({ signal }) =>
      api.post<{ items: SegmentPerson[] }>(
        '/segments/sample',
        { definition: JSON.parse(definition), limit: 8 },
        { signal },
      ),
    placeholderData: keepPreviousData,
    retry: false,
  });

export const createSegment = (input: SegmentInput) => api.post<Segment>('/segments', input, { idempotent: true });
export const updateSegment = ({ id, ...input }: SegmentInput & { id: number }) =>
  api.put<Segment>(`/segments/${id}`, input);
export const deleteSegment = (id: number) => api.del(`/segments/${id}`);
export const countSegment = (id: number) => api.post<SegmentCount>(`/segments/${id}/count`);
