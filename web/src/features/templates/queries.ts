import { queryOptions } from '@tanstack/react-query';
import { api } from '@/api/client';
import type { Page, Template } from '@/api/types';

export type TemplateInput = Pick<
  Template,
  'name' | 'kind' | 'layout_id' | 'inline_css' | 'subject' | 'preheader' | 'html' | 'text'
>;

export const templatesQuery = (cursor?: string) =>
  queryOptions({
    queryKey: ['templates', 'page', cursor ?? ''],
    queryFn: ({ signal }) => api.get<Page<Template>>('/templates', { cursor, limit: 100 }, signal),
  });
export const templateQuery = (id: number) =>
  queryOptions({
    queryKey: ['templates', id],
    queryFn: ({ signal }) => api.get<Template>(`/templates/${id}`, {}, signal),
  });
export const createTemplate = (input: TemplateInput) => api.post<Template>('/templates', input, { idempotent: true });
export const updateTemplate = ({ id, ...input }: TemplateInput & { id: number }) =>
  api.put<Template>(`/templates/${id}`, input);
export const deleteTemplate = (id: number) => api.del(`/templates/${id}`);
