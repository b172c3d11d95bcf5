import { expect, it } from 'vitest';
import { Problem } from '@/api/problem';
import { codeMarks } from './marks';

const error = new Problem(400, { errors: [{ location: 'body.html', message: 'line 12: unknown filter "upcas"' }] });

it('marks the line that a Liquid error names, in its own field only', () => {
  expect(codeMarks('html', error, [])).toEqual([
    { line: 12, severity: 'error', message: 'line 12: unknown filter "upcas"' },
  ]);
  expect(codeMarks('text', error, [])).toEqual([]);
});

it('marks warnings that know their line, in the part they are about', () => {
  const warnings = [
    { code: 'image_alt', part: 'html' as const, message: 'No alternative text', line: 3 },
    { code: 'large', part: 'html' as const, message: 'Larger than 100 kB' },
  ];
  expect(codeMarks('html', null, warnings)).toEqual([{ line: 3, severity: 'warning', message: 'No alternative text' }]);
  expect(codeMarks('text', null, warnings)).toEqual([]);
});
