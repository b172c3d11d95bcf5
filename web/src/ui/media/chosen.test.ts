import { expect, it } from 'vitest';
import { objection } from './chosen';

it('says before an upload what the server would refuse', () => {
  expect(objection({ type: 'image/png', size: 10 })).toBeUndefined();
  expect(objection({ type: '', size: 10 })).toBeUndefined();
  expect(objection({ type: 'image/png', size: 0 })).toBe('empty');
  expect(objection({ type: 'image/svg+xml', size: 10 })).toBe('svg');
  expect(objection({ type: 'image/heic', size: 10 })).toBe('type');
  expect(objection({ type: 'image/png', size: 20 * 1024 * 1024 + 1 })).toBe('large');
});
