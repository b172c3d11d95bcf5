import { useEffect, useRef, useState } from 'react';

type Point = { at: number; done: number };

const WINDOW_MS = 8_000;
const SETTLED_MS = 700;

/** Units a second over the last seconds, and how long the rest takes at that pace; null until that can be told. */
export type Speed = { perSecond: number; secondsLeft: number } | null;

export function speedOf(points: Point[], total: number): Speed {
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last || last.at - first.at < SETTLED_MS || last.done <= first.done) return null;
  const perSecond = ((last.done - first.done) / (last.at - first.at)) * 1000;
  return { perSecond, secondsLeft: Math.max(0, total - last.done) / perSecond };
}

/** Follows something that grows from 0 to total. */
export function useSpeed(done: number, total: number): Speed {
  const points = useRef<Point[]>([]);
  const [speed, setSpeed] = useState<Speed>(null);
  useEffect(() => {
    const at = performance.now();
    if (done < (points.current.at(-1)?.done ?? 0)) points.current = [];
    points.current = [...points.current.filter((point) => at - point.at < WINDOW_MS), { at, done }];
    setSpeed(speedOf(points.current, total));
  }, [done, total]);
  return speed;
}
