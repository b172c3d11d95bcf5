import { queryOptions } from '@tanstack/react-query';
import { api } from '@/api/client';
import type { Me, Setup } from '@/api/types';

export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: ({ signal }) => api.get<Me>('/me', {}, signal),
  staleTime: 5 * 60_000,
});

export const setupQuery = queryOptions({
  queryKey: ['setup'],
  queryFn: ({ signal }) => api.get<Setup>('/setup', {}, signal),
});

export type SetupInput = { organization: string; name: string; email: string; password: string };

export const setUp = (input: SetupInput) => api.post<Me>('/setup', input);
export const logIn = (input: { email: string; password: string }) => api.post<Me>('/session', input);
export const logOut = () => api.del('/session');
