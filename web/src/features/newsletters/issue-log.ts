import type { IssueWhole } from '@/api/types';

type Entry = IssueWhole['log'][number];

/** The log of an issue with the newest first; what only says the same as the line before it, without a note of its own, is left out. */
export function logRows(log: Entry[]): Entry[] {
  return log
    .filter((entry, index) => {
      const before = log[index - 1];
      const again = entry.action === before?.action || (entry.action === 'preparing' && before?.action === 'prepare');
      return !again || Boolean(entry.note);
    })
    .reverse();
}

/** What a note adds to the title above it: nothing when it repeats it. */
export function noteBeside(title: string, note: string | undefined): string | undefined {
  return note && note.toLowerCase() !== title.toLowerCase() ? note : undefined;
}
