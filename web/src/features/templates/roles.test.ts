import { expect, it } from 'vitest';
import type { Template } from '@/api/types';
import { roleOf, usedBy } from './roles';

const template = (change: Partial<Template>): Template => ({
  id: 1,
  name: 'One',
  role: 'content',
  kind: 'html',
  layout_id: null,
  inline_css: true,
  subject: '',
  preheader: '',
  html: '',
  text: '',
  version: 1,
  created_at: '',
  updated_at: '',
  ...change,
});

it('finds the templates in a layout', () => {
  const layout = template({ id: 7, role: 'layout' });
  const inside = template({ id: 8, layout_id: 7 });
  expect(usedBy(layout, [layout, inside, template({ id: 9, layout_id: 3 })])).toEqual([inside]);
});

it('finds the templates that a snippet stands in, by its whole name in any part', () => {
  const snippet = template({ id: 7, role: 'snippet', name: 'footer (new)' });
  const inHtml = template({ id: 8, html: `<p>{%- snippet 'footer (new)' -%}</p>` });
  const inText = template({ id: 9, text: '{% snippet "footer (new)" %}' });
  const other = template({ id: 10, html: '{% snippet "footer (newer)" %} footer (new)' });
  expect(usedBy(snippet, [snippet, inHtml, inText, other])).toEqual([inHtml, inText]);
});

it('takes anything but a role for contents', () => {
  expect(roleOf('layout')).toBe('layout');
  expect(roleOf('nonsense')).toBe('content');
  expect(roleOf(undefined)).toBe('content');
});
