import { expect, it } from 'vitest';
import { logRows, noteBeside } from './issue-log';

const entry = (action: string, note = '') => ({ at: `2026-11-23T09:00:0${action.length % 10}Z`, action, by: '', note });

it('tells each thing once, the newest first', () => {
  const log = [entry('preparing'), entry('preparing'), entry('ready'), entry('prepare'), entry('preparing')];
  expect(logRows(log as never).map((one) => one.action)).toEqual(['prepare', 'ready', 'preparing']);
});

it('keeps what has a note of its own', () => {
  const log = [entry('held', 'not yet'), entry('held', 'still not')];
  expect(logRows(log as never)).toHaveLength(2);
});

it('leaves out a note that repeats its title', () => {
  expect(noteBeside('To be prepared anew', 'to be prepared anew')).toBeUndefined();
  expect(noteBeside('Held', 'typo')).toBe('typo');
});
