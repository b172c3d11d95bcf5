import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { api } from '@/api/client';
import type { Page, Report, ReportWithRaw } from '@/api/types';

export type ReportFilter = {
  kind?: string | undefined;
  action?: string | undefined;
  campaign_id?: number | undefined;
  subscriber_id?: number | undefined;
  address?: string | undefined;
};
export const reportsQuery = (filter: ReportFilter, cursor?: string) =>
  queryOptions({
    queryKey: ['reports', 'page', filter, cursor ?? ''],
    queryFn: ({ signal }) => api.get<Page<Report>>('/reports', { ...filter, cursor }, signal),
    placeholderData: keepPreviousData,
  });
export const reportQuery = (id: number) =>
  queryOptions({
    queryKey: ['reports', id],
    queryFn: ({ signal }) => api.get<ReportWithRaw>(`/reports/${id}`, {}, signal),
  });
