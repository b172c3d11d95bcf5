import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { api } from '@/api/client';
import type {
  Page,
  Webhook,
  WebhookInput,
  WebhookMessage,
  WebhookMessageDetail,
  WebhookSecret,
  WebhookTest,
  WebhookType,
} from '@/api/types';

export const webhooksQuery = queryOptions({
  queryKey: ['webhooks'],
  queryFn: ({ signal }) => api.get<{ items: Webhook[] }>('/webhooks', {}, signal),
});
export const webhookQuery = (id: number) =>
  queryOptions({
    queryKey: ['webhooks', id],
    queryFn: ({ signal }) => api.get<Webhook>(`/webhooks/${id}`, {}, signal),
  });
export const webhookTypesQuery = queryOptions({
  queryKey: ['webhook-types'],
  queryFn: ({ signal }) => api.get<{ items: WebhookType[] }>('/webhook-event-types', {}, signal),
  staleTime: Number.POSITIVE_INFINITY,
});

export type LogFilter = { status?: string | undefined; type?: string | undefined; cursor?: string | undefined };

export const messagesQuery = (id: number, { status, type, cursor }: LogFilter) =>
  queryOptions({
    queryKey: ['webhooks', id, 'messages', status ?? '', type ?? '', cursor ?? ''],
    queryFn: ({ signal }) =>
      api.get<Page<WebhookMessage>>(`/webhooks/${id}/messages`, { status, type, cursor, limit: 25 }, signal),
    placeholderData: keepPreviousData,
  });
export const messageQuery = (id: number, message: string) =>
  queryOptions({
    queryKey: ['webhooks', id, 'message', message],
    queryFn: ({ signal }) =>
      api.get<WebhookMessageDetail>(`/webhooks/${id}/messages/${encodeURIComponent(message)}`, {}, signal),
  });

export const createWebhook = (input: WebhookInput) => api.post<WebhookSecret>('/webhooks', input);
export const updateWebhook = ({ id, ...input }: WebhookInput & { id: number }) =>
  api.put<Webhook>(`/webhooks/${id}`, input);
export const deleteWebhook = (id: number) => api.del(`/webhooks/${id}`);
export const showSecret = (id: number) => api.get<{ secret: string }>(`/webhooks/${id}/secret`);
export const rotateSecret = (id: number) => api.post<WebhookSecret>(`/webhooks/${id}/rotate`);
export const testWebhook = ({ id, type }: { id: number; type: string }) =>
  api.post<WebhookTest>(`/webhooks/${id}/test`, { type });
export const replayMessage = ({ id, message }: { id: number; message: string }) =>
  api.post<WebhookMessage>(`/webhooks/${id}/messages/${encodeURIComponent(message)}/replay`);
export const replayFailed = ({ id, since }: { id: number; since: string }) =>
  api.post<{ replayed: number }>(`/webhooks/${id}/replay`, { since }, { idempotent: true });
