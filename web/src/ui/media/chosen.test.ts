import { expect, it } from 'vitest';
import { Problem } from '@/api/problem';
import { isRefusal, objection } from './chosen';

it('says before an upload what the server would refuse', () => {
  expect(objection({ type: 'image/png', size: 10 })).toBeUndefined();
  expect(objection({ type: '', size: 10 })).toBeUndefined();
  expect(objection({ type: 'image/png', size: 0 })).toBe('empty');
  expect(objection({ type: 'image/svg+xml', size: 10 })).toBe('svg');
  expect(objection({ type: 'image/heic', size: 10 })).toBe('type');
  expect(objection({ type: 'image/png', size: 20 * 1024 * 1024 + 1 })).toBe('large');
});

it('does not offer to send again what the server will never have', () => {
  expect(isRefusal(new Problem(400, { detail: 'this is no PNG' }))).toBe(true);
  expect(isRefusal(new Problem(413))).toBe(true);
  expect(isRefusal(new Problem(503))).toBe(false);
  expect(isRefusal(new TypeError('network'))).toBe(false);
});
