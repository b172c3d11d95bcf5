import { queryOptions } from '@tanstack/react-query';
import { api } from '@/api/client';
import type {
  MailchimpInput,
  MailchimpOutput,
  Page,
  Template,
  TemplateDiff,
  TemplateRole,
  TemplateVersion,
} from '@/api/types';

export type TemplateInput = Pick<
  Template,
  'name' | 'role' | 'kind' | 'layout_id' | 'inline_css' | 'subject' | 'preheader' | 'html' | 'text'
>;
/** A save: the version that it began with, so that nobody's work is written over unseen, and a note for the list of versions. */
export type TemplateSave = TemplateInput & { id: number; version: number; note?: string };

export const templatesQuery = ({ role, cursor }: { role?: TemplateRole; cursor?: string | undefined } = {}) =>
  queryOptions({
    queryKey: ['templates', 'page', role ?? '', cursor ?? ''],
    queryFn: ({ signal }) => api.get<Page<Template>>('/templates', { role, cursor, limit: 100 }, signal),
  });
export const templateQuery = (id: number) =>
  queryOptions({
    queryKey: ['templates', id],
    queryFn: ({ signal }) => api.get<Template>(`/templates/${id}`, {}, signal),
  });
export const createTemplate = (input: TemplateInput) => api.post<Template>('/templates', input, { idempotent: true });
export const updateTemplate = ({ id, ...input }: TemplateSave) => api.put<Template>(`/templates/${id}`, input);
export const deleteTemplate = (id: number) => api.del(`/templates/${id}`);

export const versionsQuery = (id: number, cursor?: string) =>
  queryOptions({
    queryKey: ['templates', id, 'versions', cursor ?? ''],
    queryFn: ({ signal }) => api.get<Page<TemplateVersion>>(`/templates/${id}/versions`, { cursor, limit: 50 }, signal),
  });
/** What changed up to a version, since the one before it or since another. Saved versions never change. */
export const diffQuery = (id: number, version: number, from?: number) =>
  queryOptions({
    queryKey: ['templates', id, 'diff', version, from ?? ''],
    queryFn: ({ signal }) =>
      api.get<TemplateDiff>(`/templates/${id}/versions/${version}/diff`, from === undefined ? {} : { from }, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
/** What saving it over a version would change. */
export const unsavedDiffQuery = (id: number, version: number, mine: TemplateInput) =>
  queryOptions({
    queryKey: ['templates', id, 'unsaved', version, mine],
    queryFn: ({ signal }) => api.post<TemplateDiff>(`/templates/${id}/versions/${version}/diff`, mine, { signal }),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
  });
export const restoreVersion = ({ id, version }: { id: number; version: number }) =>
  api.post<Template>(`/templates/${id}/versions/${version}/restore`);

export const translateMailchimp = (input: MailchimpInput) =>
  api.post<MailchimpOutput>('/templates/import-mailchimp', input);
