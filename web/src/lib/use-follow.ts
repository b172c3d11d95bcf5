import type { UseFormReturnType } from '@mantine/form';
import { useEffect, useRef } from 'react';

type Values = Record<string, unknown>;
type FollowForm<T extends Values> = Pick<
  UseFormReturnType<T>,
  'getValues' | 'setValues' | 'resetDirty' | 'errors' | 'setErrors'
>;

/**
 * Keeps a form on what the server has. Each save sends the whole thing, so a form that stayed on what it began with, an old answer from the
 * cache perhaps, would write back what somebody else has changed since. A field that nobody touched takes each new value; one that somebody
 * writes in keeps it. Gives back what a save calls with what it sent and what the server has made of it.
 */
export function useFollow<T extends Values>(form: FollowForm<T>, stored: T): (sent: T, saved: T) => void {
  const base = useRef(stored);
  const follow = (was: T, now: T) => {
    base.current = now;
    const values = form.getValues();
    const next = rebase(values, was, now);
    if (!same(next, values)) {
      const { errors } = form;
      form.setValues(next);
      form.setErrors(errors);
    }
    form.resetDirty(now);
  };
  const text = JSON.stringify(stored);
  // Only another answer of the server is news.
  useEffect(() => {
    if (!same(base.current, stored)) follow(base.current, stored);
  }, [text]);
  return follow;
}

/** What somebody made of `was`, carried over to `now`: their changes, and else what stands there now. */
export function rebase<T>(values: T, was: T, now: T): T {
  if (isRecord(values) && isRecord(was) && isRecord(now)) {
    const merged: Values = { ...values };
    for (const key of Object.keys(now)) merged[key] = rebase<unknown>(values[key], was[key], now[key]);
    return merged as T;
  }
  return same(values, was) ? now : values;
}

const isRecord = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function same(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((one, i) => same(one, b[i]));
  if (isRecord(a) && isRecord(b)) {
    const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
    return [...keys].every((key) => same(a[key], b[key]));
  }
  return Object.is(a, b);
}
