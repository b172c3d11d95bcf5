import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { api, apiUrl } from '@/api/client';
import type {
  Consent,
  Delivery,
  Erasure,
  Moment,
  MomentKind,
  Page,
  Subscriber,
  SubscriptionStatus,
  Unsubscribe,
} from '@/api/types';
import type { At } from '@/lib/use-position';

export type SubscriberFilter = {
  q?: string | undefined;
  list_id?: number | undefined;
  status?: string | undefined;
  field?: string | undefined;
  value?: string | undefined;
  segment_id?: number | undefined;
};
export type SubscriberInput = {
  email: string;
  name: string;
  attributes: Record<string, unknown>;
  no_tracking?: boolean;
};

export const subscribersQuery = (filter: SubscriberFilter, at: At = {}) =>
  queryOptions({
    queryKey: ['subscribers', 'page', filter, at],
    queryFn: ({ signal }) => api.get<Page<Subscriber>>('/subscribers', { ...filter, ...at }, signal),
    placeholderData: keepPreviousData,
  });
export const subscriberQuery = (id: number) =>
  queryOptions({
    queryKey: ['subscribers', id],
    queryFn: ({ signal }) => api.get<Subscriber>(`/subscribers/${id}`, {}, signal),
  });
export const subscriberDeliveriesQuery = (id: number, cursor?: string) =>
  queryOptions({
    queryKey: ['subscribers', id, 'deliveries', cursor ?? ''],
    queryFn: ({ signal }) => api.get<Page<Delivery>>(`/subscribers/${id}/deliveries`, { cursor }, signal),
  });
export const subscriberUnsubscribesQuery = (id: number, cursor?: string) =>
  queryOptions({
    queryKey: ['subscribers', id, 'unsubscribes', cursor ?? ''],
    queryFn: ({ signal }) => api.get<Page<Unsubscribe>>(`/subscribers/${id}/unsubscribes`, { cursor }, signal),
  });

export const liftPause = (id: number) => api.del<Subscriber>(`/subscribers/${id}/pause`);
export const createSubscriber = (input: SubscriberInput & { list_ids: number[]; status: SubscriptionStatus }) =>
  api.post<Subscriber>('/subscribers', input, { idempotent: true });
export const updateSubscriber = ({ id, ...input }: SubscriberInput & { id: number }) =>
  api.put<Subscriber>(`/subscribers/${id}`, input);
export const deleteSubscriber = (id: number) => api.del(`/subscribers/${id}`);

type SubscriptionKey = { subscriberId: number; listId: number };
export const setSubscription = ({ subscriberId, listId, status }: SubscriptionKey & { status: SubscriptionStatus }) =>
  api.put<Subscriber>(`/subscribers/${subscriberId}/subscriptions/${listId}`, { status });
export const removeSubscription = ({ subscriberId, listId }: SubscriptionKey) =>
  api.del<Subscriber>(`/subscribers/${subscriberId}/subscriptions/${listId}`);

export const consentsQuery = (id: number) =>
  queryOptions({
    queryKey: ['subscribers', id, 'consents'],
    queryFn: async ({ signal }) =>
      (await api.get<{ items: Consent[] }>(`/subscribers/${id}/consents`, {}, signal)).items,
  });
export const timelineQuery = (id: number, kinds: MomentKind[], cursor?: string) =>
  queryOptions({
    queryKey: ['subscribers', id, 'timeline', kinds, cursor ?? ''],
    queryFn: ({ signal }) => {
      const params = new URLSearchParams(kinds.map((kind) => ['kind', kind]));
      params.set('limit', '30');
      if (cursor) params.set('cursor', cursor);
      return api.get<Page<Moment>>(`/subscribers/${id}/timeline?${params}`, {}, signal);
    },
    placeholderData: keepPreviousData,
  });
export const exportUrl = (id: number, format: 'json' | 'zip') => apiUrl(`/subscribers/${id}/export`, { format });
export const erasePerson = (email: string) => api.post<Erasure>('/erasures', { email });
