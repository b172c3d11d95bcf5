import { queryOptions } from '@tanstack/react-query';
import { api } from '@/api/client';
import type { Field, FieldType } from '@/api/types';

const POLL_MS = 1_500;

/** All custom fields; asked again while a job changes the values of one. */
export const fieldsQuery = () =>
  queryOptions({
    queryKey: ['fields'],
    queryFn: async ({ signal }) => (await api.get<{ items: Field[] }>('/fields', {}, signal)).items,
    refetchInterval: (query) => (query.state.data?.some((field) => field.pending) ? POLL_MS : false),
  });

const path = (name: string) => `/fields/${encodeURIComponent(name)}`;

export type FieldValues = { name: string; label: string; type: FieldType };
export const createField = (input: FieldValues) => api.post<Field>('/fields', input, { idempotent: true });
export const updateField = ({ name, ...input }: FieldValues) => api.put<Field>(path(name), input);
export const countField = (name: string) => api.get<{ people: number }>(`${path(name)}/use`);
export const deleteField = ({ name, count }: { name: string; count: number }) =>
  api.del(`${path(name)}?count=${count}`);
