import { describe, expect, test } from 'vitest';
import type { Newsletter } from '@/api/types';
import { errorsUnder, formField, inputOf, tabOf, valuesOf } from './form';
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

test('saving what was not touched changes nothing', () => {
  const stored = {
    ...{ name: 'Letter', description: 'News', public: true, slug: 'letter', language: 'nb', indexed: true },
    sign_up_url: 'https://example.org/join',
    ...{ list_ids: [1], segment_ids: [2], exclude_segment_ids: [3], exclude_list_ids: [4], relay_ids: [5] },
    source: { kind: 'feed', url: 'https://example.org/feed' },
    content: {
      ...{ kind: 'mjml', layout_id: 6, inline_css: false },
      ...{ subject: 'S', preheader: 'P', html: 'H', text: 'T' },
    },
    schedule: { rule: 'FREQ=DAILY', zone: 'Asia/Tokyo', start: '2026-01-01T09:00', exdates: ['2026-01-05'] },
    rules: { min_items: 2, max_items: 9 } as Newsletter['rules'],
    mailing: {
      ...{ from_name: 'A', from_email: 'a@example.org', reply_to: 'b@example.org', ignore_frequency_cap: true },
      ...{ track_opens: false, track_clicks: false, unconfirmed_policy: 'resend', expires_after_hours: 5 },
      ...{ max_bounce_percent: 3, max_complaint_percent: 0.2 },
      window: { zone: 'Asia/Tokyo', days: [1, 2], from: '08:00', to: '18:00' },
    },
  };
  expect(inputOf(valuesOf(stored as unknown as Newsletter))).toEqual(stored);
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
