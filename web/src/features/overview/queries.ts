import { queryOptions } from '@tanstack/react-query';
import { api } from '@/api/client';
import type { Overview } from '@/api/types';

const RUNNING_MS = 2_000;
const IDLE_MS = 30_000;

export const overviewQuery = queryOptions({
  queryKey: ['overview'],
  queryFn: ({ signal }) => api.get<Overview>('/overview', {}, signal),
  refetchInterval: (query) => (query.state.data?.running.length ? RUNNING_MS : IDLE_MS),
});
