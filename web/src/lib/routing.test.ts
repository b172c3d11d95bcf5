import { describe, expect, it } from 'vitest';
import { relays } from '@/test/fixtures';
import { domainOf, flowsOf, type Route, routeIssues, shareRange, takesFrom } from './routing';

const base = relays[0] as Route;
const named = (name: string, change: Partial<Route> = {}): Route => ({
  ...base,
  id: name.charCodeAt(0),
  name,
  ...change,
});
const FROM = 'news@example.com';

/** A flow as text: who shares it, and who steps in. */
const told = (routes: Route[]) =>
  flowsOf(routes, FROM).map(
    ({ sites, shares, backups }) =>
      `${sites?.join('+') ?? 'rest'}: ${shares.map(({ relay, part }) => `${relay.name} ${part}`).join(', ')} | ${backups.map(({ name }) => name)}`,
  );

describe('flows', () => {
  it('divide by weight, with the backups behind', () => {
    expect(told([named('C', { weight: 0 }), named('A', { weight: 3 }), named('B')])).toEqual([
      'rest: A 0.75, B 0.25 | C',
    ]);
  });

  it('go through the first backup when there is nothing else', () => {
    expect(told([named('A', { weight: 0 }), named('B', { weight: 0 })])).toEqual(['rest: A 1 | B']);
  });

  it('part where relays take only certain recipients, sites with the same way together', () => {
    const google = named('B', { recipient_sites: ['google', 'yahoo'] });
    expect(told([named('A'), google])).toEqual(['google+yahoo: A 0.5, B 0.5 | ', 'rest: A 1 | ']);
    expect(told([named('A', { weight: 0 }), google])).toEqual(['google+yahoo: B 1 | A', 'rest: A 1 | ']);
    expect(told([google])).toEqual(['google+yahoo: B 1 | ']);
  });

  it('leave out who does not take the From address', () => {
    expect(told([named('A'), named('B', { from_domains: ['example.org'] })])).toEqual(['rest: A 1 | ']);
  });

  it('give the range of a share', () => {
    const [a, b, c] = [named('A'), named('B', { recipient_sites: ['google'] }), named('C', { weight: 0 })] as const;
    const flows = flowsOf([a, b, c], FROM);
    expect([a, b, c].map((relay) => shareRange(relay, flows))).toEqual([[0.5, 1], [0.5, 0.5], null]);
  });
});

it('compares From domains as the server does', () => {
  expect(domainOf('Ada@EXAMPLE.org')).toBe('example.org');
  expect(domainOf('ada@bücher.example')).toBe('xn--bcher-kva.example');
  expect(domainOf('ada')).toBe('');
  expect(takesFrom({ from_domains: ['example.org'] }, 'a@sub.example.org')).toBe(false);
  expect(takesFrom({ from_domains: ['example.org'] }, '')).toBe(true);
});

describe('issues', () => {
  const kinds = (routes: Route[]) => routeIssues(routes, FROM).map(({ kind, relay }) => `${kind} ${relay?.name}`);

  it('are a From domain that is not taken, a pause, and recipients whom nobody takes', () => {
    expect(kinds([named('A'), named('B')])).toEqual([]);
    expect(kinds([named('A', { from_domains: ['example.org'] }), named('B', { status: 'paused' })])).toEqual([
      'from A',
      'paused B',
    ]);
    expect(kinds([named('A', { recipient_sites: ['google'] })])).toEqual(['nobody undefined']);
    expect(kinds([])).toEqual([]);
  });

  it('are an inbox beside servers that send, but not one alone', () => {
    expect(kinds([named('A'), named('I', { kind: 'inbox' })])).toEqual(['inbox I']);
    expect(kinds([named('I', { kind: 'inbox' })])).toEqual([]);
  });
});
