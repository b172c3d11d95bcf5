import { describe, expect, it } from 'vitest';
import { checked, importThatIs, uploaded } from '@/test/fixtures';
import { fileProblem } from './file-check';
import { canUndo, stepOf, viewOf } from './import-status';

describe('viewOf', () => {
  it.each([
    ['a file just uploaded', uploaded, false, 'columns'],
    ['a checked file', checked, false, 'checked'],
    ['a checked file, back at the columns', checked, true, 'columns'],
    [
      'a check that failed',
      { ...uploaded, check: checked.check && { ...checked.check, status: 'failed' as const } },
      false,
      'columns',
    ],
    ['a check', { ...uploaded, status: 'checking' as const }, true, 'checking'],
    ['an import', importThatIs('running'), false, 'moving'],
    ['an undo', { ...uploaded, status: 'undoing' as const }, false, 'moving'],
    ['an import that is done', importThatIs('done'), true, 'result'],
    ['an import that was undone', importThatIs('undone'), false, 'result'],
  ])('%s', (_, job, back, view) => expect(viewOf(job, back)).toBe(view));
});

it('has all steps behind it at the result', () => {
  expect(stepOf('checked')).toBe('check');
  expect(stepOf('result')).toBeNull();
});

describe('canUndo', () => {
  const nothing = { created: 0, updated: 0 };
  it('takes back what was stored, also when it was stopped half-way', () => {
    expect(canUndo(importThatIs('done'))).toBe(true);
    expect(canUndo({ status: 'cancelled', created: 0, updated: 3 })).toBe(true);
    expect(canUndo({ status: 'failed', created: 5, updated: 0 })).toBe(true);
  });
  it('has nothing to take back otherwise', () => {
    expect(canUndo({ status: 'done', ...nothing })).toBe(false);
    expect(canUndo(importThatIs('undone'))).toBe(false);
    expect(canUndo(importThatIs('running'))).toBe(false);
  });
});

describe('fileProblem', () => {
  it.each([
    ['people.csv', 10, null],
    ['people.csv.gz', 10, null],
    ['People.XLSX', 10, null],
    ['people', 10, null],
    ['people.csv', 0, 'empty'],
    ['people.xls', 10, 'oldExcel'],
    ['people.ods', 10, 'openDocument'],
    ['people.numbers', 10, 'numbers'],
    ['people.zip', 10, 'archive'],
    ['people.PDF', 10, 'other'],
  ])('%s of %d bytes: %s', (name, size, problem) => expect(fileProblem({ name, size })).toBe(problem));
});
