import { screen, within } from '@testing-library/react';
import { expect, it } from 'vitest';
import type { Campaign } from '@/api/types';
import { createFakeApi } from '@/test/fake-api';
import { campaigns, summary } from '@/test/fixtures';
import { renderPart } from '@/test/render';
import { RunsCard } from './runs-card';

it('gives no share of those who opened or clicked where that was not counted', async () => {
  const first = campaigns[2] as (typeof campaigns)[number];
  const run = { ...summary(first), track_opens: false, track_clicks: false };
  const items = [run, { ...run, id: 9, parent_id: first.id, run_no: 2, rerun_to: ['failed'] }];
  const fake = createFakeApi();
  fake.on('GET /campaigns/:id/runs', () => ({
    status: 200,
    body: { items, recipients: 3192, reached: 3100, opened: 0, clicked: 0 },
  }));
  renderPart(<RunsCard campaign={first as Campaign} />, fake);
  const rows = within(await screen.findByRole('table', { name: 'Runs' })).getAllByRole('row');
  expect(rows[1]?.textContent).toMatch(/––$/);
  expect(screen.getByText(/each counted once\.$/)).toBeVisible();
});
