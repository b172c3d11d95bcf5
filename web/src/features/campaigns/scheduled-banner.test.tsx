import { screen } from '@testing-library/react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createFakeApi } from '@/test/fake-api';
import { campaigns, overview } from '@/test/fixtures';
import { renderPart } from '@/test/render';
import { ScheduledBanner } from './scheduled-banner';

const NOW = Date.UTC(2026, 10, 23, 12);
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: NOW }));
afterEach(() => void vi.useRealTimers());

function open(seconds: number, stopped: boolean) {
  const fake = createFakeApi();
  fake.on('GET /sending', () => ({ status: 200, body: { ...overview.sending, stopped } }));
  const until = new Date(NOW + seconds * 1000).toISOString();
  const campaign = { ...campaigns[0], status: 'scheduled', scheduled_at: until, undoable_until: until };
  renderPart(<ScheduledBanner campaign={campaign as never} onChange={() => undefined} />, fake);
}

it('counts down to the beginning', async () => {
  open(30, false);
  expect(await screen.findByText(/Begins in 30 sec/)).toBeInTheDocument();
});

it('counts nothing down while all sending is stopped', async () => {
  open(30, true);
  expect(await screen.findByText('It waits until sending is resumed')).toBeInTheDocument();
  expect(screen.getByText(/It would begin at .*2026/)).toBeInTheDocument();
  expect(screen.queryByText(/Begins in/)).toBeNull();
});

it('can be taken back after its time, while a stop holds it', async () => {
  open(-30, true);
  expect(await screen.findByText(/It would have begun at/)).toBeInTheDocument();
  expect(screen.getByRole('button', { name: 'Undo' })).toBeEnabled();
});
