import { screen, waitFor } from '@testing-library/react';
import { expect, it } from 'vitest';
import { createFakeApi } from '@/test/fake-api';
import { ago, forecast } from '@/test/fixtures';
import { renderPart } from '@/test/render';
import { ForecastNote } from './forecast-note';

const at = ago(-86_400);

it('asks for the time that was chosen, and tells the end of a mailing that begins then', async () => {
  const fake = createFakeApi();
  fake.on('GET /campaigns/:id/forecast', () => ({
    status: 200,
    body: { ...forecast, starts_at: at, ends_at: ago(-172_800) },
  }));
  renderPart(<ForecastNote campaignId={4} kind="schedule" messages={10} startAt={at} />, fake);
  expect(await screen.findByText(/^Begun then, the last message goes out around/)).toBeVisible();
  const asked = fake.requests.find(({ path }) => path === '/campaigns/4/forecast');
  expect(asked?.query.get('start_at')).toBe(at);
  expect(asked?.query.get('messages')).toBe('10');
});

it('is silent about a mailing that is through soon after it began, whenever that is', async () => {
  const fake = createFakeApi();
  fake.on('GET /campaigns/:id/forecast', () => ({
    status: 200,
    body: { ...forecast, starts_at: at, ends_at: ago(-86_400 - 60) },
  }));
  renderPart(<ForecastNote campaignId={4} kind="schedule" messages={10} startAt={at} />, fake);
  await waitFor(() => expect(fake.requests.some(({ path }) => path === '/campaigns/4/forecast')).toBe(true));
  await new Promise((done) => setTimeout(done));
  expect(screen.queryByText(/goes out around/)).not.toBeInTheDocument();
});

it('asks nothing for nobody', async () => {
  const { fake } = renderPart(<ForecastNote campaignId={4} kind="start" messages={0} />);
  await new Promise((done) => setTimeout(done));
  expect(fake.requests.some(({ path }) => path === '/campaigns/4/forecast')).toBe(false);
});
