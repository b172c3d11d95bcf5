import type { ImportStatus } from '@/api/types';
import type { Tone } from '@/ui/tone';

export const importTone: Record<ImportStatus, Tone> = {
  uploaded: 'warn',
  queued: 'info',
  running: 'info',
  done: 'good',
  failed: 'bad',
  cancelled: 'quiet',
};

export function isFinal(status: ImportStatus): boolean {
  return status === 'done' || status === 'failed' || status === 'cancelled';
}

export function isMoving(status: ImportStatus): boolean {
  return status === 'queued' || status === 'running';
}
