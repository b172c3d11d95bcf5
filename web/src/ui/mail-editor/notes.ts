import type { RenderWarning } from '@/api/types';

type Place = Pick<RenderWarning, 'part' | 'line'>;
/** One thing to know of a mail, and where in it; places are empty where the message itself says it. */
export type Note = { message: string; places: Place[] };

/** Warnings with equal ones joined: the same words in the subject and in the text are one note with two places. */
export function notesOf(warnings: RenderWarning[]): Note[] {
  const notes = new Map<string, Note & { all: Place[] }>();
  for (const { message, part, line } of warnings) {
    const note = notes.get(message) ?? { message, places: [], all: [] };
    notes.set(message, note);
    if (!note.all.some((one) => one.part === part && one.line === line)) note.all.push({ part, line });
  }
  return [...notes.values()].map(({ message, all }) => ({
    message,
    places: all.length > 1 || all[0]?.line !== undefined ? all : [],
  }));
}
