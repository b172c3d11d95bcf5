import type { MailchimpNote } from '@/api/types';
import type { CodeMark } from '@/ui/mail-editor/code-editor';

/** What was not translated, at its line of the HTML. A translation keeps the lines of its source. */
export function marksOf(report: MailchimpNote[]): CodeMark[] {
  return report
    .filter((note) => note.part === 'html' && !note.translated)
    .map((note) => ({ line: note.line, severity: 'warning', message: `${note.source}: ${note.note}` }));
}
