import type { Import, ImportFigures, ImportStatus } from '@/api/types';
import type { Tone } from '@/ui/tone';

export const importTone: Record<ImportStatus, Tone> = {
  uploaded: 'warn',
  checking: 'info',
  queued: 'info',
  running: 'info',
  done: 'good',
  failed: 'bad',
  cancelled: 'quiet',
  undoing: 'info',
  undone: 'quiet',
};

/** Something happens on the server, so that there is progress to follow. */
export function isMoving(status: ImportStatus): boolean {
  return status === 'checking' || status === 'queued' || status === 'running' || status === 'undoing';
}

/** The steps on the way of a file, as they stand above the page. */
export const steps = ['upload', 'columns', 'check', 'import'] as const;
export type Step = (typeof steps)[number];
export type View = 'columns' | 'checking' | 'checked' | 'moving' | 'result';

/** What the page of an import shows. A checked file leads to its result, unless somebody went back to the columns. */
export function viewOf(job: Pick<Import, 'status' | 'check'>, backToColumns: boolean): View {
  switch (job.status) {
    case 'uploaded':
      return job.check?.status === 'done' && !backToColumns ? 'checked' : 'columns';
    case 'checking':
      return 'checking';
    case 'queued':
    case 'running':
    case 'undoing':
      return 'moving';
    default:
      return 'result';
  }
}

/** The step that a view belongs to; null when all are behind. */
export function stepOf(view: View): Step | null {
  switch (view) {
    case 'columns':
      return 'columns';
    case 'checking':
    case 'checked':
      return 'check';
    case 'moving':
      return 'import';
    case 'result':
      return null;
  }
}

/** Rows that an import stores something of. */
export function storing({ created, updated }: Pick<ImportFigures, 'created' | 'updated'>): number {
  return created + updated;
}

export function flaggedCount({ flagged }: Pick<ImportFigures, 'flagged'>): number {
  return flagged ? flagged.typo + flagged.role + flagged.disposable + flagged.no_mx : 0;
}

/** An undo is possible where something was stored, also when the import was stopped or failed half-way. */
export function canUndo(job: Pick<Import, 'status' | 'created' | 'updated'>): boolean {
  return (job.status === 'done' || job.status === 'failed' || job.status === 'cancelled') && storing(job) > 0;
}
