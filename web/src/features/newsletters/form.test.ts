import { describe, expect, test } from 'vitest';
import { errorsUnder, formField, tabOf } from './form';
import { starterFor } from './starter';

describe('objections of the server', () => {
  test('stand at the fields of the form', () => {
    expect(formField('mailing.from_email')).toBe('from_email');
    expect(formField('subject')).toBe('content.subject');
    expect(formField('rules.min_items')).toBe('rules.min_items');
  });
  test('open the tab of their field', () => {
    expect(tabOf('schedule.rule')).toBe('schedule');
    expect(tabOf('content.html')).toBe('content');
    expect(tabOf('list_ids')).toBe('settings');
  });
  test('are told to a part by its own names', () => {
    expect(errorsUnder({ 'schedule.rule': 'bad', name: 'none' }, 'schedule')).toEqual({ rule: 'bad' });
  });
});

test('a template to begin with keeps its frame and shows what the source gives', () => {
  expect(starterFor('feed').html).toContain('{% for item in feed.items %}');
  for (const kind of ['draft', 'feed', 'json'] as const) {
    expect(starterFor(kind).html).toContain('{{ unsubscribe_url }}');
    expect(starterFor(kind).html.match(/<td/g)).toHaveLength(2);
    expect(starterFor(kind).html.match(/<\/td>/g)).toHaveLength(2);
  }
  expect(starterFor('feed').html).not.toContain('Write your news');
});
