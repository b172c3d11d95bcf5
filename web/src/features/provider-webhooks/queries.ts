import { type QueryClient, queryOptions } from '@tanstack/react-query';
import { api } from '@/api/client';
import type { Page, WebhookProvider, WebhookSource } from '@/api/types';

/** How often a webhook is read again while somebody looks at it: topics and first requests come while it is set up. */
const POLL_MS = 5_000;

export const webhookSourcesQuery = queryOptions({
  queryKey: ['webhook-sources', 'all'],
  queryFn: ({ signal }) => api.get<Page<WebhookSource>>('/webhook-sources', {}, signal),
});
export const webhookSourceQuery = (id: number) =>
  queryOptions({
    queryKey: ['webhook-sources', id],
    queryFn: ({ signal }) => api.get<WebhookSource>(`/webhook-sources/${id}`, {}, signal),
    refetchInterval: POLL_MS,
  });

export const createWebhookSource = (input: { provider: WebhookProvider; name: string }) =>
  api.post<WebhookSource>('/webhook-sources', input, { idempotent: true });
/** A key that is left out stays. */
export const updateWebhookSource = ({ id, ...input }: { id: number; name: string; signing_key?: string }) =>
  api.put<WebhookSource>(`/webhook-sources/${id}`, input);
export const deleteWebhookSource = (id: number) => api.del(`/webhook-sources/${id}`);
export const renewWebhookSource = (id: number) => api.post<WebhookSource>(`/webhook-sources/${id}/renew`);
export const acceptTopic = (id: number, arn: string) =>
  api.post<WebhookSource>(`/webhook-sources/${id}/topics/accept`, { arn });
export const removeTopic = (id: number, arn: string) =>
  api.post<WebhookSource>(`/webhook-sources/${id}/topics/remove`, { arn });

/** Shows at once what the server answered to a change. */
export function keepSource(queryClient: QueryClient, source: WebhookSource) {
  queryClient.setQueryData(webhookSourceQuery(source.id).queryKey, source);
  void queryClient.invalidateQueries({ queryKey: webhookSourcesQuery.queryKey });
}
