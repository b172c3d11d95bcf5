import { expect, it } from 'vitest';
import type { Finding } from '@/api/types';
import { preflight } from '@/test/fixtures';
import { areaOfCode, passedAreas, remedyOf, supportOf } from './findings';

const finding = (code: string, severity: Finding['severity'], part = 'html', remedy = 'Mend it.'): Finding => ({
  code,
  severity,
  title: code,
  detail: '',
  remedy,
  where: [{ part, line: 0, selector: '', note: '' }],
  count: 1,
  people: [],
  acknowledged: false,
});

it.each([
  ['no_unsubscribe_link', 'unsubscribe'],
  ['unsubscribe_shortened', 'unsubscribe'],
  ['dns_spf', 'sender'],
  ['images_heavy', 'images'],
  ['mail_ru_breaks', 'programs'],
  ['of_a_later_version', 'words'],
])('puts %s under %s', (code, area) => expect(areaOfCode(code)).toBe(area));

it('counts as in order only what was looked at and has nothing wrong', () => {
  const link = { url: 'https://a.example', text: '', line: 1, state: 'ok' as const, status: 200, chain: [], note: '' };
  const findings = [finding('audience', 'info', ''), finding('forecast', 'info', ''), finding('clipped', 'warning')];
  const passed = passedAreas({ ...preflight, findings, links: [link] }, true);
  expect(passed).toContain('links');
  expect(passed).toContain('audience');
  expect(passed).not.toContain('size');
  expect(passed).not.toContain('spam');
  const unasked = passedAreas({ ...preflight, findings, links: [{ ...link, state: 'unchecked' }] }, true);
  expect(unasked).not.toContain('links');
});

it('claims nothing of a message that could not be made', () => {
  const passed = passedAreas({ ...preflight, samples: 0, findings: [finding('not_built', 'info')] }, true);
  expect(passed).toEqual(['complete', 'sender']);
});

it.each([
  ['dns_dkim', 'from_email', 'domains'],
  ['no_postal_address', 'html', 'settings'],
  ['cannot_start', 'public_url', 'settings'],
  ['cannot_start', 'list_ids', 'details'],
  ['forecast_late', 'relay_ids', 'relays'],
  ['link_broken', 'html', 'content'],
])('leads from %s (%s) to %s', (code, part, to) => expect(remedyOf(finding(code, 'warning', part))).toBe(to));

it('tells mail programs that break something from those that show it plainer', () => {
  const findings = [
    finding('outlook_breaks', 'warning'),
    finding('outlook_ignores', 'info'),
    finding('gmail_ignores', 'info'),
  ];
  const levels = Object.fromEntries(supportOf({ ...preflight, findings }).map((one) => [one.family, one.level]));
  expect(levels).toMatchObject({ outlook: 'breaks', gmail: 'plainer', thunderbird: 'good' });
});
