import { expect, it } from 'vitest';
import { siteName, siteOf } from '@/lib/sites';
import { siteLimits } from '@/test/fixtures';
import { heldLimit, isMeant, isSet, limitRows, withLimit, withoutLimit } from './site-limits';

const none = { per_minute: null, per_hour: null, in_flight: null };
const keys = (items: { site: string; relay_id: number | null }[]) =>
  items.map(({ site, relay_id }) => `${site} ${relay_id}`);

it('lists the limits by name, what holds for all relays first', () => {
  expect(keys(limitRows(siteLimits))).toEqual(['google null', 'google 1', 'orange null']);
  expect(limitRows(siteLimits)[2]).toMatchObject({ name: 'Orange', shipped: false, behind: { per_minute: 60 } });
  expect(limitRows(siteLimits)[0]?.behind).toBeUndefined();
});

it('tells what a limit for one relay stands for: the one for all, before the shipped one', () => {
  expect(limitRows(siteLimits)[1]?.behind).toMatchObject({ per_minute: 300 });
  const { items } = withLimit(siteLimits, { site: 'google', relay_id: null, ...none, per_minute: 77 });
  const all = { ...siteLimits, items: items.map((item) => ({ ...item, shipped: false })) };
  expect(limitRows(all)[1]).toMatchObject({ relay_id: 1, behind: { per_minute: 77 } });
});

it('finds a limit by name, mail servers and relay', () => {
  const found = (words: string) =>
    keys(limitRows(siteLimits).filter((row) => isMeant(row, row.relay_id ? 'Own Postfix' : 'All relays', words)));
  expect(found('GOOGLEMAIL')).toEqual(['google null', 'google 1']);
  expect(found('google postfix')).toEqual(['google 1']);
  expect(found('')).toHaveLength(3);
  expect(found('yahoo')).toEqual([]);
});

it('sends back only what people have set, changed in its place', () => {
  const orange = { site: 'orange', relay_id: null };
  const changed = withLimit(siteLimits, { ...orange, ...none, per_minute: 7 }, orange);
  expect(changed.at).toBe(1);
  expect(changed.items[1]).toEqual({ ...orange, ...none, per_minute: 7 });
  expect(keys(changed.items)).toEqual(['google 1', 'orange null']);
  expect(changed.items[0]).not.toHaveProperty('shipped');
});

it('appends a new limit, also where there is one, so that the server can object', () => {
  const again = withLimit(siteLimits, { site: 'orange', relay_id: null, ...none });
  expect([keys(again.items), again.at]).toEqual([['google 1', 'orange null', 'orange null'], 2]);
  // Somebody else has deleted it meanwhile.
  expect(withLimit(siteLimits, { site: 'x', relay_id: 2, ...none }, { site: 'x', relay_id: 2 }).at).toBe(2);
});

it('takes a limit out', () => {
  expect(keys(withoutLimit(siteLimits, { site: 'orange', relay_id: null }))).toEqual(['google 1']);
});

it('knows which limit holds', () => {
  expect(heldLimit(siteLimits, { site: 'google', relay_id: 1 })).toMatchObject({ relay_id: 1, per_minute: 30 });
  expect(heldLimit(siteLimits, { site: 'google', relay_id: 2 })).toMatchObject({ relay_id: 2, per_minute: 300 });
  expect(heldLimit(siteLimits, { site: 'mx.example.org', relay_id: 2 })).toMatchObject(none);
  expect(isSet(siteLimits, { site: 'google', relay_id: null })).toBe(false);
  expect(isSet(siteLimits, { site: 'google', relay_id: 1 })).toBe(true);
});

it('calls a site by its name, and understands it', () => {
  expect(siteName(siteLimits.known, 'google')).toBe('Google');
  expect(siteName(siteLimits.known, 'example.org')).toBe('example.org');
  expect(siteName([], 'mx1.example.org,mx2.example.org')).toBe('mx1.example.org, mx2.example.org');
  expect(siteOf([], 'mx1.example.org, mx2.example.org')).toBe('mx1.example.org,mx2.example.org');
  expect([' GOOGLE', 'Orange', ' Example.ORG'].map((typed) => siteOf(siteLimits.known, typed))).toEqual([
    'google',
    'orange',
    'example.org',
  ]);
});
