import { expect, type Page } from '@playwright/test';
import { expectAccessible } from './accessible';
import { prepareMailing } from './mailing';
import { test } from './service';

test.use({ instance: 'reports' });
test.describe.configure({ mode: 'serial' });

const WORDS = 'smtp;550 5.1.1 <person1@example.net>: Recipient address rejected: User unknown';

let page: Page;

test.beforeAll(async ({ browser, service }) => {
  const context = await browser.newContext({ baseURL: service.url });
  page = await context.newPage();
  await prepareMailing(page, 3);
  const send = async (path: string, data: object) => {
    const answer = await page.request.post(path, { data });
    expect(answer.ok(), `${path}: ${await answer.text()}`).toBe(true);
    return answer.json().catch(() => ({}));
  };
  await send('/api/v1/campaigns/1/start', {});
  await expect
    .poll(async () => (await (await page.request.get('/api/v1/campaigns/1/stats')).json()).sent, { timeout: 30_000 })
    .toBe(3);
  const source = await send('/api/v1/webhook-sources', { provider: 'postmark' });
  const report = (id: number, address: string, more: object) =>
    send(source.url, {
      ID: id,
      MessageID: `00000000-0000-0000-0000-00000000000${id}`,
      Email: address,
      BouncedAt: new Date().toISOString(),
      ...more,
    });
  const hard = { RecordType: 'Bounce', Type: 'HardBounce', Details: WORDS, Description: '<b>not markup</b>' };
  await report(1, 'person1@example.net', hard);
  await report(2, 'person2@example.net', { RecordType: 'SpamComplaint', Type: 'SpamComplaint' });
  await report(3, 'stranger@example.com', hard);
});

test.afterAll(async () => {
  await page.context().close();
});

/** Nothing that keeps somebody from using what is shown, in both colour schemes, and nothing wider than a phone. */
async function isAccessible() {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await expectAccessible(page);
  }
  const wide = page.viewportSize();
  await page.setViewportSize({ width: 390, height: 844 });
  const wider = () => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  await expect.poll(wider).toBeLessThanOrEqual(0);
  if (wide) await page.setViewportSize(wide);
}

test('what came back is listed, filtered and opened', async () => {
  await page.goto('/bounces');
  await expect(page.getByRole('row')).toHaveCount(4);
  await isAccessible();
  await page.getByRole('combobox', { name: 'Filter by what was done' }).click();
  await page.getByRole('option', { name: /^Nobody’s/ }).click();
  await expect(page.getByRole('row')).toHaveCount(2);
  await expect(page.getByRole('button', { name: 'Report about stranger@example.com' })).toBeVisible();
  await page.goto('/bounces?q=PERSON1@example.net');
  await page.getByRole('button', { name: 'Report about person1@example.net' }).click();
  const drawer = page.getByRole('dialog');
  await expect(drawer.getByText('Address suppressed')).toBeVisible();
  await drawer.getByRole('button', { name: 'Message as received' }).click();
  await expect(drawer.locator('pre')).toContainText('not markup');
  await expect(drawer.locator('pre b')).toHaveCount(0);
  await isAccessible();
});

test('a delivery tells its whole story, and the address can be allowed again', async () => {
  await page.getByRole('link', { name: 'Open the delivery' }).click();
  await expect(page).toHaveURL(/\/campaigns\/1\/deliveries\/\d+$/);
  await expect(page.getByRole('heading', { level: 1, name: 'person1@example.net' })).toBeVisible();
  const story = page.getByRole('region', { name: 'What happened' });
  for (const moment of ['Queued', 'First handed to a relay', /^Accepted by/, 'Came back: not delivered']) {
    await expect(story.getByText(moment, { exact: true })).toBeVisible();
  }
  await expect(story.getByText('No such mailbox', { exact: false })).toBeVisible();
  await isAccessible();
  await page.getByRole('button', { name: 'Allow mail again' }).click();
  await page.getByLabel('Why may it be mailed again?').fill('They have a new mailbox');
  await page.getByRole('dialog').getByRole('button', { name: 'Allow mail again' }).click();
  await expect(page.getByText('Not mailed: Bounced')).toHaveCount(0);
});

test('the figures of the campaign add up, and are downloaded', async () => {
  await page.goto('/campaigns/1');
  const reasons = page.getByRole('region', { name: 'Why mail did not arrive' });
  await expect(reasons.getByText('1 came back', { exact: true })).toBeVisible();
  const { total, providers } = await (await page.request.get('/api/v1/campaigns/1/outcomes')).json();
  expect(total).toMatchObject({ recipients: 3, delivered: 2, came_back: 1, complaints: 1 });
  expect(providers).toHaveLength(1);
  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Download as CSV: Recipient providers' }).click();
  expect((await download).suggestedFilename()).toBe('campaign-1-providers.csv');
  await isAccessible();
});

test('lists and relays show what became of their mail', async () => {
  await page.goto('/lists/1');
  await page.getByRole('tab', { name: 'Statistics' }).click();
  await expect(page.getByRole('link', { name: 'Autumn letter' })).toBeVisible();
  await isAccessible();
  await page.goto('/relays/1');
  await expect(page.getByRole('region', { name: 'What came of it' }).getByText('1 came back')).toBeVisible();
  await isAccessible();
});
