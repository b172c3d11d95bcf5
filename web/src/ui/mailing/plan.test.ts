import { expect, it } from 'vitest';
import { i18n } from '@/lib/i18n';
import { flowsOf, type Route } from '@/lib/routing';
import { relays } from '@/test/fixtures';
import { planOf, roleOf } from './plan';

const named = (name: string, weight: number, recipient_sites: string[] = []): Route => ({
  ...(relays[0] as Route),
  id: name.charCodeAt(0),
  name,
  weight,
  recipient_sites,
});
const FROM = 'news@example.com';
const plan = (...routes: Route[]) =>
  planOf(i18n.t, flowsOf(routes, FROM), (site) => (site === 'google' ? 'Google' : site));

it.each<[string, Route[], string[]]>([
  ['one relay', [named('A', 1)], ['Everything goes through A.']],
  ['halves', [named('A', 1), named('B', 1)], ['Half goes through A, half through B.']],
  [
    'quarters and a backup for both',
    [named('A', 3), named('B', 1), named('C', 0)],
    ['Three quarters go through A, one quarter through B; C only when neither can be used.'],
  ],
  ['a backup for one', [named('A', 5), named('B', 0)], ['Everything goes through A; B only when A cannot be used.']],
  [
    'backups in their order',
    [named('A', 1), named('C', 0), named('B', 0)],
    ['Everything goes through A; C, then B only when A cannot be used.'],
  ],
  [
    'shares without a name, all of them in per cent',
    [named('A', 5), named('B', 3), named('C', 2), named('D', 0)],
    ['50% goes through A, 30% through B, 20% through C; D only when none of them can be used.'],
  ],
  [
    'a provider of its own way',
    [named('A', 0), named('B', 1, ['google', 'example.org'])],
    ['Mail to Google and example.org goes through B; A only when B cannot be used.', 'Everything else goes through A.'],
  ],
  [
    'a provider that is shared',
    [named('A', 2), named('B', 1, ['google'])],
    ['Of the mail to Google, two thirds go through A, one third through B.', 'Everything else goes through A.'],
  ],
])('tells %s in plain words', (_, routes, sentences) => {
  expect(plan(...routes)).toEqual(sentences);
});

it('names the part of each relay', () => {
  const routes = [named('A', 1), named('B', 1, ['google']), named('C', 0)];
  const other = { ...named('D', 1), from_domains: ['example.org'] };
  const flows = flowsOf([...routes, other], FROM);
  expect([...routes, other].map((relay) => roleOf(i18n.t, relay, flows))).toEqual([
    '50% to 100%',
    '50%',
    'Backup',
    null,
  ]);
});
