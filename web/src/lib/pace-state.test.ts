import { expect, it } from 'vitest';
import type { Holdup, Pace, Relay } from '@/api/types';
import { ago, relays } from '@/test/fixtures';
import { paceState } from './pace-state';

const NOW = Date.now();
const HOUR = 3600;
const [relay] = relays as [Relay];
const pace = (part: Partial<Pace>): Pace => ({
  connections: 3,
  rest_until: ago(60),
  reason: 'rate_limited',
  reply: '421 slow down',
  changed_at: ago(90),
  ...part,
});
const where = { relay_id: 1, domain_id: null };
const window = { reason: 'outside of the relay’s sending window', until: ago(-9 * HOUR) };

it('is at full speed when nothing is in the way', () => {
  expect(paceState(relay, null, NOW).kind).toBe('full');
});

it('tells what stops the relay before what slows it down', () => {
  const slower = { ...relay, pace: pace({}) };
  expect(paceState(slower, null, NOW).kind).toBe('slower');
  const resting = { ...relay, pace: pace({ rest_until: ago(-60) }) };
  expect(paceState(resting, null, NOW).kind).toBe('resting');
  const blocked = { ...resting, blocked_until: ago(-HOUR), blocked_reason: '550 limit' };
  expect(paceState(blocked, null, NOW)).toEqual({ kind: 'blocked', reason: '550 limit', until: ago(-HOUR) });
  expect(paceState({ ...blocked, status: 'paused' }, null, NOW).kind).toBe('paused');
});

it('forgets a block and a rest that are over', () => {
  expect(paceState({ ...relay, blocked_until: ago(60) }, null, NOW).kind).toBe('full');
  expect(paceState({ ...relay, pace: pace({ connections: relay.max_connections }) }, null, NOW).kind).toBe('full');
});

it('tells a rest with the words of the server, and a closed window as what it is', () => {
  const resting = { ...relay, pace: pace({ rest_until: ago(-60) }) };
  // Read a moment apart, the two need not name the same end.
  const rest: Holdup = { ...where, code: 'resting', reason: 'the relay rests', until: ago(-75) };
  expect(paceState(resting, rest, NOW).kind).toBe('resting');
  expect(paceState(resting, { ...where, ...window, code: 'outside_window' }, NOW)).toEqual({
    kind: 'held_up',
    ...window,
  });
});

it('tells that the relay cannot be reached', () => {
  expect(paceState({ ...relay, pause_reason: 'no route' }, null, NOW)).toEqual({ kind: 'trouble', reason: 'no route' });
});
