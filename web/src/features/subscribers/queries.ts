import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { api } from '@/api/client';
import type { Delivery, Event, Page, Subscriber, SubscriptionStatus, Unsubscribe } from '@/api/types';
import type { At } from '@/lib/use-position';

export type SubscriberFilter = {
  q?: string | undefined;
  list_id?: number | undefined;
  status?: string | undefined;
  field?: string | undefined;
  value?: string | undefined;
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
export const subscriberEventsQuery = (id: number, cursor?: string) =>
  queryOptions({
    queryKey: ['subscribers', id, 'events', cursor ?? ''],
    queryFn: ({ signal }) => api.get<Page<Event>>(`/subscribers/${id}/events`, { cursor }, signal),
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
