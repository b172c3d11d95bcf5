import type { Message } from '@/api/types';

type Waiting = Pick<Message, 'status' | 'send_at'> & { delivery: Pick<Message['delivery'], 'attempts'> };

/** When a message goes out that waits for the moment it was given; null when that has come, or it was put off by a server. */
export function scheduledFor({ status, send_at, delivery }: Waiting, now: number): string | null {
  const waits = status === 'deferred' && delivery.attempts === 0 && send_at !== null && Date.parse(send_at) > now;
  return waits ? send_at : null;
}
