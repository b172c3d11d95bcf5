import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { api } from '@/api/client';
import type { Message, MessagePreview, MessageStory, Page } from '@/api/types';

export type MessageFilter = {
  status?: string | undefined;
  email?: string | undefined;
  template_id?: number | undefined;
  tag?: string | undefined;
};

export const messagesQuery = (filter: MessageFilter, cursor?: string) =>
  queryOptions({
    queryKey: ['messages', 'page', filter, cursor ?? ''],
    queryFn: ({ signal }) => api.get<Page<Message>>('/messages', { ...filter, cursor }, signal),
    placeholderData: keepPreviousData,
    refetchInterval: 10_000,
  });
export const messageQuery = (id: number) =>
  queryOptions({
    queryKey: ['messages', id],
    queryFn: ({ signal }) => api.get<MessageStory>(`/messages/${id}`, {}, signal),
    refetchInterval: 5_000,
  });
export const messagePreviewQuery = (id: number) =>
  queryOptions({
    queryKey: ['messages', id, 'preview'],
    queryFn: ({ signal }) => api.get<MessagePreview>(`/messages/${id}/preview`, {}, signal),
    staleTime: 60_000,
  });
export const cancelMessage = (id: number) => api.post<MessageStory>(`/messages/${id}/cancel`);
