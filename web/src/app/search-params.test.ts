import { expect, it } from 'vitest';
import { optionalNumber, safePath } from './search-params';

it.each(['//evil.example', '/\\evil.example', 'https://evil.example', 'javascript:alert(1)', 7])(
  'refuses %s as the page after the log-in',
  (value) => expect(safePath('next', value)).toEqual({}),
);

it('takes a path of this site', () => {
  expect(safePath('next', '/campaigns/3?tab=mail')).toEqual({ next: '/campaigns/3?tab=mail' });
});

it('takes only whole numbers above zero', () => {
  expect([3, '4', 0, -1, 1.5, 'x', undefined].map((value) => optionalNumber('id', value).id)).toEqual([
    3,
    4,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});
