import { expect, it } from 'vitest';
import { guardReason, stoppedByGuard } from './guard';

const reason =
  'stopped by itself: 12 of 100 messages (12.0 %) came back or failed, more than the 8 % that are allowed (9 user unknown); look at the log, then resume or cancel';

it('knows a campaign that stopped by itself from one that somebody paused', () => {
  expect(stoppedByGuard({ status: 'paused', pause_reason: reason })).toBe(true);
  expect(stoppedByGuard({ status: 'paused', pause_reason: 'the relay signs in no more' })).toBe(false);
  expect(stoppedByGuard({ status: 'paused', pause_reason: null })).toBe(false);
});

it('asks nothing once the campaign goes on or has ended', () => {
  expect(stoppedByGuard({ status: 'running', pause_reason: reason })).toBe(false);
  expect(stoppedByGuard({ status: 'cancelled', pause_reason: reason })).toBe(false);
});

it('gives the reason without what is said to readers of a log', () => {
  expect(guardReason(reason)).toBe(
    '12 of 100 messages (12.0 %) came back or failed, more than the 8 % that are allowed (9 user unknown).',
  );
});
