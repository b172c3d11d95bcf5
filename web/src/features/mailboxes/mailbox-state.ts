import type { Mailbox } from '@/api/types';
import type { Tone } from '@/ui/tone';

/** How reading a mailbox goes, in one word. */
export type MailboxState = 'paused' | 'waiting' | 'trouble' | 'stuck' | 'live' | 'reading' | 'polled' | 'new';

export function mailboxState(mailbox: Mailbox, now: number): MailboxState {
  if (mailbox.status === 'paused') return 'paused';
  if (mailbox.wait_until && Date.parse(mailbox.wait_until) > now) return 'waiting';
  if (mailbox.problem) return 'trouble';
  if (mailbox.stuck > 0) return 'stuck';
  if (mailbox.reading) return mailbox.mode === 'idle' ? 'live' : 'reading';
  return mailbox.checked_at ? 'polled' : 'new';
}

export const mailboxTone: Record<MailboxState, Tone> = {
  paused: 'quiet',
  waiting: 'warn',
  trouble: 'bad',
  stuck: 'warn',
  live: 'good',
  reading: 'info',
  polled: 'good',
  new: 'info',
};
