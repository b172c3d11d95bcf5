import { Problem } from '@/api/problem';
import type { RenderWarning } from '@/api/types';
import type { CodeMark } from './code-editor';

export type ContentField = 'subject' | 'html' | 'text';

/** The lines to mark in one field: the error that stops rendering, and the warnings that know their line of this source. */
export function codeMarks(field: ContentField, error: unknown, warnings: RenderWarning[]): CodeMark[] {
  const marks: CodeMark[] = [];
  if (error instanceof Problem) {
    const message = error.fieldErrors[field];
    const line = message && /\bline (\d+)/i.exec(message)?.[1];
    if (message && line) marks.push({ line: Number(line), message, severity: 'error' });
  }
  for (const warning of warnings) {
    if (warning.part === field && warning.line) {
      marks.push({ line: warning.line, message: warning.message, severity: 'warning' });
    }
  }
  return marks;
}
