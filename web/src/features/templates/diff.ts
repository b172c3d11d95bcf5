import type { DiffHunk } from '@/api/types';

export type Line = { number: number; text: string; change: 'same' | 'gone' | 'came' };
/** One line of a comparison side by side; a side is empty where the other has a line more. */
export type Pair = { left: Line | null; right: Line | null };

/** The lines of a hunk under one another, each with its number: of the older text for what went, of the newer one for the rest. */
export function unified(hunk: DiffHunk): Line[] {
  let from = hunk.from_start;
  let to = hunk.to_start;
  return (hunk.lines ?? []).map(({ op, text }) => {
    if (op === '-') return { number: from++, text, change: 'gone' };
    if (op === '+') return { number: to++, text, change: 'came' };
    from++;
    return { number: to++, text, change: 'same' };
  });
}

/** The lines of a hunk side by side: a run of lines that went stands beside the run that came in its place. */
export function sideBySide(hunk: DiffHunk): Pair[] {
  const pairs: Pair[] = [];
  let gone: Line[] = [];
  let came: Line[] = [];
  const flush = () => {
    for (let i = 0; i < Math.max(gone.length, came.length); i++) {
      pairs.push({ left: gone[i] ?? null, right: came[i] ?? null });
    }
    gone = [];
    came = [];
  };
  let from = hunk.from_start;
  for (const line of unified(hunk)) {
    if (line.change === 'came') {
      came.push(line);
      continue;
    }
    if (line.change === 'gone') {
      // Lines that go after others came are another change.
      if (came.length > 0) flush();
      gone.push(line);
    } else {
      flush();
      pairs.push({ left: { ...line, number: from }, right: line });
    }
    from++;
  }
  flush();
  return pairs;
}
