import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { api } from '@/api/client';
import type { InboxInfo, InboxItem, InboxMessage, Page } from '@/api/types';

const REFRESH_MS = 5_000;

export const inboxQuery = queryOptions({
  queryKey: ['inbox', 'info'],
  queryFn: ({ signal }) => api.get<InboxInfo>('/inbox', {}, signal),
  refetchInterval: REFRESH_MS,
});
export const inboxMessagesQuery = (q?: string, cursor?: string) =>
  queryOptions({
    queryKey: ['inbox', 'messages', q ?? '', cursor ?? ''],
    queryFn: ({ signal }) => api.get<Page<InboxItem>>('/inbox/messages', { q, cursor }, signal),
    placeholderData: keepPreviousData,
    refetchInterval: REFRESH_MS,
  });
export const inboxMessageQuery = (id: number) =>
  queryOptions({
    queryKey: ['inbox', 'message', id],
    queryFn: ({ signal }) => api.get<InboxMessage>(`/inbox/messages/${id}`, {}, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
export const emptyInbox = () => api.del('/inbox/messages');
