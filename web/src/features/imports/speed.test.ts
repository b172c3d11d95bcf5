import { describe, expect, it } from 'vitest';
import { speedOf } from './speed';

describe('speedOf', () => {
  it('tells pace and time left of the last seconds', () => {
    const points = [
      { at: 1000, done: 100 },
      { at: 2000, done: 250 },
      { at: 3000, done: 500 },
    ];
    expect(speedOf(points, 1500)).toEqual({ perSecond: 200, secondsLeft: 5 });
  });

  it('does not guess from one look, from moments, or from a standstill', () => {
    expect(speedOf([], 10)).toBeNull();
    expect(speedOf([{ at: 0, done: 1 }], 10)).toBeNull();
    expect(
      speedOf(
        [
          { at: 0, done: 1 },
          { at: 100, done: 5 },
        ],
        10,
      ),
    ).toBeNull();
    expect(
      speedOf(
        [
          { at: 0, done: 5 },
          { at: 5000, done: 5 },
        ],
        10,
      ),
    ).toBeNull();
  });

  it('never has less than nothing left', () => {
    expect(
      speedOf(
        [
          { at: 0, done: 0 },
          { at: 1000, done: 20 },
        ],
        10,
      )?.secondsLeft,
    ).toBe(0);
  });
});
