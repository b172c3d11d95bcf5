import { queryOptions } from '@tanstack/react-query';
import { api } from '@/api/client';
import type { ApiKey, NewApiKey, Page, Settings, SystemInfo } from '@/api/types';

export const settingsQuery = queryOptions({
  queryKey: ['settings'],
  queryFn: ({ signal }) => api.get<Settings>('/settings', {}, signal),
  staleTime: 60_000,
});
export const saveSettings = (settings: Settings) => api.put<Settings>('/settings', settings);

export const apiKeysQuery = queryOptions({
  queryKey: ['api-keys'],
  queryFn: ({ signal }) => api.get<Page<ApiKey>>('/api-keys', {}, signal),
});
export const createApiKey = (input: { name: string; scopes: string[] }) =>
  api.post<NewApiKey>('/api-keys', input, { idempotent: true });
export const deleteApiKey = (id: number) => api.del(`/api-keys/${id}`);

export const changePassword = (input: { current: string; new: string }) => api.post<void>('/me/password', input);

export const systemQuery = queryOptions({
  queryKey: ['system'],
  queryFn: ({ signal }) => api.get<SystemInfo>('/system', {}, signal),
});
