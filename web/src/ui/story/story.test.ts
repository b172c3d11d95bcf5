import { expect, it } from 'vitest';
import type { Attempt, DeliveryStory, Event, Report } from '@/api/types';
import { deliveries } from '@/test/fixtures';
import { storyOf } from './story';

const at = (minute: number) => new Date(Date.UTC(2026, 4, 1, 8, minute)).toISOString();

const attempt = (change: Partial<Attempt>): Attempt => ({
  attempt: 1,
  at: at(1),
  relay_name: 'First',
  outcome: 'deferred',
  reply_code: 450,
  reply_status: '4.2.1',
  reply_text: 'later',
  reason: 'greylisted',
  fault: 'receiver',
  ...change,
});

const report = (change: Partial<Report>): Report => ({
  id: 1,
  source: 'mailbox 1',
  kind: 'bounce',
  at: at(5),
  received_at: at(6),
  campaign_id: 1,
  seq: 1,
  subscriber_id: 1,
  matched_by: 'return_path',
  address: 'ada@example.net',
  hard: true,
  reason: 'user_unknown',
  fault: 'recipient',
  status: '5.1.1',
  reply_code: 550,
  diagnostic: 'no such user',
  feedback_type: null,
  action: 'suppressed',
  applied: true,
  has_raw: true,
  ...change,
});

function story(change: Partial<DeliveryStory>): DeliveryStory {
  const [delivery] = deliveries;
  if (!delivery) throw new Error('there is no delivery to begin with');
  const none = { sent_at: null, next_attempt_at: null, attempts_log: [], reports: [], events: [] };
  return { ...delivery, ...none, state: 'queued', queued_at: at(0), first_tried_at: null, ...change };
}

const event = (kind: Event['kind'], minute: number): Event => {
  const [first] = [{ id: minute, at: at(minute), kind, campaign_id: 1, seq: 1, subscriber_id: 1 }];
  return { ...first, url: null, detail: null, user_agent: null } as Event;
};

const whats = (delivery: DeliveryStory) => storyOf(delivery).map((moment) => moment.key);

it('tells everything in the order of time', () => {
  const delivery = story({
    state: 'bounced',
    first_tried_at: at(1),
    sent_at: at(3),
    attempts_log: [attempt({})],
    events: [event('open', 4), event('bounce', 5)],
    reports: [report({})],
  });
  expect(whats(delivery)).toEqual(['queued', 'first_try', 'attempt-1', 'accepted', 'event-4', 'report-1']);
});

it('tells a bounce of which nothing else is known from its event', () => {
  expect(whats(story({ state: 'bounced', events: [event('bounce', 2)] }))).toContain('event-2');
});

it('does not tell a complaint twice, but keeps a later report of a refused delivery', () => {
  const delivery = story({
    state: 'bounced',
    attempts_log: [attempt({ outcome: 'bounced' })],
    events: [event('bounce', 1), event('complaint', 7)],
    reports: [report({ applied: false, action: 'none' }), report({ id: 2, kind: 'complaint', at: at(7) })],
  });
  expect(whats(delivery)).toEqual(['queued', 'attempt-1', 'report-1', 'report-2']);
});

it('says that a delivery ended although no try tells why', () => {
  expect(whats(story({ state: 'failed', updated_at: at(9) }))).toEqual(['queued', 'ended']);
  expect(whats(story({ state: 'failed', attempts_log: [attempt({ outcome: 'failed' })] }))).toEqual([
    'queued',
    'attempt-1',
  ]);
  expect(whats(story({ state: 'unconfirmed', updated_at: at(9) }))).toEqual(['queued', 'ended']);
});

it('puts the next try at the end while there is one', () => {
  const waiting = { next_attempt_at: at(30), attempts_log: [attempt({})] };
  expect(whats(story({ ...waiting, state: 'deferred' }))).toEqual(['queued', 'attempt-1', 'next_try']);
  expect(whats(story({ ...waiting, state: 'skipped', updated_at: at(2) }))).toEqual(['queued', 'attempt-1', 'skipped']);
});
