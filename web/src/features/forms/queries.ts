import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { api } from '@/api/client';
import type { SignUpFieldChoice, SignUpForm, SignUpFormInput, SignUpStats } from '@/api/types';

/** In which forms, and the mail that asks to confirm, speak by themselves. */
export const languages = ['en', 'de', 'fr', 'es', 'ru'] as const;

export const formsQuery = queryOptions({
  queryKey: ['forms', 'all'],
  queryFn: ({ signal }) => api.get<{ items: SignUpForm[] }>('/forms', {}, signal),
});
export const formQuery = (id: number) =>
  queryOptions({
    queryKey: ['forms', id],
    queryFn: ({ signal }) => api.get<SignUpForm>(`/forms/${id}`, {}, signal),
  });
export const formStatsQuery = (id: number) =>
  queryOptions({
    queryKey: ['forms', id, 'stats'],
    queryFn: ({ signal }) => api.get<SignUpStats>(`/forms/${id}/stats`, {}, signal),
  });
export const formFieldsQuery = queryOptions({
  queryKey: ['forms', 'fields'],
  queryFn: ({ signal }) => api.get<{ items: SignUpFieldChoice[] }>('/forms/fields', {}, signal),
});
export const formPreviewQuery = (input: SignUpFormInput) =>
  queryOptions({
    queryKey: ['forms', 'preview', input],
    queryFn: () => api.post<{ html: string }>('/forms/preview', input),
    placeholderData: keepPreviousData,
    retry: false,
    staleTime: 60_000,
  });

export const createForm = (input: SignUpFormInput) => api.post<SignUpForm>('/forms', input, { idempotent: true });
export const updateForm = ({ id, ...input }: SignUpFormInput & { id: number }) =>
  api.put<SignUpForm>(`/forms/${id}`, input);
export const deleteForm = (id: number) => api.del(`/forms/${id}`);
