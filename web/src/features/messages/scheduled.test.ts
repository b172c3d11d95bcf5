import { expect, it } from 'vitest';
import { scheduledFor } from './scheduled';

const at = '2026-11-27T12:00:00Z';
const now = Date.parse('2026-11-27T11:00:00Z');
const waiting = { status: 'deferred', send_at: at, delivery: { attempts: 0 } } as const;

it('says when a message goes out that waits for its moment', () => {
  expect(scheduledFor(waiting, now)).toBe(at);
});

it('says nothing of one that was put off by a server, whose moment has come, or that is in another state', () => {
  expect(scheduledFor({ ...waiting, delivery: { attempts: 1 } }, now)).toBeNull();
  expect(scheduledFor({ ...waiting, send_at: null }, now)).toBeNull();
  expect(scheduledFor(waiting, Date.parse(at))).toBeNull();
  expect(scheduledFor({ ...waiting, status: 'skipped' }, now)).toBeNull();
});
