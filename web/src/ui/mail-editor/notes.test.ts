import { expect, it } from 'vitest';
import { notesOf } from './notes';

const empty = { code: 'unknown_field', message: 'data stays empty' };

it('joins equal warnings, and says of each where it is', () => {
  const warnings = [
    { ...empty, part: 'subject' as const, line: 1 },
    { ...empty, part: 'text' as const, line: 3 },
    { code: 'no_alt', message: 'an image has no text', part: 'html' as const, line: 7 },
    { code: 'no_alt', message: 'an image has no text', part: 'html' as const, line: 9 },
  ];
  expect(notesOf(warnings)).toEqual([
    {
      message: 'data stays empty',
      places: [
        { part: 'subject', line: 1 },
        { part: 'text', line: 3 },
      ],
    },
    {
      message: 'an image has no text',
      places: [
        { part: 'html', line: 7 },
        { part: 'html', line: 9 },
      ],
    },
  ]);
});

it('names no place where the message does', () => {
  const warnings = [{ code: 'empty_subject', message: 'the subject is empty', part: 'subject' as const }];
  expect(notesOf(warnings)).toEqual([{ message: 'the subject is empty', places: [] }]);
});
