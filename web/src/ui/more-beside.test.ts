import { expect, it } from 'vitest';
import { moreBeside } from './more-beside';

it.each([
  [0, 300, undefined],
  [0, 500, 'end'],
  [120, 500, 'both'],
  [200, 500, 'start'],
  [199.5, 500, 'start'],
])('scrolled by %d of a width of %d', (scrollLeft, scrollWidth, more) => {
  expect(moreBeside({ scrollLeft, clientWidth: 300, scrollWidth })).toBe(more);
});
