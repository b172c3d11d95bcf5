/** Where text is put, and with which line breaks, to stand on a line of its own: on the caret's line when that is empty, else below it. */
export function lineOfItsOwn(source: string, caret: number, text: string): { at: number; insert: string } {
  const start = source.lastIndexOf('\n', caret - 1) + 1;
  const next = source.indexOf('\n', caret);
  const end = next === -1 ? source.length : next;
  return { at: end, insert: source.slice(start, end).trim() === '' ? text : `\n${text}` };
}
