import { Problem } from '@/api/problem';

/** A file on its way into the library. */
export type Chosen = {
  key: number;
  file: File;
  alt: string;
  /** failed may go another time, refused never does. */
  state: 'waiting' | 'sending' | 'failed' | 'refused';
  /** Of the bytes, 0 to 1. */
  sent: number;
  error: string;
};

export const ACCEPT = 'image/png,image/jpeg,image/gif,image/webp,application/pdf';
const MAX_BYTES = 20 * 1024 * 1024;

/** Why the server would refuse a file, as far as is seen without reading it; nothing when it may pass. */
export function objection(file: Pick<File, 'type' | 'size'>): 'empty' | 'large' | 'svg' | 'type' | undefined {
  if (file.size === 0) return 'empty';
  if (file.type === 'image/svg+xml') return 'svg';
  // Without a type the server tells by the content.
  if (file.type && !ACCEPT.split(',').includes(file.type)) return 'type';
  return file.size > MAX_BYTES ? 'large' : undefined;
}

const FINAL = [400, 413, 415, 422];

/** Whether the server will not have this file however often it is sent. */
export function isRefusal(error: unknown): boolean {
  return error instanceof Problem && FINAL.includes(error.status);
}

/** The files of a drop or of a paste; a browser gives pasted pictures all the same name. */
export function filesOf(transfer: Pick<DataTransfer, 'files'> | null): File[] {
  return transfer ? Array.from(transfer.files) : [];
}
