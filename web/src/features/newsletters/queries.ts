import { keepPreviousData, type QueryClient, queryOptions } from '@tanstack/react-query';
import { api } from '@/api/client';
import type {
  Issue,
  IssueContent,
  IssueWhole,
  Newsletter,
  NewsletterInput,
  NewsletterUpdated,
  Page,
  PlannedRun,
  Recurrence,
  SchedulePreview,
  SourceCheck,
} from '@/api/types';

export const newslettersQuery = (cursor?: string) =>
  queryOptions({
    queryKey: ['newsletters', 'page', cursor ?? ''],
    queryFn: ({ signal }) => api.get<Page<Newsletter>>('/newsletters', { cursor }, signal),
    placeholderData: keepPreviousData,
  });
export const newsletterQuery = (id: number) =>
  queryOptions({
    queryKey: ['newsletters', id],
    queryFn: ({ signal }) => api.get<Newsletter>(`/newsletters/${id}`, {}, signal),
  });
export const runsQuery = (id: number) =>
  queryOptions({
    queryKey: ['newsletters', id, 'runs'],
    queryFn: ({ signal }) => api.get<{ items: PlannedRun[] }>(`/newsletters/${id}/runs`, {}, signal),
  });
export const issuesQuery = (id: number, cursor?: string) =>
  queryOptions({
    queryKey: ['newsletters', id, 'issues', cursor ?? ''],
    queryFn: ({ signal }) => api.get<Page<Issue>>(`/newsletters/${id}/issues`, { cursor }, signal),
    placeholderData: keepPreviousData,
  });
export const issueQuery = (id: number) =>
  queryOptions({
    queryKey: ['issues', id],
    queryFn: ({ signal }) => api.get<IssueWhole>(`/issues/${id}`, {}, signal),
  });
/** The next ten runs of a schedule that somebody is choosing. */
export const previewQuery = (schedule: Recurrence) =>
  queryOptions({
    queryKey: ['schedule-preview', schedule],
    queryFn: ({ signal }) => api.post<SchedulePreview>('/schedules/preview', schedule, { signal }),
    placeholderData: keepPreviousData,
    staleTime: 60_000,
    retry: false,
  });

export const createNewsletter = (input: NewsletterInput) =>
  api.post<Newsletter>('/newsletters', input, { idempotent: true });
export const updateNewsletter = ({ id, ...input }: NewsletterInput & { id: number }) =>
  api.put<NewsletterUpdated>(`/newsletters/${id}`, input);
export const deleteNewsletter = (id: number) => api.del(`/newsletters/${id}`);
export const activateNewsletter = (id: number) => api.post<Newsletter>(`/newsletters/${id}/activate`);
export const pauseNewsletter = ({ id, ...pause }: { id: number; until?: string; note?: string }) =>
  api.post<Newsletter>(`/newsletters/${id}/pause`, pause);
export const resumeNewsletter = (id: number) => api.post<Newsletter>(`/newsletters/${id}/resume`);
export const skipRun = ({ id, date }: { id: number; date: string }) =>
  api.post<{ date: string }>(`/newsletters/${id}/skip-next`, { date });
export const unskipRun = ({ id, date }: { id: number; date: string }) =>
  api.post<Newsletter>(`/newsletters/${id}/unskip`, { date });
export const checkSource = (id: number) => api.post<SourceCheck>(`/newsletters/${id}/check-source`);

export type IssueVerb = 'approve' | 'hold' | 'release' | 'skip' | 'send-now' | 'prepare';
export const actOnIssue = ({ id, verb, note }: { id: number; verb: IssueVerb; note?: string }) =>
  api.post<IssueWhole>(`/issues/${id}/${verb}`, verb === 'hold' || verb === 'skip' ? { note: note ?? '' } : undefined);
export const editIssue = ({ id, content }: { id: number; content: IssueContent }) =>
  api.put<IssueWhole>(`/issues/${id}/content`, content);

/** Has everything about newsletters and issues read again; a change to one shows in the lists of the others, and in the campaigns of its issues. */
export async function rereadNewsletters(client: QueryClient) {
  await Promise.all([
    client.invalidateQueries({ queryKey: ['newsletters'] }),
    client.invalidateQueries({ queryKey: ['issues'] }),
    client.invalidateQueries({ queryKey: ['campaigns'] }),
  ]);
}
