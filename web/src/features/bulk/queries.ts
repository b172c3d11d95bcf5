import { queryOptions } from '@tanstack/react-query';
import { api } from '@/api/client';
import type { BulkAction, BulkKept, BulkOrder, BulkPreview, BulkSelection, BulkStatus, Page } from '@/api/types';
import type { Tone } from '@/ui/tone';

export const bulkActionsQuery = (cursor?: string) =>
  queryOptions({
    queryKey: ['bulk', 'page', cursor ?? ''],
    queryFn: ({ signal }) => api.get<Page<BulkAction>>('/bulk-actions', { cursor }, signal),
  });
export const bulkActionQuery = (id: number) =>
  queryOptions({
    queryKey: ['bulk', id],
    queryFn: ({ signal }) => api.get<BulkAction>(`/bulk-actions/${id}`, {}, signal),
  });
export const bulkKeptQuery = (id: number, undo: boolean, cursor?: string) =>
  queryOptions({
    queryKey: ['bulk', id, 'kept', undo, cursor ?? ''],
    queryFn: ({ signal }) => api.get<Page<BulkKept>>(`/bulk-actions/${id}/kept`, { undo, cursor }, signal),
  });
export const bulkProgressPath = (id: number) => `/bulk-actions/${id}/progress`;

type Input = { selection: BulkSelection; action: BulkOrder };
export const bulkPreviewQuery = (input: Input, enabled: boolean) =>
  queryOptions({
    queryKey: ['bulk', 'preview', input],
    queryFn: () => api.post<BulkPreview>('/bulk-actions/preview', input),
    enabled,
    retry: false,
  });
export const startBulk = (input: Input & { count: number }) =>
  api.post<BulkAction>('/bulk-actions', input, { idempotent: true });
export const cancelBulk = (id: number) => api.post<BulkAction>(`/bulk-actions/${id}/cancel`);
export const undoBulk = (id: number) => api.post<BulkAction>(`/bulk-actions/${id}/undo`);

export const bulkTone: Record<BulkStatus, Tone> = {
  queued: 'info',
  running: 'info',
  done: 'good',
  failed: 'bad',
  cancelled: 'quiet',
  undoing: 'info',
  undone: 'quiet',
};

/** Something goes on by itself. */
export const isMoving = (status: BulkStatus) => status === 'queued' || status === 'running' || status === 'undoing';
