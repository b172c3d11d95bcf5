import { expect, it } from 'vitest';
import { inTrouble, siteState } from './site-state';

const calm = { parked_until: null, halved: 0, misses: 0, put_off_until: null };
const at = '2026-11-26T12:00:00Z';

it.each([
  ['usual', {}, false],
  ['full', { put_off_until: at }, false],
  ['refused', { misses: 3, put_off_until: at }, true],
  ['slower', { misses: 3, halved: 1 }, true],
  ['parked', { halved: 6, parked_until: at }, true],
])('tells %s', (state, change, trouble) => {
  expect(siteState({ ...calm, ...change })).toBe(state);
  expect(inTrouble({ ...calm, ...change })).toBe(trouble);
});
