import { queryOptions } from '@tanstack/react-query';
import { api } from '@/api/client';
import type { Sending } from '@/api/types';

/** How soon everybody who has the interface open sees that somebody stopped or resumed everything. */
const POLL_MS = 5_000;

export const sendingQuery = queryOptions({
  queryKey: ['sending'],
  queryFn: ({ signal }) => api.get<Sending>('/sending', {}, signal),
  refetchInterval: POLL_MS,
});
export const stopSending = (reason: string) => api.post<Sending>('/sending/stop', { reason });
export const resumeSending = () => api.post<Sending>('/sending/resume');
