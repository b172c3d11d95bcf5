import { queryOptions } from '@tanstack/react-query';
import { api } from '@/api/client';
import type { Mailbox, MailboxInput, MailboxMessage, MailboxTest, Page } from '@/api/types';

/** How often a page asks how reading goes. */
export const POLL_MS = 5_000;

export const mailboxesQuery = queryOptions({
  queryKey: ['mailboxes', 'all'],
  queryFn: ({ signal }) => api.get<Page<Mailbox>>('/mailboxes', {}, signal),
});
export const mailboxQuery = (id: number) =>
  queryOptions({
    queryKey: ['mailboxes', id],
    queryFn: ({ signal }) => api.get<Mailbox>(`/mailboxes/${id}`, {}, signal),
  });
/** Messages that could not be taken. */
export const mailboxMessagesQuery = (id: number) =>
  queryOptions({
    queryKey: ['mailboxes', id, 'messages'],
    queryFn: ({ signal }) => api.get<Page<MailboxMessage>>(`/mailboxes/${id}/messages`, {}, signal),
  });

export const createMailbox = (input: MailboxInput) => api.post<Mailbox>('/mailboxes', input, { idempotent: true });
export const updateMailbox = ({ id, ...input }: MailboxInput & { id: number }) =>
  api.put<Mailbox>(`/mailboxes/${id}`, input);
export const deleteMailbox = (id: number) => api.del(`/mailboxes/${id}`);
export const pauseMailbox = (id: number) => api.post<Mailbox>(`/mailboxes/${id}/pause`);
export const resumeMailbox = (id: number) => api.post<Mailbox>(`/mailboxes/${id}/resume`);
export const checkMailbox = (id: number) => api.post<Mailbox>(`/mailboxes/${id}/check`);
export const testMailbox = (id: number) => api.post<MailboxTest>(`/mailboxes/${id}/test`);
export const testMailboxInput = (input: MailboxInput) => api.post<MailboxTest>('/mailboxes/test', input);
